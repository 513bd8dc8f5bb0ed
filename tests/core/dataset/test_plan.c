#include "tests/core/dataset/plan_parts.h"

TestSuite(plan, .init = setup);

static int64_t shard_at(const struct spira_value *plan, size_t index)
{
    return spira_value_get_int(spira_value_at(spira_value_get(plan, "shards"), index), "shard", -1);
}

static struct spira_value *corpus_row(struct spira_value *corpus, size_t number)
{
    return find_row(spira_value_get(corpus, "recordings"), "sha256", hex_of(number).text);
}

Test(plan, no_patient_has_two_roles)
{
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *plan = plan_of(corpus_of(300));
    size_t count = spira_value_count(spira_value_get(plan, "recordings"));
    cr_assert_eq(count, 300);
    size_t shared = 0;
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < i; j++)
            if (strcmp(field_of(plan, i, "patient"), field_of(plan, j, "patient")) == 0) {
                cr_assert_str_eq(field_of(plan, i, "role"), field_of(plan, j, "role"));
                shared++;
            }
    cr_assert_eq(shared, 300, "each patient has three");
}

Test(plan, a_growing_corpus_moves_nobody)
{
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *before = plan_of(corpus_of(150));
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *after = plan_of(corpus_of(300));
    size_t roles[SPIRA_ROLES] = {0};
    for (size_t i = 0; i < 150; i++) {
        const struct spira_value *row =
            find_row(spira_value_get(after, "recordings"), "sha256", field_of(before, i, "sha256"));
        cr_assert_str_eq(spira_value_get_text(row, "role", ""), field_of(before, i, "role"));
        roles[spira_role_find(field_of(before, i, "role"))]++;
    }
    for (int role = 0; role < SPIRA_ROLES; role++)
        cr_assert_gt(roles[role], 0);
}

Test(plan, another_seed_draws_other_roles)
{
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *before = plan_of(corpus_of(150));
    config.seed = 43;
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *after = plan_of(corpus_of(150));
    size_t moved = 0;
    for (size_t i = 0; i < 150; i++)
        moved += strcmp(field_of(before, i, "role"), field_of(after, i, "role")) != 0;
    cr_assert_gt(moved, 30);
}

Test(plan, a_prescribed_role_is_kept)
{
    struct spira_value *corpus = corpus_of(60);
    static const char *const splits[] = {"test", "train", "validation"};
    for (size_t i = 0; i < 60; i++)
        spira_value_set_text(corpus_row(corpus, i), "split", splits[i / 3 % 3]);
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *plan = plan_of(corpus);
    for (size_t i = 0; i < 60; i++) {
        const struct spira_value *row =
            find_row(spira_value_get(plan, "recordings"), "sha256", hex_of(i).text);
        cr_assert_str_eq(spira_value_get_text(row, "role", ""), splits[i / 3 % 3]);
        cr_assert_null(spira_value_get(row, "split"), "the role says it");
    }
}

Test(plan, noise_copies_are_for_the_train_role)
{
    config.transform.noise.num_control = 0;
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *plan = plan_of(corpus_of(90));
    const struct spira_value *recordings = spira_value_get(plan, "recordings");
    size_t copied = 0;
    for (size_t i = 0; i < spira_value_count(recordings); i++) {
        const struct spira_value *row = spira_value_at(recordings, i);
        bool train = strcmp(spira_value_get_text(row, "role", ""), "train") == 0;
        bool noisy = spira_value_get_int(row, "label", -1) == 1;
        cr_assert_eq(spira_value_get_int(row, "copies", 0), train && noisy ? 3 : 1,
                     "a control without noise has nothing to vary");
        copied += train && noisy;
    }
    cr_assert_gt(copied, 0);
}

Test(plan, without_noise_there_are_no_copies_and_no_noises)
{
    config.transform.noise.enabled = false;
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *plan = plan_of(corpus_of(90));
    cr_assert_eq(spira_value_count(spira_value_get(plan, "noises")), 0);
    for (size_t i = 0; i < 90; i++)
        cr_assert_eq(spira_value_get_int(spira_value_at(spira_value_get(plan, "recordings"), i),
                                         "copies", 0),
                     1);
}

Test(plan, noise_that_is_not_there_is_refused)
{
    struct spira_value *corpus = corpus_of(90);
    spira_value_set(corpus, "noises", spira_value_list());
    struct spira_error err;
    cr_assert_eq(failure_of(corpus, &err), SPIRA_EINVALID);
    cr_assert(strstr(err.message, "no noise recording"), "%s", err.message);
    config.transform.noise.num_control = config.transform.noise.num_patient = 0;
    corpus = corpus_of(90);
    spira_value_set(corpus, "noises", spira_value_list());
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *plan = plan_of(corpus);
    cr_assert(plan, "noise of no recording needs none");
}

