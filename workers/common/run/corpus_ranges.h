/* Which stretches of the audio topics make up a run's corpus. */
#ifndef SPIRA_WORKERS_COMMON_RUN_CORPUS_RANGES_H
#define SPIRA_WORKERS_COMMON_RUN_CORPUS_RANGES_H

#include "workers/common/run/events.h"

enum spira_corpus_bound_kind { SPIRA_BOUND_NONE, SPIRA_BOUND_TIME, SPIRA_BOUND_OFFSET };

/* Where a corpus begins or ends. */
struct spira_corpus_bound {
    enum spira_corpus_bound_kind kind;
    int64_t value; /* milliseconds; or an offset, the same in every partition of audio.accepted */
};

/* Reads an offset (a whole number) or a time (RFC 3339; a date alone is its midnight, UTC). NULL is
 * no bound. SPIRA_EINVALID names the option and the value. */
SPIRA_MUST_USE enum spira_code spira_corpus_bound_parse(const char *option, const char *text,
                                                        struct spira_corpus_bound *ret_bound,
                                                        struct spira_error *err);

/* Gives the ranges of audio.accepted and audio.rejected from one bound up to, not including, the
 * other, as far as the topics hold them now, and all of audio.withdrawn: no bound brings back what
 * was withdrawn. ret_ranges is freed with free(). Offsets are those of audio.accepted: then the
 * rejected, whose offsets are others, are left out. Codes of the bus. */
SPIRA_MUST_USE enum spira_code spira_corpus_ranges(const struct spira_worker *worker,
                                                   struct spira_corpus_bound from,
                                                   struct spira_corpus_bound to,
                                                   struct spira_offset_range **ret_ranges,
                                                   size_t *ret_count, struct spira_error *err);

/* Gives the ranges of an old run, and all of audio.withdrawn as it is now. ret_ranges is freed with
 * free(). SPIRA_EINVALID: this is no manifest; codes of the bus. */
SPIRA_MUST_USE enum spira_code spira_corpus_ranges_like(const struct spira_worker *worker,
                                                        const struct spira_value *manifest,
                                                        struct spira_offset_range **ret_ranges,
                                                        size_t *ret_count, struct spira_error *err);

#endif
