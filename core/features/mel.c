#include "core/features/mel.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

static double hz_to_mel(double hz)
{
    return 2595 * log10(1 + hz / 700);
}

static double mel_to_hz(double mel)
{
    return 700 * (pow(10, mel / 2595) - 1);
}

/* Corners of the triangles in Hz: filter m rises from corner m to m+1 and falls to m+2. */
struct corners {
    double low_mel, step_mel;
};

static double corner_hz(const struct corners *corners, size_t index)
{
    return mel_to_hz(corners->low_mel + corners->step_mel * (double)index);
}

static double triangle(const struct corners *corners, size_t m, double hz)
{
    double left = corner_hz(corners, m), peak = corner_hz(corners, m + 1);
    double right = corner_hz(corners, m + 2);
    double rising = (hz - left) / (peak - left), falling = (right - hz) / (right - peak);
    return fmax(0, fmin(rising, falling));
}

/* The range of bins where filter m is above zero; empty where no bin falls into it. */
static void find_range(const struct corners *corners, size_t m, size_t bins, double bin_hz,
                       size_t *ret_first, size_t *ret_count)
{
    size_t first = 0;
    while (first < bins && triangle(corners, m, bin_hz * (double)first) <= 0)
        first++;
    size_t end = first;
    while (end < bins && triangle(corners, m, bin_hz * (double)end) > 0)
        end++;
    *ret_first = first < bins ? first : 0;
    *ret_count = end - first;
}

enum spira_code spira_mel_init(struct spira_mel *ret_mel, size_t bins, size_t num_mels,
                               double fmin_hz, double fmax_hz, int rate_hz, struct spira_error *err)
{
    assert(bins >= 2 && num_mels >= 1);
    double half_rate = rate_hz / 2; /* whole Hz, as the reference has it */
    double bin_hz = half_rate / (double)(bins - 1);
    double low = hz_to_mel(fmin_hz), high = hz_to_mel(fmax_hz > 0 ? fmax_hz : half_rate);
    struct corners corners = {low, (high - low) / (double)(num_mels + 1)};

    struct spira_mel mel = {.num_mels = num_mels, .bins = bins};
    enum spira_code code =
        spira_big_alloc(&mel.filters, num_mels, sizeof *mel.filters, "mel filters", err);
    if (code != SPIRA_OK)
        return code;
    size_t total = 0;
    for (size_t m = 0; m < num_mels; m++) {
        find_range(&corners, m, bins, bin_hz, &mel.filters[m].first_bin, &mel.filters[m].count);
        total += mel.filters[m].count;
    }
    code = spira_big_alloc(&mel.weights, total, sizeof *mel.weights, "mel weights", err);
    if (code != SPIRA_OK) {
        spira_mel_done(&mel);
        return code;
    }
    float *weights = mel.weights;
    for (size_t m = 0; m < num_mels; m++) {
        struct spira_mel_filter *filter = &mel.filters[m];
        filter->weights = weights;
        for (size_t i = 0; i < filter->count; i++)
            weights[i] = (float)triangle(&corners, m, bin_hz * (double)(filter->first_bin + i));
        weights += filter->count;
    }
    *ret_mel = mel;
    return SPIRA_OK;
}

void spira_mel_done(struct spira_mel *mel)
{
    free(mel->filters);
    free(mel->weights);
    *mel = (struct spira_mel){0};
}
