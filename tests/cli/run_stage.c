#include "tests/cli/run_stage.h"

#include <criterion/criterion.h>

static void apply(const struct fixture *fixture, const struct spira_state_operation *operation)
{
    struct spira_error err = {0};
    int64_t offset = 0;
    bool applied = false;
    cr_assert_eq(spira_state_applied(fixture->worker.state, "stage", 0, &offset, &err), SPIRA_OK);
    const struct spira_state_change change = {
        .topic = "stage", .offset = offset, .operations = operation, .count = 1};
    cr_assert_eq(spira_state_apply(fixture->worker.state, &change, &applied, &err), SPIRA_OK, "%s",
                 err.message);
    cr_assert(applied);
}

void stage_field(const struct fixture *fixture, const char *run_id, const char *name,
                 const char *value)
{
    apply(fixture, &(struct spira_state_operation){
                       .action = SPIRA_STATE_SET, .run_id = run_id, .name = name, .value = value});
}

void stage_member(const struct fixture *fixture, const char *run_id, const char *set,
                  const char *member, const char *value)
{
    apply(fixture, &(struct spira_state_operation){.action = SPIRA_STATE_ADD,
                                                   .run_id = run_id,
                                                   .name = set,
                                                   .member = member,
                                                   .value = value});
}

void stage_document(const struct fixture *fixture, const char *run_id, const char *field,
                    const char *json)
{
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *document = fixture_value(json);
    SPIRA_CLEANUP(spira_free_at)
    char *text = spira_value_to_text(document, SPIRA_CANONICAL);
    SPIRA_CLEANUP(spira_free_at)
    char *key = spira_format("test/%s/%s.json", run_id, field);
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *reference = fixture_put(fixture, key, text);
    SPIRA_CLEANUP(spira_free_at)
    char *said = spira_value_to_text(reference, SPIRA_CANONICAL);
    stage_field(fixture, run_id, field, said);
}

void stage_success(const struct fixture *fixture, const char *run_id)
{
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *validation = fixture_put(fixture, "test/validation.json", "{}");
    SPIRA_CLEANUP(spira_free_at)
    char *said = spira_value_to_text(validation, SPIRA_CANONICAL);
    SPIRA_CLEANUP(spira_free_at)
    char *dataset = spira_format("{'digest': 'd', 'recordings': [{}], 'windows': 3, "
                                 "'validation': %s}",
                                 said);
    stage_field(fixture, run_id, "shards", "2");
    stage_member(fixture, run_id, "shards", "00000", "{}");
    stage_member(fixture, run_id, "shards", "00001", "{}");
    stage_document(fixture, run_id, "dataset", dataset);
    stage_document(fixture, run_id, "model", "{'result': {'epochs': 4}, 'files': []}");
    stage_document(fixture, run_id, "evaluation", "{'result': {'digest': 'e'}, 'files': []}");
    stage_field(fixture, run_id, "published", "registry/m/versions/000001/model.safetensors");
    stage_field(fixture, run_id, "version", "1");
    stage_field(fixture, run_id, "state", "succeeded");
}
