#include "workers/common/child/child_process.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/file.h"
#include "core/run/document.h"
#include "workers/common/child/child_protocol.h"
#include "workers/common/child/child_spawn.h"

enum { POLL_MS = 100, MAX_BACKOFF_MS = 60000 };

const struct spira_child_settings spira_child_defaults = {
    .grace_seconds = 10,
    .attempts = 3,
    .backoff_ms = 1000,
};

/* Why a child was asked to stop. */
enum reason { NO_REASON, STOP_WANTED, DEADLINE, WORKER_FAILED };

/* One child at work. */
struct attempt {
    struct spira_step_call *call;
    const struct spira_child_settings *settings;
    struct spira_checkpoints *checkpoints;
    struct spira_child child;
    int64_t deadline_ms; /* 0: none */
    enum reason reason;
    int64_t kill_ms;            /* when its grace ends */
    struct spira_error failure; /* of WORKER_FAILED */
};

static void attempt_done(struct attempt *attempt)
{
    spira_child_done(&attempt->child);
}

/* Real time: processes know no other. */
static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static char *file_of(const struct spira_step_call *call, const char *name)
{
    return spira_format("%s/%s", call->folder, name);
}

static void ask_to_stop(struct attempt *attempt, enum reason reason)
{
    attempt->reason = reason;
    attempt->kill_ms = now_ms() + (int64_t)attempt->settings->grace_seconds * 1000;
    spira_child_signal(&attempt->child, SIGTERM);
}

/* A store that does not answer now is asked again: the computation is worth more than its
 * checkpoint. */
static void upload(struct attempt *attempt)
{
    struct spira_error why;
    if (attempt->reason == WORKER_FAILED ||
        spira_checkpoints_upload(attempt->checkpoints, &why) == SPIRA_OK ||
        spira_code_kind(why.code) == SPIRA_KIND_TRANSIENT)
        return;
    attempt->failure = why;
    ask_to_stop(attempt, WORKER_FAILED);
}

static void forward_progress(struct attempt *attempt)
{
    struct spira_child_lines *lines = &attempt->child.lines;
    struct spira_progress_report report;
    if (lines->has_newest &&
        spira_child_progress_read(attempt->call->worker->tools.json, lines->newest, &report))
        spira_progress_report(attempt->call->progress, &report);
    lines->has_newest = false;
}

/* Takes care of the child until it has ended; returns its status, of waitpid. */
static int watch(struct attempt *attempt)
{
    int status = 0;
    while (!spira_child_wait(&attempt->child, POLL_MS, &status)) {
        forward_progress(attempt);
        upload(attempt);
        if (attempt->reason != NO_REASON) {
            if (now_ms() >= attempt->kill_ms)
                spira_child_signal(&attempt->child, SIGKILL);
        } else if (spira_progress_stop_wanted(attempt->call->progress)) {
            ask_to_stop(attempt, STOP_WANTED);
        } else if (attempt->deadline_ms && now_ms() >= attempt->deadline_ms) {
            ask_to_stop(attempt, DEADLINE);
        }
    }
    forward_progress(attempt);
    return status;
}

/* Reads a document that the child left. It has ended; what it left need not even be a file. */
static bool read_left(const struct spira_step_call *call, const char *name, size_t max_bytes,
                      struct spira_value **ret_document)
{
    SPIRA_CLEANUP(spira_free_at)
    char *path = file_of(call, name);
    struct stat facts;
    struct spira_error unreadable;
    return lstat(path, &facts) == 0 && S_ISREG(facts.st_mode) &&
           spira_config_read(call->worker->tools.json, path, max_bytes, ret_document,
                             &unreadable) == SPIRA_OK;
}

static enum spira_code read_result(const struct spira_step_call *call,
                                   struct spira_value **ret_result, struct spira_error *err)
{
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *document = NULL;
    if (!read_left(call, SPIRA_CHILD_RESULT, SPIRA_CHILD_RESULT_MAX_BYTES, &document) ||
        !spira_value_get(document, "result"))
        return spira_fail(err, SPIRA_ECRASHED, "ended without a result");
    *ret_result = spira_value_copy(spira_value_get(document, "result"));
    return SPIRA_OK;
}

/* A failure that the child reports is believed where a computation may have it: nothing it says
 * stops the worker. */
