#include <criterion/criterion.h>

#include "core/evaluation/ensemble.h"
#include "core/evaluation/evaluation.h"
#include "core/evaluation/report.h"

/* A run with two wrong recordings, one of them with a hostile name. */
struct sample {
    struct spira_value *evaluation, *training, *dataset, *validation, *configuration;
};

static void sample_done(struct sample *sample)
{
    spira_value_free(sample->evaluation);
    spira_value_free(sample->training);
    spira_value_free(sample->dataset);
    spira_value_free(sample->validation);
    spira_value_free(sample->configuration);
}

static void add_epoch(struct spira_value *training, int64_t epoch, double loss)
{
    struct spira_value *row = spira_value_append(training, spira_value_map());
    spira_value_set_int(row, "epoch", epoch);
    spira_value_set_real(row, "training_loss", loss);
    spira_value_set_real(row, "validation_loss", loss + 0.1);
}

static struct sample new_sample(void)
{
    static const struct spira_scored scored[] = {
        {"aa11", true, 0.2}, {"bb22", true, 0.9}, {"cc33", false, 0.6}, {"dd44", false, 0.1}};
    struct sample sample = {spira_evaluation_write(scored, 4, 0.5), spira_value_list(),
                            spira_value_map(), spira_value_map(), spira_value_map()};
    add_epoch(sample.training, 1, 0.7);
    add_epoch(sample.training, 2, 0.5);
    struct spira_value *recordings =
        spira_value_set(sample.dataset, "recordings", spira_value_list());
    struct spira_value *recording = spira_value_append(recordings, spira_value_map());
    spira_value_set_text(recording, "sha256", "aa11");
    spira_value_set_text(recording, "recording_id", "ward/<img src=x>.wav");
    struct spira_value *roles = spira_value_set(sample.validation, "roles", spira_value_map());
    struct spira_value *test = spira_value_set(roles, "test", spira_value_map());
    spira_value_set_int(test, "recordings", 4);
    spira_value_set_int(test, "control", 2);
    struct spira_value *quarantined =
        spira_value_set(sample.validation, "quarantined", spira_value_list());
    struct spira_value *row = spira_value_append(quarantined, spira_value_map());
    spira_value_set_text(row, "recording_id", "notes.wav");
    spira_value_set_text(row, "reason", "unreadable");
    spira_value_set_text(row, "message", "a text & no sound");
    spira_value_set_text(sample.configuration, "name", "</pre><script>");
    return sample;
}

static char *page_of(const struct sample *sample)
{
    struct spira_report report = {"run <1>",
                                  "spira",
                                  sample->evaluation,
                                  sample->training,
                                  sample->dataset,
                                  sample->validation,
                                  sample->configuration};
    char *page = NULL;
    struct spira_error err = {0};
    cr_assert_eq(spira_report_write(&report, &page, &err), SPIRA_OK, "%s", err.message);
    return page;
}

Test(report, shows_numbers_errors_data_and_configuration)
{
    SPIRA_CLEANUP(sample_done)
    struct sample sample = new_sample();
    SPIRA_CLEANUP(spira_free_at)
    char *page = page_of(&sample);
    cr_assert(strstr(page, "2 of 4 recordings right"));
    cr_assert(strstr(page, "1 of 2 patients found"));
    cr_assert(strstr(page, "AUC 0.750"));
    cr_assert(strstr(page, "best: epoch 2, 0.600"));
    cr_assert(strstr(page, "2 of the 2 recordings called wrong"));
    cr_assert(strstr(page, "<td>unreadable</td>"));
    cr_assert(strstr(page, "a text &amp; no sound"));
    cr_assert(strstr(page, "not a medical device"));
    const char *missed = strstr(page, ">aa11<"), *false_alarm = strstr(page, ">cc33<");
    cr_assert(missed && false_alarm && missed < false_alarm, "0.2 of a patient is worse than 0.6");
}

