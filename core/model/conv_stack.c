#include "core/model/conv_stack.h"

#include "core/base/parallel.h"
#include "core/model/conv.h"
#include "core/model/conv_norms.h"

/* Rounded up so that everything begins on a cache line. */
static size_t whole_lines(size_t floats)
{
    return (floats + 15) / 16 * 16;
}

static size_t x_size(const struct spira_conv_frames *frames, size_t i, size_t features)
{
    return whole_lines(
        spira_tiled_size(frames[i].in, spira_convs[i].dilation, spira_convs[i].in, features));
}

static size_t y_size(const struct spira_conv_frames *frames, size_t i, size_t features)
{
    return whole_lines(
        spira_tiled_size(frames[i].out, spira_convs[i].dilation, spira_convs[i].out, features));
}

/* The convolutions before this one are the front's. */
static size_t first_conv(const struct spira_conv_stack *stack)
{
    return stack->front ? 2 : 0;
}

static size_t kept_size(const struct spira_conv_stack *stack,
                        const struct spira_conv_frames *frames)
{
    size_t size =
        stack->front ? spira_front_kept_size(frames, stack->features, stack->training) : 0;
    for (size_t i = first_conv(stack); i < SPIRA_CONVS; i++)
        size += x_size(frames, i, stack->features) + y_size(frames, i, stack->features);
    return size;
}

static void bind_kept(const struct spira_conv_stack *stack, struct spira_trace *trace,
                      float *memory)
{
    for (size_t i = first_conv(stack); i < SPIRA_CONVS; i++) {
        trace->x[i] = memory;
        trace->y[i] = memory + x_size(trace->frames, i, stack->features);
        memory = trace->y[i] + y_size(trace->frames, i, stack->features);
    }
    if (stack->front)
        trace->front =
            spira_front_place_kept(trace->frames, stack->features, stack->training, memory);
}

/* Of the convolutions done one by one the first y is the largest; the first x too, but that the
 * window itself gets no gradient. */
static size_t dx_size(const struct spira_conv_stack *stack, const struct spira_conv_frames *frames)
{
    return x_size(frames, stack->front ? 2 : 1, stack->features);
}

static size_t scratch_size(const struct spira_conv_stack *stack,
                           const struct spira_conv_frames *frames)
{
    return y_size(frames, first_conv(stack), stack->features) + dx_size(stack, frames);
}

static void bind_scratch(const struct spira_conv_stack *stack, struct spira_trace *trace,
                         float *memory)
{
    trace->d = memory;
    trace->dx = memory + y_size(trace->frames, first_conv(stack), stack->features);
}

/* A window's gradients: for each convolution its packed weights, bias, gamma and beta. */
struct gradients {
    float *packed, *bias, *gamma, *beta;
};

static size_t gradients_size(void)
{
    size_t size = 0;
    for (size_t i = 0; i < SPIRA_CONVS; i++)
        size += spira_convs[i].out * (spira_convs[i].in * spira_convs[i].kernel + 3);
    return whole_lines(size);
}

static struct gradients gradients_of(const struct spira_trace *trace, size_t conv)
{
    float *at = trace->gradients;
    for (size_t i = 0; i < conv; i++)
        at += spira_convs[i].out * (spira_convs[i].in * spira_convs[i].kernel + 3);
    size_t out = spira_convs[conv].out;
    float *bias = at + out * spira_convs[conv].in * spira_convs[conv].kernel;
    return (struct gradients){
        .packed = at, .bias = bias, .gamma = bias + out, .beta = bias + 2 * out};
}

static enum spira_code reserve(struct spira_slots *slots, size_t size, size_t count,
                               struct spira_error *err)
{
    slots->size = size;
    if (size * count <= slots->capacity)
        return SPIRA_OK;
    free(slots->memory);
    *slots = (struct spira_slots){.size = size};
    enum spira_code code = spira_big_alloc(&slots->memory, count, size * sizeof(float),
                                           "the activations of a batch", err);
    if (code == SPIRA_OK)
        slots->capacity = size * count;
    return code;
}

static float *slot(const struct spira_slots *slots, size_t index)
{
    return slots->memory + index * slots->size;
}

/* In training every window keeps its activations; with GroupNorm the gradients of a window are over
 * before its thread takes another, with BatchNorm all wait for each other at every norm. */
