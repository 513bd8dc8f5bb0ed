/* The arithmetic of features, many frames at once: each frame has a lane of its own from its
 * samples to its coefficients, so nothing is ever summed over lanes, and a frame's bits depend
 * neither on its lane nor on how many lanes there are. An array (n, lanes) has value i of lane l at
 * [i * lanes + l] and is from spira_big_alloc. */
#ifndef SPIRA_CORE_FEATURES_FRAME_KERNEL_H
#define SPIRA_CORE_FEATURES_FRAME_KERNEL_H

#include "core/base/dispatch.h"
#include "core/features/mel.h"
#include "core/features/power.h"

enum { SPIRA_LANES_MAX = 16 };

struct spira_frame_kernel {
    size_t lanes; /* 4, 8 or 16 */

    /* y(j, i) = x(i, j), i < rows, j < columns; rows of x x_stride apart, those of y y_stride. */
    void (*transpose)(float *restrict ret_y, size_t y_stride, const float *restrict x,
                      size_t x_stride, size_t rows, size_t columns);

    /* The plan's power spectra of x (plan->points, lanes), zeros from win_length on, into ret_power
     * (n/2+1, lanes); spectra (plan->points, 2, lanes) is used. plan->points is not 0. */
    void (*power)(const struct spira_power_plan *plan, const float *restrict x,
                  float *restrict spectra, float *restrict ret_power);

    /* mel(m) = sum over k of weight(m,k) power(k): power (bins, lanes), ret_mels (num_mels, lanes).
     */
    void (*mels)(const struct spira_mel *mel, const float *restrict power,
                 float *restrict ret_mels);

    /* x(i) = ln(x(i) + offset), x(i) + offset a normal number. */
    void (*log_offset)(float *x, size_t count, float offset);

    /* x(i) = max(10 log10(max(x(i), floor)), largest - range), largest of all x(i). */
    void (*decibels)(float *x, size_t count, float floor, float range);

    /* y(k) = sum over m of x(m) D(m,k): x (M, lanes), matrix (M, K), ret_y (K, lanes). */
    void (*dct)(const float *restrict matrix, const float *restrict x, size_t M, size_t K,
                float *restrict ret_y);
};

/* NULL when this build has no such level; every build has SPIRA_DISPATCH_SCALAR. */
const struct spira_frame_kernel *spira_frame_kernel_at(enum spira_dispatch level);

/* Gives the one of spira_dispatch_level, whose codes it has. */
SPIRA_MUST_USE enum spira_code
spira_frame_kernel_choose(const struct spira_frame_kernel **ret_kernel, struct spira_error *err);

#endif
