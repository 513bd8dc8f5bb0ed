/* Windows of equal length over a recording, every step, all of them full. */
#ifndef SPIRA_CORE_FEATURES_OVERLAP_H
#define SPIRA_CORE_FEATURES_OVERLAP_H

#include <stddef.h>

/* Windows of length window every step samples in count samples: 1 + (count - window) / step, the
 * last full one included even where it ends exactly at the end; 0 when count < window. Window i
 * starts at sample i * step. window and step are at least 1. */
size_t spira_overlap_windows(size_t count, size_t window, size_t step);

/* seconds in samples, rounded, at least 1. */
size_t spira_overlap_samples(double seconds, int rate_hz);

#endif
