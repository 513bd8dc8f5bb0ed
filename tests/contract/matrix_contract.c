/* What every matrix product does. */
#include <float.h>
#include <math.h>

#include "adapters/openblas/matrix_openblas.h"
#include "adapters/plain/matrix_plain.h"
#include "core/base/parallel.h"
#include "core/base/random.h"
#include "tests/contract/contract.h"
#include "tests/oracle/matrix_oracle.h"

enum { THREADS = 4, CALLS = 16 };

struct matrix_case {
    struct spira_matrix matrix;
};

static void open_openblas(struct matrix_case *subject)
{
    subject->matrix = spira_matrix_openblas();
}

static void open_plain(struct matrix_case *subject)
{
    subject->matrix = spira_matrix_plain();
}

static void matrix_close(struct matrix_case *subject)
{
    (void)subject; /* both are stateless */
}

CONTRACT_ADAPTERS(matrix, {"openblas", open_openblas}, {"plain", open_plain})

/* One product and its operands, as they are stored; gap elements follow each row. */
struct product {
    bool transpose_a, transpose_b;
    size_t m, n, k, lda, ldb, ldc;
    float beta;
    float *a, *b, *c;
};

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

static size_t c_count(const struct product *product)
{
    return product->m * product->ldc;
}

/* Noise in rows of row_length elements; NaN, which no product may read, in the gaps. */
static float *operand(size_t rows, size_t row_length, size_t leading, uint64_t name)
{
    struct spira_random random = spira_random_stream(1, SPIRA_FOR_NOISE, name, rows * leading);
    float *x = spira_alloc(larger(rows * leading, 1), sizeof *x);
    for (size_t i = 0; i < rows * leading; i++)
        x[i] = i % leading < row_length ? (float)spira_random_normal(&random) : NAN;
    return x;
}

static struct product product_new(bool transpose_a, bool transpose_b, size_t m, size_t n, size_t k,
                                  size_t gap, float beta)
{
    struct product product = {transpose_a, transpose_b, m, n, k, .beta = beta};
    product.lda = (transpose_a ? m : k) + gap;
    product.ldb = (transpose_b ? k : n) + gap;
    product.ldc = n + gap;
    product.a = operand(transpose_a ? k : m, product.lda - gap, product.lda, 1);
    product.b = operand(transpose_b ? n : k, product.ldb - gap, product.ldb, 2);
    product.c = operand(m, n, product.ldc, 3);
    return product;
}

static void product_done(struct product *product)
{
    free(product->a);
    free(product->b);
    free(product->c);
}

static void compute(struct spira_matrix matrix, const struct product *product, float *c)
{
    spira_matrix_gemm(matrix, product->transpose_a, product->transpose_b, product->m, product->n,
                      product->k, product->a, product->lda, product->b, product->ldb, product->beta,
                      c, product->ldc);
}

/* Each element as near to the definition as float sums in any order are: k + 2 roundings of at most
 * half an epsilon of the absolute sum. The gaps between C's rows are as before. */
static void assert_is_product(const struct product *product, const float *before)
{
    for (size_t i = 0; i < product->m; i++)
        for (size_t j = 0; j < product->ldc; j++) {
            double ours = (double)product->c[i * product->ldc + j];
            if (j >= product->n) {
                cr_assert(isnan(ours), "C(%zu,%zu), outside of C, was written", i, j);
                continue;
            }
            double size, held = (double)before[i * product->ldc + j];
            double exact =
                oracle_product(product->transpose_a, product->transpose_b, product->k, product->a,
                               product->lda, product->b, product->ldb, i, j, &size);
            if (product->beta != 0) {
                exact += (double)product->beta * held;
                size += fabs((double)product->beta * held);
            }
            double bound = (double)(product->k + 2) * 0.5 * (double)FLT_EPSILON * size;
            cr_assert(fabs(ours - exact) <= bound,
                      "%d%d, m %zu, n %zu, k %zu, beta %g: C(%zu,%zu) is %g, should be %g",
                      product->transpose_a, product->transpose_b, product->m, product->n,
                      product->k, (double)product->beta, i, j, ours, exact);
        }
}

