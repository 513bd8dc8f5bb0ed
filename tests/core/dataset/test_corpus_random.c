#include <criterion/criterion.h>

#include "tests/core/dataset/corpus_parts.h"

enum { DIGESTS = 12, NAMES = 16 };

/* An event whose digest and recording id are small numbers, in hex. */
struct drawn {
    enum spira_corpus_kind kind;
    bool noise;
    char sha256[3]; /* of a rejected one: its reason */
    char id[3];
    const char *patient, *split;
    int64_t time_ms, offset;
};

/* One of many events. Those with numbers three apart have each its own (kind, offset), as messages
 * have. */
static struct drawn draw(size_t number)
{
    static const char *const splits[] = {NULL, "train", "test"};
    static const char *const patients[] = {NULL, "ann", "bob", "eve"};
    struct spira_random random = spira_random_stream(number, SPIRA_FOR_SHUFFLE, 0, 0);
    struct drawn event = {.offset = (int64_t)number};
    snprintf(event.sha256, sizeof event.sha256, "%02x",
             (unsigned)spira_random_below(&random, DIGESTS));
    snprintf(event.id, sizeof event.id, "%02x", (unsigned)spira_random_below(&random, NAMES));
    event.time_ms = (int64_t)spira_random_below(&random, 3);
    uint64_t kind = spira_random_below(&random, 12);
    event.kind = kind == 0  ? SPIRA_CORPUS_WITHDRAWN
                 : kind < 4 ? SPIRA_CORPUS_REJECTED
                            : SPIRA_CORPUS_ACCEPTED;
    event.noise = kind == 4;
    if (event.kind == SPIRA_CORPUS_WITHDRAWN) /* it has no name of its own */
        memcpy(event.id, event.sha256, sizeof event.id);
    if (event.kind != SPIRA_CORPUS_ACCEPTED)
        event.offset /= 3;
    event.patient = patients[spira_random_below(&random, 4)];
    event.split = splits[spira_random_below(&random, 3)];
    return event;
}

static void add_event(struct spira_corpus_builder *builder, size_t number)
{
    const struct drawn event = draw(number);
    struct spira_value *value =
        event.kind == SPIRA_CORPUS_WITHDRAWN  ? withdrawn(event.sha256)
        : event.kind == SPIRA_CORPUS_REJECTED ? rejected(event.id, event.sha256)
        : event.noise                         ? noise(event.id, event.sha256)
                      : speech(event.id, event.sha256, 1, event.patient, event.split);
    add(builder, event.kind, value, event.time_ms, event.offset);
}

/* What a corpus says of events, worked out as its header tells it. */
struct twin {
    struct drawn events[60];
    size_t count;
};

static bool is_newer(const struct drawn *a, const struct drawn *b)
{
    if (a->time_ms != b->time_ms)
        return a->time_ms > b->time_ms;
    return a->offset != b->offset ? a->offset > b->offset : a->kind < b->kind;
}

/* The event that stands for a digest, or NULL. */
static const struct drawn *standing(const struct twin *twin, const char *sha256)
{
    const struct drawn *newest = NULL;
    for (size_t i = 0; i < twin->count; i++) {
        const struct drawn *event = &twin->events[i];
        if (event->kind == SPIRA_CORPUS_REJECTED || strcmp(event->sha256, sha256) != 0)
            continue;
        if (event->kind == SPIRA_CORPUS_WITHDRAWN)
            return NULL;
        newest = !newest || is_newer(event, newest) ? event : newest;
    }
    return newest;
}

static const char *patient_of(const struct drawn *event)
{
    return event->patient ? event->patient : event->sha256;
}

static const char *prescribed_for(const struct twin *twin, const char *patient)
{
    const struct drawn *newest = NULL;
    for (size_t i = 0; i < twin->count; i++) {
        const struct drawn *event = &twin->events[i];
        if (standing(twin, event->sha256) == event && !event->noise && event->split &&
            strcmp(patient_of(event), patient) == 0 && (!newest || is_newer(event, newest)))
            newest = event;
    }
    return newest ? newest->split : NULL;
}

