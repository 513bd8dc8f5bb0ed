#include "cli/run_phase.h"

#include <criterion/criterion.h>

#include "adapters/json/json_config.h"
#include "tests/workers/fixture.h"

/* The phase of a run's state and progress, both JSON with ' for ". */
static void read_phase(const char *state, const char *entries, struct spira_run_phase *ret_phase)
{
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *run = fixture_value(state);
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *progress = fixture_value(entries);
    spira_run_phase_read(spira_config_source_json(), run, progress, ret_phase);
}

static void expect_text(const struct spira_run_phase *phase, const char *expected)
{
    SPIRA_CLEANUP(spira_free_at)
    char *text = spira_run_phase_text(phase);
    cr_assert_str_eq(text, expected);
}

#define ENTRY(done, total, epoch, loss)                                                            \
    "'{\\'done\\':" #done ",\\'total\\':" #total ",\\'epoch\\':" #epoch                            \
    ",\\'epochs\\':9,\\'loss\\':" #loss "}'"

Test(run_phase, one_training_says_its_epoch)
{
    struct spira_run_phase phase;
    read_phase("{'fields': {'dataset': '{}'}}", "{'model_training': " ENTRY(3, 90, 1, 0.5) "}",
               &phase);
    cr_assert(phase.reported);
    cr_assert_eq(phase.report.done, 3);
    cr_assert_eq(phase.report.epochs, 9);
    cr_assert_null(phase.report.note);
    expect_text(&phase, "model_training epoch 1/9");
}

Test(run_phase, several_trainings_are_one_count_and_each_says_its_epoch)
{
    struct spira_run_phase phase;
    read_phase(
        "{'fields': {'dataset': '{}', 'members': '6'},"
        " 'sets': {'members': {'00000': '{}', '00002': '{}'}}}",
        "{'model_training.00000': " ENTRY(90, 90, 9, 0.1) /* it has ended since */
        ", 'model_training.00001': " ENTRY(45, 90, 5, 0.25) ", 'model_training.00004': " ENTRY(
            30, 60, 5, 0.75) ", 'lease:x/0/0': 'w', 'model_training': 'no JSON'}",
        &phase);
    cr_assert_eq(phase.members, 6);
    cr_assert_eq(phase.members_done, 2);
    cr_assert_eq(phase.report.total, 6 * 90);
    cr_assert_eq(phase.report.done, 2 * 90 + 45 + 45);
    cr_assert_eq(phase.report.epochs, 0);
    cr_assert_str_eq(phase.report.note,
                     "2/6 members  1: epoch 5/9 loss 0.2500  4: epoch 5/9 loss 0.7500");
    expect_text(&phase, "model_training 2/6 members");
}

Test(run_phase, before_any_training_begins_they_are_counted)
{
    struct spira_run_phase phase;
    read_phase("{'fields': {'dataset': '{}', 'members': '6'}}", "{}", &phase);
    cr_assert(phase.reported);
    cr_assert_eq(phase.report.done, 0);
    cr_assert_eq(phase.report.total, 6);
    cr_assert_str_eq(phase.report.note, "0/6 members");
}

Test(run_phase, more_trainings_than_a_line_has_room_for_are_left_out)
{
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *run = fixture_value("{'fields': {'dataset': '{}', 'members': '40'}}");
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *progress = spira_value_map();
    for (int i = 0; i < 40; i++) {
        SPIRA_CLEANUP(spira_free_at)
        char *name = spira_format("model_training.%05d", i);
        spira_value_set_text(progress, name,
                             "{\"done\":1,\"total\":90,\"epoch\":1,\"epochs\":9,\"loss\":0.5}");
    }
    struct spira_run_phase phase;
    spira_run_phase_read(spira_config_source_json(), run, progress, &phase);
    cr_assert_eq(phase.report.done, 40);
    cr_assert_gt(strlen(phase.note), 150);
    const char *last = strrchr(phase.note, ':');
    cr_assert(strcmp(last, ": epoch 1/9 loss 0.5000") == 0, "cut at a whole one: %s", phase.note);
}

Test(run_phase, when_all_are_trained_the_next_step_is_under_way)
{
    struct spira_run_phase phase;
    read_phase("{'fields': {'dataset': '{}', 'members': '2', 'model': '{}'}}", "{}", &phase);
    cr_assert_eq(phase.members, 0);
    expect_text(&phase, "model_evaluation");
}
