#include "core/run/job.h"

#include <assert.h>

void spira_job_init(struct spira_job *job, const char *step, unsigned version, const char *prefix)
{
    *job = (struct spira_job){
        .step = step,
        .version = version,
        .prefix = prefix,
        .parameters = spira_value_map(),
        .generation = spira_copy_text("0"),
    };
}

void spira_job_done(struct spira_job *job)
{
    spira_value_free(job->parameters);
    free(job->generation);
    for (size_t i = 0; i < job->input_count; i++) {
        free(job->inputs[i].name);
        free(job->inputs[i].key);
    }
    free(job->inputs);
    *job = (struct spira_job){0};
}

static struct spira_sha256 hex(const char *text)
{
    struct spira_sha256 sha256 = {""};
    snprintf(sha256.hex, sizeof sha256.hex, "%s", text);
    return sha256;
}

void spira_job_input(struct spira_job *job, const char *name, const char *key, const char *sha256,
                     const char *identity)
{
    job->inputs = spira_realloc(job->inputs, job->input_count + 1, sizeof *job->inputs);
    job->inputs[job->input_count++] = (struct spira_input){
        .name = spira_copy_text(name),
        .key = spira_copy_text(key),
        .sha256 = hex(sha256),
        .identity = hex(identity ? identity : sha256),
    };
}

void spira_job_input_reference(struct spira_job *job, const char *name,
                               const struct spira_value *reference, const char *identity)
{
    spira_job_input(job, name, spira_value_get_text(reference, "key", ""),
                    spira_value_get_text(reference, "sha256", ""), identity);
}

static int by_hex(const void *a, const void *b)
{
    return strcmp(((const struct spira_sha256 *)a)->hex, ((const struct spira_sha256 *)b)->hex);
}

void spira_job_seal(struct spira_job *job, struct spira_digest digest)
{
    SPIRA_CLEANUP(spira_free_at)
    struct spira_sha256 *identities = spira_alloc(job->input_count, sizeof *identities);
    for (size_t i = 0; i < job->input_count; i++)
        identities[i] = job->inputs[i].identity;
    qsort(identities, job->input_count, sizeof *identities, by_hex);

    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *identity = spira_value_list();
    spira_value_append(identity, spira_value_text("v1"));
    spira_value_append(identity, spira_value_text(job->step));
    spira_value_append(identity, spira_value_int(job->version));
    spira_value_append(identity, spira_value_copy(job->parameters));
    struct spira_value *inputs = spira_value_append(identity, spira_value_list());
    for (size_t i = 0; i < job->input_count; i++)
        if (identities[i].hex[0])
            spira_value_append(inputs, spira_value_text(identities[i].hex));
    SPIRA_CLEANUP(spira_free_at)
    char *seed = spira_format("%ju", (uintmax_t)job->seed);
    spira_value_append(identity, spira_value_text(seed));
    spira_value_append(identity, spira_value_text(job->generation));
    SPIRA_CLEANUP(spira_free_at)
    char *text = spira_value_to_text(identity, SPIRA_CANONICAL);
    job->key = spira_digest_bytes(digest, text, strlen(text));
}

char *spira_job_object(const struct spira_job *job, const char *name)
{
    assert(job->prefix && job->key.hex[0]);
    return spira_format("%s/%s/%s", job->prefix, job->key.hex, name);
}
