#include "core/dataset/shard.h"

#include <pthread.h>

#include "core/audio/mono.h"
#include "core/audio/resample.h"
#include "core/base/parallel.h"
#include "core/features/examples.h"

/* Features held in memory at once: recordings are computed in groups of about this size, and each
 * group is written before the next begins. No thread count in it: it is the same everywhere. */
static const size_t GROUP_BYTES = (size_t)64 << 20;
/* The least maximum of a stretch of noise (core/features/noise.h). */
static const float AUDIBLE = 1e-4F;

struct outcome {
    enum spira_code code;
    struct spira_error err;
};

struct recording {
    const char *sha256;
    int label;
    size_t copies;
    struct spira_example_shape shape;
    size_t samples;     /* at the rate of the features */
    const char *reason; /* static; NULL: it can be used, else outcome.err says why not */
    float *features;    /* (copies, windows, frames, dims) while its group is in memory */
    struct outcome outcome;
};

struct shard {
    const struct spira_shard_job *job;
    struct spira_example_chain chain;
    struct spira_feature_extractor *extractor;
    struct recording *recordings;
    size_t count;
    struct spira_wave *noises;
    struct outcome *noise_outcomes;
    size_t noise_count;
    struct spira_examples *examples; /* one a thread */
    size_t group;                    /* the first recording of the group in hand */
    pthread_mutex_t lock;            /* guards what follows, and job->progress */
    size_t done;
    bool stopping;
};

struct spira_shard_name spira_shard_name(int64_t shard)
{
    struct spira_shard_name name;
    snprintf(name.text, sizeof name.text, "shard-%05jd.safetensors", (intmax_t)shard);
    return name;
}

struct spira_shard_tensor spira_shard_tensor_name(const char *sha256, size_t copy)
{
    struct spira_shard_tensor name;
    snprintf(name.text, sizeof name.text, "%s.%zu", sha256, copy);
    return name;
}

/* Copies two keys of a section of the configuration. */
static void pick(struct spira_value *to, const struct spira_run_config *config, const char *section,
                 const char *first, const char *second)
{
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *all = spira_run_config_section(config, section);
    struct spira_value *picked = spira_value_set(to, section, spira_value_map());
    spira_value_set(picked, first, spira_value_copy(spira_value_get(all, first)));
    spira_value_set(picked, second, spira_value_copy(spira_value_get(all, second)));
}

struct spira_value *spira_shard_configuration(const struct spira_run_config *config)
{
    struct spira_value *configuration = spira_value_map();
    pick(configuration, config, "audio", "sample_rate", "short_recordings");
    spira_value_set(configuration, "features", spira_run_config_section(config, "features"));
    pick(configuration, config, "transform", "noise", "overlap");
    return configuration;
}

/* Whether the work goes on; every piece asks before it begins. */
static bool goes_on(struct shard *shard)
{
    pthread_mutex_lock(&shard->lock);
    shard->stopping = shard->stopping || spira_progress_stop_wanted(shard->job->progress);
    bool stopping = shard->stopping;
    pthread_mutex_unlock(&shard->lock);
    return !stopping;
}

static void report_one(struct shard *shard)
{
    pthread_mutex_lock(&shard->lock);
    shard->done++;
    spira_progress_report(shard->job->progress, &(struct spira_progress_report){
                                                    .done = shard->done, .total = shard->count});
    pthread_mutex_unlock(&shard->lock);
}

/* Whose fault it is that an input could not be read. One that is not there is the folder's: to set
 * the recording aside would make a wrong shard that looks finished. Any other is the recording's,
 * and is told without the path, which is of this machine and this attempt: results are the same
 * everywhere. */
static enum spira_code blame(enum spira_code code, const char *path, struct spira_error *err)
{
    if (spira_code_kind(code) != SPIRA_KIND_INVALID)
        return code;
    const struct spira_error found = *err;
    size_t length = strlen(path);
    bool named =
        strncmp(found.message, path, length) == 0 && strncmp(found.message + length, ": ", 2) == 0;
    if (code == SPIRA_ENOTFOUND)
        return spira_fail(err, SPIRA_EIO, "%s", found.message);
    return spira_fail(err, code, "%s", found.message + (named ? length + 2 : 0));
}

static enum spira_code load(const struct shard *shard, const char *sha256,
                            struct spira_wave *ret_wave, struct spira_error *err)
{
    const struct spira_shard_job *job = shard->job;
    SPIRA_CLEANUP(spira_free_at)
    char *path = spira_format("%s/%s", job->inputs, sha256);
    enum spira_code code = spira_wave_load(job->audio, path, job->config->audio.rate_hz,
                                           SPIRA_AUDIO_MAX_SECONDS, ret_wave, NULL, err);
    return blame(code, path, err);
}

