/* The four convolutions of any number of windows, forward and backward: window by window with
 * GroupNorm, all in step with each other with BatchNorm. Inside of core/model/. */
#ifndef SPIRA_CORE_MODEL_CONV_STACK_H
#define SPIRA_CORE_MODEL_CONV_STACK_H

#include "core/model/kernel/kernel.h"
#include "core/model/parameters.h"
#include "core/training/batch.h"

/* One window's way through the convolutions: what the forward pass keeps for the backward pass. */
struct spira_trace {
    struct spira_conv_frames frames[SPIRA_CONVS];
    float *x[SPIRA_CONVS]; /* inputs of the convolutions, in tiles */
    float *y[SPIRA_CONVS]; /* and their outputs */
    float *out;            /* of the last activation; the caller's memory */
    const float *d_out;    /* and its gradient */
    float *d, *dx;         /* gradients of the y and x of the convolution in hand */
    float *gradients;      /* of the parameters, from this window */
    struct spira_moments moments[SPIRA_CONVS][SPIRA_MAX_CHANNELS];
    struct spira_channel_norm norms[SPIRA_CONVS][SPIRA_MAX_CHANNELS];
    struct spira_norm_sums sums[SPIRA_MAX_CHANNELS]; /* of the convolution in hand */
    struct spira_front_kept front; /* of the first two, where the kernel does them in one go */
};

/* Equal pieces of memory. */
struct spira_slots {
    float *memory;
    size_t capacity; /* floats */
    size_t size;     /* of a slot */
};

struct spira_conv_stack {
    /* Set once by the owner. */
    const struct spira_model_kernel *kernel;
    struct spira_matrix matrix; /* the products of the convolutions */
    bool front;                 /* the kernel does the first two in one go */
    struct spira_parameters *parameters;
    enum spira_norm norm;
    size_t features, threads;
    /* The call in hand. */
    bool training;
    const struct spira_dropout *dropout;
    const struct spira_window *windows;
    struct spira_trace *traces; /* one for each window */
    size_t count, capacity;
    float *packed[SPIRA_CONVS]; /* weights as the products need them, or the front */
    struct spira_slots kept;    /* what a window keeps for the backward pass: its x and y */
    struct spira_slots scratch; /* what it needs during the backward pass: d and dx */
    struct spira_slots front_scratch;
    struct spira_slots gradients;
};

/* Takes up these windows (kept until the next begin) and makes room. The caller then sets each
 * trace's out and, before a backward pass, d_out. SPIRA_ENOMEMORY; SPIRA_EINVALID when a window is
 * too short. */
SPIRA_MUST_USE enum spira_code spira_conv_stack_begin(struct spira_conv_stack *stack,
                                                      const struct spira_window *windows,
                                                      size_t count, bool training,
                                                      const struct spira_dropout *dropout,
                                                      struct spira_error *err);

/* Fills each trace's out (time, channel, feature). BatchNorm in training moves the running
 * statistics. */
void spira_conv_stack_forward(struct spira_conv_stack *stack);

/* After a forward pass in training: adds to the gradients of convolutions and norms. */
void spira_conv_stack_backward(struct spira_conv_stack *stack);

void spira_conv_stack_done(struct spira_conv_stack *stack); /* a zeroed one is fine */

#endif
