#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <semaphore.h>
#include <stdio.h>

#include "adapters/filesystem/object_store_filesystem.h"
#include "adapters/flaky/run_state_flaky.h"
#include "adapters/openssl/openssl_digest.h"
#include "tests/adapters/http/http_client.h"
#include "tests/workers/fixture.h"
#include "workers/common/log.h"
#include "workers/common/loop/health.h"
#include "workers/common/version.h"
#include "workers/common/wiring.h"

static struct fixture fixture;
static struct spira_worker_metrics metrics;
static struct spira_health *health;
static struct spira_http_server server;

enum { PROBE_EVERY_MS = 20 };

static void setup(void)
{
    fixture_init(&fixture);
    spira_worker_metrics_init(&metrics, fixture.worker.clock);
}

/* Starts what the tests look at; the fixture's ports may have been replaced before. */
static void start(void)
{
    struct spira_error err = {0};
    const struct spira_health_setup how = {.worker = &fixture.worker,
                                           .metrics = &metrics,
                                           .name = "model_training",
                                           .probe_every_ms = PROBE_EVERY_MS};
    cr_assert_eq(spira_health_start(&how, &health, &err), SPIRA_OK, "%s", err.message);
    cr_assert_eq(spira_wire_http(health, NULL, 0, &server, &err), SPIRA_OK, "%s", err.message);
}

static void teardown(void)
{
    spira_http_server_done(&server);
    spira_health_stop(&health);
    spira_worker_metrics_done(&metrics);
    fixture_done(&fixture);
}

TestSuite(health, .init = setup, .fini = teardown, .timeout = 60);

/* What path answers; freed by the caller. */
static char *get(const char *path)
{
    return http_get(spira_http_server_port(server), path);
}

static void check(const char *path, int status, const char *body)
{
    SPIRA_CLEANUP(spira_free_at)
    char *answer = get(path);
    cr_assert_eq(http_status(answer), status, "%s", answer);
    cr_assert_str_eq(http_body(answer), body);
}

/* Asks until path has this status and gives that answer; freed by the caller. */
static char *await(const char *path, int status)
{
    for (int i = 0; i < 1000; i++) {
        char *answer = get(path);
        if (http_status(answer) == status)
            return answer;
        free(answer);
        usleep(10000);
    }
    cr_assert(false, "%s never became %d", path, status);
    return NULL;
}

/* The JSON that follows an answer's headers; freed by the caller. */
static struct spira_value *json_of(const char *answer)
{
    struct spira_value *value = NULL;
    struct spira_error err = {0};
    const char *body = http_body(answer);
    cr_assert(strstr(answer, "Content-Type: application/json\r\n"), "%s", answer);
    cr_assert_eq(
        spira_config_parse(fixture.worker.tools.json, "answer", body, strlen(body), &value, &err),
        SPIRA_OK, "%s", err.message);
    return value;
}

/* What a readyz answer says of a dependency. */
static void check_dependency(const char *answer, const char *name, const char *expected)
{
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *value = json_of(answer);
    const struct spira_value *dependencies = spira_value_get(value, "dependencies");
    const char *said = spira_value_get_text(dependencies, name, "absent");
    cr_assert(strstr(said, expected), "%s: %s", name, said);
}

Test(health, it_lives_while_the_loop_beats)
{
    start();
    check("/livez", 200, "ok\n");
    spira_clock_memory_advance(&fixture.clock, 30000);
    check("/livez", 200, "ok\n");
    spira_clock_memory_advance(&fixture.clock, 12300);
    check("/livez", 503, "the worker's loop last went round 42.3 s ago; the limit is 30.0 s\n");
    spira_health_beat(health);
    check("/livez", 200, "ok\n");
    spira_clock_memory_set(&fixture.clock, 0); /* the wall clock is nothing to it */
    check("/livez", 200, "ok\n");
}

Test(health, it_is_ready_when_all_it_depends_on_answer)
{
    start();
    SPIRA_CLEANUP(spira_free_at)
    char *answer = await("/readyz", 200);
    cr_assert_str_eq(http_body(answer), "{\n  \"ready\": true,\n  \"dependencies\": {\n"
                                        "    \"event_bus\": \"ok\",\n"
                                        "    \"object_store\": \"ok\",\n"
                                        "    \"run_state\": \"ok\"\n  }\n}\n");
}

Test(health, a_port_the_worker_does_not_hold_is_no_dependency)
{
    spira_run_state_done(&fixture.worker.state);
    spira_event_bus_done(&fixture.worker.bus);
    start();
    SPIRA_CLEANUP(spira_free_at)
    char *answer = await("/readyz", 200);
    cr_assert(!strstr(answer, "run_state") && !strstr(answer, "event_bus"), "%s", answer);
}

