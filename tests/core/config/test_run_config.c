#include <criterion/criterion.h>
#include <math.h>

#include "core/config/run_config.h"
#include "core/config/run_config_table.h"

/* Puts a value, which it takes, under a dotted key. */
static void put(struct spira_value *document, const char *key, struct spira_value *value)
{
    struct spira_error err = {0};
    cr_assert_eq(spira_run_config_set(document, key, "", value, &err), SPIRA_OK, "%s", err.message);
}

static struct spira_run_config read_document(const struct spira_value *document)
{
    struct spira_run_config config = {0};
    struct spira_error err = {0};
    cr_assert_eq(spira_run_config_read("c.json", document, &config, &err), SPIRA_OK, "%s",
                 err.message);
    return config;
}

/* The configuration of a document with one key, whose value it takes. */
static struct spira_run_config read_key(const char *key, struct spira_value *value)
{
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *document = spira_value_map();
    put(document, key, value);
    return read_document(document);
}

static void refuse_document(const struct spira_value *document, const char *message)
{
    struct spira_run_config config;
    memset(&config, 0x5a, sizeof config);
    struct spira_run_config before = config;
    struct spira_error err = {0};
    cr_assert_eq(spira_run_config_read("c.json", document, &config, &err), SPIRA_EINVALID,
                 "accepted instead of \"%s\"", message);
    cr_assert_str_eq(err.message, message);
    cr_assert_eq(memcmp(&config, &before, sizeof config), 0, "written on failure");
}

/* A document with one key, whose value it takes, is refused with the message. */
static void refuse_key(const char *key, struct spira_value *value, const char *message)
{
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *document = spira_value_map();
    put(document, key, value);
    refuse_document(document, message);
}

static char *canonical(const struct spira_run_config *config)
{
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *document = spira_run_config_write(config);
    return spira_value_to_text(document, SPIRA_CANONICAL);
}

/* A document that says something else than the default for every key. */
static struct spira_value *every_key(void)
{
    struct spira_value *document = spira_value_map();
    put(document, "name", spira_value_text("ward-a_2.1"));
    put(document, "seed", spira_value_int(INT64_MAX));
    put(document, "audio.sample_rate", spira_value_int(8000));
    put(document, "audio.min_seconds", spira_value_real(0.25));
    put(document, "audio.max_seconds", spira_value_int(60));
    put(document, "audio.short_recordings", spira_value_text("reject"));
    put(document, "audio.max_quarantined_share", spira_value_real(0.5));
    put(document, "features.type", spira_value_text("melspectrogram"));
    put(document, "features.n_fft", spira_value_int(512));
    put(document, "features.win_length", spira_value_int(256));
    put(document, "features.hop_length", spira_value_int(80));
    put(document, "features.num_mels", spira_value_int(64));
    put(document, "features.mel_fmin", spira_value_int(20));
    put(document, "features.mel_fmax", spira_value_real(3800.5));
    put(document, "features.num_mfcc", spira_value_int(13));
    put(document, "features.log_mels", spira_value_bool(true));
    put(document, "transform.noise.num_control", spira_value_int(3));
    put(document, "transform.noise.num_patient", spira_value_int(1));
    put(document, "transform.noise.min_amp", spira_value_real(0.1));
    put(document, "transform.noise.max_amp", spira_value_real(0.3));
    put(document, "transform.noise.copies", spira_value_int(7));
    put(document, "transform.overlap", spira_value_null());
    put(document, "transform.padding", spira_value_bool(true));
    put(document, "transform.mixture.alpha", spira_value_real(0.7));
    put(document, "transform.mixture.beta", spira_value_int(2));
    put(document, "split.train", spira_value_real(0.5));
    put(document, "split.validation", spira_value_real(0.3));
    put(document, "split.test", spira_value_real(0.2));
    put(document, "model.name", spira_value_text("spiraconv_v1"));
    put(document, "model.fc1_dim", spira_value_int(16));
    put(document, "model.dropout", spira_value_real(0.3));
    put(document, "train.epochs", spira_value_int(12));
    put(document, "train.batch_recordings", spira_value_int(30));
    put(document, "train.max_batch_windows", spira_value_int(99));
    put(document, "train.optimizer.learning_rate", spira_value_real(0.1 + 0.2));
    put(document, "train.optimizer.weight_decay", spira_value_int(0));
    put(document, "train.scheduler.name", spira_value_text("none"));
    put(document, "train.scheduler.warmup_steps", spira_value_int(17));
    put(document, "train.loss.clipping", spira_value_bool(false));
    put(document, "train.loss.class_balancing", spira_value_bool(true));
    put(document, "train.early_stop_epochs", spira_value_int(4));
    put(document, "train.early_stop_metric", spira_value_text("roc_auc"));
    put(document, "train.folds", spira_value_int(3));
    struct spira_value *seeds = spira_value_list();
    spira_value_append(seeds, spira_value_int(0));
    spira_value_append(seeds, spira_value_int(INT64_MAX));
    put(document, "train.seeds", seeds);
    put(document, "train.checkpoint_interval", spira_value_int(0));
    put(document, "train.max_loss", spira_value_int(50));
    put(document, "train.initial_weights", spira_value_text("models/abc/model.safetensors"));
    struct spira_value *layers = spira_value_list();
    spira_value_append(layers, spira_value_text("conv.0"));
    spira_value_append(layers, spira_value_text("fc"));
    put(document, "train.reinit_layers", layers);
    put(document, "evaluation.threshold", spira_value_real(0.4));
    put(document, "publish.model", spira_value_text("spira-a"));
    struct spira_value *gates = spira_value_list();
    struct spira_value *gate = spira_value_append(gates, spira_value_map());
    spira_value_set_text(gate, "metric", "mcc");
    spira_value_set_int(gate, "at_least", -1);
    put(document, "publish.gate", gates);
    return document;
}

