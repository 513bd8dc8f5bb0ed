#include <criterion/criterion.h>

#include "adapters/json/json_config.h"
#include "core/config/import.h"
#include "core/config/run_config.h"

static struct spira_value *document_of(const char *path)
{
    struct spira_error err = {0};
    struct spira_value *document = NULL;
    cr_assert_eq(spira_config_read(spira_config_source_json(), path, 1 << 20, &document, &err),
                 SPIRA_OK, "%s", err.message);
    return document;
}

static struct spira_value *acl2021(void)
{
    return document_of("tests/core/config/acl2021.json");
}

static struct spira_value *spira_v2(void)
{
    return document_of("tests/core/config/spira-v2.json");
}

/* Puts a value, which it takes, under a dotted key. */
static void put(struct spira_value *document, const char *key, struct spira_value *value)
{
    struct spira_error err = {0};
    cr_assert_eq(spira_run_config_set(document, key, "", value, &err), SPIRA_OK, "%s", err.message);
}

/* Imports a document, which it takes, and reads the result. */
static struct spira_run_config import(struct spira_value *document, struct spira_imported *imported)
{
    struct spira_error err = {0};
    cr_assert_eq(spira_config_import("old/Exp 3.5.json", document, imported, &err), SPIRA_OK, "%s",
                 err.message);
    spira_value_free(document);
    struct spira_run_config config = {0};
    cr_assert_eq(spira_run_config_read("imported", imported->configuration, &config, &err),
                 SPIRA_OK, "%s", err.message);
    return config;
}

/* How many warnings hold this text. */
static size_t warnings_with(const struct spira_imported *imported, const char *text)
{
    size_t found = 0;
    for (size_t i = 0; i < spira_value_count(imported->warnings); i++)
        found +=
            strstr(spira_value_as_text(spira_value_at(imported->warnings, i), ""), text) != NULL;
    return found;
}

/* A document, which it takes, is refused with the message. */
static void refuse(struct spira_value *document, const char *message)
{
    struct spira_imported imported = {0};
    struct spira_error err = {0};
    cr_assert_eq(spira_config_import("e.json", document, &imported, &err), SPIRA_EINVALID,
                 "accepted instead of \"%s\"", message);
    cr_assert_str_eq(err.message, message);
    cr_assert_null(imported.configuration);
    spira_value_free(document);
}

Test(import, takes_over_what_the_2021_experiments_say)
{
    SPIRA_CLEANUP(spira_imported_done)
    struct spira_imported imported = {0};
    struct spira_run_config config = import(acl2021(), &imported);
    cr_assert_eq(imported.format, SPIRA_PUBLISHED_ACL2021);
    cr_assert_str_eq(config.name, "exp-3.5");
    cr_assert_eq(config.seed, 42);
    cr_assert_eq(config.model.norm, SPIRA_GROUP_NORM);
    cr_assert_eq(config.audio.rate_hz, 16000);
    cr_assert_eq(config.features.type, SPIRA_MFCC);
    cr_assert_eq(config.features.n_fft, 1024);
    cr_assert_eq(config.features.win_length, 512);
    cr_assert_eq(config.features.hop_length, 128);
    cr_assert_eq(config.features.num_mels, 44);
    cr_assert_eq(config.features.num_mfcc, 42);
    cr_assert(config.features.log_mels);
    cr_assert_eq(config.features.mel_fmin_hz, 0, "its mfcc never saw mel_fmin");
    cr_assert(config.transform.overlap.enabled);
    cr_assert_eq(config.transform.overlap.window_seconds, 4);
    cr_assert_eq(config.transform.overlap.step_seconds, 1);
    cr_assert_not(config.transform.padding);
    cr_assert_not(config.transform.mixture.enabled);
    cr_assert_eq(config.transform.noise.num_control, 3);
    cr_assert_eq(config.transform.noise.num_patient, 1);
    cr_assert_eq(config.transform.noise.min_amp, 0.033474047);
    cr_assert_eq(config.transform.noise.max_amp, 0.19233719);
    cr_assert_eq(config.train.epochs, 800);
    cr_assert_eq(config.train.batch_recordings, 6);
    cr_assert_eq(config.train.early_stop_epochs, 3);
    cr_assert_eq(config.train.checkpoint_interval, 400);
    cr_assert(config.train.noam);
    cr_assert_eq(config.train.warmup_steps, 900);
    cr_assert_eq(config.train.reinit_count, 1);
    cr_assert_str_eq(config.train.reinit_layers[0], "fc");
    cr_assert(config.train.clipping, "as the framework they used does");
}

