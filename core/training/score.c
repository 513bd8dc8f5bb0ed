#include "core/training/score.h"

#include <math.h>

#include "core/training/inference.h"

struct scoring {
    struct spira_progress progress;
    size_t total;
    double *scores;
};

static void take_score(void *context, const struct spira_inferred *inferred)
{
    struct scoring *scoring = context;
    scoring->scores[inferred->recording] = inferred->score;
    const struct spira_progress_report report = {.done = inferred->recording + 1,
                                                 .total = scoring->total,
                                                 .loss = NAN,
                                                 .validation_loss = NAN};
    spira_progress_report(scoring->progress, &report);
}

enum spira_code spira_score_recordings(struct spira_network *network, struct spira_loader loader,
                                       struct spira_progress progress, double *ret_scores,
                                       struct spira_error *err)
{
    struct scoring scoring = {
        .progress = progress, .total = spira_loader_recordings(loader), .scores = ret_scores};
    return spira_infer(network, loader, false, progress, take_score, &scoring, err);
}
