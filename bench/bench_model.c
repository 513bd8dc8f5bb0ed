#include "bench/bench.h"
#include "core/base/random.h"
#include "core/model/network.h"
#include "core/training/adam.h"

enum { TRAIN_WINDOWS = 20, INFER_WINDOWS = 64 };

struct shape {
    enum spira_norm norm;
    size_t frames, features;
};
static const struct shape published = {SPIRA_GROUP_NORM, 401, 40};

/* A network and windows of noise. */
struct model {
    struct shape shape;
    struct spira_network *network;
    struct spira_adam adam;
    size_t threads, count;
    float *data;
    struct spira_window windows[INFER_WINDOWS];
    double weights[INFER_WINDOWS], losses[INFER_WINDOWS], probabilities[INFER_WINDOWS];
};

static void open_model(struct model *model)
{
    struct spira_error err;
    const struct spira_model_config config = {
        .norm = model->shape.norm, .fc1_dim = 100, .fc2_dim = 1, .dropout = 0.7};
    SPIRA_BENCH_MUST(spira_network_new(&config, model->shape.frames, model->shape.features,
                                       (struct spira_matrix){0}, model->threads, &model->network,
                                       &err),
                     &err);
    spira_network_draw(model->network, 1, "");
    SPIRA_BENCH_MUST(
        spira_adam_init(&model->adam, spira_network_trained(model->network).count, &err), &err);
    struct spira_random random = spira_random_stream(1, SPIRA_FOR_NOISE, 0, 0);
    size_t size = model->shape.frames * model->shape.features;
    model->data = spira_alloc(model->count * size, sizeof *model->data);
    for (size_t i = 0; i < model->count * size; i++)
        model->data[i] = (float)spira_random_normal(&random);
    for (size_t i = 0; i < model->count; i++) {
        model->windows[i] = (struct spira_window){
            .data = model->data + i * size, .frames = model->shape.frames, .label = (float)(i % 2)};
        model->weights[i] = 1.0 / (double)model->count;
    }
}

static void model_done(struct model *model)
{
    spira_network_free(model->network);
    spira_adam_done(&model->adam);
    free(model->data);
}

static void train(void *context)
{
    struct model *model = context;
    struct spira_error err;
    struct spira_trained trained = spira_network_trained(model->network);
    const struct spira_dropout dropout = {.share = 0.7, .seed = 1, .step = model->adam.steps};
    memset(trained.gradients, 0, trained.count * sizeof *trained.gradients);
    SPIRA_BENCH_MUST(spira_network_train(model->network, model->windows, model->count,
                                         model->weights, true, &dropout, model->losses, NULL, &err),
                     &err);
    spira_adam_step(&model->adam, trained.values, trained.gradients, 1e-3, 0.01, model->threads);
}

static void infer(void *context)
{
    struct model *model = context;
    struct spira_error err;
    SPIRA_BENCH_MUST(spira_network_predict(model->network, model->windows, model->count, true, NULL,
                                           model->probabilities, &err),
                     &err);
}

static double seconds_of(spira_bench_work *work, struct shape shape, size_t threads, size_t count)
{
    struct model model = {.shape = shape, .threads = threads, .count = count};
    open_model(&model);
    double seconds = spira_bench_median(work, &model);
    model_done(&model);
    return seconds;
}

static double trained_per_second(struct shape shape, size_t threads)
{
    return TRAIN_WINDOWS / seconds_of(train, shape, threads, TRAIN_WINDOWS);
}

double spira_bench_train(size_t threads)
{
    return trained_per_second(published, threads);
}

double spira_bench_train_v1(size_t threads)
{
    return trained_per_second((struct shape){SPIRA_BATCH_NORM, 401, 40}, threads);
}

double spira_bench_train_900(size_t threads)
{
    return trained_per_second((struct shape){SPIRA_GROUP_NORM, 900, 40}, threads);
}

double spira_bench_train_mel80(size_t threads)
{
    return trained_per_second((struct shape){SPIRA_GROUP_NORM, 401, 80}, threads);
}

double spira_bench_infer(size_t threads)
{
    return INFER_WINDOWS / seconds_of(infer, published, threads, INFER_WINDOWS);
}

double spira_bench_infer_one(size_t threads)
{
    return 1e3 * seconds_of(infer, published, threads, 1);
}
