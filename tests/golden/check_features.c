/* features.safetensors: spectrograms, mel spectrograms and cepstra of every signal under every
 * configuration of the metadata. */
#include "core/features/extractor.h"
#include "tests/golden/golden_kinds.h"

#define POWER_TOLERANCE 2e-5
#define MFCC_TOLERANCE 2e-3
enum { DEFAULT_RATE_HZ = 16000 };

static const struct feature {
    const char *name;
    enum spira_feature_type type;
    bool log_mels;
    double tolerance;
    enum golden_scale scale;
} features[] = {
    {"spectrogram", SPIRA_SPECTROGRAM, false, POWER_TOLERANCE, GOLDEN_OF_LARGEST},
    {"melspectrogram", SPIRA_MELSPECTROGRAM, false, POWER_TOLERANCE, GOLDEN_OF_LARGEST},
    {"mfcc.log0", SPIRA_MFCC, false, MFCC_TOLERANCE, GOLDEN_ABSOLUTE},
    {"mfcc.log1", SPIRA_MFCC, true, MFCC_TOLERANCE, GOLDEN_ABSOLUTE},
};

/* The file's rate in Hz; 16 kHz where it says none. */
static int read_rate(struct golden_file *file)
{
    int rate_hz = DEFAULT_RATE_HZ;
    const char *text = spira_value_get_text(file->content.metadata, "rate", NULL);
    if (text && sscanf(text, "%d", &rate_hz) != 1)
        golden_fail(file, "metadata 'rate': '%s' is not understood", text);
    return rate_hz;
}

static struct spira_feature_config read_config(const struct spira_value *config)
{
    return (struct spira_feature_config){
        .n_fft = (size_t)spira_value_get_int(config, "n_fft", 0),
        .win_length = (size_t)spira_value_get_int(config, "win_length", 0),
        .hop_length = (size_t)spira_value_get_int(config, "hop_length", 0),
        .num_mels = (size_t)spira_value_get_int(config, "n_mels", 0),
        .num_mfcc = (size_t)spira_value_get_int(config, "n_mfcc", 0),
        .mel_fmin_hz = spira_value_get_real(config, "f_min", 0),
        .mel_fmax_hz = spira_value_get_real(config, "f_max", 0), /* null: half the rate */
    };
}

/* Computes one kind of feature of one signal and compares it with the tensor of that name. */
static void check_feature(struct golden_file *file, const char *name, const struct feature *feature,
                          struct spira_feature_config config, int rate_hz,
                          const struct spira_tensor *wave)
{
    struct spira_error err;
    SPIRA_CLEANUP(spira_feature_extractor_free_at)
    struct spira_feature_extractor *extractor = NULL;
    SPIRA_CLEANUP(spira_feature_workspace_done)
    struct spira_feature_workspace workspace = {0};
    SPIRA_CLEANUP(spira_free_at)
    float *ours = NULL;
    config.type = feature->type;
    config.log_mels = feature->log_mels;
    size_t samples = spira_tensor_elements(wave), count = 0;
    enum spira_code code =
        spira_feature_extractor_new(&config, rate_hz, file->fourier, &extractor, &err);
    if (code == SPIRA_OK && samples < spira_feature_extractor_min_samples(extractor))
        code = spira_fail(&err, SPIRA_EINVALID, "%zu samples are too few", samples);
    if (code == SPIRA_OK)
        code = spira_feature_workspace_reserve(&workspace, extractor, samples, &err);
    if (code == SPIRA_OK) {
        count = spira_feature_extractor_frames(extractor, samples) *
                spira_feature_extractor_dims(extractor);
        code = spira_big_alloc(&ours, count, sizeof *ours, name, &err);
    }
    if (code != SPIRA_OK) {
        golden_fail(file, "%s: %s", name, err.message);
        return;
    }
    spira_feature_extractor_compute(extractor, &workspace, wave->data, samples, ours);
    golden_compare_floats(file, name, ours, count, feature->tolerance, feature->scale);
}

/* Every feature of the signal whose wave this is, under every configuration. */
static void check_signal(struct golden_file *file, const struct spira_value *configs, int rate_hz,
                         const char *wave_name)
{
    const struct spira_tensor *wave = golden_input(file, wave_name, SPIRA_F32);
    if (!wave)
        return;
    int signal_length = (int)(strlen(wave_name) - strlen(".wave"));
    for (size_t c = 0; c < spira_value_count(configs); c++)
        for (size_t f = 0; f < sizeof features / sizeof *features; f++) {
            SPIRA_CLEANUP(spira_free_at)
            char *name = spira_format("%.*s.%s.%s", signal_length, wave_name,
                                      spira_value_key_at(configs, c), features[f].name);
            check_feature(file, name, &features[f], read_config(spira_value_at(configs, c)),
                          rate_hz, wave);
        }
}

void golden_check_features(struct golden_file *file)
{
    const char *text = golden_metadata(file, "configs");
    if (!text)
        return;
    struct spira_error err;
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *configs = NULL;
    if (spira_config_parse(file->json, "configs", text, strlen(text), &configs, &err) != SPIRA_OK) {
        golden_fail(file, "metadata 'configs': %s", err.message);
        return;
    }
    int rate_hz = read_rate(file);
    for (size_t i = 0; i < file->content.count; i++) {
        const char *name = file->content.tensors[i].name;
        size_t length = strlen(name);
        if (length > strlen(".wave") && strcmp(name + length - strlen(".wave"), ".wave") == 0)
            check_signal(file, configs, rate_hz, name);
    }
}
