#include "core/evaluation/roc.h"

#include "core/base/memory.h"

static int highest_score_first(const void *a, const void *b)
{
    double left = ((const struct spira_scored *)a)->score;
    double right = ((const struct spira_scored *)b)->score;
    return (left < right) - (left > right);
}

struct spira_cut *spira_roc_cuts(const struct spira_scored *scored, size_t count, size_t *ret_count)
{
    *ret_count = 0;
    if (count == 0)
        return NULL;
    SPIRA_CLEANUP(spira_free_at)
    struct spira_scored *ranked = spira_alloc(count, sizeof *ranked);
    memcpy(ranked, scored, count * sizeof *ranked);
    qsort(ranked, count, sizeof *ranked, highest_score_first);

    struct spira_cut *cuts = spira_alloc(count, sizeof *cuts);
    struct spira_cut running = {0};
    for (size_t i = 0; i < count; i++) {
        running.tp += ranked[i].positive;
        running.fp += !ranked[i].positive;
        if (i + 1 == count || ranked[i + 1].score != ranked[i].score)
            cuts[(*ret_count)++] = running;
    }
    return cuts;
}

/* Whether cut i is neither an end nor on the way, at the same pace, from its left neighbour to its
 * right one: scikit-learn's rule, which looks at second differences. */
static bool is_corner(const struct spira_cut *cuts, size_t count, size_t i)
{
    if (i == 0 || i + 1 == count)
        return true;
    return cuts[i + 1].tp - cuts[i].tp != cuts[i].tp - cuts[i - 1].tp ||
           cuts[i + 1].fp - cuts[i].fp != cuts[i].fp - cuts[i - 1].fp;
}

struct spira_roc spira_roc_curve(const struct spira_scored *scored, size_t count)
{
    struct spira_roc roc = {0};
    size_t cut_count;
    SPIRA_CLEANUP(spira_free_at)
    struct spira_cut *cuts = spira_roc_cuts(scored, count, &cut_count);
    if (cut_count == 0)
        return roc;
    struct spira_cut all = cuts[cut_count - 1];
    if (all.tp == 0 || all.fp == 0)
        return roc;
    roc.fpr = spira_alloc(cut_count + 1, sizeof *roc.fpr);
    roc.tpr = spira_alloc(cut_count + 1, sizeof *roc.tpr);
    roc.count = 1; /* the curve starts at (0, 0), where nothing is called positive */
    for (size_t i = 0; i < cut_count; i++) {
        if (!is_corner(cuts, cut_count, i))
            continue;
        roc.fpr[roc.count] = (double)cuts[i].fp / (double)all.fp;
        roc.tpr[roc.count] = (double)cuts[i].tp / (double)all.tp;
        roc.count++;
    }
    return roc;
}

void spira_roc_done(struct spira_roc *roc)
{
    free(roc->fpr);
    free(roc->tpr);
    *roc = (struct spira_roc){0};
}