Test(report, escapes_every_text_and_needs_nothing_from_outside)
{
    SPIRA_CLEANUP(sample_done)
    struct sample sample = new_sample();
    SPIRA_CLEANUP(spira_free_at)
    char *page = page_of(&sample);
    cr_assert_null(strstr(page, "<script"));
    cr_assert_null(strstr(page, "<img"));
    cr_assert(strstr(page, "ward/&lt;img src=x&gt;.wav"));
    cr_assert(strstr(page, "<h1>run &lt;1&gt;</h1>"));
    cr_assert_null(strstr(page, "http:"));
    cr_assert_null(strstr(page, "https:"));
    cr_assert_null(strstr(page, "url("));
    cr_assert_null(strstr(page, "@import"));
}

Test(report, is_the_same_bytes_each_time)
{
    SPIRA_CLEANUP(sample_done)
    struct sample sample = new_sample();
    SPIRA_CLEANUP(spira_free_at)
    char *first = page_of(&sample);
    SPIRA_CLEANUP(spira_free_at)
    char *second = page_of(&sample);
    cr_assert_str_eq(first, second);
}

Test(report, of_one_class_and_no_training_log_is_still_a_page)
{
    SPIRA_CLEANUP(sample_done)
    struct sample sample = new_sample();
    const struct spira_scored scored[] = {{"aa11", true, 0.9}};
    spira_value_free(sample.evaluation);
    sample.evaluation = spira_evaluation_write(scored, 1, 0.5);
    spira_value_free(sample.training);
    sample.training = NULL;
    SPIRA_CLEANUP(spira_free_at)
    char *page = page_of(&sample);
    cr_assert(strstr(page, "undefined"));
    cr_assert(strstr(page, "Every recording was called right."));
    cr_assert(strstr(page, "</html>"));
    cr_assert_null(strstr(page, "nan"));
}

Test(report, of_several_trainings_shows_each_and_says_which_is_published)
{
    static const struct spira_scored test[2][4] = {
        {{"aa11", true, 0.2}, {"bb22", true, 0.9}, {"cc33", false, 0.6}, {"dd44", false, 0.1}},
        {{"aa11", true, 0.9}, {"bb22", true, 0.9}, {"cc33", false, 0.3}, {"dd44", false, 0.1}}};
    static const struct spira_scored validation[] = {{"ee55", true, 0.7}, {"ff66", false, 0.7}};
    struct spira_ensemble_member members[2];
    for (size_t i = 0; i < 2; i++)
        members[i] = (struct spira_ensemble_member){
            .member = {.number = i, .folds = 2, .fold = i, .seed = 4711},
            .sha256 = "w",
            .validation = validation,
            .validation_count = 2,
            .test = test[i]};
    const struct spira_ensemble ensemble = {
        .members = members, .count = 2, .test_count = 4, .published = 1, .threshold = 0.5};
    SPIRA_CLEANUP(sample_done)
    struct sample sample = new_sample();
    SPIRA_CLEANUP(spira_free_at)
    char *plain = page_of(&sample);
    cr_assert_null(strstr(plain, "Members"), "of a single model");
    cr_assert_null(strstr(plain, "ensemble"));
    spira_value_free(sample.evaluation);
    sample.evaluation = spira_ensemble_write(&ensemble);
    SPIRA_CLEANUP(spira_free_at)
    char *page = page_of(&sample);
    cr_assert(strstr(page, "the mean over 2 trainings"));
    cr_assert(strstr(page, "published: member 1,"));
    cr_assert(strstr(page, "<tr><th scope=\"row\">1 (published)</th><td class=\"n\">1</td>"
                           "<td class=\"n\">4711</td><td class=\"n\">0.500</td>"
                           "<td class=\"n\">1.000</td>"));
    cr_assert(strstr(page, ">standard deviation</th><td class=\"n\">0.354</td>"));
    cr_assert(strstr(page, ">cross-validation</th><td class=\"n\">0.500</td>"));
    cr_assert(strstr(page, "4 recordings of the other roles"));
}
