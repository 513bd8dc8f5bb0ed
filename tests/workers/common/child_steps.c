#include "tests/workers/common/child_steps.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/file.h"
#include "workers/common/child/child_protocol.h"

/* What a play gets and gives. */
struct stage {
    const struct spira_job *job;
    const char *inputs, *outputs;
    const struct spira_tools *tools;
    struct spira_progress progress;
    struct spira_value *result;
};

static void write_file(const char *folder, const char *name, const char *text)
{
    struct spira_error err;
    SPIRA_CLEANUP(spira_free_at)
    char *path = spira_format("%s/%s", folder, name);
    if (spira_file_write(path, text, strlen(text), &err) != SPIRA_OK)
        _exit(99);
}

static bool has_file(const char *folder, const char *name)
{
    SPIRA_CLEANUP(spira_free_at)
    char *path = spira_format("%s/%s", folder, name);
    return access(path, F_OK) == 0;
}

void child_write_checkpoint(const char *outputs, const char *name)
{
    SPIRA_CLEANUP(spira_free_at)
    char *path = spira_format("checkpoints/%s.safetensors", name);
    write_file(outputs, path, "half");
}

/* For the test that looks for the process afterwards. */
static void write_pid(const char *folder, const char *name, pid_t pid)
{
    SPIRA_CLEANUP(spira_free_at)
    char *text = spira_format("%d", (int)pid);
    write_file(folder, name, text);
}

/* All that it was given, back. */
static enum spira_code play_echo(struct stage *stage, struct spira_error *err)
{
    (void)err;
    const struct spira_job *job = stage->job;
    struct spira_value *result = stage->result = spira_value_map();
    spira_value_set(result, "parameters", spira_value_copy(job->parameters));
    SPIRA_CLEANUP(spira_free_at)
    char *seed = spira_format("%ju", (uintmax_t)job->seed);
    spira_value_set_text(result, "seed", seed);
    spira_value_set_text(result, "step", job->step);
    spira_value_set_int(result, "version", job->version);
    spira_value_set_text(result, "prefix", job->prefix);
    spira_value_set_text(result, "generation", job->generation);
    spira_value_set_text(result, "key", job->key.hex);
    spira_value_set_int(result, "threads", (int64_t)stage->tools->threads);
    struct spira_value *inputs = spira_value_set(result, "inputs", spira_value_list());
    for (size_t i = 0; i < job->input_count; i++) {
        struct spira_value *input = spira_value_append(inputs, spira_value_map());
        spira_value_set_text(input, "name", job->inputs[i].name);
        spira_value_set_text(input, "key", job->inputs[i].key);
        spira_value_set_text(input, "sha256", job->inputs[i].sha256.hex);
        spira_value_set_text(input, "identity", job->inputs[i].identity.hex);
    }
    return SPIRA_OK;
}

/* A computation of half a second, with a checkpoint and reports. */
static enum spira_code play_work(struct stage *stage, struct spira_error *err)
{
    child_write_checkpoint(stage->outputs, "step-000001");
    for (size_t i = 1; i <= 10; i++) {
        const struct spira_progress_report report = {
            .done = i, .total = 10, .epoch = 1, .epochs = 2, .loss = 0.5, .validation_loss = NAN};
        spira_progress_report(stage->progress, &report);
        if (spira_progress_stop_wanted(stage->progress))
            return spira_fail(err, SPIRA_EINTERRUPTED, "stopped");
        usleep(50000);
    }
    stage->result = spira_value_text("done");
    return SPIRA_OK;
}

/* Works until it is told to stop, and leaves another checkpoint then. */
static enum spira_code play_wait(struct stage *stage, struct spira_error *err)
{
    const struct spira_progress_report report = {.done = 1, .total = 2};
    spira_progress_report(stage->progress, &report);
    child_write_checkpoint(stage->outputs, "step-000001");
    while (!spira_progress_stop_wanted(stage->progress))
        usleep(10000);
    child_write_checkpoint(stage->outputs, "step-000002");
    return spira_fail(err, SPIRA_EINTERRUPTED, "stopped");
}