Test(run_config, an_empty_document_is_the_published_setting)
{
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *document = spira_value_map();
    struct spira_run_config config = read_document(document);
    cr_assert_str_eq(config.name, "run");
    cr_assert_eq(config.seed, 42);
    cr_assert_eq(config.audio.rate_hz, 16000);
    cr_assert_eq(config.audio.short_recordings, SPIRA_SHORT_PAD);
    cr_assert_eq(config.features.type, SPIRA_MFCC);
    cr_assert_eq(config.features.n_fft, 1200);
    cr_assert_eq(config.features.win_length, 400);
    cr_assert_eq(config.features.hop_length, 160);
    cr_assert_eq(config.features.num_mels, 40);
    cr_assert_eq(config.features.num_mfcc, 40);
    cr_assert_eq(config.features.mel_fmax_hz, 0);
    cr_assert_not(config.features.log_mels);
    cr_assert_not(config.transform.noise.enabled);
    cr_assert(config.transform.overlap.enabled);
    cr_assert_eq(config.transform.overlap.window_seconds, 4);
    cr_assert_eq(config.transform.overlap.step_seconds, 1);
    cr_assert_not(config.transform.padding);
    cr_assert_not(config.transform.mixture.enabled);
    cr_assert_eq(config.split.train, 0.6);
    cr_assert_eq(config.model.norm, SPIRA_GROUP_NORM);
    cr_assert_eq(config.model.fc1_dim, 100);
    cr_assert_eq(config.model.fc2_dim, 1);
    cr_assert_eq(config.model.dropout, 0.7);
    cr_assert_eq(config.train.batch_recordings, 5);
    cr_assert_eq(config.train.max_batch_windows, 128);
    cr_assert_eq(config.train.learning_rate, 1e-3);
    cr_assert(config.train.noam);
    cr_assert(config.train.clipping);
    cr_assert_eq(config.train.max_loss, 1e8);
    cr_assert_null(config.train.initial_weights);
    cr_assert_eq(config.train.reinit_count, 0);
    cr_assert_eq(config.threshold, 0.5);
    cr_assert_str_eq(config.publish_model, "spira");
    cr_assert_eq(config.gate_count, 0);
}

