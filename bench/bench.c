/* spira-bench: answers each line "<name> <threads>" on stdin with one figure on stdout. */
#include "bench/bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MOST_REPEATS = 4096 };
static const double enough_seconds = 1.0;

double spira_bench_now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static int by_value(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

double spira_bench_median(spira_bench_work *work, void *context)
{
    static double seconds[MOST_REPEATS];
    size_t count = 0;
    work(context);
    for (double began = spira_bench_now();
         count < MOST_REPEATS && spira_bench_now() - began < enough_seconds; count++) {
        double start = spira_bench_now();
        work(context);
        seconds[count] = spira_bench_now() - start;
    }
    qsort(seconds, count, sizeof *seconds, by_value);
    return seconds[count / 2];
}

void spira_bench_stop(const char *message)
{
    fprintf(stderr, "spira-bench: %s\n", message);
    exit(1);
}

static const struct {
    const char *name;
    double (*measure)(size_t threads);
} benches[] = {
    {"features", spira_bench_features},       {"features_file", spira_bench_features_file},
    {"resample", spira_bench_resample},       {"train", spira_bench_train},
    {"train_v1", spira_bench_train_v1},       {"train_900", spira_bench_train_900},
    {"train_mel80", spira_bench_train_mel80}, {"infer", spira_bench_infer},
    {"infer_one", spira_bench_infer_one},     {"events", spira_bench_events},
};

int main(void)
{
    char name[32];
    size_t threads;
    while (scanf("%31s %zu", name, &threads) == 2) {
        size_t i = 0;
        while (i < sizeof benches / sizeof *benches && strcmp(benches[i].name, name) != 0)
            i++;
        if (i == sizeof benches / sizeof *benches || threads == 0)
            spira_bench_stop("no such measurement");
        printf("%.6g\n", benches[i].measure(threads));
        fflush(stdout);
    }
    return 0;
}