/* shard -> the digests in it, as one text. */
static struct spira_value *contents(const struct spira_value *plan)
{
    struct spira_value *shards = spira_value_map();
    const struct spira_value *recordings = spira_value_get(plan, "recordings");
    for (size_t i = 0; i < spira_value_count(recordings); i++) {
        const struct spira_value *row = spira_value_at(recordings, i);
        char number[16];
        snprintf(number, sizeof number, "%d", (int)spira_value_get_int(row, "shard", -1));
        SPIRA_CLEANUP(spira_free_at)
        char *text = spira_format("%s %s", spira_value_get_text(shards, number, ""),
                                  spira_value_get_text(row, "sha256", ""));
        spira_value_set_text(shards, number, text);
    }
    return shards;
}

/* Shards of after that before has not, or not so. */
static size_t touched(const struct spira_value *after, const struct spira_value *before)
{
    size_t count = 0;
    for (size_t i = 0; i < spira_value_count(after); i++)
        count += strcmp(spira_value_as_text(spira_value_at(after, i), ""),
                        spira_value_get_text(before, spira_value_key_at(after, i), "")) != 0;
    return count;
}

Test(plan, ten_new_recordings_touch_at_most_ten_shards)
{
    size_t most_before = 0;
    for (size_t count = 30; count <= 1050; count += 60) {
        SPIRA_CLEANUP(spira_value_free_at)
        struct spira_value *small = plan_of(corpus_of(count));
        SPIRA_CLEANUP(spira_value_free_at)
        struct spira_value *large = plan_of(corpus_of(count + 10));
        SPIRA_CLEANUP(spira_value_free_at)
        struct spira_value *before = contents(small);
        SPIRA_CLEANUP(spira_value_free_at)
        struct spira_value *after = contents(large);
        size_t changed = touched(before, after);
        cr_assert_leq(changed, 10, "%zu of %zu recordings", changed, count);
        cr_assert_leq(touched(after, before), 2 * changed + 8, "halves of the full ones");
        most_before =
            spira_value_count(before) > most_before ? spira_value_count(before) : most_before;
    }
    cr_assert_gt(most_before, 32, "there were far more than ten");
}

Test(plan, a_shard_is_the_recordings_whose_digests_begin_alike)
{
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *plan = plan_of(corpus_of(900));
    const struct spira_value *shards = spira_value_get(plan, "shards");
    const struct spira_value *recordings = spira_value_get(plan, "recordings");
    size_t at = 0;
    for (size_t i = 0; i < spira_value_count(shards); i++) {
        int64_t number = shard_at(plan, i);
        unsigned bits = 0;
        while ((2 << bits) - 1 <= number)
            bits++;
        unsigned value = (unsigned)(number + 1 - (1 << bits));
        size_t from = at;
        while (at < 900 &&
               spira_value_get_int(spira_value_at(recordings, at), "shard", -1) == number) {
            cr_assert(at == 0 ||
                      strcmp(field_of(plan, at - 1, "sha256"), field_of(plan, at, "sha256")) < 0);
            char leading[9];
            snprintf(leading, sizeof leading, "%.8s", field_of(plan, at, "sha256"));
            cr_assert_eq(strtoul(leading, NULL, 16) >> (32 - bits), value);
            at++;
        }
        cr_assert_gt(at, from, "no shard is empty");
        cr_assert_leq(at - from, (size_t)SPIRA_SHARD_RECORDINGS);
    }
    cr_assert_eq(at, 900, "every recording is in one");
}

/* Gives the recordings from..to, all that begin with these bits of the value, their shards: by one
 * bit more where there are too many. */
static void cut(struct spira_value *recordings, size_t from, size_t to, unsigned bits,
                unsigned value)
{
    if (to - from <= SPIRA_SHARD_RECORDINGS || bits == SPIRA_SHARD_BITS) {
        for (size_t i = from; i < to; i++)
            spira_value_set_int(spira_value_at(recordings, i), "wanted",
                                (1 << bits) - 1 + (int64_t)value);
        return;
    }
    size_t middle = from;
    for (char leading[9]; middle < to; middle++) {
        snprintf(leading, sizeof leading, "%.8s",
                 spira_value_get_text(spira_value_at(recordings, middle), "sha256", ""));
        if (strtoul(leading, NULL, 16) >> (31 - bits) & 1)
            break;
    }
    cut(recordings, from, middle, bits + 1, 2 * value);
    cut(recordings, middle, to, bits + 1, 2 * value + 1);
}

