#include "workers/common/child/child_main.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "core/run/document.h"
#include "workers/common/child/child_protocol.h"
#include "workers/common/child/sanitized.h"
#include "workers/common/step/scratch.h"

enum { MAX_DESCRIPTORS = 256, CPU_GRACE_SECONDS = 5 };

static atomic_bool asked_to_stop;

static void handle_stop(int number)
{
    (void)number;
    atomic_store(&asked_to_stop, true);
}

static void report(void *self, const struct spira_progress_report *progress)
{
    (void)self;
    SPIRA_CLEANUP(spira_free_at)
    char *line = spira_child_progress_write(progress);
    /* A full pipe takes nothing and never half a line: the parent is busy, newer ones follow. */
    (void)!write(SPIRA_CHILD_PROGRESS, line, strlen(line));
}

static bool stop_wanted(void *self)
{
    (void)self;
    return atomic_load(&asked_to_stop);
}

static void set_signals(void)
{
    struct sigaction stop = {.sa_handler = handle_stop, .sa_flags = SA_RESTART};
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    sigemptyset(&stop.sa_mask);
    sigemptyset(&ignore.sa_mask);
    sigaction(SIGTERM, &stop, NULL);
    sigaction(SIGPIPE, &ignore, NULL);
}

/* Lets the kernel end this process when its parent ends, and first when memory runs out; what it
 * executes gets no rights it has not, and nobody looks into it. */
static void set_attributes(void)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    int score = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    if (score >= 0) {
        (void)!write(score, "1000", 4);
        close(score);
    }
    if (!SPIRA_SANITIZED)
        prctl(PR_SET_DUMPABLE, 0);
}

/* Sets a limit and, above it, the one at which the kernel asks no more; never above what this
 * process may set. */
static enum spira_code set_limit(int resource, const char *what, rlim_t soft, rlim_t above,
                                 struct spira_error *err)
{
    struct rlimit limit;
    if (getrlimit(resource, &limit) != 0)
        return spira_fail_errno(err, errno, "the limit of %s", what);
    if (soft + above < limit.rlim_max)
        limit.rlim_max = soft + above;
    limit.rlim_cur = soft < limit.rlim_max ? soft : limit.rlim_max;
    if (setrlimit(resource, &limit) != 0)
        return spira_fail_errno(err, errno, "limiting %s to %ju", what, (uintmax_t)soft);
    return SPIRA_OK;
}

static enum spira_code set_limits(const struct spira_value *limits, struct spira_error *err)
{
    rlim_t memory = (rlim_t)spira_value_get_int(limits, "memory_bytes", 0);
    rlim_t file = (rlim_t)spira_value_get_int(limits, "file_bytes", 0);
    rlim_t cpu = (rlim_t)spira_value_get_int(limits, "cpu_seconds", 0);
    enum spira_code code = set_limit(RLIMIT_CORE, "core files", 0, 0, err);
    if (code == SPIRA_OK)
        code = set_limit(RLIMIT_NOFILE, "open files", MAX_DESCRIPTORS, 0, err);
    if (code == SPIRA_OK && memory > 0 && !SPIRA_SANITIZED)
        code = set_limit(RLIMIT_AS, "memory", memory, 0, err);
    if (code == SPIRA_OK && file > 0)
        code = set_limit(RLIMIT_FSIZE, "files", file, 0, err);
    if (code == SPIRA_OK && cpu > 0)
        code = set_limit(RLIMIT_CPU, "processor time", cpu, CPU_GRACE_SECONDS, err);
    return code;
}

static const struct spira_step *find_step(const struct spira_value *document,
                                          const struct spira_step *const *steps, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (spira_child_job_is_for(document, steps[i]))
            return steps[i];
    return NULL;
}

/* Gives ret_document once this process is confined. */
static enum spira_code take_job(const char *folder, const struct spira_tools *tools,
                                struct spira_value **ret_document, struct spira_error *err)
{
    enum spira_code code = spira_step_read(tools, folder, SPIRA_CHILD_JOB, ret_document, err);
    if (code != SPIRA_OK)
        return code;
    if (getppid() != (pid_t)spira_value_get_int(*ret_document, "parent", 0))
        return spira_fail(err, SPIRA_EINTERRUPTED, "%s: the parent has ended", folder);
    return set_limits(spira_value_get(*ret_document, "limits"), err);
}

/* Leaves what came of it for the parent; returns the exit code. */
static int leave(const char *folder, const char *name, struct spira_value *document, int exit_code)
{
    SPIRA_CLEANUP(spira_free_at)
    char *path = spira_format("%s/%s", folder, name);
    struct spira_error err;
    enum spira_code code = spira_document_write(path, document, &err);
    spira_value_free(document);
    if (code == SPIRA_OK)
        return exit_code;
    fprintf(stderr, "spira: %s\n", err.message);
    return SPIRA_CHILD_HAS_NOTHING;
}

static int compute(const struct spira_scratch *scratch, const struct spira_step *step,
                   const struct spira_value *document, struct spira_tools tools)
{
    static const struct spira_progress_ops ops = {.report = report, .stop_wanted = stop_wanted};
    SPIRA_CLEANUP(spira_job_done)
    struct spira_job job = {0};
    spira_child_job_read(document, step, &job);
    tools.threads = (size_t)spira_value_get_int(document, "threads", 1);
    struct spira_value *result = NULL;
    struct spira_error err;
    if (step->compute(&job, scratch->inputs, scratch->outputs, &tools,
                      (struct spira_progress){.ops = &ops}, &result, &err) != SPIRA_OK)
        return leave(scratch->top, SPIRA_CHILD_ERROR, spira_child_error_write(&err),
                     SPIRA_CHILD_HAS_ERROR);
    struct spira_value *left = spira_value_map();
    spira_value_set(left, "result", result);
    return leave(scratch->top, SPIRA_CHILD_RESULT, left, SPIRA_CHILD_HAS_RESULT);
}

int spira_child_main(const char *folder, const struct spira_step *const *steps, size_t count,
                     struct spira_tools tools)
{
    set_signals();
    set_attributes();
    SPIRA_CLEANUP(spira_scratch_forget)
    struct spira_scratch scratch = {0};
    spira_scratch_at(folder, &scratch);
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *document = NULL;
    struct spira_error err;
    if (take_job(folder, &tools, &document, &err) != SPIRA_OK) {
        fprintf(stderr, "spira: %s\n", err.message);
        return SPIRA_CHILD_HAS_NOTHING;
    }
    const struct spira_step *step = find_step(document, steps, count);
    if (!step) {
        fprintf(stderr, "spira: %s: no step of this program is %s, version %jd, of %s\n", folder,
                spira_value_get_text(document, "step", "?"),
                (intmax_t)spira_value_get_int(document, "version", 0),
                spira_value_get_text(document, "consumes", "?"));
        return SPIRA_CHILD_HAS_NOTHING;
    }
    return compute(&scratch, step, document, tools);
}
