#include "workers/common/worker_main.h"

#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>

#include "core/base/file.h"
#include "workers/common/child/child_main.h"
#include "workers/common/child/child_process.h"
#include "workers/common/child/sanitized.h"
#include "workers/common/command_line/exit_code.h"
#include "workers/common/command_line/help.h"
#include "workers/common/command_line/stop_signal.h"
#include "workers/common/log.h"
#include "workers/common/loop/lag.h"
#include "workers/common/loop/loop.h"
#include "workers/common/step/step_handler.h"
#include "workers/common/step/step_once.h"
#include "workers/common/version.h"
#include "workers/common/wiring.h"

static const struct spira_option options[] = {
    SPIRA_OPTIONS_SERVICES,
    SPIRA_OPTIONS_WORKER,
    SPIRA_OPTION_THREADS,
    {"once", NULL, "ends when nothing is left to do", 0, false, false},
    {"run", "ID", "with --once: does this run's work, whoever else is at it, and ends", 0, false,
     false},
    {"accept-gap", NULL, "goes on though events expired before they were read", 0, false, false},
    {"version", NULL, "which build this is", 0, false, false},
    {0},
};

/* One worker from start to end. */
struct process {
    const struct spira_worker_program *program;
    struct spira_settings settings;
    struct spira_worker worker;
    struct spira_child_settings child;
    struct spira_worker_metrics metrics;
    struct spira_step_handler steps;
    struct spira_handler handler;
    struct spira_health *health;
    struct spira_http_server server;
    uint16_t http_port;
    struct spira_lag *lag;
    char *scratch;
    int scratch_lock;
};

static void process_done(struct process *process)
{
    spira_lag_stop(&process->lag);
    spira_http_server_done(&process->server);
    spira_health_stop(&process->health);
    spira_worker_done(&process->worker);
    spira_worker_metrics_done(&process->metrics);
    if (process->scratch) {
        struct spira_error unremoved; /* the next start removes it */
        (void)!spira_tree_remove(process->scratch, &unremoved);
        free(process->scratch);
    }
    spira_close_at(&process->scratch_lock);
    spira_settings_done(&process->settings);
}

static enum spira_code read_child(struct process *process, size_t threads, struct spira_error *err)
{
    /* A thread takes address space before it takes memory: 128 MiB for OpenBLAS, 64 for malloc. */
    enum { MIB = 1 << 20, MEMORY = 4096, MEMORY_PER_THREAD = 256 };
    const int64_t usual_memory = MEMORY + (int64_t)threads * MEMORY_PER_THREAD;
    const struct spira_settings *settings = &process->settings;
    int64_t memory = 0, file = 0, cpu = 0, deadline = 0, grace = 0;
    enum spira_code code =
        spira_setting_number(settings, "child-memory", 64, 1 << 24, usual_memory, &memory, err);
    if (code == SPIRA_OK)
        code = spira_setting_number(settings, "child-file", 1, 1 << 24, 8192, &file, err);
    if (code == SPIRA_OK)
        code = spira_setting_number(settings, "child-cpu", 0, INT32_MAX, 0, &cpu, err);
    if (code == SPIRA_OK)
        code = spira_setting_number(settings, "child-deadline", 1, INT32_MAX,
                                    process->program->deadline_seconds, &deadline, err);
    if (code == SPIRA_OK)
        code = spira_setting_number(settings, "grace", 1, 3600, 20, &grace, err);
    if (code != SPIRA_OK)
        return code;
    process->child = spira_child_defaults;
    process->child.memory_bytes = (uint64_t)memory * MIB;
    process->child.file_bytes = (uint64_t)file * MIB;
    process->child.cpu_seconds = (unsigned)cpu;
    process->child.deadline_seconds = (unsigned)deadline;
    process->child.grace_seconds = (unsigned)grace;
    return SPIRA_OK;
}

static enum spira_code read_settings(struct process *process,
                                     const struct spira_arguments *arguments,
                                     struct spira_error *err)
{
    size_t threads = 0;
    int64_t http_port = 0;
    enum spira_code code = spira_settings_read(arguments, &process->settings, err);
    if (code == SPIRA_OK)
        code = spira_argument_threads(arguments, &threads, err);
    if (code == SPIRA_OK)
        code = read_child(process, threads, err);
    if (code == SPIRA_OK)
        code = spira_setting_number(&process->settings, "http-port", 0, UINT16_MAX, 0, &http_port,
                                    err);
    process->http_port = (uint16_t)http_port;
    if (code == SPIRA_OK && spira_argument(arguments, "run") && !spira_argument(arguments, "once"))
        code = spira_fail(err, SPIRA_EINVALID, "--run needs --once");
    if (code == SPIRA_OK && spira_argument(arguments, "run") && process->program->step_count == 0)
        code = spira_fail(err, SPIRA_EINVALID, "--run: this worker follows all runs at once");
    if (code == SPIRA_OK)
        code = spira_wire_fleet(&process->settings, process->program->name, threads,
                                &process->worker, err);
    if (code == SPIRA_OK && process->program->needs_inbox)
        code = spira_wire_inbox(&process->settings, &process->worker, err);
    return code;
}

static enum spira_code prepare(struct process *process, struct spira_error *err)
{
    enum spira_code code = spira_wire_scratch(&process->settings, process->program->name,
                                              &process->scratch, &process->scratch_lock, err);
    process->worker.scratch = process->scratch;
    process->worker.child = &process->child;
    process->worker.compute = spira_compute_in_child;
    const struct spira_worker_program *program = process->program;
    if (program->make_handler)
        program->make_handler(&process->worker, &process->handler);
    else
        spira_step_handler_init(&process->steps, &process->worker, &process->metrics,
                                program->steps, program->step_count, &process->handler);
    return code;
}

