#include "workers/common/run/corpus_ranges.h"

#include <ctype.h>
#include <errno.h>

#include "core/base/moment.h"
#include "core/run/manifest.h"

enum spira_code spira_corpus_bound_parse(const char *option, const char *text,
                                         struct spira_corpus_bound *ret_bound,
                                         struct spira_error *err)
{
    *ret_bound = (struct spira_corpus_bound){.kind = SPIRA_BOUND_NONE};
    if (!text)
        return SPIRA_OK;
    if (spira_moment_parse(text, &ret_bound->value)) {
        ret_bound->kind = SPIRA_BOUND_TIME;
        return SPIRA_OK;
    }
    char *end = NULL;
    errno = 0;
    ret_bound->value = isdigit((unsigned char)*text) ? strtoll(text, &end, 10) : 0;
    if (!end || *end || errno)
        return spira_fail(err, SPIRA_EINVALID,
                          "--%s: '%s' is neither a time such as 2026-03-01T12:00:00Z nor an offset",
                          option, text);
    ret_bound->kind = SPIRA_BOUND_OFFSET;
    return SPIRA_OK;
}

/* Gives where a bound lies in a partition; otherwise where it has none. */
static enum spira_code find_bound(const struct spira_worker *worker,
                                  const struct spira_offset_range *whole,
                                  struct spira_corpus_bound bound, int64_t otherwise,
                                  int64_t *ret_offset, struct spira_error *err)
{
    int64_t offset = bound.kind == SPIRA_BOUND_OFFSET ? bound.value : otherwise;
    enum spira_code code = SPIRA_OK;
    if (bound.kind == SPIRA_BOUND_TIME)
        code = spira_bus_offset_at(worker->bus, whole->topic, whole->partition, bound.value,
                                   &offset, err);
    offset = offset < whole->from ? whole->from : offset;
    *ret_offset = offset > whole->to ? whole->to : offset;
    return code;
}

static enum spira_code narrow(const struct spira_worker *worker, struct spira_offset_range *range,
                              struct spira_corpus_bound from, struct spira_corpus_bound to,
                              struct spira_error *err)
{
    const struct spira_offset_range whole = *range;
    enum spira_code code = find_bound(worker, &whole, from, whole.from, &range->from, err);
    if (code == SPIRA_OK)
        code = find_bound(worker, &whole, to, whole.to, &range->to, err);
    if (range->to < range->from)
        range->to = range->from;
    return code;
}

/* Ranges of several topics. */
struct ranges {
    struct spira_offset_range *all;
    size_t count;
};

static void ranges_done(struct ranges *ranges)
{
    free(ranges->all);
}

static void append(struct ranges *ranges, const struct spira_offset_range *more, size_t count)
{
    if (count == 0)
        return;
    ranges->all = spira_realloc(ranges->all, ranges->count + count, sizeof *ranges->all);
    memcpy(ranges->all + ranges->count, more, count * sizeof *more);
    ranges->count += count;
}

/* Adds what the topic of an event holds between two bounds. */
static enum spira_code add_topic(const struct spira_worker *worker, const char *event,
                                 struct spira_corpus_bound from, struct spira_corpus_bound to,
                                 struct ranges *ranges, struct spira_error *err)
{
    SPIRA_CLEANUP(spira_free_at)
    char *topic = spira_topic(worker, event);
    SPIRA_CLEANUP(spira_free_at)
    struct spira_offset_range *found = NULL;
    size_t count = 0;
    enum spira_code code = spira_bus_ranges(worker->bus, topic, &found, &count, err);
    for (size_t i = 0; code == SPIRA_OK && i < count; i++)
        code = narrow(worker, &found[i], from, to, err);
    if (code == SPIRA_OK)
        append(ranges, found, count);
    return code;
}

/* Adds every withdrawal until now: it holds for recordings accepted before it and after. */
static enum spira_code add_withdrawn(const struct spira_worker *worker, struct ranges *ranges,
                                     struct spira_error *err)
{
    const struct spira_corpus_bound none = {.kind = SPIRA_BOUND_NONE};
    return add_topic(worker, "audio.withdrawn", none, none, ranges, err);
}

/* Gives the ranges away. */
static void give(struct ranges *ranges, struct spira_offset_range **ret_ranges, size_t *ret_count)
{
    *ret_ranges = ranges->all;
    *ret_count = ranges->count;
    ranges->all = NULL;
}

enum spira_code spira_corpus_ranges(const struct spira_worker *worker,
                                    struct spira_corpus_bound from, struct spira_corpus_bound to,
                                    struct spira_offset_range **ret_ranges, size_t *ret_count,
                                    struct spira_error *err)
{
    bool by_offset = from.kind == SPIRA_BOUND_OFFSET || to.kind == SPIRA_BOUND_OFFSET;
    SPIRA_CLEANUP(ranges_done)
    struct ranges ranges = {0};
    enum spira_code code = add_topic(worker, "audio.accepted", from, to, &ranges, err);
    if (code == SPIRA_OK && !by_offset)
        code = add_topic(worker, "audio.rejected", from, to, &ranges, err);
    if (code == SPIRA_OK)
        code = add_withdrawn(worker, &ranges, err);
    if (code == SPIRA_OK)
        give(&ranges, ret_ranges, ret_count);
    return code;
}

enum spira_code spira_corpus_ranges_like(const struct spira_worker *worker,
                                         const struct spira_value *manifest,
                                         struct spira_offset_range **ret_ranges, size_t *ret_count,
                                         struct spira_error *err)
{
    SPIRA_CLEANUP(spira_free_at)
    char *withdrawn = spira_topic(worker, "audio.withdrawn");
    SPIRA_CLEANUP(spira_free_at)
    struct spira_offset_range *old = NULL;
    size_t count = 0;
    SPIRA_CLEANUP(ranges_done)
    struct ranges ranges = {0};
    enum spira_code code = spira_manifest_corpus(manifest, &old, &count, err);
    for (size_t i = 0; i < count; i++)
        if (strcmp(old[i].topic, withdrawn) != 0)
            append(&ranges, &old[i], 1);
    if (code == SPIRA_OK)
        code = add_withdrawn(worker, &ranges, err);
    if (code == SPIRA_OK)
        give(&ranges, ret_ranges, ret_count);
    return code;
}
