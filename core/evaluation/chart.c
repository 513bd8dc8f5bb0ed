#include "core/evaluation/chart.h"

#include <math.h>

enum { WIDTH = 480, HEIGHT = 330, BINS = 20 };

/* Where a chart draws, in SVG units, and the values its edges stand for. */
struct plot {
    double left, top, right, bottom;
    double x_min, x_max, y_min, y_max;
};

static double x_at(const struct plot *plot, double x)
{
    return plot->left +
           (x - plot->x_min) / (plot->x_max - plot->x_min) * (plot->right - plot->left);
}

static double y_at(const struct plot *plot, double y)
{
    return plot->bottom -
           (y - plot->y_min) / (plot->y_max - plot->y_min) * (plot->bottom - plot->top);
}

static void open_chart(const char *description, FILE *out)
{
    fprintf(out, "<svg viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"%s\">\n", WIDTH, HEIGHT,
            description);
}

static void close_chart(FILE *out)
{
    fputs("</svg>\n", out);
}

static void line(const char *class, double x1, double y1, double x2, double y2, FILE *out)
{
    fprintf(out, "<line class=\"%s\" x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\"/>\n", class,
            x1, y1, x2, y2);
}

static void label(const char *anchor, double x, double y, const char *text, FILE *out)
{
    fprintf(out, "<text text-anchor=\"%s\" x=\"%.1f\" y=\"%.1f\">%s</text>\n", anchor, x, y, text);
}

/* A round step (1, 2 or 5 times a power of ten) that cuts range into at most most parts. */
static double round_step(double range, double most)
{
    double power = pow(10, floor(log10(range / most)));
    double steps[] = {1, 2, 5, 10};
    for (size_t i = 0; i < 3; i++)
        if (range / (steps[i] * power) <= most)
            return steps[i] * power;
    return 10 * power;
}

static void x_axis(const struct plot *plot, double step, const char *title, FILE *out)
{
    char text[32];
    line("axis", plot->left, plot->bottom, plot->right, plot->bottom, out);
    long first = lround(ceil(plot->x_min / step)), last = lround(floor(plot->x_max / step + 1e-3));
    for (long tick = first; tick <= last; tick++) {
        double x = (double)tick * step;
        snprintf(text, sizeof text, "%.4g", x);
        label("middle", x_at(plot, x), plot->bottom + 17, text, out);
    }
    label("middle", (plot->left + plot->right) / 2, plot->bottom + 36, title, out);
}

static void y_axis(const struct plot *plot, double step, const char *title, FILE *out)
{
    char text[32];
    long last = lround(floor((plot->y_max - plot->y_min) / step + 1e-3));
    for (long tick = 0; tick <= last; tick++) {
        double y = plot->y_min + (double)tick * step;
        line("grid", plot->left, y_at(plot, y), plot->right, y_at(plot, y), out);
        snprintf(text, sizeof text, "%.4g", y);
        label("end", plot->left - 8, y_at(plot, y) + 4, text, out);
    }
    fprintf(
        out,
        "<text text-anchor=\"middle\" transform=\"translate(%.1f %.1f) rotate(-90)\">%s</text>\n",
        plot->left - 44, (plot->top + plot->bottom) / 2, title);
}

static double part(int64_t part_count, int64_t other_count)
{
    return (double)part_count / (double)(part_count + other_count);
}

/* Where the threshold works: a dot on the curve. */
static void operating_point(const struct plot *plot, const struct spira_value *evaluation,
                            FILE *out)
{
    const struct spira_value *confusion = spira_value_get(evaluation, "confusion");
    double x = x_at(plot, part(spira_value_get_int(confusion, "fp", 0),
                               spira_value_get_int(confusion, "tn", 0)));
    double y = y_at(plot, part(spira_value_get_int(confusion, "tp", 0),
                               spira_value_get_int(confusion, "fn", 0)));
    char text[64];
    snprintf(text, sizeof text, "threshold %.3g", spira_value_get_real(evaluation, "threshold", 0));
    fprintf(out, "<circle class=\"point\" cx=\"%.1f\" cy=\"%.1f\" r=\"5\"/>\n", x, y);
    label("start", x + 10, y + 17, text, out);
}

