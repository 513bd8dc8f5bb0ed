#include <criterion/criterion.h>
#include <string.h>

#include "cli/local_progress.h"

/* Writes down what it is told. */
static char told[512];

static void note(const char *text)
{
    snprintf(told + strlen(told), sizeof told - strlen(told), "%s;", text);
}

static void report(void *self, const struct spira_progress_report *report)
{
    (void)self;
    SPIRA_CLEANUP(spira_free_at)
    char *text = spira_format("%zu/%zu%s%s", report->done, report->total, report->note ? " " : "",
                              report->note ? report->note : "");
    note(text);
}

static struct spira_progress begin(void *self, const char *step)
{
    static const struct spira_progress_ops ops = {.report = report};
    (void)self;
    note(step);
    return (struct spira_progress){.ops = &ops};
}

static void end(void *self, const char *step, const char *status, double seconds)
{
    (void)self;
    SPIRA_CLEANUP(spira_free_at)
    char *text = spira_format("%s %s %.0f", step, status, seconds);
    note(text);
}

static const struct spira_step_watch watch = {.begin = begin, .end = end};

static void part(struct spira_local_progress *progress, const char *step, const char *status,
                 bool computed)
{
    const struct spira_step_outcome outcome = {
        .status = status, .seconds = 1, .computed = computed};
    spira_local_progress_begin(progress, step);
    spira_local_progress_add(progress, &outcome);
}

Test(local_progress, parts_of_a_step_count_up_to_one_step)
{
    struct spira_local_progress progress = {.watch = &watch};
    spira_local_progress_expect(&progress, "intake", 2);
    part(&progress, "intake", "succeeded", true);
    part(&progress, "intake", "succeeded", true);
    part(&progress, "training", "reused", false);
    spira_local_progress_end(&progress);
    spira_local_progress_end(&progress);
    cr_assert_str_eq(told, "intake;0/2;1/2;2/2;intake succeeded 2;training;training reused 1;");
}

Test(local_progress, a_step_of_one_part_reports_itself)
{
    struct spira_local_progress progress = {.watch = &watch};
    struct spira_progress given = spira_local_progress_begin(&progress, "training");
    spira_progress_report(given, &(struct spira_progress_report){.done = 3, .total = 9});
    cr_assert_str_eq(told, "training;3/9;");
}

Test(local_progress, of_several_trainings_each_goes_on_where_the_last_ended)
{
    struct spira_local_progress progress = {.watch = &watch};
    part(&progress, "training", "reused", false); /* asks for them */
    spira_local_progress_expect(&progress, "training", 2);
    for (size_t i = 0; i < 2; i++) {
        struct spira_progress given = spira_local_progress_begin(&progress, "training");
        spira_progress_report(given, &(struct spira_progress_report){
                                         .done = 3, .total = 10, .epoch = 1, .epochs = 5});
        spira_local_progress_add(
            &progress, &(const struct spira_step_outcome){.status = "succeeded", .computed = true});
    }
    spira_local_progress_end(&progress);
    cr_assert_str_eq(told, "training;0/2;3/20 member 1/2;10/20 member 1/2;13/20 member 2/2;"
                           "20/20 member 2/2;training succeeded 1;");
}

Test(local_progress, a_step_is_reused_when_all_there_was_to_compute_was)
{
    struct spira_local_progress progress = {.watch = &watch};
    spira_local_progress_expect(&progress, "intake", 3);
    part(&progress, "intake", "reused", false);
    part(&progress, "intake", "succeeded", false); /* nothing to compute: a missing file */
    cr_assert_str_eq(progress.status, "reused");
    part(&progress, "intake", "succeeded", true);
    cr_assert_str_eq(progress.status, "succeeded");
    part(&progress, "intake", "reused", false);
    cr_assert_str_eq(progress.status, "succeeded");
    part(&progress, "intake", "failed", false);
    cr_assert_str_eq(progress.status, "failed");
}

Test(local_progress, parts_of_a_step_that_is_over_are_not_those_of_the_one_under_way)
{
    struct spira_local_progress progress = {.watch = &watch};
    part(&progress, "training", "reused", false);
    spira_local_progress_expect(&progress, "intake", 2);
    spira_local_progress_end(&progress);
    cr_assert_str_eq(told, "training;training reused 1;");
}

Test(local_progress, a_step_that_was_cut_off_is_canceled)
{
    struct spira_local_progress progress = {.watch = &watch};
    spira_local_progress_begin(&progress, "training");
    spira_local_progress_end(&progress);
    cr_assert_str_eq(told, "training;training canceled 0;");
}

static bool always(void *self)
{
    (void)self;
    return true;
}

Test(local_progress, the_wish_to_stop_is_passed_on_without_a_watch)
{
    static const struct spira_progress_ops ops = {.stop_wanted = always};
    struct spira_local_progress progress = {.stop = {.ops = &ops}};
    struct spira_progress given = spira_local_progress_begin(&progress, "training");
    spira_progress_report(given, &(struct spira_progress_report){.done = 1});
    cr_assert(spira_progress_stop_wanted(given));
}
