#include "core/audio/mono.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

enum spira_code spira_mono_open(struct spira_audio_source source, const char *path,
                                struct spira_mono *ret_mono, struct spira_error *err)
{
    struct spira_mono mono = {.path = path};
    enum spira_code code = spira_audio_open(source, path, &mono.reader, &mono.facts, err);
    if (code != SPIRA_OK)
        return code;
    mono.interleaved =
        spira_alloc((size_t)SPIRA_MONO_BLOCK * (size_t)mono.facts.channels, sizeof(float));
    *ret_mono = mono;
    return SPIRA_OK;
}

enum spira_code spira_mono_read(struct spira_mono *mono, float *samples, size_t *ret_count,
                                struct spira_error *err)
{
    size_t channels = (size_t)mono->facts.channels, count = 0;
    enum spira_code code =
        spira_audio_read(mono->reader, mono->interleaved, SPIRA_MONO_BLOCK, &count, err);
    if (code != SPIRA_OK)
        return code;
    for (size_t i = 0; i < count; i++) {
        double sum = 0;
        for (size_t channel = 0; channel < channels; channel++)
            sum += (double)mono->interleaved[i * channels + channel];
        if (!isfinite(sum))
            return spira_fail(err, SPIRA_EINVALID, "%s: sample %" PRId64 " is not a finite number",
                              mono->path, mono->samples + (int64_t)i);
        samples[i] = (float)(sum / (double)channels);
    }
    mono->samples += (int64_t)count;
    *ret_count = count;
    return SPIRA_OK;
}

void spira_mono_done(struct spira_mono *mono)
{
    spira_audio_reader_done(&mono->reader);
    free(mono->interleaved);
    mono->interleaved = NULL;
}
