#include "core/features/overlap.h"

#include <assert.h>
#include <math.h>

size_t spira_overlap_windows(size_t count, size_t window, size_t step)
{
    assert(window >= 1 && step >= 1);
    return count < window ? 0 : 1 + (count - window) / step;
}

size_t spira_overlap_samples(double seconds, int rate_hz)
{
    double samples = round(seconds * rate_hz);
    return samples < 1 ? 1 : (size_t)samples;
}
