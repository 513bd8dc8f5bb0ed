#include "tests/workers/run_tracker/histories.h"

#include <criterion/criterion.h>

#include "core/base/random.h"
#include "tests/workers/fixture.h"
#include "workers/run_tracker/run_tracker.h"

#define DIGEST "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define REFERENCE(key) "{'key': '" key "', 'sha256': '" DIGEST "', 'bytes': 0}"
#define SECONDS "'execution': {'status': 'succeeded', 'seconds': #.5}"

enum { PARTITIONS = 3, SHARDS = 4 };

/* What may happen to a run; # is a digit from chance, @ a shard or a member. */
static const struct {
    const char *event, *json;
    unsigned weight;
} kinds[] = {
    {"run.requested", "'name': 'r', 'manifest': " REFERENCE("runs/r"), 2},
    {"features.requested", "'shard': @, 'shards': 4, 'plan': " REFERENCE("dataset/p"), 4},
    {"features.requested", "'shard': 0, 'shards': 4, 'plan': " REFERENCE("dataset/p") ", " SECONDS,
     2},
    {"features.computed",
     "'shard': @, 'shards': 4, 'plan': " REFERENCE("dataset/p") ", 'artifact': " REFERENCE(
         "features/#") ", " SECONDS,
     6},
    {"features.completed", "'dataset': " REFERENCE("dataset/#"), 1},
    {"training.requested", "'member': @, 'members': 4, 'dataset': " REFERENCE("dataset/d"), 2},
    {"training.computed",
     "'member': @, 'members': 4, 'dataset': " REFERENCE("dataset/d") ", 'artifact': " REFERENCE(
         "models/#") ", " SECONDS,
     3},
    {"model.trained",
     "'dataset': " REFERENCE("dataset/d") ", 'artifact': " REFERENCE(
         "models/#") ", 'members': " REFERENCE("members/#"),
     1},
    {"model.trained",
     "'dataset': " REFERENCE("dataset/d") ", 'artifact': " REFERENCE("models/#") ", " SECONDS, 1},
    {"model.evaluated",
     "'dataset': " REFERENCE("dataset/d") ", 'model': " REFERENCE(
         "models/m") ", 'artifact': " REFERENCE("evaluations/#") ", " SECONDS,
     1},
    {"model.published",
     "'name': 'spira', 'version': #, 'sha256': '" DIGEST "', 'key': 'registry/k', " SECONDS, 1},
    {"run.failed", "'step': 'model_training', 'reason': 'r#', 'message': 'm', " SECONDS, 1},
    {"run.failed", "'step': 'model_publish', 'reason': 'gate', 'rejected': true", 1},
    {"run.canceled", "'step': 'model_training', " SECONDS, 1},
    {"run.control", "'action': 'cancel'", 1},
    {"run.control", "'action': 'pause'", 1},
};

enum { KINDS = sizeof kinds / sizeof *kinds, EVENTS_PER_RUN = 24 };

void histories_topics(struct spira_worker *worker)
{
    worker->topic_prefix = "histories.";
    size_t count;
    const char *const *events = spira_run_tracker_events(&count);
    for (size_t i = 0; i < count; i++) {
        struct spira_error err;
        SPIRA_CLEANUP(spira_free_at)
        char *topic = spira_topic(worker, events[i]);
        cr_assert_eq(spira_bus_ensure_topic(worker->bus, topic, PARTITIONS, &err), SPIRA_OK);
    }
}

static size_t draw_kind(struct spira_random *random)
{
    unsigned total = 0;
    for (size_t i = 0; i < KINDS; i++)
        total += kinds[i].weight;
    uint64_t drawn = spira_random_below(random, total);
    size_t kind = 0;
    while (drawn >= kinds[kind].weight)
        drawn -= kinds[kind++].weight;
    return kind;
}