Test(import, warns_of_what_it_chose_for_the_2021_experiments_and_of_nothing_else)
{
    SPIRA_CLEANUP(spira_imported_done)
    struct spira_imported imported = {0};
    import(acl2021(), &imported);
    cr_assert_eq(warnings_with(&imported, "transform.noise.copies: 4 chosen"), 1);
    cr_assert_eq(warnings_with(&imported, "split: train 0.6, validation 0.2 and test 0.2"), 1);
    cr_assert_eq(warnings_with(&imported, "audio.short_recordings: \"pad\" chosen"), 1);
    cr_assert_eq(warnings_with(&imported, "the columns file_path,class,split"), 1);
    cr_assert_eq(warnings_with(&imported, "of eval_csv metadata_eval.csv as eval"), 1);
    cr_assert_eq(spira_value_count(imported.warnings), 4);
}

Test(import, takes_over_what_v2_says)
{
    SPIRA_CLEANUP(spira_imported_done)
    struct spira_imported imported = {0};
    struct spira_run_config config = import(spira_v2(), &imported);
    cr_assert_eq(imported.format, SPIRA_PUBLISHED_V2);
    cr_assert_eq(config.seed, 7);
    cr_assert_eq(config.model.norm, SPIRA_BATCH_NORM);
    cr_assert_eq(config.model.fc1_dim, 90);
    cr_assert_eq(config.features.type, SPIRA_MELSPECTROGRAM);
    cr_assert_eq(config.audio.rate_hz, 16000);
    cr_assert_eq(config.features.n_fft, 1200);
    cr_assert_eq(config.features.win_length, 400);
    cr_assert_eq(config.features.hop_length, 120);
    cr_assert_eq(config.features.num_mels, 64);
    cr_assert_eq(config.features.mel_fmin_hz, 20);
    cr_assert_eq(config.features.mel_fmax_hz, 7600);
    cr_assert_eq(config.transform.noise.num_patient, 1);
    cr_assert_eq(config.transform.overlap.window_seconds, 3);
    cr_assert_eq(config.transform.overlap.step_seconds, 0.5);
    cr_assert(config.transform.mixture.enabled);
    cr_assert_not(config.train.clipping);
    cr_assert(config.train.class_balancing);
    cr_assert(config.train.noam);
    cr_assert_eq(config.train.warmup_steps, 500);
    cr_assert_eq(config.train.learning_rate, 0.002);
    cr_assert_eq(config.train.weight_decay, 0.001);
    cr_assert_eq(config.train.batch_recordings, 16);
    cr_assert_eq(config.train.checkpoint_interval, 250);
    cr_assert_eq(warnings_with(&imported, "loss1_weight: 3.0 is not honoured"), 1);
    cr_assert_eq(warnings_with(&imported, "alpha 0.4 and beta 0.4 chosen"), 1);
    cr_assert_eq(warnings_with(&imported, "of patients_csv patients.csv with class 1"), 1);
    cr_assert_eq(warnings_with(&imported, "on the other 0.4"), 1);
    cr_assert_eq(spira_value_count(imported.warnings), 6);
}

Test(import, the_chosen_kind_of_features_decides_whose_parameters_count)
{
    SPIRA_CLEANUP(spira_imported_done)
    struct spira_imported mfcc = {0};
    struct spira_value *document = spira_v2();
    put(document, "parameters.audio.feature_type", spira_value_text("mfcc"));
    struct spira_run_config config = import(document, &mfcc);
    cr_assert_eq(config.audio.rate_hz, 8000);
    cr_assert_eq(config.features.n_fft, 400);
    cr_assert_eq(config.features.num_mels, 20);
    cr_assert_eq(config.features.num_mfcc, 13);
    cr_assert(config.features.log_mels);
    cr_assert_eq(config.features.mel_fmin_hz, 0);
    SPIRA_CLEANUP(spira_imported_done)
    struct spira_imported mel = {0};
    document = acl2021();
    put(document, "audio.feature", spira_value_text("melspectrogram"));
    config = import(document, &mel);
    cr_assert_eq(config.features.mel_fmin_hz, 50);
}

