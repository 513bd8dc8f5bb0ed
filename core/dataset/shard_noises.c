#include "core/dataset/shard_parts.h"

enum { BLOCK = 4096 };
/* Noises of up to this size altogether are held in memory: every recording looks into them. */
static const size_t HELD_BYTES = (size_t)24 << 20;
/* The least maximum of a stretch of noise (core/features/noise.h). */
static const float AUDIBLE = 1e-4F;

static enum spira_code check_audible(const struct spira_wave *wave, const char *sha256,
                                     struct spira_error *err)
{
    float block[BLOCK];
    for (size_t from = 0; from < wave->count; from += BLOCK) {
        size_t count = wave->count - from < BLOCK ? wave->count - from : BLOCK;
        enum spira_code code = spira_wave_read(wave, from, count, block, err);
        if (code != SPIRA_OK)
            return code;
        for (size_t i = 0; i < count; i++)
            if (block[i] >= AUDIBLE)
                return SPIRA_OK;
    }
    return spira_fail(err, SPIRA_EINVALID, "noise %s: no sample of it reaches %g", sha256,
                      (double)AUDIBLE);
}

/* Decodes a noise to the end of the file. */
static enum spira_code spill_noise(struct shard *shard, const char *sha256, struct spira_wave *wave,
                                   struct spira_error *err)
{
    const struct spira_shard_job *job = shard->job;
    SPIRA_CLEANUP(spira_free_at)
    char *path = spira_format("%s/%s", job->inputs, sha256);
    enum spira_code code =
        spira_wave_spill(job->audio, path, job->config->audio.rate_hz, SPIRA_AUDIO_MAX_SECONDS,
                         shard->spill, shard->spill_end, wave, err);
    code = code == SPIRA_OK ? code : spira_shard_blame(code, path, err);
    if (spira_code_kind(code) == SPIRA_KIND_INVALID) {
        const struct spira_error found = *err;
        return spira_fail(err, SPIRA_EINVALID, "noise %s: %s", sha256, found.message);
    }
    if (code != SPIRA_OK)
        return code;
    shard->spill_end += (int64_t)(wave->count * sizeof(float));
    return check_audible(wave, sha256, err);
}

/* Reads a noise back from the file. */
static enum spira_code hold(struct spira_wave *wave, struct spira_error *err)
{
    float *samples = NULL;
    enum spira_code code = spira_big_alloc(&samples, wave->count, sizeof *samples, "a noise", err);
    if (code == SPIRA_OK)
        code = spira_wave_read(wave, 0, wave->count, samples, err);
    if (code == SPIRA_OK)
        wave->samples = samples;
    else
        free(samples);
    return code;
}

enum spira_code spira_shard_noises(struct shard *shard, struct spira_error *err)
{
    for (size_t i = 0; i < shard->noise_count; i++) {
        const char *sha256 = spira_value_as_text(spira_value_at(shard->job->noises, i), "");
        enum spira_code code =
            spira_shard_goes_on(shard)
                ? spill_noise(shard, sha256, &shard->noises[i], err)
                : spira_fail(err, SPIRA_EINTERRUPTED, "stopped while reading noises");
        if (code != SPIRA_OK)
            return code;
    }
    shard->spill_noises = shard->spill_end;
    if (shard->spill_noises > (int64_t)HELD_BYTES)
        return SPIRA_OK;
    for (size_t i = 0; i < shard->noise_count; i++) {
        enum spira_code code = hold(&shard->noises[i], err);
        if (code != SPIRA_OK)
            return code;
    }
    shard->spill_noises = shard->spill_end = 0;
    return SPIRA_OK;
}
