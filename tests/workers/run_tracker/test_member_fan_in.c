/* From the several trainings of a run to model.trained, through the run tracker. */
#include <criterion/criterion.h>

#include "tests/workers/fixture.h"
#include "workers/run_tracker/run_tracker.h"

enum { MEMBERS = 4 }; /* two folds, two seeds */

static struct fixture fixture;
static struct spira_value *dataset;
static struct spira_value *artifacts[MEMBERS]; /* references */

/* The run of a configuration whose members were trained to these losses and ROC areas. */
static void set_up_run(const char *metric)
{
    static const double losses[MEMBERS] = {0.7, 0.4, 0.4, 0.5};
    static const double areas[MEMBERS] = {0.6, 0.7, 0.7, 0.9};
    SPIRA_CLEANUP(spira_free_at)
    char *configuration = spira_format(
        "{'seed': 42, 'train': {'folds': 2, 'seeds': [7, 8], 'early_stop_metric': '%s'}}", metric);
    spira_value_free(fixture_manifest(&fixture, configuration));
    for (int i = 0; i < MEMBERS; i++) {
        SPIRA_CLEANUP(spira_free_at)
        char *key = spira_format("models/m%d/artifact.json", i);
        SPIRA_CLEANUP(spira_free_at)
        char *text =
            spira_format("{\"result\": {\"validation_loss\": %g, \"validation_roc_auc\": %g}}",
                         losses[i], areas[i]);
        artifacts[i] = fixture_put(&fixture, key, text);
    }
}

static void setup(void)
{
    fixture_init(&fixture);
    dataset = fixture_put(&fixture, "dataset/d/dataset.json", "{}");
}

static void teardown(void)
{
    for (int i = 0; i < MEMBERS; i++)
        spira_value_free(artifacts[i]);
    spira_value_free(dataset);
    fixture_done(&fixture);
}

TestSuite(member_fan_in, .init = setup, .fini = teardown);

/* The run tracker gets to know that a member is trained. */
static void end_member(int member, const struct spira_value *artifact)
{
    struct spira_value *event = spira_value_map();
    spira_value_set_text(event, "run_id", RUN_ID);
    spira_value_set_int(event, "member", member);
    spira_value_set_int(event, "members", MEMBERS);
    spira_value_set(event, "dataset", spira_value_copy(dataset));
    spira_value_set(event, "artifact", spira_value_copy(artifact));
    struct spira_error err = {0};
    bool applied = false;
    cr_assert_eq(spira_run_tracker_handle(&fixture.worker,
                                          fixture_emit(&fixture, "training.computed", event),
                                          &applied, &err),
                 SPIRA_OK, "%s", err.message);
    cr_assert(applied);
}

static void end_members(void)
{
    static const int order[MEMBERS] = {2, 0, 3, 1};
    for (int i = 0; i < MEMBERS; i++) {
        cr_assert_eq(fixture_count(&fixture, "model.trained"), 0u, "before the last of them");
        end_member(order[i], artifacts[order[i]]);
    }
}

/* The list that the newest model.trained refers to. */
static struct spira_value *newest_list(struct spira_value **ret_event)
{
    *ret_event =
        fixture_event(&fixture, "model.trained", fixture_count(&fixture, "model.trained") - 1);
    struct spira_value *list = NULL;
    struct spira_error err = {0};
    cr_assert_eq(spira_document_get(fixture.worker.store, fixture.worker.tools.digest,
                                    fixture.worker.tools.json,
                                    spira_value_get(*ret_event, "members"), &list, &err),
                 SPIRA_OK, "%s", err.message);
    return list;
}

static void expect_published(int member)
{
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *event = NULL;
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *list = newest_list(&event);
    cr_assert_eq(spira_value_get_int(list, "published", -1), member);
    cr_assert(spira_value_equal(spira_value_get(event, "artifact"), artifacts[member]));
    cr_assert(spira_value_equal(spira_value_get(event, "dataset"), dataset));
}

