/* A run configuration, typed: every key of the JSON document with its default filled in.
 * The table in run_config_table.c gives each key its type, default, limits and sentence; it checks,
 * documents and writes configurations. Units are in the names, except where the published key says
 * otherwise. */
#ifndef SPIRA_CORE_CONFIG_RUN_CONFIG_H
#define SPIRA_CORE_CONFIG_RUN_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/value.h"

enum {
    SPIRA_NAME_MAX = 64,
    SPIRA_GATES_MAX = 16,
    SPIRA_PREFIXES_MAX = 16,
    SPIRA_PREFIX_LENGTH_MAX = 64,
    SPIRA_SEEDS_MAX = 100,
    SPIRA_FOLDS_MAX = 50,
    SPIRA_MEMBERS_MAX = 400 /* folds times seeds */
};

struct spira_metric;

enum spira_short_recordings { SPIRA_SHORT_PAD, SPIRA_SHORT_REJECT };

struct spira_audio_config {
    int rate_hz; /* audio.sample_rate */
    double min_seconds;
    double max_seconds;
    enum spira_short_recordings short_recordings;
    double max_quarantined_share;
};

enum spira_feature_type { SPIRA_SPECTROGRAM, SPIRA_MELSPECTROGRAM, SPIRA_MFCC };

struct spira_feature_config {
    enum spira_feature_type type;
    size_t n_fft, win_length, hop_length; /* samples */
    size_t num_mels;
    double mel_fmin_hz;
    double mel_fmax_hz; /* 0: half the rate */
    size_t num_mfcc;
    bool log_mels;
};

struct spira_noise_config {
    bool enabled;
    size_t num_control, num_patient; /* noises mixed into a recording of label 0, of label 1 */
    double min_amp, max_amp;
    size_t copies; /* differently noised copies of a recording of the train role */
};

struct spira_overlap_config {
    bool enabled;
    double window_seconds, step_seconds;
};

struct spira_mixture_config {
    bool enabled;
    double alpha, beta;
};

struct spira_transform_config {
    struct spira_noise_config noise;
    struct spira_overlap_config overlap;
    bool padding; /* with neither overlap nor padding the model works per frame */
    struct spira_mixture_config mixture;
};

struct spira_split_config {
    double train, validation, test; /* shares; their sum is 1 */
};

enum spira_norm { SPIRA_BATCH_NORM, SPIRA_GROUP_NORM }; /* spiraconv_v1, spiraconv_v2 */

struct spira_model_config {
    enum spira_norm norm; /* model.name */
    size_t fc1_dim, fc2_dim;
    double dropout;
};

/* Which machines give a model the same bytes: the one it was trained on, or all whose
 * core/base/dispatch.h is above scalar. */
enum spira_reproducible { SPIRA_ON_THIS_MACHINE, SPIRA_ON_ANY_MACHINE };

struct spira_train_config {
    size_t epochs, batch_recordings;
    double learning_rate, weight_decay;
    bool noam; /* scheduler.name "noam"; "none" keeps the rate constant */
    size_t warmup_steps;
    bool clipping, class_balancing;
    size_t early_stop_epochs;                     /* 0: off */
    const struct spira_metric *early_stop_metric; /* static; NULL: the validation loss */
    size_t folds;                    /* of cross-validation; 0: none, else at least 2 */
    uint64_t seeds[SPIRA_SEEDS_MAX]; /* of its trainings, each another; none: the run's */
    size_t seed_count;
    size_t checkpoint_interval; /* steps; 0: only the best */
    double max_loss;
    enum spira_reproducible reproducible;
    size_t max_batch_windows; /* spiraconv_v1 needs its whole batch at once */
    char *initial_weights;    /* a key in the store, or NULL */
    char reinit_layers[SPIRA_PREFIXES_MAX][SPIRA_PREFIX_LENGTH_MAX];
    size_t reinit_count;
};

struct spira_gate_config {
    char metric[SPIRA_NAME_MAX];
    double at_least;
};

struct spira_run_config {
    char name[SPIRA_NAME_MAX + 1];
    uint64_t seed;
    struct spira_audio_config audio;
    struct spira_feature_config features;
    struct spira_transform_config transform;
    struct spira_split_config split;
    struct spira_model_config model;
    struct spira_train_config train;
    double threshold; /* evaluation.threshold */
    char publish_model[SPIRA_NAME_MAX + 1];
    struct spira_gate_config gates[SPIRA_GATES_MAX];
    size_t gate_count;
};

/* Checks document against the table and fills ret_config, defaults where keys are missing. Refuses
 * unknown keys, wrong types and values out of range, and combinations that cannot work (a window
 * longer than max_seconds, shares that do not add up, num_mfcc above num_mels). SPIRA_EINVALID
 * names the dotted key and the value. name is the document's, for messages. Free with
 * spira_run_config_done. */
SPIRA_MUST_USE enum spira_code spira_run_config_read(const char *name,
                                                     const struct spira_value *document,
                                                     struct spira_run_config *ret_config,
                                                     struct spira_error *err);
void spira_run_config_done(struct spira_run_config *config); /* a zeroed one is fine */

/* Gives the document with every key: what `config check` prints and step keys are made of. Reading
 * it back gives an equal configuration. */
struct spira_value *spira_run_config_write(const struct spira_run_config *config);

/* Gives one top-level section of that document ("transform"), for step keys. Keys that are younger
 * than the keys of steps are left out where they have their default: what was computed before them
 * is found. */
struct spira_value *spira_run_config_section(const struct spira_run_config *config,
                                             const char *section);

/* Sets one dotted key ("train.epochs") in a document to a value given as text: JSON, or a bare word
 * as a text. parsed is the JSON value when text was JSON, or NULL; taken. SPIRA_EINVALID: the path
 * leads through a value that is no object. Unknown keys are found by the next read. */
SPIRA_MUST_USE enum spira_code spira_run_config_set(struct spira_value *document,
                                                    const char *dotted_key, const char *text,
                                                    struct spira_value *parsed,
                                                    struct spira_error *err);

#endif
