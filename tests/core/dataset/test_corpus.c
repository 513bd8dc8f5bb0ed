#include <criterion/criterion.h>
#include <malloc.h>

#include "tests/core/dataset/corpus_parts.h"

static struct spira_value *rejected(const char *recording_id, const char *reason)
{
    struct spira_value *event = spira_value_map();
    spira_value_set_text(event, "recording_id", recording_id);
    spira_value_set_text(event, "reason", reason);
    spira_value_set_text(event, "message", "the message");
    return event;
}

static struct spira_value *withdrawn(const char *sha256)
{
    struct spira_value *event = spira_value_map();
    spira_value_set_text(event, "sha256", sha256);
    return event;
}

static size_t count_of(const struct spira_value *corpus, const char *list)
{
    return spira_value_count(spira_value_get(corpus, list));
}

static const char *text_of(const struct spira_value *corpus, const char *list, size_t index,
                           const char *field)
{
    return spira_value_get_text(spira_value_at(spira_value_get(corpus, list), index), field, "");
}

/* The document of the builder's corpus; the builder is ended. */
static char *written(struct spira_corpus_builder *builder)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    spira_corpus_resolve(builder);
    spira_corpus_write(builder, out);
    cr_assert_eq(fclose(out), 0);
    spira_corpus_builder_done(builder);
    return text;
}

Test(corpus, has_every_list_even_of_no_event)
{
    struct spira_corpus_builder builder = {0};
    SPIRA_CLEANUP(spira_free_at)
    char *text = written(&builder);
    cr_assert_str_eq(text, "{\"format\": 1,\n\"noises\": [],\n\"rejected\": [],\n"
                           "\"duplicates\": [],\n\"recordings\": []}\n");
}

Test(corpus, is_written_a_row_a_line)
{
    struct spira_corpus_builder builder = {0};
    add(&builder, SPIRA_CORPUS_ACCEPTED, noise("ward \"B\"", "cc"), 1, 0);
    add(&builder, SPIRA_CORPUS_ACCEPTED, noise("hall", "bb"), 1, 1);
    add(&builder, SPIRA_CORPUS_REJECTED, rejected("x.wav", "silent"), 1, 0);
    add(&builder, SPIRA_CORPUS_ACCEPTED, speech("one.wav", "aa", 1, NULL, NULL), 1, 2);
    add(&builder, SPIRA_CORPUS_ACCEPTED, speech("two.wav", "aa", 1, NULL, NULL), 2, 3);
    SPIRA_CLEANUP(spira_free_at)
    char *text = written(&builder);
    cr_assert_str_eq(
        text,
        "{\"format\": 1,\n\"noises\": [\n"
        "{\"sha256\":\"bb\",\"key\":\"audio/sha256/bb/bb\",\"recording_id\":\"hall\"},\n"
        "{\"sha256\":\"cc\",\"key\":\"audio/sha256/cc/cc\",\"recording_id\":\"ward \\\"B\\\"\"}],\n"
        "\"rejected\": [\n"
        "{\"recording_id\":\"x.wav\",\"reason\":\"silent\",\"message\":\"the message\"}],\n"
        "\"duplicates\": [\n"
        "{\"recording_id\":\"one.wav\",\"reason\":\"duplicate\","
        "\"message\":\"the same recording as two.wav\"}],\n"
        "\"recordings\": [\n"
        "{\"sha256\":\"aa\",\"key\":\"audio/sha256/aa/aa\",\"recording_id\":\"two.wav\","
        "\"label\":1,\"patient\":\"aa\",\"seconds\":5.0,\"rms_dbfs\":-20.0,\"peak\":0.5}]}\n");
}

