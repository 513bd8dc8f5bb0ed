#include <criterion/criterion.h>

#include "core/dataset/dataset.h"
#include "core/dataset/plan.h"
#include "core/dataset/shard.h"
#include "tests/core/dataset/corpus_parts.h"
#include "tests/fakes/fake_digest.h"

enum { RECORDINGS = 8 };

static struct spira_run_config config;
static struct spira_value *shards[2]; /* their documents of the plan */
static struct spira_value *excluded;
static struct spira_value *files[2], *results[2];

/* "ab0000...": the digests of the first shard begin with 0, those of the second with f. */
static struct hex digest_of(int index)
{
    struct hex hex;
    snprintf(hex.text, sizeof hex.text, "%c%063x", index < RECORDINGS / 2 ? '0' : 'f', index);
    return hex;
}

static void add_result(int index, int64_t windows, int64_t frames)
{
    struct spira_value *list =
        spira_value_get(results[index < RECORDINGS / 2 ? 0 : 1], "recordings");
    struct spira_value *row = spira_value_append(list, spira_value_map());
    spira_value_set_text(row, "sha256", digest_of(index).text);
    spira_value_set_int(row, "windows", windows);
    spira_value_set_int(row, "frames", frames);
}

static void make_results(void)
{
    for (int shard = 0; shard < 2; shard++) {
        spira_value_free(files[shard]);
        spira_value_free(results[shard]);
        files[shard] = spira_value_map();
        spira_value_set_text(files[shard], "sha256", shard ? "ff" : "00");
        results[shard] = spira_value_map();
        spira_value_set_int(results[shard], "features", 40);
        spira_value_set(results[shard], "recordings", spira_value_list());
        spira_value_set(results[shard], "quarantined", spira_value_list());
    }
}

/* Two shards of four recordings each, patient by patient: train, train, validation, test, ... */
static void setup(void)
{
    static const char *const roles[] = {"train", "train", "validation", "test"};
    config = (struct spira_run_config){.audio = {.rate_hz = 16000, .max_quarantined_share = 0.5},
                                       .features = {.n_fft = 1200}};
    for (int shard = 0; shard < 2; shard++) {
        shards[shard] = spira_value_map();
        spira_value_set_int(shards[shard], "shard", shard + 1);
        spira_value_set(shards[shard], "recordings", spira_value_list());
    }
    make_results();
    for (int i = 0; i < RECORDINGS; i++) {
        struct spira_value *row = spira_value_append(
            spira_value_get(shards[i < RECORDINGS / 2 ? 0 : 1], "recordings"), spira_value_map());
        char id[16];
        snprintf(id, sizeof id, "%d.wav", i);
        spira_value_set_text(row, "sha256", digest_of(i).text);
        spira_value_set_text(row, "recording_id", id);
        spira_value_set_int(row, "label", i % 2);
        spira_value_set_text(row, "role", roles[i % 4]);
        spira_value_set_text(row, "patient", i % 4 == 0 ? "ann" : id);
        spira_value_set_int(row, "copies", i % 4 < 2 ? 3 : 1);
        spira_value_set_real(row, "seconds", 4 + i);
        spira_value_set_real(row, "rms_dbfs", -20 - i);
        spira_value_set_text(spira_value_set(row, "metadata", spira_value_map()), "ward", "B");
        add_result(i, 1 + i, i % 4 < 2 ? 100 + i : 500);
    }
    excluded = spira_value_map();
    spira_value_set(excluded, "quarantined", spira_value_list());
    spira_value_set(excluded, "duplicates", spira_value_list());
}

static void teardown(void)
{
    spira_value_free(excluded);
    for (int shard = 0; shard < 2; shard++) {
        spira_value_free(shards[shard]);
        spira_value_free(files[shard]);
        spira_value_free(results[shard]);
    }
}

TestSuite(dataset, .init = setup, .fini = teardown);

static enum spira_code try_to_assemble(struct spira_value **ret_dataset,
                                       struct spira_value **ret_validation, struct spira_error *err)
{
    SPIRA_CLEANUP(spira_dataset_builder_free_at)
    struct spira_dataset_builder *builder = spira_dataset_builder_new(&config);
    for (int shard = 0; shard < 2; shard++)
        spira_dataset_add_shard(builder, shards[shard], files[shard], results[shard]);
    return spira_dataset_finish(builder, excluded, fake_digest(), ret_dataset, ret_validation, err);
}

static struct spira_value *assemble(struct spira_value **ret_validation)
{
    struct spira_error err = {0};
    struct spira_value *dataset = NULL;
    cr_assert_eq(try_to_assemble(&dataset, ret_validation, &err), SPIRA_OK, "%s", err.message);
    return dataset;
}

static struct spira_sha256 digest(void)
{
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *validation = NULL;
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *dataset = assemble(&validation);
    struct spira_sha256 sha256;
    snprintf(sha256.hex, sizeof sha256.hex, "%s", spira_value_get_text(dataset, "digest", ""));
    cr_assert(spira_sha256_valid(sha256.hex));
    return sha256;
}

