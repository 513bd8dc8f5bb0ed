/* The convolutions of one window as matrix products over tiles (spiraconv.h). Inside of
 * core/model/.
 *
 *   y(t,co,f) = sum over k,ci of w(co,ci,k) x(t + k dilation, ci, f)
 *
 * The bias is not here: a norm follows, and takes it along (norm.h). */
#ifndef SPIRA_CORE_MODEL_CONV_H
#define SPIRA_CORE_MODEL_CONV_H

#include "core/model/spiraconv.h"
#include "core/ports/matrix.h"

/* The framework's weights (out, in, kernel) as the rows of the products, (out, kernel, in); and
 * back, adding. */
void spira_conv_pack(const struct spira_conv *conv, const float *weights, float *ret_packed);
void spira_conv_unpack_add(const struct spira_conv *conv, const float *packed, float *weights);

/* Fills ret_y (tiles of frames->out) from x (tiles of frames->in) and packed weights. */
void spira_conv_forward(struct spira_matrix matrix, const struct spira_conv *conv,
                        const struct spira_conv_frames *frames, size_t features,
                        const float *packed, const float *x, float *ret_y);

/* dw += dy x over all tiles. dy (tiles of frames->out) is zero where its last tile is not full. */
void spira_conv_weight_gradients(struct spira_matrix matrix, const struct spira_conv *conv,
                                 const struct spira_conv_frames *frames, size_t features,
                                 const float *x, const float *dy, float *packed_dw);

/* Fills ret_dx (tiles of frames->in). */
void spira_conv_input_gradients(struct spira_matrix matrix, const struct spira_conv *conv,
                                const struct spira_conv_frames *frames, size_t features,
                                const float *packed, const float *dy, float *ret_dx);

#endif