/* The newest event of a recording id, if that is a rejection. */
static const struct drawn *last_rejection(const struct twin *twin, const char *id)
{
    const struct drawn *newest = NULL;
    for (size_t i = 0; i < twin->count; i++)
        if (strcmp(twin->events[i].id, id) == 0 && (!newest || is_newer(&twin->events[i], newest)))
            newest = &twin->events[i];
    return newest && newest->kind == SPIRA_CORPUS_REJECTED ? newest : NULL;
}

static bool came_as(const struct twin *twin, const char *sha256, const char *id)
{
    for (size_t i = 0; i < twin->count; i++)
        if (twin->events[i].kind == SPIRA_CORPUS_ACCEPTED &&
            strcmp(twin->events[i].sha256, sha256) == 0 && strcmp(twin->events[i].id, id) == 0)
            return true;
    return false;
}

/* Writes what the digest is: a noise, a recording or, where wanted, one in conflict. */
static void tell_digest(const struct twin *twin, const char *sha256, bool conflicts, FILE *out)
{
    const struct drawn *event = standing(twin, sha256);
    if (!event || (event->noise && conflicts))
        return;
    if (event->noise) {
        fprintf(out, "noises %s %s\n", sha256, event->id);
        return;
    }
    const char *split = prescribed_for(twin, patient_of(event));
    const bool conflict = event->split && strcmp(event->split, split) != 0;
    if (conflict != conflicts)
        return;
    if (conflict)
        fprintf(out, "rejected %s split_conflict\n", event->id);
    else
        fprintf(out, "recordings %s %s %s %s\n", sha256, event->id, patient_of(event),
                split ? split : "-");
}

/* Writes what is told of a name in the lists of notes. */
static void tell_name(const struct twin *twin, const char *id, FILE *out)
{
    const struct drawn *rejection = last_rejection(twin, id);
    if (rejection)
        fprintf(out, "rejected %s %s\n", id, rejection->sha256);
    for (unsigned digest = 0; digest < DIGESTS; digest++) {
        char sha256[3];
        snprintf(sha256, sizeof sha256, "%02x", digest);
        const struct drawn *event = standing(twin, sha256);
        if (event && strcmp(event->id, id) == 0)
            tell_digest(twin, sha256, true, out);
        else if (event && came_as(twin, sha256, id))
            fprintf(out, "duplicates %s the same recording as %s\n", id, event->id);
    }
}

/* What the corpus of the twin's events says, a line a row; of each list in its order. */
static char *told(const struct twin *twin)
{
    char *text = NULL, number[3];
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    for (unsigned id = 0; id < NAMES; id++) {
        snprintf(number, sizeof number, "%02x", id);
        tell_name(twin, number, out);
    }
    for (unsigned digest = 0; digest < DIGESTS; digest++) {
        snprintf(number, sizeof number, "%02x", digest);
        tell_digest(twin, number, false, out);
    }
    cr_assert_eq(fclose(out), 0);
    return text;
}

