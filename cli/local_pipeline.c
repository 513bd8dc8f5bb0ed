#include "cli/local_pipeline.h"

#include "adapters/filesystem/store_lock.h"
#include "adapters/posix/clock_posix.h"
#include "cli/collection.h"
#include "cli/local_progress.h"
#include "cli/recordings_csv.h"
#include "core/base/file.h"
#include "core/base/moment.h"
#include "workers/audio_intake/audio_intake.h"
#include "workers/common/run/corpus_ranges.h"
#include "workers/common/run/run_object.h"
#include "workers/common/run/run_request.h"
#include "workers/common/run/topics.h"
#include "workers/common/step/step_runner.h"
#include "workers/common/wiring.h"
#include "workers/feature_engineering/compute_features.h"
#include "workers/feature_engineering/plan_features.h"
#include "workers/model_evaluation/model_evaluation.h"
#include "workers/model_publish/model_publish.h"
#include "workers/model_training/model_training.h"
#include "workers/model_training/train_member.h"
#include "workers/run_tracker/run_tracker.h"

/* The steps of a run in their order; the intake comes before it. */
static const struct spira_step *const run_steps[] = {
    &spira_plan_features_step, &spira_compute_features_step, &spira_model_training_step,
    &spira_train_member_step,  &spira_model_evaluation_step, &spira_model_publish_step,
};
enum {
    RUN_STEPS = sizeof run_steps / sizeof *run_steps,
    PARTITIONS = 1,
    LOCK_POLL_MS = 100,
    RETURNS_MAX = 32 /* a store that loses more than that in one run is no store */
};

/* One pipeline: the worker that plays every part, and who reads which topic. */
struct pipeline {
    const struct spira_local_job *job;
    struct spira_value *recordings, *noises; /* audio.collected, a row each */
    struct spira_worker worker;
    struct spira_local_progress progress;
    struct spira_consumer intake, tracker, steps[RUN_STEPS];
    size_t handled, returned; /* messages; those of them that an altered input sent back */
    char run_id[64];
};

static void pipeline_done(struct pipeline *pipeline)
{
    spira_consumer_done(&pipeline->intake);
    spira_consumer_done(&pipeline->tracker);
    for (size_t i = 0; i < RUN_STEPS; i++)
        spira_consumer_done(&pipeline->steps[i]);
    spira_worker_done(&pipeline->worker);
}

/* One partition: the order of the CSV's rows is the order in which they are taken in. */
static enum spira_code make_topic(void *context, const char *topic, int32_t partitions,
                                  struct spira_error *err)
{
    (void)partitions;
    const struct spira_worker *worker = context;
    return spira_bus_ensure_topic(worker->bus, topic, PARTITIONS, err);
}

static enum spira_code subscribe(const struct spira_worker *worker, const char *group,
                                 const char *const *events, size_t count,
                                 struct spira_consumer *ret_consumer, struct spira_error *err)
{
    SPIRA_CLEANUP(spira_free_at)
    char **topics = spira_alloc(count, sizeof *topics);
    for (size_t i = 0; i < count; i++)
        topics[i] = spira_topic(worker, events[i]);
    enum spira_code code = spira_bus_subscribe(worker->bus, group, (const char *const *)topics,
                                               count, ret_consumer, err);
    for (size_t i = 0; i < count; i++)
        free(topics[i]);
    return code;
}

static enum spira_code join(struct pipeline *pipeline, struct spira_error *err)
{
    struct spira_worker *worker = &pipeline->worker;
    size_t count;
    const char *const *tracked = spira_run_tracker_events(&count);
    enum spira_code code = spira_topics_visit(worker, false, PARTITIONS, make_topic, worker, err);
    if (code == SPIRA_OK)
        code = subscribe(worker, "run_tracker", tracked, count, &pipeline->tracker, err);
    if (code == SPIRA_OK)
        code = subscribe(worker, "audio_intake", &spira_audio_intake_step.consumes, 1,
                         &pipeline->intake, err);
    for (size_t i = 0; code == SPIRA_OK && i < RUN_STEPS; i++)
        code = subscribe(worker, run_steps[i]->consumes, &run_steps[i]->consumes, 1,
                         &pipeline->steps[i], err);
    return code;
}

/* What came of one message. */
static enum spira_code note(struct pipeline *pipeline, const struct spira_step_outcome *outcome,
                            struct spira_error *err)
{
    pipeline->handled++;
    if (strcmp(outcome->status, "returned") != 0) {
        spira_local_progress_add(&pipeline->progress, outcome);
        return SPIRA_OK;
    }
    if (++pipeline->returned <= RETURNS_MAX)
        return SPIRA_OK;
    *err = outcome->failure;
    return spira_fail_within(err, "the store loses what it is given");
}

