#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <signal.h>
#include <spawn.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>

#include "adapters/flaky/object_store_flaky.h"
#include "core/base/file.h"
#include "tests/workers/common/child_steps.h"
#include "tests/workers/fixture.h"
#include "workers/common/child/child_process.h"
#include "workers/common/step/scratch.h"

#ifdef __SANITIZE_ADDRESS__
enum { SANITIZED = 1 };
#else
enum { SANITIZED = 0 };
#endif

static struct fixture fixture;
static struct spira_child_settings settings;
static struct spira_scratch scratch;
static struct spira_step_call call;
static struct spira_checkpoints checkpoints;
static struct spira_value *result;
static struct spira_error err;
static size_t descriptors;

/* What the progress saw, and whether it says to stop: at the first report, or at once. */
static struct seen {
    int reports;
    struct spira_progress_report newest;
    bool stop, stop_at_report;
} seen;

static void report(void *self, const struct spira_progress_report *progress)
{
    (void)self;
    seen.reports++;
    seen.newest = *progress;
    seen.stop = seen.stop || seen.stop_at_report;
}

static bool stop_wanted(void *self)
{
    (void)self;
    return seen.stop;
}

static size_t count_descriptors(void)
{
    size_t count = 0;
    DIR *folder = opendir("/proc/self/fd");
    while (readdir(folder))
        count++;
    closedir(folder);
    return count;
}

static void setup(void)
{
    static const struct spira_progress_ops ops = {.report = report, .stop_wanted = stop_wanted};
    fixture_init(&fixture);
    settings = (struct spira_child_settings){
        .program = CHILD_PROGRAM, .grace_seconds = 1, .attempts = 2, .backoff_ms = 1};
    fixture.worker.child = &settings;
    fixture.worker.tools.threads = 5;
    cr_assert_eq(spira_scratch_make(&fixture.worker, "test", &scratch, &err), SPIRA_OK);
    call = (struct spira_step_call){.worker = &fixture.worker,
                                    .folder = scratch.top,
                                    .inputs = scratch.inputs,
                                    .outputs = scratch.outputs,
                                    .progress = {.ops = &ops}};
    spira_job_init(&call.job, child_step.name, child_step.version, child_step.prefix);
    descriptors = count_descriptors();
}

static void teardown(void)
{
    cr_assert_eq(count_descriptors(), descriptors);
    cr_assert_eq(waitpid(-1, NULL, WNOHANG), -1, "no child is left, dead or alive");
    cr_assert_eq(errno, ECHILD);
    spira_checkpoints_done(&checkpoints);
    spira_value_free(result);
    spira_job_done(&call.job);
    spira_scratch_done(&scratch);
    fixture_done(&fixture);
}

TestSuite(child_process, .init = setup, .fini = teardown);

static enum spira_code play(const char *name)
{
    spira_value_set_text(call.job.parameters, "play", name);
    spira_job_seal(&call.job, fixture.worker.tools.digest);
    cr_assert_eq(
        spira_checkpoints_fetch(fixture.worker.store, &call.job, call.outputs, &checkpoints, &err),
        SPIRA_OK);
    return spira_compute_in_child(&call, &child_step, &checkpoints, &result, &err);
}

static void expect(enum spira_code code, enum spira_code expected)
{
    cr_assert_eq(code, expected, "%s: %s", spira_code_name(code), err.message);
}

/* It ended in that way as often as it may. The signal is hidden by a sanitizer, which reports it
 * and exits. */
static void expect_end(const char *name, enum spira_code expected, int number, const char *says)
{
    expect(play(name), expected);
    cr_assert_eq(call.attempts, 2u);
    if (!SANITIZED)
        cr_assert_eq(call.signal, number, "signal %d", call.signal);
    cr_assert(SANITIZED || strstr(err.message, says), "%s", err.message);
    cr_assert(strstr(err.message, "play: the computation "), "%s", err.message);
    cr_assert(strstr(err.message, "attempts: 2"), "%s", err.message);
    cr_assert_null(result);
}