/* The curve, or the area between it and the axis. */
static void roc_line(const struct plot *plot, const struct spira_value *evaluation,
                     const char *class, FILE *out)
{
    const struct spira_value *fpr = spira_value_find(evaluation, "roc.fpr");
    const struct spira_value *tpr = spira_value_find(evaluation, "roc.tpr");
    fprintf(out, "<polyline class=\"%s\" points=\"", class);
    for (size_t i = 0; i < spira_value_count(fpr); i++)
        fprintf(out, "%.1f,%.1f ", x_at(plot, spira_value_as_real(spira_value_at(fpr, i), 0)),
                y_at(plot, spira_value_as_real(spira_value_at(tpr, i), 0)));
    if (strcmp(class, "area") == 0)
        fprintf(out, "%.1f,%.1f", plot->right, plot->bottom);
    fputs("\"/>\n", out);
}

void spira_chart_roc(const struct spira_value *evaluation, FILE *out)
{
    struct plot plot = {110, 12, 380, 282, 0, 1, 0, 1};
    if (spira_value_count(spira_value_find(evaluation, "roc.fpr")) == 0) {
        fputs("<p class=\"note\">Not defined: one of the two classes is absent.</p>\n", out);
        return;
    }
    open_chart("ROC curve: sensitivity over one minus specificity", out);
    roc_line(&plot, evaluation, "area", out);
    y_axis(&plot, 0.25, "sensitivity", out);
    x_axis(&plot, 0.25, "1 \xe2\x88\x92 specificity", out);
    line("chance", plot.left, plot.bottom, plot.right, plot.top, out);
    roc_line(&plot, evaluation, "curve", out);
    operating_point(&plot, evaluation, out);
    fprintf(out,
            "<text class=\"strong\" text-anchor=\"end\" x=\"%.1f\" y=\"%.1f\">AUC %.3f</text>\n",
            plot.right - 10, plot.bottom - 14,
            spira_value_as_real(spira_value_find(evaluation, "metrics.roc_auc"), 0));
    close_chart(out);
}

/* Counts the scores of a label in bins over [0, 1]; returns the largest count. */
static size_t count_bins(const struct spira_value *scores, int64_t wanted, size_t ret_bins[BINS])
{
    size_t largest = 0;
    memset(ret_bins, 0, BINS * sizeof *ret_bins);
    for (size_t i = 0; i < spira_value_count(scores); i++) {
        const struct spira_value *entry = spira_value_at(scores, i);
        if (spira_value_get_int(entry, "label", 0) != wanted)
            continue;
        double score = fmin(fmax(spira_value_get_real(entry, "score", 0), 0), 1);
        size_t bin = (size_t)fmin(floor(score * BINS), BINS - 1);
        if (++ret_bins[bin] > largest)
            largest = ret_bins[bin];
    }
    return largest;
}

static void bars(const struct plot *plot, const size_t bins[BINS], const char *class, FILE *out)
{
    double width = (plot->right - plot->left) / BINS;
    for (size_t i = 0; i < BINS; i++)
        if (bins[i] > 0)
            fprintf(out,
                    "<rect class=\"%s\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"/>\n",
                    class, plot->left + (double)i * width + 1, y_at(plot, (double)bins[i]),
                    width - 2, plot->bottom - y_at(plot, (double)bins[i]));
}

void spira_chart_scores(const struct spira_value *evaluation, FILE *out)
{
    const struct spira_value *scores = spira_value_get(evaluation, "scores");
    size_t patients[BINS], controls[BINS];
    size_t largest = count_bins(scores, 1, patients);
    size_t other = count_bins(scores, 0, controls);
    double highest = (double)(largest > other ? largest : other);
    double step = fmax(1, round_step(fmax(highest, 1), 4));
    double top = ceil(fmax(highest, 1) / step) * step;
    struct plot above = {58, 18, 466, 142, 0, 1, 0, top};
    struct plot below = {58, 168, 466, 292, 0, 1, 0, top};
    open_chart("Histogram of scores: patients above, controls below", out);
    y_axis(&above, step, "patients", out);
    y_axis(&below, step, "controls", out);
    bars(&above, patients, "patient", out);
    bars(&below, controls, "control", out);
    line("axis", above.left, above.bottom, above.right, above.bottom, out);
    x_axis(&below, 0.25, "score", out);
    double threshold = x_at(&above, spira_value_get_real(evaluation, "threshold", 0));
    line("marker", threshold, above.top - 6, threshold, below.bottom, out);
    label("middle", threshold, above.top - 9, "threshold", out);
    close_chart(out);
}

