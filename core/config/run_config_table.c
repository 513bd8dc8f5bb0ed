#include "core/config/run_config_table.h"

#include "core/evaluation/metrics.h"

#define MEMBER(member)                                                                             \
    .offset = offsetof(struct spira_run_config, member),                                           \
    .size = sizeof(((struct spira_run_config *)0)->member)
#define NUMBERS(default_, min_, max_) .fallback = (default_), .min = (min_), .max = (max_)

#define SECTION(key_, sentence_)                                                                   \
    {                                                                                              \
        .key = (key_), .type = SPIRA_CONFIG_SECTION, .sentence = (sentence_)                       \
    }
#define SWITCHED(key_, member_, on_, sentence_)                                                    \
    {                                                                                              \
        .key = (key_), .type = SPIRA_CONFIG_SWITCHED, MEMBER(member_), .fallback = (on_),          \
        .sentence = (sentence_)                                                                    \
    }
#define NAME(key_, member_, default_, sentence_)                                                   \
    {                                                                                              \
        .key = (key_), .type = SPIRA_CONFIG_NAME, MEMBER(member_), .name = (default_),             \
        .sentence = (sentence_)                                                                    \
    }
#define COUNT(key_, member_, default_, min_, max_, sentence_)                                      \
    {                                                                                              \
        .key = (key_), .type = SPIRA_CONFIG_COUNT, MEMBER(member_), NUMBERS(default_, min_, max_), \
        .sentence = (sentence_)                                                                    \
    }
#define REAL(key_, member_, default_, min_, max_, sentence_)                                       \
    {                                                                                              \
        .key = (key_), .type = SPIRA_CONFIG_REAL, MEMBER(member_), NUMBERS(default_, min_, max_),  \
        .sentence = (sentence_)                                                                    \
    }
#define BOOL(key_, member_, default_, sentence_)                                                   \
    {                                                                                              \
        .key = (key_), .type = SPIRA_CONFIG_BOOL, MEMBER(member_), .fallback = (default_),         \
        .sentence = (sentence_)                                                                    \
    }
#define WORD(key_, member_, default_, words_, sentence_)                                           \
    {                                                                                              \
        .key = (key_), .type = SPIRA_CONFIG_WORD, MEMBER(member_), .fallback = (default_),         \
        .words = (words_), .sentence = (sentence_)                                                 \
    }

/* Each in the order of its enum. */
static const char *const short_recordings[] = {"pad", "reject", NULL};
static const char *const feature_types[] = {"spectrogram", "melspectrogram", "mfcc", NULL};
static const char *const reproducible[] = {"machine", "strict", NULL};
static const char *const models[] = {"spiraconv_v1", "spiraconv_v2", NULL};
static const char *const optimizers[] = {"adam", NULL};
static const char *const schedulers[] = {"none", "noam", NULL};

/* Defaults are the published setting of the 2021 experiments; the longest recording is that of
 * intake (core/audio/inspect.h). */
