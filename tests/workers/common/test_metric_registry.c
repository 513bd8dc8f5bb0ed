#include <criterion/criterion.h>
#include <math.h>
#include <pthread.h>

#include "workers/common/loop/metric_registry.h"

static struct spira_metric_registry *registry;

static void setup(void)
{
    registry = spira_metric_registry_new();
}

static void teardown(void)
{
    spira_metric_registry_free(registry);
}

TestSuite(metric_registry, .init = setup, .fini = teardown);

static const struct spira_metric_description taken = {
    .name = "taken_total", .help = "Taken.", .type = SPIRA_COUNTER, .labels = {"topic", "outcome"}};
static const struct spira_metric_description busy = {
    .name = "busy", .help = "Busy.", .type = SPIRA_GAUGE};
static const double bounds[] = {0.01, 1, 3600};
static const struct spira_metric_description took = {.name = "took_seconds",
                                                     .help = "Time.",
                                                     .type = SPIRA_HISTOGRAM,
                                                     .labels = {"step"},
                                                     .buckets = bounds,
                                                     .bucket_count = 3};
static const struct spira_metric_description whole = {.name = "whole_seconds",
                                                      .help = "Time.",
                                                      .type = SPIRA_HISTOGRAM,
                                                      .buckets = bounds,
                                                      .bucket_count = 1};

static void check_text(const char *expected)
{
    SPIRA_CLEANUP(spira_free_at)
    char *text = spira_metric_registry_text(registry);
    cr_assert_str_eq(text, expected);
}

Test(metric_registry, an_empty_one_shows_nothing)
{
    check_text("");
}

Test(metric_registry, a_family_without_labels_begins_at_zero_and_one_with_labels_empty)
{
    spira_metric_new(registry, &taken);
    spira_metric_new(registry, &busy);
    spira_metric_new(registry, &whole);
    check_text("# HELP taken_total Taken.\n# TYPE taken_total counter\n"
               "# HELP busy Busy.\n# TYPE busy gauge\nbusy 0\n"
               "# HELP whole_seconds Time.\n# TYPE whole_seconds histogram\n"
               "whole_seconds_bucket{le=\"0.01\"} 0\nwhole_seconds_bucket{le=\"+Inf\"} 0\n"
               "whole_seconds_sum 0\nwhole_seconds_count 0\n");
}

Test(metric_registry, a_counter_adds_up_by_its_labels)
{
    struct spira_metric *metric = spira_metric_new(registry, &taken);
    spira_metric_add(metric, 1, SPIRA_LABELS("a", "done"));
    spira_metric_add(metric, 1, SPIRA_LABELS("b", "done"));
    spira_metric_add(metric, 0.5, SPIRA_LABELS("a", "done"));
    spira_metric_add(metric, 0, SPIRA_LABELS("a", "parked"));
    spira_metric_set(metric, 1e9 + 1, SPIRA_LABELS("b", "done"));
    check_text("# HELP taken_total Taken.\n# TYPE taken_total counter\n"
               "taken_total{topic=\"a\",outcome=\"done\"} 1.5\n"
               "taken_total{topic=\"b\",outcome=\"done\"} 1000000001\n"
               "taken_total{topic=\"a\",outcome=\"parked\"} 0\n");
}

Test(metric_registry, a_gauge_goes_up_and_down_and_may_be_no_number)
{
    static const struct {
        double value;
        const char *shown;
    } cases[] = {{-2.5, "-2.5"},
                 {1772366400.123, "1772366400.123"},
                 {1e-7, "1e-07"},
                 {NAN, "NaN"},
                 {INFINITY, "+Inf"},
                 {-INFINITY, "-Inf"},
                 {4294967296.0, "4294967296"}};
    struct spira_metric *metric = spira_metric_new(registry, &busy);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        spira_metric_set(metric, cases[i].value, NULL);
        SPIRA_CLEANUP(spira_free_at)
        char *expected =
            spira_format("# HELP busy Busy.\n# TYPE busy gauge\nbusy %s\n", cases[i].shown);
        check_text(expected);
    }
    spira_metric_set(metric, 3, NULL);
    spira_metric_add(metric, -1, NULL);
    check_text("# HELP busy Busy.\n# TYPE busy gauge\nbusy 2\n");
}

