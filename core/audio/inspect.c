#include "core/audio/inspect.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "core/audio/mono.h"

enum { CLIPPED_RUN = 3, SILENCE_FRAMES_PER_SECOND = 50 };
static const double CLIPPED_LEVEL = 0.999;
static const double SILENT_POWER = 1e-6; /* -60 dBFS */
static const double NO_SOUND_DBFS = -200;

const struct spira_audio_limits spira_audio_intake_limits = {
    .min_seconds = 0,
    .max_seconds = SPIRA_AUDIO_MAX_SECONDS,
    .min_peak = 1e-3,
    .min_rms_dbfs = -55,
    .max_clipped_share = 0.1,
};

const char *spira_audio_reason_name(enum spira_audio_reason reason)
{
    static const char *const names[] = {
#define X(name, word, sentence) word,
        SPIRA_AUDIO_REASONS(X)
#undef X
    };
    return names[reason];
}

const char *spira_audio_reason_text(enum spira_audio_reason reason)
{
    static const char *const texts[] = {
#define X(name, word, sentence) sentence,
        SPIRA_AUDIO_REASONS(X)
#undef X
    };
    return texts[reason];
}

/* Running sums over the samples of one recording. */
struct meter {
    double peak, power; /* power: sum of squares */
    int64_t samples;
    int64_t run, clipped; /* length of the loud run we are in; samples in runs long enough */
    int64_t frame_samples, in_frame;
    double frame_power;
    int64_t frames, silent_frames;
};

static void end_frame(struct meter *meter)
{
    meter->frames++;
    meter->silent_frames += meter->frame_power < SILENT_POWER * (double)meter->in_frame;
    meter->frame_power = 0;
    meter->in_frame = 0;
}

static void add_sample(struct meter *meter, double sample)
{
    double level = fabs(sample);
    meter->peak = level > meter->peak ? level : meter->peak;
    meter->power += sample * sample;
    meter->samples++;

    meter->run = level >= CLIPPED_LEVEL ? meter->run + 1 : 0;
    if (meter->run == CLIPPED_RUN)
        meter->clipped += CLIPPED_RUN;
    else if (meter->run > CLIPPED_RUN)
        meter->clipped++;

    meter->frame_power += sample * sample;
    if (++meter->in_frame == meter->frame_samples)
        end_frame(meter);
}

static void fill_measures(struct meter *meter, struct spira_audio_measures *measures)
{
    if (meter->in_frame)
        end_frame(meter);
    double samples = (double)meter->samples;
    measures->frames = meter->samples;
    measures->seconds = samples / measures->rate_hz;
    measures->peak = meter->peak;
    measures->rms_dbfs = NO_SOUND_DBFS;
    if (meter->power > 0)
        measures->rms_dbfs = fmax(10 * log10(meter->power / samples), NO_SOUND_DBFS);
    measures->clipped_share = meter->samples ? (double)meter->clipped / samples : 0;
    measures->silent_share =
        meter->frames ? (double)meter->silent_frames / (double)meter->frames : 0;
}

static enum spira_code measure(struct spira_audio_source source, const char *path,
                               double max_seconds, struct spira_audio_measures *measures,
                               struct spira_error *err)
{
    SPIRA_CLEANUP(spira_mono_done)
    struct spira_mono mono = {0};
    enum spira_code code = spira_mono_open(source, path, &mono, err);
    if (code != SPIRA_OK)
        return code;
    measures->rate_hz = mono.facts.rate_hz;
    measures->channels = mono.facts.channels;
    memcpy(measures->format, mono.facts.format, sizeof measures->format);

    struct meter meter = {.frame_samples = mono.facts.rate_hz / SILENCE_FRAMES_PER_SECOND};
    float block[SPIRA_MONO_BLOCK];
    size_t count = 0;
    do {
        code = spira_mono_read(&mono, block, &count, err);
        if (code != SPIRA_OK)
            return code;
        for (size_t i = 0; i < count; i++)
            add_sample(&meter, (double)block[i]);
    } while (count > 0 && (double)meter.samples <= max_seconds * measures->rate_hz);
    fill_measures(&meter, measures);
    return SPIRA_OK;
}