Test(corpus, keeps_what_the_event_says_and_was_measured)
{
    struct spira_corpus_builder builder = {0};
    struct spira_value *event = speech("one.wav", "aa", 1, "ann", "test");
    spira_value_set_text(spira_value_set(event, "metadata", spira_value_map()), "sex", "F");
    add(&builder, SPIRA_CORPUS_ACCEPTED, event, 7, 0);
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *corpus = resolved(&builder);
    SPIRA_CLEANUP(spira_free_at)
    char *text = spira_value_to_text(corpus, SPIRA_CANONICAL);
    cr_assert_str_eq(text,
                     "{\"duplicates\":[],\"format\":1,\"noises\":[],\"recordings\":[{"
                     "\"key\":\"audio/sha256/aa/aa\",\"label\":1,\"metadata\":{\"sex\":\"F\"},"
                     "\"patient\":\"ann\",\"peak\":0.5,\"recording_id\":\"one.wav\","
                     "\"rms_dbfs\":-20.0,\"seconds\":5.0,\"sha256\":\"aa\",\"split\":\"test\"}],"
                     "\"rejected\":[]}",
                     "no time and no offset: the same recordings are the same corpus");
}

Test(corpus, the_same_recording_again_changes_nothing)
{
    struct spira_corpus_builder once = {0}, twice = {0};
    add(&once, SPIRA_CORPUS_ACCEPTED, speech("one", "aa", 1, "ann", NULL), 1, 0);
    add(&twice, SPIRA_CORPUS_ACCEPTED, speech("one", "aa", 1, "ann", NULL), 1, 0);
    add(&twice, SPIRA_CORPUS_ACCEPTED, speech("one", "aa", 1, "ann", NULL), 2, 1);
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *first = resolved(&once);
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *second = resolved(&twice);
    cr_assert(spira_value_equal(first, second));
    cr_assert_eq(count_of(second, "recordings"), 1);
}

Test(corpus, of_one_digest_the_newest_event_counts)
{
    static const struct {
        int64_t time_ms;
        int32_t partition;
        int64_t offset;
    } newest[] = {{11, 0, 0}, {10, 3, 0}, {10, 2, 6}};
    for (size_t i = 0; i < 6; i++) {
        struct spira_corpus_builder builder = {0};
        SPIRA_CLEANUP(spira_value_free_at)
        struct spira_value *newer = speech("one", "aa", 0, "bob", NULL);
        SPIRA_CLEANUP(spira_value_free_at)
        struct spira_value *older = speech("one", "aa", 1, "ann", NULL);
        for (size_t turn = 0; turn < 2; turn++)
            if (turn == i / 3)
                spira_corpus_add(&builder, SPIRA_CORPUS_ACCEPTED, newer, newest[i % 3].time_ms,
                                 newest[i % 3].partition, newest[i % 3].offset);
            else
                spira_corpus_add(&builder, SPIRA_CORPUS_ACCEPTED, older, 10, 2, 5);
        SPIRA_CLEANUP(spira_value_free_at)
        struct spira_value *corpus = resolved(&builder);
        cr_assert_eq(count_of(corpus, "recordings"), 1);
        cr_assert_str_eq(text_of(corpus, "recordings", 0, "patient"), "bob", "case %zu", i);
        cr_assert_eq(spira_value_get_int(spira_value_at(spira_value_get(corpus, "recordings"), 0),
                                         "label", -1),
                     0);
        cr_assert_eq(count_of(corpus, "duplicates"), 0, "corrected, not collected twice");
    }
}

Test(corpus, a_withdrawn_recording_is_out_for_good)
{
    struct spira_corpus_builder builder = {0};
    add(&builder, SPIRA_CORPUS_ACCEPTED, speech("one", "aa", 1, NULL, NULL), 1, 0);
    add(&builder, SPIRA_CORPUS_WITHDRAWN, withdrawn("aa"), 2, 0);
    add(&builder, SPIRA_CORPUS_ACCEPTED, speech("two", "aa", 1, NULL, NULL), 3, 1);
    add(&builder, SPIRA_CORPUS_ACCEPTED, speech("three", "bb", 1, NULL, NULL), 3, 2);
    add(&builder, SPIRA_CORPUS_WITHDRAWN, withdrawn("cc"), 4, 1);
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *corpus = resolved(&builder);
    cr_assert_eq(count_of(corpus, "recordings"), 1);
    cr_assert_str_eq(text_of(corpus, "recordings", 0, "sha256"), "bb");
    cr_assert_eq(count_of(corpus, "duplicates"), 0);
    cr_assert_eq(count_of(corpus, "rejected"), 0);
}