Test(import, what_is_switched_off_is_off_and_its_parameters_are_not_looked_at)
{
    SPIRA_CLEANUP(spira_imported_done)
    struct spira_imported imported = {0};
    struct spira_value *document = acl2021();
    put(document, "data_aumentation.insert_noise", spira_value_bool(false));
    put(document, "data_aumentation.num_noise_control", spira_value_int(-1));
    put(document, "dataset.split_wav_using_overlapping", spira_value_bool(false));
    put(document, "dataset.window_len", spira_value_int(0));
    put(document, "dataset.padding_with_max_lenght", spira_value_bool(true));
    put(document, "train_config.lr_decay", spira_value_bool(false));
    struct spira_run_config config = import(document, &imported);
    cr_assert_not(config.transform.noise.enabled);
    cr_assert_not(config.transform.overlap.enabled);
    cr_assert(config.transform.padding);
    cr_assert_not(config.train.noam);
    cr_assert_eq(warnings_with(&imported, "copies"), 0);
}

/* The published experiments are this file with other windows and noises. */
Test(import, every_experiment_of_2021_is_a_run)
{
    static const int64_t noises[][2] = {{0, 0}, {1, 0}, {1, 1}, {2, 1},
                                        {2, 2}, {3, 3}, {4, 4}, {7, 6}};
    static const int64_t windows[] = {0, 3, 4}; /* 0: padded */
    for (size_t i = 0; i < 3 * sizeof noises / sizeof *noises; i++) {
        const int64_t window = windows[i % 3], *noise = noises[i / 3];
        SPIRA_CLEANUP(spira_imported_done)
        struct spira_imported imported = {0};
        struct spira_value *document = acl2021();
        put(document, "dataset.split_wav_using_overlapping", spira_value_bool(window > 0));
        put(document, "dataset.padding_with_max_lenght", spira_value_bool(window == 0));
        put(document, "dataset.window_len", spira_value_int(window > 0 ? window : 4));
        put(document, "data_aumentation.insert_noise", spira_value_bool(noise[0] > 0));
        put(document, "data_aumentation.num_noise_control", spira_value_int(noise[0]));
        put(document, "data_aumentation.num_noise_patient", spira_value_int(noise[1]));
        struct spira_run_config config = import(document, &imported);
        cr_assert_eq(config.transform.padding, window == 0);
        cr_assert_eq(config.transform.overlap.enabled, window > 0);
        if (window > 0)
            cr_assert_eq(config.transform.overlap.window_seconds, (double)window);
        cr_assert_eq(config.transform.noise.enabled, noise[0] > 0);
        if (noise[0] > 0) {
            cr_assert_eq(config.transform.noise.num_control, (size_t)noise[0]);
            cr_assert_eq(config.transform.noise.num_patient, (size_t)noise[1]);
        }
        cr_assert_eq(warnings_with(&imported, "copies"), noise[0] > 0);
        spira_run_config_done(&config);
    }
}

Test(import, neither_windows_nor_padding_is_per_frame)
{
    SPIRA_CLEANUP(spira_imported_done)
    struct spira_imported imported = {0};
    struct spira_value *document = spira_v2();
    put(document, "options.feature_engineering.use_overlapping", spira_value_bool(false));
    struct spira_run_config config = import(document, &imported);
    cr_assert_not(config.transform.overlap.enabled);
    cr_assert_not(config.transform.padding);
}

Test(import, warns_of_each_thing_it_cannot_honour)
{
    SPIRA_CLEANUP(spira_imported_done)
    struct spira_imported imported = {0};
    struct spira_value *document = acl2021();
    put(document, "dataset.padding_with_max_lenght", spira_value_bool(true));
    put(document, "dataset.max_seq_len", spira_value_int(1234));
    put(document, "dataset.patient_class", spira_value_int(2));
    put(document, "train_config.optimizer", spira_value_text("radam"));
    put(document, "train_config.seed", spira_value_int(43));
    put(document, "model.conv_lstm_num_filters", spira_value_int(16));
    struct spira_run_config config = import(document, &imported);
    cr_assert_not(config.transform.padding);
    cr_assert(config.transform.overlap.enabled);
    cr_assert_eq(config.seed, 42);
    cr_assert_eq(warnings_with(&imported, "dataset.padding_with_max_lenght: true"), 1);
    cr_assert_eq(warnings_with(&imported, "dataset.max_seq_len: 1234 is not honoured"), 1);
    cr_assert_eq(warnings_with(&imported, "dataset.patient_class: 2 is not honoured: write 1"), 1);
    cr_assert_eq(warnings_with(&imported, "train_config.optimizer: \"radam\" is not honoured"), 1);
    cr_assert_eq(warnings_with(&imported, "train_config.seed: 43 is not honoured"), 1);
    cr_assert_eq(warnings_with(&imported, "model.conv_lstm_num_filters: unknown key, left out "
                                          "(with 16)"),
                 1);
    cr_assert_eq(spira_value_count(imported.warnings), 4 + 6);
}

