#include "workers/audio_intake/audio_intake.h"

#include <errno.h>
#include <unistd.h>

#include "core/audio/inspect.h"

static const char recording_name[] = "recording";

/* The result of a recording that stays out. Gives it; takes message. */
static struct spira_value *rejection(const char *reason, char *message)
{
    struct spira_value *result = spira_value_map();
    spira_value_set_bool(result, "accepted", false);
    spira_value_set_text(result, "reason", reason);
    spira_event_set_message(result, message);
    free(message);
    return result;
}

static bool is_noise(const struct spira_value *collected)
{
    return strcmp(spira_value_get_text(collected, "role", "speech"), "noise") == 0;
}

/* What is wrong with what the event says, whatever the recording; NULL when nothing is. */
static struct spira_value *reject_event(const struct spira_value *collected)
{
    bool labelled = spira_value_type(spira_value_get(collected, "label")) != SPIRA_NULL;
    if (is_noise(collected) || labelled)
        return NULL;
    /* Whoever read a label that is none passes it on as text. */
    const char *wrong = spira_value_get_text(collected, "label_text", NULL);
    return wrong ? rejection("label_invalid", spira_format("label '%s' is neither 0 nor 1", wrong))
                 : rejection("label_missing",
                             spira_format("no label: 0 for a control, 1 for a patient"));
}

/* Turns a failed copy into a rejection when it is the recording's fault. */
static enum spira_code reject_copy(enum spira_code code, struct spira_value **ret_result,
                                   const struct spira_error *err)
{
    const char *reason = code == SPIRA_ENOTFOUND      ? "missing"
                         : code == SPIRA_EINVALID     ? "invalid_uri"
                         : code == SPIRA_ETOOBIG      ? "too_large"
                         : code == SPIRA_EUNSUPPORTED ? "unreadable"
                                                      : NULL;
    if (!reason)
        return code;
    *ret_result = rejection(reason, spira_copy_text(err->message));
    return SPIRA_OK;
}

static enum spira_code prepare(struct spira_step_call *call, struct spira_error *err)
{
    const struct spira_value *collected = call->value;
    call->result = reject_event(collected);
    if (call->result)
        return SPIRA_OK;
    SPIRA_CLEANUP(spira_free_at)
    char *path = spira_format("%s/%s", call->inputs, recording_name);
    enum spira_code code =
        spira_inbox_fetch(call->worker->inbox, spira_value_get_text(collected, "uri", ""),
                          SPIRA_AUDIO_MAX_BYTES, path, err);
    if (code != SPIRA_OK)
        return reject_copy(code, &call->result, err);
    struct spira_sha256 sha256;
    code = spira_digest_file(call->worker->tools.digest, path, &sha256, NULL, err);
    if (code != SPIRA_OK)
        return code;
    const char *claimed = spira_value_get_text(collected, "sha256", sha256.hex);
    if (strcmp(claimed, sha256.hex) != 0) {
        call->result =
            rejection("digest_mismatch",
                      spira_format("its digest is %s, the event says %s", sha256.hex, claimed));
        return SPIRA_OK;
    }
    spira_job_input(&call->job, recording_name, "", sha256.hex, NULL);
    return SPIRA_OK;
}

/* A verdict's text without the path of the copy: that is of this attempt, and what the step says
 * is the same for every one. */
static const char *without_path(const char *text, const char *path)
{
    size_t length = strlen(path);
    bool named = strncmp(text, path, length) == 0 && strncmp(text + length, ": ", 2) == 0;
    return text + (named ? length + 2 : 0);
}

