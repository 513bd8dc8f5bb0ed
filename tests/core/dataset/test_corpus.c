#include <criterion/criterion.h>
#include <sys/resource.h>

#include "tests/core/dataset/corpus_parts.h"
#include "workers/common/child/sanitized.h"

static size_t count_of(const struct spira_value *corpus, const char *list)
{
    return spira_value_count(spira_value_get(corpus, list));
}

Test(corpus, has_every_list_even_of_no_event)
{
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *corpus = resolved(new_builder());
    for (int list = 0; list < SPIRA_CORPUS_LISTS; list++)
        cr_assert_eq(count_of(corpus, list_names[list]), 0u);
}

static enum spira_code take_two(void *context, enum spira_corpus_list list, struct spira_value *row,
                                struct spira_error *err)
{
    (void)list;
    spira_value_free(row);
    return ++*(size_t *)context < 2 ? SPIRA_OK : spira_fail(err, SPIRA_EINTERRUPTED, "enough");
}

Test(corpus, who_takes_the_rows_may_end_it)
{
    struct spira_corpus_builder *builder = new_builder();
    for (size_t i = 0; i < 9; i++)
        add(builder, SPIRA_CORPUS_ACCEPTED, noise("ward", hex_of(i).text), 1, (int64_t)i);
    struct spira_error err;
    size_t taken = 0;
    cr_assert_eq(spira_corpus_each(builder, take_two, &taken, &err), SPIRA_EINTERRUPTED);
    cr_assert_eq(taken, 2u);
    spira_corpus_builder_free(builder);
}

Test(corpus, keeps_what_the_event_says_and_was_measured)
{
    struct spira_corpus_builder *builder = new_builder();
    struct spira_value *event = speech("one.wav", "aa", 1, "ann", "test");
    spira_value_set_text(spira_value_set(event, "metadata", spira_value_map()), "sex", "F");
    add(builder, SPIRA_CORPUS_ACCEPTED, event, 7, 0);
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *corpus = resolved(builder);
    SPIRA_CLEANUP(spira_free_at)
    char *text = spira_value_to_text(corpus, SPIRA_CANONICAL);
    cr_assert_str_eq(text,
                     "{\"duplicates\":[],\"noises\":[],\"recordings\":[{"
                     "\"key\":\"audio/sha256/aa/aa\",\"label\":1,\"metadata\":{\"sex\":\"F\"},"
                     "\"patient\":\"ann\",\"peak\":0.5,\"recording_id\":\"one.wav\","
                     "\"rms_dbfs\":-20.0,\"seconds\":5.0,\"sha256\":\"aa\",\"split\":\"test\"}],"
                     "\"rejected\":[]}",
                     "no time and no offset: the same recordings are the same corpus");
}

Test(corpus, the_same_recording_again_changes_nothing)
{
    struct spira_corpus_builder *once = new_builder(), *twice = new_builder();
    add(once, SPIRA_CORPUS_ACCEPTED, speech("one", "aa", 1, "ann", NULL), 1, 0);
    add(twice, SPIRA_CORPUS_ACCEPTED, speech("one", "aa", 1, "ann", NULL), 1, 0);
    add(twice, SPIRA_CORPUS_ACCEPTED, speech("one", "aa", 1, "ann", NULL), 2, 1);
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *first = resolved(once);
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *second = resolved(twice);
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
        struct spira_corpus_builder *builder = new_builder();
        SPIRA_CLEANUP(spira_value_free_at)
        struct spira_value *newer = speech("one", "aa", 0, "bob", NULL);
        SPIRA_CLEANUP(spira_value_free_at)
        struct spira_value *older = speech("one", "aa", 1, "ann", NULL);
        for (size_t turn = 0; turn < 2; turn++)
            if (turn == i / 3)
                add_at(builder, &(struct spira_corpus_event){
                                    SPIRA_CORPUS_ACCEPTED, newer, newest[i % 3].time_ms,
                                    newest[i % 3].partition, newest[i % 3].offset});
            else
                add_at(builder,
                       &(struct spira_corpus_event){SPIRA_CORPUS_ACCEPTED, older, 10, 2, 5});
        SPIRA_CLEANUP(spira_value_free_at)
        struct spira_value *corpus = resolved(builder);
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
    struct spira_corpus_builder *builder = new_builder();
    add(builder, SPIRA_CORPUS_ACCEPTED, speech("one", "aa", 1, NULL, NULL), 1, 0);
    add(builder, SPIRA_CORPUS_WITHDRAWN, withdrawn("aa"), 2, 0);
    add(builder, SPIRA_CORPUS_ACCEPTED, speech("two", "aa", 1, NULL, NULL), 3, 1);
    add(builder, SPIRA_CORPUS_ACCEPTED, speech("three", "bb", 1, NULL, NULL), 3, 2);
    add(builder, SPIRA_CORPUS_WITHDRAWN, withdrawn("cc"), 4, 1);
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *corpus = resolved(builder);
    cr_assert_eq(count_of(corpus, "recordings"), 1);
    cr_assert_str_eq(text_of(corpus, "recordings", 0, "sha256"), "bb");
    cr_assert_eq(count_of(corpus, "duplicates"), 0);
    cr_assert_eq(count_of(corpus, "rejected"), 0);
}

