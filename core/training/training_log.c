#include "core/training/training_log.h"

#include <math.h>

#include "core/base/file.h"

static void write_line(FILE *out, const struct spira_epoch *epoch, size_t number, size_t steps,
                       double learning_rate, bool best)
{
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *line = spira_value_map();
    spira_value_set_int(line, "epoch", (int64_t)number);
    spira_value_set_int(line, "steps", (int64_t)steps);
    spira_value_set_real(line, "learning_rate", learning_rate);
    spira_value_set_real(line, "training_loss", epoch->training_loss);
    spira_value_set_real(line, "validation_loss", epoch->validation_loss);
    spira_value_set_real(line, "validation_accuracy", epoch->validation_accuracy);
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
        bool best = i == 0 || epoch->validation_loss < lowest;
        if (best)
            lowest = epoch->validation_loss;
        write_line(out, epoch, i + 1, steps, spira_learning_rate(config, steps), best);
    }
    bool failed = ferror(out);
    if (fclose(out) != 0 || failed)
        return spira_fail(err, SPIRA_ENOMEMORY, "%s: no memory for the log", path);
    return spira_file_write(path, text.data, text.size, err);
}
