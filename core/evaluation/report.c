#include "core/evaluation/report.h"

#include <errno.h>
#include <math.h>

#include "core/evaluation/chart.h"
#include "core/evaluation/html.h"
#include "core/evaluation/metrics.h"
#include "core/evaluation/report_members.h"
#include "core/evaluation/report_style.h"

enum { WORST_SHOWN = 10 };

static void element(const char *tag, const char *text, FILE *out)
{
    fprintf(out, "<%s>", tag);
    spira_html_text(text, out);
    fprintf(out, "</%.*s>", (int)strcspn(tag, " "), tag);
}

static int64_t outcome(const struct spira_report *report, const char *name)
{
    return spira_value_get_int(spira_value_get(report->evaluation, "confusion"), name, 0);
}

static double metric(const struct spira_report *report, const char *name)
{
    return spira_value_get_real(spira_value_get(report->evaluation, "metrics"), name, NAN);
}

static void write_head(const struct spira_report *report, FILE *out)
{
    fputs("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
          "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
          "<meta http-equiv=\"Content-Security-Policy\" "
          "content=\"default-src 'none'; style-src 'unsafe-inline'\">\n<title>",
          out);
    spira_html_text(report->run, out);
    fputs(" \xc2\xb7 SPIRA evaluation</title>\n<style>\n", out);
    for (const char *const *part = spira_report_style; *part; part++)
        fputs(*part, out);
    fputs("</style>\n</head>\n<body>\n<main>\n", out);
    fputs("<header>\n<p class=\"over\">SPIRA evaluation</p>\n", out);
    element("h1", report->run, out);
    fputs("\n<p>Model <strong>", out);
    spira_html_text(report->model, out);
    fprintf(out,
            "</strong> on %jd recordings it has not been trained on: %jd of patients, %jd of "
            "controls. A score of %.3g or more is called positive.</p>\n",
            (intmax_t)spira_value_get_int(report->evaluation, "recordings", 0),
            (intmax_t)(outcome(report, "tp") + outcome(report, "fn")),
            (intmax_t)(outcome(report, "tn") + outcome(report, "fp")),
            spira_value_get_real(report->evaluation, "threshold", 0));
    spira_report_ensemble_note(report->evaluation, out);
    fputs("</header>\n", out);
}

static void write_share(const char *title, int64_t part, int64_t whole, const char *of, FILE *out)
{
    fprintf(out, "<div class=\"number\"><dt>%s</dt><dd class=\"big\">", title);
    if (whole > 0)
        fprintf(out, "%.1f\xe2\x80\x89%%", 100 * (double)part / (double)whole);
    else
        fputs("\xe2\x80\x93", out);
    fprintf(out, "</dd><dd class=\"note\">%jd of %jd %s</dd></div>\n", (intmax_t)part,
            (intmax_t)whole, of);
}

static void write_numbers(const struct spira_report *report, FILE *out)
{
    int64_t tp = outcome(report, "tp"), fp = outcome(report, "fp");
    int64_t tn = outcome(report, "tn"), fn = outcome(report, "fn");
    fputs("<dl class=\"numbers\">\n", out);
    write_share("Accuracy", tp + tn, tp + tn + fp + fn, "recordings right", out);
    write_share("Sensitivity", tp, tp + fn, "patients found", out);
    write_share("Specificity", tn, tn + fp, "controls cleared", out);
    double area = metric(report, "roc_auc");
    fputs("<div class=\"number\"><dt>ROC AUC</dt><dd class=\"big\">", out);
    if (isnan(area))
        fputs("\xe2\x80\x93", out);
    else
        fprintf(out, "%.3f", area);
    fprintf(out, "</dd><dd class=\"note\">over %jd \xc3\x97 %jd pairs</dd></div>\n</dl>\n",
            (intmax_t)(tp + fn), (intmax_t)(tn + fp));
}

static void write_cell(int64_t count, bool right, const char *name, FILE *out)
{
    fprintf(out, "<td class=\"%s\"><b>%jd</b><span>%s</span></td>", right ? "right" : "wrong",
            (intmax_t)count, name);
}

static void write_confusion(const struct spira_report *report, FILE *out)
{
    fputs("<section class=\"card\"><h2>Confusion matrix</h2>\n<table class=\"confusion\">\n"
          "<thead><tr><td></td><th scope=\"col\">called positive</th>"
          "<th scope=\"col\">called negative</th></tr></thead>\n<tbody>\n"
          "<tr><th scope=\"row\"><span class=\"tag patient\"></span>Patients</th>",
          out);
    write_cell(outcome(report, "tp"), true, "true positives", out);
    write_cell(outcome(report, "fn"), false, "false negatives", out);
    fputs("</tr>\n<tr><th scope=\"row\"><span class=\"tag\"></span>Controls</th>", out);
    write_cell(outcome(report, "fp"), false, "false positives", out);
    write_cell(outcome(report, "tn"), true, "true negatives", out);
    fputs(
        "</tr>\n</tbody></table>\n<p class=\"note\">A row is what the person is, a column what the "
        "model says.</p></section>\n",
        out);
}