Test(run_config, reads_every_key_into_its_member)
{
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *document = every_key();
    SPIRA_CLEANUP(spira_run_config_done)
    struct spira_run_config config = read_document(document);
    cr_assert_eq(config.seed, (uint64_t)INT64_MAX);
    cr_assert_eq(config.audio.rate_hz, 8000);
    cr_assert_eq(config.audio.short_recordings, SPIRA_SHORT_REJECT);
    cr_assert_eq(config.features.type, SPIRA_MELSPECTROGRAM);
    cr_assert_eq(config.features.mel_fmin_hz, 20);
    cr_assert_eq(config.features.mel_fmax_hz, 3800.5);
    cr_assert(config.transform.noise.enabled);
    cr_assert_eq(config.transform.noise.copies, 7);
    cr_assert_not(config.transform.overlap.enabled);
    cr_assert(config.transform.padding);
    cr_assert(config.transform.mixture.enabled);
    cr_assert_eq(config.transform.mixture.beta, 2);
    cr_assert_eq(config.model.norm, SPIRA_BATCH_NORM);
    cr_assert_not(config.train.noam);
    cr_assert_eq(config.train.warmup_steps, 17);
    cr_assert_str_eq(config.train.initial_weights, "models/abc/model.safetensors");
    cr_assert_eq(config.train.reinit_count, 2);
    cr_assert_str_eq(config.train.reinit_layers[1], "fc");
    cr_assert_eq(config.gate_count, 1);
    cr_assert_str_eq(config.gates[0].metric, "mcc");
    cr_assert_eq(config.gates[0].at_least, -1);
}

Test(run_config, what_was_written_reads_back_to_the_same_text)
{
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *said = every_key();
    SPIRA_CLEANUP(spira_run_config_done)
    struct spira_run_config config = read_document(said);
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *written = spira_run_config_write(&config);
    SPIRA_CLEANUP(spira_run_config_done)
    struct spira_run_config again = read_document(written);
    SPIRA_CLEANUP(spira_free_at)
    char *first = canonical(&config);
    SPIRA_CLEANUP(spira_free_at)
    char *second = canonical(&again);
    cr_assert_str_eq(first, second);
    cr_assert_eq(again.train.learning_rate, 0.1 + 0.2, "every bit");
}

Test(run_config, what_was_written_holds_what_was_said_and_every_key)
{
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *said = every_key();
    SPIRA_CLEANUP(spira_run_config_done)
    struct spira_run_config config = read_document(said);
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *written = spira_run_config_write(&config);
    for (const struct spira_config_key *key = spira_config_keys; key->key; key++) {
        bool in_gate = strchr(key->key, '[');
        bool in_overlap = strncmp(key->key, "transform.overlap.", 18) == 0;
        if (in_gate || in_overlap)
            continue;
        const struct spira_value *own = spira_value_find(written, key->key);
        const struct spira_value *given = spira_value_find(said, key->key);
        cr_assert_not_null(own, "%s is not written", key->key);
        if (given && spira_value_type(given) == SPIRA_TEXT)
            cr_assert_str_eq(spira_value_as_text(own, ""), spira_value_as_text(given, ""));
        else if (given && spira_value_type(given) == SPIRA_BOOL)
            cr_assert_eq(spira_value_as_bool(own, false), spira_value_as_bool(given, true));
        else if (given && !isnan(spira_value_as_real(given, NAN)))
            cr_assert_eq(spira_value_as_real(own, NAN), spira_value_as_real(given, 0), "%s",
                         key->key);
    }
}