/* A corpus whose digests crowd: half of them begin with as many bits as crowded, the same. */
static struct spira_value *crowded_corpus(size_t count, unsigned crowded)
{
    struct spira_corpus_builder *builder = new_builder();
    static const char *const splits[] = {"train", "train", "validation", "test"};
    for (size_t i = 0; i < count; i++) {
        struct hex hex = hex_of(i);
        char leading[9];
        snprintf(leading, sizeof leading, "%.8s", hex.text);
        uint32_t bits = (uint32_t)strtoul(leading, NULL, 16);
        if (i % 2)
            bits = (0xb5a3c96d & ~(0xffffffffu >> crowded)) | bits >> crowded;
        snprintf(leading, sizeof leading, "%08x", bits);
        memcpy(hex.text, leading, 8);
        add(builder, SPIRA_CORPUS_ACCEPTED,
            speech(hex.text, hex.text, (int)(i / 4 % 2), NULL, splits[i % 4]), 0, (int64_t)i);
    }
    return resolved(builder);
}

Test(plan, shards_are_as_large_as_they_may_be_however_digests_crowd)
{
    config.transform.noise.enabled = false;
    for (unsigned crowded = 1; crowded <= 16; crowded++)
        for (size_t count = 20; count < 400; count += 61) {
            SPIRA_CLEANUP(spira_value_free_at)
            struct spira_value *plan = plan_of(crowded_corpus(count, crowded));
            struct spira_value *recordings = spira_value_get(plan, "recordings");
            cr_assert_eq(spira_value_count(recordings), count);
            cut(recordings, 0, count, 0, 0);
            for (size_t i = 0; i < count; i++) {
                const struct spira_value *row = spira_value_at(recordings, i);
                cr_assert_eq(spira_value_get_int(row, "shard", -1),
                             spira_value_get_int(row, "wanted", -2), "%zu of %zu, %u bits", i,
                             count, crowded);
            }
        }
}

Test(plan, a_small_corpus_is_one_shard_and_the_next_recording_makes_it_two)
{
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *one = plan_of(corpus_of(SPIRA_SHARD_RECORDINGS));
    cr_assert_eq(spira_value_count(spira_value_get(one, "shards")), 1);
    cr_assert_eq(shard_at(one, 0), 0);
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *two = plan_of(corpus_of(SPIRA_SHARD_RECORDINGS + 1));
    cr_assert_eq(spira_value_count(spira_value_get(two, "shards")), 2);
}

Test(plan, digests_that_cannot_be_told_apart_share_a_shard)
{
    struct spira_corpus_builder *builder = new_builder();
    static const char *const splits[] = {"train", "train", "validation", "test"};
    config.transform.noise.enabled = false;
    for (int i = 0; i < 100; i++) {
        char sha256[65];
        snprintf(sha256, sizeof sha256, "ffff%060x", i);
        add(builder, SPIRA_CORPUS_ACCEPTED, speech(sha256, sha256, i % 2, NULL, splits[i % 4]), i,
            i);
    }
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *plan = plan_of(resolved(builder));
    const struct spira_value *shards = spira_value_get(plan, "shards");
    cr_assert_eq(spira_value_count(shards), 1);
    cr_assert_eq(shard_at(plan, 0), 65534,
                 "the last number there is; events carry numbers below 65536");
}

Test(plan, what_this_runs_limits_keep_out_is_quarantined)
{
    struct spira_value *corpus = corpus_of(90);
    spira_value_set_real(corpus_row(corpus, 4), "seconds", 0.499);
    spira_value_set_real(corpus_row(corpus, 5), "seconds", 0.5);
    spira_value_set_real(corpus_row(corpus, 6), "seconds", 60);
    spira_value_set_real(corpus_row(corpus, 7), "seconds", 60.5);
    struct spira_value *note =
        spira_value_append(spira_value_get(corpus, "rejected"), spira_value_map());
    spira_value_set_text(note, "recording_id", "gone.wav");
    spira_value_set_text(note, "reason", "missing");
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *plan = plan_of(corpus);
    cr_assert_eq(spira_value_count(spira_value_get(plan, "recordings")), 88);
    const struct spira_value *quarantined = spira_value_get(plan, "quarantined");
    cr_assert_eq(spira_value_count(quarantined), 3);
    const struct spira_value *row = find_row(quarantined, "recording_id", "4.wav");
    cr_assert_str_eq(spira_value_get_text(row, "reason", ""), "too_short");
    cr_assert_str_eq(spira_value_get_text(row, "message", ""),
                     "0.499 s, shorter than the 0.500 s needed");
    row = find_row(quarantined, "recording_id", "7.wav");
    cr_assert_str_eq(spira_value_get_text(row, "reason", ""), "too_long");
    row = find_row(quarantined, "recording_id", "gone.wav");
    cr_assert_str_eq(spira_value_get_text(row, "reason", ""), "missing");
}

