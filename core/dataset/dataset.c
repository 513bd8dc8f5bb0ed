#include "core/dataset/dataset.h"

#include <assert.h>
#include <math.h>

#include "core/dataset/plan.h"
#include "core/dataset/shard.h"

/* The plan's recording of that digest; it has it, for it asked the shards for it. */
static const struct spira_value *find_planned(const struct spira_value *plan, const char *sha256)
{
    const struct spira_value *recordings = spira_value_get(plan, "recordings");
    size_t low = 0, high = spira_value_count(recordings);
    while (low < high) {
        size_t middle = (low + high) / 2;
        const struct spira_value *recording = spira_value_at(recordings, middle);
        int order = strcmp(sha256, spira_value_get_text(recording, "sha256", ""));
        if (order == 0)
            return recording;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    assert(false);
    return NULL;
}

/* A recording of the plan joined with what its shard found. */
static struct spira_value *join(const struct spira_value *planned, const struct spira_value *found)
{
    static const char *const fields[] = {"sha256",  "recording_id", "label",  "role",
                                         "patient", "shard",        "copies", "metadata"};
    struct spira_value *recording = spira_value_map();
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        const struct spira_value *field = spira_value_get(planned, fields[i]);
        if (field)
            spira_value_set(recording, fields[i], spira_value_copy(field));
    }
    spira_value_set_int(recording, "windows", spira_value_get_int(found, "windows", 0));
    spira_value_set_int(recording, "frames", spira_value_get_int(found, "frames", 0));
    return recording;
}

static struct spira_value *identity_of(const struct spira_value *recordings,
                                       const struct spira_run_config *config,
                                       const struct spira_value *const *shard_files,
                                       size_t shard_count)
{
    static const char *const fields[] = {"sha256", "label", "role", "patient"};
    struct spira_value *identity = spira_value_map();
    struct spira_value *list = spira_value_set(identity, "recordings", spira_value_list());
    for (size_t i = 0; i < spira_value_count(recordings); i++) {
        struct spira_value *row = spira_value_append(list, spira_value_list());
        for (size_t f = 0; f < sizeof fields / sizeof *fields; f++)
            spira_value_append(
                row, spira_value_copy(spira_value_get(spira_value_at(recordings, i), fields[f])));
    }
    spira_value_set(identity, "configuration", spira_shard_configuration(config));
    struct spira_value *tensors = spira_value_set(identity, "tensors", spira_value_list());
    for (size_t i = 0; i < shard_count; i++)
        spira_value_append(tensors, spira_value_copy(spira_value_get(shard_files[i], "sha256")));
    return identity;
}

struct totals {
    int64_t recordings, control, patient, windows, patients;
    double seconds;
};

struct range {
    double least, sum, most;
    size_t count;
};

static void widen(struct range *range, const struct spira_value *number)
{
    double value = spira_value_as_real(number, NAN);
    if (isnan(value))
        return;
    range->least = range->count ? fmin(range->least, value) : value;
    range->most = range->count ? fmax(range->most, value) : value;
    range->sum += value;
    range->count++;
}

static struct spira_value *describe_range(const struct range *range)
{
    struct spira_value *value = spira_value_map();
    if (range->count == 0)
        return value;
    spira_value_set_real(value, "least", range->least);
    spira_value_set_real(value, "mean", range->sum / (double)range->count);
    spira_value_set_real(value, "most", range->most);
    return value;
}

