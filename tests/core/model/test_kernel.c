#include "core/model/kernel/kernel.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>

#include "core/base/random.h"
#include "core/model/conv.h"
#include "core/model/network.h"
#include "core/training/adam.h"

/* Runs check with the kernel of every level this machine has. */
static void at_every_level(void (*check)(const struct spira_model_kernel *kernel, int level))
{
    for (int level = 0; level <= (int)spira_dispatch_best(); level++)
        check(spira_model_kernel_at((enum spira_dispatch)level), level);
}

static float *draw(size_t count, uint32_t stream)
{
    struct spira_random random = spira_random_stream(1, SPIRA_FOR_NOISE, 0, stream);
    float *values = spira_alloc(count ? count : 1, sizeof *values);
    for (size_t i = 0; i < count; i++)
        values[i] = (float)spira_random_normal(&random);
    return values;
}

/* One product, its operands in rows a little longer than needed. */
struct product {
    bool transpose_a, transpose_b;
    size_t m, n, k, lda, ldb, ldc;
    float beta;
    float *a, *b, *c;
};

static struct product make_product(bool transpose_a, bool transpose_b, size_t m, size_t n, size_t k,
                                   float beta)
{
    struct product product = {transpose_a,
                              transpose_b,
                              m,
                              n,
                              k,
                              (transpose_a ? m : k) + 3,
                              (transpose_b ? k : n) + 1,
                              n + 2,
                              beta,
                              NULL,
                              NULL,
                              NULL};
    product.a = draw((transpose_a ? k : m) * product.lda, 1);
    product.b = draw((transpose_b ? n : k) * product.ldb, 2);
    product.c = draw(m * product.ldc, 3);
    return product;
}

static void product_done(struct product *product)
{
    free(product->a);
    free(product->b);
    free(product->c);
}

static void compute(const struct spira_model_kernel *kernel, const struct product *p, float *c)
{
    kernel->gemm(p->transpose_a, p->transpose_b, p->m, p->n, p->k, p->a, p->lda, p->b, p->ldb,
                 p->beta, c, p->ldc);
}

static double value_of(const struct product *p, size_t i, size_t j)
{
    double sum = (double)p->beta * (double)p->c[i * p->ldc + j];
    for (size_t x = 0; x < p->k; x++)
        sum += (double)p->a[p->transpose_a ? x * p->lda + i : i * p->lda + x] *
               (double)p->b[p->transpose_b ? j * p->ldb + x : x * p->ldb + j];
    return sum;
}

static const size_t sizes[][3] = {{1, 1, 1},    {4, 80, 48},  {5, 26, 7},   {3, 97, 20},
                                  {16, 80, 33}, {7, 13, 100}, {25, 120, 9}, {2, 31, 64}};
static const bool transposed[][2] = {{false, false}, {true, false}, {false, true}};

static void check_products(const struct spira_model_kernel *kernel, int level)
{
    for (size_t t = 0; t < 3; t++)
        for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
            SPIRA_CLEANUP(product_done)
            struct product p = make_product(transposed[t][0], transposed[t][1], sizes[s][0],
                                            sizes[s][1], sizes[s][2], s % 2 ? 1.0f : 0.0f);
            SPIRA_CLEANUP(spira_free_at)
            float *c = draw(p.m * p.ldc, 3);
            compute(kernel, &p, c);
            for (size_t i = 0; i < p.m; i++)
                for (size_t j = 0; j < p.ldc; j++)
                    if (j < p.n)
                        cr_assert_float_eq((double)c[i * p.ldc + j], value_of(&p, i, j), 2e-5,
                                           "level %d, shape %zu/%zu, (%zu, %zu)", level, t, s, i,
                                           j);
                    else /* what lies between the rows is nobody's business */
                        cr_assert_eq(c[i * p.ldc + j], p.c[i * p.ldc + j]);
        }
}

Test(kernel, multiplies_matrices)
{
    at_every_level(check_products);
}

static void check_rows_alone(const struct spira_model_kernel *kernel, int level)
{
    for (size_t t = 0; t < 3; t++) {
        SPIRA_CLEANUP(product_done)
        struct product p = make_product(transposed[t][0], transposed[t][1], 11, 90, 37, 1);
        SPIRA_CLEANUP(spira_free_at)
        float *among = draw(p.m * p.ldc, 3);
        SPIRA_CLEANUP(spira_free_at)
        float *alone = draw(p.m * p.ldc, 3);
        compute(kernel, &p, among);
        for (size_t i = 0; i < p.m; i++) {
            struct product row = p;
            row.m = 1;
            row.a += i * (p.transpose_a ? 1 : p.lda);
            compute(kernel, &row, alone + i * p.ldc);
        }
        cr_assert_eq(memcmp(among, alone, p.m * p.ldc * sizeof *among), 0, "level %d", level);
    }
}