Test(run_config, equal_configurations_have_equal_text_however_they_were_spelled)
{
    struct spira_run_config whole = read_key("train.epochs", spira_value_real(20));
    struct spira_run_config same = read_key("train.epochs", spira_value_int(20));
    struct spira_run_config zero = read_key("train.optimizer.weight_decay", spira_value_real(-0.0));
    struct spira_run_config other = read_key("train.optimizer.weight_decay", spira_value_int(0));
    SPIRA_CLEANUP(spira_free_at)
    char *texts[4] = {0};
    struct spira_run_config *configs[] = {&whole, &same, &zero, &other};
    for (size_t i = 0; i < 4; i++)
        texts[i] = canonical(configs[i]);
    cr_assert_str_eq(texts[0], texts[1]);
    cr_assert_str_eq(texts[2], texts[3]);
    cr_assert_str_neq(texts[0], texts[2]);
    for (size_t i = 1; i < 4; i++)
        free(texts[i]);
}

Test(run_config, a_section_is_that_part_of_the_document)
{
    struct spira_run_config config = read_key("transform.noise", spira_value_map());
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *section = spira_run_config_section(&config, "transform");
    SPIRA_CLEANUP(spira_free_at)
    char *text = spira_value_to_text(section, SPIRA_CANONICAL);
    cr_assert_str_eq(text, "{\"mixture\":null,\"noise\":{\"copies\":4,\"max_amp\":0.19233719,"
                           "\"min_amp\":0.033474047,\"num_control\":2,\"num_patient\":2},"
                           "\"overlap\":{\"step_seconds\":1.0,\"window_seconds\":4.0},"
                           "\"padding\":false}");
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *seed = spira_run_config_section(&config, "seed");
    cr_assert_eq(spira_value_as_int(seed, 0), 42);
}

Test(run_config, overlap_that_is_left_out_gives_way_to_padding)
{
    struct spira_run_config config = read_key("transform.padding", spira_value_bool(true));
    cr_assert_not(config.transform.overlap.enabled);
    config = read_key("transform.overlap", spira_value_null());
    cr_assert_not(config.transform.overlap.enabled);
    cr_assert_not(config.transform.padding, "per frame");
}

Test(run_config, unknown_keys_are_refused_with_the_nearest_known_one)
{
    refuse_key("train.epoch", spira_value_int(3),
               "c.json: train.epoch: unknown key (with 3); did you mean train.epochs?");
    refuse_key("epochs", spira_value_int(3),
               "c.json: epochs: unknown key (with 3); did you mean train.epochs?");
    refuse_key("evaluation.treshold", spira_value_real(0.5),
               "c.json: evaluation.treshold: unknown key (with 0.5); did you mean "
               "evaluation.threshold?");
    refuse_key("transform.noise.volume", spira_value_int(1),
               "c.json: transform.noise.volume: unknown key (with 1)");
    refuse_key("comment", spira_value_text("mine"), "c.json: comment: unknown key (with \"mine\")");
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *document = spira_value_map();
    spira_value_set_int(document, "train.epochs", 3);
    refuse_document(document, "c.json: train.epochs: a key with dots in it (with 3); write its "
                              "sections as objects");
}

Test(run_config, wrong_types_are_refused_with_key_and_value)
{
    refuse_key("train.epochs", spira_value_text("many"),
               "c.json: train.epochs: \"many\" is not a whole number from 1 to 100000");
    refuse_key("train.epochs", spira_value_real(2.5),
               "c.json: train.epochs: 2.5 is not a whole number from 1 to 100000");
    refuse_key("train.epochs", spira_value_null(),
               "c.json: train.epochs: null is not a whole number from 1 to 100000");
    refuse_key("features.log_mels", spira_value_int(1),
               "c.json: features.log_mels: 1 is not true or false");
    refuse_key("features.mel_fmax", spira_value_bool(true),
               "c.json: features.mel_fmax: true is not a number from 0 to 96000 or null");
    refuse_key("model.dropout", spira_value_text("0.7"),
               "c.json: model.dropout: \"0.7\" is not a number from 0 to 0.99");
    refuse_key("train", spira_value_null(), "c.json: train: null is not an object");
    refuse_key("transform.noise", spira_value_bool(false),
               "c.json: transform.noise: false is not an object or null");
    refuse_key("features.type", spira_value_text("hpcp"),
               "c.json: features.type: \"hpcp\" is not one of \"spectrogram\", "
               "\"melspectrogram\", \"mfcc\"");
    refuse_key("train.optimizer.name", spira_value_text("sgd"),
               "c.json: train.optimizer.name: \"sgd\" is not \"adam\"");
    refuse_key("train.initial_weights", spira_value_text("../outside"),
               "c.json: train.initial_weights: \"../outside\" is not a key in the store or null");
    refuse_key("train.reinit_layers", spira_value_text("fc"),
               "c.json: train.reinit_layers: \"fc\" is not a list of at most 16 texts of 1 to 63 "
               "bytes, or null");
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *list = spira_value_list();
    refuse_document(list, "c.json: a run configuration is an object, not list");
}

