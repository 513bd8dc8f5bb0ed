/* metrics.safetensors: the metrics and the ROC curve of scored recordings, and the learning rates
 * of the Noam schedule. */
#include "core/evaluation/metrics.h"
#include "core/evaluation/roc.h"
#include "core/training/schedule.h"
#include "tests/golden/golden_kinds.h"

#define TOLERANCE 1e-9

/* The threshold the file says, "score >= 0.5 is positive"; 0.5 where it says none. */
static double read_threshold(struct golden_file *file)
{
    double threshold = 0.5;
    const char *text = spira_value_get_text(file->content.metadata, "threshold", NULL);
    if (text && sscanf(text, "score >= %lf", &threshold) != 1)
        golden_fail(file, "metadata 'threshold': '%s' is not understood", text);
    return threshold;
}

/* Gives the file's recordings, NULL after a line of failure. Free with free(). */
static struct spira_scored *read_scored(struct golden_file *file, size_t *ret_count)
{
    const struct spira_tensor *labels = golden_input(file, "labels", SPIRA_I64);
    const struct spira_tensor *scores = golden_input(file, "scores", SPIRA_F64);
    if (!labels || !scores)
        return NULL;
    size_t count = spira_tensor_elements(labels);
    if (spira_tensor_elements(scores) != count) {
        golden_fail(file, "scores: %zu where there are %zu labels", spira_tensor_elements(scores),
                    count);
        return NULL;
    }
    struct spira_scored *scored = spira_alloc(count, sizeof *scored);
    for (size_t i = 0; i < count; i++)
        scored[i] = (struct spira_scored){.positive = golden_element(labels, i) == 1,
                                          .score = golden_element(scores, i)};
    *ret_count = count;
    return scored;
}

static void compare_value(struct golden_file *file, const char *name, double ours)
{
    SPIRA_CLEANUP(spira_free_at)
    char *tensor = spira_format("metric.%s", name);
    golden_compare_doubles(file, tensor, &ours, 1, TOLERANCE, GOLDEN_ABSOLUTE);
}

static void check_metrics(struct golden_file *file, const struct spira_scored *scored, size_t count)
{
    double threshold = read_threshold(file);
    struct spira_confusion confusion = spira_confusion_at(scored, count, threshold);
    compare_value(file, "tp", (double)confusion.tp);
    compare_value(file, "fp", (double)confusion.fp);
    compare_value(file, "tn", (double)confusion.tn);
    compare_value(file, "fn", (double)confusion.fn);
    for (const struct spira_metric *metric = spira_metrics; metric->name; metric++) {
        /* The reference framework calls sensitivity recall. */
        bool recall = strcmp(metric->name, "sensitivity") == 0 &&
                      !spira_tensor_find(&file->content, "metric.sensitivity");
        compare_value(file, recall ? "recall" : metric->name,
                      spira_metric_compute(metric, scored, count, threshold));
    }
    SPIRA_CLEANUP(spira_roc_done)
    struct spira_roc roc = spira_roc_curve(scored, count);
    golden_compare_doubles(file, "roc.fpr", roc.fpr, roc.count, TOLERANCE, GOLDEN_ABSOLUTE);
    golden_compare_doubles(file, "roc.tpr", roc.tpr, roc.count, TOLERANCE, GOLDEN_ABSOLUTE);
}

/* noam.base1e-3.warm500: the learning rates of steps 1, 2, ... */
static void check_noam(struct golden_file *file, const struct spira_tensor *rates)
{
    double base = 0;
    size_t warmup = 0, count = spira_tensor_elements(rates);
    int length = 0;
    if (sscanf(rates->name, "noam.base%lf.warm%zu%n", &base, &warmup, &length) != 2 ||
        (size_t)length != strlen(rates->name) || warmup < 1) {
        golden_fail(file, "%s: says no base and warmup", rates->name);
        return;
    }
    SPIRA_CLEANUP(spira_free_at)
    double *ours = spira_alloc(count, sizeof *ours);
    for (size_t i = 0; i < count; i++)
        ours[i] = spira_noam_rate(base, warmup, i + 1);
    golden_compare_doubles(file, rates->name, ours, count, TOLERANCE, GOLDEN_ABSOLUTE);
}

void golden_check_metrics(struct golden_file *file)
{
    size_t count = 0;
    SPIRA_CLEANUP(spira_free_at)
    struct spira_scored *scored = read_scored(file, &count);
    if (scored)
        check_metrics(file, scored, count);
    size_t schedules = 0;
    for (size_t i = 0; i < file->content.count; i++)
        if (strncmp(file->content.tensors[i].name, "noam.", strlen("noam.")) == 0) {
            check_noam(file, &file->content.tensors[i]);
            schedules++;
        }
    if (schedules == 0)
        golden_fail(file, "noam.*: missing");
}
