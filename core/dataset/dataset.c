#include "core/dataset/dataset.h"

#include <assert.h>
#include <math.h>

#include "core/dataset/plan.h"
#include "core/dataset/shard.h"

struct totals {
    int64_t recordings, control, patient, windows, patients;
    double seconds;
};

struct range {
    double least, sum, most;
    size_t count;
};

struct spira_dataset_builder {
    const struct spira_run_config *config;
    struct spira_value *recordings, *shards;
    struct spira_value *quarantined; /* by the shards */
    int64_t features, windows, longest_train_frames;
    struct spira_role_counts counts;
    struct totals totals[SPIRA_ROLES];
    struct range seconds, levels;
};

struct spira_dataset_builder *spira_dataset_builder_new(const struct spira_run_config *config)
{
    struct spira_dataset_builder *builder = spira_alloc(1, sizeof *builder);
    *builder = (struct spira_dataset_builder){
        .config = config,
        .recordings = spira_value_list(),
        .shards = spira_value_list(),
        .quarantined = spira_value_list(),
    };
    return builder;
}

void spira_dataset_builder_free(struct spira_dataset_builder *builder)
{
    if (!builder)
        return;
    spira_value_free(builder->recordings);
    spira_value_free(builder->shards);
    spira_value_free(builder->quarantined);
    free(builder);
}

void spira_dataset_builder_free_at(struct spira_dataset_builder **builder)
{
    spira_dataset_builder_free(*builder);
    *builder = NULL;
}

/* The recording of that digest in a shard's document, which has it, for the shard was asked for it.
 */
static const struct spira_value *find_planned(const struct spira_value *planned, const char *sha256)
{
    const struct spira_value *recordings = spira_value_get(planned, "recordings");
    for (size_t i = 0; i < spira_value_count(recordings); i++) {
        const struct spira_value *recording = spira_value_at(recordings, i);
        if (strcmp(sha256, spira_value_get_text(recording, "sha256", "")) == 0)
            return recording;
    }
    assert(false);
    return NULL;
}

/* A recording of the plan joined with what its shard found. */
static struct spira_value *join(const struct spira_value *planned, int64_t shard,
                                const struct spira_value *found)
{
    static const char *const fields[] = {"sha256",  "recording_id", "label",    "role",
                                         "patient", "copies",       "metadata", "fold"};
    struct spira_value *recording = spira_value_map();
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        const struct spira_value *field = spira_value_get(planned, fields[i]);
        if (field)
            spira_value_set(recording, fields[i], spira_value_copy(field));
    }
    spira_value_set_int(recording, "shard", shard);
    spira_value_set_int(recording, "windows", spira_value_get_int(found, "windows", 0));
    spira_value_set_int(recording, "frames", spira_value_get_int(found, "frames", 0));
    return recording;
}

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

/* Takes recording; planned has what was measured of it. */
static void add_recording(struct spira_dataset_builder *builder, struct spira_value *recording,
                          const struct spira_value *planned)
{
    const enum spira_role number = spira_role_find(spira_value_get_text(recording, "role", ""));
    const int64_t windows = spira_value_get_int(recording, "windows", 0);
    const int64_t frames = spira_value_get_int(recording, "frames", 0);
    struct totals *role = &builder->totals[number];
    role->recordings++;
    *(spira_value_get_int(recording, "label", 0) ? &role->patient : &role->control) += 1;
    role->windows += windows;
    role->seconds += spira_value_get_real(planned, "seconds", 0);
    widen(&builder->seconds, spira_value_get(planned, "seconds"));
    widen(&builder->levels, spira_value_get(planned, "rms_dbfs"));
    builder->windows += windows;
    bool trained_on = number == SPIRA_TRAIN || spira_value_get(recording, "fold");
    if (trained_on && frames > builder->longest_train_frames)
        builder->longest_train_frames = frames;
    spira_role_count(&builder->counts, recording);
    spira_value_append(builder->recordings, recording);
}

void spira_dataset_add_shard(struct spira_dataset_builder *builder,
                             const struct spira_value *planned, const struct spira_value *file,
                             const struct spira_value *result)
{
    const int64_t shard = spira_value_get_int(planned, "shard", 0);
    const struct spira_value *found = spira_value_get(result, "recordings");
    for (size_t i = 0; i < spira_value_count(found); i++) {
        const struct spira_value *row = spira_value_at(found, i);
        const struct spira_value *recording =
            find_planned(planned, spira_value_get_text(row, "sha256", ""));
        add_recording(builder, join(recording, shard, row), recording);
    }
    /* The shard knows digests only. */
    const struct spira_value *out = spira_value_get(result, "quarantined");
    for (size_t i = 0; i < spira_value_count(out); i++) {
        struct spira_value *note =
            spira_value_append(builder->quarantined, spira_value_copy(spira_value_at(out, i)));
        const struct spira_value *recording =
            find_planned(planned, spira_value_get_text(note, "recording_id", ""));
        spira_value_set_text(note, "recording_id",
                             spira_value_get_text(recording, "recording_id", ""));
    }
    builder->features = spira_value_get_int(result, "features", builder->features);
    struct spira_value *row = spira_value_append(builder->shards, spira_value_map());
    spira_value_set_int(row, "shard", shard);
    spira_value_set(row, "file", spira_value_copy(file));
}

