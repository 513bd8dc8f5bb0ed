/* What follows a convolution: norm, Mish, max-pooling and dropout of one window. Inside of
 * core/model/.
 *
 *   out(t,c,f) = mask max(mish(n(2t,c,f)), mish(n(2t+1,c,f))), n = gamma (y - offset) rstd + beta
 *
 * and without the maximum where the convolution is not pooled. */
#ifndef SPIRA_CORE_MODEL_ACTIVATION_H
#define SPIRA_CORE_MODEL_ACTIVATION_H

#include "core/model/dropout.h"
#include "core/model/norm.h"
#include "core/model/spiraconv.h"

/* One convolution's output, and how what follows it lies. */
struct spira_activation {
    const struct spira_conv *conv;
    const struct spira_conv_frames *frames;
    size_t features;
    size_t dilation_after;                 /* of the tiles of out */
    const struct spira_channel_norm *norm; /* one for each channel */
    struct spira_mask mask;
};

/* kernel/kernel.h has the two passes over it:
 *
 * activation_forward fills ret_out (tiles of frames->kept) from y (tiles of frames->out).
 *
 * activation_backward fills ret_d (tiles of frames->out) with dL/dn from d_out (tiles of
 * frames->kept), zero in what pooling left out, and ret_sums with each channel's sums of it. The
 * larger of a pair takes the gradient, the first of equals. */

#endif