static enum spira_code load_noise(const struct shard *shard, const char *sha256,
                                  struct spira_wave *wave, struct spira_error *err)
{
    enum spira_code code = load(shard, sha256, wave, err);
    if (spira_code_kind(code) == SPIRA_KIND_INVALID) {
        const struct spira_error found = *err;
        return spira_fail(err, SPIRA_EINVALID, "noise %s: %s", sha256, found.message);
    }
    if (code != SPIRA_OK)
        return code;
    for (size_t i = 0; i < wave->count; i++)
        if (wave->samples[i] >= AUDIBLE)
            return SPIRA_OK;
    return spira_fail(err, SPIRA_EINVALID, "noise %s: no sample of it reaches %g", sha256,
                      (double)AUDIBLE);
}

static void noise_piece(void *context, size_t index, size_t thread)
{
    (void)thread;
    struct shard *shard = context;
    struct outcome *outcome = &shard->noise_outcomes[index];
    const char *sha256 = spira_value_as_text(spira_value_at(shard->job->noises, index), "");
    outcome->code = goes_on(shard) ? load_noise(shard, sha256, &shard->noises[index], &outcome->err)
                                   : spira_fail(&outcome->err, SPIRA_EINTERRUPTED,
                                                "stopped while reading noises");
}

/* Samples of a recording at the rate of the features: decodes all of it and keeps nothing. */
static enum spira_code count_samples(const struct shard *shard, const char *sha256,
                                     size_t *ret_samples, struct spira_error *err)
{
    SPIRA_CLEANUP(spira_free_at)
    char *path = spira_format("%s/%s", shard->job->inputs, sha256);
    SPIRA_CLEANUP(spira_mono_done)
    struct spira_mono mono = {0};
    enum spira_code code = spira_mono_open(shard->job->audio, path, &mono, err);
    float block[SPIRA_MONO_BLOCK];
    for (size_t count = 1; code == SPIRA_OK && count > 0;) {
        code = spira_mono_read(&mono, block, &count, err);
        if (code == SPIRA_OK &&
            mono.samples > (int64_t)SPIRA_AUDIO_MAX_SECONDS * mono.facts.rate_hz)
            code = spira_fail(err, SPIRA_ETOOBIG, "%s: longer than %d s", path,
                              SPIRA_AUDIO_MAX_SECONDS);
    }
    if (code != SPIRA_OK)
        return blame(code, path, err);
    *ret_samples = spira_resampled_count((size_t)mono.samples, mono.facts.rate_hz,
                                         shard->job->config->audio.rate_hz);
    return SPIRA_OK;
}

/* Finds the shape of a recording, or the reason why it has none. */
static enum spira_code measure(const struct shard *shard, struct recording *recording,
                               struct spira_error *err)
{
    enum spira_code code = count_samples(shard, recording->sha256, &recording->samples, err);
    if (code != SPIRA_OK) {
        recording->reason = "unreadable";
        return code;
    }
    code = spira_example_shape(&shard->chain, recording->samples, &recording->shape, err);
    if (code != SPIRA_OK)
        recording->reason = recording->samples > 0 ? "too_short" : "empty";
    return code;
}

static void measure_piece(void *context, size_t index, size_t thread)
{
    (void)thread;
    struct shard *shard = context;
    struct recording *recording = &shard->recordings[index];
    struct outcome *outcome = &recording->outcome;
    if (!goes_on(shard)) {
        outcome->code =
            spira_fail(&outcome->err, SPIRA_EINTERRUPTED, "stopped while measuring recordings");
        return;
    }
    outcome->code = measure(shard, recording, &outcome->err);
    if (spira_code_kind(outcome->code) != SPIRA_KIND_INVALID)
        return;
    outcome->code = SPIRA_OK;
    report_one(shard);
}

static size_t copy_values(const struct recording *recording)
{
    return recording->shape.windows * recording->shape.frames * recording->shape.dims;
}