const struct spira_config_key spira_config_keys[] = {
    NAME("name", name, "run", "What people call this configuration."),
    {.key = "seed",
     .type = SPIRA_CONFIG_SEED,
     MEMBER(seed),
     NUMBERS(42, 0, 0x1p63),
     .sentence = "Names every random draw of a run: roles, noises, weights, order, dropout."},

    SECTION("audio", "What a recording must be like."),
    {.key = "audio.sample_rate",
     .type = SPIRA_CONFIG_INT,
     MEMBER(audio.rate_hz),
     NUMBERS(16000, 4000, 192000),
     .sentence = "Hz; every recording is resampled to it."},
    REAL("audio.min_seconds", audio.min_seconds, 0.5, 0, 3600,
         "A shorter recording is quarantined."),
    REAL("audio.max_seconds", audio.max_seconds, 3600, 0.01, 3600,
         "A longer recording is quarantined."),
    WORD("audio.short_recordings", audio.short_recordings, SPIRA_SHORT_PAD, short_recordings,
         "What happens to a recording shorter than a window: it is zero-padded to one, or "
         "quarantined."),
    REAL("audio.max_quarantined_share", audio.max_quarantined_share, 0.05, 0, 1,
         "The run fails when a larger share of the recordings is quarantined."),

    SECTION("features", "What the network sees of a window."),
    WORD("features.type", features.type, SPIRA_MFCC, feature_types, "The kind of features."),
    COUNT("features.n_fft", features.n_fft, 1200, 2, 65536,
          "Samples of a Fourier transform; a spectrum has n_fft/2+1 bins."),
    COUNT("features.win_length", features.win_length, 400, 1, 65536,
          "Samples of the Hann window, centred in the n_fft; not above n_fft."),
    COUNT("features.hop_length", features.hop_length, 160, 1, 65536,
          "Samples from one frame to the next."),
    COUNT("features.num_mels", features.num_mels, 40, 1, 4096,
          "Mel filters; a spectrogram has none."),
    REAL("features.mel_fmin", features.mel_fmin_hz, 0, 0, 96000,
         "Hz, where the first mel filter begins; below mel_fmax."),
    {.key = "features.mel_fmax",
     .type = SPIRA_CONFIG_REAL_OR_NULL,
     MEMBER(features.mel_fmax_hz),
     NUMBERS(0, 0, 96000),
     .sentence = "Hz, where the last mel filter ends; null or 0: half the sample rate."},
    COUNT("features.num_mfcc", features.num_mfcc, 40, 1, 4096,
          "Coefficients of an mfcc frame; not above num_mels."),
    BOOL("features.log_mels", features.log_mels, false,
         "mfcc of log(mel + 1e-6) instead of decibels within 80 dB of the loudest."),

    SECTION("transform", "From a recording to training examples."),
    SWITCHED("transform.noise", transform.noise.enabled, false,
             "Mixes noise recordings into the speech. null or left out: none."),
    COUNT("transform.noise.num_control", transform.noise.num_control, 2, 0, 100,
          "Noises mixed into a control's recording (label 0)."),
    COUNT("transform.noise.num_patient", transform.noise.num_patient, 2, 0, 100,
          "Noises mixed into a patient's recording (label 1)."),
    REAL("transform.noise.min_amp", transform.noise.min_amp, 0.033474047, 0, 1,
         "Least level of a noise's maximum, of full scale 1; not above max_amp."),
    REAL("transform.noise.max_amp", transform.noise.max_amp, 0.19233719, 0, 1,
         "Greatest level of a noise's maximum."),
    COUNT("transform.noise.copies", transform.noise.copies, 4, 1, 1000,
          "Differently noised copies of a recording of the train role; epoch e sees copy e mod "
          "copies."),
    SWITCHED("transform.overlap", transform.overlap.enabled, true,
             "Cuts a recording into windows, each an example. null: off. Left out: on, but off "
             "where padding is true."),
    REAL("transform.overlap.window_seconds", transform.overlap.window_seconds, 4, 0.01, 3600,
         "Length of a window; not above audio.max_seconds."),
    REAL("transform.overlap.step_seconds", transform.overlap.step_seconds, 1, 0.001, 3600,
         "From the start of one window to the next."),
    BOOL("transform.padding", transform.padding, false,
         "Makes a whole recording one example, padded to the longest of the train role; not "
         "together with overlap. With neither, the network works per frame."),
    SWITCHED("transform.mixture", transform.mixture.enabled, false,
             "Mixes pairs of training examples and their labels, by a share drawn from "
             "Beta(alpha, beta). null or left out: off."),
    REAL("transform.mixture.alpha", transform.mixture.alpha, 0.4, 0.001, 1000,
         "First parameter of the Beta distribution."),
    REAL("transform.mixture.beta", transform.mixture.beta, 0.4, 0.001, 1000,
         "Second parameter of the Beta distribution."),

    SECTION("split", "Shares of the patients of each label, where the corpus prescribes no role. "
                     "They add up to 1."),
    REAL("split.train", split.train, 0.6, 0, 1, "Of the train role."),
    REAL("split.validation", split.validation, 0.2, 0, 1, "Of the validation role."),
    REAL("split.test", split.test, 0.2, 0, 1, "Of the test role."),

    SECTION("model", "The network."),
    WORD("model.name", model.norm, SPIRA_GROUP_NORM, models,
         "spiraconv_v1 normalises over the batch, spiraconv_v2 over groups of channels."),
    COUNT("model.fc1_dim", model.fc1_dim, 100, 1, 4096, "Outputs of the first linear layer."),
    COUNT("model.fc2_dim", model.fc2_dim, 1, 1, 1,
          "Outputs of the second linear layer: the one probability."),
    REAL("model.dropout", model.dropout, 0.7, 0, 0.99,
         "Share of the activations that dropout clears in training."),

    SECTION("train", "How the network is trained."),
    COUNT("train.epochs", train.epochs, 1000, 1, 100000, "The most passes over the train role."),
    COUNT("train.batch_recordings", train.batch_recordings, 5, 1, 10000,
          "Recordings of a batch, with all their windows; the last incomplete batch is dropped."),
    COUNT(
        "train.max_batch_windows", train.max_batch_windows, 128, 1, 1000000,
        "The most windows of a batch of spiraconv_v1, which needs all of them in memory at once."),
    SECTION("train.optimizer", "How a gradient changes the weights."),
    {.key = "train.optimizer.name",
     .type = SPIRA_CONFIG_WORD,
     .words = optimizers,
     .sentence = "Adam with betas 0.9 and 0.999, epsilon 1e-8."},
    REAL("train.optimizer.learning_rate", train.learning_rate, 1e-3, 0, 1e6,
         "The rate, the schedule's peak."),
    REAL("train.optimizer.weight_decay", train.weight_decay, 0.01, 0, 100,
         "Times the weights, added to the gradient."),
    SECTION("train.scheduler", "How the learning rate changes."),
    WORD("train.scheduler.name", train.noam, true, schedulers,
         "noam rises for warmup_steps and then falls with the root of the steps; none keeps the "
         "rate."),
    COUNT("train.scheduler.warmup_steps", train.warmup_steps, 1000, 1, 1e9,
          "Steps until noam's peak."),
    SECTION("train.loss", "Binary cross-entropy."),
    BOOL("train.loss.clipping", train.clipping, true, "Keeps each logarithm at or above -100."),
    BOOL("train.loss.class_balancing", train.class_balancing, false,
         "Means within each class first, then the mean of the classes."),
    COUNT("train.early_stop_epochs", train.early_stop_epochs, 0, 0, 100000,
          "Stops after so many epochs without a better one, by early_stop_metric; 0: never."),
    {.key = "train.early_stop_metric",
     .type = SPIRA_CONFIG_METRIC,
     MEMBER(train.early_stop_metric),
     .young = true,
     .sentence = "What makes an epoch the best one: the validation loss, or a metric of the "
                 "validation recordings, at a threshold of 0.5."},
    {.key = "train.folds",
     .type = SPIRA_CONFIG_COUNT,
     MEMBER(train.folds),
     NUMBERS(0, 0, SPIRA_FOLDS_MAX),
     .young = true,
     .sentence = "Cross-validation: the patients of the train and the validation role are dealt "
                 "into so many folds, and each is the validation role of one training; 0: none."},
    {.key = "train.seeds",
     .type = SPIRA_CONFIG_SEEDS,
     MEMBER(train.seeds),
     .young = true,
     .sentence = "Trains once (each fold) for each of these seeds, which decide weights, order, "
                 "dropout and mixture; an empty list: once, with the run's seed."},
    COUNT("train.checkpoint_interval", train.checkpoint_interval, 500, 0, 1e9,
          "Steps between checkpoints; 0: only the best epoch is kept."),
    REAL("train.max_loss", train.max_loss, 1e8, 0, 1e300,
         "Training stops with an error when the loss passes it."),
    WORD("train.reproducible", train.reproducible, SPIRA_ON_ANY_MACHINE, reproducible,
         "strict: the same bytes on any machine with AVX2; machine: a library's products where the "
         "network has no kernel of its own, which depend on the processor."),
    {.key = "train.initial_weights",
     .type = SPIRA_CONFIG_OBJECT,
     MEMBER(train.initial_weights),
     .sentence = "Weights to start from; null: drawn."},
    {.key = "train.reinit_layers",
     .type = SPIRA_CONFIG_PREFIXES,
     MEMBER(train.reinit_layers),
     .sentence = "Weights whose name begins with one of these are drawn afresh after loading the "
                 "initial ones."},

    SECTION("evaluation", "How scores become answers."),
    REAL("evaluation.threshold", threshold, 0.5, 0, 1,
         "A recording whose score is at least this is called positive."),

    SECTION("publish", "Where the model goes, and what it must reach first."),
    NAME("publish.model", publish_model, "spira", "The model's name in the registry."),
    {.key = "publish.gate",
     .type = SPIRA_CONFIG_GATES,
     MEMBER(gates),
     .sentence = "All of them must be reached; an empty list lets every model pass."},
    {.key = "publish.gate[].metric",
     .type = SPIRA_CONFIG_GATE_METRIC,
     .sentence = "A metric of the test recordings."},
    {.key = "publish.gate[].at_least",
     .type = SPIRA_CONFIG_GATE_AT_LEAST,
     .min = -1,
     .max = 1,
     .sentence = "What it must reach; an undefined metric reaches nothing."},
    {.key = NULL},
};