static struct spira_value *planned(int index)
{
    const struct spira_value *shard = shards[index < RECORDINGS / 2 ? 0 : 1];
    return spira_value_at(spira_value_get(shard, "recordings"), (size_t)index % (RECORDINGS / 2));
}

/* Lets the first shard quarantine its recording 3 (test) and, with more, the others but 0 and 1. */
static void quarantine(const char *reason, bool more)
{
    make_results();
    for (int i = 0; i < RECORDINGS; i++) {
        if (i != 3 && !(more && i > 1)) {
            add_result(i, 2, 10);
            continue;
        }
        struct spira_value *note = spira_value_append(
            spira_value_get(results[i < RECORDINGS / 2 ? 0 : 1], "quarantined"), spira_value_map());
        spira_value_set_text(note, "recording_id", digest_of(i).text);
        spira_value_set_text(note, "reason", reason);
        spira_value_set_text(note, "message", "broken after frame 7");
    }
}

Test(dataset, joins_the_plan_with_what_the_shards_found)
{
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *validation = NULL;
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *dataset = assemble(&validation);
    const struct spira_value *recordings = spira_value_get(dataset, "recordings");
    cr_assert_eq(spira_value_count(recordings), RECORDINGS);
    const struct spira_value *row = spira_value_at(recordings, 5);
    cr_assert_str_eq(spira_value_get_text(row, "sha256", ""), digest_of(5).text);
    cr_assert_str_eq(spira_value_get_text(row, "recording_id", ""), "5.wav");
    cr_assert_str_eq(spira_value_get_text(row, "role", ""), "train");
    cr_assert_str_eq(spira_value_get_text(row, "patient", ""), "5.wav");
    cr_assert_str_eq(spira_value_as_text(spira_value_find(row, "metadata.ward"), ""), "B");
    cr_assert_eq(spira_value_get_int(row, "label", -1), 1);
    cr_assert_eq(spira_value_get_int(row, "shard", -1), 2);
    cr_assert_eq(spira_value_get_int(row, "copies", -1), 3);
    cr_assert_eq(spira_value_get_int(row, "windows", -1), 6);
    cr_assert_eq(spira_value_get_int(row, "frames", -1), 105);
    cr_assert_eq(spira_value_get_int(dataset, "features", 0), 40);
    cr_assert_eq(spira_value_get_int(dataset, "windows", 0), 36, "each once, whatever the copies");
    cr_assert_eq(spira_value_get_int(dataset, "longest_train_frames", 0), 105,
                 "longer ones are in other roles");
    const struct spira_value *shard = spira_value_at(spira_value_get(dataset, "shards"), 1);
    cr_assert_eq(spira_value_get_int(shard, "shard", 0), 2);
    cr_assert_str_eq(spira_value_as_text(spira_value_find(shard, "file.sha256"), ""), "ff");
}

Test(dataset, validation_counts_each_role)
{
    spira_value_append(spira_value_get(excluded, "duplicates"), spira_value_text("a note"));
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *validation = NULL;
    spira_value_free(assemble(&validation));
    static const struct {
        const char *path;
        double value;
    } numbers[] = {
        {"recordings", 8},
        {"seconds", 60},
        {"quarantined_share", 0},
        {"roles.train.recordings", 4},
        {"roles.train.patients", 3},
        {"roles.train.control", 2},
        {"roles.train.patient", 2},
        {"roles.train.windows", 1 + 2 + 5 + 6},
        {"roles.train.seconds", 4 + 5 + 8 + 9},
        {"roles.validation.patients", 2},
        {"roles.validation.control", 2},
        {"roles.validation.patient", 0},
        {"roles.test.patient", 2},
        {"seconds_range.least", 4},
        {"seconds_range.mean", 7.5},
        {"seconds_range.most", 11},
        {"rms_dbfs_range.least", -27},
        {"rms_dbfs_range.most", -20},
    };
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        cr_assert_eq(spira_value_as_real(spira_value_find(validation, numbers[i].path), -1),
                     numbers[i].value, "%s", numbers[i].path);
    cr_assert_eq(spira_value_count(spira_value_get(validation, "duplicates")), 1);
    cr_assert_eq(spira_value_count(spira_value_get(validation, "quarantined")), 0);
}

Test(dataset, what_a_shard_could_not_compute_is_quarantined_by_its_name)
{
    spira_value_set_text(
        spira_value_append(spira_value_get(excluded, "quarantined"), spira_value_map()),
        "recording_id", "gone.wav");
    quarantine("unreadable", false);
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *validation = NULL;
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *dataset = assemble(&validation);
    cr_assert_eq(spira_value_count(spira_value_get(dataset, "recordings")), RECORDINGS - 1);
    cr_assert_null(find_row(spira_value_get(dataset, "recordings"), "sha256", digest_of(3).text));
    const struct spira_value *quarantined = spira_value_get(validation, "quarantined");
    cr_assert_eq(spira_value_count(quarantined), 2);
    cr_assert(find_row(quarantined, "recording_id", "gone.wav"));
    const struct spira_value *note = find_row(quarantined, "recording_id", "3.wav");
    cr_assert_str_eq(spira_value_get_text(note, "reason", ""), "unreadable");
    cr_assert_str_eq(spira_value_get_text(note, "message", ""), "broken after frame 7");
    cr_assert_eq(spira_value_get_real(validation, "quarantined_share", 0), 2.0 / 9);
    cr_assert_eq(spira_value_as_int(spira_value_find(validation, "roles.test.recordings"), 0), 1);
}