static enum spira_code compute(struct shard *shard, struct recording *recording, size_t thread,
                               struct spira_error *err)
{
    struct spira_wave wave = {0};
    enum spira_code code = load(shard, recording->sha256, &wave, err);
    if (code == SPIRA_OK && wave.count != recording->samples)
        code = spira_fail(err, SPIRA_EIO, "%s: %zu samples, before there were %zu",
                          recording->sha256, wave.count, recording->samples);
    if (code == SPIRA_OK)
        code = spira_big_alloc(&recording->features, recording->copies * copy_values(recording),
                               sizeof *recording->features, "a recording's features", err);
    struct spira_examples *examples = &shard->examples[thread];
    const size_t window = recording->shape.frames * recording->shape.dims;
    for (size_t copy = 0; code == SPIRA_OK && copy < recording->copies; copy++) {
        code = spira_examples_begin(examples, &shard->chain, &wave, recording->label,
                                    recording->sha256, (uint32_t)copy, err);
        float *features = recording->features + copy * copy_values(recording);
        for (size_t i = 0; code == SPIRA_OK && i < recording->shape.windows; i++)
            spira_examples_compute(examples, &shard->chain, i, features + i * window);
    }
    spira_wave_done(&wave);
    return code;
}

static void compute_piece(void *context, size_t index, size_t thread)
{
    struct shard *shard = context;
    struct recording *recording = &shard->recordings[shard->group + index];
    struct outcome *outcome = &recording->outcome;
    if (recording->reason)
        return;
    outcome->code = goes_on(shard) ? compute(shard, recording, thread, &outcome->err)
                                   : spira_fail(&outcome->err, SPIRA_EINTERRUPTED,
                                                "stopped while computing features");
    if (outcome->code == SPIRA_OK)
        report_one(shard);
}

/* Where the group that begins at a recording ends: at least one further. */
static size_t group_end(const struct shard *shard, size_t from)
{
    size_t bytes = 0, to = from;
    while (to < shard->count && (to == from || bytes < GROUP_BYTES)) {
        const struct recording *recording = &shard->recordings[to++];
        bytes += recording->copies * copy_values(recording) * sizeof *recording->features;
    }
    return to;
}

/* The first failure in the order of the recordings, whichever thread came to it first. */
static enum spira_code first_failure(const struct shard *shard, size_t from, size_t to,
                                     struct spira_error *err)
{
    for (size_t i = from; i < to; i++)
        if (shard->recordings[i].outcome.code != SPIRA_OK) {
            *err = shard->recordings[i].outcome.err;
            return err->code;
        }
    return SPIRA_OK;
}

static enum spira_code write_group(struct shard *shard, void *writer, size_t from, size_t to,
                                   struct spira_error *err)
{
    const struct spira_tensors tensors = shard->job->tensors;
    shard->group = from;
    spira_parallel(to - from, shard->job->threads, compute_piece, shard);
    enum spira_code code = first_failure(shard, from, to, err);
    for (size_t i = from; i < to; i++) {
        struct recording *recording = &shard->recordings[i];
        if (code == SPIRA_OK && !recording->reason)
            code = tensors.ops->append(
                writer, recording->features,
                recording->copies * copy_values(recording) * sizeof *recording->features, err);
        free(recording->features);
        recording->features = NULL;
    }
    return code;
}

/* Starts the file: its header names every tensor, whose shapes are known by now. */
static enum spira_code create(const struct shard *shard, void **ret_writer, struct spira_error *err)
{
    size_t most = 0, count = 0;
    for (size_t i = 0; i < shard->count; i++)
        most += shard->recordings[i].copies;
    SPIRA_CLEANUP(spira_free_at)
    struct spira_shard_tensor *names = spira_alloc(most, sizeof *names);
    SPIRA_CLEANUP(spira_free_at)
    struct spira_tensor *tensors = spira_alloc(most, sizeof *tensors);
    for (size_t i = 0; i < shard->count; i++) {
        const struct recording *recording = &shard->recordings[i];
        const struct spira_example_shape *shape = &recording->shape;
        for (size_t copy = 0; !recording->reason && copy < recording->copies; copy++, count++) {
            names[count] = spira_shard_tensor_name(recording->sha256, copy);
            tensors[count] = (struct spira_tensor){
                .name = names[count].text,
                .dtype = SPIRA_F32,
                .rank = 3,
                .shape = {shape->windows, shape->frames, shape->dims},
            };
        }
    }
    const struct spira_tensors port = shard->job->tensors;
    return port.ops->create(port.self, shard->job->path, tensors, count, NULL, ret_writer, err);
}

