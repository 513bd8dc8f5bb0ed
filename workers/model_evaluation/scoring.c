#include "workers/model_evaluation/scoring.h"

#include "core/dataset/loader.h"
#include "core/model/weights.h"
#include "core/training/score.h"

void spira_scores_done(struct spira_scores *scores)
{
    free(scores->scored);
    free(scores->names);
    *scores = (struct spira_scores){0};
}

enum spira_code spira_scorer_load(struct spira_scorer *scorer, const char *file,
                                  struct spira_error *err)
{
    SPIRA_CLEANUP(spira_free_at)
    char *path = spira_format("%s/%s", scorer->inputs, file);
    return spira_weights_load(scorer->tools->tensors, path, scorer->network, err);
}

static enum spira_code score(const struct spira_scorer *scorer,
                             const struct spira_loader_options *options,
                             struct spira_scores *ret_scores, struct spira_error *err)
{
    SPIRA_CLEANUP(spira_loader_done)
    struct spira_loader loader = {0};
    enum spira_code code = spira_dataset_loader(scorer->tools->tensors, scorer->dataset,
                                                scorer->inputs, options, &loader, err);
    if (code != SPIRA_OK)
        return code;
    size_t count = spira_loader_recordings(loader);
    SPIRA_CLEANUP(spira_free_at)
    double *values = spira_alloc(count, sizeof *values);
    code = spira_score_recordings(scorer->network, loader, scorer->progress, values, err);
    if (code != SPIRA_OK)
        return code;
    *ret_scores = (struct spira_scores){.scored = spira_alloc(count, sizeof *ret_scores->scored),
                                        .names = spira_alloc(count, sizeof *ret_scores->names),
                                        .count = count};
    for (size_t i = 0; i < count; i++) {
        struct spira_sha256 *name = &ret_scores->names[i];
        snprintf(name->hex, sizeof name->hex, "%s", loader.ops->name(loader.self, i));
        ret_scores->scored[i] =
            (struct spira_scored){.recording = name->hex,
                                  .positive = loader.ops->label(loader.self, i) > 0.5f,
                                  .score = values[i]};
    }
    return SPIRA_OK;
}

enum spira_code spira_scorer_test(const struct spira_scorer *scorer,
                                  struct spira_scores *ret_scores, struct spira_error *err)
{
    const struct spira_loader_options options = {.role = SPIRA_TEST,
                                                 .padded_frames = scorer->padded_frames};
    return score(scorer, &options, ret_scores, err);
}

enum spira_code spira_scorer_validation(const struct spira_scorer *scorer,
                                        const struct spira_member *member,
                                        struct spira_scores *ret_scores, struct spira_error *err)
{
    const struct spira_loader_options options = {.role = SPIRA_VALIDATION,
                                                 .folds = member->folds,
                                                 .fold = member->fold,
                                                 .padded_frames = scorer->padded_frames};
    return score(scorer, &options, ret_scores, err);
}