Test(corpus, without_a_patient_each_recording_is_its_own)
{
    struct spira_corpus_builder *builder = new_builder();
    add(builder, SPIRA_CORPUS_ACCEPTED, speech("one", "aa", 1, NULL, NULL), 1, 0);
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *corpus = resolved(builder);
    cr_assert_str_eq(text_of(corpus, "recordings", 0, "patient"), "aa");
}

Test(corpus, an_invalid_event_never_replaces_a_valid_one)
{
    struct spira_corpus_builder *builder = new_builder();
    add(builder, SPIRA_CORPUS_ACCEPTED, speech("one", "aa", 1, NULL, NULL), 1, 0);
    add(builder, SPIRA_CORPUS_REJECTED, rejected("one", "label_missing"), 2, 0);
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *corpus = resolved(builder);
    cr_assert_eq(count_of(corpus, "recordings"), 1);
    cr_assert_eq(count_of(corpus, "rejected"), 1, "and what was sent last is not forgotten");
    cr_assert_str_eq(text_of(corpus, "rejected", 0, "reason"), "label_missing");
    cr_assert_str_eq(text_of(corpus, "rejected", 0, "message"), "the message");
}

Test(corpus, of_two_topics_at_the_same_place_the_valid_event_is_the_newer)
{
    for (int turn = 0; turn < 2; turn++) {
        struct spira_corpus_builder *builder = new_builder();
        if (turn)
            add(builder, SPIRA_CORPUS_ACCEPTED, speech("one", "aa", 1, NULL, NULL), 1, 0);
        add(builder, SPIRA_CORPUS_REJECTED, rejected("one", "missing"), 1, 0);
        if (!turn)
            add(builder, SPIRA_CORPUS_ACCEPTED, speech("one", "aa", 1, NULL, NULL), 1, 0);
        SPIRA_CLEANUP(spira_value_free_at)
        struct spira_value *corpus = resolved(builder);
        cr_assert_eq(count_of(corpus, "recordings"), 1);
        cr_assert_eq(count_of(corpus, "rejected"), 0);
    }
}

Test(corpus, a_rejection_that_was_repaired_is_no_longer_listed)
{
    struct spira_corpus_builder *builder = new_builder();
    add(builder, SPIRA_CORPUS_REJECTED, rejected("two", "silent"), 1, 0);
    add(builder, SPIRA_CORPUS_REJECTED, rejected("one", "missing"), 1, 1);
    add(builder, SPIRA_CORPUS_ACCEPTED, speech("one", "aa", 1, NULL, NULL), 2, 0);
    add(builder, SPIRA_CORPUS_REJECTED, rejected("two", "clipped"), 3, 2);
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *corpus = resolved(builder);
    cr_assert_eq(count_of(corpus, "rejected"), 1);
    cr_assert_str_eq(text_of(corpus, "rejected", 0, "recording_id"), "two");
    cr_assert_str_eq(text_of(corpus, "rejected", 0, "reason"), "clipped", "the newest reason");
}