Test(kernel, gives_a_row_the_same_bits_alone_as_among_others)
{
    at_every_level(check_rows_alone);
}

/* Both levels of lanes, or nothing on a machine that has one of them. */
static bool both_levels(const struct spira_model_kernel *ret_kernels[2])
{
    if (spira_dispatch_best() < SPIRA_DISPATCH_AVX512)
        return false;
    ret_kernels[0] = spira_model_kernel_at(SPIRA_DISPATCH_AVX2);
    ret_kernels[1] = spira_model_kernel_at(SPIRA_DISPATCH_AVX512);
    return true;
}

Test(kernel, multiplies_to_the_same_bits_with_avx2_and_avx512)
{
    const struct spira_model_kernel *kernels[2];
    if (!both_levels(kernels))
        cr_skip("no AVX-512 here");
    for (size_t t = 0; t < 3; t++)
        for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
            SPIRA_CLEANUP(product_done)
            struct product p = make_product(transposed[t][0], transposed[t][1], sizes[s][0],
                                            sizes[s][1], sizes[s][2], 1);
            SPIRA_CLEANUP(spira_free_at)
            float *other = draw(p.m * p.ldc, 3);
            compute(kernels[0], &p, other);
            compute(kernels[1], &p, p.c);
            cr_assert_eq(memcmp(other, p.c, p.m * p.ldc * sizeof *other), 0, "shape %zu/%zu", t, s);
        }
}

static void check_mish(const struct spira_model_kernel *kernel, int level)
{
    enum { COUNT = 4003 };
    float x[COUNT], mask[COUNT], dy[COUNT], y[COUNT], dx[COUNT];
    for (size_t i = 0; i < COUNT; i++) {
        x[i] = -100.0f + 200.0f * (float)i / COUNT;
        mask[i] = i % 3 ? 2.0f : 0.0f;
        dy[i] = i % 2 ? 0.5f : -1.0f;
    }
    kernel->mish(x, mask, COUNT, y);
    kernel->mish_backward(x, mask, dy, COUNT, dx);
    for (size_t i = 0; i < COUNT; i++) {
        double in = (double)x[i], e = exp(in), t = tanh(log1p(e));
        double slope = t + in * (1 - t * t) * (in > 100 ? 1 : e / (1 + e));
        double factor = (double)mask[i];
        cr_assert_float_eq((double)y[i], factor * in * t, 1e-6 * (1 + fabs(in)),
                           "level %d: mish(%g)", level, in);
        cr_assert_float_eq((double)dx[i], factor * slope * (double)dy[i], 2e-6,
                           "level %d: mish'(%g) is %g, not %g", level, in, (double)dx[i],
                           factor * slope * (double)dy[i]);
    }
}

Test(kernel, has_mish_and_its_derivative)
{
    at_every_level(check_mish);
}

static void check_weight_gradients(const struct spira_model_kernel *kernel, int level)
{
    const struct spira_conv *conv = &spira_convs[2];
    enum { FEATURES = 13 };
    struct spira_conv_frames frames[SPIRA_CONVS];
    cr_assert(spira_conv_frames(101, frames));
    size_t taps = conv->in * conv->kernel;
    size_t row = conv->dilation * FEATURES, tiles = spira_tiles(frames[2].out, conv->dilation);
    SPIRA_CLEANUP(spira_free_at)
    float *x = draw(spira_tiled_size(frames[2].in, conv->dilation, conv->in, FEATURES), 1);
    SPIRA_CLEANUP(spira_free_at)
    float *dy = draw(tiles * conv->out * row, 2);
    SPIRA_CLEANUP(spira_free_at)
    float *dw = spira_alloc(conv->out * taps, sizeof *dw);
    dw[0] = 1;
    kernel->weight_gradients(conv, &frames[2], FEATURES, x, dy, dw);
    for (size_t co = 0; co < conv->out; co++)
        for (size_t tap = 0; tap < taps; tap++) {
            double sum = co + tap == 0 ? 1 : 0;
            for (size_t tile = 0; tile < tiles; tile++)
                for (size_t j = 0; j < row; j++)
                    sum += (double)dy[(tile * conv->out + co) * row + j] *
                           (double)x[(tile * conv->in + tap) * row + j];
            cr_assert_float_eq((double)dw[co * taps + tap], sum, 1e-4, "level %d", level);
        }
}

