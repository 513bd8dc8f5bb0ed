#include "core/config/run_config.h"
#include "core/ports/object_store.h"
#include "schemas/schema.h"

/* A row of a table: TEXT(name, most bytes, sentence, ...) and so on; what follows the sentence sets
 * further members of struct spira_field, at least REQUIRED or OPTIONAL. */
#define FIELD(key, kind, text, ...)                                                                \
    {                                                                                              \
        .name = key, .type = SPIRA_FIELD_##kind, .sentence = text, __VA_ARGS__                     \
    }
#define REQUIRED .required = true
#define OPTIONAL .required = false
#define END                                                                                        \
    {                                                                                              \
        .name = NULL                                                                               \
    }

#define TEXT(name, most, sentence, ...) FIELD(name, TEXT, sentence, .max = most, __VA_ARGS__)
#define INT(name, least, most, sentence, ...)                                                      \
    FIELD(name, INT, sentence, .min = least, .max = most, __VA_ARGS__)
#define REAL(name, sentence, ...) FIELD(name, REAL, sentence, __VA_ARGS__)
#define SHA256(name, sentence, ...)                                                                \
    FIELD(name, TEXT, sentence, .form = SPIRA_FORM_SHA256, .max = 64, __VA_ARGS__)
#define REFERENCE(name, sentence)                                                                  \
    FIELD(name, REFERENCE, sentence, .fields = reference_fields, REQUIRED)

enum { MAX_SHARDS = 65536, MAX_MEMBERS = SPIRA_MEMBERS_MAX, MAX_TEXT = 1024 };

static const struct spira_field reference_fields[] = {
    FIELD("key", TEXT, "The object's key in the store.", .form = SPIRA_FORM_KEY,
          .max = SPIRA_KEY_MAX, REQUIRED),
    SHA256("sha256", "SHA-256 of the object's bytes.", REQUIRED),
    INT("bytes", 0, INT64_MAX, "Size of the object.", REQUIRED),
    END,
};

static const char *const roles[] = {"speech", "noise", NULL};
static const char *const splits[] = {"train", "validation", "test", NULL};
static const char *const statuses[] = {"succeeded", "reused", "failed", "rejected", NULL};
static const char *const actions[] = {"cancel", "pause", "resume", NULL};
static const char *const rejections[] = {
    "missing",       "unreadable",    "empty",           "unsupported", "too_short",
    "too_long",      "too_large",     "silent",          "too_quiet",   "clipped",
    "label_missing", "label_invalid", "digest_mismatch", "invalid_uri", "invalid_audio_rate",
    "crashed",       "timeout",       "memory",          NULL,
};

static const struct spira_field execution_fields[] = {
    TEXT("status", MAX_TEXT, "How the step ended.", .words = statuses, OPTIONAL),
    REAL("seconds", "How long the step took.", OPTIONAL),
    END,
};

static const struct spira_field facts_fields[] = {
    TEXT("format", 32, "What the file is, for example \"wav pcm16\".", REQUIRED),
    INT("rate_hz", 1, 1000000, "Sampling rate.", REQUIRED),
    INT("channels", 1, 256, "Channels before they are mixed down.", REQUIRED),
    INT("frames", 0, INT64_MAX, "Samples of each channel.", REQUIRED),
    REAL("seconds", "Length.", REQUIRED),
    REAL("peak", "Largest absolute sample; full scale is 1.", OPTIONAL),
    REAL("rms_dbfs", "Root mean square in decibels below full scale.", OPTIONAL),
    REAL("clipped_share", "Share of the samples that are clipped.", OPTIONAL),
    REAL("silent_share", "Share of the recording that is silence.", OPTIONAL),
    END,
};

/* What several events say in the same words. */
#define RUN_ID                                                                                     \
    FIELD("run_id", TEXT, "The run, a UUID of version 7.", .form = SPIRA_FORM_UUID, .max = 36,     \
          REQUIRED)
#define PATIENT                                                                                    \
    TEXT("patient", 128, "Who speaks; without it each recording is its own patient.", OPTIONAL)
#define LABEL                                                                                      \
    INT("label", 0, 1, "1: respiratory insufficiency; 0: control. A noise has none.", OPTIONAL)