static enum spira_code play_hang(struct stage *stage, struct spira_error *err)
{
    (void)err;
    signal(SIGTERM, SIG_IGN);
    const struct spira_progress_report report = {.done = 1, .total = 2};
    spira_progress_report(stage->progress, &report);
    child_write_checkpoint(stage->outputs, "step-000001");
    write_pid(stage->outputs, "pid", getpid());
    for (;;)
        pause();
}

static enum spira_code play_segfault(struct stage *stage, struct spira_error *err)
{
    (void)stage;
    (void)err;
    fprintf(stderr, "decoding\nat byte 17 of \033[31mit\n");
    raise(SIGSEGV);
    return SPIRA_OK;
}

static enum spira_code play_abort(struct stage *stage, struct spira_error *err)
{
    (void)stage;
    (void)err;
    abort();
}

static enum spira_code play_exit(struct stage *stage, struct spira_error *err)
{
    (void)err;
    _exit((int)spira_value_get_int(stage->job->parameters, "exit", 3));
}

static enum spira_code play_allocate(struct stage *stage, struct spira_error *err)
{
    (void)stage;
    (void)err;
    for (;;)
        *(volatile char *)spira_alloc(1 << 20, 1) = 1;
}

static enum spira_code play_allocate_big(struct stage *stage, struct spira_error *err)
{
    (void)stage;
    void *memory;
    for (;;)
        if (spira_big_alloc(&memory, 1 << 20, 1, "the samples", err) != SPIRA_OK)
            return err->code;
}

static enum spira_code play_spin(struct stage *stage, struct spira_error *err)
{
    (void)stage;
    (void)err;
    for (volatile unsigned long i = 0;; i++)
        ;
}

static enum spira_code play_write(struct stage *stage, struct spira_error *err)
{
    static const char zeros[1 << 16];
    SPIRA_CLEANUP(spira_free_at)
    char *path = spira_format("%s/big", stage->outputs);
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    while (write(fd, zeros, sizeof zeros) > 0)
        ;
    return spira_fail_errno(err, errno, "big");
}

static void add_limit(struct spira_value *result, const char *name, int resource)
{
    struct rlimit limit;
    getrlimit(resource, &limit);
    spira_value_set_int(result, name, (int64_t)limit.rlim_cur);
}

