/* What a run is: runs/<run id>/manifest.json = {"format": 1, "run_id", "name", "seed",
 * "generation", "configuration", "corpus": [{"topic", "partition", "from", "to"}]}. Written once,
 * by whoever requests the run. */
#ifndef SPIRA_CORE_RUN_MANIFEST_H
#define SPIRA_CORE_RUN_MANIFEST_H

#include "core/config/run_config.h"
#include "core/ports/event_bus.h"
#include "core/run/document.h"

/* Gives the manifest. The corpus are the ranges of the audio topics that the run reads. */
struct spira_value *spira_manifest(const char *run_id, const struct spira_run_config *config,
                                   const struct spira_offset_range *corpus, size_t range_count);

/* "runs/<run id>/manifest.json"; free with free(). */
char *spira_manifest_key(const char *run_id);

/* Gives the manifest of a run from the store. SPIRA_ENOTFOUND and the other codes of
 * spira_store_get. */
SPIRA_MUST_USE enum spira_code
spira_manifest_get(struct spira_object_store store, struct spira_config_source json,
                   const char *run_id, struct spira_value **ret_manifest, struct spira_error *err);

/* Fills ret_config (free with spira_run_config_done) from a manifest. SPIRA_EINVALID. */
SPIRA_MUST_USE enum spira_code spira_manifest_config(const struct spira_value *manifest,
                                                     struct spira_run_config *ret_config,
                                                     struct spira_error *err);

/* Gives the corpus ranges; ret_ranges is freed with free(). SPIRA_EINVALID. */
SPIRA_MUST_USE enum spira_code spira_manifest_corpus(const struct spira_value *manifest,
                                                     struct spira_offset_range **ret_ranges,
                                                     size_t *ret_count, struct spira_error *err);

#endif
