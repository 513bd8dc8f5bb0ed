#include <criterion/criterion.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "adapters/json/json_config.h"
#include "cli/commands.h"
#include "cli/local_pipeline.h"
#include "core/base/file.h"

/* What the pipeline does in these tests: it ends as the test says. */
static struct play {
    const char *state; /* of the object it gives, or NULL: it fails with code */
    const char *message;
    enum spira_code code;
    int signal; /* comes while it runs */
    bool expect_job;
} play;

static void expect(bool holds)
{
    if (!holds)
        _exit(99);
}

static void check_job(const struct spira_local_job *job)
{
    expect(strcmp(job->csv, "a.csv") == 0 && strcmp(job->noise, "n.csv") == 0);
    expect(strcmp(job->root, "root") == 0 && strcmp(job->store, "store") == 0);
    expect(job->threads == 3);
    expect(job->config->train.epochs == 7);
    expect(job->config->seed == 12);
    expect(strcmp(job->config->publish_model, "other") == 0);
}

enum spira_code spira_local_pipeline(const struct spira_local_job *job,
                                     struct spira_value **ret_object, struct spira_error *err)
{
    if (play.expect_job)
        check_job(job);
    struct spira_progress progress = job->watch->begin(job->watch->self, "audio_intake");
    expect(!spira_progress_stop_wanted(progress));
    if (play.signal)
        raise(play.signal);
    expect(spira_progress_stop_wanted(progress) == (play.signal != 0));
    expect(spira_progress_stop_wanted(job->progress) == (play.signal != 0));
    job->watch->end(job->watch->self, "audio_intake", "succeeded", 1.5);
    if (!play.state)
        return spira_fail(err, play.code, "%s", play.message);
    struct spira_value *object = spira_value_map();
    spira_value_set_text(object, "run_id", "r1");
    spira_value_set_text(object, "state", play.state);
    if (play.message)
        spira_value_set_text(object, "message", play.message);
    struct spira_value *model = spira_value_set(object, "model", spira_value_map());
    spira_value_set_text(model, "path", "store/model.safetensors");
    struct spira_value *evaluation = spira_value_set(object, "evaluation", spira_value_map());
    spira_value_set_real(evaluation, "accuracy", 0.75);
    struct spira_value *steps = spira_value_set(object, "steps", spira_value_list());
    struct spira_value *step = spira_value_append(steps, spira_value_map());
    spira_value_set_text(step, "step", "audio_intake");
    spira_value_set_text(step, "status", "succeeded");
    spira_value_set_real(step, "seconds", 1.5);
    *ret_object = object;
    return SPIRA_OK;
}

/* What a call left. */
static struct outcome {
    int exit_code;
    struct spira_bytes out, err;
} outcome;

static void redirect(FILE *stream, const char *path)
{
    cr_assert_not_null(freopen(path, "w", stream));
}

/* Runs `spiractl local run` with the words (which end with NULL) in a folder of its own, where
 * run.json is a configuration. */
static void call(const char *const *words)
{
    static const char config[] = "{\"train\": {\"epochs\": 3}, \"seed\": 12}";
    struct spira_error err;
    char folder[] = "/tmp/spira-local-XXXXXX";
    cr_assert_not_null(mkdtemp(folder));
    cr_assert_eq(chdir(folder), 0);
    cr_assert_eq(spira_file_write("run.json", config, strlen(config), &err), SPIRA_OK);
    int count = 0;
    while (words[count])
        count++;
    pid_t child = fork();
    if (child == 0) {
        redirect(stdout, "out");
        redirect(stderr, "err");
        const struct spira_verb *verb = spira_local_noun.verbs[0];
        program_invocation_short_name = "spiractl"; /* as its messages begin */
        struct spira_arguments arguments;
        if (spira_arguments_parse(verb, count, (char *const *)words, &arguments, &err) != SPIRA_OK)
            _exit(98);
        int exit_code = verb->run(&arguments);
        spira_arguments_done(&arguments);
        fflush(NULL);
        _exit(exit_code);
    }
    int status = 0;
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert(WIFEXITED(status));
    outcome.exit_code = WEXITSTATUS(status);
    cr_assert_eq(spira_file_read("out", 1 << 16, &outcome.out, &err), SPIRA_OK);
    cr_assert_eq(spira_file_read("err", 1 << 16, &outcome.err, &err), SPIRA_OK);
    cr_assert_eq(spira_tree_remove(folder, &err), SPIRA_OK);
}