Test(corpus, another_name_of_a_recording_is_listed_once_in_the_order_of_names)
{
    struct spira_corpus_builder *builder = new_builder();
    add(builder, SPIRA_CORPUS_ACCEPTED, speech("b", "aa", 1, NULL, NULL), 1, 0);
    add(builder, SPIRA_CORPUS_ACCEPTED, speech("z", "aa", 1, NULL, NULL), 2, 1);
    add(builder, SPIRA_CORPUS_ACCEPTED, speech("b", "aa", 1, NULL, NULL), 3, 2);
    add(builder, SPIRA_CORPUS_ACCEPTED, speech("c", "aa", 1, NULL, NULL), 4, 3);
    add(builder, SPIRA_CORPUS_ACCEPTED, speech("a", "bb", 1, NULL, NULL), 1, 4);
    add(builder, SPIRA_CORPUS_ACCEPTED, speech("d", "bb", 1, NULL, NULL), 2, 5);
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *corpus = resolved(builder);
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
    struct spira_corpus_builder *builder = new_builder();
    add(builder, SPIRA_CORPUS_ACCEPTED, noise("ward", "bb"), 1, 0);
    add(builder, SPIRA_CORPUS_ACCEPTED, speech("one", "aa", 1, NULL, NULL), 1, 1);
    add(builder, SPIRA_CORPUS_ACCEPTED, noise("two", "cc"), 1, 2);
    add(builder, SPIRA_CORPUS_ACCEPTED, speech("two", "cc", 1, NULL, NULL), 2, 3);
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *corpus = resolved(builder);
    cr_assert_eq(count_of(corpus, "recordings"), 2);
    cr_assert_eq(count_of(corpus, "noises"), 1);
    cr_assert_str_eq(text_of(corpus, "noises", 0, "key"), "audio/sha256/bb/bb");
    cr_assert_null(spira_value_get(spira_value_at(spira_value_get(corpus, "noises"), 0), "label"));
}

Test(corpus, the_newest_prescription_is_the_patients)
{
    struct spira_corpus_builder *builder = new_builder();
    add(builder, SPIRA_CORPUS_ACCEPTED, speech("1", "11", 1, "ann", "test"), 1, 0);
    add(builder, SPIRA_CORPUS_ACCEPTED, speech("2", "22", 1, "ann", NULL), 5, 1);
    add(builder, SPIRA_CORPUS_ACCEPTED, speech("3", "33", 1, "ann", "train"), 3, 2);
    add(builder, SPIRA_CORPUS_ACCEPTED, speech("4", "44", 1, "ann", "train"), 2, 3);
    add(builder, SPIRA_CORPUS_ACCEPTED, speech("5", "55", 1, "bob", NULL), 2, 4);
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *corpus = resolved(builder);
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
    struct spira_corpus_builder *builder = new_builder();
    add(builder, SPIRA_CORPUS_ACCEPTED, speech("1", "11", 1, "ann", "train"), 1, 0);
    add(builder, SPIRA_CORPUS_ACCEPTED, speech("2", "22", 1, "ann", "test"), 2, 1);
    add(builder, SPIRA_CORPUS_ACCEPTED, speech("2", "22", 1, "ann", NULL), 3, 2);
    add(builder, SPIRA_CORPUS_ACCEPTED, speech("3", "33", 1, "ann", "validation"), 4, 3);
    add(builder, SPIRA_CORPUS_WITHDRAWN, withdrawn("33"), 5, 0);
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *corpus = resolved(builder);
    cr_assert_eq(count_of(corpus, "recordings"), 2);
    for (size_t i = 0; i < 2; i++)
        cr_assert_str_eq(text_of(corpus, "recordings", i, "split"), "train");
    cr_assert_eq(count_of(corpus, "rejected"), 0);
}

/* The memory that this process may allocate. */
static void limit_memory(size_t bytes)
{
    const struct rlimit limit = {.rlim_cur = bytes, .rlim_max = RLIM_INFINITY};
    cr_assert_eq(setrlimit(RLIMIT_DATA, &limit), 0);
}