static enum spira_code write_shard(struct shard *shard, struct spira_error *err)
{
    const struct spira_tensors tensors = shard->job->tensors;
    void *writer = NULL;
    enum spira_code code = create(shard, &writer, err);
    for (size_t from = 0, to; code == SPIRA_OK && from < shard->count; from = to) {
        to = group_end(shard, from);
        code = write_group(shard, writer, from, to, err);
    }
    if (code == SPIRA_OK)
        return tensors.ops->finish(writer, err);
    tensors.ops->abandon(writer);
    return code;
}

static enum spira_code load_noises(struct shard *shard, struct spira_error *err)
{
    spira_parallel(shard->noise_count, shard->job->threads, noise_piece, shard);
    for (size_t i = 0; i < shard->noise_count; i++)
        if (shard->noise_outcomes[i].code != SPIRA_OK) {
            *err = shard->noise_outcomes[i].err;
            return err->code;
        }
    return SPIRA_OK;
}

static struct spira_value *describe(const struct shard *shard)
{
    struct spira_value *result = spira_value_map();
    spira_value_set_int(result, "features",
                        (int64_t)spira_feature_extractor_dims(shard->extractor));
    struct spira_value *computed = spira_value_set(result, "recordings", spira_value_list());
    struct spira_value *quarantined = spira_value_set(result, "quarantined", spira_value_list());
    for (size_t i = 0; i < shard->count; i++) {
        const struct recording *recording = &shard->recordings[i];
        struct spira_value *row =
            spira_value_append(recording->reason ? quarantined : computed, spira_value_map());
        if (recording->reason) {
            spira_value_set_text(row, "recording_id", recording->sha256);
            spira_value_set_text(row, "reason", recording->reason);
            spira_value_set_text(row, "message", recording->outcome.err.message);
        } else {
            spira_value_set_text(row, "sha256", recording->sha256);
            spira_value_set_int(row, "windows", (int64_t)recording->shape.windows);
            spira_value_set_int(row, "frames", (int64_t)recording->shape.frames);
        }
    }
    return result;
}

static void shard_init(struct shard *shard, const struct spira_shard_job *job)
{
    *shard = (struct shard){
        .job = job,
        .count = spira_value_count(job->recordings),
        .noise_count = spira_value_count(job->noises),
        .examples = spira_alloc(job->threads, sizeof *shard->examples),
    };
    pthread_mutex_init(&shard->lock, NULL);
    shard->noises = spira_alloc(shard->noise_count, sizeof *shard->noises);
    shard->noise_outcomes = spira_alloc(shard->noise_count, sizeof *shard->noise_outcomes);
    shard->recordings = spira_alloc(shard->count, sizeof *shard->recordings);
    for (size_t i = 0; i < shard->count; i++) {
        const struct spira_value *row = spira_value_at(job->recordings, i);
        shard->recordings[i] = (struct recording){
            .sha256 = spira_value_get_text(row, "sha256", ""),
            .label = (int)spira_value_get_int(row, "label", 0),
            .copies = (size_t)spira_value_get_int(row, "copies", 1),
        };
    }
}

static void shard_done(struct shard *shard)
{
    for (size_t i = 0; i < shard->noise_count; i++)
        spira_wave_done(&shard->noises[i]);
    for (size_t i = 0; i < shard->job->threads; i++)
        spira_examples_done(&shard->examples[i]);
    spira_feature_extractor_free(shard->extractor);
    pthread_mutex_destroy(&shard->lock);
    free(shard->noises);
    free(shard->noise_outcomes);
    free(shard->recordings);
    free(shard->examples);
}

enum spira_code spira_shard_compute(const struct spira_shard_job *job,
                                    struct spira_value **ret_result, struct spira_error *err)
{
    SPIRA_CLEANUP(shard_done)
    struct shard shard;
    shard_init(&shard, job);
    enum spira_code code = spira_feature_extractor_new(
        &job->config->features, job->config->audio.rate_hz, job->fourier, &shard.extractor, err);
    if (code != SPIRA_OK)
        return code;
    shard.chain = (struct spira_example_chain){
        .extractor = shard.extractor,
        .transform = &job->config->transform,
        .short_recordings = job->config->audio.short_recordings,
        .rate_hz = job->config->audio.rate_hz,
        .seed = job->seed,
        .noises = shard.noises,
        .noise_count = shard.noise_count,
    };
    code = load_noises(&shard, err);
    if (code == SPIRA_OK) {
        spira_parallel(shard.count, job->threads, measure_piece, &shard);
        code = first_failure(&shard, 0, shard.count, err);
    }
    if (code == SPIRA_OK)
        code = write_shard(&shard, err);
    if (code == SPIRA_OK)
        *ret_result = describe(&shard);
    return code;
}
