#include "workers/common/loop/metric_registry.h"

#include <assert.h>
#include <math.h>
#include <pthread.h>
#include <stdbool.h>

struct series {
    struct series *next;
    char *labels[SPIRA_METRIC_LABELS_MAX];
    double value;                                  /* of a histogram: the sum */
    uint64_t counts[SPIRA_METRIC_BUCKETS_MAX + 1]; /* by bucket, the last one +Inf */
};

struct spira_metric {
    const struct spira_metric_description *description;
    struct spira_metric_registry *registry;
    struct spira_metric *next;
    struct series *series; /* in the order of their first values */
    size_t label_count;
};

struct spira_metric_registry {
    pthread_mutex_t lock;
    struct spira_metric *families;
};

struct spira_metric_registry *spira_metric_registry_new(void)
{
    struct spira_metric_registry *registry = spira_alloc(1, sizeof *registry);
    pthread_mutex_init(&registry->lock, NULL);
    return registry;
}

static void free_series(struct series *series)
{
    for (size_t i = 0; i < SPIRA_METRIC_LABELS_MAX; i++)
        free(series->labels[i]);
    free(series);
}

void spira_metric_registry_free(struct spira_metric_registry *registry)
{
    if (!registry)
        return;
    for (struct spira_metric *metric = registry->families, *next; metric; metric = next) {
        next = metric->next;
        for (struct series *series = metric->series, *after; series; series = after) {
            after = series->next;
            free_series(series);
        }
        free(metric);
    }
    pthread_mutex_destroy(&registry->lock);
    free(registry);
}

/* The pointer to the series with these labels, or where it would be hung. The lock is held. */
static struct series **place_of(struct spira_metric *metric, const char *const *labels)
{
    struct series **at = &metric->series;
    for (; *at; at = &(*at)->next) {
        size_t same = 0;
        while (same < metric->label_count && strcmp((*at)->labels[same], labels[same]) == 0)
            same++;
        if (same == metric->label_count)
            break;
    }
    return at;
}

static void check_labels(const struct spira_metric *metric, const char *const *labels)
{
    size_t count = 0;
    while (labels && labels[count])
        count++;
    assert(count == metric->label_count);
}

/* Takes the lock and finds the series, made where there is none. */
static struct series *lock_series(struct spira_metric *metric, const char *const *labels)
{
    check_labels(metric, labels);
    pthread_mutex_lock(&metric->registry->lock);
    struct series **at = place_of(metric, labels);
    if (!*at) {
        *at = spira_alloc(1, sizeof **at);
        for (size_t i = 0; i < metric->label_count; i++)
            (*at)->labels[i] = spira_copy_text(labels[i]);
    }
    return *at;
}

static void unlock(struct spira_metric *metric)
{
    pthread_mutex_unlock(&metric->registry->lock);
}

struct spira_metric *spira_metric_new(struct spira_metric_registry *registry,
                                      const struct spira_metric_description *description)
{
    assert(description->bucket_count <= SPIRA_METRIC_BUCKETS_MAX);
    struct spira_metric *metric = spira_alloc(1, sizeof *metric);
    metric->description = description;
    metric->registry = registry;
    while (description->labels[metric->label_count])
        metric->label_count++;
    pthread_mutex_lock(&registry->lock);
    struct spira_metric **at = &registry->families;
    for (; *at; at = &(*at)->next)
        assert(strcmp((*at)->description->name, description->name) != 0);
    *at = metric;
    pthread_mutex_unlock(&registry->lock);
    if (metric->label_count == 0) {
        lock_series(metric, NULL);
        unlock(metric);
    }
    return metric;
}

void spira_metric_add(struct spira_metric *metric, double amount, const char *const *labels)
{
    assert(metric->description->type != SPIRA_HISTOGRAM);
    assert(metric->description->type == SPIRA_GAUGE || amount >= 0);
    lock_series(metric, labels)->value += amount;
    unlock(metric);
}