static pid_t read_pid(const char *folder)
{
    struct spira_error unreadable;
    SPIRA_CLEANUP(spira_free_at)
    char *path = spira_format("%s/pid", folder);
    SPIRA_CLEANUP(spira_bytes_done)
    struct spira_bytes bytes = {0};
    for (int i = 0; i < 1000; i++) {
        if (spira_file_read(path, 64, &bytes, &unreadable) == SPIRA_OK)
            return (pid_t)strtol(bytes.data, NULL, 10);
        usleep(10000);
    }
    cr_assert_fail("%s is not there after ten seconds", path);
    return 0;
}

/* Whether a process runs; one that waits for its parent's attention does not. */
static bool runs(pid_t pid)
{
    SPIRA_CLEANUP(spira_free_at)
    char *path = spira_format("/proc/%d/stat", (int)pid);
    SPIRA_CLEANUP(spira_fclose_at)
    FILE *file = fopen(path, "re");
    char line[256] = "";
    if (!file || !fgets(line, sizeof line, file))
        return false;
    const char *state = strrchr(line, ')');
    return state && state[1] && state[2] != 'Z' && state[2] != 'X';
}

static bool ends_soon(pid_t pid)
{
    for (int i = 0; i < 500 && runs(pid); i++)
        usleep(10000);
    return !runs(pid);
}

Test(child_process, a_job_arrives_as_it_is)
{
    call.job.seed = UINT64_MAX;
    spira_value_set_real(call.job.parameters, "third", 1.0 / 3);
    spira_value_set_real(call.job.parameters, "one", 1.0);
    spira_value_set_text(call.job.parameters, "text", "ação\n\"");
    spira_job_input(&call.job, "a", "audio/a", "aa", "");
    spira_job_input(&call.job, "b", "audio/b", "bb", "bbb");
    expect(play("echo"), SPIRA_OK);
    struct spira_value *there = result;
    struct spira_progress silent = {0};
    cr_assert_eq(child_step.compute(&call.job, call.inputs, call.outputs, &fixture.worker.tools,
                                    silent, &result, &err),
                 SPIRA_OK);
    cr_assert(spira_value_equal(there, result));
    cr_assert_eq(spira_value_get_int(there, "threads", 0), 5);
    spira_value_free(there);
    cr_assert_eq(call.attempts, 1u);
    cr_assert_eq(call.signal, 0);
}

Test(child_process, its_progress_and_its_checkpoint_arrive)
{
    expect(play("work"), SPIRA_OK);
    cr_assert_str_eq(spira_value_as_text(result, ""), "done");
    cr_assert_gt(seen.reports, 2, "while it computes");
    cr_assert_eq(seen.newest.done, 10u);
    cr_assert_eq(seen.newest.epochs, 2u);
    cr_assert_eq(seen.newest.loss, 0.5);
    cr_assert(isnan(seen.newest.validation_loss));
    cr_assert_eq(fixture_keys(&fixture, "models/"), 1u);
}

Test(child_process, a_stop_ends_with_the_newest_checkpoint_stored)
{
    seen.stop_at_report = true;
    expect(play("wait"), SPIRA_EINTERRUPTED);
    cr_assert_eq(fixture_keys(&fixture, "models/"), 2u);
    cr_assert_eq(call.attempts, 1u);
}

Test(child_process, one_that_will_not_stop_is_killed_after_its_grace)
{
    seen.stop_at_report = true;
    expect(play("hang"), SPIRA_EINTERRUPTED);
    cr_assert_eq(fixture_keys(&fixture, "models/"), 1u);
    cr_assert_not(runs(read_pid(call.outputs)));
}

Test(child_process, a_stop_wanted_before_it_began_ends_it_too)
{
    seen.stop = true;
    expect(play("wait"), SPIRA_EINTERRUPTED);
}

Test(child_process, a_crash_is_tried_again_and_then_told_with_its_signal_and_last_words)
{
    expect_end("segfault", SPIRA_ECRASHED, SIGSEGV, "SIGSEGV");
    cr_assert(SANITIZED || strstr(err.message, "at byte 17 of ?[31mit"), "%s", err.message);
    cr_assert_eq(spira_code_kind(err.code), SPIRA_KIND_INVALID);
}

Test(child_process, an_abort_is_a_crash)
{
    expect_end("abort", SPIRA_ECRASHED, SIGABRT, "SIGABRT");
}

