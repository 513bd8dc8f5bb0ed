/* One computation of a step: what it reads, and the key under which its result is kept.
 * The same key means the same result, so a finished one is used again. */
#ifndef SPIRA_CORE_RUN_JOB_H
#define SPIRA_CORE_RUN_JOB_H

#include "core/base/value.h"
#include "core/ports/digest.h"

/* An object the computation reads as the local file `name`. */
struct spira_input {
    char *name;
    char *key; /* in the object store */
    struct spira_sha256 sha256;
    /* What the step key says of it: its digest, or, for a document of which the computation reads
     * only a part, the digest of that part; empty when another input or the parameters say it
     * already. */
    struct spira_sha256 identity;
};

struct spira_job {
    const char *step; /* static; the worker's folder name */
    unsigned version; /* of the computation: goes up when its results change */
    const char
        *prefix; /* static; "features": the artifact is features/<key>/...; NULL: none is kept */
    struct spira_value *parameters; /* the typed configuration it reads, defaults filled in */
    uint64_t seed;
    char *generation; /* "0", or a run id for a fresh computation */
    struct spira_input *inputs;
    size_t input_count;
    struct spira_sha256 key; /* filled by spira_job_seal */
};

/* Takes nothing; parameters become an empty map. */
void spira_job_init(struct spira_job *job, const char *step, unsigned version, const char *prefix);
void spira_job_done(struct spira_job *job); /* a zeroed one is fine */

/* Adds an input; copies its arguments. identity NULL: sha256. */
void spira_job_input(struct spira_job *job, const char *name, const char *key, const char *sha256,
                     const char *identity);
/* The same for a reference ({"key", "sha256", "bytes"}). */
void spira_job_input_reference(struct spira_job *job, const char *name,
                               const struct spira_value *reference, const char *identity);

/* Fills key: SHA-256 of ("v1", step, version, canonical parameters, sorted input identities, seed,
 * generation). */
void spira_job_seal(struct spira_job *job, struct spira_digest digest);

/* "<prefix>/<key>/<name>"; free with free(). The job is sealed and has a prefix. */
char *spira_job_object(const struct spira_job *job, const char *name);

#endif