void spira_metric_set(struct spira_metric *metric, double value, const char *const *labels)
{
    assert(metric->description->type != SPIRA_HISTOGRAM);
    lock_series(metric, labels)->value = value;
    unlock(metric);
}

void spira_metric_observe(struct spira_metric *metric, double value, const char *const *labels)
{
    const struct spira_metric_description *description = metric->description;
    assert(description->type == SPIRA_HISTOGRAM);
    size_t bucket = 0; /* a NaN is above every bound */
    while (bucket < description->bucket_count && !(value <= description->buckets[bucket]))
        bucket++;
    struct series *series = lock_series(metric, labels);
    series->value += value;
    series->counts[bucket]++;
    unlock(metric);
}

/* Backslash and line feed are escaped, in a label's value the quote too. */
static void write_escaped(const char *text, bool quoted, FILE *out)
{
    for (; *text; text++) {
        if (*text == '\n')
            fputs("\\n", out);
        else if (*text == '\\' || (quoted && *text == '"'))
            fprintf(out, "\\%c", *text);
        else
            fputc(*text, out);
    }
}

static void write_number(double number, FILE *out)
{
    if (isnan(number))
        fputs("NaN", out);
    else if (isinf(number))
        fputs(number > 0 ? "+Inf" : "-Inf", out);
    else
        fprintf(out, "%.15g", number);
}

/* One line; bound: NULL but for a bucket. */
static void write_sample(const struct spira_metric *metric, const struct series *series,
                         const char *suffix, const double *bound, double value, FILE *out)
{
    fprintf(out, "%s%s", metric->description->name, suffix);
    for (size_t i = 0; i < metric->label_count; i++) {
        fprintf(out, "%s%s=\"", i ? "," : "{", metric->description->labels[i]);
        write_escaped(series->labels[i], true, out);
        fputc('"', out);
    }
    if (bound) {
        fprintf(out, "%sle=\"", metric->label_count ? "," : "{");
        write_number(*bound, out);
        fputc('"', out);
    }
    fputs(bound || metric->label_count ? "} " : " ", out);
    write_number(value, out);
    fputc('\n', out);
}

static void write_histogram(const struct spira_metric *metric, const struct series *series,
                            FILE *out)
{
    const double infinite = INFINITY;
    uint64_t count = 0;
    for (size_t i = 0; i <= metric->description->bucket_count; i++) {
        bool last = i == metric->description->bucket_count;
        count += series->counts[i];
        write_sample(metric, series, "_bucket", last ? &infinite : &metric->description->buckets[i],
                     (double)count, out);
    }
    write_sample(metric, series, "_sum", NULL, series->value, out);
    write_sample(metric, series, "_count", NULL, (double)count, out);
}

static void write_family(const struct spira_metric *metric, FILE *out)
{
    static const char *const types[] = {
        [SPIRA_COUNTER] = "counter", [SPIRA_GAUGE] = "gauge", [SPIRA_HISTOGRAM] = "histogram"};
    const struct spira_metric_description *description = metric->description;
    fprintf(out, "# HELP %s ", description->name);
    write_escaped(description->help, false, out);
    fprintf(out, "\n# TYPE %s %s\n", description->name, types[description->type]);
    for (const struct series *series = metric->series; series; series = series->next)
        if (description->type == SPIRA_HISTOGRAM)
            write_histogram(metric, series, out);
        else
            write_sample(metric, series, "", NULL, series->value, out);
}

char *spira_metric_registry_text(struct spira_metric_registry *registry)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    if (out) {
        pthread_mutex_lock(&registry->lock);
        for (const struct spira_metric *metric = registry->families; metric; metric = metric->next)
            write_family(metric, out);
        pthread_mutex_unlock(&registry->lock);
        if (fclose(out) == 0)
            return text;
        free(text);
    }
    return spira_copy_text("");
}
