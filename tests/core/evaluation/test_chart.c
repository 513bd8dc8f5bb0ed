#include <criterion/criterion.h>
#include <math.h>

#include "core/evaluation/chart.h"
#include "core/evaluation/evaluation.h"

/* What a chart draws; free with free(). Inlined, gcc 12 takes the page for a dangling pointer. */
static __attribute__((noinline)) char *drawn(void (*chart)(const struct spira_value *, FILE *),
                                             const struct spira_value *value)
{
    char *page = NULL;
    size_t size;
    FILE *out = open_memstream(&page, &size);
    chart(value, out);
    fclose(out);
    return page;
}

static size_t times(const char *text, const char *part)
{
    size_t count = 0;
    for (; (text = strstr(text, part)); text++)
        count++;
    return count;
}

static struct spira_value *epochs(const double *validation, size_t count)
{
    struct spira_value *list = spira_value_list();
    for (size_t i = 0; i < count; i++) {
        struct spira_value *epoch = spira_value_append(list, spira_value_map());
        spira_value_set_int(epoch, "epoch", (int64_t)i + 1);
        spira_value_set_real(epoch, "training_loss", 1.0 / (double)(i + 1));
        spira_value_set_real(epoch, "validation_loss", validation[i]);
    }
    return list;
}

Test(chart, the_best_epoch_is_the_first_with_the_lowest_validation_loss)
{
    const double losses[] = {0.9, NAN, 0.4, 0.4, 0.6};
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *training = epochs(losses, 5);
    cr_assert_eq(spira_value_get_int(spira_chart_best_epoch(training), "epoch", 0), 3);
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *none = epochs((const double[]){NAN}, 1);
    cr_assert_null(spira_chart_best_epoch(none));
    cr_assert_null(spira_chart_best_epoch(NULL));
}

Test(chart, a_missing_loss_breaks_the_line)
{
    const double losses[] = {0.9, 0.8, NAN, 0.4, 0.6};
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *training = epochs(losses, 5);
    SPIRA_CLEANUP(spira_free_at)
    char *page = drawn(spira_chart_learning, training);
    const char *line = strstr(page, "class=\"validation\" d=\"");
    cr_assert_not_null(line);
    SPIRA_CLEANUP(spira_free_at)
    char *path = spira_format("%.*s", (int)(strchr(line, '/') - line), line);
    cr_assert_eq(times(path, "M"), 2);
    cr_assert_eq(times(path, "L"), 2);
    cr_assert(strstr(page, "best: epoch 4, 0.400"));
}

Test(chart, scores_fall_into_bins_and_one_belongs_to_the_last)
{
    const struct spira_scored scored[] = {
        {"a", true, 1}, {"b", true, 0.96}, {"c", true, 0.52}, {"d", false, 0}, {"e", false, 0.049}};
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *evaluation = spira_evaluation_write(scored, 5, 0.5);
    SPIRA_CLEANUP(spira_free_at)
    char *page = drawn(spira_chart_scores, evaluation);
    cr_assert_eq(times(page, "<rect class=\"patient\""), 2);
    cr_assert_eq(times(page, "<rect class=\"control\""), 1);
}

Test(chart, what_cannot_be_drawn_is_said)
{
    const struct spira_scored scored[] = {{"a", true, 1}};
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *evaluation = spira_evaluation_write(scored, 1, 0.5);
    SPIRA_CLEANUP(spira_free_at)
    char *roc = drawn(spira_chart_roc, evaluation);
    cr_assert(strstr(roc, "one of the two classes is absent"));
    SPIRA_CLEANUP(spira_free_at)
    char *learning = drawn(spira_chart_learning, NULL);
    cr_assert(strstr(learning, "No training log"));
}
