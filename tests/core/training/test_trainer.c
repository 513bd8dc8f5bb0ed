#include "tests/core/training/training_fixture.h"

#include "core/evaluation/metrics.h"
#include "core/model/weights.h"
#include "core/training/validation.h"

static struct fixture fixture;

static void set_up(void)
{
    fixture_init(&fixture);
}

static void tear_down(void)
{
    fixture_done(&fixture);
}

TestSuite(trainer, .init = set_up, .fini = tear_down);

static void train_well(void)
{
    enum spira_code code = fixture_train(&fixture);
    cr_assert_eq(code, SPIRA_OK, "%s", fixture.err.message);
}

static void expect_failure(enum spira_code expected, const char *message)
{
    enum spira_code code = fixture_train(&fixture);
    cr_assert_eq(code, expected, "%s: %s", spira_code_name(code), fixture.err.message);
    cr_assert_not_null(strstr(fixture.err.message, message), "%s", fixture.err.message);
    cr_assert_neq(access(fixture.weights, F_OK), 0, "no model of a training that failed");
}

Test(trainer, learns_to_tell_two_classes_apart)
{
    fixture.train.epochs = 40;
    fixture.train.learning_rate = 1e-2;
    train_well();
    cr_assert_eq(fixture.result.epochs, 40);
    cr_assert_eq(fixture.result.steps, 120);
    cr_assert_eq(fixture.result.validation_accuracy, 1);
    cr_assert_lt(fixture.result.validation_loss, 0.1, "%g", fixture.result.validation_loss);
}

Test(trainer, the_model_is_that_of_the_best_epoch)
{
    /* So high a rate that the losses go up and down. */
    fixture.train.epochs = 8;
    fixture.train.learning_rate = 0.3;
    fixture.train.noam = false;
    train_well();
    struct spira_network *network = NULL;
    cr_assert_eq(spira_network_new(&fixture.model, FAKE_FRAMES, FAKE_FEATURES, fixture.job.matrix,
                                   1, &network, &fixture.err),
                 SPIRA_OK);
    cr_assert_eq(spira_weights_load(fixture.job.tensors, fixture.weights, network, &fixture.err),
                 SPIRA_OK);
    struct spira_validation validation;
    cr_assert_eq(spira_validate(network, fixture.job.validation, &fixture.train,
                                fixture.job.progress, &validation, &fixture.err),
                 SPIRA_OK);
    cr_assert_eq(validation.loss, fixture.result.validation_loss);
    cr_assert_eq(validation.accuracy, fixture.result.validation_accuracy);
    cr_assert_lt(fixture.result.best_epoch, 8, "else the last would do as well");
    spira_network_free(network);
}

/* The log as a list of its lines. */
static struct spira_value *read_log(void)
{
    SPIRA_CLEANUP(spira_bytes_done)
    struct spira_bytes bytes = {0};
    cr_assert_eq(spira_file_read(fixture.log, 1 << 20, &bytes, &fixture.err), SPIRA_OK);
    struct spira_value *list = spira_value_list();
    char *rest = bytes.data;
    for (char *line; (line = strsep(&rest, "\n")) && *line;) {
        struct spira_value *value = NULL;
        cr_assert_eq(spira_config_parse(spira_config_source_json(), "log", line, strlen(line),
                                        &value, &fixture.err),
                     SPIRA_OK);
        spira_value_append(list, value);
    }
    return list;
}

Test(trainer, the_log_has_a_line_for_each_epoch)
{
    fixture.train.epochs = 6;
    fixture.train.learning_rate = 0.1;
    train_well();
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *log = read_log();
    cr_assert_eq(spira_value_count(log), 6);
    double lowest = INFINITY;
    size_t best = 0;
    for (size_t i = 0; i < 6; i++) {
        const struct spira_value *line = spira_value_at(log, i);
        cr_assert_eq(spira_value_get_int(line, "epoch", 0), (int64_t)i + 1);
        cr_assert_eq(spira_value_get_int(line, "steps", 0), (int64_t)(i + 1) * 3);
        cr_assert_gt(spira_value_get_real(line, "training_loss", 0), 0);
        double loss = spira_value_get_real(line, "validation_loss", 0);
        cr_assert_eq(spira_value_get_bool(line, "best", false), loss < lowest);
        if (loss < lowest) {
            lowest = loss;
            best = i + 1;
        }
    }
    cr_assert_eq(fixture.result.best_epoch, best);
    cr_assert_eq(fixture.result.validation_loss, lowest);
    /* Noam, warmup 4: step 3 is on the way up, step 18 on the way down. */
    cr_assert_float_eq(spira_value_get_real(spira_value_at(log, 0), "learning_rate", 0), 0.075,
                       1e-12);
    cr_assert_float_eq(spira_value_get_real(spira_value_at(log, 5), "learning_rate", 0),
                       0.1 * sqrt(4.0 / 18), 1e-12);
}