/* A running digest of JSON text: the text itself, of a large corpus, need not be held. */
struct hash {
    struct spira_digest digest;
    void *running;
};

static void hash_text(const struct hash *hash, const char *text)
{
    hash->digest.ops->update(hash->running, text, strlen(text));
}

static void hash_value(const struct hash *hash, const struct spira_value *value)
{
    SPIRA_CLEANUP(spira_free_at)
    char *text = spira_value_to_text(value, SPIRA_CANONICAL);
    hash_text(hash, text);
}

static void hash_recording(const struct hash *hash, const struct spira_value *recording)
{
    static const char *const fields[] = {"sha256", "label", "role", "patient"};
    for (size_t f = 0; f < sizeof fields / sizeof *fields; f++) {
        hash_text(hash, f ? "," : "[");
        hash_value(hash, spira_value_get(recording, fields[f]));
    }
    hash_text(hash, "]");
}

/* The digest of {"configuration", "recordings": [[...], ...], "tensors": ["<sha256>", ...]}. */
static struct spira_sha256 identity_of(const struct spira_dataset_builder *builder,
                                       struct spira_digest digest)
{
    const struct hash hash = {.digest = digest, .running = digest.ops->begin(digest.self)};
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *configuration = spira_shard_configuration(builder->config);
    hash_text(&hash, "{\"configuration\":");
    hash_value(&hash, configuration);
    hash_text(&hash, ",\"recordings\":[");
    for (size_t i = 0; i < spira_value_count(builder->recordings); i++) {
        hash_text(&hash, i ? "," : "");
        hash_recording(&hash, spira_value_at(builder->recordings, i));
    }
    hash_text(&hash, "],\"tensors\":[");
    for (size_t i = 0; i < spira_value_count(builder->shards); i++) {
        hash_text(&hash, i ? "," : "");
        hash_value(&hash, spira_value_find(spira_value_at(builder->shards, i), "file.sha256"));
    }
    hash_text(&hash, "]}");
    return digest.ops->finish(hash.running);
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

static struct spira_value *describe_quarantined(const struct spira_dataset_builder *builder,
                                                const struct spira_value *excluded)
{
    struct spira_value *quarantined = spira_value_copy(spira_value_get(excluded, "quarantined"));
    for (size_t i = 0; i < spira_value_count(builder->quarantined); i++)
        spira_value_append(quarantined, spira_value_copy(spira_value_at(builder->quarantined, i)));
    return quarantined;
}

static struct spira_value *validate(struct spira_dataset_builder *builder,
                                    const struct spira_value *excluded)
{
    count_patients(builder->recordings, builder->totals);
    struct spira_value *quarantined = describe_quarantined(builder, excluded);
    size_t count = spira_value_count(builder->recordings), out = spira_value_count(quarantined);
    struct spira_value *validation = spira_value_map();
    spira_value_set_int(validation, "format", 1);
    spira_value_set_int(validation, "recordings", (int64_t)count);
    spira_value_set_real(validation, "seconds", builder->seconds.sum);
    struct spira_value *roles = spira_value_set(validation, "roles", spira_value_map());
    for (int role = 0; role < SPIRA_ROLES; role++)
        spira_value_set(roles, spira_role_name((enum spira_role)role),
                        describe_totals(&builder->totals[role]));
    spira_value_set(validation, "seconds_range", describe_range(&builder->seconds));
    spira_value_set(validation, "rms_dbfs_range", describe_range(&builder->levels));
    spira_value_set_real(validation, "quarantined_share",
                         out ? (double)out / (double)(count + out) : 0);
    spira_value_set(validation, "quarantined", quarantined);
    spira_value_set(validation, "duplicates",
                    spira_value_copy(spira_value_get(excluded, "duplicates")));
    return validation;
}

/* Moves what the builder has into the document. */
static struct spira_value *describe(struct spira_dataset_builder *builder,
                                    struct spira_digest digest)
{
    struct spira_value *dataset = spira_value_map();
    spira_value_set_int(dataset, "format", 1);
    spira_value_set_text(dataset, "digest", identity_of(builder, digest).hex);
    spira_value_set_int(dataset, "features", builder->features);
    spira_value_set_int(dataset, "longest_train_frames", builder->longest_train_frames);
    spira_value_set_int(dataset, "windows", builder->windows);
    spira_value_set(dataset, "recordings", builder->recordings);
    spira_value_set(dataset, "shards", builder->shards);
    builder->recordings = builder->shards = NULL;
    return dataset;
}

enum spira_code spira_dataset_finish(struct spira_dataset_builder *builder,
                                     const struct spira_value *excluded, struct spira_digest digest,
                                     struct spira_value **ret_dataset,
                                     struct spira_value **ret_validation, struct spira_error *err)
{
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *validation = validate(builder, excluded);
    const struct spira_value *quarantined = spira_value_get(validation, "quarantined");
    const size_t out = spira_value_count(quarantined);
    const struct spira_quarantine quarantine = {out, out ? spira_value_at(quarantined, 0) : NULL};
    enum spira_code code = spira_plan_check(&builder->counts, quarantine, builder->config, err);
    if (code != SPIRA_OK)
        return code;
    *ret_dataset = describe(builder, digest);
    *ret_validation = validation;
    validation = NULL;
    return SPIRA_OK;
}