Test(metric_registry, buckets_count_what_is_at_most_their_bound)
{
    struct spira_metric *metric = spira_metric_new(registry, &took);
    static const double seconds[] = {0, 0.01, 0.5, 1, 1.5, 3600, 5000};
    for (size_t i = 0; i < sizeof seconds / sizeof *seconds; i++)
        spira_metric_observe(metric, seconds[i], SPIRA_LABELS("train"));
    check_text("# HELP took_seconds Time.\n# TYPE took_seconds histogram\n"
               "took_seconds_bucket{step=\"train\",le=\"0.01\"} 2\n"
               "took_seconds_bucket{step=\"train\",le=\"1\"} 4\n"
               "took_seconds_bucket{step=\"train\",le=\"3600\"} 6\n"
               "took_seconds_bucket{step=\"train\",le=\"+Inf\"} 7\n"
               "took_seconds_sum{step=\"train\"} 8603.01\n"
               "took_seconds_count{step=\"train\"} 7\n");
}

Test(metric_registry, what_is_no_number_is_counted_above_every_bound)
{
    struct spira_metric *metric = spira_metric_new(registry, &whole);
    spira_metric_observe(metric, NAN, NULL);
    check_text("# HELP whole_seconds Time.\n# TYPE whole_seconds histogram\n"
               "whole_seconds_bucket{le=\"0.01\"} 0\nwhole_seconds_bucket{le=\"+Inf\"} 1\n"
               "whole_seconds_sum NaN\nwhole_seconds_count 1\n");
}

Test(metric_registry, signs_of_the_format_are_escaped)
{
    static const struct spira_metric_description odd = {
        .name = "odd", .help = "a\\b\n\"c\"", .type = SPIRA_GAUGE, .labels = {"text"}};
    spira_metric_set(spira_metric_new(registry, &odd), 1, SPIRA_LABELS("a\\b\n\"c\" \xc3\xa9"));
    check_text("# HELP odd a\\\\b\\n\"c\"\n# TYPE odd gauge\n"
               "odd{text=\"a\\\\b\\n\\\"c\\\" \xc3\xa9\"} 1\n");
}

enum { THREADS = 4, TIMES = 20000 };

static struct spira_metric *shared[3];

static void *measure_often(void *name)
{
    for (size_t i = 0; i < TIMES; i++) {
        spira_metric_add(shared[0], 1, SPIRA_LABELS(i % 2 ? "odd" : "even", name));
        spira_metric_observe(shared[1], 0.5, SPIRA_LABELS("train"));
        if (i % 1000 == 0)
            free(spira_metric_registry_text(registry));
    }
    return NULL;
}

Test(metric_registry, nothing_is_lost_between_threads)
{
    shared[0] = spira_metric_new(registry, &taken);
    shared[1] = spira_metric_new(registry, &took);
    shared[2] = spira_metric_new(registry, &busy);
    static char *names[THREADS] = {"1", "2", "1", "2"};
    pthread_t threads[THREADS];
    for (size_t i = 0; i < THREADS; i++)
        cr_assert_eq(pthread_create(&threads[i], NULL, measure_often, names[i]), 0);
    for (size_t i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    SPIRA_CLEANUP(spira_free_at)
    char *text = spira_metric_registry_text(registry);
    cr_assert(strstr(text, "taken_total{topic=\"odd\",outcome=\"2\"} 20000\n"), "%s", text);
    cr_assert(strstr(text, "took_seconds_count{step=\"train\"} 80000\n"), "%s", text);
}
