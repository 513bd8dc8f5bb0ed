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

#include <stdint.h>

#include "core/base/value.h"

enum spira_corpus_kind { SPIRA_CORPUS_ACCEPTED, SPIRA_CORPUS_REJECTED, SPIRA_CORPUS_WITHDRAWN };

/* What a corpus lists. */
enum spira_corpus_list {
    SPIRA_CORPUS_NOISES,
    SPIRA_CORPUS_REFUSED, /* "rejected" in the document */
    SPIRA_CORPUS_DUPLICATES,
    SPIRA_CORPUS_RECORDINGS,
    SPIRA_CORPUS_LISTS
};

struct spira_corpus_entry;

/* Collects events in any order; holds of each some 500 bytes: what the corpus says of it. */
struct spira_corpus_builder {
    struct spira_corpus_entry *entries;
    size_t count;
};

/* Adds an event (already checked by its schema), of which what matters is copied. */
void spira_corpus_add(struct spira_corpus_builder *builder, enum spira_corpus_kind kind,
                      const struct spira_value *event, int64_t time_ms, int32_t partition,
                      int64_t offset);

/* Adds up what was added so far. */
void spira_corpus_resolve(struct spira_corpus_builder *builder);

/* Hands out the rows of a list of the resolved corpus, the same for the same events in any order:
 *     recordings: {"sha256", "key", "recording_id", "label", "patient", "split", "seconds",
 *                  "rms_dbfs", "peak", "metadata"}
 *     noises: {"sha256", "key", "recording_id"}
 *     rejected, duplicates: {"recording_id", "reason", "message"}
 * The first two are sorted by digest, the others by recording id. Where an event names no patient
 * or no recording id it is the digest; other fields an event lacks are left out. "split" is what is
 * prescribed for the patient. take borrows row. */
void spira_corpus_each(struct spira_corpus_builder *builder, enum spira_corpus_list list,
                       void (*take)(void *context, const struct spira_value *row), void *context);

/* Writes the resolved corpus as a JSON document, a row a line: {"format": 1, "noises": [...],
 * "rejected": [...], "duplicates": [...], "recordings": [...]}. Whether that worked, ferror(out)
 * tells. */
void spira_corpus_write(struct spira_corpus_builder *builder, FILE *out);

void spira_corpus_builder_done(struct spira_corpus_builder *builder);

#endif
