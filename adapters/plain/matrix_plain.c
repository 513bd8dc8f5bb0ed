#include "adapters/plain/matrix_plain.h"

/* A block of op(B) that stays in the cache while every row of C takes it in. */
enum { BLOCK_ROWS = 64, BLOCK_COLUMNS = 256 };

/* C = beta C; 0 even where C held no number. */
static void scale(size_t m, size_t n, float beta, float *c, size_t ldc)
{
    for (size_t i = 0; i < m; i++)
        for (size_t j = 0; j < n; j++)
            c[i * ldc + j] = beta == 0 ? 0 : beta * c[i * ldc + j];
}

/* block (rows, columns) = transpose of b (columns, rows). */
static void pack_transposed(float *restrict block, const float *restrict b, size_t ldb, size_t rows,
                            size_t columns)
{
    for (size_t j = 0; j < columns; j++)
        for (size_t p = 0; p < rows; p++)
            block[p * BLOCK_COLUMNS + j] = b[j * ldb + p];
}

/* row (n) += sum over p of a(p) b(p,:), p from 0 up; four p at a time, so that row is read and
 * written a quarter as often. a's elements are a_step apart. */
static void add_rows(float *restrict row, const float *restrict a, size_t a_step,
                     const float *restrict b, size_t ldb, size_t k, size_t n)
{
    size_t p = 0;
    for (; p + 4 <= k; p += 4) {
        float a0 = a[p * a_step], a1 = a[(p + 1) * a_step];
        float a2 = a[(p + 2) * a_step], a3 = a[(p + 3) * a_step];
        const float *b0 = b + p * ldb, *b1 = b0 + ldb, *b2 = b1 + ldb, *b3 = b2 + ldb;
        for (size_t j = 0; j < n; j++)
            row[j] = (((row[j] + a0 * b0[j]) + a1 * b1[j]) + a2 * b2[j]) + a3 * b3[j];
    }
    for (; p < k; p++)
        for (size_t j = 0; j < n; j++)
            row[j] += a[p * a_step] * b[p * ldb + j];
}

static void gemm(void *self, bool transpose_a, bool transpose_b, size_t m, size_t n, size_t k,
                 const float *a, size_t lda, const float *b, size_t ldb, float beta, float *c,
                 size_t ldc)
{
    (void)self;
    float packed[BLOCK_ROWS * BLOCK_COLUMNS];
    /* Element (i,p) of op(A) is a[i * a_row + p * a_step]. */
    size_t a_row = transpose_a ? 1 : lda, a_step = transpose_a ? lda : 1;
    scale(m, n, beta, c, ldc);
    for (size_t p = 0; p < k; p += BLOCK_ROWS)
        for (size_t j = 0; j < n; j += BLOCK_COLUMNS) {
            size_t rows = k - p < BLOCK_ROWS ? k - p : BLOCK_ROWS;
            size_t columns = n - j < BLOCK_COLUMNS ? n - j : BLOCK_COLUMNS;
            const float *block = transpose_b ? packed : b + p * ldb + j;
            if (transpose_b)
                pack_transposed(packed, b + j * ldb + p, ldb, rows, columns);
            for (size_t i = 0; i < m; i++)
                add_rows(c + i * ldc + j, a + i * a_row + p * a_step, a_step, block,
                         transpose_b ? BLOCK_COLUMNS : ldb, rows, columns);
        }
}

struct spira_matrix spira_matrix_plain(void)
{
    static const struct spira_matrix_ops ops = {.gemm = gemm};
    return (struct spira_matrix){.ops = &ops};
}