Test(plan, recordings_shorter_than_a_window_stay_out_when_they_are_not_padded)
{
    struct spira_value *corpus = corpus_of(90);
    spira_value_set_real(corpus_row(corpus, 4), "seconds", 3.9);
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *padded = plan_of(spira_value_copy(corpus));
    cr_assert_eq(spira_value_count(spira_value_get(padded, "quarantined")), 0);
    config.audio.short_recordings = SPIRA_SHORT_REJECT;
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *strict = plan_of(corpus);
    cr_assert_eq(spira_value_count(spira_value_get(strict, "quarantined")), 1);
}

Test(plan, too_large_a_quarantined_share_fails_the_run_and_names_the_first)
{
    struct spira_value *corpus = corpus_of(90);
    for (size_t i = 0; i < 9; i++)
        spira_value_set_real(corpus_row(corpus, i), "seconds", 0.1);
    config.audio.max_quarantined_share = 0.1;
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *plan = plan_of(spira_value_copy(corpus));
    cr_assert(plan, "a tenth is not more than a tenth");
    config.audio.max_quarantined_share = 0.09;
    struct spira_error err;
    cr_assert_eq(failure_of(corpus, &err), SPIRA_EQUARANTINE);
    cr_assert(strstr(err.message, "9 of 90 recordings"), "%s", err.message);
    cr_assert(strstr(err.message, "too_short"), "%s", err.message);
}

Test(plan, a_role_without_recordings_and_a_train_role_without_a_label_are_refused)
{
    struct spira_error err;
    config.split = (struct spira_split_config){.train = 0.5, .validation = 0.5};
    cr_assert_eq(failure_of(corpus_of(90), &err), SPIRA_EINVALID);
    cr_assert(strstr(err.message, "the test role"), "%s", err.message);
    cr_assert_eq(failure_of(corpus_of(0), &err), SPIRA_EINVALID);
    struct spira_value *corpus = corpus_of(90);
    for (size_t i = 0; i < 90; i++) {
        spira_value_set_text(corpus_row(corpus, i), "split",
                             i / 3 % 2 == 0   ? "train"
                             : i / 3 % 4 == 1 ? "validation"
                                              : "test");
    }
    cr_assert_eq(failure_of(corpus, &err), SPIRA_EINVALID);
    cr_assert_str_eq(err.message, "the train role has no recording of label 1");
}

Test(plan, duplicates_are_passed_on)
{
    struct spira_value *corpus = corpus_of(90);
    spira_value_set_text(
        spira_value_append(spira_value_get(corpus, "duplicates"), spira_value_map()),
        "recording_id", "again.wav");
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *plan = plan_of(corpus);
    cr_assert(find_row(spira_value_get(plan, "duplicates"), "recording_id", "again.wav"));
    cr_assert_eq(spira_value_count(spira_value_get(plan, "quarantined")), 0);
}

Test(plan, a_shards_file_is_beside_the_plan)
{
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *plan = plan_of(corpus_of(90));
    cr_assert_null(spira_plan_shard(plan, 12345));
    const struct spira_value *file = spira_plan_shard(plan, shard_at(plan, 1));
    struct spira_value *at = spira_value_map();
    spira_value_set_text(at, "key", "dataset/p/plan.json");
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *reference = spira_plan_reference(at, file);
    spira_value_free(at);
    SPIRA_CLEANUP(spira_free_at)
    char *key = spira_format("dataset/p/shard-%05d.json", (int)shard_at(plan, 1));
    cr_assert_str_eq(spira_value_get_text(reference, "key", ""), key);
    cr_assert_str_eq(spira_value_get_text(reference, "sha256", ""), "d1");
    cr_assert_eq(spira_value_get_int(reference, "bytes", 0), 7);
}

Test(plan, a_document_that_cannot_be_written_ends_it)
{
    struct spira_error err;
    struct spira_value *plan = NULL;
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *documents = spira_value_map();
    spira_value_set_bool(documents, "full", true);
    cr_assert_eq(run_planner(corpus_of(90), documents, &plan, &err), SPIRA_EIO);
    cr_assert_null(plan);
}