static enum spira_code read_error(const struct spira_step_call *call, struct spira_error *err)
{
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *document = NULL;
    struct spira_error failure;
    if (!read_left(call, SPIRA_CHILD_ERROR, SPIRA_CHILD_ERROR_MAX_BYTES, &document) ||
        !spira_child_error_read(document, &failure))
        return spira_fail(err, SPIRA_ECRASHED, "ended with exit code %d and reported nothing",
                          SPIRA_CHILD_HAS_ERROR);
    enum spira_error_kind kind = spira_code_kind(failure.code);
    if (failure.code == SPIRA_ENOMEMORY)
        return spira_fail(err, SPIRA_EOUTGREW, "ran out of memory (%s)", failure.message);
    if (kind == SPIRA_KIND_BUG || kind == SPIRA_KIND_FENCED)
        return spira_fail(err, SPIRA_ECRASHED, "reported %s (%s)", spira_code_name(failure.code),
                          failure.message);
    *err = failure;
    return failure.code;
}

/* What a signal that nobody here sent says. */
static enum spira_code judge_signal(const struct attempt *attempt, int number,
                                    struct spira_error *err)
{
    const char *name = sigabbrev_np(number);
    switch (number) {
    case SIGXCPU:
        return spira_fail(err, SPIRA_EOVERRAN, "used more than %u seconds of processor time",
                          attempt->settings->cpu_seconds);
    case SIGXFSZ:
        return spira_fail(err, SPIRA_EOUTGREW, "wrote a file of more than %ju bytes",
                          (uintmax_t)attempt->settings->file_bytes);
    case SIGKILL: /* as the kernel does to the largest process when memory runs out */
        return spira_fail(err, SPIRA_EOUTGREW, "was killed by SIGKILL");
    default:
        if (number == SIGABRT && strstr(attempt->child.tail, SPIRA_OUT_OF_MEMORY))
            return spira_fail(err, SPIRA_EOUTGREW, "ran out of memory (SIGABRT)");
        return spira_fail(err, SPIRA_ECRASHED, "was killed by SIG%s", name ? name : "?");
    }
}

/* What a child's end says, of itself. */
static enum spira_code judge(struct attempt *attempt, int status, struct spira_value **ret_result,
                             struct spira_error *err)
{
    if (WIFSIGNALED(status)) {
        attempt->call->signal = WTERMSIG(status);
        return judge_signal(attempt, WTERMSIG(status), err);
    }
    switch (WEXITSTATUS(status)) {
    case SPIRA_CHILD_HAS_RESULT:
        return read_result(attempt->call, ret_result, err);
    case SPIRA_CHILD_HAS_ERROR:
        return read_error(attempt->call, err);
    default:
        return spira_fail(err, SPIRA_ECRASHED, "ended with exit code %d", WEXITSTATUS(status));
    }
}

/* A child that was asked to stop and did not come to an end of its own has ended because of that.
 */
static enum spira_code judge_stopped(const struct attempt *attempt, struct spira_error *err)
{
    enum spira_error_kind kind = spira_code_kind(err->code);
    bool of_its_own = kind != SPIRA_KIND_INTERRUPTED && !spira_step_gave_up(err->code);
    if (of_its_own || attempt->reason == NO_REASON)
        return err->code;
    if (attempt->reason == DEADLINE)
        return spira_fail(err, SPIRA_EOVERRAN, "ran past its deadline of %u seconds",
                          attempt->settings->deadline_seconds);
    return spira_fail(err, SPIRA_EINTERRUPTED, "stopped");
}

/* Starts a child and waits for it. Codes of spira_step_gave_up with what happened as the message,
 * about "the computation". */
static enum spira_code try_once(struct attempt *attempt, struct spira_value **ret_result,
                                struct spira_error *err)
{
    const struct spira_child_settings *settings = attempt->settings;
    enum spira_code code =
        spira_child_start(settings->program, attempt->call->folder, &attempt->child, err);
    if (code != SPIRA_OK)
        return code;
    if (settings->deadline_seconds > 0)
        attempt->deadline_ms = now_ms() + (int64_t)settings->deadline_seconds * 1000;
    int status = watch(attempt);
    struct spira_value *result = NULL;
    code = judge(attempt, status, &result, err);
    if (attempt->reason == WORKER_FAILED) {
        spira_value_free(result);
        *err = attempt->failure;
        return err->code;
    }
    if (code != SPIRA_OK)
        return judge_stopped(attempt, err);
    *ret_result = result;
    return SPIRA_OK;
}

