#include "core/audio/wave.h"

#include <stdlib.h>
#include <string.h>

#include "core/audio/mono.h"
#include "core/audio/resample.h"

/* Makes room for more samples behind those wave has; *capacity is in samples. */
static enum spira_code grow(struct spira_wave *wave, size_t *capacity, size_t more,
                            const char *path, struct spira_error *err)
{
    size_t needed = wave->count + more;
    if (wave->samples && needed <= *capacity)
        return SPIRA_OK;
    size_t wanted = needed < 2 * *capacity ? 2 * *capacity : needed;
    float *larger = NULL;
    enum spira_code code = spira_big_alloc(&larger, wanted, sizeof *larger, path, err);
    if (code != SPIRA_OK)
        return code;
    if (wave->samples)
        memcpy(larger, wave->samples, wave->count * sizeof *larger);
    free(wave->samples);
    wave->samples = larger;
    *capacity = wanted;
    return SPIRA_OK;
}

static enum spira_code read_all(struct spira_mono *mono, struct spira_resampler *resampler,
                                double max_seconds, struct spira_wave *wave,
                                struct spira_error *err)
{
    float block[SPIRA_MONO_BLOCK];
    size_t capacity = 0;
    for (;;) {
        size_t count = 0;
        enum spira_code code = spira_mono_read(mono, block, &count, err);
        if (code != SPIRA_OK)
            return code;
        if ((double)mono->samples > max_seconds * mono->facts.rate_hz)
            return spira_fail(err, SPIRA_ETOOBIG, "%s: longer than %g s", mono->path, max_seconds);
        code = grow(wave, &capacity, spira_resampler_room(resampler, count), mono->path, err);
        if (code != SPIRA_OK)
            return code;
        if (count == 0) {
            wave->count += spira_resampler_flush(resampler, wave->samples + wave->count);
            return SPIRA_OK;
        }
        wave->count += spira_resampler_push(resampler, block, count, wave->samples + wave->count);
    }
}

enum spira_code spira_wave_load(struct spira_audio_source source, const char *path, int rate_hz,
                                double max_seconds, struct spira_wave *ret_wave,
                                struct spira_audio_facts *ret_facts, struct spira_error *err)
{
    SPIRA_CLEANUP(spira_mono_done)
    struct spira_mono mono = {0};
    enum spira_code code = spira_mono_open(source, path, &mono, err);
    if (code != SPIRA_OK)
        return code;
    SPIRA_CLEANUP(spira_resampler_free_at)
    struct spira_resampler *resampler = NULL;
    code = spira_resampler_new(mono.facts.rate_hz, rate_hz, &resampler, err);
    if (code != SPIRA_OK)
        return code;
    struct spira_wave wave = {.rate_hz = rate_hz};
    code = read_all(&mono, resampler, max_seconds, &wave, err);
    if (code != SPIRA_OK) {
        spira_wave_done(&wave);
        return code;
    }
    *ret_wave = wave;
    if (ret_facts)
        *ret_facts = mono.facts;
    return SPIRA_OK;
}

void spira_wave_done(struct spira_wave *wave)
{
    free(wave->samples);
    *wave = (struct spira_wave){0};
}