const struct spira_config_key *spira_config_key_find(const char *dotted_key)
{
    for (const struct spira_config_key *key = spira_config_keys; key->key; key++)
        if (strcmp(key->key, dotted_key) == 0)
            return key;
    return NULL;
}

static const char *last_part(const char *dotted_key)
{
    const char *dot = strrchr(dotted_key, '.');
    return dot ? dot + 1 : dotted_key;
}

enum { MAX_TYPED = 40 }; /* bytes of a key that is compared; no key of ours is as long */

/* Levenshtein's distance: insertions, deletions and replacements of bytes from a to b. */
static size_t distance(const char *a, const char *b)
{
    size_t row[MAX_TYPED + 1];
    size_t length = strlen(b);
    for (size_t j = 0; j <= length; j++)
        row[j] = j;
    for (size_t i = 0; a[i]; i++) {
        size_t diagonal = row[0];
        row[0] = i + 1;
        for (size_t j = 1; j <= length; j++) {
            size_t replaced = diagonal + (a[i] != b[j - 1]);
            diagonal = row[j];
            size_t other = row[j] < row[j - 1] ? row[j] + 1 : row[j - 1] + 1;
            row[j] = replaced < other ? replaced : other;
        }
    }
    return row[length];
}

const struct spira_config_key *spira_config_key_nearest(const char *dotted_key)
{
    const char *typed = last_part(dotted_key);
    size_t place = (size_t)(typed - dotted_key);
    if (strlen(typed) > MAX_TYPED)
        return NULL;
    const struct spira_config_key *nearest = NULL;
    size_t least = 2 * (strlen(typed) / 3) + 2; /* a third of it may be wrong */
    for (const struct spira_config_key *key = spira_config_keys; key->key; key++) {
        const char *own = last_part(key->key);
        /* The right section decides between two that are equally near. */
        size_t elsewhere =
            strncmp(key->key, dotted_key, place) != 0 || (size_t)(own - key->key) != place;
        size_t far = 2 * distance(typed, own) + elsewhere;
        if (far < least) {
            least = far;
            nearest = key;
        }
    }
    return nearest;
}