/* Whether the corpus has exactly the lines of its list, in their order. */
static void expect_told(const struct spira_value *corpus, const char *expected, size_t trial)
{
    for (int list = 0; list < SPIRA_CORPUS_LISTS; list++) {
        const struct spira_value *rows = spira_value_get(corpus, list_names[list]);
        const bool notes = list == SPIRA_CORPUS_DUPLICATES || list == SPIRA_CORPUS_REFUSED;
        size_t found = 0;
        const char *line = expected;
        for (size_t length; *line; line += length + 1) {
            length = strcspn(line, "\n");
            if (strncmp(line, list_names[list], strlen(list_names[list])) != 0)
                continue;
            cr_assert_lt(found, spira_value_count(rows), "trial %zu: no %.*s", trial, (int)length,
                         line);
            const struct spira_value *row = spira_value_at(rows, found++);
            const char *id = spira_value_get_text(row, "recording_id", "?");
            SPIRA_CLEANUP(spira_free_at)
            char *is =
                notes ? spira_format(
                            "%s %s %s", list_names[list], id,
                            spira_value_get_text(
                                row, list == SPIRA_CORPUS_REFUSED ? "reason" : "message", "?"))
                : list == SPIRA_CORPUS_NOISES
                    ? spira_format("noises %s %s", spira_value_get_text(row, "sha256", "?"), id)
                    : spira_format("recordings %s %s %s %s",
                                   spira_value_get_text(row, "sha256", "?"), id,
                                   spira_value_get_text(row, "patient", "?"),
                                   spira_value_get_text(row, "split", "-"));
            cr_assert(strlen(is) == length && strncmp(is, line, length) == 0,
                      "trial %zu: %s, not %.*s", trial, is, (int)length, line);
        }
        cr_assert_eq(found, spira_value_count(rows), "trial %zu: %zu %s too many", trial,
                     spira_value_count(rows) - found, list_names[list]);
    }
}

Test(corpus_random, says_of_random_events_what_its_rules_say)
{
    for (size_t trial = 0; trial < 2000; trial++) {
        struct spira_corpus_builder *builder = new_builder();
        struct twin twin = {.count = 1 + trial % 60};
        for (size_t i = 0; i < twin.count; i++) {
            const size_t number = 3 * (60 * trial + i);
            twin.events[i] = draw(number);
            add_event(builder, number);
        }
        SPIRA_CLEANUP(spira_value_free_at)
        struct spira_value *corpus = resolved(builder);
        SPIRA_CLEANUP(spira_free_at)
        char *expected = told(&twin);
        expect_told(corpus, expected, trial);
    }
}

Test(corpus_random, is_the_same_for_the_events_in_any_order)
{
    enum { EVENTS = 40 };
    for (size_t trial = 0; trial < 40; trial++) {
        SPIRA_CLEANUP(spira_value_free_at)
        struct spira_value *expected = NULL;
        for (uint32_t shuffle = 0; shuffle < 10; shuffle++) {
            size_t order[EVENTS];
            struct spira_random random = spira_random_stream(trial, SPIRA_FOR_SHUFFLE, 1, shuffle);
            spira_random_permutation(&random, EVENTS, order);
            struct spira_corpus_builder *builder = new_builder();
            for (size_t i = 0; i < EVENTS; i++)
                add_event(builder, 1000 * trial + 3 * order[i]);
            struct spira_value *corpus = resolved(builder);
            if (!expected) {
                expected = corpus;
                continue;
            }
            cr_assert(spira_value_equal(corpus, expected), "trial %zu", trial);
            spira_value_free(corpus);
        }
    }
}

Test(corpus_random, whatever_the_events_no_patient_has_two_splits)
{
    size_t conflicts = 0;
    for (size_t trial = 0; trial < 40; trial++) {
        struct spira_corpus_builder *builder = new_builder();
        for (size_t i = 0; i < 40; i++)
            add_event(builder, 1000 * trial + i);
        SPIRA_CLEANUP(spira_value_free_at)
        struct spira_value *corpus = resolved(builder);
        const struct spira_value *recordings = spira_value_get(corpus, "recordings");
        for (size_t i = 0; i < spira_value_count(recordings); i++)
            for (size_t j = 0; j < i; j++)
                if (strcmp(text_of(corpus, "recordings", i, "patient"),
                           text_of(corpus, "recordings", j, "patient")) == 0)
                    cr_assert_str_eq(text_of(corpus, "recordings", i, "split"),
                                     text_of(corpus, "recordings", j, "split"));
        conflicts += find_row(spira_value_get(corpus, "rejected"), "reason", "split_conflict") != 0;
    }
    cr_assert_gt(conflicts, 10, "the events contradict each other");
}