/* Takes every message there is through step. */
static enum spira_code drain(struct pipeline *pipeline, struct spira_consumer consumer,
                             const struct spira_step *step, struct spira_error *err)
{
    for (;;) {
        const struct spira_message *message = NULL;
        enum spira_code code = spira_consumer_poll(consumer, 0, &message, err);
        if (code != SPIRA_OK || !message)
            return code;
        if (spira_progress_stop_wanted(pipeline->job->progress))
            return spira_fail(err, SPIRA_EINTERRUPTED, "stopped before %s", step->name);
        struct spira_step_outcome outcome = {0};
        struct spira_progress progress =
            spira_local_progress_begin(&pipeline->progress, step->name);
        code = spira_step_run(&pipeline->worker, step, message, progress, &outcome, err);
        if (code == SPIRA_OK)
            code = note(pipeline, &outcome, err);
        if (code == SPIRA_OK)
            code = spira_consumer_commit(consumer, message, err);
        spira_consumer_release(consumer, message);
        if (code != SPIRA_OK)
            return code;
    }
}

static enum spira_code track(struct pipeline *pipeline, struct spira_error *err)
{
    for (;;) {
        const struct spira_message *message = NULL;
        enum spira_code code = spira_consumer_poll(pipeline->tracker, 0, &message, err);
        if (code != SPIRA_OK || !message)
            return code;
        bool applied = false;
        code = spira_run_tracker_handle(&pipeline->worker, message, &applied, err);
        if (code == SPIRA_OK && !applied)
            code = spira_fail(err, SPIRA_EBUG, "%s: offset %jd came too early", message->topic,
                              (intmax_t)message->offset);
        if (code == SPIRA_OK)
            code = spira_events_flush(&pipeline->worker, pipeline->job->progress, err);
        if (code == SPIRA_OK)
            code = spira_consumer_commit(pipeline->tracker, message, err);
        spira_consumer_release(pipeline->tracker, message);
        if (code != SPIRA_OK)
            return code;
    }
}

static enum spira_code take_in(struct pipeline *pipeline, struct spira_error *err)
{
    int64_t last_ms = 0;
    spira_collection_date(&pipeline->worker, pipeline->recordings, &last_ms);
    spira_collection_date(&pipeline->worker, pipeline->noises, &last_ms);
    enum spira_code code = spira_collection_emit(&pipeline->worker, pipeline->recordings, err);
    if (code == SPIRA_OK)
        code = spira_collection_emit(&pipeline->worker, pipeline->noises, err);
    if (code != SPIRA_OK)
        return code;
    spira_local_progress_expect(&pipeline->progress, spira_audio_intake_step.name,
                                spira_value_count(pipeline->recordings) +
                                    spira_value_count(pipeline->noises));
    return drain(pipeline, pipeline->intake, &spira_audio_intake_step, err);
}

static enum spira_code request_run(struct pipeline *pipeline, struct spira_error *err)
{
    const struct spira_worker *worker = &pipeline->worker;
    SPIRA_CLEANUP(spira_free_at)
    struct spira_offset_range *ranges = NULL;
    size_t count = 0;
    const struct spira_corpus_bound none = {.kind = SPIRA_BOUND_NONE};
    enum spira_code code = spira_corpus_ranges(worker, none, none, &ranges, &count, err);
    if (code != SPIRA_OK)
        return code;
    snprintf(pipeline->run_id, sizeof pipeline->run_id, "%s",
             spira_uuid7(spira_clock_now_ms(worker->clock)).text);
    return spira_run_request(worker, pipeline->run_id, pipeline->job->config, ranges, count, err);
}

/* How many parts ("shards", "members") the run has; 0 while it knows of none. */
static enum spira_code count_parts(const struct pipeline *pipeline, const char *name,
                                   size_t *ret_count, struct spira_error *err)
{
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *run = NULL;
    enum spira_code code = spira_state_run(pipeline->worker.state, pipeline->run_id, &run, err);
    if (code == SPIRA_OK)
        *ret_count =
            strtoul(spira_value_get_text(spira_value_get(run, "fields"), name, "0"), NULL, 10);
    return code;
}

/* Step after step, the run tracker behind each. A run that failed leaves nothing for those after;
 * what a step sent back is for another round. */
