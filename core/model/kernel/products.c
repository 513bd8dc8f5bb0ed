/* Matrix products in registers: blocks of C whose sums stay there while k runs. Built once for each
 * level. */
#include "core/model/kernel/parts.h"

/* Blocks that fill the registers of the level. */
#ifdef SPIRA_LEVEL_AVX512
enum { ROWS = 4, COLUMNS = 5, DOTS = 4 };
#else
enum { ROWS = 2, COLUMNS = 2, DOTS = 2 };
#endif

/* A(i, k) at a[i * step_i + k * step_k]. */
struct operand {
    const float *a;
    size_t step_i, step_k;
};

/* C (rows, columns * LANES) of one block; the last lanes have only `last` values. */
INLINE void block(size_t rows, size_t columns, size_t last, size_t k, struct operand a,
                  const float *b, size_t ldb, float beta, float *c, size_t ldc)
{
    lanes sum[ROWS][COLUMNS];
    UNROLL
    for (size_t i = 0; i < rows; i++)
        UNROLL
    for (size_t j = 0; j < columns; j++) {
        sum[i][j] = lanes_all(0);
        if (beta != 0) {
            const float *from = c + i * ldc + j * LANES;
            sum[i][j] = lanes_mul(lanes_all(beta), j + 1 < columns || last == LANES
                                                       ? lanes_load(from)
                                                       : lanes_load_part(from, last));
        }
    }
    for (size_t p = 0; p < k; p++) {
        lanes row[COLUMNS];
        UNROLL
        for (size_t j = 0; j < columns; j++) {
            const float *from = b + p * ldb + j * LANES;
            row[j] =
                j + 1 < columns || last == LANES ? lanes_load(from) : lanes_load_part(from, last);
        }
        UNROLL
        for (size_t i = 0; i < rows; i++) {
            lanes factor = lanes_all(a.a[i * a.step_i + p * a.step_k]);
            UNROLL
            for (size_t j = 0; j < columns; j++)
                sum[i][j] = lanes_fma(factor, row[j], sum[i][j]);
        }
    }
    UNROLL
    for (size_t i = 0; i < rows; i++)
        UNROLL
    for (size_t j = 0; j < columns; j++) {
        float *to = c + i * ldc + j * LANES;
        if (j + 1 < columns || last == LANES)
            lanes_store(to, sum[i][j]);
        else
            lanes_store_part(to, sum[i][j], last);
    }
}

/* `rows` rows of C. */
INLINE void block_row(size_t rows, size_t n, size_t k, struct operand a, const float *b, size_t ldb,
                      float beta, float *c, size_t ldc)
{
    size_t j = 0;
    for (; j + COLUMNS * LANES <= n; j += COLUMNS * LANES)
        block(rows, COLUMNS, LANES, k, a, b + j, ldb, beta, c + j, ldc);
    size_t columns = (n - j + LANES - 1) / LANES, last = n - j - (columns - 1) * LANES;
    UNROLL
    for (size_t few = 1; few <= COLUMNS; few++)
        if (few == columns)
            block(rows, few, last, k, a, b + j, ldb, beta, c + j, ldc);
}

static void multiply(size_t m, size_t n, size_t k, struct operand a, const float *b, size_t ldb,
                     float beta, float *c, size_t ldc)
{
    size_t i = 0;
    for (; i + ROWS <= m; i += ROWS, a.a += ROWS * a.step_i)
        block_row(ROWS, n, k, a, b, ldb, beta, c + i * ldc, ldc);
    for (; i < m; i++, a.a += a.step_i)
        block_row(1, n, k, a, b, ldb, beta, c + i * ldc, ldc);
}

/* sum[i][j] += a row i times b row j, LANES values of each. */
INLINE void dot_lanes(size_t rows, size_t columns, lanes sum[DOTS][DOTS], const lanes a[DOTS],
                      const lanes b[DOTS])
{
    UNROLL
    for (size_t i = 0; i < rows; i++)
        UNROLL
    for (size_t j = 0; j < columns; j++)
        sum[i][j] = lanes_fma(a[i], b[j], sum[i][j]);
}

