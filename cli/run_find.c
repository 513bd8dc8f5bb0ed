#include "cli/run_find.h"

#include "core/run/manifest.h"

static const char latest[] = "latest";

/* The runs whose ids begin so; two are enough to know that it is not clear. */
struct matches {
    const char *prefix;
    struct spira_uuid found[2];
    size_t count;
};

static bool match(void *context, const char *run_id)
{
    struct matches *matches = context;
    if (strncmp(run_id, matches->prefix, strlen(matches->prefix)) != 0)
        return true;
    struct spira_uuid *found = &matches->found[matches->count++];
    snprintf(found->text, sizeof found->text, "%s", run_id);
    bool any_will_do = !*matches->prefix;
    return matches->count < 2 && !any_will_do;
}

static enum spira_code find_by_prefix(const struct spira_worker *worker, const char *text,
                                      struct spira_uuid *ret_run_id, struct spira_error *err)
{
    bool newest = strcmp(text, latest) == 0;
    struct matches matches = {.prefix = newest ? "" : text};
    enum spira_code code = spira_state_runs(worker->state, match, &matches, err);
    if (code != SPIRA_OK)
        return code;
    if (matches.count == 0)
        return newest ? spira_fail(err, SPIRA_ENOTFOUND, "there is no run yet")
                      : spira_fail(err, SPIRA_ENOTFOUND, "there is no run %s", text);
    if (matches.count > 1)
        return spira_fail(err, SPIRA_EINVALID, "'%s' is the beginning of several runs: %s and %s",
                          text, matches.found[0].text, matches.found[1].text);
    *ret_run_id = matches.found[0];
    return SPIRA_OK;
}

static enum spira_code find_by_id(const struct spira_worker *worker, const char *run_id,
                                  struct spira_error *err)
{
    SPIRA_CLEANUP(spira_free_at)
    char *state = NULL;
    enum spira_code code = spira_state_field(worker->state, run_id, "state", &state, err);
    if (code != SPIRA_OK || state)
        return code;
    SPIRA_CLEANUP(spira_free_at)
    char *key = spira_manifest_key(run_id);
    struct spira_error why;
    code = spira_store_stat(worker->store, key, NULL, &why);
    if (code == SPIRA_ENOTFOUND)
        return spira_fail(err, SPIRA_ENOTFOUND, "there is no run %s", run_id);
    if (code != SPIRA_OK)
        *err = why;
    return code;
}

enum spira_code spira_run_find(const struct spira_worker *worker, const char *text,
                               struct spira_uuid *ret_run_id, struct spira_error *err)
{
    if (spira_uuid_valid(text)) {
        snprintf(ret_run_id->text, sizeof ret_run_id->text, "%s", text);
        return find_by_id(worker, text, err);
    }
    bool could_be = *text && strspn(text, "0123456789abcdef-") == strlen(text) &&
                    strlen(text) < sizeof ret_run_id->text - 1;
    if (!could_be && strcmp(text, latest) != 0)
        return spira_fail(err, SPIRA_EINVALID,
                          "'%s' is neither a run's id, nor the beginning of one, nor 'latest'",
                          text);
    return find_by_prefix(worker, text, ret_run_id, err);
}
