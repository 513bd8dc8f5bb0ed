#include "core/config/published_keys.h"

#define COPIED(key_, target_)                                                                      \
    {                                                                                              \
        .key = (key_), .target = (target_)                                                         \
    }
#define COPIED_WHEN(key_, when_, target_)                                                          \
    {                                                                                              \
        .key = (key_), .target = (target_), .when = (when_)                                        \
    }
#define COPIED_FOR(key_, feature_, target_)                                                        \
    {                                                                                              \
        .key = (key_), .target = (target_), .feature = (feature_)                                  \
    }
#define READ(key_)                                                                                 \
    {                                                                                              \
        .key = (key_), .use = SPIRA_PUBLISHED_READ                                                 \
    }
#define NOTHING(key_)                                                                              \
    {                                                                                              \
        .key = (key_), .use = SPIRA_PUBLISHED_NOTHING                                              \
    }
#define WARNED(key_, note_)                                                                        \
    {                                                                                              \
        .key = (key_), .use = SPIRA_PUBLISHED_WARNED, .note = (note_)                              \
    }

#define ACL_NOISE "data_aumentation.insert_noise"
#define ACL_OVERLAP "dataset.split_wav_using_overlapping"
#define ACL_DECAY "train_config.lr_decay"

static const struct spira_published_key acl2021_keys[] = {
    COPIED("model_name", "model.name"),
    READ("seed"),
    READ(ACL_OVERLAP),
    COPIED_WHEN("dataset.window_len", ACL_OVERLAP, "transform.overlap.window_seconds"),
    COPIED_WHEN("dataset.step", ACL_OVERLAP, "transform.overlap.step_seconds"),
    READ("dataset.padding_with_max_lenght"),
    WARNED("dataset.max_seq_len", "the longest recording of the train role decides"),
    READ("dataset.train_csv"),
    READ("dataset.eval_csv"),
    READ("dataset.test_csv"),
    READ("dataset.noise_csv"),
    NOTHING("dataset.train_data_root_path"),
    NOTHING("dataset.eval_data_root_path"),
    NOTHING("dataset.test_data_root_path"),
    NOTHING("dataset.noise_data_root_path"),
    READ("dataset.control_class"),
    READ("dataset.patient_class"),
    COPIED("model.fc1_dim", "model.fc1_dim"),
    COPIED("model.fc2_dim", "model.fc2_dim"),
    COPIED("train_config.early_stop_epochs", "train.early_stop_epochs"),
    READ(ACL_DECAY),
    COPIED_WHEN("train_config.warmup_steps", ACL_DECAY, "train.scheduler.warmup_steps"),
    COPIED("train_config.epochs", "train.epochs"),
    COPIED("train_config.learning_rate", "train.optimizer.learning_rate"),
    COPIED("train_config.weight_decay", "train.optimizer.weight_decay"),
    READ("train_config.optimizer"),
    COPIED("train_config.batch_size", "train.batch_recordings"),
    READ("train_config.seed"),
    NOTHING("train_config.num_workers"),
    NOTHING("train_config.logs_path"),
    COPIED("train_config.reinit_layers", "train.reinit_layers"),
    NOTHING("train_config.summary_interval"),
    COPIED("train_config.checkpoint_interval", "train.checkpoint_interval"),
    READ(ACL_NOISE),
    COPIED_WHEN("data_aumentation.num_noise_control", ACL_NOISE, "transform.noise.num_control"),
    COPIED_WHEN("data_aumentation.num_noise_patient", ACL_NOISE, "transform.noise.num_patient"),
    COPIED_WHEN("data_aumentation.noise_max_amp", ACL_NOISE, "transform.noise.max_amp"),
    COPIED_WHEN("data_aumentation.noise_min_amp", ACL_NOISE, "transform.noise.min_amp"),
    NOTHING("test_config.batch_size"),
    NOTHING("test_config.num_workers"),
    COPIED("audio.feature", "features.type"),
    COPIED("audio.sample_rate", "audio.sample_rate"),
    NOTHING("audio.normalize"),
    COPIED("audio.num_mels", "features.num_mels"),
    /* The published code hands them to no other kind. */
    COPIED_FOR("audio.mel_fmin", "melspectrogram", "features.mel_fmin"),
    COPIED_FOR("audio.mel_fmax", "melspectrogram", "features.mel_fmax"),
    COPIED_FOR("audio.num_mfcc", "mfcc", "features.num_mfcc"),
    COPIED_FOR("audio.log_mels", "mfcc", "features.log_mels"),
    COPIED("audio.n_fft", "features.n_fft"),
    NOTHING("audio.num_freq"),
    COPIED("audio.hop_length", "features.hop_length"),
    COPIED("audio.win_length", "features.win_length"),
    {.key = NULL},
};

static const struct spira_published_places acl2021_places = {
    .noise = ACL_NOISE,
    .overlap = ACL_OVERLAP,
    .padding = "dataset.padding_with_max_lenght",
    .decay = ACL_DECAY,
    .feature = "audio.feature",
    .optimizer = "train_config.optimizer",
    .seed = "seed",
    .train_seed = "train_config.seed",
};

#define V2_NOISE "options.feature_engineering.use_noise"
#define V2_OVERLAP "options.feature_engineering.use_overlapping"
#define V2_DECAY "options.train.use_lr_decay"
#define V2_NOISY "parameters.feature_engineering.noisy_audio."
#define V2_OVERLAPPED "parameters.feature_engineering.overlapped_audio."

/* Each kind of features has parameters of its own; those that its transform does not take are
 * nothing. */
