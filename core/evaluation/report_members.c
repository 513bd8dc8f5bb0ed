#include "core/evaluation/report_members.h"

#include <math.h>

/* The metrics there is room for. */
static const struct {
    const char *name, *title;
} columns[] = {{"accuracy", "accuracy"},       {"balanced_accuracy", "balanced"},
               {"sensitivity", "sensitivity"}, {"specificity", "specificity"},
               {"roc_auc", "ROC AUC"},         {"log_loss", "log loss"}};
enum { COLUMNS = sizeof columns / sizeof *columns };

static intmax_t published_of(const struct spira_value *evaluation)
{
    return (intmax_t)spira_value_get_int(evaluation, "published_member", 0);
}

void spira_report_ensemble_note(const struct spira_value *evaluation, FILE *out)
{
    size_t count = spira_value_count(spira_value_get(evaluation, "members"));
    if (count == 0)
        return;
    fprintf(out,
            "<p>The numbers are those of an ensemble: a recording's score is the mean over %zu "
            "trainings. One of them is published: member %jd, whose own numbers are "
            "<a href=\"#members\">below</a>, and whose learning curve is shown.</p>\n",
            count, published_of(evaluation));
}

static void write_number(const struct spira_value *value, FILE *out)
{
    double number = spira_value_as_real(value, NAN);
    if (isnan(number))
        fputs("<td class=\"n\">\xe2\x80\x93</td>", out);
    else
        fprintf(out, "<td class=\"n\">%.3f</td>", number);
}

/* The columns of a map of metrics. */
static void write_metrics(const struct spira_value *metrics, FILE *out)
{
    for (size_t i = 0; i < COLUMNS; i++)
        write_number(spira_value_get(metrics, columns[i].name), out);
    fputs("</tr>\n", out);
}

/* A row that is about all members: its name in front of the metrics. */
static void write_name(const char *name, FILE *out)
{
    fprintf(out, "<tr><th scope=\"row\" colspan=\"4\">%s</th>", name);
}

static void write_member(const struct spira_value *evaluation, const struct spira_value *member,
                         bool folds, FILE *out)
{
    intmax_t number = (intmax_t)spira_value_get_int(member, "member", 0);
    fprintf(out, "<tr><th scope=\"row\">%jd%s</th>", number,
            number == published_of(evaluation) ? " (published)" : "");
    if (folds)
        fprintf(out, "<td class=\"n\">%jd</td>", (intmax_t)spira_value_get_int(member, "fold", 0));
    else
        fputs("<td class=\"n\">\xe2\x80\x93</td>", out);
    fprintf(out, "<td class=\"n\">%jd</td>", (intmax_t)spira_value_get_int(member, "seed", 0));
    write_number(spira_value_find(member, "validation.metrics.accuracy"), out);
    write_metrics(spira_value_find(member, "test.metrics"), out);
}

/* One number of the spread of every metric: "mean". */
static void write_spread(const struct spira_value *evaluation, const char *name, const char *title,
                         FILE *out)
{
    const struct spira_value *spread = spira_value_get(evaluation, "spread");
    write_name(title, out);
    for (size_t i = 0; i < COLUMNS; i++)
        write_number(spira_value_get(spira_value_get(spread, columns[i].name), name), out);
    fputs("</tr>\n", out);
}

void spira_report_members(const struct spira_value *evaluation, FILE *out)
{
    const struct spira_value *members = spira_value_get(evaluation, "members");
    const struct spira_value *cross = spira_value_get(evaluation, "cross_validation");
    if (spira_value_count(members) == 0)
        return;
    fputs("<section class=\"card wide long\" id=\"members\"><h2>Members</h2>\n<table><thead><tr>"
          "<th scope=\"col\">member</th><th scope=\"col\" class=\"n\">fold</th>"
          "<th scope=\"col\" class=\"n\">seed</th>"
          "<th scope=\"col\" class=\"n\">validation accuracy</th>",
          out);
    for (size_t i = 0; i < COLUMNS; i++)
        fprintf(out, "<th scope=\"col\" class=\"n\">%s</th>", columns[i].title);
    fputs("</tr></thead>\n<tbody>\n", out);
    for (size_t i = 0; i < spira_value_count(members); i++)
        write_member(evaluation, spira_value_at(members, i), cross, out);
    fputs("</tbody>\n<tbody style=\"border-top:2px solid var(--rule)\">\n", out);
    write_spread(evaluation, "mean", "mean", out);
    write_spread(evaluation, "standard_deviation", "standard deviation", out);
    write_spread(evaluation, "min", "min", out);
    write_spread(evaluation, "max", "max", out);
    fputs("</tbody>\n<tbody style=\"border-top:2px solid var(--rule)\">\n", out);
    write_name("ensemble", out);
    write_metrics(spira_value_get(evaluation, "metrics"), out);
    if (cross) {
        write_name("cross-validation", out);
        write_metrics(spira_value_get(cross, "metrics"), out);
    }
    fputs("</tbody></table>\n<p class=\"note\">Each row is of the test recordings", out);
    if (cross)
        fprintf(out,
                ", but cross-validation: %jd recordings of the other roles, each scored by those "
                "who were not trained on it",
                (intmax_t)spira_value_get_int(cross, "recordings", 0));
    fputs(".</p></section>\n", out);
}