const struct spira_value *spira_chart_best_epoch(const struct spira_value *training)
{
    const struct spira_value *best = NULL;
    for (size_t i = 0; i < spira_value_count(training); i++) {
        const struct spira_value *epoch = spira_value_at(training, i);
        double loss = spira_value_get_real(epoch, "validation_loss", HUGE_VAL);
        if (loss < (best ? spira_value_get_real(best, "validation_loss", 0) : HUGE_VAL))
            best = epoch;
    }
    return best;
}

static double largest_loss(const struct spira_value *training)
{
    double largest = 0;
    for (size_t i = 0; i < spira_value_count(training); i++) {
        const struct spira_value *epoch = spira_value_at(training, i);
        largest = fmax(largest, spira_value_get_real(epoch, "training_loss", 0));
        largest = fmax(largest, spira_value_get_real(epoch, "validation_loss", 0));
    }
    return largest;
}

/* One loss as a line; an epoch without it breaks the line. */
static void loss_line(const struct plot *plot, const struct spira_value *training, const char *key,
                      const char *class, FILE *out)
{
    bool drawing = false;
    fprintf(out, "<path class=\"%s\" d=\"", class);
    for (size_t i = 0; i < spira_value_count(training); i++) {
        const struct spira_value *epoch = spira_value_at(training, i);
        double loss = spira_value_get_real(epoch, key, (double)NAN);
        if (!isnan(loss))
            fprintf(out, "%c%.1f %.1f", drawing ? 'L' : 'M',
                    x_at(plot, spira_value_get_real(epoch, "epoch", 0)), y_at(plot, loss));
        drawing = !isnan(loss);
    }
    fputs("\"/>\n", out);
}

static void mark_best(const struct plot *plot, const struct spira_value *training, FILE *out)
{
    const struct spira_value *best = spira_chart_best_epoch(training);
    if (!best)
        return;
    double epoch = spira_value_get_real(best, "epoch", 0);
    double loss = spira_value_get_real(best, "validation_loss", 0);
    char text[64];
    snprintf(text, sizeof text, "best: epoch %.0f, %.3f", epoch, loss);
    double x = x_at(plot, epoch);
    bool right_half = x > (plot->left + plot->right) / 2;
    line("marker", x, plot->top, x, plot->bottom, out);
    fprintf(out, "<circle class=\"point\" cx=\"%.1f\" cy=\"%.1f\" r=\"5\"/>\n", x,
            y_at(plot, loss));
    label(right_half ? "end" : "start", right_half ? x - 8 : x + 8, plot->top + 12, text, out);
}

void spira_chart_learning(const struct spira_value *training, FILE *out)
{
    size_t count = spira_value_count(training);
    double largest = largest_loss(training);
    if (count == 0 || !(largest > 0)) {
        fputs("<p class=\"note\">No training log: the model came from elsewhere.</p>\n", out);
        return;
    }
    double first = spira_value_get_real(spira_value_at(training, 0), "epoch", 0);
    double last = spira_value_get_real(spira_value_at(training, count - 1), "epoch", 0);
    double step = round_step(largest, 5);
    struct plot plot = {
        58, 12, 466, 282, first, last > first ? last : first + 1, 0, ceil(largest / step) * step};
    open_chart("Learning curve: training and validation loss per epoch", out);
    y_axis(&plot, step, "loss", out);
    x_axis(&plot, fmax(1, round_step(plot.x_max - plot.x_min, 8)), "epoch", out);
    loss_line(&plot, training, "training_loss", "training", out);
    loss_line(&plot, training, "validation_loss", "validation", out);
    mark_best(&plot, training, out);
    close_chart(out);
}