/* The rows of a large corpus as they come. */
struct count {
    size_t rows[SPIRA_CORPUS_LISTS];
    char last[256];
};

static enum spira_code count_row(void *context, enum spira_corpus_list list,
                                 struct spira_value *row, struct spira_error *err)
{
    struct count *count = context;
    const char *field = list == SPIRA_CORPUS_DUPLICATES ? "recording_id" : "sha256";
    const char *key = spira_value_get_text(row, field, "");
    (void)err;
    if (count->rows[list]++ > 0)
        cr_assert_lt(strcmp(count->last, key), 0, "%s behind %s", key, count->last);
    snprintf(count->last, sizeof count->last, "%s", key);
    spira_value_free(row);
    return SPIRA_OK;
}

static struct count count_rows(struct spira_corpus_builder *builder)
{
    struct spira_error err = {0};
    struct count count = {0};
    cr_assert_eq(spira_corpus_each(builder, count_row, &count, &err), SPIRA_OK, "%s", err.message);
    spira_corpus_builder_free(builder);
    return count;
}

/* As the collection of a large hospital sends them. A sanitizer takes more than the limit. */
Test(corpus, three_hundred_thousand_events_take_no_more_memory_than_a_few,
     .disabled = SPIRA_SANITIZED)
{
    enum { EVENTS = 300000 };
    limit_memory(64 << 20);
    struct spira_corpus_builder *builder = new_builder();
    for (size_t i = 0; i < EVENTS; i++) {
        char id[40], patient[20];
        snprintf(id, sizeof id, "ward/%zu/aceite-%zu.wav", i / 4, i);
        snprintf(patient, sizeof patient, "ward_%zu", i / 4);
        struct spira_value *event = speech(id, hex_of(i).text, 1, patient, "train");
        struct spira_value *metadata = spira_value_set(event, "metadata", spira_value_map());
        static const char *const names[] = {"gender", "age", "mask", "hospital"};
        for (size_t name = 0; name < 4; name++)
            spira_value_set_text(metadata, names[name], "ward");
        add(builder, SPIRA_CORPUS_ACCEPTED, event, 0, (int64_t)i);
    }
    const struct count count = count_rows(builder);
    cr_assert_eq(count.rows[SPIRA_CORPUS_RECORDINGS], (size_t)EVENTS);
    cr_assert_eq(count.rows[SPIRA_CORPUS_DUPLICATES], 0u);
}

Test(corpus, a_recording_that_comes_again_and_again_takes_no_more_either,
     .disabled = SPIRA_SANITIZED)
{
    enum { EVENTS = 200000, OTHER_NAMES = 50000 };
    limit_memory(64 << 20);
    struct spira_corpus_builder *builder = new_builder();
    for (size_t i = 0; i < EVENTS; i++) {
        char id[200];
        snprintf(id, sizeof id, "%0150zu.wav", i % OTHER_NAMES);
        add(builder, SPIRA_CORPUS_ACCEPTED,
            speech(id, hex_of(0).text, 1, "ann", i % 2 ? "train" : "test"), 0, (int64_t)i);
    }
    const struct count count = count_rows(builder);
    cr_assert_eq(count.rows[SPIRA_CORPUS_RECORDINGS], 1u);
    cr_assert_eq(count.rows[SPIRA_CORPUS_DUPLICATES], (size_t)OTHER_NAMES - 1);
}

Test(corpus, a_folder_that_is_gone_ends_it_once_events_are_many)
{
    struct spira_corpus_builder *builder = spira_corpus_builder_new("/nowhere");
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *value = speech("one", hex_of(0).text, 1, "ann", "train");
    enum spira_code code = SPIRA_OK;
    struct spira_error err;
    struct spira_corpus_event event = {.kind = SPIRA_CORPUS_ACCEPTED, .value = value};
    for (; code == SPIRA_OK && event.offset < 100000; event.offset++)
        code = spira_corpus_add(builder, &event, &err);
    cr_assert_eq(code, SPIRA_ENOTFOUND);
    cr_assert(strstr(err.message, "/nowhere/"), "%s", err.message);
    spira_corpus_builder_free(builder);
}
