#include "core/model/parameters.h"

#include <math.h>
#include <string.h>

#include "core/base/random.h"

/* Names of a convolution and of its norm: nn.Sequential counts the layers between them. */
static const struct {
    const char *weight, *bias, *gamma, *beta, *mean, *variance, *batches;
} conv_names[SPIRA_CONVS] = {
#define NAMES(conv, norm)                                                                          \
    {                                                                                              \
        "conv." #conv ".weight", "conv." #conv ".bias", "conv." #norm ".weight",                   \
            "conv." #norm ".bias", "conv." #norm ".running_mean", "conv." #norm ".running_var",    \
            "conv." #norm ".num_batches_tracked"                                                   \
    }
    NAMES(0, 1), NAMES(5, 6), NAMES(10, 11), NAMES(15, 16)};

static struct spira_parameter *add(struct spira_parameters *parameters, const char *name,
                                   size_t rank, const size_t *shape)
{
    struct spira_parameter *parameter = &parameters->list[parameters->count++];
    *parameter = (struct spira_parameter){.name = name, .rank = rank, .count = 1};
    for (size_t i = 0; i < rank; i++) {
        parameter->shape[i] = shape[i];
        parameter->count *= shape[i];
    }
    return parameter;
}

/* What one listing of all parameters needs to know: the arrays, NULL while only counting. */
struct arrays {
    float *values, *gradients, *statistics;
    size_t trained, counted; /* floats handed out */
};

static void add_trained(struct spira_parameters *parameters, struct arrays *arrays,
                        struct spira_weight *weight, const char *name, size_t rank,
                        const size_t *shape)
{
    struct spira_parameter *parameter = add(parameters, name, rank, shape);
    if (arrays->values) {
        weight->value = arrays->values + arrays->trained;
        weight->gradient = arrays->gradients + arrays->trained;
        parameter->value = weight->value;
        parameter->gradient = weight->gradient;
    }
    arrays->trained += parameter->count;
}

static void add_statistic(struct spira_parameters *parameters, struct arrays *arrays, float **place,
                          const char *name, size_t channels)
{
    struct spira_parameter *parameter = add(parameters, name, 1, &channels);
    if (arrays->statistics)
        parameter->value = *place = arrays->statistics + arrays->counted;
    arrays->counted += channels;
}

static void list_all(struct spira_parameters *parameters, struct arrays *arrays,
                     enum spira_norm norm, size_t inputs, size_t hidden)
{
    parameters->count = 0;
    for (size_t i = 0; i < SPIRA_CONVS; i++) {
        const struct spira_conv *conv = &spira_convs[i];
        struct spira_conv_parameters *own = &parameters->convs[i];
        const size_t shape[4] = {conv->out, conv->in, conv->kernel, 1};
        add_trained(parameters, arrays, &own->weight, conv_names[i].weight, 4, shape);
        add_trained(parameters, arrays, &own->bias, conv_names[i].bias, 1, &conv->out);
        add_trained(parameters, arrays, &own->gamma, conv_names[i].gamma, 1, &conv->out);
        add_trained(parameters, arrays, &own->beta, conv_names[i].beta, 1, &conv->out);
        if (norm != SPIRA_BATCH_NORM)
            continue;
        add_statistic(parameters, arrays, &own->running_mean, conv_names[i].mean, conv->out);
        add_statistic(parameters, arrays, &own->running_var, conv_names[i].variance, conv->out);
        add(parameters, conv_names[i].batches, 0, NULL)->number = &own->batches;
    }
    const size_t fc1[2] = {hidden, inputs}, fc2[2] = {1, hidden};
    add_trained(parameters, arrays, &parameters->fc1_weight, "fc1.weight", 2, fc1);
    add_trained(parameters, arrays, &parameters->fc1_bias, "fc1.bias", 1, fc1);
    add_trained(parameters, arrays, &parameters->fc2_weight, "fc2.weight", 2, fc2);
    add_trained(parameters, arrays, &parameters->fc2_bias, "fc2.bias", 1, fc2);
}