static enum spira_code make_room(struct spira_conv_stack *stack,
                                 const struct spira_conv_frames *longest, struct spira_error *err)
{
    size_t threads = stack->threads, count = stack->count;
    bool in_step = stack->norm == SPIRA_BATCH_NORM;
    enum spira_code code =
        reserve(&stack->kept, kept_size(stack, longest), stack->training ? count : threads, err);
    if (code == SPIRA_OK && stack->front)
        code = reserve(&stack->front_scratch,
                       spira_front_scratch_size(longest, stack->features, stack->training), threads,
                       err);
    if (code != SPIRA_OK || !stack->training)
        return code;
    code = reserve(&stack->scratch, scratch_size(stack, longest), in_step ? count : threads, err);
    return code == SPIRA_OK ? reserve(&stack->gradients, gradients_size(), count, err) : code;
}

static void pack_weights(struct spira_conv_stack *stack)
{
    for (size_t i = 0; i < SPIRA_CONVS; i++) {
        const struct spira_conv *conv = &spira_convs[i];
        if (!stack->packed[i])
            stack->packed[i] =
                spira_alloc(conv->out * conv->in * conv->kernel, sizeof *stack->packed[i]);
        const float *weights = stack->parameters->convs[i].weight.value;
        if (stack->front && i == 1)
            spira_front_pack(weights, stack->packed[i]);
        else
            spira_conv_pack(conv, weights, stack->packed[i]);
    }
}

enum spira_code spira_conv_stack_begin(struct spira_conv_stack *stack,
                                       const struct spira_window *windows, size_t count,
                                       bool training, const struct spira_dropout *dropout,
                                       struct spira_error *err)
{
    if (count > stack->capacity) {
        free(stack->traces);
        stack->traces = spira_alloc(count, sizeof *stack->traces);
        stack->capacity = count;
    }
    stack->windows = windows;
    stack->count = count;
    stack->training = training;
    stack->dropout = dropout;
    size_t longest = 0;
    for (size_t i = 0; i < count; i++) {
        if (!spira_conv_frames(windows[i].frames, stack->traces[i].frames))
            return spira_fail(err, SPIRA_EINVALID, "a window of %zu frames: at least %zu needed",
                              windows[i].frames, spira_conv_min_frames());
        longest = windows[i].frames > windows[longest].frames ? i : longest;
    }
    pack_weights(stack);
    return count > 0 ? make_room(stack, stack->traces[longest].frames, err) : SPIRA_OK;
}

void spira_conv_stack_done(struct spira_conv_stack *stack)
{
    for (size_t i = 0; i < SPIRA_CONVS; i++)
        free(stack->packed[i]);
    free(stack->traces);
    free(stack->kept.memory);
    free(stack->scratch.memory);
    free(stack->front_scratch.memory);
    free(stack->gradients.memory);
    *stack = (struct spira_conv_stack){0};
}

/* ---- forward ---- */

/* The first convolution has one channel: its tiles are the window itself, filled up with zeros. */
static void take_input(const struct spira_conv_stack *stack, size_t window)
{
    const struct spira_trace *trace = &stack->traces[window];
    size_t size = stack->windows[window].frames * stack->features;
    size_t tiled =
        spira_tiled_size(trace->frames[0].in, spira_convs[0].dilation, 1, stack->features);
    memcpy(trace->x[0], stack->windows[window].data, size * sizeof(float));
    memset(trace->x[0] + size, 0, (tiled - size) * sizeof(float));
}

static void convolve(const struct spira_conv_stack *stack, size_t window, size_t i)
{
    struct spira_trace *trace = &stack->traces[window];
    const struct spira_conv *conv = &spira_convs[i];
    spira_conv_forward(stack->matrix, conv, &trace->frames[i], stack->features, stack->packed[i],
                       trace->x[i], trace->y[i]);
    bool measured = stack->norm == SPIRA_GROUP_NORM || stack->training;
    for (size_t c = 0; c < conv->out && measured; c++)
        trace->moments[i][c] = stack->kernel->moments(trace->y[i], c, conv->out, conv->dilation,
                                                      trace->frames[i].out, stack->features);
}

static struct spira_activation activation_of(const struct spira_conv_stack *stack, size_t window,
                                             size_t i)
{
    const struct spira_trace *trace = &stack->traces[window];
    return (struct spira_activation){
        .conv = &spira_convs[i],
        .frames = &trace->frames[i],
        .features = stack->features,
        .dilation_after = spira_dilation_after(i),
        .norm = trace->norms[i],
        .mask = spira_mask(stack->dropout, i, window),
    };
}