Test(health, a_store_that_is_gone_is_named_until_it_is_back)
{
    struct spira_error err = {0};
    SPIRA_CLEANUP(spira_free_at)
    char *folder = spira_format("%s/store", fixture.folder);
    SPIRA_CLEANUP(spira_free_at)
    char *away = spira_format("%s/away", fixture.folder);
    spira_object_store_done(&fixture.worker.store);
    cr_assert_eq(
        spira_object_store_filesystem(folder, spira_digest_openssl(), &fixture.worker.store, &err),
        SPIRA_OK, "%s", err.message);
    start();
    free(await("/readyz", 200));
    cr_assert_eq(rename(folder, away), 0);
    SPIRA_CLEANUP(spira_free_at)
    char *answer = await("/readyz", 503);
    check_dependency(answer, "object_store", folder);
    check_dependency(answer, "event_bus", "ok");
    check_dependency(answer, "run_state", "ok");
    SPIRA_CLEANUP(spira_free_at)
    char *shown = get("/metrics");
    cr_assert(strstr(shown, "\nspira_dependency_up{dependency=\"object_store\"} 0\n"), "%s", shown);
    cr_assert(strstr(shown, "\nspira_dependency_up{dependency=\"event_bus\"} 1\n"), "%s", shown);
    check("/livez", 200, "ok\n"); /* a store is no part of being alive */
    cr_assert_eq(rename(away, folder), 0);
    free(await("/readyz", 200));
}

Test(health, each_change_of_a_dependency_is_logged_once)
{
    int lines = open("/tmp", O_TMPFILE | O_RDWR | O_APPEND | O_CLOEXEC, 0600);
    cr_assert_geq(lines, 0);
    cr_assert_eq(dup2(lines, STDOUT_FILENO), STDOUT_FILENO);
    struct spira_error err = {0};
    cr_assert_eq(spira_log_open("model_training", NULL, fixture.worker.clock, &err), SPIRA_OK);
    enum { FAILURES = 30 };
    enum spira_code codes[2 + FAILURES] = {SPIRA_OK, SPIRA_OK};
    for (size_t i = 2; i < 2 + FAILURES; i++)
        codes[i] = SPIRA_EUNREACHABLE;
    struct spira_flaky_script script = {
        .operation = "probe", .codes = codes, .count = 2 + FAILURES};
    fixture.worker.state = spira_run_state_flaky(fixture.worker.state, &script, 1);
    start();
    free(await("/readyz", 200));
    SPIRA_CLEANUP(spira_free_at)
    char *answer = await("/readyz", 503);
    check_dependency(answer, "run_state", "probe");
    free(await("/readyz", 200));
    char text[4096] = "";
    cr_assert_geq(pread(lines, text, sizeof text - 1, 0), 0);
    const char *down = strstr(text, "\"level\":\"warning\""), *up = strstr(text, "answers again");
    cr_assert(down && up && down < up, "%s", text);
    size_t count = 0;
    for (const char *at = text; *at; at++)
        count += *at == '\n';
    cr_assert_eq(count, 2, "%s", text);
}

/* A bus whose probe hangs until it is let go, as one does on a frozen broker. */
static sem_t asked, let_go;

static enum spira_code hang(void *self, struct spira_error *err)
{
    (void)self, (void)err;
    sem_post(&asked);
    while (sem_wait(&let_go) != 0) {
    }
    return SPIRA_OK;
}

static void close_nothing(void *self)
{
    (void)self;
}

Test(health, a_probe_that_hangs_is_no_answer_and_hides_no_other)
{
    static const struct spira_event_bus_ops ops = {.probe = hang, .close = close_nothing};
    cr_assert(sem_init(&asked, 0, 0) == 0 && sem_init(&let_go, 0, 0) == 0);
    spira_event_bus_done(&fixture.worker.bus);
    fixture.worker.bus = (struct spira_event_bus){.ops = &ops};
    start();
    cr_assert_eq(sem_wait(&asked), 0);
    SPIRA_CLEANUP(spira_free_at)
    char *never = await("/readyz", 503);
    check_dependency(never, "event_bus", "has not answered yet");
    cr_assert_eq(sem_post(&let_go), 0);
    cr_assert_eq(sem_wait(&asked), 0); /* it answered once and hangs again */
    free(await("/readyz", 200));
    spira_clock_memory_advance(&fixture.clock, 7000);
    usleep(5 * PROBE_EVERY_MS * 1000); /* the others answer anew */
    SPIRA_CLEANUP(spira_free_at)
    char *stale = await("/readyz", 503);
    check_dependency(stale, "event_bus", "has not answered for 7 s");
    check_dependency(stale, "object_store", "ok");
    check_dependency(stale, "run_state", "ok");
    for (int i = 0; i < 1000; i++) /* for the end, which waits for the probe */
        cr_assert_eq(sem_post(&let_go), 0);
}

Test(health, metrics_are_those_of_the_worker)
{
    start();
    spira_metric_add(metrics.messages, 3, SPIRA_LABELS("spira.run.requested", "done"));
    SPIRA_CLEANUP(spira_free_at)
    char *answer = get("/metrics");
    cr_assert_eq(http_status(answer), 200);
    cr_assert(strstr(answer, "Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n"), "%s",
              answer);
    cr_assert(strstr(answer,
                     "\nspira_messages_total{topic=\"spira.run.requested\",outcome=\"done\"} 3\n"),
              "%s", answer);
}

Test(health, version_names_the_worker_and_its_build)
{
    start();
    SPIRA_CLEANUP(spira_free_at)
    char *answer = get("/version");
    cr_assert_eq(http_status(answer), 200);
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *value = json_of(answer);
    cr_assert_str_eq(spira_value_get_text(value, "name", ""), "model_training");
    cr_assert_str_eq(spira_value_get_text(value, "version", ""), spira_version());
    cr_assert(spira_value_get_text(value, "commit", NULL));
}

Test(health, there_is_nothing_else)
{
    start();
    check("/healthz", 404, "no such path\n");
    check("/", 404, "no such path\n");
}