Test(trainer, an_epoch_visits_each_recording_once_in_an_order_of_its_own)
{
    train_well();
    /* 10 recordings in batches of 3: one of them waits for the next epoch. */
    cr_assert_eq(fixture.training.loaded_count, 27);
    size_t orders[3][9];
    for (size_t epoch = 0; epoch < 3; epoch++) {
        unsigned seen = 0;
        for (size_t i = 0; i < 9; i++) {
            cr_assert_eq(fixture.training.loaded[9 * epoch + i].epoch, epoch);
            orders[epoch][i] = fixture.training.loaded[9 * epoch + i].recording;
            cr_assert_eq(seen >> orders[epoch][i] & 1, 0);
            seen |= 1u << orders[epoch][i];
        }
    }
    cr_assert_neq(memcmp(orders[0], orders[1], sizeof orders[0]), 0);
    cr_assert_neq(memcmp(orders[1], orders[2], sizeof orders[0]), 0);
    for (size_t i = 0; i < fixture.validation.loaded_count; i++)
        cr_assert_eq(fixture.validation.loaded[i].epoch, 0, "validation never changes");
}

Test(trainer, says_which_batch_is_the_next_one)
{
    train_well();
    const struct fake_loader *training = &fixture.training, *validation = &fixture.validation;
    size_t first = fixture.train.batch_recordings; /* nobody could say it before */
    cr_assert_eq(training->hinted_count, training->loaded_count - first);
    cr_assert_arr_eq(training->hinted, training->loaded + first,
                     training->hinted_count * sizeof *training->hinted);
    /* Of nine recordings eight are scored at once. */
    cr_assert_eq(validation->hinted_count, fixture.train.epochs);
    for (size_t i = 0; i < validation->hinted_count; i++)
        cr_assert_eq(validation->hinted[i].recording, 8);
}

Test(trainer, gives_the_same_bytes_for_any_number_of_threads)
{
    struct spira_sha256 model = {""}, log = {""};
    for (size_t threads = 1; threads <= 3; threads++) {
        fixture.job.threads = threads;
        train_well();
        struct spira_sha256 weights = digest_of(fixture.weights), lines = digest_of(fixture.log);
        if (threads == 1) {
            model = weights;
            log = lines;
        }
        cr_assert_str_eq(weights.hex, model.hex, "%zu threads", threads);
        cr_assert_str_eq(lines.hex, log.hex, "%zu threads", threads);
    }
}

Test(trainer, another_seed_gives_another_model)
{
    train_well();
    struct spira_sha256 first = digest_of(fixture.weights);
    fixture.job.seed = 43;
    train_well();
    cr_assert_str_neq(digest_of(fixture.weights).hex, first.hex);
}

Test(trainer, stops_after_epochs_without_a_better_validation_loss)
{
    /* With a rate of 0 every epoch's loss is the same, and the first of equals is the best. */
    fixture.train.epochs = 100;
    fixture.train.learning_rate = 0;
    fixture.train.early_stop_epochs = 4;
    train_well();
    cr_assert_eq(fixture.result.epochs, 5);
    cr_assert_eq(fixture.result.best_epoch, 1);
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *log = read_log();
    cr_assert_eq(spira_value_count(log), 5);
    /* The same weights see other noise and another recording left out, no more. */
    double first = spira_value_get_real(spira_value_at(log, 0), "training_loss", 0);
    double last = spira_value_get_real(spira_value_at(log, 4), "training_loss", 0);
    cr_assert_float_eq(last, first, 0.2 * first, "%g and %g", first, last);
}

/* So high a rate that losses and metrics go up and down, each its own way. */
static void train_by(const char *metric)
{
    fixture.train.epochs = 12;
    fixture.train.learning_rate = 0.3;
    fixture.train.noam = false;
    fixture.train.early_stop_metric = metric ? spira_metric_find(metric) : NULL;
    train_well();
}