#define V2_COMMON(kind)                                                                            \
    COPIED_FOR("parameters.audio." kind ".sample_rate", kind, "audio.sample_rate"),                \
        COPIED_FOR("parameters.audio." kind ".n_fft", kind, "features.n_fft"),                     \
        COPIED_FOR("parameters.audio." kind ".win_length", kind, "features.win_length"),           \
        NOTHING("parameters.audio." kind ".num_freq")

static const struct spira_published_key v2_keys[] = {
    READ("seed"),
    READ(V2_NOISE),
    READ(V2_OVERLAP),
    READ("options.feature_engineering.use_padding"),
    READ("options.feature_engineering.use_mixture"),
    COPIED("options.train.use_clipping", "train.loss.clipping"),
    READ(V2_DECAY),
    COPIED("options.train.use_class_balancing", "train.loss.class_balancing"),
    COPIED("parameters.audio.feature_type", "features.type"),
    COPIED("parameters.audio.hop_length", "features.hop_length"),
    V2_COMMON("mfcc"),
    COPIED_FOR("parameters.audio.mfcc.num_mels", "mfcc", "features.num_mels"),
    COPIED_FOR("parameters.audio.mfcc.num_mfcc", "mfcc", "features.num_mfcc"),
    COPIED_FOR("parameters.audio.mfcc.log_mels", "mfcc", "features.log_mels"),
    V2_COMMON("spectrogram"),
    NOTHING("parameters.audio.spectrogram.num_mels"),
    NOTHING("parameters.audio.spectrogram.mel_fmin"),
    NOTHING("parameters.audio.spectrogram.mel_fmax"),
    NOTHING("parameters.audio.spectrogram.num_mfcc"),
    NOTHING("parameters.audio.spectrogram.log_mels"),
    V2_COMMON("melspectrogram"),
    COPIED_FOR("parameters.audio.melspectrogram.num_mels", "melspectrogram", "features.num_mels"),
    COPIED_FOR("parameters.audio.melspectrogram.mel_fmin", "melspectrogram", "features.mel_fmin"),
    COPIED_FOR("parameters.audio.melspectrogram.mel_fmax", "melspectrogram", "features.mel_fmax"),
    NOTHING("parameters.audio.melspectrogram.num_mfcc"),
    NOTHING("parameters.audio.melspectrogram.log_mels"),
    NOTHING("parameters.dataset.normalize"),
    READ("parameters.dataset.patients_csv"),
    READ("parameters.dataset.controls_csv"),
    READ("parameters.dataset.noises_csv"),
    COPIED("parameters.model.name", "model.name"),
    COPIED("parameters.model.fc1_dim", "model.fc1_dim"),
    COPIED("parameters.model.fc2_dim", "model.fc2_dim"),
    COPIED_WHEN(V2_NOISY "num_noise_control", V2_NOISE, "transform.noise.num_control"),
    COPIED_WHEN(V2_NOISY "num_noise_patient", V2_NOISE, "transform.noise.num_patient"),
    COPIED_WHEN(V2_NOISY "noise_max_amp", V2_NOISE, "transform.noise.max_amp"),
    COPIED_WHEN(V2_NOISY "noise_min_amp", V2_NOISE, "transform.noise.min_amp"),
    COPIED_WHEN(V2_OVERLAPPED "window_length", V2_OVERLAP, "transform.overlap.window_seconds"),
    COPIED_WHEN(V2_OVERLAPPED "step_size", V2_OVERLAP, "transform.overlap.step_seconds"),
    READ("parameters.train.optimizer.category"),
    COPIED("parameters.train.optimizer.learning_rate", "train.optimizer.learning_rate"),
    COPIED("parameters.train.optimizer.weight_decay", "train.optimizer.weight_decay"),
    COPIED_WHEN("parameters.train.scheduler.warmup_steps", V2_DECAY,
                "train.scheduler.warmup_steps"),
    NOTHING("parameters.train.checkpoint.dir"),
    COPIED("parameters.train.checkpoint.interval", "train.checkpoint_interval"),
    COPIED("parameters.train.early_stop_epochs", "train.early_stop_epochs"),
    COPIED("parameters.train.epochs", "train.epochs"),
    WARNED("parameters.train.loss1_weight", "no published code reads it, and nothing here does"),
    COPIED("parameters.train.batch_size", "train.batch_recordings"),
    READ("parameters.train.seed"),
    NOTHING("parameters.train.num_workers"),
    NOTHING("parameters.train.logs_path"),
    COPIED("parameters.train.reinit_layers", "train.reinit_layers"),
    NOTHING("parameters.train.summary_interval"),
    {.key = NULL},
};

static const struct spira_published_places v2_places = {
    .noise = V2_NOISE,
    .overlap = V2_OVERLAP,
    .padding = "options.feature_engineering.use_padding",
    .mixture = "options.feature_engineering.use_mixture",
    .decay = V2_DECAY,
    .feature = "parameters.audio.feature_type",
    .optimizer = "parameters.train.optimizer.category",
    .seed = "seed",
    .train_seed = "parameters.train.seed",
};

const struct spira_published_key *spira_published_keys(enum spira_published_format format)
{
    static const struct spira_published_key none[] = {{.key = NULL}};
    return format == SPIRA_PUBLISHED_ACL2021 ? acl2021_keys
           : format == SPIRA_PUBLISHED_V2    ? v2_keys
                                             : none;
}

const struct spira_published_places *spira_published_places(enum spira_published_format format)
{
    return format == SPIRA_PUBLISHED_V2 ? &v2_places : &acl2021_places;
}
