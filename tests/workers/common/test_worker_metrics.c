#include <criterion/criterion.h>
#include <sys/wait.h>
#include <unistd.h>

#include "adapters/memory/clock_memory.h"
#include "workers/common/loop/worker_metrics.h"
#include "workers/common/version.h"

static struct spira_worker_metrics metrics;

static void setup(void)
{
    static struct spira_clock_memory time;
    spira_worker_metrics_init(&metrics, spira_clock_memory_init(&time, 1772366400123));
}

static void teardown(void)
{
    spira_worker_metrics_done(&metrics);
}

TestSuite(worker_metrics, .init = setup, .fini = teardown);

/* A value for every family. */
static void fill(void)
{
    spira_metric_add(metrics.messages, 1, SPIRA_LABELS("spira.features.requested", "done"));
    spira_metric_observe(metrics.step_seconds, 12.5, SPIRA_LABELS("model_training", "succeeded"));
    spira_metric_set(metrics.busy, 1, NULL);
    spira_worker_metrics_lag(&metrics, "spira.features.requested", 3, 17, 4.25);
    spira_metric_add(metrics.retries, 1, SPIRA_LABELS("transient"));
    spira_metric_add(metrics.dead_letters, 1, SPIRA_LABELS("spira.run.requested", "invalid"));
    spira_metric_add(metrics.child_attempts, 1, SPIRA_LABELS("model_training", "killed"));
    spira_metric_set(metrics.dependency_up, 1, SPIRA_LABELS("event_bus"));
}

/* The value behind "<series> "; fails when there is no such line. */
static double value_of(const char *text, const char *series)
{
    SPIRA_CLEANUP(spira_free_at)
    char *start = spira_format("\n%s ", series);
    const char *line = strstr(text, start);
    cr_assert(line, "no %s in\n%s", series, text);
    return strtod(line + strlen(start), NULL);
}

Test(worker_metrics, promtool_finds_nothing_to_complain_about)
{
    fill();
    SPIRA_CLEANUP(spira_free_at)
    char *text = spira_worker_metrics_text(&metrics);
    FILE *promtool = popen("promtool check metrics 2>&1", "w");
    cr_assert(promtool);
    fputs(text, promtool);
    int status = pclose(promtool);
    cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0, "promtool says %d of\n%s",
              WEXITSTATUS(status), text);
}

Test(worker_metrics, every_family_is_shown)
{
    fill();
    SPIRA_CLEANUP(spira_free_at)
    char *text = spira_worker_metrics_text(&metrics);
    cr_assert_eq(
        value_of(text, "spira_messages_total{topic=\"spira.features.requested\",outcome=\"done\"}"),
        1);
    cr_assert_eq(value_of(text, "spira_step_seconds_bucket{step=\"model_training\","
                                "status=\"succeeded\",le=\"10\"}"),
                 0);
    cr_assert_eq(value_of(text, "spira_step_seconds_bucket{step=\"model_training\","
                                "status=\"succeeded\",le=\"3600\"}"),
                 1);
    cr_assert_eq(value_of(text, "spira_busy"), 1);
    cr_assert_eq(value_of(text, "spira_retries_total{kind=\"transient\"}"), 1);
    cr_assert_eq(
        value_of(text,
                 "spira_dead_letters_total{topic=\"spira.run.requested\",reason=\"invalid\"}"),
        1);
    cr_assert_eq(value_of(text, "spira_child_attempts_total{step=\"model_training\","
                                "outcome=\"killed\"}"),
                 1);
    cr_assert_eq(value_of(text, "spira_dependency_up{dependency=\"event_bus\"}"), 1);
    SPIRA_CLEANUP(spira_free_at)
    char *build = spira_format("spira_build_info{version=\"%s\"}", spira_version());
    cr_assert_eq(value_of(text, build), 1);
}

Test(worker_metrics, the_process_shows_its_start_its_memory_and_its_time)
{
    SPIRA_CLEANUP(spira_free_at)
    char *before = spira_worker_metrics_text(&metrics);
    cr_assert_float_eq(value_of(before, "process_start_time_seconds"), 1772366400.123, 1e-3);
    double resident = value_of(before, "process_resident_memory_bytes");
    double cpu = value_of(before, "process_cpu_seconds_total");
    enum { SIZE = 64 << 20 };
    char *filled = spira_alloc(SIZE, 1);
    for (int pass = 0; pass < 4; pass++)
        for (size_t i = 0; i < SIZE; i += 512)
            ((volatile char *)filled)[i]++;
    SPIRA_CLEANUP(spira_free_at)
    char *after = spira_worker_metrics_text(&metrics);
    free(filled);
    cr_assert_gt(resident, 1e6);
    cr_assert_gt(value_of(after, "process_resident_memory_bytes"), resident + 50e6);
    cr_assert_gt(value_of(after, "process_cpu_seconds_total"), cpu);
}