static void expect_best_by(const char *metric, double sign)
{
    train_by(metric);
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *log = read_log();
    SPIRA_CLEANUP(spira_free_at)
    char *name = spira_format("validation_%s", metric);
    double best_value = -INFINITY;
    size_t best = 0;
    for (size_t i = 0; i < spira_value_count(log); i++) {
        const struct spira_value *line = spira_value_at(log, i);
        double value = sign * spira_value_get_real(line, name, NAN);
        cr_assert_eq(spira_value_get_bool(line, "best", false), value > best_value, "epoch %zu", i);
        if (value > best_value) {
            best_value = value;
            best = i + 1;
        }
    }
    cr_assert_eq(fixture.result.best_epoch, best);
    cr_assert_eq(fixture.result.validation_metric, sign * best_value);
}

Test(trainer, the_best_epoch_is_that_of_the_highest_chosen_metric)
{
    train_by(NULL);
    size_t by_loss = fixture.result.best_epoch;
    expect_best_by("roc_auc", 1);
    cr_assert_neq(fixture.result.best_epoch, by_loss, "else nothing is shown");
}

Test(trainer, the_best_epoch_is_that_of_the_lowest_metric_where_lower_is_better)
{
    expect_best_by("brier", -1);
}

Test(trainer, stops_after_epochs_without_a_better_metric)
{
    fixture.train.early_stop_epochs = 3;
    train_by("accuracy");
    cr_assert_eq(fixture.result.epochs, fixture.result.best_epoch + 3);
    cr_assert_lt(fixture.result.epochs, 12);
}

Test(trainer, refuses_a_metric_that_needs_a_class_the_validation_role_lacks)
{
    fixture.validation.recordings = 1;
    fixture.train.early_stop_metric = spira_metric_find("roc_auc");
    expect_failure(SPIRA_EINVALID, "train.early_stop_metric: roc_auc");
}

Test(trainer, refuses_a_loss_that_explodes_with_its_place_and_value)
{
    fixture.train.max_loss = 0.01;
    expect_failure(SPIRA_EDIVERGED, "epoch 1, step 1: the training loss is 0.");
    cr_assert_not_null(strstr(fixture.err.message, "train.max_loss (0.01)"));
}

Test(trainer, refuses_a_loss_that_explodes_later)
{
    fixture.train.learning_rate = 1e4;
    fixture.train.noam = false;
    fixture.train.max_loss = 2;
    expect_failure(SPIRA_EDIVERGED, "epoch 1, step 2: the training loss is ");
}

Test(trainer, refuses_a_loss_that_is_not_a_number)
{
    fixture.training.soft = NAN;
    expect_failure(SPIRA_EDIVERGED, "epoch 1, step 1: the training loss is not a number");
}

Test(trainer, refuses_a_validation_loss_that_is_not_a_number)
{
    fixture.validation.soft = NAN;
    expect_failure(SPIRA_EDIVERGED, "epoch 1, step 3: the validation loss is not a number");
}

Test(trainer, refuses_fewer_recordings_than_a_batch_has)
{
    fixture.train.batch_recordings = 11;
    expect_failure(SPIRA_EINVALID, "10 training recordings are fewer than a batch has "
                                   "(train.batch_recordings: 11)");
    fixture.train.batch_recordings = 10;
    train_well();
    cr_assert_eq(fixture.result.steps, 3);
}

Test(trainer, refuses_to_validate_with_nothing)
{
    fixture.validation.recordings = 0;
    expect_failure(SPIRA_EINVALID, "no recording to validate with");
}

Test(trainer, passes_on_what_a_loader_says)
{
    fixture.validation.fails = SPIRA_EIO;
    expect_failure(SPIRA_EIO, "the shard is gone");
    fixture.training.fails = SPIRA_EIO;
    expect_failure(SPIRA_EIO, "the shard is gone");
}

Test(trainer, v1_refuses_a_batch_that_is_too_large_and_names_the_recording)
{
    fixture.model.norm = SPIRA_BATCH_NORM;
    fixture.training.long_one = 7;
    expect_failure(SPIRA_EINVALID, "32 of them of recording recording-7; "
                                   "train.max_batch_windows is 16");
}

Test(trainer, v2_takes_a_batch_of_any_size)
{
    fixture.training.long_one = 7;
    train_well();
}

