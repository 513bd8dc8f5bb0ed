#include "cli/withdrawal.h"

/* A recording that was accepted, and the name it was looked for by. */
struct match {
    const char *name; /* borrowed from the names */
    struct spira_value *recording;
};

struct search {
    const struct spira_worker *worker;
    const char **names; /* sorted; the texts are borrowed */
    size_t name_count;
    struct match *matches;
    size_t match_count;
};

static void search_done(struct search *search)
{
    for (size_t i = 0; i < search->match_count; i++)
        spira_value_free(search->matches[i].recording);
    free(search->matches);
    free(search->names);
}

static const char *digest_of(const struct match *match)
{
    return spira_value_get_text(match->recording, "sha256", "");
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int by_digest(const void *a, const void *b)
{
    return strcmp(digest_of(a), digest_of(b));
}

static int by_name(const void *a, const void *b)
{
    int order = strcmp(((const struct match *)a)->name, ((const struct match *)b)->name);
    return order ? order : by_digest(a, b);
}

/* Keeps the recording of an event if this, which the event says, is one of the names. */
static void keep(struct search *search, const char *said, const struct spira_value *event)
{
    const char **name =
        bsearch(&said, search->names, search->name_count, sizeof *search->names, by_text);
    if (!name)
        return;
    const char *sha256 = spira_value_as_text(spira_value_find(event, "recording.sha256"), "");
    const char *patient = spira_value_get_text(event, "patient", NULL);
    struct spira_value *recording = spira_value_map();
    spira_value_set_text(recording, "recording_id",
                         spira_value_get_text(event, "recording_id", sha256));
    spira_value_set_text(recording, "sha256", sha256);
    if (patient)
        spira_value_set_text(recording, "patient", patient);
    search->matches =
        spira_realloc(search->matches, search->match_count + 1, sizeof *search->matches);
    search->matches[search->match_count++] = (struct match){.name = *name, .recording = recording};
}

static enum spira_code visit(void *context, const struct spira_message *message,
                             struct spira_error *err)
{
    (void)err;
    struct search *search = context;
    const char *event;
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *value = NULL;
    struct spira_error unreadable; /* no recording */
    if (spira_event_open(search->worker, message, &event, &value, &unreadable) != SPIRA_OK)
        return SPIRA_OK;
    keep(search, spira_value_as_text(spira_value_find(value, "recording.sha256"), ""), value);
    keep(search, spira_value_get_text(value, "recording_id", ""), value);
    return SPIRA_OK;
}

static enum spira_code read_accepted(struct search *search, struct spira_error *err)
{
    const struct spira_event_bus bus = search->worker->bus;
    SPIRA_CLEANUP(spira_free_at)
    char *topic = spira_topic(search->worker, "audio.accepted");
    SPIRA_CLEANUP(spira_free_at)
    struct spira_offset_range *ranges = NULL;
    size_t count = 0;
    enum spira_code code = spira_bus_ranges(bus, topic, &ranges, &count, err);
    for (size_t i = 0; code == SPIRA_OK && i < count; i++)
        code = spira_bus_read(bus, &ranges[i], visit, search, err);
    return code;
}

/* Sorts the matches and drops those that compare equal to the one before. */
static void sort_matches(struct search *search, int (*compare)(const void *, const void *))
{
    struct match *matches = search->matches;
    size_t kept = 0;
    if (search->match_count == 0)
        return;
    qsort(matches, search->match_count, sizeof *matches, compare);
    for (size_t i = 0; i < search->match_count; i++)
        if (kept > 0 && compare(&matches[kept - 1], &matches[i]) == 0)
            spira_value_free(matches[i].recording);
        else
            matches[kept++] = matches[i];
    search->match_count = kept;
}

/* Every name means one recording. The matches are sorted by name. */
static enum spira_code check(const struct search *search, struct spira_error *err)
{
    size_t at = 0;
    for (size_t i = 0; i < search->name_count; i++) {
        const char *name = search->names[i];
        if (i > 0 && strcmp(name, search->names[i - 1]) == 0)
            continue;
        const struct match *found = &search->matches[at];
        size_t from = at;
        while (at < search->match_count && strcmp(search->matches[at].name, name) == 0)
            at++;
        if (at == from)
            return spira_fail(err, SPIRA_ENOTFOUND, "no recording '%s' was accepted", name);
        if (at - from > 1)
            return spira_fail(err, SPIRA_EINVALID,
                              "%zu recordings were accepted as '%s': name each by its SHA-256 (%s, "
                              "%s%s)",
                              at - from, name, digest_of(&found[0]), digest_of(&found[1]),
                              at - from > 2 ? ", ..." : "");
    }
    return SPIRA_OK;
}

enum spira_code spira_withdrawal_find(const struct spira_worker *worker, const char *const *names,
                                      size_t count, struct spira_value **ret_recordings,
                                      struct spira_error *err)
{
    SPIRA_CLEANUP(search_done)
    struct search search = {
        .worker = worker,
        .names = spira_alloc(count + 1, sizeof *search.names),
        .name_count = count,
    };
    memcpy(search.names, names, count * sizeof *names);
    qsort(search.names, count, sizeof *search.names, by_text);
    enum spira_code code = read_accepted(&search, err);
    sort_matches(&search, by_name);
    if (code == SPIRA_OK)
        code = check(&search, err);
    if (code != SPIRA_OK)
        return code;
    sort_matches(&search, by_digest);
    *ret_recordings = spira_value_list();
    for (size_t i = 0; i < search.match_count; i++)
        spira_value_append(*ret_recordings, spira_value_copy(search.matches[i].recording));
    return SPIRA_OK;
}

enum spira_code spira_withdrawal_emit(const struct spira_worker *worker,
                                      const struct spira_value *recordings, const char *reason,
                                      struct spira_error *err)
{
    enum spira_code code = SPIRA_OK;
    for (size_t i = 0; code == SPIRA_OK && i < spira_value_count(recordings); i++) {
        const struct spira_value *recording = spira_value_at(recordings, i);
        const char *id = spira_value_get_text(recording, "recording_id", "");
        const char *patient = spira_value_get_text(recording, "patient", NULL);
        struct spira_value *event = spira_value_map();
        spira_value_set_text(event, "sha256", spira_value_get_text(recording, "sha256", ""));
        if (patient)
            spira_value_set_text(event, "patient", patient);
        if (reason)
            spira_value_set_text(event, "reason", reason);
        code = spira_event_emit(worker, "audio.withdrawn", patient ? patient : id, id, event, err);
    }
    return code;
}
