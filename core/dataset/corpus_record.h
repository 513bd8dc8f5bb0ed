/* What a corpus is sorted as (core/base/sorted_records.h): what matters of an event, or a row of a
 * list, in one piece of memory. A tree of values would take five times as much. */
#ifndef SPIRA_CORE_DATASET_CORPUS_RECORD_H
#define SPIRA_CORE_DATASET_CORPUS_RECORD_H

#include "core/dataset/corpus.h"

enum spira_corpus_text {
    SPIRA_CORPUS_SHA256,       /* none of a rejected recording */
    SPIRA_CORPUS_RECORDING_ID, /* the digest where the event names none */
    SPIRA_CORPUS_PATIENT,      /* the same; none of a noise */
    SPIRA_CORPUS_KEY,
    SPIRA_CORPUS_SPLIT,
    SPIRA_CORPUS_REASON,
    SPIRA_CORPUS_MESSAGE,
    SPIRA_CORPUS_TEXTS
};

struct spira_corpus_record {
    int64_t time_ms, offset;
    double seconds, rms_dbfs, peak; /* NaN: none */
    int32_t partition;
    uint8_t kind;      /* of the event: enum spira_corpus_kind */
    uint8_t list;      /* of a row: enum spira_corpus_list */
    int8_t label;      /* -1: none */
    uint32_t size;     /* of all of it, with the texts, which follow */
    uint32_t metadata; /* where it begins in the record: name, text, name, text; 0: none */
    uint32_t metadata_count;
    uint32_t texts[SPIRA_CORPUS_TEXTS]; /* where each begins in the record; 0: none */
};

/* A text of the record, or otherwise. Borrowed. */
static inline const char *spira_corpus_text(const struct spira_corpus_record *record,
                                            enum spira_corpus_text which, const char *otherwise)
{
    return record->texts[which] ? (const char *)record + record->texts[which] : otherwise;
}

/* The event whose record a comes before, is the same as, or comes behind that of b in time. */
int spira_corpus_by_age(const struct spira_corpus_record *a, const struct spira_corpus_record *b);

/* Where records are made, one after the other. Zeroed it has none yet. */
struct spira_corpus_draft {
    struct spira_corpus_record *record;
    size_t capacity;
};
void spira_corpus_draft_done(struct spira_corpus_draft *draft);

/* Makes the record of an event; a copy of a record; one that has no texts yet, but what else this
 * one says. */
void spira_corpus_draft_event(struct spira_corpus_draft *draft,
                              const struct spira_corpus_event *event);
void spira_corpus_draft_copy(struct spira_corpus_draft *draft,
                             const struct spira_corpus_record *record);
void spira_corpus_draft_begin(struct spira_corpus_draft *draft,
                              const struct spira_corpus_record *record);
/* Gives the record this text instead of the one it has; NULL: none. */
void spira_corpus_draft_put(struct spira_corpus_draft *draft, enum spira_corpus_text which,
                            const char *text);

/* Gives the row a record is (core/dataset/corpus.h). Never NULL. */
struct spira_value *spira_corpus_row(const struct spira_corpus_record *record);

#endif