static struct spira_value *describe_totals(const struct totals *totals)
{
    struct spira_value *value = spira_value_map();
    spira_value_set_int(value, "recordings", totals->recordings);
    spira_value_set_int(value, "patients", totals->patients);
    spira_value_set_int(value, "control", totals->control);
    spira_value_set_int(value, "patient", totals->patient);
    spira_value_set_int(value, "windows", totals->windows);
    spira_value_set_real(value, "seconds", totals->seconds);
    return value;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Different patients of each role. */
static void count_patients(const struct spira_value *recordings, struct totals totals[SPIRA_ROLES])
{
    size_t count = spira_value_count(recordings);
    SPIRA_CLEANUP(spira_free_at)
    const char **names = spira_alloc(count, sizeof *names);
    for (int role = 0; role < SPIRA_ROLES; role++) {
        size_t found = 0;
        for (size_t i = 0; i < count; i++) {
            const struct spira_value *recording = spira_value_at(recordings, i);
            if (spira_role_find(spira_value_get_text(recording, "role", "")) ==
                (enum spira_role)role)
                names[found++] = spira_value_get_text(recording, "patient", "");
        }
        qsort(names, found, sizeof *names, by_text);
        for (size_t i = 0; i < found; i++)
            totals[role].patients += i == 0 || strcmp(names[i], names[i - 1]) != 0;
    }
}

static struct spira_value *validate(const struct spira_value *plan,
                                    const struct spira_value *recordings,
                                    struct spira_value *quarantined)
{
    struct totals totals[SPIRA_ROLES] = {{0}};
    struct range seconds = {0}, levels = {0};
    for (size_t i = 0; i < spira_value_count(recordings); i++) {
        const struct spira_value *recording = spira_value_at(recordings, i);
        const struct spira_value *facts =
            find_planned(plan, spira_value_get_text(recording, "sha256", ""));
        struct totals *role = &totals[spira_role_find(spira_value_get_text(recording, "role", ""))];
        role->recordings++;
        *(spira_value_get_int(recording, "label", 0) ? &role->patient : &role->control) += 1;
        role->windows += spira_value_get_int(recording, "windows", 0);
        role->seconds += spira_value_get_real(facts, "seconds", 0);
        widen(&seconds, spira_value_get(facts, "seconds"));
        widen(&levels, spira_value_get(facts, "rms_dbfs"));
    }
    count_patients(recordings, totals);
    size_t count = spira_value_count(recordings), out = spira_value_count(quarantined);
    struct spira_value *validation = spira_value_map();
    spira_value_set_int(validation, "format", 1);
    spira_value_set_int(validation, "recordings", (int64_t)count);
    spira_value_set_real(validation, "seconds", seconds.sum);
    struct spira_value *roles = spira_value_set(validation, "roles", spira_value_map());
    for (int role = 0; role < SPIRA_ROLES; role++)
        spira_value_set(roles, spira_role_name((enum spira_role)role),
                        describe_totals(&totals[role]));
    spira_value_set(validation, "seconds_range", describe_range(&seconds));
    spira_value_set(validation, "rms_dbfs_range", describe_range(&levels));
    spira_value_set_real(validation, "quarantined_share",
                         out ? (double)out / (double)(count + out) : 0);
    spira_value_set(validation, "quarantined", quarantined);
    spira_value_set(validation, "duplicates",
                    spira_value_copy(spira_value_get(plan, "duplicates")));
    return validation;
}

/* Joins plan and results; what a shard quarantined goes to quarantined, under its recording id. */
static struct spira_value *join_all(const struct spira_value *plan,
                                    const struct spira_value *const *shard_results,
                                    struct spira_value *quarantined)
{
    struct spira_value *recordings = spira_value_list();
    for (size_t shard = 0; shard < spira_value_count(spira_value_get(plan, "shards")); shard++) {
        const struct spira_value *found = spira_value_get(shard_results[shard], "recordings");
        for (size_t i = 0; i < spira_value_count(found); i++) {
            const struct spira_value *row = spira_value_at(found, i);
            const char *sha256 = spira_value_get_text(row, "sha256", "");
            spira_value_append(recordings, join(find_planned(plan, sha256), row));
        }
        const struct spira_value *out = spira_value_get(shard_results[shard], "quarantined");
        for (size_t i = 0; i < spira_value_count(out); i++) {
            struct spira_value *note =
                spira_value_append(quarantined, spira_value_copy(spira_value_at(out, i)));
            const struct spira_value *planned =
                find_planned(plan, spira_value_get_text(note, "recording_id", ""));
            spira_value_set_text(note, "recording_id",
                                 spira_value_get_text(planned, "recording_id", ""));
        }
    }
    return recordings;
}

static void set_sizes(struct spira_value *dataset, const struct spira_value *recordings)
{
    int64_t windows = 0, longest = 0;
    for (size_t i = 0; i < spira_value_count(recordings); i++) {
        const struct spira_value *recording = spira_value_at(recordings, i);
        int64_t frames = spira_value_get_int(recording, "frames", 0);
        windows += spira_value_get_int(recording, "windows", 0);
        if (frames > longest && strcmp(spira_value_get_text(recording, "role", ""), "train") == 0)
            longest = frames;
    }
    spira_value_set_int(dataset, "longest_train_frames", longest);
    spira_value_set_int(dataset, "windows", windows);
}

enum spira_code spira_dataset_assemble(const struct spira_value *plan,
                                       const struct spira_run_config *config,
                                       const struct spira_value *const *shard_files,
                                       const struct spira_value *const *shard_results,
                                       struct spira_digest digest, struct spira_value **ret_dataset,
                                       struct spira_value **ret_validation, struct spira_error *err)
{
    const struct spira_value *shards = spira_value_get(plan, "shards");
    size_t shard_count = spira_value_count(shards);
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *dataset = spira_value_map();
    struct spira_value *quarantined = spira_value_copy(spira_value_get(plan, "quarantined"));
    struct spira_value *recordings = join_all(plan, shard_results, quarantined);
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *validation = validate(plan, recordings, quarantined);

    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *identity = identity_of(recordings, config, shard_files, shard_count);
    SPIRA_CLEANUP(spira_free_at)
    char *text = spira_value_to_text(identity, SPIRA_CANONICAL);
    spira_value_set_int(dataset, "format", 1);
    spira_value_set_text(dataset, "digest", spira_digest_bytes(digest, text, strlen(text)).hex);
    spira_value_set_int(dataset, "features", spira_value_get_int(shard_results[0], "features", 0));
    set_sizes(dataset, recordings);
    spira_value_set(dataset, "recordings", recordings);
    struct spira_value *files = spira_value_set(dataset, "shards", spira_value_list());
    for (size_t i = 0; i < shard_count; i++) {
        struct spira_value *row = spira_value_append(files, spira_value_map());
        spira_value_set(row, "shard", spira_value_copy(spira_value_at(shards, i)));
        spira_value_set(row, "file", spira_value_copy(shard_files[i]));
    }
    enum spira_code code = spira_plan_check(recordings, quarantined, config, err);
    if (code != SPIRA_OK)
        return code;
    *ret_dataset = dataset;
    *ret_validation = validation;
    dataset = validation = NULL;
    return SPIRA_OK;
}