Test(dataset, what_is_left_must_still_be_a_dataset)
{
    struct spira_error err;
    struct spira_value *dataset = NULL, *validation = NULL;
    quarantine("unreadable", true);
    cr_assert_eq(try_to_assemble(&dataset, &validation, &err), SPIRA_EQUARANTINE);
    config.audio.max_quarantined_share = 1;
    cr_assert_eq(try_to_assemble(&dataset, &validation, &err), SPIRA_EINVALID);
    cr_assert(strstr(err.message, "the validation role"), "%s", err.message);
    cr_assert(!dataset && !validation);
}

Test(dataset, the_digest_is_of_recordings_configuration_and_tensors)
{
    const struct spira_sha256 before = digest();
    cr_assert_str_eq(digest().hex, before.hex);

    spira_value_set_text(planned(3), "patient", "eve");
    cr_assert_str_neq(digest().hex, before.hex);
    spira_value_set_text(planned(3), "patient", "3.wav");
    spira_value_set_int(planned(3), "label", 0);
    cr_assert_str_neq(digest().hex, before.hex);
    spira_value_set_int(planned(3), "label", 1);
    spira_value_set_text(planned(7), "role", "validation");
    cr_assert_str_neq(digest().hex, before.hex);
    spira_value_set_text(planned(7), "role", "test");
    config.features.n_fft = 1024;
    cr_assert_str_neq(digest().hex, before.hex);
    config.features.n_fft = 1200;
    spira_value_set_text(files[1], "sha256", "fe");
    cr_assert_str_neq(digest().hex, before.hex);
    spira_value_set_text(files[1], "sha256", "ff");
    cr_assert_str_eq(digest().hex, before.hex);
}

Test(dataset, names_and_lists_of_what_stayed_out_are_no_part_of_the_digest)
{
    const struct spira_sha256 before = digest();
    spira_value_set_text(planned(3), "recording_id", "another.wav");
    spira_value_append(spira_value_get(excluded, "duplicates"), spira_value_map());
    spira_value_append(spira_value_get(excluded, "quarantined"), spira_value_map());
    spira_value_set_text(files[0], "key", "features/elsewhere");
    config.train.epochs = 99;
    cr_assert_str_eq(digest().hex, before.hex);
}

Test(dataset, the_digest_is_that_of_one_canonical_text)
{
    struct spira_value *identity = spira_value_map();
    spira_value_set(identity, "configuration", spira_shard_configuration(&config));
    struct spira_value *list = spira_value_set(identity, "recordings", spira_value_list());
    static const char *const fields[] = {"sha256", "label", "role", "patient"};
    for (int i = 0; i < RECORDINGS; i++) {
        struct spira_value *row = spira_value_append(list, spira_value_list());
        for (size_t f = 0; f < 4; f++)
            spira_value_append(row, spira_value_copy(spira_value_get(planned(i), fields[f])));
    }
    struct spira_value *tensors = spira_value_set(identity, "tensors", spira_value_list());
    spira_value_append(tensors, spira_value_text("00"));
    spira_value_append(tensors, spira_value_text("ff"));
    SPIRA_CLEANUP(spira_free_at)
    char *text = spira_value_to_text(identity, SPIRA_CANONICAL);
    spira_value_free(identity);
    cr_assert_str_eq(digest().hex, spira_digest_bytes(fake_digest(), text, strlen(text)).hex);
}

Test(dataset, with_folds_the_longest_is_of_all_that_is_trained_on)
{
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *unused = NULL;
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *plain = assemble(&unused);
    cr_assert_eq(spira_value_get_int(plain, "longest_train_frames", 0), 105);
    config.train.folds = 2;
    for (int i = 0; i < RECORDINGS; i++)
        if (i % 4 < 3) /* fold 0 has 0, 1, 2 */
            spira_value_set_int(planned(i), "fold", i / 4);
    spira_value_set_int(planned(2), "label", 1);
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *validation = NULL;
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *dataset = assemble(&validation);
    cr_assert_eq(spira_value_get_int(dataset, "longest_train_frames", 0), 500);
    const struct spira_value *recordings = spira_value_get(dataset, "recordings");
    cr_assert_eq(spira_value_get_int(spira_value_at(recordings, 6), "fold", -1), 1);
    cr_assert_null(spira_value_get(spira_value_at(recordings, 3), "fold"), "it is tested");
}