Test(kernel, sums_the_gradients_of_a_convolution_over_all_tiles)
{
    at_every_level(check_weight_gradients);
}

/* The gradients of one training pass of windows of noise. */
static float *train(enum spira_dispatch level, enum spira_norm norm, size_t frames, size_t features,
                    double share, size_t *ret_count)
{
    enum { WINDOWS = 2 };
    setenv("SPIRA_DISPATCH", spira_dispatch_name(level), 1);
    struct spira_error err;
    const struct spira_model_config config = {.norm = norm, .fc1_dim = 20, .fc2_dim = 1};
    struct spira_network *network = NULL;
    cr_assert_eq(
        spira_network_new(&config, frames, features, (struct spira_matrix){0}, 1, &network, &err),
        SPIRA_OK, "%s", err.message);
    spira_network_draw(network, 1, "");
    SPIRA_CLEANUP(spira_free_at)
    float *data = draw(WINDOWS * frames * features, 4);
    struct spira_window windows[WINDOWS];
    for (size_t i = 0; i < WINDOWS; i++)
        windows[i] = (struct spira_window){
            .data = data + i * frames * features, .frames = frames, .label = (float)i};
    const struct spira_dropout dropout = {.share = share, .seed = 3, .step = 7};
    double losses[WINDOWS];
    cr_assert_eq(spira_network_train(network, windows, WINDOWS, (double[]){0.5, 0.5}, true,
                                     &dropout, losses, NULL, &err),
                 SPIRA_OK, "%s", err.message);
    struct spira_trained trained = spira_network_trained(network);
    float *gradients = spira_alloc(trained.count, sizeof *gradients);
    memcpy(gradients, trained.gradients, trained.count * sizeof *gradients);
    *ret_count = trained.count;
    spira_network_free(network);
    return gradients;
}

Test(kernel, trains_to_the_same_bits_with_avx2_and_avx512)
{
    const struct spira_model_kernel *kernels[2];
    if (!both_levels(kernels))
        cr_skip("no AVX-512 here");
    for (int norm = SPIRA_BATCH_NORM; norm <= SPIRA_GROUP_NORM; norm++)
        for (size_t frames = 98; frames <= 101; frames++)
            for (size_t shape = 0; shape < 4; shape++) {
                size_t features = (size_t[]){8, 13, 16, 40}[shape], count;
                double share = frames % 2 ? 0.7 : 0;
                SPIRA_CLEANUP(spira_free_at)
                float *a = train(SPIRA_DISPATCH_AVX2, (enum spira_norm)norm, frames, features,
                                 share, &count);
                SPIRA_CLEANUP(spira_free_at)
                float *b = train(SPIRA_DISPATCH_AVX512, (enum spira_norm)norm, frames, features,
                                 share, &count);
                cr_assert_eq(memcmp(a, b, count * sizeof *a), 0, "norm %d, %zu x %zu", norm, frames,
                             features);
            }
}

static double mish(double x)
{
    return x * tanh(log1p(exp(x)));
}

/* The x above mish's minimum where it is as large as at low, below the minimum. */
static double same_mish_above(double low)
{
    double below = -1.19, above = 0;
    while (above - below > 1e-12) {
        double middle = (below + above) / 2;
        if (mish(middle) < mish(low))
            below = middle;
        else
            above = middle;
    }
    return above;
}

/* Two time steps whose mish is nearer than floats can tell, on both sides of its minimum. */
static void check_close_pair(const struct spira_model_kernel *kernel, int level)
{
    enum { FEATURES = 16 };
    const struct spira_conv conv = {.out = 1, .dilation = 2, .pooled = true};
    const struct spira_conv_frames frames = {.out = 2, .kept = 1};
    const struct spira_channel_norm norm = {.rstd = 1, .gamma = 1};
    float y[2 * FEATURES], d_out[FEATURES], d[2 * FEATURES];
    for (size_t f = 0; f < FEATURES; f++) {
        double low = -1.3 - 0.01 * (double)f, high = same_mish_above(low);
        y[f] = (float)low;
        y[FEATURES + f] = (float)high;
        d_out[f] = 1;
    }
    struct spira_norm_sums sums;
    const struct spira_activation activation = {.conv = &conv,
                                                .frames = &frames,
                                                .features = FEATURES,
                                                .dilation_after = 1,
                                                .norm = &norm,
                                                .mask = {.scale = 1}};
    kernel->activation_backward(&activation, y, d_out, d, &sums);
    for (size_t f = 0; f < FEATURES; f++) {
        double first = (double)y[f], second = (double)y[FEATURES + f];
        bool second_wins = mish(second) > mish(first);
        cr_assert_neq(d[second_wins ? FEATURES + f : f], 0, "level %d: %.9g and %.9g", level, first,
                      second);
        cr_assert_eq(d[second_wins ? f : FEATURES + f], 0, "level %d: %.9g and %.9g", level, first,
                     second);
    }
}

