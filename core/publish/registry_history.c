/* The history is a log: entries are numbered without holes, and the first put of a number wins.
 * champion.json repeats the newest entry. It only ever moves to a higher number, so that publishers
 * that overtake one another leave the last entry in force. */
#include "core/publish/registry_history.h"

static char *history_key(const char *model, int64_t change)
{
    return spira_format("registry/%s/history/%06jd.json", model, (intmax_t)change);
}

static char *champion_key(const char *model)
{
    return spira_format("registry/%s/champion.json", model);
}

static struct spira_value *make_entry(int64_t change, int64_t version, const char *sha256,
                                      const struct spira_value *before)
{
    struct spira_value *entry = spira_value_map();
    spira_value_set_int(entry, "format", 1);
    spira_value_set_int(entry, "change", change);
    spira_value_set_text(entry, "action", "published");
    spira_value_set_int(entry, "version", version);
    spira_value_set_text(entry, "sha256", sha256);
    const struct spira_value *previous = spira_value_get(before, "version");
    spira_value_set(entry, "previous", previous ? spira_value_copy(previous) : spira_value_null());
    return entry;
}

/* Reads entry change, or gives NULL where the history ends. */
static enum spira_code read_entry(const struct spira_registry *registry, const char *model,
                                  int64_t change, struct spira_value **ret_entry,
                                  struct spira_error *err)
{
    SPIRA_CLEANUP(spira_free_at)
    char *key = history_key(model, change);
    struct spira_error why;
    enum spira_code code = spira_registry_read(registry, key, ret_entry, NULL, &why);
    if (code == SPIRA_ENOTFOUND) {
        *ret_entry = NULL;
        return SPIRA_OK;
    }
    if (code != SPIRA_OK)
        *err = why;
    return code;
}

/* Gives the entry that published version: one that is there, or a new one at the end. */
static enum spira_code find_or_add(const struct spira_registry *registry, const char *model,
                                   int64_t version, const char *sha256,
                                   struct spira_value **ret_entry, struct spira_error *err)
{
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *before = NULL;
    for (int64_t change = 1;; change++) {
        SPIRA_CLEANUP(spira_value_free_at)
        struct spira_value *entry = NULL;
        enum spira_code code = read_entry(registry, model, change, &entry, err);
        if (code != SPIRA_OK)
            return code;
        if (!entry) {
            entry = make_entry(change, version, sha256, before);
            SPIRA_CLEANUP(spira_free_at)
            char *text = spira_value_to_text(entry, SPIRA_PRETTY);
            SPIRA_CLEANUP(spira_free_at)
            char *key = history_key(model, change);
            struct spira_error why;
            code = spira_store_put(registry->store, key, text, strlen(text), &why);
            if (code == SPIRA_EDETERMINISM) {
                change--; /* somebody else was first: look at theirs */
                continue;
            }
            if (code != SPIRA_OK) {
                *err = why;
                return code;
            }
        }
        if (spira_value_get_int(entry, "version", 0) == version) {
            *ret_entry = entry;
            entry = NULL;
            return SPIRA_OK;
        }
        spira_value_free(before);
        before = entry;
        entry = NULL;
    }
}

/* Moves the champion to entry, unless it is there or further. */
static enum spira_code move_champion(const struct spira_registry *registry, const char *model,
                                     const struct spira_value *entry, struct spira_error *err)
{
    SPIRA_CLEANUP(spira_free_at)
    char *key = champion_key(model);
    SPIRA_CLEANUP(spira_free_at)
    char *text = spira_value_to_text(entry, SPIRA_PRETTY);
    for (;;) {
        SPIRA_CLEANUP(spira_value_free_at)
        struct spira_value *champion = NULL;
        struct spira_sha256 found;
        struct spira_error why;
        enum spira_code code = spira_registry_read(registry, key, &champion, &found, &why);
        if (code == SPIRA_OK &&
            spira_value_get_int(champion, "change", 0) >= spira_value_get_int(entry, "change", 0))
            return SPIRA_OK;
        if (code == SPIRA_OK || code == SPIRA_ENOTFOUND)
            code = spira_store_swap(registry->store, key, code == SPIRA_OK ? &found : NULL, text,
                                    strlen(text), &why);
        if (code == SPIRA_ECONFLICT)
            continue; /* somebody moved it in between: look again */
        if (code != SPIRA_OK)
            *err = why;
        return code;
    }
}

enum spira_code spira_history_publish(const struct spira_registry *registry, const char *model,
                                      int64_t version, const char *sha256, struct spira_error *err)
{
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *entry = NULL;
    enum spira_code code = find_or_add(registry, model, version, sha256, &entry, err);
    return code == SPIRA_OK ? move_champion(registry, model, entry, err) : code;
}

enum spira_code spira_registry_champion(const struct spira_registry *registry, const char *model,
                                        int64_t *ret_version, struct spira_error *err)
{
    SPIRA_CLEANUP(spira_free_at)
    char *key = champion_key(model);
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *champion = NULL;
    struct spira_error why;
    enum spira_code code = spira_registry_read(registry, key, &champion, NULL, &why);
    if (code == SPIRA_ENOTFOUND)
        return spira_fail(err, code, "no model '%s' is published", model);
    if (code != SPIRA_OK) {
        *err = why;
        return code;
    }
    *ret_version = spira_value_get_int(champion, "version", 0);
    return SPIRA_OK;
}