Test(member_fan_in, the_last_training_makes_the_model_the_one_of_the_lowest_loss)
{
    set_up_run("loss");
    end_members();
    cr_assert_eq(fixture_count(&fixture, "model.trained"), 1u);
    expect_published(1); /* the first of two equals */
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *event = NULL;
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *list = newest_list(&event);
    const struct spira_value *row = spira_value_at(spira_value_get(list, "members"), 2);
    cr_assert_eq(spira_value_get_int(row, "member", -1), 2);
    cr_assert_eq(spira_value_get_int(row, "fold", -1), 1);
    cr_assert_eq(spira_value_get_int(row, "folds", -1), 2);
    cr_assert_eq(spira_value_get_int(row, "seed", -1), 7);
    cr_assert(spira_value_equal(spira_value_get(row, "artifact"), artifacts[2]));
}

Test(member_fan_in, a_chosen_metric_chooses_the_model_too)
{
    set_up_run("roc_auc");
    end_members();
    expect_published(3);
}

Test(member_fan_in, a_training_that_is_told_again_tells_the_model_again)
{
    set_up_run("loss");
    end_members();
    end_member(0, artifacts[0]);
    cr_assert_eq(fixture_count(&fixture, "model.trained"), 2u);
    cr_assert_str_eq(spira_message_header(fixture_message(&fixture, "model.trained", 0), "ce_id"),
                     spira_message_header(fixture_message(&fixture, "model.trained", 1), "ce_id"));
}

Test(member_fan_in, a_training_that_gave_other_bytes_fails_the_run)
{
    set_up_run("loss");
    end_members();
    end_member(0, artifacts[1]);
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *failed = fixture_event(&fixture, "run.failed", 0);
    cr_assert_str_eq(spira_value_get_text(failed, "step", ""), "model_training");
    cr_assert(strstr(spira_value_get_text(failed, "message", ""), "member 0 was computed twice"));
    cr_assert_eq(fixture_count(&fixture, "model.trained"), 1u);
}

Test(member_fan_in, an_artifact_that_was_altered_is_asked_for_again)
{
    set_up_run("loss");
    struct spira_value *event = spira_value_map();
    spira_value_set_text(event, "run_id", RUN_ID);
    spira_value_set_int(event, "member", 0);
    spira_value_set_int(event, "members", MEMBERS);
    spira_value_set(event, "dataset", spira_value_copy(dataset));
    struct spira_error err;
    bool applied = false;
    const struct spira_message *requested = fixture_emit(&fixture, "training.requested", event);
    cr_assert_eq(spira_run_tracker_handle(&fixture.worker, requested, &applied, &err), SPIRA_OK);
    /* Its maker would have told of the dataset before. */
    event = spira_value_map();
    spira_value_set_text(event, "run_id", RUN_ID);
    spira_value_set(event, "dataset", spira_value_copy(dataset));
    const struct spira_message *completed = fixture_emit(&fixture, "features.completed", event);
    cr_assert_eq(spira_run_tracker_handle(&fixture.worker, completed, &applied, &err), SPIRA_OK);
    spira_value_free(fixture_put(&fixture, "models/m2/artifact.json", "{}"));
    end_members();
    cr_assert_eq(fixture_count(&fixture, "model.trained"), 0u);
    cr_assert_eq(fixture_count(&fixture, "run.failed"), 0u);
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *asked = fixture_event(&fixture, "training.requested", 1);
    cr_assert_eq(spira_value_get_int(asked, "member", -1), 2);
}

Test(member_fan_in, an_altered_list_is_put_right)
{
    set_up_run("loss");
    end_members();
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *event = NULL;
    spira_value_free(newest_list(&event));
    spira_value_free(fixture_put(
        &fixture, spira_value_as_text(spira_value_find(event, "members.key"), ""), "{}"));
    end_member(3, artifacts[3]);
    expect_published(1);
}