static void activate(const struct spira_conv_stack *stack, size_t window, size_t i)
{
    const struct spira_trace *trace = &stack->traces[window];
    const struct spira_activation activation = activation_of(stack, window, i);
    stack->kernel->activation_forward(&activation, trace->y[i],
                                      i + 1 < SPIRA_CONVS ? trace->x[i + 1] : trace->out);
}

static struct spira_front front_of(const struct spira_conv_stack *stack, size_t window,
                                   size_t thread)
{
    struct spira_trace *trace = &stack->traces[window];
    return (struct spira_front){
        .features = stack->features,
        .frames = {trace->frames[0], trace->frames[1]},
        .parameters = stack->parameters->convs,
        .weights = stack->packed[1],
        .x = stack->windows[window].data,
        .training = stack->training,
        .masks = {spira_mask(stack->dropout, 0, window), spira_mask(stack->dropout, 1, window)},
        .kept = trace->front,
        .scratch = spira_front_place_scratch(trace->frames, stack->features, stack->training,
                                             slot(&stack->front_scratch, thread)),
        .moments = trace->moments,
        .norms = trace->norms,
        .out = trace->x[2],
        .d_out = trace->dx,
    };
}

/* A window alone: GroupNorm, or BatchNorm with the running statistics. */
static void forward_window(void *context, size_t window, size_t thread)
{
    struct spira_conv_stack *stack = context;
    struct spira_trace *trace = &stack->traces[window];
    bind_kept(stack, trace, slot(&stack->kept, stack->training ? window : thread));
    if (stack->front) {
        struct spira_front front = front_of(stack, window, thread);
        stack->kernel->front_forward(&front);
    } else {
        take_input(stack, window);
    }
    for (size_t i = first_conv(stack); i < SPIRA_CONVS; i++) {
        convolve(stack, window, i);
        if (stack->norm == SPIRA_GROUP_NORM)
            spira_group_norms(&spira_convs[i], &stack->parameters->convs[i], trace->moments[i],
                              trace->norms[i]);
        else
            spira_running_norms(&spira_convs[i], &stack->parameters->convs[i], trace->norms[i]);
        activate(stack, window, i);
    }
}

/* One convolution of a stack whose windows go in step. */
struct step {
    struct spira_conv_stack *stack;
    size_t conv;
};

static void convolve_in_step(void *context, size_t window, size_t thread)
{
    (void)thread;
    const struct step *step = context;
    struct spira_conv_stack *stack = step->stack;
    if (step->conv == 0) {
        bind_kept(stack, &stack->traces[window], slot(&stack->kept, window));
        take_input(stack, window);
    }
    convolve(stack, window, step->conv);
}

static void activate_in_step(void *context, size_t window, size_t thread)
{
    (void)thread;
    const struct step *step = context;
    activate(step->stack, window, step->conv);
}

void spira_conv_stack_forward(struct spira_conv_stack *stack)
{
    if (!stack->training || stack->norm == SPIRA_GROUP_NORM) {
        spira_parallel(stack->count, stack->threads, forward_window, stack);
        return;
    }
    for (size_t i = 0; i < SPIRA_CONVS; i++) {
        struct step step = {stack, i};
        spira_parallel(stack->count, stack->threads, convolve_in_step, &step);
        spira_batch_norms(stack, i);
        spira_parallel(stack->count, stack->threads, activate_in_step, &step);
    }
}

/* ---- backward ---- */

static void begin_backward(struct spira_conv_stack *stack, size_t window, size_t scratch)
{
    struct spira_trace *trace = &stack->traces[window];
    bind_scratch(stack, trace, slot(&stack->scratch, scratch));
    trace->gradients = slot(&stack->gradients, window);
    memset(trace->gradients, 0, stack->gradients.size * sizeof(float));
}

static void deactivate(const struct spira_conv_stack *stack, size_t window, size_t i)
{
    struct spira_trace *trace = &stack->traces[window];
    const struct spira_activation activation = activation_of(stack, window, i);
    stack->kernel->activation_backward(&activation, trace->y[i],
                                       i + 1 < SPIRA_CONVS ? trace->dx : trace->d_out, trace->d,
                                       trace->sums);
}

