/* A run's corpus: what the audio events in its ranges add up to.
 *
 * A recording is its SHA-256. Of several accepted events of one digest the newest counts, with its
 * label, patient and all, by (time, partition, offset). A withdrawn digest is out for good. A
 * rejected recording is listed, unless the same recording id was accepted later. A digest that came
 * under another recording id as well is listed as a duplicate.
 *
 * A split is prescribed for a patient, not for a recording: of the recordings that count, the
 * newest that names one decides for all of its patient's. One that names another is not moved to
 * where its own event does not want it, it stays out, rejected as split_conflict. */
#ifndef SPIRA_CORE_DATASET_CORPUS_H
#define SPIRA_CORE_DATASET_CORPUS_H

#include "core/base/value.h"

enum spira_corpus_kind { SPIRA_CORPUS_ACCEPTED, SPIRA_CORPUS_REJECTED, SPIRA_CORPUS_WITHDRAWN };

/* An audio event, already checked by its schema, and its place. */
struct spira_corpus_event {
    enum spira_corpus_kind kind;
    const struct spira_value *value;
    int64_t time_ms;
    int32_t partition;
    int64_t offset;
};

/* What a corpus lists, in the order in which it hands its rows out. */
enum spira_corpus_list {
    SPIRA_CORPUS_NOISES,
    SPIRA_CORPUS_DUPLICATES,
    SPIRA_CORPUS_REFUSED,
    SPIRA_CORPUS_RECORDINGS,
    SPIRA_CORPUS_LISTS
};

/* Adds events up, in bounded memory however many they are: what is more lies in files. */
struct spira_corpus_builder;

/* Keeps folder: where files without a name go. Never NULL. */
struct spira_corpus_builder *spira_corpus_builder_new(const char *folder);
void spira_corpus_builder_free(struct spira_corpus_builder *builder); /* NULL is fine */
void spira_corpus_builder_free_at(struct spira_corpus_builder **builder);

/* Adds an event, of which what matters is copied; they come in any order. SPIRA_ENOMEMORY;
 * SPIRA_EIO names the folder. */
SPIRA_MUST_USE enum spira_code spira_corpus_add(struct spira_corpus_builder *builder,
                                                const struct spira_corpus_event *event,
                                                struct spira_error *err);

/* Takes row, also when it fails; any code but SPIRA_OK ends the lists with it. */
typedef enum spira_code spira_corpus_taker(void *context, enum spira_corpus_list list,
                                           struct spira_value *row, struct spira_error *err);

/* Hands out the rows of each list, the same for the same events in any order:
 *     noises: {"sha256", "key", "recording_id"}
 *     duplicates, refused: {"recording_id", "reason", "message"}
 *     recordings: {"sha256", "key", "recording_id", "label", "patient", "split", "seconds",
 *                  "rms_dbfs", "peak", "metadata"}
 * Noises and recordings are sorted by digest, the others by recording id. Where an event names no
 * patient or no recording id it is the digest; other fields an event lacks are left out. "split" is
 * what is prescribed for the patient. Once; then the builder can only be freed. Codes of
 * spira_corpus_add. */
SPIRA_MUST_USE enum spira_code spira_corpus_each(struct spira_corpus_builder *builder,
                                                 spira_corpus_taker *take, void *context,
                                                 struct spira_error *err);

#endif