Test(run_config, values_out_of_range_are_refused_with_the_range)
{
    refuse_key("train.epochs", spira_value_int(0),
               "c.json: train.epochs: 0 is not a whole number from 1 to 100000");
    refuse_key("audio.sample_rate", spira_value_int(3999),
               "c.json: audio.sample_rate: 3999 is not a whole number from 4000 to 192000");
    refuse_key("seed", spira_value_int(-1),
               "c.json: seed: -1 is not a whole number from 0 to 9223372036854775807");
    refuse_key("seed", spira_value_real(0x1p63),
               "c.json: seed: 9.223372036854776e+18 is not a whole number from 0 to "
               "9223372036854775807");
    refuse_key("model.fc2_dim", spira_value_int(2), "c.json: model.fc2_dim: 2 is not 1");
    refuse_key("evaluation.threshold", spira_value_real(1.5),
               "c.json: evaluation.threshold: 1.5 is not a number from 0 to 1");
}

Test(run_config, every_number_is_taken_at_its_limits_and_no_further)
{
    for (const struct spira_config_key *key = spira_config_keys; key->key; key++) {
        bool whole = key->type == SPIRA_CONFIG_INT || key->type == SPIRA_CONFIG_COUNT;
        bool real = key->type == SPIRA_CONFIG_REAL || key->type == SPIRA_CONFIG_REAL_OR_NULL;
        if (!whole && !real)
            continue;
        double beyond = whole ? 1 : 1e-6;
        const struct {
            double number;
            bool fits;
        } cases[] = {{key->min, true},
                     {key->max, true},
                     {key->min - beyond, false},
                     {key->max * (1 + 1e-12) + beyond, false}};
        for (size_t i = 0; i < 4; i++) {
            SPIRA_CLEANUP(spira_value_free_at)
            struct spira_value *value = whole ? spira_value_int((int64_t)cases[i].number)
                                              : spira_value_real(cases[i].number);
            cr_assert_eq(spira_config_key_fits(key, value), cases[i].fits, "%s: %g", key->key,
                         cases[i].number);
        }
    }
}

Test(run_config, names_are_short_lower_case_and_plain)
{
    static const char *const good[] = {"a", "0", "ward-a", "v1.2_x"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        struct spira_run_config config = read_key("publish.model", spira_value_text(good[i]));
        cr_assert_str_eq(config.publish_model, good[i]);
    }
    char longest[SPIRA_NAME_MAX + 2];
    memset(longest, 'a', sizeof longest);
    longest[SPIRA_NAME_MAX] = '\0';
    struct spira_run_config config = read_key("name", spira_value_text(longest));
    cr_assert_str_eq(config.name, longest);
    longest[SPIRA_NAME_MAX] = 'a';
    longest[SPIRA_NAME_MAX + 1] = '\0';
    const char *const bad[] = {"", "A", "-a", ".a", "a/b", "a b", longest};
    const struct spira_config_key *key = spira_config_key_find("name");
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        SPIRA_CLEANUP(spira_value_free_at)
        struct spira_value *value = spira_value_text(bad[i]);
        cr_assert_not(spira_config_key_fits(key, value), "%s", bad[i]);
    }
    refuse_key("name", spira_value_text("Ward A"),
               "c.json: name: \"Ward A\" is not a name (1 to 64 of a-z, 0-9, \".\", \"_\", \"-\"; "
               "the first a letter or digit)");
}