/* A block of C = A B^T + beta C. */
INLINE void dots(size_t rows, size_t columns, size_t k, const float *a, size_t lda, const float *b,
                 size_t ldb, float beta, float *c, size_t ldc)
{
    lanes sum[DOTS][DOTS], x[DOTS], y[DOTS];
    UNROLL
    for (size_t i = 0; i < rows; i++)
        UNROLL
    for (size_t j = 0; j < columns; j++)
        sum[i][j] = lanes_all(0);
    size_t p = 0;
    for (; p + LANES <= k; p += LANES) {
        UNROLL
        for (size_t i = 0; i < rows; i++)
            x[i] = lanes_load(a + i * lda + p);
        UNROLL
        for (size_t j = 0; j < columns; j++)
            y[j] = lanes_load(b + j * ldb + p);
        dot_lanes(rows, columns, sum, x, y);
    }
    if (p < k) {
        UNROLL
        for (size_t i = 0; i < rows; i++)
            x[i] = lanes_load_part(a + i * lda + p, k - p);
        UNROLL
        for (size_t j = 0; j < columns; j++)
            y[j] = lanes_load_part(b + j * ldb + p, k - p);
        dot_lanes(rows, columns, sum, x, y);
    }
    UNROLL
    for (size_t i = 0; i < rows; i++)
        UNROLL
    for (size_t j = 0; j < columns; j++) {
        float *to = c + i * ldc + j;
        *to = (beta != 0 ? beta * *to : 0) + lanes_sum(sum[i][j]);
    }
}

static void multiply_transposed(size_t m, size_t n, size_t k, const float *a, size_t lda,
                                const float *b, size_t ldb, float beta, float *c, size_t ldc)
{
    size_t j = 0;
    for (; j + DOTS <= n; j += DOTS) {
        size_t i = 0;
        for (; i + DOTS <= m; i += DOTS)
            dots(DOTS, DOTS, k, a + i * lda, lda, b + j * ldb, ldb, beta, c + i * ldc + j, ldc);
        for (; i < m; i++)
            dots(1, DOTS, k, a + i * lda, lda, b + j * ldb, ldb, beta, c + i * ldc + j, ldc);
    }
    for (; j < n; j++)
        for (size_t i = 0; i < m; i++)
            dots(1, 1, k, a + i * lda, lda, b + j * ldb, ldb, beta, c + i * ldc + j, ldc);
}

void AT_LEVEL(spira_gemm)(bool transpose_a, bool transpose_b, size_t m, size_t n, size_t k,
                          const float *a, size_t lda, const float *b, size_t ldb, float beta,
                          float *c, size_t ldc)
{
    if (transpose_b)
        multiply_transposed(m, n, k, a, lda, b, ldb, beta, c, ldc);
    else
        multiply(m, n, k, (struct operand){a, transpose_a ? 1 : lda, transpose_a ? lda : 1}, b, ldb,
                 beta, c, ldc);
}

/* Gradients of `rows` outputs and `columns` taps: sums stay in registers over all tiles. */
INLINE void weight_block(size_t rows, size_t columns, const float *dy, size_t dy_tile,
                         const float *x, size_t x_tile, size_t row, size_t tiles, float *dw,
                         size_t taps)
{
    lanes sum[DOTS][DOTS], a[DOTS], b[DOTS];
    UNROLL
    for (size_t i = 0; i < rows; i++)
        UNROLL
    for (size_t j = 0; j < columns; j++)
        sum[i][j] = lanes_all(0);
    for (size_t tile = 0; tile < tiles; tile++, dy += dy_tile, x += x_tile)
        for (size_t p = 0; p < row; p += LANES) {
            bool whole = p + LANES <= row;
            UNROLL
            for (size_t i = 0; i < rows; i++)
                a[i] = whole ? lanes_load(dy + i * row + p)
                             : lanes_load_part(dy + i * row + p, row - p);
            UNROLL
            for (size_t j = 0; j < columns; j++)
                b[j] =
                    whole ? lanes_load(x + j * row + p) : lanes_load_part(x + j * row + p, row - p);
            dot_lanes(rows, columns, sum, a, b);
        }
    UNROLL
    for (size_t i = 0; i < rows; i++)
        UNROLL
    for (size_t j = 0; j < columns; j++)
        dw[i * taps + j] += lanes_sum(sum[i][j]);
}

void AT_LEVEL(spira_weight_gradients)(const struct spira_conv *conv,
                                      const struct spira_conv_frames *frames, size_t features,
                                      const float *x, const float *dy, float *packed_dw)
{
    size_t row = conv->dilation * features, taps = conv->kernel * conv->in;
    size_t tiles = spira_tiles(frames->out, conv->dilation);
    size_t dy_tile = conv->out * row, x_tile = conv->in * row, out = conv->out;
    size_t co = 0;
    for (; co + DOTS <= out; co += DOTS) {
        size_t tap = 0;
        for (; tap + DOTS <= taps; tap += DOTS)
            weight_block(DOTS, DOTS, dy + co * row, dy_tile, x + tap * row, x_tile, row, tiles,
                         packed_dw + co * taps + tap, taps);
        for (; tap < taps; tap++)
            weight_block(DOTS, 1, dy + co * row, dy_tile, x + tap * row, x_tile, row, tiles,
                         packed_dw + co * taps + tap, taps);
    }
}