static void check(struct matrix_case *subject, bool transpose_a, bool transpose_b, size_t m,
                  size_t n, size_t k, size_t gap, float beta)
{
    struct product product = product_new(transpose_a, transpose_b, m, n, k, gap, beta);
    float *before = spira_alloc(larger(c_count(&product), 1), sizeof *before);
    memcpy(before, product.c, c_count(&product) * sizeof *before);
    compute(subject->matrix, &product, product.c);
    assert_is_product(&product, before);
    free(before);
    product_done(&product);
}

/* Small and odd sizes, and some larger than the blocks and unrolled loops inside an adapter. */
static const size_t sizes[][3] = {
    {1, 1, 1},  {1, 17, 5},   {23, 1, 6},    {7, 9, 1},     {3, 5, 7},
    {13, 8, 4}, {31, 33, 65}, {65, 31, 130}, {5, 300, 129}, {100, 5, 416},
};

CONTRACT(matrix, follows_the_definition_for_any_transpose_and_size)
{
    static const float betas[] = {0, 1, -0.5F};
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++)
        for (int transposes = 0; transposes < 4; transposes++)
            for (size_t beta = 0; beta < sizeof betas / sizeof *betas; beta++)
                check(subject, transposes & 1, transposes & 2, sizes[s][0], sizes[s][1],
                      sizes[s][2], 0, betas[beta]);
}

CONTRACT(matrix, rows_may_be_further_apart_than_they_are_long)
{
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++)
        for (int transposes = 0; transposes < 4; transposes++)
            check(subject, transposes & 1, transposes & 2, sizes[s][0], sizes[s][1], sizes[s][2], 3,
                  1);
}

CONTRACT(matrix, beta_0_overwrites_whatever_c_held)
{
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        struct product product =
            product_new(false, s % 2, sizes[s][0], sizes[s][1], sizes[s][2], 0, 0);
        for (size_t i = 0; i < c_count(&product); i++)
            product.c[i] = i % 2 ? NAN : INFINITY;
        float *before = spira_alloc(c_count(&product), sizeof *before);
        compute(subject->matrix, &product, product.c);
        assert_is_product(&product, before);
        free(before);
        product_done(&product);
    }
}

CONTRACT(matrix, a_sum_over_nothing_is_beta_times_c)
{
    check(subject, false, false, 4, 6, 0, 0, 0);
    check(subject, false, false, 4, 6, 0, 2, 1);
    check(subject, true, true, 4, 6, 0, 0, -0.5F);
    struct product product = product_new(false, false, 4, 6, 0, 0, 0);
    product.c[5] = NAN;
    compute(subject->matrix, &product, product.c);
    for (size_t i = 0; i < c_count(&product); i++)
        cr_assert(product.c[i] == 0);
    product_done(&product);
}

CONTRACT(matrix, a_product_of_no_rows_or_columns_writes_nothing)
{
    check(subject, false, false, 0, 6, 3, 0, 0);
    check(subject, true, false, 0, 6, 3, 1, 1);
    check(subject, false, true, 4, 0, 3, 1, 0);
}

struct calls {
    struct spira_matrix matrix;
    const struct product *product;
    float *results[CALLS];
};

static void compute_piece(void *context, size_t index, size_t thread)
{
    (void)thread;
    struct calls *calls = context;
    compute(calls->matrix, calls->product, calls->results[index]);
}

/* Sizes at which OpenBLAS would use several threads, were it allowed to. */
CONTRACT(matrix, the_same_operands_give_the_same_bits_on_any_thread)
{
    static const size_t shapes[][3] = {{64, 100, 416}, {203, 129, 71}, {1, 257, 301}};
    for (size_t s = 0; s < 3; s++)
        for (int transposes = 0; transposes < 4; transposes++) {
            struct product product = product_new(transposes & 1, transposes & 2, shapes[s][0],
                                                 shapes[s][1], shapes[s][2], 0, 0);
            struct calls calls = {.matrix = subject->matrix, .product = &product};
            for (size_t i = 0; i < CALLS; i++)
                calls.results[i] = spira_alloc(c_count(&product), sizeof(float));
            compute(subject->matrix, &product, product.c);
            spira_parallel(CALLS, THREADS, compute_piece, &calls);
            for (size_t i = 0; i < CALLS; i++) {
                cr_assert_arr_eq(calls.results[i], product.c, c_count(&product) * sizeof(float));
                free(calls.results[i]);
            }
            product_done(&product);
        }
}