static enum spira_code listen_for_health(struct process *process, struct spira_error *err)
{
    if (!spira_setting(&process->settings, "http-port"))
        return SPIRA_OK;
    return spira_wire_http(process->health, spira_setting(&process->settings, "http-address"),
                           process->http_port, &process->server, err);
}

static enum spira_code show(struct process *process, const char *group, struct spira_error *err)
{
    const struct spira_health_setup health = {
        .worker = &process->worker, .metrics = &process->metrics, .name = process->program->name};
    const struct spira_lag_setup lag = {.worker = &process->worker,
                                        .metrics = &process->metrics,
                                        .group = group,
                                        .events = process->handler.events,
                                        .event_count = process->handler.event_count};
    enum spira_code code = spira_health_start(&health, &process->health, err);
    if (code == SPIRA_OK)
        code = listen_for_health(process, err);
    return code == SPIRA_OK ? spira_lag_start(&lag, &process->lag, err) : code;
}

static enum spira_code run_loop(struct process *process, const struct spira_arguments *arguments,
                                struct spira_error *err)
{
    SPIRA_CLEANUP(spira_free_at)
    char *group = spira_format("%s%s", process->worker.topic_prefix, process->program->name);
    enum spira_code code = show(process, group, err);
    if (code != SPIRA_OK)
        return code;
    const struct spira_loop loop = {
        .worker = &process->worker,
        .handler = &process->handler,
        .metrics = &process->metrics,
        .health = process->health,
        .stop = spira_stop_signal_progress(),
        .group = group,
        .accept_gap = spira_argument(arguments, "accept-gap") != NULL,
        .once = spira_argument(arguments, "once") != NULL,
    };
    code = spira_loop_run(&loop, err);
    spira_lag_stop(&process->lag); /* it reads group */
    return code;
}

static int report(enum spira_code code, const struct spira_error *err)
{
    if (code == SPIRA_OK)
        return SPIRA_EXIT_SUCCESS;
    spira_log(SPIRA_LOG_ERROR, NULL, "%s", err->message);
    if (spira_code_kind(code) == SPIRA_KIND_BUG) {
        (void)spira_report(err);
        return SPIRA_EXIT_BUG;
    }
    return spira_report(err);
}

static int work(struct process *process, const struct spira_arguments *arguments)
{
    struct spira_error err;
    const struct spira_clock clock = process->worker.clock;
    if (spira_log_open(process->program->name, spira_setting(&process->settings, "log-level"),
                       clock, &err) != SPIRA_OK)
        return spira_report_usage(&err);
    spira_worker_metrics_init(&process->metrics, clock);
    spira_stop_signal_catch();
    signal(SIGPIPE, SIG_IGN);
    signal(SIGCHLD, SIG_DFL); /* whoever started us may ignore it: no child would have a status */
    enum spira_code code = prepare(process, &err);
    spira_log(SPIRA_LOG_INFO, NULL, "started %s %s", process->program->program, spira_version());
    const char *run = spira_argument(arguments, "run");
    if (code == SPIRA_OK)
        code = run ? spira_step_once(&process->worker, process->program->steps,
                                     process->program->step_count, run,
                                     spira_stop_signal_progress(), &err)
                   : run_loop(process, arguments, &err);
    int exit_code = report(code, &err);
    spira_log(SPIRA_LOG_INFO, NULL, "stopped");
    return exit_code;
}

static int run_worker(const struct spira_worker_program *program,
                      const struct spira_arguments *arguments)
{
    SPIRA_CLEANUP(process_done)
    struct process process = {.program = program, .scratch_lock = -1};
    struct spira_error err;
    /* Its environment and its memory hold credentials, which are nothing for a core file, nor for a
     * computation that a recording took over: as the same user it could read both in /proc. */
    if (!SPIRA_SANITIZED)
        prctl(PR_SET_DUMPABLE, 0);
    if (read_settings(&process, arguments, &err) != SPIRA_OK)
        return spira_report_usage(&err);
    return work(&process, arguments);
}

int spira_worker_main(const struct spira_worker_program *program, int argc, char *const *argv)
{
    if (argc == 3 && strcmp(argv[1], "--child") == 0)
        return spira_child_main(argv[2], program->steps, program->step_count, spira_wire_tools(1));
    SPIRA_CLEANUP(spira_free_at)
    char *example = spira_format(
        "KAFKA_BOOTSTRAP_SERVERS=127.0.0.1:9092 REDIS_URL=redis://127.0.0.1:6379/0 \\\n"
        "      SPIRA_STORE=store SPIRA_INBOX=inbox SPIRA_HTTP_PORT=8080 %s",
        program->program);
    const struct spira_verb verb = {
        .program = program->program,
        .sentence = program->sentence,
        .options = options,
        .details =
            "Takes one event after another until SIGTERM or SIGINT, which let the work under\n"
            "way checkpoint; a second signal ends at once. Waits for services that are not\n"
            "there. Logs JSON lines on stdout.\n",
        .example = example,
    };
    SPIRA_CLEANUP(spira_arguments_done)
    struct spira_arguments arguments = {0};
    struct spira_error err;
    if (spira_arguments_parse(&verb, argc - 1, argv + 1, &arguments, &err) != SPIRA_OK)
        return spira_report_usage(&err);
    if (arguments.help) {
        spira_help_verb(stdout, &verb);
        return SPIRA_EXIT_SUCCESS;
    }
    if (spira_argument(&arguments, "version")) {
        printf("%s %s\n", program->program, spira_version());
        return SPIRA_EXIT_SUCCESS;
    }
    return run_worker(program, &arguments);
}
