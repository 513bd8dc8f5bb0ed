/* Finished results of steps in the object store.
 * <prefix>/<step key>/artifact.json is written last and lists every object with its digest, and
 * what the step found ("result"):
 *     {"format": 1, "step", "version", "files": [{"key", "sha256", "bytes"}], "result": {...},
 *      "digest": SHA-256 of the canonical text of all the rest} */
#ifndef SPIRA_CORE_RUN_ARTIFACT_H
#define SPIRA_CORE_RUN_ARTIFACT_H

#include "core/run/document.h"
#include "core/run/job.h"

/* Where artifacts are kept and what checks them. */
struct spira_artifacts {
    struct spira_object_store store;
    struct spira_digest digest;
    struct spira_config_source json;
};

/* Gives the artifact and its reference when it is finished, was not altered and each of its objects
 * still has its digest (checked by fetching into folder, which must exist and is left as it was),
 * or NULL for both: then what was altered is removed, so that it can be made again. Codes of the
 * store; folder must not have a file "checked". */
SPIRA_MUST_USE enum spira_code spira_artifact_find(const struct spira_artifacts *artifacts,
                                                   const struct spira_job *job, const char *folder,
                                                   struct spira_value **ret_artifact,
                                                   struct spira_value **ret_reference,
                                                   struct spira_error *err);

/* Names the key of an output file of the job; gives it (free with free()). */
typedef char *spira_object_key(const struct spira_job *job, const char *name,
                               const struct spira_value *result);

/* Stores every regular file directly in folder but hidden ones (key_of NULL: under
 * spira_job_object), then the artifact; gives it and its reference. Takes result.
 * SPIRA_EDETERMINISM when an object is there with other bytes. */
SPIRA_MUST_USE enum spira_code
spira_artifact_put(const struct spira_artifacts *artifacts, const struct spira_job *job,
                   const char *folder, spira_object_key *key_of, struct spira_value *result,
                   struct spira_value **ret_artifact, struct spira_value **ret_reference,
                   struct spira_error *err);

/* The reference of an artifact's file by the last part of its key, or NULL. Borrowed from artifact.
 */
const struct spira_value *spira_artifact_file(const struct spira_value *artifact, const char *name);

#endif