#define ROLE "What the recording is for."
#define SPLIT                                                                                      \
    TEXT("split", MAX_TEXT, "The part of the data this patient is prescribed to be in.",           \
         .words = splits, OPTIONAL)
#define METADATA                                                                                   \
    FIELD("metadata", MAP, "Anything else known of the recording, as texts.", .max = MAX_TEXT,     \
          OPTIONAL)
#define EXECUTION                                                                                  \
    FIELD("execution", MAP, "How the step that emits this went; no part of the event's identity.", \
          .fields = execution_fields, OPTIONAL)
#define COLLECTED_AT                                                                               \
    INT("collected_at", 0, INT64_MAX,                                                              \
        "When it was collected, in milliseconds since the epoch: of two events about a recording " \
        "the later one counts. No part of the event's identity.",                                  \
        OPTIONAL)
#define SHARD INT("shard", 0, MAX_SHARDS - 1, "Which shard, from 0.", REQUIRED)
#define SHARDS INT("shards", 1, MAX_SHARDS, "How many shards the plan has.", REQUIRED)
#define MEMBER INT("member", 0, MAX_MEMBERS - 1, "Which training of the run, from 0.", REQUIRED)
#define MEMBERS INT("members", 1, MAX_MEMBERS, "How many trainings the run has.", REQUIRED)
#define DATASET REFERENCE("dataset", "The dataset's dataset.json.")

static const struct spira_field audio_collected[] = {
    TEXT("recording_id", 512, "The collection's own name for the recording.", REQUIRED),
    TEXT("uri", 1024, "Where the recording is: a path below the inbox.", REQUIRED),
    SHA256("sha256", "SHA-256 of the recording, when the sender knows it.", OPTIONAL),
    INT("bytes", 0, INT64_MAX, "Size of the recording, when the sender knows it.", OPTIONAL),
    PATIENT,
    LABEL,
    TEXT("label_text", 64, "What stood where a label should be, when it is none.", OPTIONAL),
    TEXT("role", MAX_TEXT, ROLE, .words = roles, OPTIONAL),
    SPLIT,
    METADATA,
    COLLECTED_AT,
    END,
};

static const struct spira_field audio_accepted[] = {
    TEXT("recording_id", 512, "The collection's own name for the recording.", OPTIONAL),
    REFERENCE("recording", "The recording in the store, as received."),
    PATIENT,
    LABEL,
    TEXT("role", MAX_TEXT, ROLE, .words = roles, REQUIRED),
    SPLIT,
    METADATA,
    COLLECTED_AT,
    FIELD("facts", MAP, "What was measured.", .fields = facts_fields, REQUIRED),
    EXECUTION,
    END,
};

static const struct spira_field audio_rejected[] = {
    TEXT("recording_id", 512, "The collection's own name for the recording.", REQUIRED),
    TEXT("uri", 1024, "Where the recording was.", OPTIONAL),
    TEXT("reason", MAX_TEXT, "Why it was rejected.", .words = rejections, REQUIRED),
    TEXT("message", MAX_TEXT, "The reason in words, with the value that was wrong.", OPTIONAL),
    SHA256("sha256", "SHA-256 of what was there.", OPTIONAL),
    INT("bytes", 0, INT64_MAX, "Size of what was there.", OPTIONAL),
    PATIENT,
    /* As it was sent, so without limits. */
    INT("label", 0, 0, "The label that came with it.", OPTIONAL),
    TEXT("role", MAX_TEXT, "The role that came with it.", OPTIONAL),
    METADATA,
    COLLECTED_AT,
    EXECUTION,
    END,
};

static const struct spira_field audio_withdrawn[] = {
    SHA256("sha256", "SHA-256 of the recording that no later corpus may hold.", REQUIRED),
    PATIENT,
    TEXT("reason", MAX_TEXT, "Why, in words.", OPTIONAL),
    END,
};

static const struct spira_field run_requested[] = {
    RUN_ID,
    REFERENCE("manifest", "The run's manifest: configuration, seed and corpus."),
    TEXT("name", 64, "The configuration's name.", OPTIONAL),
    END,
};

static const struct spira_field features_requested[] = {
    RUN_ID, SHARD, SHARDS, REFERENCE("plan", "The plan of shards."), EXECUTION, END,
};

