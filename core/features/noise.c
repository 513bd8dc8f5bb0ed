#include "core/features/noise.h"

#include <assert.h>
#include <math.h>

enum { MAX_DRAWS = 100 };
static const float SILENT_MAXIMUM = 1e-4f;

/* Where a stretch lies: sample i of it is noise->samples[(start + i) % noise->count]. */
struct stretch {
    const struct spira_wave *noise;
    size_t start;
    float maximum;
};

static struct stretch draw_stretch(size_t count, const struct spira_wave *noises,
                                   size_t noise_count, struct spira_random *random)
{
    struct stretch stretch = {.noise = &noises[spira_random_below(random, noise_count)]};
    size_t length = stretch.noise->count;
    if (length == 0)
        return stretch;
    size_t repeated = (count + length - 1) / length * length;
    stretch.start = (size_t)spira_random_below(random, repeated - count + 1);
    stretch.maximum = -HUGE_VALF;
    size_t at = stretch.start;
    for (size_t i = 0; i < count; i++) {
        float sample = stretch.noise->samples[at];
        stretch.maximum = sample > stretch.maximum ? sample : stretch.maximum;
        at = at + 1 < length ? at + 1 : 0;
    }
    return stretch;
}

enum spira_code spira_noise_add(float *samples, size_t count, const struct spira_wave *noises,
                                size_t noise_count, double min_amp, double max_amp,
                                struct spira_random *random, struct spira_error *err)
{
    assert(count > 0);
    if (noise_count == 0)
        return spira_fail(err, SPIRA_EINVALID,
                          "noise is asked for, but there is no noise recording");
    struct stretch stretch = {0};
    for (int draw = 0; draw < MAX_DRAWS && stretch.maximum < SILENT_MAXIMUM; draw++)
        stretch = draw_stretch(count, noises, noise_count, random);
    if (stretch.maximum < SILENT_MAXIMUM)
        return spira_fail(err, SPIRA_EINVALID,
                          "%d stretches of noise in a row were silent (%zu noise recordings)",
                          MAX_DRAWS, noise_count);
    assert(stretch.noise); /* only a drawn stretch is loud */
    double level = min_amp + (max_amp - min_amp) * spira_random_unit(random);
    float gain = (float)(level / (double)stretch.maximum);
    size_t at = stretch.start;
    for (size_t i = 0; i < count; i++) {
        samples[i] += gain * stretch.noise->samples[at];
        at = at + 1 < stretch.noise->count ? at + 1 : 0;
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
