/* Power spectra of short windows in long transforms, without the work for the zeros.
 *
 * Of the n points of a frame only win_length are above zero, x(j) w(j), j < win_length; where they
 * lie does not matter to the power. With m >= win_length a divisor of n and r = n / m, the bins
 * k = r q + p of residue p are
 *   X(r q + p) = sum over j < m of (x(j) w(j) exp(-2 pi i j p / n)) exp(-2 pi i j q / m),
 * one transform of m points of a modulated window; the residues above r / 2 are the mirror images
 * k -> n - k of those below. Markel, "FFT pruning", 1971.
 *
 * Residue 0 is real. For an even m its transform is that of h = m / 2 points
 * z(j) = x(2j) w(2j) + i x(2j+1) w(2j+1), taken apart by (Z is Z(k), Y is conj Z(h - k))
 *   2 X(k) = (Z + Y) + T(k),  2 conj X(h - k) = (Z + Y) - T(k),
 *   T(k) = -i exp(-2 pi i k / m) (Z - Y). */
#ifndef SPIRA_CORE_FEATURES_POWER_H
#define SPIRA_CORE_FEATURES_POWER_H

#include "core/features/fft.h"

struct spira_residue {
    size_t index;       /* p */
    bool packed;        /* two real points in one complex point: p = 0 and m even */
    float (*window)[2]; /* factors of the (re, im) of each point of the transform */
};

/* Read only after init. */
struct spira_power_plan {
    size_t n, win_length;
    size_t points; /* m; 0 when no divisor of n suits: a transform by the port it is */
    size_t step;   /* r */
    struct spira_fft whole, half; /* of m and of m / 2 points; zeroed where not needed */
    size_t residue_count;
    struct spira_residue *residues;
    float (*window)[2]; /* of all residues */
    float (*unpack)[2]; /* (h/2+1): -i exp(-2 pi i k / m) */
};

/* The smallest divisor of n that is at least win_length and that the own transform covers, in
 * halves too; 0 when there is none. */
size_t spira_power_points(size_t n, size_t win_length);

/* Fills ret_plan for frames of n points and window (win_length); free with spira_power_done.
 * SPIRA_ENOMEMORY. */
SPIRA_MUST_USE enum spira_code spira_power_init(struct spira_power_plan *ret_plan, size_t n,
                                                const float *window, size_t win_length,
                                                struct spira_error *err);
void spira_power_done(struct spira_power_plan *plan);

#endif