Test(corpus, without_a_patient_each_recording_is_its_own)
{
    struct spira_corpus_builder builder = {0};
    add(&builder, SPIRA_CORPUS_ACCEPTED, speech("one", "aa", 1, NULL, NULL), 1, 0);
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *corpus = resolved(&builder);
    cr_assert_str_eq(text_of(corpus, "recordings", 0, "patient"), "aa");
}

Test(corpus, an_invalid_event_never_replaces_a_valid_one)
{
    struct spira_corpus_builder builder = {0};
    add(&builder, SPIRA_CORPUS_ACCEPTED, speech("one", "aa", 1, NULL, NULL), 1, 0);
    add(&builder, SPIRA_CORPUS_REJECTED, rejected("one", "label_missing"), 2, 0);
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *corpus = resolved(&builder);
    cr_assert_eq(count_of(corpus, "recordings"), 1);
    cr_assert_eq(count_of(corpus, "rejected"), 1, "and what was sent last is not forgotten");
    cr_assert_str_eq(text_of(corpus, "rejected", 0, "reason"), "label_missing");
    cr_assert_str_eq(text_of(corpus, "rejected", 0, "message"), "the message");
}

Test(corpus, of_two_topics_at_the_same_place_the_valid_event_is_the_newer)
{
    for (int turn = 0; turn < 2; turn++) {
        struct spira_corpus_builder builder = {0};
        if (turn)
            add(&builder, SPIRA_CORPUS_ACCEPTED, speech("one", "aa", 1, NULL, NULL), 1, 0);
        add(&builder, SPIRA_CORPUS_REJECTED, rejected("one", "missing"), 1, 0);
        if (!turn)
            add(&builder, SPIRA_CORPUS_ACCEPTED, speech("one", "aa", 1, NULL, NULL), 1, 0);
        SPIRA_CLEANUP(spira_value_free_at)
        struct spira_value *corpus = resolved(&builder);
        cr_assert_eq(count_of(corpus, "recordings"), 1);
        cr_assert_eq(count_of(corpus, "rejected"), 0);
    }
}

Test(corpus, a_rejection_that_was_repaired_is_no_longer_listed)
{
    struct spira_corpus_builder builder = {0};
    add(&builder, SPIRA_CORPUS_REJECTED, rejected("two", "silent"), 1, 0);
    add(&builder, SPIRA_CORPUS_REJECTED, rejected("one", "missing"), 1, 1);
    add(&builder, SPIRA_CORPUS_ACCEPTED, speech("one", "aa", 1, NULL, NULL), 2, 0);
    add(&builder, SPIRA_CORPUS_REJECTED, rejected("two", "clipped"), 3, 2);
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *corpus = resolved(&builder);
    cr_assert_eq(count_of(corpus, "rejected"), 1);
    cr_assert_str_eq(text_of(corpus, "rejected", 0, "recording_id"), "two");
    cr_assert_str_eq(text_of(corpus, "rejected", 0, "reason"), "clipped", "the newest reason");
}

Test(corpus, another_name_of_a_recording_is_listed_once_in_the_order_of_names)
{
    struct spira_corpus_builder builder = {0};
    add(&builder, SPIRA_CORPUS_ACCEPTED, speech("b", "aa", 1, NULL, NULL), 1, 0);
    add(&builder, SPIRA_CORPUS_ACCEPTED, speech("z", "aa", 1, NULL, NULL), 2, 1);
    add(&builder, SPIRA_CORPUS_ACCEPTED, speech("b", "aa", 1, NULL, NULL), 3, 2);
    add(&builder, SPIRA_CORPUS_ACCEPTED, speech("c", "aa", 1, NULL, NULL), 4, 3);
    add(&builder, SPIRA_CORPUS_ACCEPTED, speech("a", "bb", 1, NULL, NULL), 1, 4);
    add(&builder, SPIRA_CORPUS_ACCEPTED, speech("d", "bb", 1, NULL, NULL), 2, 5);
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *corpus = resolved(&builder);
    cr_assert_eq(count_of(corpus, "recordings"), 2);
    cr_assert_str_eq(text_of(corpus, "recordings", 0, "recording_id"), "c");
    static const char *const names[] = {"a", "b", "z"};
    static const char *const taken[] = {"d", "c", "c"};
    cr_assert_eq(count_of(corpus, "duplicates"), 3);
    for (size_t i = 0; i < 3; i++) {
        cr_assert_str_eq(text_of(corpus, "duplicates", i, "recording_id"), names[i]);
        SPIRA_CLEANUP(spira_free_at)
        char *message = spira_format("the same recording as %s", taken[i]);
        cr_assert_str_eq(text_of(corpus, "duplicates", i, "message"), message);
    }
}