/* Through norm and convolution, once the norm's sums are known. */
static void deconvolve(const struct spira_conv_stack *stack, size_t window, size_t i,
                       const struct spira_norm_totals *totals)
{
    struct spira_trace *trace = &stack->traces[window];
    const struct spira_conv *conv = &spira_convs[i];
    const struct spira_conv_frames *frames = &trace->frames[i];
    struct gradients gradients = gradients_of(trace, i);
    for (size_t c = 0; c < conv->out; c++) {
        const struct spira_channel_norm *norm = &trace->norms[i][c];
        const struct spira_norm_totals *total = &totals[c];
        const struct spira_norm_gradient gradient =
            spira_norm_gradient(norm, total->d, total->dx, total->count);
        stack->kernel->norm_backward(trace->d, trace->y[i], norm, &gradient, c, conv->out,
                                     conv->dilation, frames->out, stack->features);
        gradients.bias[c] = (float)spira_norm_bias_gradient(
            norm, &trace->sums[c], &trace->moments[i][c], total->d, total->dx, total->count);
        gradients.gamma[c] = (float)trace->sums[c].dx;
        gradients.beta[c] = (float)trace->sums[c].d;
    }
    if (stack->front)
        stack->kernel->weight_gradients(conv, frames, stack->features, trace->x[i], trace->d,
                                        gradients.packed);
    else
        spira_conv_weight_gradients(stack->matrix, conv, frames, stack->features, trace->x[i],
                                    trace->d, gradients.packed);
    if (i > 0)
        spira_conv_input_gradients(stack->matrix, conv, frames, stack->features, stack->packed[i],
                                   trace->d, trace->dx);
}

static void backward_front(struct spira_conv_stack *stack, size_t window, size_t thread)
{
    struct spira_front front = front_of(stack, window, thread);
    for (size_t i = 0; i < 2; i++) {
        struct gradients gradients = gradients_of(&stack->traces[window], i);
        front.gradients[i].packed = gradients.packed;
        front.gradients[i].bias = gradients.bias;
        front.gradients[i].gamma = gradients.gamma;
        front.gradients[i].beta = gradients.beta;
    }
    stack->kernel->front_backward(&front);
}

/* Last things first: the newest activations are those still in the caches. */
static void backward_window(void *context, size_t index, size_t thread)
{
    struct spira_conv_stack *stack = context;
    size_t window = stack->count - 1 - index;
    struct spira_trace *trace = &stack->traces[window];
    begin_backward(stack, window, thread);
    for (size_t i = SPIRA_CONVS; i-- > first_conv(stack);) {
        struct spira_norm_totals totals[SPIRA_MAX_CHANNELS];
        deactivate(stack, window, i);
        spira_group_totals(&spira_convs[i], trace->norms[i], trace->sums, trace->moments[i],
                           totals);
        deconvolve(stack, window, i, totals);
    }
    if (stack->front)
        backward_front(stack, window, thread);
}

/* As step, with the totals of the whole batch. */
struct backward_step {
    struct spira_conv_stack *stack;
    size_t conv;
    struct spira_norm_totals totals[SPIRA_MAX_CHANNELS];
};

static void deactivate_in_step(void *context, size_t window, size_t thread)
{
    (void)thread;
    const struct backward_step *step = context;
    if (step->conv == SPIRA_CONVS - 1)
        begin_backward(step->stack, window, window);
    deactivate(step->stack, window, step->conv);
}

static void deconvolve_in_step(void *context, size_t window, size_t thread)
{
    (void)thread;
    const struct backward_step *step = context;
    deconvolve(step->stack, window, step->conv, step->totals);
}

/* The windows' gradients, in their order. */
static void add_gradients(struct spira_conv_stack *stack)
{
    for (size_t window = 0; window < stack->count; window++)
        for (size_t i = 0; i < SPIRA_CONVS; i++) {
            const struct gradients from = gradients_of(&stack->traces[window], i);
            struct spira_conv_parameters *to = &stack->parameters->convs[i];
            spira_conv_unpack_add(&spira_convs[i], from.packed, to->weight.gradient);
            for (size_t c = 0; c < spira_convs[i].out; c++) {
                to->bias.gradient[c] += from.bias[c];
                to->gamma.gradient[c] += from.gamma[c];
                to->beta.gradient[c] += from.beta[c];
            }
        }
}

void spira_conv_stack_backward(struct spira_conv_stack *stack)
{
    if (stack->norm == SPIRA_GROUP_NORM)
        spira_parallel(stack->count, stack->threads, backward_window, stack);
    for (size_t i = SPIRA_CONVS; stack->norm == SPIRA_BATCH_NORM && i-- > 0;) {
        struct backward_step step = {.stack = stack, .conv = i};
        spira_parallel(stack->count, stack->threads, deactivate_in_step, &step);
        spira_batch_totals(stack, i, step.totals);
        spira_parallel(stack->count, stack->threads, deconvolve_in_step, &step);
    }
    add_gradients(stack);
}