static char *list_words(const struct spira_config_key *key)
{
    char *list = spira_copy_text(key->words[1] ? "one of" : "");
    for (size_t i = 0; key->words[i]; i++) {
        char *longer = spira_format("%s%s\"%s\"", list,
                                    i > 0   ? ", "
                                    : *list ? " "
                                            : "",
                                    key->words[i]);
        free(list);
        list = longer;
    }
    return list;
}

/* first: what else it may be, as in the list, with a comma; "": nothing. */
static char *list_metrics(const char *first)
{
    char *list = spira_format("one of%s%s", *first ? " " : "", first);
    for (const struct spira_metric *metric = spira_metrics; metric->name; metric++) {
        char *longer =
            spira_format("%s%s \"%s\"", list, metric > spira_metrics ? "," : "", metric->name);
        free(list);
        list = longer;
    }
    return list;
}

char *spira_config_key_takes(const struct spira_config_key *key)
{
    switch (key->type) {
    case SPIRA_CONFIG_SECTION:
        return spira_copy_text("an object");
    case SPIRA_CONFIG_SWITCHED:
        return spira_copy_text("an object or null");
    case SPIRA_CONFIG_NAME:
        return spira_format("a name (1 to %d of a-z, 0-9, \".\", \"_\", \"-\"; the first a letter "
                            "or digit)",
                            SPIRA_NAME_MAX);
    case SPIRA_CONFIG_OBJECT:
        return spira_copy_text("a key in the store or null");
    case SPIRA_CONFIG_SEED:
        return spira_format("a whole number from 0 to %jd", INTMAX_MAX);
    case SPIRA_CONFIG_INT:
    case SPIRA_CONFIG_COUNT:
        if (key->min == key->max)
            return spira_format("%.0f", key->min);
        return spira_format("a whole number from %.0f to %.0f", key->min, key->max);
    case SPIRA_CONFIG_REAL:
    case SPIRA_CONFIG_GATE_AT_LEAST:
        return spira_format("a number from %g to %g", key->min, key->max);
    case SPIRA_CONFIG_REAL_OR_NULL:
        return spira_format("a number from %g to %g or null", key->min, key->max);
    case SPIRA_CONFIG_BOOL:
        return spira_copy_text("true or false");
    case SPIRA_CONFIG_WORD:
        return list_words(key);
    case SPIRA_CONFIG_PREFIXES:
        return spira_format("a list of at most %d texts of 1 to %d bytes, or null",
                            SPIRA_PREFIXES_MAX, SPIRA_PREFIX_LENGTH_MAX - 1);
    case SPIRA_CONFIG_SEEDS:
        return spira_format("a list of at most %d different whole numbers from 0 to %jd",
                            SPIRA_SEEDS_MAX, INTMAX_MAX);
    case SPIRA_CONFIG_GATES:
        return spira_format("a list of at most %d objects {\"metric\", \"at_least\"}",
                            SPIRA_GATES_MAX);
    case SPIRA_CONFIG_GATE_METRIC:
        return list_metrics("");
    case SPIRA_CONFIG_METRIC:
        return list_metrics("\"loss\",");
    }
    return spira_copy_text("known");
}