static void emit_for_run(const struct spira_worker *worker, const char *run_id,
                         struct spira_random *random)
{
    size_t kind = draw_kind(random);
    char number = (char)('1' + spira_random_below(random, 9));
    char shard = (char)('0' + spira_random_below(random, SHARDS));
    SPIRA_CLEANUP(spira_free_at)
    char *json = spira_format("{%s}", kinds[kind].json);
    for (char *at = json; *at; at++)
        *at = *at == '#' ? number : *at == '@' ? shard : *at;
    struct spira_error err;
    cr_assert_eq(spira_run_event_emit(worker, kinds[kind].event, run_id, fixture_value(json), &err),
                 SPIRA_OK, "%s", err.message);
}

static void emit_audio(const struct spira_worker *worker, struct spira_random *random)
{
    static const struct {
        const char *event, *json;
    } audio[] = {
        {"audio.accepted",
         "{'recording': " REFERENCE(
             "audio/a") ", 'role': 'noise', 'facts': {'format': 'wav', "
                        "'rate_hz': 16000, 'channels': 1, 'frames': 1, 'seconds': 1}}"},
        {"audio.rejected", "{'recording_id': 'r', 'reason': 'missing'}"},
        {"audio.withdrawn", "{'sha256': '" DIGEST "'}"},
    };
    size_t which = (size_t)spira_random_below(random, sizeof audio / sizeof *audio);
    SPIRA_CLEANUP(spira_free_at)
    char *key = spira_format("patient %d", (int)spira_random_below(random, 20));
    struct spira_error err;
    cr_assert_eq(spira_event_emit(worker, audio[which].event, key, key,
                                  fixture_value(audio[which].json), &err),
                 SPIRA_OK, "%s", err.message);
}

void histories_emit(const struct spira_worker *worker, struct spira_clock_memory *clock,
                    size_t runs, uint64_t seed)
{
    struct spira_random random = spira_random_stream(seed, 0, 0, 0);
    for (size_t i = 0; i < runs * EVENTS_PER_RUN; i++) {
        spira_clock_memory_advance(clock, (int64_t)spira_random_below(&random, 3));
        SPIRA_CLEANUP(spira_free_at)
        char *run_id = spira_format("01890a5d-ac96-774b-bcce-%06jx%06zx", (uintmax_t)seed,
                                    (size_t)spira_random_below(&random, runs));
        if (spira_random_below(&random, 8) == 0)
            emit_audio(worker, &random);
        else
            emit_for_run(worker, run_id, &random);
    }
}

size_t histories_count(const struct spira_worker *worker)
{
    size_t total = 0, count;
    const char *const *events = spira_run_tracker_events(&count);
    for (size_t i = 0; i < count; i++) {
        struct spira_error err;
        SPIRA_CLEANUP(spira_free_at)
        char *topic = spira_topic(worker, events[i]);
        SPIRA_CLEANUP(spira_free_at)
        struct spira_offset_range *ranges = NULL;
        size_t partitions = 0;
        cr_assert_eq(spira_bus_ranges(worker->bus, topic, &ranges, &partitions, &err), SPIRA_OK);
        for (size_t k = 0; k < partitions; k++)
            total += (size_t)ranges[k].to;
    }
    return total;
}

static bool add_id(void *context, const char *run_id)
{
    spira_value_set(context, run_id, spira_value_null());
    return true;
}

char *histories_state(struct spira_run_state state)
{
    struct spira_error err;
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *all = spira_value_map();
    cr_assert_eq(spira_state_runs(state, add_id, all, &err), SPIRA_OK);
    for (size_t i = 0; i < spira_value_count(all); i++) {
        struct spira_value *run = NULL;
        const char *run_id = spira_value_key_at(all, i);
        cr_assert_eq(spira_state_run(state, run_id, &run, &err), SPIRA_OK);
        spira_value_set(all, run_id, run);
    }
    size_t count;
    const char *const *events = spira_run_tracker_events(&count);
    for (size_t i = 0; i < count; i++) {
        int64_t number = 0;
        cr_assert_eq(spira_state_counter(state, events[i], &number, &err), SPIRA_OK);
        spira_value_set_int(all, events[i], number);
    }
    return spira_value_to_text(all, SPIRA_CANONICAL);
}