/* A list with one gate of these values, which it takes; NULL leaves a key out. */
static struct spira_value *one_gate(struct spira_value *metric, struct spira_value *at_least)
{
    struct spira_value *list = spira_value_list();
    struct spira_value *gate = spira_value_append(list, spira_value_map());
    if (metric)
        spira_value_set(gate, "metric", metric);
    if (at_least)
        spira_value_set(gate, "at_least", at_least);
    return list;
}

Test(run_config, a_gate_needs_a_known_metric_and_a_limit_within_reach)
{
    refuse_key("publish.gate", one_gate(spira_value_text("acc"), spira_value_real(0.5)),
               "c.json: publish.gate[0].metric: \"acc\" is not one of \"accuracy\", "
               "\"balanced_accuracy\", \"sensitivity\", \"specificity\", \"precision\", \"f1\", "
               "\"mcc\", \"roc_auc\", \"average_precision\", \"brier\", \"log_loss\"");
    refuse_key("publish.gate", one_gate(spira_value_text("accuracy"), spira_value_int(70)),
               "c.json: publish.gate[0].at_least: 70 is not a number from -1 to 1");
    refuse_key("publish.gate", one_gate(spira_value_text("accuracy"), NULL),
               "c.json: publish.gate[0].at_least is missing");
    refuse_key("publish.gate", one_gate(NULL, spira_value_real(0.5)),
               "c.json: publish.gate[0].metric is missing");
    struct spira_value *list = one_gate(spira_value_text("f1"), spira_value_real(0.5));
    spira_value_append(list, spira_value_text("f1"));
    refuse_key("publish.gate", list, "c.json: publish.gate[1]: \"f1\" is not an object");
    list = one_gate(spira_value_text("f1"), spira_value_real(0.5));
    spira_value_set_text(spira_value_at(list, 0), "metrics", "f1");
    refuse_key("publish.gate", list,
               "c.json: publish.gate[0].metrics: unknown key (with \"f1\"); did you mean "
               "publish.gate[].metric?");
}