Test(child_process, an_exit_code_that_means_nothing_is_a_crash)
{
    expect_end("exit", SPIRA_ECRASHED, 0, "exit code 3");
}

Test(child_process, a_failure_without_its_reason_is_a_crash)
{
    spira_value_set_int(call.job.parameters, "exit", 1);
    expect_end("exit", SPIRA_ECRASHED, 0, "exit code 1 and reported nothing");
}

Test(child_process, an_end_without_a_result_is_a_crash)
{
    expect_end("lie", SPIRA_ECRASHED, 0, "without a result");
}

Test(child_process, memory_has_a_limit)
{
    if (SANITIZED)
        cr_skip_test("no limit of address space under a sanitizer");
    settings.memory_bytes = 1u << 30;
    expect_end("allocate", SPIRA_EOUTGREW, SIGABRT, "ran out of memory");
    call.attempts = 0;
    expect_end("allocate big", SPIRA_EOUTGREW, 0, "ran out of memory (the samples: no memory for");
}

Test(child_process, processor_time_has_a_limit)
{
    settings.cpu_seconds = 1;
    settings.attempts = 2;
    expect_end("spin", SPIRA_EOVERRAN, SIGXCPU, "more than 1 seconds of processor time");
}

Test(child_process, files_have_a_limit)
{
    settings.file_bytes = 1 << 20;
    expect_end("write", SPIRA_EOUTGREW, SIGXFSZ, "a file of more than 1048576 bytes");
}

Test(child_process, time_has_a_limit)
{
    settings.deadline_seconds = 1;
    expect_end("wait", SPIRA_EOVERRAN, 0, "past its deadline of 1 seconds");
    cr_assert_eq(fixture_keys(&fixture, "models/"), 2u);
}

Test(child_process, one_that_ignores_its_deadline_is_killed)
{
    settings.deadline_seconds = 1;
    settings.attempts = 1;
    expect(play("hang"), SPIRA_EOVERRAN);
    cr_assert_eq(call.signal, SIGKILL);
    cr_assert_not(runs(read_pid(call.outputs)));
}

Test(child_process, the_next_attempt_finds_the_checkpoint_and_nothing_else)
{
    expect(play("crash once"), SPIRA_OK);
    cr_assert_eq(call.attempts, 2u);
    cr_assert_eq(call.signal, 0);
    cr_assert(spira_value_get_bool(result, "resumed", false));
    cr_assert_not(spira_value_get_bool(result, "left", true));
}

Test(child_process, a_stop_between_two_attempts_ends_it)
{
    settings.attempts = 100;
    settings.backoff_ms = 60000;
    seen.stop = true;
    expect(play("exit"), SPIRA_EINTERRUPTED);
    cr_assert_eq(call.attempts, 1u);
}

Test(child_process, it_holds_no_secret_and_nothing_of_its_parent)
{
    setenv("KAFKA_PASSWORD", "secret", 1);
    setenv("REDIS_URL", "redis://:secret@localhost", 1);
    setenv("AWS_SECRET_ACCESS_KEY", "secret", 1);
    setenv("OPENBLAS_CORETYPE", "HASWELL", 1);
    setenv("LC_NUMERIC", "C", 1);
    settings.file_bytes = 12345678;
    settings.cpu_seconds = 77;
    sigset_t mask;
    sigemptyset(&mask);
    sigaddset(&mask, SIGTERM);
    sigprocmask(SIG_BLOCK, &mask, NULL);
    signal(SIGTERM, SIG_IGN);
    int leaked = dup(STDERR_FILENO); /* without FD_CLOEXEC */
    expect(play("look around"), SPIRA_OK);
    close(leaked);
    SPIRA_CLEANUP(spira_free_at)
    char *text = spira_value_to_text(result, SPIRA_COMPACT);
    cr_assert_null(strstr(text, "secret"), "%s", text);
    cr_assert(strstr(text, "\"OPENBLAS_CORETYPE=HASWELL\""), "%s", text);
    cr_assert(strstr(text, "\"LC_NUMERIC=C\""), "%s", text);
    cr_assert(strstr(text, "\"PATH="), "%s", text);
    cr_assert(strstr(text, "\"descriptors\":[0,1,2,3]"), "%s", text);
    cr_assert(strstr(text, "\"no_new_privs\":1,\"death_signal\":9,\"blocks_term\":false,"
                           "\"core\":0,\"descriptors_limit\":256,\"file\":12345678,\"cpu\":77,"
                           "\"leads_its_group\":true"),
              "%s", text);
}

