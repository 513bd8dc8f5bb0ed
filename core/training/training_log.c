#include "core/training/training_log.h"

#include <math.h>

#include "core/base/file.h"
#include "core/training/validation.h"

/* The chosen metric, by the name it has beside the others. */
static void set_metric(struct spira_value *line, const struct spira_metric *metric, double rank)
{
    SPIRA_CLEANUP(spira_free_at)
    char *name = spira_format("validation_%s", metric->name);
    spira_value_set_real(line, name, spira_validation_metric(metric, rank));
}

static void write_line(FILE *out, const struct spira_train_config *config,
                       const struct spira_epoch *epoch, size_t number, size_t steps, bool best)
{
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *line = spira_value_map();
    spira_value_set_int(line, "epoch", (int64_t)number);
    spira_value_set_int(line, "steps", (int64_t)steps);
    spira_value_set_real(line, "learning_rate", spira_learning_rate(config, steps));
    spira_value_set_real(line, "training_loss", epoch->training_loss);
    spira_value_set_real(line, "validation_loss", epoch->validation_loss);
    spira_value_set_real(line, "validation_accuracy", epoch->validation_accuracy);
    if (config->early_stop_metric)
        set_metric(line, config->early_stop_metric, epoch->rank);
    spira_value_set_bool(line, "best", best);
    spira_value_write(line, SPIRA_COMPACT, out);
    putc('\n', out);
}

enum spira_code spira_training_log_write(const char *path, const struct spira_training_state *state,
                                         const struct spira_train_config *config,
                                         size_t steps_per_epoch, struct spira_error *err)
{
    SPIRA_CLEANUP(spira_bytes_done)
    struct spira_bytes text = {0};
    FILE *out = open_memstream((char **)&text.data, &text.size);
    if (!out)
        return spira_fail(err, SPIRA_ENOMEMORY, "%s: no memory for the log", path);
    double lowest = INFINITY;
    for (size_t i = 0; i < state->epochs; i++) {
        const struct spira_epoch *epoch = &state->log[i];
        size_t steps = (i + 1) * steps_per_epoch;
        bool best = i == 0 || epoch->rank < lowest;
        if (best)
            lowest = epoch->rank;
        write_line(out, config, epoch, i + 1, steps, best);
    }
    bool failed = ferror(out);
    if (fclose(out) != 0 || failed)
        return spira_fail(err, SPIRA_ENOMEMORY, "%s: no memory for the log", path);
    return spira_file_write(path, text.data, text.size, err);
}
