/* What every Fourier transform does. */
#include <math.h>

#include "adapters/fftw/fourier_fftw.h"
#include "adapters/plain/fourier_plain.h"
#include "core/base/parallel.h"
#include "core/base/random.h"
#include "tests/contract/contract.h"

enum { BATCH = 16 };

struct fourier_case {
    struct spira_fourier fourier;
};

static void open_fftw(struct fourier_case *subject)
{
    subject->fourier = spira_fourier_fftw();
}

static void open_plain(struct fourier_case *subject)
{
    subject->fourier = spira_fourier_plain();
}

static void fourier_close(struct fourier_case *subject)
{
    (void)subject; /* both are stateless */
}

CONTRACT_ADAPTERS(fourier, {"fftw", open_fftw}, {"plain", open_plain})

/* Memory of one call, aligned as the port asks. */
struct rows {
    float *x, *spectrum;
    size_t x_count, spectrum_count;
};

static struct rows rows_new(size_t n, size_t batch)
{
    struct rows rows = {.x_count = n * batch, .spectrum_count = (n / 2 + 1) * 2 * batch};
    must(spira_big_alloc(&rows.x, rows.x_count, sizeof(float), "x", &err));
    must(spira_big_alloc(&rows.spectrum, rows.spectrum_count, sizeof(float), "X", &err));
    return rows;
}

static void rows_done(struct rows *rows)
{
    free(rows->x);
    free(rows->spectrum);
}

static void fill_noise(struct rows *rows)
{
    struct spira_random random = spira_random_stream(1, SPIRA_FOR_NOISE, rows->x_count, 0);
    for (size_t i = 0; i < rows->x_count; i++)
        rows->x[i] = (float)spira_random_normal(&random);
}

static void *plan_new(struct fourier_case *subject, size_t n, size_t batch)
{
    void *plan = NULL;
    must(subject->fourier.ops->plan(subject->fourier.self, n, batch, &plan, &err));
    return plan;
}

/* The definition, in double: |error| <= 1e-6 of the row's norm. */
static void assert_is_transform(const float *x, const float *spectrum, size_t n, size_t row)
{
    double norm = 0;
    for (size_t j = 0; j < n; j++)
        norm += (double)x[j] * (double)x[j];
    norm = sqrt(norm);
    for (size_t k = 0; k <= n / 2; k++) {
        double re = 0, im = 0;
        for (size_t j = 0; j < n; j++) {
            double angle = -2 * M_PI * (double)(j * k % n) / (double)n;
            re += (double)x[j] * cos(angle);
            im += (double)x[j] * sin(angle);
        }
        double error = hypot(re - (double)spectrum[2 * k], im - (double)spectrum[2 * k + 1]);
        cr_assert_leq(error, 1e-6 * norm, "n %zu, row %zu, bin %zu: off by %g of %g", n, row, k,
                      error, norm);
    }
}

CONTRACT(fourier, follows_the_definition_for_any_length_and_batch)
{
    static const size_t lengths[] = {1, 2, 3, 5, 8, 12, 49, 97, 301, 400, 512, 1200};
    static const size_t batches[] = {1, 3, BATCH};
    struct spira_fourier fourier = subject->fourier;
    for (size_t l = 0; l < sizeof lengths / sizeof *lengths; l++)
        for (size_t b = 0; b < sizeof batches / sizeof *batches; b++) {
            size_t n = lengths[l], batch = batches[b];
            struct rows rows = rows_new(n, batch), input = rows_new(n, batch);
            fill_noise(&rows);
            memcpy(input.x, rows.x, rows.x_count * sizeof(float));
            void *plan = plan_new(subject, n, batch);
            fourier.ops->execute(plan, rows.x, rows.spectrum);
            for (size_t row = 0; row<batch; row += batch> 1 ? batch - 1 : 1)
                assert_is_transform(input.x + row * n, rows.spectrum + row * (n / 2 + 1) * 2, n,
                                    row);
            fourier.ops->plan_free(plan);
            rows_done(&rows);
            rows_done(&input);
        }
}

CONTRACT(fourier, equal_plans_give_equal_bits)
{
    struct spira_fourier fourier = subject->fourier;
    struct rows first = rows_new(1200, BATCH), second = rows_new(1200, BATCH);
    fill_noise(&first);
    fill_noise(&second);
    void *plan = plan_new(subject, 1200, BATCH), *again = plan_new(subject, 1200, BATCH);
    fourier.ops->execute(plan, first.x, first.spectrum);
    fourier.ops->execute(again, second.x, second.spectrum);
    cr_assert_arr_eq(first.spectrum, second.spectrum, first.spectrum_count * sizeof(float));
    fourier.ops->plan_free(plan);
    fourier.ops->plan_free(again);
    rows_done(&first);
    rows_done(&second);
}

struct shared_plan {
    struct spira_fourier fourier;
    void *plan;
    struct rows rows[8];
};

static void execute_piece(void *context, size_t index, size_t thread)
{
    (void)thread;
    struct shared_plan *shared = context;
    shared->fourier.ops->execute(shared->plan, shared->rows[index].x, shared->rows[index].spectrum);
}

CONTRACT(fourier, one_plan_serves_many_threads)
{
    struct shared_plan shared = {.fourier = subject->fourier,
                                 .plan = plan_new(subject, 400, BATCH)};
    for (size_t i = 0; i < 8; i++) {
        shared.rows[i] = rows_new(400, BATCH);
        fill_noise(&shared.rows[i]);
    }
    spira_parallel(8, 4, execute_piece, &shared);
    for (size_t i = 1; i < 8; i++)
        cr_assert_arr_eq(shared.rows[0].spectrum, shared.rows[i].spectrum,
                         shared.rows[0].spectrum_count * sizeof(float));
    for (size_t i = 0; i < 8; i++)
        rows_done(&shared.rows[i]);
    subject->fourier.ops->plan_free(shared.plan);
}

CONTRACT(fourier, refuses_a_transform_of_nothing)
{
    struct spira_fourier fourier = subject->fourier;
    void *plan = NULL;
    must_fail(fourier.ops->plan(fourier.self, 0, 1, &plan, &err), SPIRA_EINVALID);
    must_fail(fourier.ops->plan(fourier.self, 8, 0, &plan, &err), SPIRA_EINVALID);
    cr_assert_null(plan);
    fourier.ops->plan_free(NULL);
}