Test(import, names_what_the_file_leaves_out)
{
    SPIRA_CLEANUP(spira_imported_done)
    struct spira_imported imported = {0};
    struct spira_value *document = acl2021();
    spira_value_remove(spira_value_get(document, "train_config"), "early_stop_epochs");
    spira_value_remove(spira_value_get(document, "dataset"), "split_wav_using_overlapping");
    spira_value_remove(document, "seed");
    put(document, "train_config.seed", spira_value_int(46));
    struct spira_run_config config = import(document, &imported);
    cr_assert_eq(config.train.early_stop_epochs, 0);
    cr_assert_eq(config.seed, 46);
    cr_assert_not(config.transform.overlap.enabled);
    cr_assert_eq(warnings_with(&imported, "defaults are taken: train_config.early_stop_epochs"), 1);
    cr_assert_eq(warnings_with(&imported, "split_wav_using_overlapping: not in the file"), 1);
}

Test(import, wrong_values_are_refused_under_the_published_key)
{
    struct spira_value *document = acl2021();
    put(document, "train_config.epochs", spira_value_text("many"));
    refuse(document,
           "e.json: train_config.epochs: \"many\" is not a whole number from 1 to 100000");
    document = acl2021();
    put(document, "data_aumentation.insert_noise", spira_value_int(1));
    refuse(document, "e.json: data_aumentation.insert_noise: 1 is not true or false");
    document = acl2021();
    put(document, "dataset", spira_value_int(1));
    refuse(document, "e.json: dataset: 1 is not an object");
    document = acl2021();
    put(document, "dataset.eval_csv", spira_value_int(1));
    refuse(document, "e.json: dataset.eval_csv: 1 is not text");
    document = acl2021();
    put(document, "dataset.control_class", spira_value_text("control"));
    refuse(document, "e.json: dataset.control_class: \"control\" is not a whole number");
    document = acl2021();
    put(document, "train_config.seed", spira_value_int(-3));
    refuse(document, "e.json: train_config.seed: -3 is not a whole number from 0 to "
                     "9223372036854775807");
    document = acl2021();
    put(document, "audio.feature", spira_value_text("hpcp"));
    refuse(document, "e.json: audio.feature: \"hpcp\" is not one of \"spectrogram\", "
                     "\"melspectrogram\", \"mfcc\"");
    document = spira_v2();
    put(document, "parameters.train.optimizer.category", spira_value_bool(true));
    refuse(document, "e.json: parameters.train.optimizer.category: true is not text");
    document = spira_v2();
    put(document, "parameters.audio.melspectrogram.win_length", spira_value_int(1300));
    refuse(document, "e.json: features.win_length: 1300 is above features.n_fft 1200");
}

Test(import, tells_the_formats_apart)
{
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *own = document_of("docs/examples/demo.json");
    cr_assert_eq(spira_published_format_of(own), SPIRA_PUBLISHED_NONE);
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *list = spira_value_list();
    cr_assert_eq(spira_published_format_of(list), SPIRA_PUBLISHED_NONE);
    cr_assert_eq(spira_published_format_of(NULL), SPIRA_PUBLISHED_NONE);
    cr_assert_str_eq(spira_published_format_name(SPIRA_PUBLISHED_V2), "spira-v2");
    struct spira_imported imported = {0};
    struct spira_error err = {0};
    cr_assert_eq(spira_config_import("own.json", own, &imported, &err), SPIRA_EINVALID);
    cr_assert_not_null(strstr(err.message, "own.json: no published configuration"));
}

Test(import, a_file_whose_name_cannot_be_a_name_is_called_by_its_format)
{
    SPIRA_CLEANUP(spira_imported_done)
    struct spira_imported imported = {0};
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *document = acl2021();
    struct spira_error err = {0};
    cr_assert_eq(spira_config_import("configs/.json", document, &imported, &err), SPIRA_OK);
    cr_assert_str_eq(spira_value_get_text(imported.configuration, "name", ""), "acl2021");
}