static const struct spira_field features_computed[] = {
    RUN_ID,
    SHARD,
    SHARDS,
    REFERENCE("plan", "The plan of shards."),
    REFERENCE("artifact", "The shard's artifact."),
    EXECUTION,
    END,
};

static const struct spira_field features_completed[] = {
    RUN_ID,    DATASET, INT("shards", 1, MAX_SHARDS, "How many shards the dataset has.", OPTIONAL),
    EXECUTION, END,
};

static const struct spira_field training_requested[] = {
    RUN_ID, MEMBER, MEMBERS, DATASET, EXECUTION, END,
};

static const struct spira_field training_computed[] = {
    RUN_ID,
    MEMBER,
    MEMBERS,
    DATASET,
    REFERENCE("artifact", "The training's artifact, with its model."),
    EXECUTION,
    END,
};

static const struct spira_field model_trained[] = {
    RUN_ID,
    DATASET,
    REFERENCE("artifact", "The training's artifact, with the model; of several, the best."),
    FIELD("members", REFERENCE, "The list of a run's trainings, when it has several.",
          .fields = reference_fields, OPTIONAL),
    EXECUTION,
    END,
};

static const struct spira_field model_evaluated[] = {
    RUN_ID,
    DATASET,
    REFERENCE("model", "The training's artifact, with the model."),
    REFERENCE("artifact", "The evaluation's artifact, with the metrics."),
    EXECUTION,
    END,
};

static const struct spira_field model_published[] = {
    RUN_ID,
    TEXT("name", 64, "The model's name in the registry.", REQUIRED),
    INT("version", 1, INT64_MAX, "Its version there.", REQUIRED),
    SHA256("sha256", "SHA-256 of model.safetensors.", REQUIRED),
    FIELD("key", TEXT, "Key of model.safetensors in the store.", .form = SPIRA_FORM_KEY,
          .max = SPIRA_KEY_MAX, REQUIRED),
    FIELD("champion", BOOL, "Whether this version became the champion.", OPTIONAL),
    EXECUTION,
    END,
};

static const struct spira_field run_failed[] = {
    RUN_ID,
    TEXT("step", 64, "The step that failed.", OPTIONAL),
    TEXT("reason", 64, "The kind of failure, for programs.", REQUIRED),
    TEXT("message", MAX_TEXT, "The failure in words, with the value that was wrong.", OPTIONAL),
    FIELD("rejected", BOOL, "The publishing gate said no: nothing broke.", OPTIONAL),
    EXECUTION,
    END,
};

static const struct spira_field run_canceled[] = {
    RUN_ID,
    TEXT("step", 64, "The step that was under way.", OPTIONAL),
    EXECUTION,
    END,
};

static const struct spira_field run_control[] = {
    RUN_ID,
    TEXT("action", MAX_TEXT, "What the operator wants.", .words = actions, REQUIRED),
    EXECUTION,
    END,
};

static const struct spira_schema schemas[] = {
    {"audio.collected", 1, "A recording was collected.", audio_collected},
    {"audio.accepted", 1, "A recording was checked, measured and stored.", audio_accepted},
    {"audio.rejected", 1, "A recording cannot be used.", audio_rejected},
    {"audio.withdrawn", 1, "A recording must not be used any more.", audio_withdrawn},
    {"run.requested", 1, "A run is to begin.", run_requested},
    {"features.requested", 1, "The features of one shard are to be computed.", features_requested},
    {"features.computed", 1, "The features of one shard are there.", features_computed},
    {"features.completed", 1, "The features of all shards are there.", features_completed},
    {"training.requested", 1, "One of a run's several trainings is to be done.",
     training_requested},
    {"training.computed", 1, "One of a run's several trainings is done.", training_computed},
    {"model.trained", 1, "A model is trained.", model_trained},
    {"model.evaluated", 1, "A model is measured on the test part.", model_evaluated},
    {"model.published", 1, "A model passed the gate and has a version; ends the run.",
     model_published},
    {"run.failed", 1, "A run cannot go on; ends it.", run_failed},
    {"run.canceled", 1, "A run was canceled; ends it.", run_canceled},
    {"run.control", 1, "An operator wants a run canceled, paused or resumed.", run_control},
};

const struct spira_schema *spira_schemas(size_t *ret_count)
{
    *ret_count = sizeof schemas / sizeof *schemas;
    return schemas;
}
