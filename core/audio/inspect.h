/* What a recording is like, measured, and whether it can be used. */
#ifndef SPIRA_CORE_AUDIO_INSPECT_H
#define SPIRA_CORE_AUDIO_INSPECT_H

#include "core/base/value.h"
#include "core/ports/audio_source.h"

/* Why a recording cannot be used: name, sentence. */
#define SPIRA_AUDIO_REASONS(X)                                                                     \
    X(OK, "ok", "can be used")                                                                     \
    X(UNREADABLE, "unreadable", "cannot be decoded")                                               \
    X(EMPTY, "empty", "holds no sample")                                                           \
    X(TOO_SHORT, "too_short", "shorter than the least length")                                     \
    X(TOO_LONG, "too_long", "longer than the greatest length")                                     \
    X(SILENT, "silent", "no sample above the level of silence")                                    \
    X(TOO_QUIET, "too_quiet", "too quiet on the whole")                                            \
    X(CLIPPED, "clipped", "too large a share of it is clipped")

enum spira_audio_reason {
#define X(name, word, sentence) SPIRA_AUDIO_##name,
    SPIRA_AUDIO_REASONS(X)
#undef X
};

/* Static texts: "too_short", "shorter than the least length". Any thread. */
const char *spira_audio_reason_name(enum spira_audio_reason reason);
const char *spira_audio_reason_text(enum spira_audio_reason reason);

/* Measured on the mean of the channels, at the recording's own rate. Full scale is 1. */
struct spira_audio_measures {
    int rate_hz;
    int channels;
    char format[32];
    int64_t frames; /* as read, whatever the header says */
    double seconds;
    double peak;          /* largest absolute value */
    double rms_dbfs;      /* 20 log10 of the root mean square; -200 for none */
    double clipped_share; /* of the samples: in runs of 3 or more at 0.999 or above */
    double silent_share;  /* of the 20 ms frames, the last one maybe shorter: below -60 dBFS */
};

/* Gives the measures as a map, under the names of the event audio.accepted ("facts"). */
struct spira_value *spira_audio_measures_write(const struct spira_audio_measures *measures);

/* The limits of what can be used. */
struct spira_audio_limits {
    double min_seconds, max_seconds;
    double min_peak;     /* below it: silent */
    double min_rms_dbfs; /* below it: too quiet */
    double max_clipped_share;
};

/* The limits at intake: 0 s (a run's configuration has its own least length), 3600 s, peak 0.001
 * (-60 dBFS), rms -55 dBFS, a tenth clipped. */
extern const struct spira_audio_limits spira_audio_intake_limits;

struct spira_audio_verdict {
    enum spira_audio_reason reason;
    char text[512]; /* one line for people: what was wrong and by how much; empty when ok */
};

/* Judges measures by limits, the first reason in the order of the list. A pure function. */
struct spira_audio_verdict spira_audio_judge(const struct spira_audio_measures *measures,
                                             const struct spira_audio_limits *limits);

/* Reads a recording and judges it. Fills ret_measures (zeroed where reading did not get that far)
 * and ret_verdict. A recording that cannot be used is a success with its reason; the codes left are
 * not its fault or say that it is not there: SPIRA_ENOTFOUND, SPIRA_EIO, SPIRA_ENOMEMORY and other
 * transient ones. Reading stops soon after max_seconds. Any thread. */
SPIRA_MUST_USE enum spira_code spira_audio_inspect(struct spira_audio_source source,
                                                   const char *path,
                                                   const struct spira_audio_limits *limits,
                                                   struct spira_audio_measures *ret_measures,
                                                   struct spira_audio_verdict *ret_verdict,
                                                   struct spira_error *err);

#endif