static enum spira_code compute(const struct spira_job *job, const char *inputs, const char *outputs,
                               const struct spira_tools *tools, struct spira_progress progress,
                               struct spira_value **ret_result, struct spira_error *err)
{
    (void)progress; /* one recording: over before anybody looks */
    SPIRA_CLEANUP(spira_free_at)
    char *path = spira_format("%s/%s", inputs, recording_name);
    struct spira_audio_measures measures;
    struct spira_audio_verdict verdict;
    enum spira_code code = spira_audio_inspect(tools->audio, path, &spira_audio_intake_limits,
                                               &measures, &verdict, err);
    if (code != SPIRA_OK)
        return code;
    if (verdict.reason != SPIRA_AUDIO_OK) {
        *ret_result = rejection(spira_audio_reason_name(verdict.reason),
                                spira_copy_text(without_path(verdict.text, path)));
        return SPIRA_OK;
    }
    SPIRA_CLEANUP(spira_free_at)
    char *kept = spira_format("%s/%s", outputs, recording_name);
    if (link(path, kept) != 0)
        return spira_fail_errno(err, errno, "%s", kept);
    struct spira_value *result = spira_value_map();
    spira_value_set_bool(result, "accepted", true);
    spira_value_set(result, "facts", spira_audio_measures_write(&measures));
    spira_value_set_text(result, "sha256", job->inputs[0].sha256.hex);
    *ret_result = result;
    return SPIRA_OK;
}

/* audio/sha256/ab/<digest> */
static char *key_of(const struct spira_job *job, const char *name, const struct spira_value *result)
{
    (void)name;
    (void)result;
    const char *hex = job->inputs[0].sha256.hex;
    return spira_format("audio/sha256/%.2s/%s", hex, hex);
}

static enum spira_code complete(struct spira_step_call *call, struct spira_error *err)
{
    static const char *const carried[] = {"recording_id", "patient", "label",
                                          "role",         "split",   "metadata"};
    const struct spira_value *collected = call->value;
    bool accepted = spira_value_get_bool(call->result, "accepted", false);
    struct spira_value *fields = spira_value_map();
    for (size_t i = 0; i < sizeof carried / sizeof *carried; i++)
        if (spira_value_get(collected, carried[i]))
            spira_value_set(fields, carried[i],
                            spira_value_copy(spira_value_get(collected, carried[i])));
    if (!spira_value_get(fields, "role"))
        spira_value_set_text(fields, "role", "speech");
    spira_value_set_int(
        fields, SPIRA_COLLECTED_AT,
        spira_value_get_int(collected, SPIRA_COLLECTED_AT, call->message->timestamp_ms));
    if (accepted) {
        spira_value_set(
            fields, "recording",
            spira_value_copy(spira_value_at(spira_value_get(call->artifact, "files"), 0)));
        spira_value_set(fields, "facts", spira_value_copy(spira_value_get(call->result, "facts")));
    } else {
        spira_value_set_text(fields, "uri", spira_value_get_text(collected, "uri", ""));
        spira_value_set_text(fields, "reason", spira_value_get_text(call->result, "reason", ""));
        spira_value_set_text(fields, "message", spira_value_get_text(call->result, "message", ""));
    }
    /* What was refused without a look at it was no work that another time could reuse. */
    if (call->artifact)
        spira_step_set_execution(call, fields);
    const char *recording_id = spira_value_get_text(collected, "recording_id", "");
    const char *key = spira_value_get_text(collected, "patient", recording_id);
    return spira_event_emit(call->worker, accepted ? "audio.accepted" : "audio.rejected", key,
                            recording_id, fields, err);
}

static enum spira_code give_up(struct spira_step_call *call, const struct spira_error *why,
                               struct spira_error *err)
{
    const char *reason = why->code == SPIRA_EOVERRAN   ? "timeout"
                         : why->code == SPIRA_EOUTGREW ? "memory"
                                                       : "crashed";
    const char *killed_by = call->signal > 0 ? sigabbrev_np(call->signal) : NULL;
    /* In words that are the same whenever it happens: why names addresses and folders. */
    call->result = rejection(reason, spira_format("%s, %u times%s%s", spira_code_text(why->code),
                                                  call->attempts, killed_by ? "; SIG" : "",
                                                  killed_by ? killed_by : ""));
    return complete(call, err);
}

const struct spira_step spira_audio_intake_step = {
    .name = "audio_intake",
    .consumes = "audio.collected",
    .version = 2,
    .prefix = "intake",
    .prepare = prepare,
    .compute = compute,
    .key_of = key_of,
    .complete = complete,
    .give_up = give_up,
};