Test(corpus, noises_have_a_list_of_their_own)
{
    struct spira_corpus_builder builder = {0};
    add(&builder, SPIRA_CORPUS_ACCEPTED, noise("ward", "bb"), 1, 0);
    add(&builder, SPIRA_CORPUS_ACCEPTED, speech("one", "aa", 1, NULL, NULL), 1, 1);
    add(&builder, SPIRA_CORPUS_ACCEPTED, noise("two", "cc"), 1, 2);
    add(&builder, SPIRA_CORPUS_ACCEPTED, speech("two", "cc", 1, NULL, NULL), 2, 3);
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *corpus = resolved(&builder);
    cr_assert_eq(count_of(corpus, "recordings"), 2);
    cr_assert_eq(count_of(corpus, "noises"), 1);
    cr_assert_str_eq(text_of(corpus, "noises", 0, "key"), "audio/sha256/bb/bb");
    cr_assert_null(spira_value_get(spira_value_at(spira_value_get(corpus, "noises"), 0), "label"));
}

Test(corpus, the_newest_prescription_is_the_patients)
{
    struct spira_corpus_builder builder = {0};
    add(&builder, SPIRA_CORPUS_ACCEPTED, speech("1", "11", 1, "ann", "test"), 1, 0);
    add(&builder, SPIRA_CORPUS_ACCEPTED, speech("2", "22", 1, "ann", NULL), 5, 1);
    add(&builder, SPIRA_CORPUS_ACCEPTED, speech("3", "33", 1, "ann", "train"), 3, 2);
    add(&builder, SPIRA_CORPUS_ACCEPTED, speech("4", "44", 1, "ann", "train"), 2, 3);
    add(&builder, SPIRA_CORPUS_ACCEPTED, speech("5", "55", 1, "bob", NULL), 2, 4);
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *corpus = resolved(&builder);
    const struct spira_value *recordings = spira_value_get(corpus, "recordings");
    cr_assert_eq(spira_value_count(recordings), 4);
    for (size_t i = 0; i < 3; i++)
        cr_assert_str_eq(text_of(corpus, "recordings", i, "split"), "train");
    cr_assert_null(spira_value_get(find_row(recordings, "sha256", "55"), "split"));
    cr_assert_eq(count_of(corpus, "rejected"), 1);
    cr_assert_str_eq(text_of(corpus, "rejected", 0, "recording_id"), "1");
    cr_assert_str_eq(text_of(corpus, "rejected", 0, "reason"), "split_conflict");
    cr_assert_str_eq(text_of(corpus, "rejected", 0, "message"),
                     "split 'test', but a newer recording of its patient says 'train'");
}

Test(corpus, a_prescription_that_was_corrected_or_withdrawn_prescribes_nothing)
{
    struct spira_corpus_builder builder = {0};
    add(&builder, SPIRA_CORPUS_ACCEPTED, speech("1", "11", 1, "ann", "train"), 1, 0);
    add(&builder, SPIRA_CORPUS_ACCEPTED, speech("2", "22", 1, "ann", "test"), 2, 1);
    add(&builder, SPIRA_CORPUS_ACCEPTED, speech("2", "22", 1, "ann", NULL), 3, 2);
    add(&builder, SPIRA_CORPUS_ACCEPTED, speech("3", "33", 1, "ann", "validation"), 4, 3);
    add(&builder, SPIRA_CORPUS_WITHDRAWN, withdrawn("33"), 5, 0);
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *corpus = resolved(&builder);
    cr_assert_eq(count_of(corpus, "recordings"), 2);
    for (size_t i = 0; i < 2; i++)
        cr_assert_str_eq(text_of(corpus, "recordings", i, "split"), "train");
    cr_assert_eq(count_of(corpus, "rejected"), 0);
}

