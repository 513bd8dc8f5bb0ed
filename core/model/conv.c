#include "core/model/conv.h"

#include <string.h>

void spira_conv_pack(const struct spira_conv *conv, const float *weights, float *ret_packed)
{
    for (size_t co = 0; co < conv->out; co++)
        for (size_t ci = 0; ci < conv->in; ci++)
            for (size_t k = 0; k < conv->kernel; k++)
                ret_packed[(co * conv->kernel + k) * conv->in + ci] =
                    weights[(co * conv->in + ci) * conv->kernel + k];
}

void spira_conv_unpack_add(const struct spira_conv *conv, const float *packed, float *weights)
{
    for (size_t co = 0; co < conv->out; co++)
        for (size_t ci = 0; ci < conv->in; ci++)
            for (size_t k = 0; k < conv->kernel; k++)
                weights[(co * conv->in + ci) * conv->kernel + k] +=
                    packed[(co * conv->kernel + k) * conv->in + ci];
}

void spira_conv_forward(struct spira_matrix matrix, const struct spira_conv *conv,
                        const struct spira_conv_frames *frames, size_t features,
                        const float *packed, const float *x, float *ret_y)
{
    size_t row = conv->dilation * features, taps = conv->kernel * conv->in;
    for (size_t tile = 0; tile < spira_tiles(frames->out, conv->dilation); tile++)
        spira_matrix_gemm(matrix, false, false, conv->out, row, taps, packed, taps,
                          x + tile * conv->in * row, row, 0, ret_y + tile * conv->out * row, row);
}

/* Forward: y(tile) = w x(tile...), so dw = sum over tiles of dy(tile) x(tile...)^T, and
 * dx(tile...) += w^T dy(tile). */
void spira_conv_weight_gradients(struct spira_matrix matrix, const struct spira_conv *conv,
                                 const struct spira_conv_frames *frames, size_t features,
                                 const float *x, const float *dy, float *packed_dw)
{
    size_t row = conv->dilation * features, taps = conv->kernel * conv->in;
    for (size_t tile = 0; tile < spira_tiles(frames->out, conv->dilation); tile++)
        spira_matrix_gemm(matrix, false, true, conv->out, taps, row, dy + tile * conv->out * row,
                          row, x + tile * conv->in * row, row, 1, packed_dw, taps);
}

void spira_conv_input_gradients(struct spira_matrix matrix, const struct spira_conv *conv,
                                const struct spira_conv_frames *frames, size_t features,
                                const float *packed, const float *dy, float *ret_dx)
{
    size_t row = conv->dilation * features, taps = conv->kernel * conv->in;
    memset(ret_dx, 0,
           spira_tiled_size(frames->in, conv->dilation, conv->in, features) * sizeof *ret_dx);
    for (size_t tile = 0; tile < spira_tiles(frames->out, conv->dilation); tile++)
        spira_matrix_gemm(matrix, true, false, taps, row, conv->out, packed, taps,
                          dy + tile * conv->out * row, row, 1, ret_dx + tile * conv->in * row, row);
}