struct spira_value *spira_config_key_fallback(const struct spira_config_key *key)
{
    switch (key->type) {
    case SPIRA_CONFIG_SECTION:
        return spira_value_map();
    case SPIRA_CONFIG_SWITCHED:
        return key->fallback != 0 ? spira_value_map() : spira_value_null();
    case SPIRA_CONFIG_NAME:
        return spira_value_text(key->name);
    case SPIRA_CONFIG_OBJECT:
    case SPIRA_CONFIG_REAL_OR_NULL:
    case SPIRA_CONFIG_PREFIXES:
        return spira_value_null();
    case SPIRA_CONFIG_SEED:
    case SPIRA_CONFIG_INT:
    case SPIRA_CONFIG_COUNT:
        return spira_value_int((int64_t)key->fallback);
    case SPIRA_CONFIG_REAL:
        return spira_value_real(key->fallback);
    case SPIRA_CONFIG_BOOL:
        return spira_value_bool(key->fallback != 0);
    case SPIRA_CONFIG_WORD:
        return spira_value_text(key->words[(size_t)key->fallback]);
    case SPIRA_CONFIG_METRIC:
        return spira_value_text("loss");
    case SPIRA_CONFIG_SEEDS:
    case SPIRA_CONFIG_GATES:
        return spira_value_list();
    case SPIRA_CONFIG_GATE_METRIC:
    case SPIRA_CONFIG_GATE_AT_LEAST:
        return NULL;
    }
    return NULL;
}