Test(child_process, a_flood_in_its_pipes_is_survived)
{
    expect(play("flood"), SPIRA_OK);
    cr_assert_eq(seen.reports, 1, "the one that is one");
    cr_assert_eq(seen.newest.done, 7u);
    cr_assert_eq(seen.newest.loss, 1e300);
}

Test(child_process, a_failure_that_it_reports_is_told_as_it_was_and_not_tried_again)
{
    spira_value_set_text(call.job.parameters, "code", "EDIVERGED");
    expect(play("report"), SPIRA_EDIVERGED);
    cr_assert_str_eq(err.message, "epoch 3: ? is not a number");
    cr_assert_eq(call.attempts, 1u);
}

Test(child_process, one_that_somebody_else_stopped_is_interrupted_and_has_spent_no_attempt)
{
    spira_value_set_text(call.job.parameters, "code", "EINTERRUPTED");
    expect(play("report"), SPIRA_EINTERRUPTED);
    cr_assert_eq(call.attempts, 1u);
}

Test(child_process, a_broken_promise_of_its_own_does_not_stop_the_worker)
{
    spira_value_set_text(call.job.parameters, "code", "EBUG");
    expect_end("report", SPIRA_ECRASHED, 0, "reported EBUG (epoch 3");
}

Test(child_process, what_it_leaves_running_is_killed)
{
    expect(play("stray"), SPIRA_OK);
    cr_assert(ends_soon((pid_t)spira_value_as_int(result, 0)));
}

Test(child_process, a_program_that_is_not_there_is_worth_trying_again)
{
    settings.program = "/nowhere/spira";
    expect(play("echo"), SPIRA_EIO);
}

Test(child_process, a_program_without_the_step_says_so)
{
    call.job.parameters = (spira_value_free(call.job.parameters), spira_value_map());
    struct spira_step newer = child_step;
    newer.version++;
    cr_assert_eq(spira_compute_in_child(&call, &newer, &checkpoints, &result, &err),
                 SPIRA_ECRASHED);
    cr_assert(strstr(err.message, "no step of this program is play, version 4, of test.event"),
              "%s", err.message);
}

static void be_flaky(struct spira_flaky_script *script)
{
    fixture.worker.store = spira_object_store_flaky(fixture.worker.store, script, 1);
}

Test(child_process, a_store_that_does_not_answer_costs_no_computation)
{
    static const enum spira_code codes[] = {SPIRA_EUNREACHABLE, SPIRA_EIO};
    struct spira_flaky_script script = {.operation = "put_file", .codes = codes, .count = 2};
    be_flaky(&script);
    expect(play("work"), SPIRA_OK);
    cr_assert_eq(atomic_load(&script.played), 2);
    cr_assert_eq(fixture_keys(&fixture, "models/"), 1u);
}

Test(child_process, a_broken_promise_of_the_store_stops_it)
{
    static const enum spira_code codes[] = {SPIRA_EBUG};
    struct spira_flaky_script script = {.operation = "put_file", .codes = codes, .count = 1};
    be_flaky(&script);
    expect(play("wait"), SPIRA_EBUG);
    cr_assert_null(result);
}

Test(child_process, it_dies_with_its_parent)
{
    char *const arguments[] = {CHILD_PROGRAM, CHILD_PARENT_OPTION, scratch.top, NULL};
    SPIRA_CLEANUP(spira_free_at)
    char *folder = spira_format("%s/checkpoints", scratch.outputs);
    cr_assert_eq(spira_folder_make(folder, &err), SPIRA_OK);
    pid_t parent;
    cr_assert_eq(posix_spawn(&parent, CHILD_PROGRAM, NULL, NULL, arguments, environ), 0);
    pid_t child = read_pid(scratch.outputs);
    cr_assert(runs(child));
    kill(parent, SIGKILL);
    waitpid(parent, NULL, 0);
    cr_assert(ends_soon(child));
}
