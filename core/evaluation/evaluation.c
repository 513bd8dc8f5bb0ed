#include "core/evaluation/evaluation.h"

#include "core/evaluation/metrics.h"
#include "core/evaluation/roc.h"

static int by_recording(const void *a, const void *b)
{
    return strcmp(((const struct spira_scored *)a)->recording,
                  ((const struct spira_scored *)b)->recording);
}

static struct spira_value *write_confusion(struct spira_confusion confusion)
{
    struct spira_value *map = spira_value_map();
    spira_value_set_int(map, "tp", (int64_t)confusion.tp);
    spira_value_set_int(map, "fp", (int64_t)confusion.fp);
    spira_value_set_int(map, "tn", (int64_t)confusion.tn);
    spira_value_set_int(map, "fn", (int64_t)confusion.fn);
    return map;
}

static struct spira_value *write_roc(const struct spira_scored *scored, size_t count)
{
    SPIRA_CLEANUP(spira_roc_done)
    struct spira_roc roc = spira_roc_curve(scored, count);
    struct spira_value *map = spira_value_map();
    struct spira_value *fpr = spira_value_set(map, "fpr", spira_value_list());
    struct spira_value *tpr = spira_value_set(map, "tpr", spira_value_list());
    for (size_t i = 0; i < roc.count; i++) {
        spira_value_append(fpr, spira_value_real(roc.fpr[i]));
        spira_value_append(tpr, spira_value_real(roc.tpr[i]));
    }
    return map;
}

static struct spira_value *write_scores(const struct spira_scored *scored, size_t count)
{
    struct spira_value *list = spira_value_list();
    for (size_t i = 0; i < count; i++) {
        struct spira_value *map = spira_value_append(list, spira_value_map());
        spira_value_set_text(map, "recording", scored[i].recording);
        spira_value_set_int(map, "label", scored[i].positive);
        spira_value_set_real(map, "score", scored[i].score);
    }
    return list;
}

struct spira_value *spira_evaluation_write(const struct spira_scored *scored, size_t count,
                                           double threshold)
{
    /* Sums are made in the order of the names too: another order could differ in the last bit. */
    SPIRA_CLEANUP(spira_free_at)
    struct spira_scored *sorted = spira_alloc(count, sizeof *sorted);
    for (size_t i = 0; i < count; i++)
        sorted[i] = scored[i];
    qsort(sorted, count, sizeof *sorted, by_recording);

    struct spira_value *evaluation = spira_value_map();
    spira_value_set_int(evaluation, "format", 1);
    spira_value_set_real(evaluation, "threshold", threshold);
    spira_value_set_int(evaluation, "recordings", (int64_t)count);
    spira_value_set(evaluation, "confusion",
                    write_confusion(spira_confusion_at(sorted, count, threshold)));
    spira_value_set(evaluation, "metrics", spira_metrics_write(sorted, count, threshold));
    spira_value_set(evaluation, "roc", write_roc(sorted, count));
    spira_value_set(evaluation, "scores", write_scores(sorted, count));
    return evaluation;
}

struct spira_sha256 spira_evaluation_digest(const struct spira_value *evaluation,
                                            struct spira_digest digest)
{
    static const char *const covered[] = {"metrics", "scores", "members", "cross_validation"};
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *result = spira_value_map();
    for (size_t i = 0; i < sizeof covered / sizeof *covered; i++)
        if (spira_value_get(evaluation, covered[i]))
            spira_value_set(result, covered[i],
                            spira_value_copy(spira_value_get(evaluation, covered[i])));
    SPIRA_CLEANUP(spira_free_at)
    char *text = spira_value_to_text(result, SPIRA_CANONICAL);
    return spira_digest_bytes(digest, text, strlen(text));
}
