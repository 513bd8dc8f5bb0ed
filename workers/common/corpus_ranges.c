#include "workers/common/corpus_ranges.h"

#include <ctype.h>
#include <errno.h>

#include "core/base/moment.h"

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

enum spira_code spira_corpus_ranges(const struct spira_worker *worker,
                                    struct spira_corpus_bound from, struct spira_corpus_bound to,
                                    struct spira_offset_range **ret_ranges, size_t *ret_count,
                                    struct spira_error *err)
{
    static const char *const events[] = {"audio.accepted", "audio.rejected"};
    bool by_offset = from.kind == SPIRA_BOUND_OFFSET || to.kind == SPIRA_BOUND_OFFSET;
    SPIRA_CLEANUP(spira_free_at)
    struct spira_offset_range *all = NULL;
    size_t total = 0;
    for (size_t i = 0; i < (by_offset ? 1 : sizeof events / sizeof *events); i++) {
        SPIRA_CLEANUP(spira_free_at)
        char *topic = spira_topic(worker, events[i]);
        SPIRA_CLEANUP(spira_free_at)
        struct spira_offset_range *ranges = NULL;
        size_t count = 0;
        enum spira_code code = spira_bus_ranges(worker->bus, topic, &ranges, &count, err);
        for (size_t j = 0; code == SPIRA_OK && j < count; j++)
            code = narrow(worker, &ranges[j], from, to, err);
        if (code != SPIRA_OK)
            return code;
        all = spira_realloc(all, total + count, sizeof *all);
        memcpy(all + total, ranges, count * sizeof *all);
        total += count;
    }
    *ret_ranges = all;
    *ret_count = total;
    all = NULL;
    return SPIRA_OK;
}
