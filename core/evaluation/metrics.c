#include "core/evaluation/metrics.h"

#include <math.h>

#include "core/evaluation/roc.h"

/* part / whole; 0 of nothing is 0, as in scikit-learn. */
static double share(size_t part, size_t whole)
{
    return whole ? (double)part / (double)whole : 0;
}

static double accuracy(const struct spira_judged *j)
{
    return share(j->confusion.tp + j->confusion.tn, j->count);
}

static double sensitivity(const struct spira_judged *j)
{
    return share(j->confusion.tp, j->positives);
}

static double specificity(const struct spira_judged *j)
{
    return share(j->confusion.tn, j->negatives);
}

static double balanced_accuracy(const struct spira_judged *j)
{
    return (sensitivity(j) + specificity(j)) / 2;
}

static double precision(const struct spira_judged *j)
{
    return share(j->confusion.tp, j->confusion.tp + j->confusion.fp);
}

static double f1(const struct spira_judged *j)
{
    return share(2 * j->confusion.tp, 2 * j->confusion.tp + j->confusion.fp + j->confusion.fn);
}

/* Matthews, "Comparison of the predicted and observed secondary structure of T4 phage lysozyme",
 * 1975: the correlation of label and verdict. 0 when every verdict is the same. */
static double mcc(const struct spira_judged *j)
{
    double tp = (double)j->confusion.tp, fp = (double)j->confusion.fp;
    double tn = (double)j->confusion.tn, fn = (double)j->confusion.fn;
    double spread = sqrt(tp + fp) * sqrt(tp + fn) * sqrt(tn + fp) * sqrt(tn + fn);
    return spread > 0 ? (tp * tn - fp * fn) / spread : 0;
}

/* The share of (positive, negative) pairs in which the positive scores higher, ties half: the area
 * under the ROC curve by trapezoids, one per cut. Counts keep it exact. */
static double roc_auc(const struct spira_judged *j)
{
    size_t cut_count;
    SPIRA_CLEANUP(spira_free_at)
    struct spira_cut *cuts = spira_roc_cuts(j->scored, j->count, &cut_count);
    double twice_area = 0;
    struct spira_cut before = {0};
    for (size_t i = 0; i < cut_count; i++) {
        twice_area += (double)(cuts[i].fp - before.fp) * (double)(cuts[i].tp + before.tp);
        before = cuts[i];
    }
    return twice_area / (2 * (double)j->positives * (double)j->negatives);
}

/* The sum over cuts of (gain in recall) * precision, without interpolation. */
static double average_precision(const struct spira_judged *j)
{
    size_t cut_count;
    SPIRA_CLEANUP(spira_free_at)
    struct spira_cut *cuts = spira_roc_cuts(j->scored, j->count, &cut_count);
    double sum = 0;
    size_t tp_before = 0;
    for (size_t i = 0; i < cut_count; i++) {
        sum += (double)(cuts[i].tp - tp_before) * share(cuts[i].tp, cuts[i].tp + cuts[i].fp);
        tp_before = cuts[i].tp;
    }
    return sum / (double)j->positives;
}

/* Brier, "Verification of forecasts expressed in terms of probability", 1950. */
static double brier(const struct spira_judged *j)
{
    double sum = 0;
    for (size_t i = 0; i < j->count; i++) {
        double error = j->scored[i].score - (j->scored[i].positive ? 1 : 0);
        sum += error * error;
    }
    return sum / (double)j->count;
}

static double log_loss(const struct spira_judged *j)
{
    double sum = 0;
    for (size_t i = 0; i < j->count; i++) {
        double score = fmin(fmax(j->scored[i].score, SPIRA_LOG_LOSS_CLIP), 1 - SPIRA_LOG_LOSS_CLIP);
        sum -= j->scored[i].positive ? log(score) : log1p(-score);
    }
    return sum / (double)j->count;
}

const struct spira_metric spira_metrics[] = {
    {"accuracy", "share of the recordings called right", false, false, false, accuracy},
    {"balanced_accuracy", "mean of sensitivity and specificity", true, true, false,
     balanced_accuracy},
    {"sensitivity", "share of the patients called positive", true, false, false, sensitivity},
    {"specificity", "share of the controls called negative", false, true, false, specificity},
    {"precision", "share of those called positive who are patients", true, false, false, precision},
    {"f1", "harmonic mean of precision and sensitivity", true, false, false, f1},
    {"mcc", "correlation of label and verdict, from -1 to 1", true, true, false, mcc},
    {"roc_auc", "chance that a patient scores above a control", true, true, false, roc_auc},
    {"average_precision", "precision averaged over the sensitivities", true, false, false,
     average_precision},
    {"brier", "mean squared error of the score; lower is better", false, false, true, brier},
    {"log_loss", "mean negative log-likelihood; lower is better", false, false, true, log_loss},
    {0}};

const struct spira_metric *spira_metric_find(const char *name)
{
    for (const struct spira_metric *metric = spira_metrics; metric->name; metric++)
        if (strcmp(metric->name, name) == 0)
            return metric;
    return NULL;
}

double spira_metric_compute(const struct spira_metric *metric, const struct spira_scored *scored,
                            size_t count, double threshold)
{
    struct spira_judged judged = {scored, count, spira_confusion_at(scored, count, threshold), 0,
                                  0};
    judged.positives = judged.confusion.tp + judged.confusion.fn;
    judged.negatives = count - judged.positives;
    if (count == 0 || (metric->needs_positives && judged.positives == 0) ||
        (metric->needs_negatives && judged.negatives == 0))
        return NAN;
    return metric->compute(&judged);
}

struct spira_value *spira_metrics_write(const struct spira_scored *scored, size_t count,
                                        double threshold)
{
    struct spira_value *metrics = spira_value_map();
    for (const struct spira_metric *metric = spira_metrics; metric->name; metric++)
        spira_value_set_real(metrics, metric->name,
                             spira_metric_compute(metric, scored, count, threshold));
    return metrics;
}