static struct spira_audio_verdict verdict(enum spira_audio_reason reason, const char *format, ...)
    SPIRA_PRINTF(2, 3);

static struct spira_audio_verdict verdict(enum spira_audio_reason reason, const char *format, ...)
{
    struct spira_audio_verdict made = {.reason = reason};
    va_list args;
    va_start(args, format);
    vsnprintf(made.text, sizeof made.text, format, args);
    va_end(args);
    return made;
}

struct spira_audio_verdict spira_audio_judge(const struct spira_audio_measures *measures,
                                             const struct spira_audio_limits *limits)
{
    if (measures->frames == 0)
        return verdict(SPIRA_AUDIO_EMPTY, "holds no sample");
    if (measures->seconds < limits->min_seconds)
        return verdict(SPIRA_AUDIO_TOO_SHORT, "%.3f s is shorter than %g s", measures->seconds,
                       limits->min_seconds);
    if (measures->seconds > limits->max_seconds)
        return verdict(SPIRA_AUDIO_TOO_LONG, "longer than %g s", limits->max_seconds);
    if (measures->peak < limits->min_peak)
        return verdict(SPIRA_AUDIO_SILENT, "its loudest sample is %.6f, below %g", measures->peak,
                       limits->min_peak);
    if (measures->rms_dbfs < limits->min_rms_dbfs)
        return verdict(SPIRA_AUDIO_TOO_QUIET, "%.1f dBFS is below %g dBFS", measures->rms_dbfs,
                       limits->min_rms_dbfs);
    if (measures->clipped_share > limits->max_clipped_share)
        return verdict(SPIRA_AUDIO_CLIPPED, "%.1f %% of its samples are clipped, above %g %%",
                       100 * measures->clipped_share, 100 * limits->max_clipped_share);
    return (struct spira_audio_verdict){.reason = SPIRA_AUDIO_OK};
}

enum spira_code spira_audio_inspect(struct spira_audio_source source, const char *path,
                                    const struct spira_audio_limits *limits,
                                    struct spira_audio_measures *ret_measures,
                                    struct spira_audio_verdict *ret_verdict,
                                    struct spira_error *err)
{
    struct spira_audio_measures measures = {0};
    struct spira_error failure = {0};
    enum spira_code code = measure(source, path, limits->max_seconds, &measures, &failure);
    bool recording_at_fault =
        spira_code_kind(code) == SPIRA_KIND_INVALID && code != SPIRA_ENOTFOUND;
    if (code != SPIRA_OK && !recording_at_fault) {
        *err = failure;
        return code;
    }
    *ret_measures = measures;
    *ret_verdict = code == SPIRA_OK ? spira_audio_judge(&measures, limits)
                                    : verdict(code == SPIRA_ETOOLONG ? SPIRA_AUDIO_TOO_LONG
                                                                     : SPIRA_AUDIO_UNREADABLE,
                                              "%s", failure.message);
    return SPIRA_OK;
}

struct spira_value *spira_audio_measures_write(const struct spira_audio_measures *measures)
{
    struct spira_value *facts = spira_value_map();
    spira_value_set_text(facts, "format", measures->format);
    spira_value_set_int(facts, "rate_hz", measures->rate_hz);
    spira_value_set_int(facts, "channels", measures->channels);
    spira_value_set_int(facts, "frames", measures->frames);
    spira_value_set_real(facts, "seconds", measures->seconds);
    spira_value_set_real(facts, "peak", measures->peak);
    spira_value_set_real(facts, "rms_dbfs", measures->rms_dbfs);
    spira_value_set_real(facts, "clipped_share", measures->clipped_share);
    spira_value_set_real(facts, "silent_share", measures->silent_share);
    return facts;
}
