#include "core/audio/resample.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/dot.h"

enum { ZERO_CROSSINGS = 6, BLOCK = 4096 };
static const double ROLLOFF = 0.99;

struct spira_resampler {
    /* The ratio in lowest terms: every in input samples give out output samples, and output
     * k * out + p ("phase p") is weighted as output p is, in samples further on. */
    int64_t in, out;
    size_t taps;    /* of a kernel, whole lanes */
    float *kernels; /* (out, taps) */
    int64_t *first; /* (out): the sample a phase's kernel starts at, in the first period */

    float *held;         /* input samples from position held_from on; zeros before the signal */
    size_t held_count;   /* less than taps between calls */
    int64_t held_from;   /* negative at first */
    int64_t period_from; /* first input sample of the next output's period */
    int64_t phase;       /* of the next output */
    int64_t pushed, produced;
};

static int64_t greatest_common_divisor(int64_t a, int64_t b)
{
    while (b) {
        int64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

static int64_t ceil_of_ratio(int64_t count, int64_t numerator, int64_t denominator)
{
    return (count * numerator + denominator - 1) / denominator;
}

static double kernel_value(double t)
{
    if (fabs(t) >= ZERO_CROSSINGS)
        return 0;
    double window = cos(M_PI * t / (2 * ZERO_CROSSINGS));
    double sinc = t == 0 ? 1 : sin(M_PI * t) / (M_PI * t);
    return sinc * window * window;
}

/* Only taps with |t| < 6 count: each phase keeps those alone and where they start. */
static void fill_kernels(struct spira_resampler *resampler, double reach)
{
    int64_t in = resampler->in, out = resampler->out;
    double cutoff = ROLLOFF * (double)(in < out ? in : out);
    for (int64_t phase = 0; phase < out; phase++) {
        int64_t first = (int64_t)ceil((double)(phase * in) / (double)out - reach);
        float *kernel = resampler->kernels + (size_t)phase * resampler->taps;
        for (size_t tap = 0; tap < resampler->taps; tap++) {
            int64_t offset = (first + (int64_t)tap) * out - phase * in;
            double t = (double)offset / (double)(in * out) * cutoff;
            kernel[tap] = (float)(kernel_value(t) * cutoff / (double)in);
        }
        resampler->first[phase] = first;
    }
}

enum spira_code spira_resampler_new(int from_hz, int to_hz, struct spira_resampler **ret_resampler,
                                    struct spira_error *err)
{
    if (from_hz < 1 || to_hz < 1)
        return spira_fail(err, SPIRA_EINVALID, "cannot resample from %d Hz to %d Hz", from_hz,
                          to_hz);
    struct spira_resampler *resampler = spira_alloc(1, sizeof *resampler);
    int64_t divisor = greatest_common_divisor(from_hz, to_hz);
    resampler->in = from_hz / divisor;
    resampler->out = to_hz / divisor;

    int64_t slower = resampler->in < resampler->out ? resampler->in : resampler->out;
    double reach = ZERO_CROSSINGS * (double)resampler->in / (ROLLOFF * (double)slower);
    resampler->taps = spira_dot_padded((size_t)floor(2 * reach) + 1);
    size_t phases = (size_t)resampler->out;
    enum spira_code code = spira_big_alloc(&resampler->kernels, phases * resampler->taps,
                                           sizeof(float), "resampling kernels", err);
    if (code == SPIRA_OK)
        code =
            spira_big_alloc(&resampler->first, phases, sizeof(int64_t), "resampling phases", err);
    if (code == SPIRA_OK)
        code = spira_big_alloc(&resampler->held, resampler->taps + BLOCK, sizeof(float),
                               "resampling block", err);
    if (code != SPIRA_OK) {
        spira_resampler_free(resampler);
        return code;
    }
    fill_kernels(resampler, reach);
    /* The first output looks at zeros before the signal. */
    resampler->held_from = resampler->first[0];
    resampler->held_count = (size_t)-resampler->first[0];
    *ret_resampler = resampler;
    return SPIRA_OK;
}

void spira_resampler_free(struct spira_resampler *resampler)
{
    if (!resampler)
        return;
    free(resampler->kernels);
    free(resampler->first);
    free(resampler->held);
    free(resampler);
}

/* Makes the outputs whose whole kernel lies in the held samples, up to output number limit. */
static size_t produce(struct spira_resampler *resampler, int64_t limit, float *ret_samples)
{
    size_t made = 0;
    int64_t held_to = resampler->held_from + (int64_t)resampler->held_count;
    int64_t from = 0;
    for (;;) {
        from = resampler->period_from + resampler->first[resampler->phase];
        if (from + (int64_t)resampler->taps > held_to || resampler->produced == limit)
            break;
        ret_samples[made++] =
            spira_dot(resampler->kernels + (size_t)resampler->phase * resampler->taps,
                      resampler->held + (from - resampler->held_from), resampler->taps);
        resampler->produced++;
        if (++resampler->phase == resampler->out) {
            resampler->phase = 0;
            resampler->period_from += resampler->in;
        }
    }
    /* Drop what no later output looks at. */
    size_t keep = held_to > from ? (size_t)(held_to - from) : 0;
    memmove(resampler->held, resampler->held + resampler->held_count - keep, keep * sizeof(float));
    resampler->held_from = held_to - (int64_t)keep;
    resampler->held_count = keep;
    return made;
}

static size_t min_size(size_t a, size_t b)
{
    return a < b ? a : b;
}

size_t spira_resampler_push(struct spira_resampler *resampler, const float *samples, size_t count,
                            float *ret_samples)
{
    resampler->pushed += (int64_t)count;
    if (resampler->in == resampler->out) {
        memcpy(ret_samples, samples, count * sizeof *samples);
        resampler->produced += (int64_t)count;
        return count;
    }
    size_t made = 0;
    for (size_t done = 0; done < count;) {
        size_t block = min_size(count - done, BLOCK);
        memcpy(resampler->held + resampler->held_count, samples + done, block * sizeof *samples);
        resampler->held_count += block;
        made += produce(resampler, INT64_MAX, ret_samples + made);
        done += block;
    }
    return made;
}

size_t spira_resampler_flush(struct spira_resampler *resampler, float *ret_samples)
{
    int64_t limit = ceil_of_ratio(resampler->pushed, resampler->out, resampler->in);
    size_t made = 0;
    while (resampler->produced < limit) {
        size_t zeros = min_size(resampler->taps, BLOCK);
        memset(resampler->held + resampler->held_count, 0, zeros * sizeof(float));
        resampler->held_count += zeros;
        made += produce(resampler, limit, ret_samples + made);
    }
    return made;
}

size_t spira_resampler_room(const struct spira_resampler *resampler, size_t count)
{
    int64_t total = resampler->pushed + (int64_t)count;
    return (size_t)(ceil_of_ratio(total, resampler->out, resampler->in) - resampler->produced);
}

size_t spira_resampled_count(size_t count, int from_hz, int to_hz)
{
    assert(from_hz > 0 && to_hz > 0);
    return (size_t)ceil_of_ratio((int64_t)count, to_hz, from_hz);
}

enum spira_code spira_resample(const float *samples, size_t count, int from_hz, int to_hz,
                               float *ret_samples, struct spira_error *err)
{
    SPIRA_CLEANUP(spira_resampler_free_at)
    struct spira_resampler *resampler = NULL;
    enum spira_code code = spira_resampler_new(from_hz, to_hz, &resampler, err);
    if (code != SPIRA_OK)
        return code;
    size_t made = spira_resampler_push(resampler, samples, count, ret_samples);
    spira_resampler_flush(resampler, ret_samples + made);
    return SPIRA_OK;
}