static enum spira_code follow(struct pipeline *pipeline, struct spira_error *err)
{
    enum spira_code code = track(pipeline, err);
    for (size_t i = 0; code == SPIRA_OK && i < RUN_STEPS; i++) {
        const char *parts = run_steps[i] == &spira_compute_features_step ? "shards"
                            : run_steps[i] == &spira_train_member_step   ? "members"
                                                                         : NULL;
        size_t count = 0;
        if (parts)
            code = count_parts(pipeline, parts, &count, err);
        if (code == SPIRA_OK && count > 0)
            spira_local_progress_expect(&pipeline->progress, run_steps[i]->name, count);
        if (code == SPIRA_OK)
            code = drain(pipeline, pipeline->steps[i], run_steps[i], err);
        if (code == SPIRA_OK)
            code = track(pipeline, err);
    }
    return code;
}

static enum spira_code follow_to_the_end(struct pipeline *pipeline, struct spira_error *err)
{
    size_t before;
    enum spira_code code;
    do {
        before = pipeline->handled;
        code = follow(pipeline, err);
    } while (code == SPIRA_OK && pipeline->handled > before);
    return code;
}

static enum spira_code run(struct pipeline *pipeline, struct spira_value **ret_object,
                           struct spira_error *err)
{
    enum spira_code code = join(pipeline, err);
    if (code == SPIRA_OK)
        code = take_in(pipeline, err);
    if (code == SPIRA_OK)
        code = request_run(pipeline, err);
    if (code == SPIRA_OK)
        code = follow_to_the_end(pipeline, err);
    spira_local_progress_end(&pipeline->progress);
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *object = NULL;
    if (code == SPIRA_OK)
        code = spira_run_object(&pipeline->worker, pipeline->run_id, &object, err);
    if (code != SPIRA_OK)
        return code;
    const char *state = spira_value_get_text(object, "state", "");
    if (!spira_run_is_over(state))
        return spira_fail(err, SPIRA_EBUG, "run %s is %s, and nothing is left to do for it",
                          pipeline->run_id, state);
    *ret_object = object;
    object = NULL;
    return SPIRA_OK;
}

/* With the store's lock held: what is in scratch, a killed run has left there. */
static enum spira_code run_alone(struct pipeline *pipeline, const char *scratch,
                                 struct spira_value **ret_object, struct spira_error *err)
{
    const struct spira_local_job *job = pipeline->job;
    enum spira_code code = spira_tree_remove(scratch, err);
    if (code == SPIRA_OK)
        code =
            spira_wire_local(job->store, job->root, scratch, job->threads, &pipeline->worker, err);
    return code == SPIRA_OK ? run(pipeline, ret_object, err) : code;
}

/* Waits for the lock, and looks at whether to stop meanwhile. */
static enum spira_code lock_store(const struct spira_local_job *job, int *ret_lock,
                                  struct spira_error *err)
{
    for (;;) {
        struct spira_error why;
        enum spira_code code = spira_filesystem_lock(job->store, false, ret_lock, &why);
        if (code == SPIRA_OK)
            return code;
        if (code != SPIRA_ECONFLICT) {
            *err = why;
            return code;
        }
        if (spira_progress_stop_wanted(job->progress))
            return spira_fail(err, SPIRA_EINTERRUPTED, "stopped while another run used store %s",
                              job->store);
        spira_clock_sleep_ms(spira_clock_posix(), LOCK_POLL_MS);
    }
}

static enum spira_code lock_and_run(struct pipeline *pipeline, struct spira_value **ret_object,
                                    struct spira_error *err)
{
    SPIRA_CLEANUP(spira_close_at)
    int lock = -1;
    enum spira_code code = lock_store(pipeline->job, &lock, err);
    if (code != SPIRA_OK)
        return code;
    /* In the store, so that fetching need not copy; no object's name begins with a dot. */
    SPIRA_CLEANUP(spira_free_at)
    char *scratch = spira_format("%s/.scratch", pipeline->job->store);
    code = run_alone(pipeline, scratch, ret_object, err);
    pipeline_done(pipeline);
    struct spira_error unremoved; /* the next run tries again */
    (void)!spira_tree_remove(scratch, &unremoved);
    return code;
}

enum spira_code spira_local_pipeline(const struct spira_local_job *job,
                                     struct spira_value **ret_object, struct spira_error *err)
{
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *recordings = NULL;
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *noises = NULL;
    enum spira_code code = spira_recordings_csv(job->csv, &recordings, err);
    if (code == SPIRA_OK && job->noise)
        code = spira_noises_csv(job->noise, &noises, err);
    if (code != SPIRA_OK)
        return code;
    struct pipeline pipeline = {.job = job,
                                .recordings = recordings,
                                .noises = noises,
                                .progress = {.watch = job->watch, .stop = job->progress}};
    return lock_and_run(&pipeline, ret_object, err);
}
