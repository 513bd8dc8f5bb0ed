#include "adapters/redis/redis_run.h"

#include <ctype.h>

static const char field_prefix[] = "field:", set_prefix[] = "set:", size_prefix[] = "size:";

/* One field of the hash, borrowed from the reply. */
struct entry {
    const char *set; /* NULL for a field of the run */
    const char *name;
    const char *value;
};

char *spira_redis_run_field(const char *name)
{
    return spira_format("%s%s", field_prefix, name);
}

char *spira_redis_run_member(const char *set, const char *member)
{
    return spira_format("%s%zu:%s:%s", set_prefix, strlen(set), set, member);
}

char *spira_redis_run_size(const char *set)
{
    return spira_format("%s%s", size_prefix, set);
}

/* <bytes of name>:<name>:<member> */
static bool read_member(char *text, struct entry *entry)
{
    char *name;
    if (!isdigit((unsigned char)*text))
        return false;
    size_t size = strtoul(text, &name, 10);
    if (*name++ != ':' || size >= strlen(name) || name[size] != ':')
        return false;
    name[size] = '\0';
    entry->set = name;
    entry->name = name + size + 1;
    return true;
}

static bool begins_with(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

/* Fields of the run first, then the sets. */
static int by_set_and_name(const void *a, const void *b)
{
    const struct entry *left = a, *right = b;
    if (!left->set != !right->set)
        return left->set ? 1 : -1;
    int order = left->set ? strcmp(left->set, right->set) : 0;
    return order ? order : strcmp(left->name, right->name);
}

/* Whether reply is what HGETALL gives: texts, an even number of them. */
static bool is_map(const redisReply *reply)
{
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements % 2 != 0)
        return false;
    for (size_t i = 0; i < reply->elements; i++)
        if (reply->element[i]->type != REDIS_REPLY_STRING)
            return false;
    return true;
}

/* Sorted entries as a run. */
static struct spira_value *build_run(const struct entry *entries, size_t count)
{
    struct spira_value *run = spira_value_map();
    struct spira_value *fields = spira_value_set(run, "fields", spira_value_map());
    struct spira_value *sets = spira_value_set(run, "sets", spira_value_map());
    const char *set_name = NULL;
    struct spira_value *set = NULL;
    for (size_t i = 0; i < count; i++) {
        const struct entry *entry = &entries[i];
        if (entry->set && (!set_name || strcmp(entry->set, set_name) != 0)) {
            set_name = entry->set;
            set = spira_value_set(sets, set_name, spira_value_map());
        }
        spira_value_set_text(entry->set ? set : fields, entry->name, entry->value);
    }
    return run;
}

enum spira_code spira_redis_run_value(redisReply *reply, const char *key,
                                      struct spira_value **ret_run, struct spira_error *err)
{
    if (!is_map(reply))
        return spira_fail(err, SPIRA_EBUG, "%s: the server's answer is no map of texts", key);
    SPIRA_CLEANUP(spira_free_at)
    struct entry *entries = spira_alloc(reply->elements / 2 + 1, sizeof *entries);
    size_t count = 0;
    for (size_t i = 0; i < reply->elements; i += 2) {
        char *name = reply->element[i]->str;
        struct entry entry = {.value = reply->element[i + 1]->str};
        if (begins_with(name, size_prefix))
            continue;
        if (begins_with(name, field_prefix))
            entry.name = name + sizeof field_prefix - 1;
        else if (!begins_with(name, set_prefix) ||
                 !read_member(name + sizeof set_prefix - 1, &entry))
            return spira_fail(err, SPIRA_EBUG, "%s: \"%s\" is no field of a run", key, name);
        entries[count++] = entry;
    }
    qsort(entries, count, sizeof *entries, by_set_and_name);
    *ret_run = build_run(entries, count);
    return SPIRA_OK;
}

enum spira_code spira_redis_map_value(const redisReply *reply, const char *key,
                                      struct spira_value **ret_map, struct spira_error *err)
{
    if (!is_map(reply))
        return spira_fail(err, SPIRA_EBUG, "%s: the server's answer is no map of texts", key);
    size_t count = reply->elements / 2;
    SPIRA_CLEANUP(spira_free_at)
    struct entry *entries = spira_alloc(count + 1, sizeof *entries);
    for (size_t i = 0; i < count; i++)
        entries[i] = (struct entry){.name = reply->element[2 * i]->str,
                                    .value = reply->element[2 * i + 1]->str};
    qsort(entries, count, sizeof *entries, by_set_and_name);
    struct spira_value *map = spira_value_map();
    for (size_t i = 0; i < count; i++)
        spira_value_set_text(map, entries[i].name, entries[i].value);
    *ret_map = map;
    return SPIRA_OK;
}
