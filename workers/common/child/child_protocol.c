#include "workers/common/child/child_protocol.h"

#include <inttypes.h>
#include <math.h>
#include <unistd.h>

static struct spira_value *write_inputs(const struct spira_job *job)
{
    struct spira_value *inputs = spira_value_list();
    for (size_t i = 0; i < job->input_count; i++) {
        const struct spira_input *input = &job->inputs[i];
        struct spira_value *item = spira_value_append(inputs, spira_value_map());
        spira_value_set_text(item, "name", input->name);
        spira_value_set_text(item, "key", input->key);
        spira_value_set_text(item, "sha256", input->sha256.hex);
        spira_value_set_text(item, "identity", input->identity.hex);
    }
    return inputs;
}

/* A whole number of 64 bits, which JSON's readers cut to 63. */
static void set_uint64(struct spira_value *map, const char *key, uint64_t number)
{
    SPIRA_CLEANUP(spira_free_at)
    char *text = spira_format("%" PRIu64, number);
    spira_value_set_text(map, key, text);
}

static uint64_t get_uint64(const struct spira_value *map, const char *key)
{
    return strtoull(spira_value_get_text(map, key, "0"), NULL, 10);
}

static int64_t limited(uint64_t bytes)
{
    return bytes > INT64_MAX ? INT64_MAX : (int64_t)bytes;
}

struct spira_value *spira_child_job_write(const struct spira_step_call *call,
                                          const struct spira_step *step,
                                          const struct spira_child_settings *settings)
{
    const struct spira_job *job = &call->job;
    struct spira_value *document = spira_value_map();
    spira_value_set_text(document, "step", step->name);
    spira_value_set_text(document, "consumes", step->consumes);
    spira_value_set_int(document, "version", step->version);
    spira_value_set(document, "parameters", spira_value_copy(job->parameters));
    set_uint64(document, "seed", job->seed);
    spira_value_set_text(document, "generation", job->generation);
    spira_value_set(document, "inputs", write_inputs(job));
    spira_value_set_text(document, "key", job->key.hex);
    spira_value_set_int(document, "threads", limited(call->worker->tools.threads));
    spira_value_set_int(document, "parent", getpid());
    struct spira_value *limits = spira_value_set(document, "limits", spira_value_map());
    spira_value_set_int(limits, "memory_bytes", limited(settings->memory_bytes));
    spira_value_set_int(limits, "file_bytes", limited(settings->file_bytes));
    spira_value_set_int(limits, "cpu_seconds", settings->cpu_seconds);
    return document;
}

bool spira_child_job_is_for(const struct spira_value *document, const struct spira_step *step)
{
    return strcmp(spira_value_get_text(document, "step", ""), step->name) == 0 &&
           strcmp(spira_value_get_text(document, "consumes", ""), step->consumes) == 0 &&
           spira_value_get_int(document, "version", -1) == (int64_t)step->version;
}

void spira_child_job_read(const struct spira_value *document, const struct spira_step *step,
                          struct spira_job *ret_job)
{
    spira_job_init(ret_job, step->name, step->version, step->prefix);
    spira_value_free(ret_job->parameters);
    ret_job->parameters = spira_value_copy(spira_value_get(document, "parameters"));
    ret_job->seed = get_uint64(document, "seed");
    free(ret_job->generation);
    ret_job->generation = spira_copy_text(spira_value_get_text(document, "generation", "0"));
    snprintf(ret_job->key.hex, sizeof ret_job->key.hex, "%s",
             spira_value_get_text(document, "key", ""));
    const struct spira_value *inputs = spira_value_get(document, "inputs");
    for (size_t i = 0; i < spira_value_count(inputs); i++) {
        const struct spira_value *input = spira_value_at(inputs, i);
        spira_job_input(ret_job, spira_value_get_text(input, "name", ""),
                        spira_value_get_text(input, "key", ""),
                        spira_value_get_text(input, "sha256", ""),
                        spira_value_get_text(input, "identity", ""));
    }
}

struct spira_value *spira_child_error_write(const struct spira_error *failure)
{
    struct spira_value *document = spira_value_map();
    spira_value_set_text(document, "code", spira_code_name(failure->code));
    spira_event_set_message(document, failure->message);
    return document;
}

bool spira_child_error_read(const struct spira_value *document, struct spira_error *ret_failure)
{
    enum spira_code code;
    if (!spira_code_from_name(spira_value_get_text(document, "code", ""), &code) ||
        code == SPIRA_OK)
        return false;
    (void)spira_fail(ret_failure, code, "%s",
                     spira_value_get_text(document, "message", spira_code_text(code)));
    return true;
}

char *spira_child_progress_write(const struct spira_progress_report *report)
{
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *document = spira_value_map();
    spira_value_set_int(document, "done", limited(report->done));
    spira_value_set_int(document, "total", limited(report->total));
    spira_value_set_int(document, "epoch", limited(report->epoch));
    spira_value_set_int(document, "epochs", limited(report->epochs));
    spira_value_set_real(document, "loss", report->loss); /* NaN becomes null */
    spira_value_set_real(document, "validation_loss", report->validation_loss);
    SPIRA_CLEANUP(spira_free_at)
    char *text = spira_value_to_text(document, SPIRA_COMPACT);
    return spira_format("%s\n", text);
}

static bool read_count(const struct spira_value *document, const char *key, size_t *ret_count)
{
    int64_t count = spira_value_get_int(document, key, -1);
    *ret_count = (size_t)count;
    return count >= 0;
}

bool spira_child_progress_read(struct spira_config_source json, const char *line,
                               struct spira_progress_report *ret_report)
{
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *document = NULL;
    struct spira_error unreadable;
    if (spira_config_parse(json, "progress", line, strlen(line), &document, &unreadable) !=
        SPIRA_OK)
        return false;
    struct spira_progress_report report = {
        .loss = spira_value_get_real(document, "loss", NAN),
        .validation_loss = spira_value_get_real(document, "validation_loss", NAN),
    };
    if (!read_count(document, "done", &report.done) ||
        !read_count(document, "total", &report.total) ||
        !read_count(document, "epoch", &report.epoch) ||
        !read_count(document, "epochs", &report.epochs))
        return false;
    *ret_report = report;
    return true;
}
