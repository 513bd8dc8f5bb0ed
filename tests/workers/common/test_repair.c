#include <criterion/criterion.h>

#include "tests/workers/fixture.h"
#include "workers/common/step/repair.h"
#include "workers/run_tracker/run_tracker.h"

static struct fixture fixture;

static void follow(const char *event, const char *json)
{
    struct spira_error err = {0};
    bool applied = false;
    const struct spira_message *message = fixture_emit(&fixture, event, fixture_value(json));
    cr_assert_eq(spira_run_tracker_handle(&fixture.worker, message, &applied, &err), SPIRA_OK, "%s",
                 err.message);
    cr_assert(applied);
}

#define DIGEST "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define REFERENCE(key) "{'key': '" key "', 'sha256': '" DIGEST "', 'bytes': 0}"
#define RUN "{'run_id': '" RUN_ID "', "

/* A run as far as its evaluation; two of its three shards are there. */
static void setup(void)
{
    fixture_init(&fixture);
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *manifest = fixture_manifest(&fixture, "{'name': 'small'}");
    struct spira_value *requested = spira_value_map();
    spira_value_set_text(requested, "run_id", RUN_ID);
    spira_value_set_text(requested, "name", "small");
    spira_value_set(requested, "manifest", spira_value_copy(manifest));
    fixture_emit(&fixture, "run.requested", requested);
    follow("features.requested",
           RUN "'shard': 2, 'shards': 3, 'plan': " REFERENCE("dataset/p/plan.json") "}");
    follow("features.computed",
           RUN "'shard': 2, 'shards': 3, 'plan': " REFERENCE(
               "dataset/p/plan.json") ", 'artifact': " REFERENCE("features/two/artifact.json") "}");
    follow(
        "features.computed",
        RUN "'shard': 5, 'shards': 3, 'plan': " REFERENCE(
            "dataset/p/plan.json") ", 'artifact': " REFERENCE("features/five/artifact.json") "}");
}

static void end_features(void)
{
    follow("features.completed",
           RUN "'dataset': " REFERENCE("dataset/d/dataset.json") ", 'shards': 3}");
    follow("model.trained",
           RUN "'dataset': " REFERENCE("dataset/d/dataset.json") ", 'artifact': " REFERENCE(
               "models/m/artifact.json") "}");
}

static void teardown(void)
{
    fixture_done(&fixture);
}

TestSuite(repair, .init = setup, .fini = teardown);

/* What is asked for is the event that came before, with its very id. */
static void expect_asks(const char *key, const char *event, size_t like)
{
    struct spira_error err = {0};
    size_t before = fixture_count(&fixture, event);
    cr_assert_eq(spira_repair(&fixture.worker, RUN_ID, key, &err), SPIRA_OK, "%s", err.message);
    cr_assert_eq(fixture_count(&fixture, event), before + 1, "%s asks for no %s", key, event);
    cr_assert_str_eq(spira_message_header(fixture_message(&fixture, event, before), "ce_id"),
                     spira_message_header(fixture_message(&fixture, event, like), "ce_id"));
}

Test(repair, a_shard_is_asked_for_alone)
{
    expect_asks("features/two/shard-00002.safetensors", "features.requested", 0);
    struct spira_error err;
    cr_assert_eq(spira_repair(&fixture.worker, RUN_ID, "features/five/artifact.json", &err),
                 SPIRA_OK);
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *asked = fixture_event(&fixture, "features.requested", 2);
    cr_assert_eq(spira_value_get_int(asked, "shard", 0), 5);
    cr_assert_eq(spira_value_get_int(asked, "shards", 0), 3);
}

Test(repair, the_plan_and_the_corpus_are_asked_for_with_the_run)
{
    expect_asks("dataset/p/plan.json", "run.requested", 0);
    expect_asks("corpus/abc.json", "run.requested", 0);
}

Test(repair, the_dataset_is_asked_for_with_one_shard_that_is_there)
{
    expect_asks("dataset/d/dataset.json", "features.requested", 0);
}

Test(repair, model_and_evaluation_are_asked_for_from_those_who_make_them)
{
    end_features();
    expect_asks("models/m/model.safetensors", "features.completed", 0);
    expect_asks("evaluations/e/artifact.json", "model.trained", 0);
}

/* The two members of a run whose list is there. */
static void end_members(void)
{
    follow("features.completed",
           RUN "'dataset': " REFERENCE("dataset/d/dataset.json") ", 'shards': 3}");
    for (int i = 0; i < 2; i++) {
        SPIRA_CLEANUP(spira_free_at)
        char *asked = spira_format(
            RUN "'member': %d, 'members': 3, 'dataset': " REFERENCE("dataset/d/dataset.json") "}",
            i);
        SPIRA_CLEANUP(spira_free_at)
        char *done = spira_format(
            RUN "'member': %d, 'members': 3, 'dataset': " REFERENCE(
                "dataset/d/dataset.json") ", 'artifact': " REFERENCE("models/m%d/"
                                                                     "artifact.json") "}",
            i, i);
        follow("training.requested", asked);
        follow("training.computed", done);
    }
    follow("model.trained",
           RUN "'dataset': " REFERENCE("dataset/d/dataset.json") ", 'artifact': " REFERENCE(
               "models/m1/artifact.json") ", 'members': " REFERENCE("members/l.json") "}");
}

Test(repair, of_several_trainings_the_one_that_is_lost_is_asked_for)
{
    end_members();
    expect_asks("models/m1/model.safetensors", "training.requested", 1);
    expect_asks("models/m0/artifact.json", "training.requested", 0);
    struct spira_error err;
    cr_assert_eq(spira_repair(&fixture.worker, RUN_ID, "models/m2/artifact.json", &err),
                 SPIRA_EALTERED, "nobody knows it");
    cr_assert_eq(fixture_count(&fixture, "features.completed"), 1u);
}

Test(repair, the_list_of_trainings_is_asked_for_with_one_that_is_there)
{
    end_members();
    expect_asks("members/l.json", "training.requested", 0);
    expect_asks("evaluations/e/artifact.json", "model.trained", 0);
}

Test(repair, what_the_state_does_not_know_yet_is_for_another_attempt)
{
    static const char *const keys[] = {"features/other/shard-00000.safetensors",
                                       "models/m/model.safetensors", "evaluations/e/artifact.json",
                                       "registry/x/versions/000001/model.json"};
    struct spira_error err;
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        cr_assert_eq(spira_repair(&fixture.worker, RUN_ID, keys[i], &err), SPIRA_EALTERED);
        cr_assert(strstr(err.message, keys[i]), "%s", err.message);
    }
    const char *other = "01890a5d-ac96-774b-bcce-b302099a8058";
    cr_assert_eq(spira_repair(&fixture.worker, other, "models/m/model.safetensors", &err),
                 SPIRA_EALTERED);
}