#define CALL(...)                                                                                  \
    call((const char *const[]){"--csv", "a.csv", "--root", "root", "--store", "store", "--config", \
                               __VA_ARGS__, NULL})

static void done(void)
{
    spira_bytes_done(&outcome.out);
    spira_bytes_done(&outcome.err);
}

/* That exit code, and one line on stderr that has the text; "" : nothing there. */
static void expect_end(int exit_code, const char *text)
{
    const char *err = outcome.err.data;
    cr_assert_eq(outcome.exit_code, exit_code, "exit code %d: %s", outcome.exit_code, err);
    if (!*text) {
        cr_assert_str_eq(err, "");
        return;
    }
    const char *newline = strchr(err, '\n');
    cr_assert(newline && !newline[1], "not one line: %s", err);
    cr_assert(strstr(err, text), "%s", err);
}

/* stdout is one JSON object with that state. */
static void expect_object(const char *state)
{
    struct spira_value *object = NULL;
    struct spira_error err;
    cr_assert_eq(spira_config_parse(spira_config_source_json(), "stdout", outcome.out.data,
                                    outcome.out.size, &object, &err),
                 SPIRA_OK, "%s", err.message);
    cr_assert_str_eq(spira_value_get_text(object, "state", ""), state);
    spira_value_free(object);
}

Test(local_command, the_command_line_becomes_the_job)
{
    play = (struct play){.state = "succeeded", .expect_job = true};
    CALL("run.json", "--noise", "n.csv", "--threads", "3", "--set", "train.epochs=7", "--set",
         "publish.model=other", "-o", "json");
    expect_end(0, "");
    expect_object("succeeded");
    done();
}

Test(local_command, a_run_that_failed_or_was_rejected_prints_its_object_all_the_same)
{
    static const struct {
        const char *state, *message, *line;
        int exit_code;
    } ends[] = {
        {"failed", "3 of 4 recordings are quarantined", "quarantined", 1},
        {"rejected", "accuracy is 0.5", "accuracy is 0.5", 4},
        {"rejected", NULL, "gate", 4},
        {"canceled", NULL, "canceled", 5},
    };
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        play = (struct play){.state = ends[i].state, .message = ends[i].message};
        CALL("run.json", "-o", "json");
        expect_end(ends[i].exit_code, ends[i].line);
        expect_object(ends[i].state);
        done();
    }
}

Test(local_command, any_other_end_is_one_line_and_its_code)
{
    static const struct {
        enum spira_code code;
        int exit_code;
    } ends[] = {{SPIRA_EIO, 1}, {SPIRA_EINVALID, 2}, {SPIRA_ENOTFOUND, 3}, {SPIRA_EDETERMINISM, 1}};
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        play = (struct play){.code = ends[i].code, .message = "x: No space left on device"};
        CALL("run.json", "-o", "json");
        expect_end(ends[i].exit_code, "spiractl: x: No space left on device\n");
        cr_assert_eq(outcome.out.size, (size_t)0);
        done();
    }
}

Test(local_command, a_signal_stops_the_run_and_says_that_it_can_go_on)
{
    static const int signals[] = {SIGINT, SIGTERM};
    for (size_t i = 0; i < 2; i++) {
        play =
            (struct play){.code = SPIRA_EINTERRUPTED, .message = "stopped", .signal = signals[i]};
        CALL("run.json", "-o", "json");
        expect_end(128 + signals[i], "running it again goes on");
        done();
    }
}

Test(local_command, people_get_a_table_and_a_line_for_each_step)
{
    play = (struct play){.state = "succeeded"};
    CALL("run.json");
    expect_end(0, "audio_intake: succeeded, 1.5 s\n");
    const char *out = outcome.out.data;
    cr_assert(strstr(out, "succeeded") && strstr(out, "0.7500") &&
                  strstr(out, "store/model.safetensors") &&
                  strstr(out, "audio_intake  succeeded      1.5\n"),
              "%s", out);
    done();
}

Test(local_command, a_wrong_configuration_ends_it_before_it_begins)
{
    play = (struct play){.state = "succeeded"};
    CALL("none.json", "-o", "json");
    expect_end(3, "none.json");
    done();
    CALL("run.json", "--set", "train.epoch=2");
    expect_end(2, "train.epoch");
    done();
    CALL("run.json", "--set", "train.epochs=many");
    expect_end(2, "train.epochs");
    done();
    CALL("run.json", "--set", "train.epochs");
    expect_end(2, "'train.epochs' is not key=value");
    done();
}