/* Removes what a former child left, but not its checkpoints. */
static enum spira_code clear(const struct spira_step_call *call, struct spira_error *err)
{
    static const char *const left[] = {SPIRA_CHILD_RESULT, SPIRA_CHILD_ERROR};
    enum spira_code code = SPIRA_OK;
    for (size_t i = 0; code == SPIRA_OK && i < sizeof left / sizeof *left; i++) {
        SPIRA_CLEANUP(spira_free_at)
        char *path = file_of(call, left[i]);
        code = spira_tree_remove(path, err);
    }
    DIR *outputs = opendir(call->outputs);
    if (!outputs)
        return spira_fail_errno(err, errno, "%s", call->outputs);
    for (struct dirent *entry; code == SPIRA_OK && (entry = readdir(outputs));) {
        const char *name = entry->d_name;
        if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0 || strcmp(name, "checkpoints") == 0)
            continue;
        SPIRA_CLEANUP(spira_free_at)
        char *path = spira_format("%s/%s", call->outputs, name);
        code = spira_tree_remove(path, err);
    }
    closedir(outputs);
    return code;
}

/* Stores the checkpoint it ended with; err says already that it was interrupted. */
static enum spira_code interrupt(struct spira_checkpoints *checkpoints, struct spira_error *err)
{
    struct spira_error why;
    if (spira_checkpoints_upload(checkpoints, &why) != SPIRA_OK)
        *err = why;
    return err->code;
}

/* Waits before the next attempt; false: a stop is wanted. */
static bool rest(const struct spira_step_call *call, unsigned backoff_ms, unsigned attempts)
{
    int64_t wait_ms = backoff_ms;
    for (unsigned i = 1; i < attempts && wait_ms < MAX_BACKOFF_MS; i++)
        wait_ms *= 2;
    const struct timespec slice = {.tv_nsec = POLL_MS * 1000000L};
    for (int64_t end = now_ms() + wait_ms; now_ms() < end;) {
        if (spira_progress_stop_wanted(call->progress))
            return false;
        nanosleep(&slice, NULL);
    }
    return !spira_progress_stop_wanted(call->progress);
}

static enum spira_code write_job(const struct spira_step_call *call, const struct spira_step *step,
                                 const struct spira_child_settings *settings,
                                 struct spira_error *err)
{
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *document = spira_child_job_write(call, step, settings);
    SPIRA_CLEANUP(spira_free_at)
    char *path = file_of(call, SPIRA_CHILD_JOB);
    return spira_document_write(path, document, err);
}

/* err says what the last of the attempts did: says the rest. */
static enum spira_code give_up(struct spira_child *child, const struct spira_step_call *call,
                               const struct spira_step *step, struct spira_error *err)
{
    const struct spira_error why = *err;
    const char *line = spira_child_last_line(child);
    return spira_fail(err, why.code, "%s: the computation %.400s; attempts: %u%s%.400s", step->name,
                      why.message, call->attempts, line[0] ? "; the last line it wrote: " : "",
                      line);
}

enum spira_code spira_compute_in_child(struct spira_step_call *call, const struct spira_step *step,
                                       struct spira_checkpoints *checkpoints,
                                       struct spira_value **ret_result, struct spira_error *err)
{
    const struct spira_child_settings *settings =
        call->worker->child ? call->worker->child : &spira_child_defaults;
    enum spira_code code = write_job(call, step, settings, err);
    while (code == SPIRA_OK) {
        SPIRA_CLEANUP(attempt_done)
        struct attempt attempt = {.call = call,
                                  .settings = settings,
                                  .checkpoints = checkpoints,
                                  .child = SPIRA_CHILD_NONE};
        call->attempts++;
        call->signal = 0;
        code = try_once(&attempt, ret_result, err);
        if (code == SPIRA_OK)
            return SPIRA_OK;
        if (spira_code_kind(code) == SPIRA_KIND_INTERRUPTED)
            return interrupt(checkpoints, err);
        if (!spira_step_gave_up(code))
            return code;
        if (call->attempts >= settings->attempts)
            return give_up(&attempt.child, call, step, err);
        if (!rest(call, settings->backoff_ms, call->attempts)) {
            (void)spira_fail(err, SPIRA_EINTERRUPTED, "stopped");
            return interrupt(checkpoints, err);
        }
        code = clear(call, err);
    }
    return code;
}
