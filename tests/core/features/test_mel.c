#include <criterion/criterion.h>
#include <math.h>

#include "core/features/mel.h"
#include "tests/oracle/features_oracle.h"

/* Applies the filters to each unit spectrum and compares with the triangles one by one. */
static void assert_triangles(struct spira_feature_config config, int rate_hz)
{
    size_t bins = config.n_fft / 2 + 1, padded = spira_mel_padded_bins(bins);
    struct spira_error err;
    SPIRA_CLEANUP(spira_mel_done)
    struct spira_mel mel = {0};
    cr_assert_eq(spira_mel_init(&mel, bins, config.num_mels, config.mel_fmin_hz, config.mel_fmax_hz,
                                rate_hz, &err),
                 SPIRA_OK);
    float *power = spira_alloc(padded, sizeof *power);
    float *mels = spira_alloc(config.num_mels, sizeof *mels);
    for (size_t k = 0; k < bins; k++) {
        power[k] = 1;
        spira_mel_apply(mels, power, &mel);
        power[k] = 0;
        for (size_t m = 0; m < config.num_mels; m++)
            cr_assert_float_eq((double)mels[m], oracle_mel_weight(&config, rate_hz, m, k), 1e-6,
                               "filter %zu, bin %zu", m, k);
    }
    free(power);
    free(mels);
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