Test(run_config, combinations_that_cannot_work_are_refused)
{
    static const struct {
        const char *key;
        double value;
        const char *other;
        double other_value;
        const char *message;
    } cases[] = {
        {"audio.min_seconds", 8, "audio.max_seconds", 7,
         "audio.min_seconds: 8 is above audio.max_seconds 7"},
        {"audio.max_seconds", 3, "audio.min_seconds", 1,
         "transform.overlap.window_seconds: 4 is above audio.max_seconds 3"},
        {"features.win_length", 513, "features.n_fft", 512,
         "features.win_length: 513 is above features.n_fft 512"},
        {"features.num_mfcc", 41, "features.num_mels", 40,
         "features.num_mfcc: 41 is above features.num_mels 40"},
        {"features.mel_fmin", 8000, "features.num_mels", 40,
         "features.mel_fmin: 8000 is not below features.mel_fmax 8000 (half of "
         "audio.sample_rate)"},
        {"features.mel_fmin", 900, "features.mel_fmax", 800,
         "features.mel_fmin: 900 is not below features.mel_fmax 800"},
        {"transform.noise.min_amp", 0.5, "transform.noise.max_amp", 0.25,
         "transform.noise.min_amp: 0.5 is above transform.noise.max_amp 0.25"},
        {"transform.overlap.window_seconds", 0.03, "features.n_fft", 1200,
         "transform.overlap.window_seconds: 0.03 is 480 samples, fewer than half of "
         "features.n_fft 1200 and one"},
        {"split.train", 0.8, "split.test", 0.25,
         "split: train 0.8, validation 0.2 and test 0.25 add up to 1.25, not to 1"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        SPIRA_CLEANUP(spira_value_free_at)
        struct spira_value *document = spira_value_map();
        put(document, cases[i].key, spira_value_real(cases[i].value));
        put(document, cases[i].other, spira_value_real(cases[i].other_value));
        SPIRA_CLEANUP(spira_free_at)
        char *message = spira_format("c.json: %s", cases[i].message);
        refuse_document(document, message);
    }
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *both = spira_value_map();
    put(both, "transform.overlap", spira_value_map());
    put(both, "transform.padding", spira_value_bool(true));
    refuse_document(both, "c.json: transform.padding: true does not go with transform.overlap: "
                          "set one of them to false or null");
}

Test(run_config, limits_of_what_is_off_or_unused_bind_nobody)
{
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *document = spira_value_map();
    put(document, "features.type", spira_value_text("spectrogram"));
    put(document, "features.num_mfcc", spira_value_int(80));
    put(document, "features.mel_fmin", spira_value_int(9000));
    put(document, "transform.overlap", spira_value_null());
    put(document, "audio.max_seconds", spira_value_int(2));
    struct spira_run_config config = read_document(document);
    cr_assert_eq(config.features.num_mfcc, 80);
    config = read_key("features.num_mels", spira_value_int(601));
    cr_assert_eq(config.features.num_mels, 601);
}

Test(run_config, set_puts_json_values_and_bare_words_under_dotted_keys)
{
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *document = spira_value_map();
    struct spira_error err = {0};
    cr_assert_eq(spira_run_config_set(document, "train.epochs", "3", spira_value_int(3), &err),
                 SPIRA_OK);
    cr_assert_eq(spira_run_config_set(document, "train.epochs", "4", spira_value_int(4), &err),
                 SPIRA_OK);
    cr_assert_eq(spira_run_config_set(document, "name", "ward-a", NULL, &err), SPIRA_OK);
    SPIRA_CLEANUP(spira_free_at)
    char *text = spira_value_to_text(document, SPIRA_COMPACT);
    cr_assert_str_eq(text, "{\"train\":{\"epochs\":4},\"name\":\"ward-a\"}");
}

Test(run_config, set_refuses_a_path_through_no_object_and_bad_text)
{
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *document = spira_value_map();
    put(document, "transform.noise", spira_value_null());
    struct spira_error err = {0};
    cr_assert_eq(
        spira_run_config_set(document, "transform.noise.copies", "2", spira_value_int(2), &err),
        SPIRA_EINVALID);
    cr_assert_str_eq(err.message, "transform.noise.copies: leads through null, which is no object");
    static const char *const crooked[] = {"", "train..epochs", ".train", "train."};
    for (size_t i = 0; i < sizeof crooked / sizeof *crooked; i++)
        cr_assert_eq(spira_run_config_set(document, crooked[i], "2", spira_value_int(2), &err),
                     SPIRA_EINVALID, "%s", crooked[i]);
    cr_assert_eq(spira_run_config_set(document, "name", "\xff", NULL, &err), SPIRA_EINVALID);
    cr_assert_str_eq(err.message, "name: the value is not UTF-8");
}

Test(run_config, the_table_names_each_key_once_and_documents_it)
{
    for (const struct spira_config_key *key = spira_config_keys; key->key; key++) {
        cr_assert_eq(spira_config_key_find(key->key), key, "%s is there twice", key->key);
        cr_assert(key->sentence && key->sentence[strlen(key->sentence) - 1] == '.', "%s", key->key);
        SPIRA_CLEANUP(spira_value_free_at)
        struct spira_value *fallback = spira_config_key_fallback(key);
        if (fallback)
            cr_assert(spira_config_key_fits(key, fallback), "%s", key->key);
    }
}

Test(run_config, a_failed_read_after_owned_texts_frees_them)
{
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *document = every_key();
    put(document, "evaluation.threshold", spira_value_int(2));
    refuse_document(document, "c.json: evaluation.threshold: 2 is not a number from 0 to 1");
}
