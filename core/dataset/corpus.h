/* A run's corpus: what the audio events in its ranges add up to.
 *
 * A recording is its SHA-256. Of several accepted events of one digest the newest counts, by (time,
 * partition, offset). A withdrawn digest is out for good. A rejected recording is listed, unless
 * the same recording id was accepted later. A digest that came under another recording id as well
 * is listed as a duplicate. */
#ifndef SPIRA_CORE_DATASET_CORPUS_H
#define SPIRA_CORE_DATASET_CORPUS_H

#include <stdint.h>

#include "core/base/value.h"

enum spira_corpus_kind { SPIRA_CORPUS_ACCEPTED, SPIRA_CORPUS_REJECTED, SPIRA_CORPUS_WITHDRAWN };

struct spira_corpus_entry;

/* Collects events in any order. */
struct spira_corpus_builder {
    struct spira_corpus_entry *entries;
    size_t count;
};

/* Adds an event (already checked by its schema); keeps a copy. */
void spira_corpus_add(struct spira_corpus_builder *builder, enum spira_corpus_kind kind,
                      const struct spira_value *event, int64_t time_ms, int32_t partition,
                      int64_t offset);

/* Gives the corpus document, the same for the same events in any order:
 *     {"format": 1,
 *      "recordings": [{"sha256", "key", "recording_id", "label", "patient", "split", "seconds",
 * "rms_dbfs", "peak", "metadata"}],           sorted by sha256; patient: the digest where the event
 * names none "noises": [{"sha256", "key", "recording_id"}],   sorted by sha256 "rejected":
 * [{"recording_id", "reason", "message"}], "duplicates": the same}   sorted by recording id */
struct spira_value *spira_corpus_resolve(struct spira_corpus_builder *builder);

void spira_corpus_builder_done(struct spira_corpus_builder *builder);

#endif
