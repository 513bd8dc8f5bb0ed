#include "core/dataset/shard_parts.h"

#include <libgen.h>

#include "core/base/file.h"
#include "core/base/parallel.h"

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

bool spira_shard_goes_on(struct shard *shard)
{
    pthread_mutex_lock(&shard->lock);
    shard->stopping = shard->stopping || spira_progress_stop_wanted(shard->job->progress);
    bool stopping = shard->stopping;
    pthread_mutex_unlock(&shard->lock);
    return !stopping;
}

void spira_shard_report(struct shard *shard)
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
enum spira_code spira_shard_blame(enum spira_code code, const char *path, struct spira_error *err)
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

/* Samples of a recording at the rate of the features. */
static enum spira_code count_samples(const struct shard *shard, const char *sha256,
                                     size_t *ret_samples, struct spira_error *err)
{
    const struct spira_shard_job *job = shard->job;
    SPIRA_CLEANUP(spira_free_at)
    char *path = spira_format("%s/%s", job->inputs, sha256);
    enum spira_code code = spira_wave_count(job->audio, path, job->config->audio.rate_hz,
                                            SPIRA_AUDIO_MAX_SECONDS, ret_samples, err);
    return code == SPIRA_OK ? code : spira_shard_blame(code, path, err);
}

/* Finds the shape of a recording, or the reason why it has none. */
static enum spira_code measure(const struct shard *shard, struct recording *recording,
                               struct spira_error *err)
{
    enum spira_code code = count_samples(shard, recording->sha256, &recording->samples, err);
    if (code != SPIRA_OK) {
        recording->reason = code == SPIRA_ETOOLONG ? "too_long" : "unreadable";
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
    if (!spira_shard_goes_on(shard)) {
        outcome->code =
            spira_fail(&outcome->err, SPIRA_EINTERRUPTED, "stopped while measuring recordings");
        return;
    }
    outcome->code = measure(shard, recording, &outcome->err);
    if (spira_code_kind(outcome->code) != SPIRA_KIND_INVALID)
        return;
    outcome->code = SPIRA_OK;
    spira_shard_report(shard);
}

/* The first failure in the order of the recordings, whichever thread came to it first. */
static enum spira_code measure_all(struct shard *shard, struct spira_error *err)
{
    spira_parallel(shard->count, shard->job->threads, measure_piece, shard);
    for (size_t i = 0; i < shard->count; i++)
        if (shard->recordings[i].outcome.code != SPIRA_OK) {
            *err = shard->recordings[i].outcome.err;
            return err->code;
        }
    return SPIRA_OK;
}

/* Once the shapes are known, so is the size of the file: said now, not after hours of features. */
static enum spira_code check_size(const struct shard *shard, struct spira_error *err)
{
    enum { HEADER_BYTES = 256 }; /* of a tensor: its name and shape, at most */
    const uint64_t most = shard->job->max_bytes;
    size_t usable = 0;
    double bytes = 0; /* exact up to 2^53, and never too small by much */
    for (size_t i = 0; i < shard->count; i++) {
        const struct recording *recording = &shard->recordings[i];
        const struct spira_example_shape *shape = &recording->shape;
        if (recording->reason)
            continue;
        double values = (double)shape->windows * (double)shape->frames * (double)shape->dims;
        bytes += (double)recording->copies * (values * sizeof(float) + HEADER_BYTES);
        usable++;
    }
    if (most == 0 || bytes <= (double)most)
        return SPIRA_OK;
    return spira_fail(
        err, SPIRA_ETOOBIG,
        "the features of its %zu recordings take %.0f bytes, more than the %ju that a "
        "file may have",
        usable, bytes, (uintmax_t)most);
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
    if (code == SPIRA_OK)
        code = spira_shard_windows(shard, writer, err);
    if (code == SPIRA_OK)
        return tensors.ops->finish(writer, err);
    tensors.ops->abandon(writer);
    return code;
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
        .spill = -1,
    };
    pthread_mutex_init(&shard->lock, NULL);
    shard->noises = spira_alloc(shard->noise_count, sizeof *shard->noises);
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
    for (size_t i = 0; i < shard->count; i++)
        spira_shard_release(&shard->recordings[i]);
    for (size_t i = 0; i < shard->noise_count; i++)
        spira_wave_done(&shard->noises[i]);
    spira_close_at(&shard->spill);
    for (size_t i = 0; i < shard->job->threads; i++)
        spira_examples_done(&shard->examples[i]);
    spira_feature_extractor_free(shard->extractor);
    pthread_mutex_destroy(&shard->lock);
    free(shard->noises);
    free(shard->recordings);
    free(shard->examples);
}

/* Makes the file for what is too long for memory, beside the shard. */
static enum spira_code open_spill(struct shard *shard, struct spira_error *err)
{
    SPIRA_CLEANUP(spira_free_at)
    char *path = spira_copy_text(shard->job->path);
    return spira_file_open_nameless(dirname(path), &shard->spill, err);
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
    code = open_spill(&shard, err);
    if (code == SPIRA_OK)
        code = spira_shard_noises(&shard, err);
    if (code == SPIRA_OK)
        code = measure_all(&shard, err);
    if (code == SPIRA_OK)
        code = check_size(&shard, err);
    if (code == SPIRA_OK)
        code = write_shard(&shard, err);
    if (code == SPIRA_OK)
        *ret_result = describe(&shard);
    return code;
}