Test(trainer, v1_trains_and_keeps_its_running_statistics)
{
    fixture.model.norm = SPIRA_BATCH_NORM;
    fixture.train.epochs = 30;
    fixture.train.learning_rate = 1e-2;
    train_well();
    cr_assert_eq(fixture.result.validation_accuracy, 1);
    SPIRA_CLEANUP(spira_tensor_file_done)
    struct spira_tensor_file file = {0};
    cr_assert_eq(spira_tensors_open(fixture.job.tensors, fixture.weights, &file, &fixture.err),
                 SPIRA_OK);
    const void *batches;
    cr_assert_eq(spira_tensor_expect(&file, "model", "conv.1.num_batches_tracked", SPIRA_I64, 0,
                                     NULL, &batches, &fixture.err),
                 SPIRA_OK);
    cr_assert_eq(*(const int64_t *)batches, (int64_t)fixture.result.best_epoch * 3);
}

static void train_per_frame(enum spira_norm norm)
{
    fixture.model.norm = norm;
    fixture.job.frames = 0;
    fixture.training.lengths = fixture.validation.lengths = true;
    fixture.train.epochs = 30;
    fixture.train.learning_rate = 1e-2;
    train_well();
    cr_assert_geq(fixture.result.validation_accuracy, 8.0 / 9);
}

Test(trainer, per_frame_trains_on_recordings_of_any_length)
{
    train_per_frame(SPIRA_GROUP_NORM);
}

Test(trainer, per_frame_v1_sees_one_recording_at_a_time)
{
    fixture.train.max_batch_windows = 1;
    train_per_frame(SPIRA_BATCH_NORM);
}

Test(trainer, class_balancing_changes_the_training_and_the_validation_loss)
{
    train_well();
    struct spira_sha256 plain = digest_of(fixture.weights);
    fixture.train.class_balancing = true;
    train_well();
    cr_assert_str_neq(digest_of(fixture.weights).hex, plain.hex);
}

Test(trainer, starts_from_initial_weights_but_for_the_layers_drawn_afresh)
{
    char initial[96];
    snprintf(initial, sizeof initial, "%s/initial.safetensors", fixture.folder);
    train_well();
    cr_assert_eq(rename(fixture.weights, initial), 0);
    /* A rate of 0 gives back what training began with. */
    fixture.job.seed = 43;
    fixture.train.learning_rate = 0;
    fixture.job.initial_weights_path = initial;
    train_well();
    cr_assert_str_eq(digest_of(fixture.weights).hex, digest_of(initial).hex);

    fixture.train.reinit_count = 1;
    snprintf(fixture.train.reinit_layers[0], sizeof *fixture.train.reinit_layers, "fc2");
    train_well();
    SPIRA_CLEANUP(spira_tensor_file_done)
    struct spira_tensor_file before = {0}, after = {0};
    cr_assert_eq(spira_tensors_open(fixture.job.tensors, initial, &before, &fixture.err), SPIRA_OK);
    cr_assert_eq(spira_tensors_open(fixture.job.tensors, fixture.weights, &after, &fixture.err),
                 SPIRA_OK);
    for (size_t i = 0; i < before.count; i++) {
        const struct spira_tensor *old = &before.tensors[i], *new = &after.tensors[i];
        bool same = memcmp(old->data, new->data, spira_tensor_elements(old) * 4) == 0;
        cr_assert_eq(same, strncmp(old->name, "fc2", 3) != 0, "%s", old->name);
    }
    spira_tensor_file_done(&after);
}

Test(trainer, refuses_a_prefix_that_names_nothing)
{
    fixture.train.reinit_count = 1;
    snprintf(fixture.train.reinit_layers[0], sizeof *fixture.train.reinit_layers, "fc3");
    expect_failure(SPIRA_EINVALID, "train.reinit_layers: no layer's name begins with 'fc3'");
}

Test(trainer, refuses_initial_weights_of_another_shape)
{
    char initial[96];
    snprintf(initial, sizeof initial, "%s/initial.safetensors", fixture.folder);
    train_well();
    cr_assert_eq(rename(fixture.weights, initial), 0);
    fixture.model.fc1_dim = 9;
    fixture.job.initial_weights_path = initial;
    expect_failure(SPIRA_EINVALID, "'fc1.weight'");
}
