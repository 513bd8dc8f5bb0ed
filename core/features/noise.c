#include "core/features/noise.h"

#include <assert.h>
#include <math.h>

enum { MAX_DRAWS = 100, BLOCK = 4096 };
static const float SILENT_MAXIMUM = 1e-4f;

/* Samples of a noise that lie together: where they are in memory, or copied into block. From sample
 * at on, at most count, BLOCK and to the noise's end. */
static enum spira_code take_block(const struct spira_wave *noise, size_t at, size_t count,
                                  float *block, const float **ret_samples, size_t *ret_count,
                                  struct spira_error *err)
{
    size_t left = noise->count - at;
    count = count < left ? count : left;
    *ret_samples = noise->samples ? noise->samples + at : block;
    *ret_count = noise->samples || count < BLOCK ? count : BLOCK;
    return noise->samples ? SPIRA_OK : spira_wave_read(noise, at, *ret_count, block, err);
}

/* The signed maximum of count samples from start on, around the end where there are fewer. */
static enum spira_code find_maximum(const struct spira_wave *noise, size_t start, size_t count,
                                    float *ret_maximum, struct spira_error *err)
{
    float block[BLOCK], maximum = -HUGE_VALF;
    for (size_t at = start % noise->count; count > 0;) {
        const float *samples = NULL;
        size_t taken = 0;
        enum spira_code code = take_block(noise, at, count, block, &samples, &taken, err);
        if (code != SPIRA_OK)
            return code;
        for (size_t i = 0; i < taken; i++)
            maximum = samples[i] > maximum ? samples[i] : maximum;
        at = at + taken < noise->count ? at + taken : 0;
        count -= taken;
    }
    *ret_maximum = maximum;
    return SPIRA_OK;
}

static enum spira_code draw_stretch(size_t count, const struct spira_wave *noises,
                                    size_t noise_count, struct spira_random *random,
                                    struct spira_noise_stretch *stretch, float *ret_maximum,
                                    struct spira_error *err)
{
    *stretch =
        (struct spira_noise_stretch){.noise = &noises[spira_random_below(random, noise_count)]};
    *ret_maximum = 0;
    size_t length = stretch->noise->count;
    if (length == 0)
        return SPIRA_OK;
    size_t repeated = (count + length - 1) / length * length;
    stretch->start = (size_t)spira_random_below(random, repeated - count + 1);
    return find_maximum(stretch->noise, stretch->start, count, ret_maximum, err);
}

enum spira_code spira_noise_draw(size_t count, const struct spira_wave *noises, size_t noise_count,
                                 double min_amp, double max_amp, struct spira_random *random,
                                 struct spira_noise_stretch *ret_stretch, struct spira_error *err)
{
    assert(count > 0);
    if (noise_count == 0)
        return spira_fail(err, SPIRA_EINVALID,
                          "noise is asked for, but there is no noise recording");
    struct spira_noise_stretch stretch = {0};
    float maximum = 0;
    for (int draw = 0; draw < MAX_DRAWS && maximum < SILENT_MAXIMUM; draw++) {
        enum spira_code code =
            draw_stretch(count, noises, noise_count, random, &stretch, &maximum, err);
        if (code != SPIRA_OK)
            return code;
    }
    if (maximum < SILENT_MAXIMUM)
        return spira_fail(err, SPIRA_EINVALID,
                          "%d stretches of noise in a row were silent (%zu noise recordings)",
                          MAX_DRAWS, noise_count);
    double level = min_amp + (max_amp - min_amp) * spira_random_unit(random);
    stretch.gain = (float)(level / (double)maximum);
    *ret_stretch = stretch;
    return SPIRA_OK;
}

enum spira_code spira_noise_add(const struct spira_noise_stretch *stretch, size_t from,
                                size_t count, float *samples, struct spira_error *err)
{
    const struct spira_wave *noise = stretch->noise;
    float block[BLOCK];
    for (size_t at = (stretch->start + from) % noise->count; count > 0;) {
        const float *taken = NULL;
        size_t taken_count = 0;
        enum spira_code code = take_block(noise, at, count, block, &taken, &taken_count, err);
        if (code != SPIRA_OK)
            return code;
        for (size_t i = 0; i < taken_count; i++)
            samples[i] += stretch->gain * taken[i];
        samples += taken_count;
        at = at + taken_count < noise->count ? at + taken_count : 0;
        count -= taken_count;
    }
    return SPIRA_OK;
}

struct spira_random spira_noise_stream(uint64_t seed, const char *digest, uint32_t copy)
{
    return spira_random_stream(seed, SPIRA_FOR_NOISE, spira_hash_text(digest), copy);
}

size_t spira_noise_count(const struct spira_noise_config *config, int label)
{
    if (!config->enabled)
        return 0;
    return label == 1 ? config->num_patient : config->num_control;
}