/* What it can get at. */
static enum spira_code play_look_around(struct stage *stage, struct spira_error *err)
{
    (void)err;
    struct spira_value *result = stage->result = spira_value_map();
    struct spira_value *variables = spira_value_set(result, "environment", spira_value_list());
    for (char **variable = environ; *variable; variable++)
        spira_value_append(variables, spira_value_text(*variable));
    struct spira_value *open_ones = spira_value_set(result, "descriptors", spira_value_list());
    for (int fd = 0; fd < 256; fd++)
        if (fcntl(fd, F_GETFD) >= 0)
            spira_value_append(open_ones, spira_value_int(fd));
    spira_value_set_int(result, "no_new_privs", prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
    int death = 0;
    prctl(PR_GET_PDEATHSIG, &death);
    spira_value_set_int(result, "death_signal", death);
    sigset_t blocked;
    sigprocmask(SIG_SETMASK, NULL, &blocked);
    spira_value_set_bool(result, "blocks_term", sigismember(&blocked, SIGTERM));
    add_limit(result, "core", RLIMIT_CORE);
    add_limit(result, "descriptors_limit", RLIMIT_NOFILE);
    add_limit(result, "file", RLIMIT_FSIZE);
    add_limit(result, "cpu", RLIMIT_CPU);
    spira_value_set_bool(result, "leads_its_group", getpgrp() == getpid());
    return SPIRA_OK;
}

/* Crashes at its first attempt; the second says what it found. */
static enum spira_code play_crash_once(struct stage *stage, struct spira_error *err)
{
    (void)err;
    if (!has_file(stage->inputs, "crashed")) {
        write_file(stage->inputs, "crashed", "");
        write_file(stage->outputs, "left", "");
        child_write_checkpoint(stage->outputs, "step-000001");
        raise(SIGSEGV);
        _exit(1);
    }
    stage->result = spira_value_map();
    spira_value_set_bool(stage->result, "left", has_file(stage->outputs, "left"));
    spira_value_set_bool(stage->result, "resumed",
                         has_file(stage->outputs, "checkpoints/step-000001.safetensors"));
    return SPIRA_OK;
}

/* Fills the pipes with what is no progress and no text. */
static enum spira_code play_flood(struct stage *stage, struct spira_error *err)
{
    (void)err;
    static const char *const lies[] = {
        "no json\n", "{\"done\": -1, \"total\": 2, \"epoch\": 0, \"epochs\": 0}\n", "{}\n", "\n",
        "[[[[[[[[\n"};
    char noise[4096];
    memset(noise, '\0', sizeof noise);
    for (int i = 0; i < 1000; i++) {
        (void)!write(SPIRA_CHILD_PROGRESS, noise, sizeof noise);
        const char *lie = lies[i % 5];
        (void)!write(SPIRA_CHILD_PROGRESS, lie, strlen(lie));
        (void)!write(STDERR_FILENO, noise, 256);
    }
    usleep(300000); /* the pipe is emptied meanwhile */
    (void)!write(SPIRA_CHILD_PROGRESS, "\n", 1);
    const struct spira_progress_report report = {.done = 7, .total = 7, .loss = 1e300};
    spira_progress_report(stage->progress, &report);
    stage->result = spira_value_text("done");
    return SPIRA_OK;
}

static enum spira_code play_report(struct stage *stage, struct spira_error *err)
{
    enum spira_code code = SPIRA_EBUG;
    const struct spira_value *parameters = stage->job->parameters;
    (void)!spira_code_from_name(spira_value_get_text(parameters, "code", ""), &code);
    return spira_fail(err, code, "epoch 3: \xff is not a number");
}

/* Ends well but leaves what is no result: a pipe, at which a careless reader would wait. */
static enum spira_code play_lie(struct stage *stage, struct spira_error *err)
{
    (void)err;
    SPIRA_CLEANUP(spira_free_at)
    char *path = spira_format("%s/../" SPIRA_CHILD_RESULT, stage->outputs);
    mkfifo(path, 0600);
    _exit(SPIRA_CHILD_HAS_RESULT);
}

/* Leaves a process behind. */
static enum spira_code play_stray(struct stage *stage, struct spira_error *err)
{
    (void)err;
    pid_t pid = fork();
    if (pid == 0) {
        signal(SIGTERM, SIG_IGN);
        for (;;)
            pause();
    }
    stage->result = spira_value_int(pid);
    return SPIRA_OK;
}

static enum spira_code compute(const struct spira_job *job, const char *inputs, const char *outputs,
                               const struct spira_tools *tools, struct spira_progress progress,
                               struct spira_value **ret_result, struct spira_error *err)
{
    static const struct {
        const char *name;
        enum spira_code (*play)(struct stage *stage, struct spira_error *err);
    } plays[] = {
        {"echo", play_echo},
        {"work", play_work},
        {"wait", play_wait},
        {"hang", play_hang},
        {"segfault", play_segfault},
        {"abort", play_abort},
        {"exit", play_exit},
        {"allocate", play_allocate},
        {"allocate big", play_allocate_big},
        {"spin", play_spin},
        {"write", play_write},
        {"look around", play_look_around},
        {"crash once", play_crash_once},
        {"flood", play_flood},
        {"report", play_report},
        {"lie", play_lie},
        {"stray", play_stray},
    };
    struct stage stage = {job, inputs, outputs, tools, progress, NULL};
    const char *name = spira_value_get_text(job->parameters, "play", "");
    for (size_t i = 0; i < sizeof plays / sizeof *plays; i++) {
        if (strcmp(plays[i].name, name) != 0)
            continue;
        enum spira_code code = plays[i].play(&stage, err);
        *ret_result = stage.result;
        return code;
    }
    return spira_fail(err, SPIRA_EINVALID, "no play is called '%s'", name);
}

const struct spira_step child_step = {
    .name = "play",
    .consumes = "test.event",
    .version = 3,
    .prefix = "models",
    .compute = compute,
};