static void write_charts(const struct spira_report *report, FILE *out)
{
    fputs("<section class=\"card\"><h2>ROC curve</h2><figure>\n", out);
    spira_chart_roc(report->evaluation, out);
    fputs("<figcaption>Every threshold at once: patients found over controls wrongly called "
          "positive. The dashed line is chance.</figcaption></figure></section>\n"
          "<section class=\"card\"><h2>Scores</h2><figure>\n",
          out);
    spira_chart_scores(report->evaluation, out);
    fputs("<figcaption>Recordings by score, patients above and controls below. Right of the "
          "threshold is called positive.</figcaption></figure></section>\n"
          "<section class=\"card\"><h2>Learning curve</h2><figure>\n",
          out);
    spira_chart_learning(report->training, out);
    fputs("<figcaption><i class=\"key t\"></i><span>training loss</span><i class=\"key v\"></i>"
          "<span>validation loss</span>The weights of the best epoch are the model."
          "</figcaption></figure></section>\n",
          out);
}

static void write_metrics(const struct spira_report *report, FILE *out)
{
    fputs("<section class=\"card wide\"><h2>All metrics</h2>\n<table><thead><tr><th "
          "scope=\"col\">metric</th><th scope=\"col\">value</th><th "
          "scope=\"col\">what it is</th></tr></thead>\n<tbody>\n",
          out);
    for (const struct spira_metric *row = spira_metrics; row->name; row++) {
        double value = metric(report, row->name);
        fprintf(out, "<tr><th scope=\"row\">%s</th><td>", row->name);
        if (isnan(value))
            fputs("undefined", out);
        else
            fprintf(out, "%.4f", value);
        fprintf(out, "</td><td class=\"meaning\">%s</td></tr>\n", row->meaning);
    }
    fputs("</tbody></table></section>\n", out);
}

/* How far a score of the evaluation is from its label. */
static double distance(const struct spira_value *score)
{
    return fabs((double)spira_value_get_int(score, "label", 0) -
                spira_value_get_real(score, "score", 0));
}

static int farthest_first(const void *a, const void *b)
{
    const struct spira_value *const *left = a, *const *right = b;
    double left_distance = distance(*left), right_distance = distance(*right);
    if (left_distance != right_distance)
        return left_distance < right_distance ? 1 : -1;
    return strcmp(spira_value_get_text(*left, "recording", ""),
                  spira_value_get_text(*right, "recording", ""));
}

/* The dataset's name of a recording, or an empty text. */
static const char *name_of(const struct spira_value *dataset, const char *digest)
{
    const struct spira_value *recordings = spira_value_get(dataset, "recordings");
    for (size_t i = 0; i < spira_value_count(recordings); i++) {
        const struct spira_value *recording = spira_value_at(recordings, i);
        if (strcmp(spira_value_get_text(recording, "sha256", ""), digest) == 0)
            return spira_value_get_text(recording, "recording_id", "");
    }
    return "";
}

static void write_wrong_row(const struct spira_report *report, const struct spira_value *score,
                            FILE *out)
{
    const char *digest = spira_value_get_text(score, "recording", "");
    bool patient = spira_value_get_int(score, "label", 0) == 1;
    fprintf(out, "<tr><td>%.3f</td><td>%s</td><td class=\"name\">",
            spira_value_get_real(score, "score", 0),
            patient ? "<span class=\"tag patient\"></span>patient"
                    : "<span class=\"tag\"></span>control");
    spira_html_text(name_of(report->dataset, digest), out);
    fputs("</td><td><code title=\"", out);
    spira_html_text(digest, out);
    fputs("\">", out);
    SPIRA_CLEANUP(spira_free_at)
    char *short_digest = spira_format("%.12s", digest);
    spira_html_text(short_digest, out);
    fputs("</code></td></tr>\n", out);
}