Test(kernel, settles_which_of_two_close_values_is_larger)
{
    at_every_level(check_close_pair);
}

/* The first layer of a window whose even and odd rows are such pairs, as its first channel sees
 * them: its only weight is 1, and its norm is made to change nothing. */
static void check_close_rows(const struct spira_model_kernel *kernel, int level)
{
    enum { FRAMES = 64, FEATURES = 8 };
    struct spira_conv_frames frames[SPIRA_CONVS];
    cr_assert(spira_conv_frames(FRAMES, frames));
    float x[FRAMES * FEATURES], first[32 * 7] = {1}, second[16 * 32 * 5] = {0};
    for (size_t i = 0; i < FRAMES / 2 * FEATURES; i++) {
        float *pair = x + i / FEATURES * 2 * FEATURES + i % FEATURES;
        pair[0] = (float)(-1.25 - 0.001 * (double)i);
        pair[FEATURES] = (float)same_mish_above((double)pair[0]);
    }
    float gamma[32] = {1}, zeros[32] = {0}, beta[32] = {0};
    struct spira_conv_parameters parameters[2] = {{.weight = {.value = first},
                                                   .bias = {.value = zeros},
                                                   .gamma = {.value = gamma},
                                                   .beta = {.value = beta}},
                                                  {.weight = {.value = second},
                                                   .bias = {.value = zeros},
                                                   .gamma = {.value = gamma},
                                                   .beta = {.value = beta}}};
    struct spira_moments moments[2][SPIRA_MAX_CHANNELS];
    struct spira_channel_norm norms[2][SPIRA_MAX_CHANNELS];
    SPIRA_CLEANUP(spira_free_at)
    float *kept = NULL;
    SPIRA_CLEANUP(spira_free_at)
    float *scratch = NULL;
    struct spira_error err;
    cr_assert_eq(spira_big_alloc(&kept, spira_front_kept_size(frames, FEATURES, true), sizeof *kept,
                                 "lists", &err),
                 SPIRA_OK);
    cr_assert_eq(spira_big_alloc(&scratch, spira_front_scratch_size(frames, FEATURES, true),
                                 sizeof *scratch, "scratch", &err),
                 SPIRA_OK);
    SPIRA_CLEANUP(spira_free_at)
    float *out = spira_alloc(spira_tiled_size(frames[2].in, 2, 16, FEATURES), sizeof *out);
    struct spira_front front = {.features = FEATURES,
                                .frames = {frames[0], frames[1]},
                                .parameters = parameters,
                                .weights = second,
                                .x = x,
                                .training = true,
                                .masks = {{.scale = 1}, {.scale = 1}},
                                .kept = spira_front_place_kept(frames, FEATURES, true, kept),
                                .scratch =
                                    spira_front_place_scratch(frames, FEATURES, true, scratch),
                                .moments = moments,
                                .norms = norms,
                                .out = out};
    kernel->front_forward(&front);
    gamma[0] = 1 / norms[0][0].rstd;
    beta[0] = norms[0][0].offset;
    kernel->front_forward(&front);
    const struct spira_channel_norm *norm = &norms[0][0];
    for (size_t t = 0; t < frames[0].kept; t++)
        for (size_t f = 0; f < FEATURES; f++) {
            double value[2];
            for (size_t part = 0; part < 2; part++)
                value[part] =
                    mish(((double)x[(2 * t + part) * FEATURES + f] - (double)norm->offset) *
                             (double)norm->rstd * (double)norm->gamma +
                         (double)norm->beta);
            cr_assert_float_eq(value[0], value[1], 1e-6);
            size_t listed = (t % 2 * FEATURES + f) * 32; /* all channels are kept */
            uint16_t bits = front.kept.second[t / 2 * FEATURES * 4 + listed / 16];
            cr_assert_eq(bits & 1, value[1] > value[0], "level %d: time step %zu, feature %zu",
                         level, t, f);
        }
}

Test(kernel, settles_it_in_the_first_layer_too)
{
    at_every_level(check_close_rows);
}