enum spira_code spira_parameters_init(struct spira_parameters *parameters, enum spira_norm norm,
                                      size_t inputs, size_t hidden, struct spira_error *err)
{
    struct arrays sizes = {0};
    list_all(parameters, &sizes, norm, inputs, hidden);
    struct arrays arrays = {0};
    enum spira_code code = spira_big_alloc(&parameters->trained.values, sizes.trained,
                                           sizeof(float), "the parameters", err);
    if (code == SPIRA_OK)
        code = spira_big_alloc(&parameters->trained.gradients, sizes.trained, sizeof(float),
                               "the gradients", err);
    if (code != SPIRA_OK)
        return code;
    parameters->trained.count = sizes.trained;
    parameters->statistics = spira_alloc(sizes.counted, sizeof *parameters->statistics);
    arrays.values = parameters->trained.values;
    arrays.gradients = parameters->trained.gradients;
    arrays.statistics = parameters->statistics;
    list_all(parameters, &arrays, norm, inputs, hidden);
    return SPIRA_OK;
}

void spira_parameters_done(struct spira_parameters *parameters)
{
    free(parameters->trained.values);
    free(parameters->trained.gradients);
    free(parameters->statistics);
    *parameters = (struct spira_parameters){0};
}

/* How many inputs each output of the convolution or linear layer that a parameter belongs to has;
 * 0 for a norm's. */
static size_t fan_in(const struct spira_parameters *parameters, const float *value)
{
    for (size_t i = 0; i < SPIRA_CONVS; i++) {
        const struct spira_conv_parameters *own = &parameters->convs[i];
        if (value == own->weight.value || value == own->bias.value)
            return spira_convs[i].in * spira_convs[i].kernel;
    }
    const struct spira_parameter *fc1 = &parameters->list[parameters->count - 4];
    if (value == parameters->fc1_weight.value || value == parameters->fc1_bias.value)
        return fc1->shape[1];
    if (value == parameters->fc2_weight.value || value == parameters->fc2_bias.value)
        return fc1->shape[0];
    return 0;
}

static void draw_uniform(const struct spira_parameter *parameter, uint64_t seed, size_t inputs)
{
    struct spira_random random =
        spira_random_stream(seed, SPIRA_FOR_WEIGHTS, spira_hash_text(parameter->name), 0);
    double bound = 1 / sqrt((double)inputs);
    for (size_t i = 0; i < parameter->count; i++)
        parameter->value[i] = (float)((2 * spira_random_unit(&random) - 1) * bound);
}

static bool ends_with(const char *text, const char *end)
{
    size_t length = strlen(text), part = strlen(end);
    return length >= part && strcmp(text + length - part, end) == 0;
}

/* gamma and the running variance are 1, beta and the running mean 0. */
static void fill_norm(const struct spira_parameter *parameter)
{
    bool one = ends_with(parameter->name, ".weight") || ends_with(parameter->name, ".running_var");
    for (size_t i = 0; i < parameter->count; i++)
        parameter->value[i] = one ? 1.0f : 0.0f;
}

static void draw(const struct spira_parameters *parameters, const struct spira_parameter *parameter,
                 uint64_t seed)
{
    if (!parameter->value) {
        *parameter->number = 0;
        return;
    }
    size_t inputs = fan_in(parameters, parameter->value);
    if (inputs > 0)
        draw_uniform(parameter, seed, inputs);
    else
        fill_norm(parameter);
}

size_t spira_parameters_draw(struct spira_parameters *parameters, uint64_t seed, const char *prefix)
{
    size_t drawn = 0;
    for (size_t i = 0; i < parameters->count; i++)
        if (strncmp(parameters->list[i].name, prefix, strlen(prefix)) == 0) {
            draw(parameters, &parameters->list[i], seed);
            drawn++;
        }
    return drawn;
}