/* One of the events below; each has its own (kind, offset), as messages have. */
static void add_event(struct spira_corpus_builder *builder, size_t number)
{
    static const char *const splits[] = {NULL, "train", "test"};
    static const char *const patients[] = {NULL, "ann", "bob", "eve"};
    struct spira_random random = spira_random_stream(number, SPIRA_FOR_SHUFFLE, 0, 0);
    char sha256[3], id[3];
    snprintf(sha256, sizeof sha256, "%02x", (unsigned)spira_random_below(&random, 12));
    snprintf(id, sizeof id, "%02x", (unsigned)spira_random_below(&random, 16));
    int64_t time_ms = (int64_t)spira_random_below(&random, 3);
    uint64_t kind = spira_random_below(&random, 12);
    if (kind == 0)
        add(builder, SPIRA_CORPUS_WITHDRAWN, withdrawn(sha256), time_ms, (int64_t)number / 3);
    else if (kind < 4)
        add(builder, SPIRA_CORPUS_REJECTED, rejected(id, sha256), time_ms, (int64_t)number / 3);
    else if (kind == 4)
        add(builder, SPIRA_CORPUS_ACCEPTED, noise(id, sha256), time_ms, (int64_t)number);
    else
        add(builder, SPIRA_CORPUS_ACCEPTED,
            speech(id, sha256, (int)spira_random_below(&random, 2),
                   patients[spira_random_below(&random, 4)],
                   splits[spira_random_below(&random, 3)]),
            time_ms, (int64_t)number);
}

Test(corpus, is_the_same_for_the_events_in_any_order)
{
    enum { EVENTS = 40 };
    for (size_t trial = 0; trial < 40; trial++) {
        SPIRA_CLEANUP(spira_value_free_at)
        struct spira_value *expected = NULL;
        for (uint32_t shuffle = 0; shuffle < 10; shuffle++) {
            size_t order[EVENTS];
            struct spira_random random = spira_random_stream(trial, SPIRA_FOR_SHUFFLE, 1, shuffle);
            spira_random_permutation(&random, EVENTS, order);
            struct spira_corpus_builder builder = {0};
            for (size_t i = 0; i < EVENTS; i++)
                add_event(&builder, 1000 * trial + 3 * order[i]);
            struct spira_value *corpus = resolved(&builder);
            if (!expected) {
                expected = corpus;
                continue;
            }
            cr_assert(spira_value_equal(corpus, expected), "trial %zu", trial);
            spira_value_free(corpus);
        }
    }
}

Test(corpus, whatever_the_events_no_patient_has_two_splits)
{
    size_t conflicts = 0;
    for (size_t trial = 0; trial < 40; trial++) {
        struct spira_corpus_builder builder = {0};
        for (size_t i = 0; i < 40; i++)
            add_event(&builder, 1000 * trial + i);
        SPIRA_CLEANUP(spira_value_free_at)
        struct spira_value *corpus = resolved(&builder);
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

static size_t bytes_allocated(void)
{
    const struct mallinfo2 facts = mallinfo2();
    return facts.uordblks + facts.hblkhd;
}

/* A planner reads every audio event of its run. */
Test(corpus, an_event_takes_little_memory)
{
    enum { EVENTS = 5000, MOST_BYTES = 1000 };
    struct spira_corpus_builder builder = {0};
    const size_t before = bytes_allocated();
    for (size_t i = 0; i < EVENTS; i++) {
        struct spira_value *event =
            speech("ward/1/aceite-1.wav", hex_of(i).text, 1, "ward_1", "train");
        struct spira_value *metadata = spira_value_set(event, "metadata", spira_value_map());
        static const char *const names[] = {"gender", "age", "mask", "hospital"};
        for (size_t name = 0; name < 4; name++)
            spira_value_set_text(metadata, names[name], "ward");
        add(&builder, SPIRA_CORPUS_ACCEPTED, event, 0, (int64_t)i);
    }
    const size_t each = (bytes_allocated() - before) / EVENTS;
    fprintf(stderr, "an event takes %zu bytes\n", each); /* 0: a sanitizer counts none */
    cr_assert_leq(each, (size_t)MOST_BYTES);
    spira_corpus_builder_done(&builder);
}
