#include <criterion/criterion.h>
#include <math.h>
#include <stdbool.h>

#include "core/features/mel.h"
#include "tests/oracle/features_oracle.h"

/* Weight of bin k in filter m; the bins a filter does not have weigh nothing. */
static float weight(const struct spira_mel *mel, size_t m, size_t k)
{
    const struct spira_mel_filter *filter = &mel->filters[m];
    bool inside = k >= filter->first_bin && k < filter->first_bin + filter->count;
    return inside ? filter->weights[k - filter->first_bin] : 0;
}

/* Compares with the triangles one by one. */
static void assert_triangles(struct spira_feature_config config, int rate_hz)
{
    size_t bins = config.n_fft / 2 + 1;
    struct spira_error err;
    SPIRA_CLEANUP(spira_mel_done)
    struct spira_mel mel = {0};
    cr_assert_eq(spira_mel_init(&mel, bins, config.num_mels, config.mel_fmin_hz, config.mel_fmax_hz,
                                rate_hz, &err),
                 SPIRA_OK);
    for (size_t k = 0; k < bins; k++)
        for (size_t m = 0; m < config.num_mels; m++)
            cr_assert_float_eq((double)weight(&mel, m, k),
                               oracle_mel_weight(&config, rate_hz, m, k), 1e-6,
                               "filter %zu, bin %zu", m, k);
    for (size_t m = 0; m < config.num_mels; m++)
        cr_assert_leq(mel.filters[m].first_bin + mel.filters[m].count, bins);
}

Test(mel, filters_are_the_triangles_of_the_formula)
{
    assert_triangles((struct spira_feature_config){.n_fft = 1200, .num_mels = 40}, 16000);
    assert_triangles(
        (struct spira_feature_config){
            .n_fft = 512, .num_mels = 80, .mel_fmin_hz = 50, .mel_fmax_hz = 7600},
        16000);
    /* Filters too narrow for any bin, and ones above half the rate. */
    assert_triangles(
        (struct spira_feature_config){.n_fft = 64, .num_mels = 128, .mel_fmax_hz = 12000}, 16000);
    assert_triangles((struct spira_feature_config){.n_fft = 2, .num_mels = 1}, 11025);
    /* Half of an odd rate is taken in whole Hz. */
    assert_triangles((struct spira_feature_config){.n_fft = 256, .num_mels = 10}, 4001);
}
