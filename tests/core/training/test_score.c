#include "core/training/score.h"

#include "core/model/spiraconv.h"
#include "tests/core/training/training_fixture.h"

static struct fixture fixture;
static struct spira_network *network;

static void set_up_for(size_t frames)
{
    cr_assert_eq(spira_network_new(&fixture.model, frames, FAKE_FEATURES, fixture.job.matrix, 1,
                                   &network, &fixture.err),
                 SPIRA_OK);
    spira_network_draw(network, 7, "");
}

static void set_up(void)
{
    fixture_init(&fixture);
}

static void tear_down(void)
{
    spira_network_free(network);
    fixture_done(&fixture);
}

TestSuite(score, .init = set_up, .fini = tear_down);

static void score_well(double *scores)
{
    enum spira_code code = spira_score_recordings(network, fixture.job.validation,
                                                  fixture.job.progress, scores, &fixture.err);
    cr_assert_eq(code, SPIRA_OK, "%s", fixture.err.message);
}

/* The mean over a recording's windows of the mean over each one's outputs, window by window. */
static double naive_score(size_t recording)
{
    struct spira_batch batch;
    cr_assert_eq(spira_loader_load(fixture.job.validation, 0, &recording, 1, &batch, &fixture.err),
                 SPIRA_OK);
    cr_assert_eq(spira_loader_show(fixture.job.validation, 0, batch.count, &fixture.err), SPIRA_OK);
    double sum = 0;
    for (size_t i = 0; i < batch.count; i++) {
        size_t outputs = spira_network_outputs(network, batch.windows[i].frames);
        double probabilities[64], own = 0;
        cr_assert_leq(outputs, 64);
        cr_assert_eq(spira_network_predict(network, &batch.windows[i], 1, false, NULL,
                                           probabilities, &fixture.err),
                     SPIRA_OK);
        for (size_t o = 0; o < outputs; o++)
            own += probabilities[o];
        sum += own / (double)outputs;
    }
    return sum / (double)batch.count;
}

static void expect_naive_scores(void)
{
    double scores[FAKE_MAX_WINDOWS];
    score_well(scores);
    for (size_t i = 0; i < fixture.validation.recordings; i++)
        cr_assert_float_eq(scores[i], naive_score(i), 1e-6, "recording %zu: %g", i, scores[i]);
    cr_assert_neq(scores[0], scores[1]);
}

Test(score, is_the_mean_over_the_windows_of_each_recording)
{
    set_up_for(FAKE_FRAMES);
    fixture.validation.recordings = 19; /* more than are loaded at once */
    fixture.validation.long_one = 11;   /* more windows than the network sees at once */
    expect_naive_scores();
}

Test(score, per_frame_is_the_mean_over_the_outputs)
{
    set_up_for(0);
    fixture.validation.lengths = true;
    expect_naive_scores();
}

Test(score, is_the_same_to_the_bit_for_any_number_of_threads)
{
    double scores[3][9];
    for (size_t threads = 1; threads <= 3; threads++) {
        struct spira_network *other = NULL;
        cr_assert_eq(spira_network_new(&fixture.model, FAKE_FRAMES, FAKE_FEATURES,
                                       fixture.job.matrix, threads, &other, &fixture.err),
                     SPIRA_OK);
        spira_network_draw(other, 7, "");
        cr_assert_eq(spira_score_recordings(other, fixture.job.validation, fixture.job.progress,
                                            scores[threads - 1], &fixture.err),
                     SPIRA_OK);
        spira_network_free(other);
    }
    cr_assert_eq(memcmp(scores[0], scores[1], sizeof scores[0]), 0);
    cr_assert_eq(memcmp(scores[0], scores[2], sizeof scores[0]), 0);
}

struct watcher {
    size_t done, total, stop_at;
};

static void watch(void *self, const struct spira_progress_report *report)
{
    struct watcher *watcher = self;
    cr_assert_eq(report->done, watcher->done + 1);
    watcher->done = report->done;
    watcher->total = report->total;
}

static bool stop(void *self)
{
    const struct watcher *watcher = self;
    return watcher->done >= watcher->stop_at;
}

static const struct spira_progress_ops watcher_ops = {.report = watch, .stop_wanted = stop};

Test(score, reports_each_recording_and_stops_when_told)
{
    set_up_for(FAKE_FRAMES);
    double scores[9];
    struct watcher watcher = {.stop_at = SIZE_MAX};
    fixture.job.progress = (struct spira_progress){.ops = &watcher_ops, .self = &watcher};
    score_well(scores);
    cr_assert_eq(watcher.done, 9);
    cr_assert_eq(watcher.total, 9);
    watcher = (struct watcher){.stop_at = 1};
    cr_assert_eq(spira_score_recordings(network, fixture.job.validation, fixture.job.progress,
                                        scores, &fixture.err),
                 SPIRA_EINTERRUPTED);
    cr_assert_lt(watcher.done, 9);
}

Test(score, names_a_recording_without_windows)
{
    set_up_for(FAKE_FRAMES);
    double scores[9];
    for (fixture.validation.empty_one = 0; fixture.validation.empty_one < 9;
         fixture.validation.empty_one++) {
        cr_assert_eq(spira_score_recordings(network, fixture.job.validation, fixture.job.progress,
                                            scores, &fixture.err),
                     SPIRA_EINVALID);
        char expected[64];
        snprintf(expected, sizeof expected, "recording recording-%zu has no window",
                 100 + fixture.validation.empty_one);
        cr_assert_str_eq(fixture.err.message, expected);
    }
}

Test(score, passes_on_what_loader_and_network_say)
{
    set_up_for(FAKE_FRAMES + 1);
    double scores[9];
    cr_assert_eq(spira_score_recordings(network, fixture.job.validation, fixture.job.progress,
                                        scores, &fixture.err),
                 SPIRA_EINVALID, "frames that do not fit");
    fixture.validation.fails = SPIRA_EIO;
    cr_assert_eq(spira_score_recordings(network, fixture.job.validation, fixture.job.progress,
                                        scores, &fixture.err),
                 SPIRA_EIO);
}

Test(score, per_frame_refuses_a_window_too_short_for_any_output)
{
    set_up_for(0);
    fixture.validation.frames = spira_conv_min_frames() - 1;
    double scores[9];
    cr_assert_eq(spira_score_recordings(network, fixture.job.validation, fixture.job.progress,
                                        scores, &fixture.err),
                 SPIRA_EINVALID);
}

Test(score, of_no_recordings_is_nothing)
{
    set_up_for(FAKE_FRAMES);
    fixture.validation.recordings = 0;
    score_well(NULL);
}
