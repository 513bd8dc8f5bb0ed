#include "core/model/conv_norms.h"

#define RUNNING_MOMENTUM 0.1

/* Moments are of y, the convolution without its bias. */
static struct spira_channel_norm channel_norm(const struct spira_conv_parameters *parameters,
                                              size_t channel, double mean, double variance)
{
    return (struct spira_channel_norm){
        .offset = (float)(mean - (double)parameters->bias.value[channel]),
        .rstd = (float)spira_norm_rstd(variance),
        .gamma = parameters->gamma.value[channel],
        .beta = parameters->beta.value[channel],
    };
}

static struct spira_moments shifted(const struct spira_moments *moments, float bias)
{
    struct spira_moments with_bias = *moments;
    with_bias.mean += (double)bias;
    return with_bias;
}

void spira_group_norms(const struct spira_conv *conv,
                       const struct spira_conv_parameters *parameters,
                       const struct spira_moments *moments, struct spira_channel_norm *ret_norms)
{
    size_t width = conv->out / conv->groups;
    const float *bias = parameters->bias.value;
    for (size_t first = 0; first < conv->out; first += width) {
        struct spira_moments group = shifted(&moments[first], bias[first]);
        for (size_t c = first + 1; c < first + width; c++) {
            struct spira_moments more = shifted(&moments[c], bias[c]);
            spira_moments_join(&group, &more);
        }
        for (size_t c = first; c < first + width; c++)
            ret_norms[c] = channel_norm(parameters, c, group.mean, group.squares / group.count);
    }
}

void spira_group_totals(const struct spira_conv *conv, const struct spira_channel_norm *norms,
                        const struct spira_norm_sums *sums, const struct spira_moments *moments,
                        struct spira_norm_totals *ret_totals)
{
    size_t width = conv->out / conv->groups;
    for (size_t first = 0; first < conv->out; first += width) {
        struct spira_norm_totals total = {0};
        for (size_t c = first; c < first + width; c++) {
            total.d += (double)norms[c].gamma * sums[c].d;
            total.dx += (double)norms[c].gamma * sums[c].dx;
            total.count += moments[c].count;
        }
        for (size_t c = first; c < first + width; c++)
            ret_totals[c] = total;
    }
}

void spira_running_norms(const struct spira_conv *conv,
                         const struct spira_conv_parameters *parameters,
                         struct spira_channel_norm *ret_norms)
{
    for (size_t c = 0; c < conv->out; c++)
        ret_norms[c] = channel_norm(parameters, c, (double)parameters->running_mean[c],
                                    (double)parameters->running_var[c]);
}

static float moved(float running, double now)
{
    return (float)((1 - RUNNING_MOMENTUM) * (double)running + RUNNING_MOMENTUM * now);
}

void spira_batch_norms(struct spira_conv_stack *stack, size_t i)
{
    struct spira_conv_parameters *parameters = &stack->parameters->convs[i];
    for (size_t c = 0; c < spira_convs[i].out; c++) {
        struct spira_moments batch = stack->traces[0].moments[i][c];
        for (size_t window = 1; window < stack->count; window++)
            spira_moments_join(&batch, &stack->traces[window].moments[i][c]);
        double mean = batch.mean + (double)parameters->bias.value[c];
        const struct spira_channel_norm norm =
            channel_norm(parameters, c, mean, batch.squares / batch.count);
        for (size_t window = 0; window < stack->count; window++)
            stack->traces[window].norms[i][c] = norm;
        parameters->running_mean[c] = moved(parameters->running_mean[c], mean);
        parameters->running_var[c] =
            moved(parameters->running_var[c], batch.squares / (batch.count - 1));
    }
    parameters->batches++;
}

void spira_batch_totals(const struct spira_conv_stack *stack, size_t i,
                        struct spira_norm_totals *ret_totals)
{
    for (size_t c = 0; c < spira_convs[i].out; c++) {
        struct spira_norm_totals total = {0};
        double gamma = (double)stack->parameters->convs[i].gamma.value[c];
        for (size_t window = 0; window < stack->count; window++) {
            const struct spira_trace *trace = &stack->traces[window];
            total.d += gamma * trace->sums[c].d;
            total.dx += gamma * trace->sums[c].dx;
            total.count += trace->moments[i][c].count;
        }
        ret_totals[c] = total;
    }
}