static void write_worst(const struct spira_report *report, FILE *out)
{
    const struct spira_value *scores = spira_value_get(report->evaluation, "scores");
    double threshold = spira_value_get_real(report->evaluation, "threshold", 0);
    SPIRA_CLEANUP(spira_free_at)
    const struct spira_value **wrong = spira_alloc(spira_value_count(scores), sizeof *wrong);
    size_t count = 0;
    for (size_t i = 0; i < spira_value_count(scores); i++) {
        const struct spira_value *score = spira_value_at(scores, i);
        bool called_positive = spira_value_get_real(score, "score", 0) >= threshold;
        if (called_positive != (spira_value_get_int(score, "label", 0) == 1))
            wrong[count++] = score;
    }
    qsort(wrong, count, sizeof *wrong, farthest_first);
    fputs("<section class=\"card wide\"><h2>Most confidently wrong</h2>\n", out);
    if (count == 0) {
        fputs("<p class=\"note\">Every recording was called right.</p></section>\n", out);
        return;
    }
    size_t shown = count < WORST_SHOWN ? count : WORST_SHOWN;
    fprintf(out,
            "<p class=\"note\">%zu of the %zu recordings called wrong, the farthest from their "
            "label first.</p>\n",
            shown, count);
    fputs("<table><thead><tr><th scope=\"col\">score</th><th scope=\"col\">is</th>"
          "<th scope=\"col\">recording</th><th scope=\"col\">digest</th></tr></thead>\n<tbody>\n",
          out);
    for (size_t i = 0; i < shown; i++)
        write_wrong_row(report, wrong[i], out);
    fputs("</tbody></table></section>\n", out);
}

static void write_roles(const struct spira_report *report, FILE *out)
{
    static const struct {
        const char *key, *title;
    } columns[] = {{"recordings", "recordings"},
                   {"control", "of controls"},
                   {"patient", "of patients"},
                   {"patients", "persons"},
                   {"windows", "windows"}};
    const struct spira_value *roles = spira_value_get(report->validation, "roles");
    fputs("<section class=\"card wide\"><h2>Dataset</h2>\n<table><thead><tr><th "
          "scope=\"col\">role</th>",
          out);
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++)
        fprintf(out, "<th scope=\"col\" class=\"n\">%s</th>", columns[i].title);
    fputs("</tr></thead>\n<tbody>\n", out);
    for (size_t role = 0; role < spira_value_count(roles); role++) {
        fputs("<tr>", out);
        element("th scope=\"row\"", spira_value_key_at(roles, role), out);
        for (size_t i = 0; i < sizeof columns / sizeof *columns; i++)
            fprintf(out, "<td class=\"n\">%jd</td>",
                    (intmax_t)spira_value_get_int(spira_value_at(roles, role), columns[i].key, 0));
        fputs("</tr>\n", out);
    }
    fputs("</tbody></table></section>\n", out);
}

static void write_quarantined(const struct spira_report *report, FILE *out)
{
    const struct spira_value *quarantined = spira_value_get(report->validation, "quarantined");
    size_t count = spira_value_count(quarantined);
    if (count == 0)
        return;
    fprintf(
        out,
        "<section class=\"card wide long\"><h2>Quarantined recordings</h2>\n<p class=\"note\">%zu "
        "recordings did not enter the dataset.</p>\n<table><thead><tr>"
        "<th scope=\"col\">recording</th><th scope=\"col\">reason</th>"
        "<th scope=\"col\">what was found</th></tr></thead>\n<tbody>\n",
        count);
    for (size_t i = 0; i < count; i++) {
        const struct spira_value *row = spira_value_at(quarantined, i);
        fputs("<tr>", out);
        element("td class=\"name\"", spira_value_get_text(row, "recording_id", ""), out);
        element("td", spira_value_get_text(row, "reason", ""), out);
        element("td class=\"name meaning\"", spira_value_get_text(row, "message", ""), out);
        fputs("</tr>\n", out);
    }
    fputs("</tbody></table></section>\n", out);
}

static void write_configuration(const struct spira_report *report, FILE *out)
{
    SPIRA_CLEANUP(spira_free_at)
    char *text = spira_value_to_text(report->configuration, SPIRA_PRETTY);
    fputs("<section class=\"card wide long\"><h2>Configuration</h2>\n", out);
    element("pre", text, out);
    fputs("</section>\n", out);
}

static void write_page(const struct spira_report *report, FILE *out)
{
    write_head(report, out);
    write_numbers(report, out);
    fputs("<div class=\"cards\">\n", out);
    write_confusion(report, out);
    write_charts(report, out);
    write_metrics(report, out);
    spira_report_members(report->evaluation, out);
    write_worst(report, out);
    write_roles(report, out);
    write_quarantined(report, out);
    write_configuration(report, out);
    fputs("</div>\n<footer class=\"note\"><p>A research result, not a medical device: no diagnosis "
          "follows from a score.</p></footer>\n</main>\n</body>\n</html>\n",
          out);
}

enum spira_code spira_report_write(const struct spira_report *report, char **ret_page,
                                   struct spira_error *err)
{
    char *page = NULL;
    size_t size;
    FILE *out = open_memstream(&page, &size);
    if (!out)
        return spira_fail_errno(err, errno, "report of '%s'", report->run);
    write_page(report, out);
    if (fclose(out) != 0) {
        int errno_value = errno;
        free(page);
        return spira_fail_errno(err, errno_value, "report of '%s'", report->run);
    }
    *ret_page = page;
    return SPIRA_OK;
}
