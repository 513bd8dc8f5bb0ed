#include "core/config/run_config.h"

#include <assert.h>
#include <math.h>

#include "core/base/text.h"
#include "core/config/run_config_check.h"
#include "core/config/run_config_table.h"
#include "core/evaluation/metrics.h"
#include "core/ports/object_store.h"

/* What is being read. */
struct reading {
    const char *name; /* the document's */
    struct spira_run_config *config;
    struct spira_error *err;
};

static enum spira_code refuse(const struct reading *reading, const char *path,
                              const struct spira_value *value, const struct spira_config_key *key)
{
    SPIRA_CLEANUP(spira_free_at)
    char *text = spira_value_to_text(value, SPIRA_COMPACT);
    SPIRA_CLEANUP(spira_free_at)
    char *takes = spira_config_key_takes(key);
    return spira_fail(reading->err, SPIRA_EINVALID, "%s: %s: %.200s is not %s", reading->name, path,
                      text, takes);
}

static enum spira_code refuse_unknown(const struct reading *reading, const char *path,
                                      const struct spira_value *value)
{
    SPIRA_CLEANUP(spira_free_at)
    char *text = spira_value_to_text(value, SPIRA_COMPACT);
    const struct spira_config_key *nearest = spira_config_key_nearest(path);
    if (nearest && strcmp(nearest->key, path) == 0)
        return spira_fail(reading->err, SPIRA_EINVALID,
                          "%s: %s: a key with dots in it (with %.200s); write its sections as "
                          "objects",
                          reading->name, path, text);
    return spira_fail(reading->err, SPIRA_EINVALID, "%s: %.200s: unknown key (with %.200s)%s%s%s",
                      reading->name, path, text, nearest ? "; did you mean " : "",
                      nearest ? nearest->key : "", nearest ? "?" : "");
}

/* The name of an item of a map, with the path of the map before it; free with free(). */
static char *path_below(const char *path, const char *key)
{
    return spira_format("%s%s%s", path, *path ? "." : "", key);
}

/* Every key of a document must have a row. path: of map, "" at the top. */
static enum spira_code check_known(const struct reading *reading, const struct spira_value *map,
                                   const char *path)
{
    for (size_t i = 0; i < spira_value_count(map); i++) {
        const char *own = spira_value_key_at(map, i);
        const struct spira_value *value = spira_value_at(map, i);
        SPIRA_CLEANUP(spira_free_at)
        char *below = path_below(path, own);
        /* A key with dots in it is no path. */
        const struct spira_config_key *key =
            strpbrk(own, ".[") ? NULL : spira_config_key_find(below);
        if (!key)
            return refuse_unknown(reading, below, value);
        bool opens = key->type == SPIRA_CONFIG_SECTION || key->type == SPIRA_CONFIG_SWITCHED;
        if (opens && spira_value_type(value) == SPIRA_MAP) {
            enum spira_code code = check_known(reading, value, below);
            if (code != SPIRA_OK)
                return code;
        }
    }
    return SPIRA_OK;
}

/* Whether value is a whole number: 20 and 20.0 and 2e1 are. */
static bool read_whole(const struct spira_value *value, int64_t *ret_whole)
{
    if (spira_value_type(value) == SPIRA_INT) {
        *ret_whole = spira_value_as_int(value, 0);
        return true;
    }
    double real = spira_value_as_real(value, NAN);
    if (!(fabs(real) <= 0x1p53) || real != trunc(real))
        return false;
    *ret_whole = (int64_t)real;
    return true;
}

static bool read_real(const struct spira_config_key *key, const struct spira_value *value,
                      double *ret_real)
{
    double real = spira_value_as_real(value, NAN);
    if (!(real >= key->min && real <= key->max))
        return false;
    *ret_real = real + 0.0; /* makes -0 into 0: equal configurations, equal text */
    return true;
}

static bool name_valid(const char *name)
{
    static const char first[] = "abcdefghijklmnopqrstuvwxyz0123456789";
    static const char others[] = "abcdefghijklmnopqrstuvwxyz0123456789._-";
    size_t length = strlen(name);
    return length >= 1 && length <= SPIRA_NAME_MAX && strchr(first, *name) &&
           strspn(name, others) == length;
}

static bool read_name(const struct spira_value *value, char *ret_name)
{
    const char *name = spira_value_as_text(value, "");
    if (!name_valid(name))
        return false;
    snprintf(ret_name, SPIRA_NAME_MAX + 1, "%s", name);
    return true;
}

static bool read_object_key(const struct spira_value *value, char **ret_key)
{
    if (spira_value_type(value) == SPIRA_NULL)
        return true; /* it is NULL already */
    const char *key = spira_value_as_text(value, "");
    if (!spira_key_valid(key))
        return false;
    *ret_key = spira_copy_text(key);
    return true;
}

static bool read_word(const struct spira_config_key *key, const struct spira_value *value,
                      void *member)
{
    unsigned index = 0;
    const char *word = spira_value_as_text(value, "");
    while (key->words[index] && strcmp(key->words[index], word) != 0)
        index++;
    if (!key->words[index])
        return false;
    if (key->size == sizeof(bool))
        *(bool *)member = index != 0;
    else if (key->size > 0)
        memcpy(member, &index, key->size);
    return true;
}

static bool read_prefixes(const struct spira_value *value, struct spira_train_config *train)
{
    if (spira_value_type(value) == SPIRA_NULL)
        return true;
    size_t count = spira_value_count(value);
    if (spira_value_type(value) != SPIRA_LIST || count > SPIRA_PREFIXES_MAX)
        return false;
    for (size_t i = 0; i < count; i++) {
        const char *prefix = spira_value_as_text(spira_value_at(value, i), "");
        if (!*prefix || strlen(prefix) >= SPIRA_PREFIX_LENGTH_MAX)
            return false;
        snprintf(train->reinit_layers[i], SPIRA_PREFIX_LENGTH_MAX, "%s", prefix);
    }
    train->reinit_count = count;
    return true;
}

static bool read_seeds(const struct spira_value *value, struct spira_train_config *train)
{
    size_t count = spira_value_count(value);
    if (spira_value_type(value) != SPIRA_LIST || count > SPIRA_SEEDS_MAX)
        return false;
    for (size_t i = 0; i < count; i++) {
        int64_t seed;
        if (!read_whole(spira_value_at(value, i), &seed) || seed < 0)
            return false;
        for (size_t before = 0; before < i; before++)
            if (train->seeds[before] == (uint64_t)seed)
                return false;
        train->seeds[i] = (uint64_t)seed;
    }
    train->seed_count = count;
    return true;
}

static bool read_metric(const struct spira_value *value, const struct spira_metric **ret_metric)
{
    const char *name = spira_value_as_text(value, "");
    *ret_metric = spira_metric_find(name);
    return *ret_metric || strcmp(name, "loss") == 0;
}

/* One key of a gate; path is the gate's ("publish.gate[0]"). */
static enum spira_code read_gate_key(const struct reading *reading, const char *path,
                                     const struct spira_value *map, const char *name,
                                     struct spira_gate_config *gate)
{
    SPIRA_CLEANUP(spira_free_at)
    char *below = path_below(path, name);
    const struct spira_value *value = spira_value_get(map, name);
    if (!value)
        return spira_fail(reading->err, SPIRA_EINVALID, "%s: %s is missing", reading->name, below);
    SPIRA_CLEANUP(spira_free_at)
    char *row = spira_format("publish.gate[].%s", name);
    const struct spira_config_key *key = spira_config_key_find(row);
    if (key->type == SPIRA_CONFIG_GATE_AT_LEAST)
        return read_real(key, value, &gate->at_least) ? SPIRA_OK
                                                      : refuse(reading, below, value, key);
    const struct spira_metric *metric = spira_metric_find(spira_value_as_text(value, ""));
    if (!metric)
        return refuse(reading, below, value, key);
    snprintf(gate->metric, sizeof gate->metric, "%s", metric->name);
    return SPIRA_OK;
}

static enum spira_code read_gate(const struct reading *reading, size_t index,
                                 const struct spira_value *map, struct spira_gate_config *gate)
{
    SPIRA_CLEANUP(spira_free_at)
    char *path = spira_format("publish.gate[%zu]", index);
    if (spira_value_type(map) != SPIRA_MAP)
        return refuse(reading, path, map, &(struct spira_config_key){.type = SPIRA_CONFIG_SECTION});
    for (size_t i = 0; i < spira_value_count(map); i++) {
        const char *own = spira_value_key_at(map, i);
        SPIRA_CLEANUP(spira_free_at)
        char *below = path_below(path, own);
        if (strcmp(own, "metric") != 0 && strcmp(own, "at_least") != 0)
            return refuse_unknown(reading, below, spira_value_at(map, i));
    }
    enum spira_code code = read_gate_key(reading, path, map, "metric", gate);
    return code == SPIRA_OK ? read_gate_key(reading, path, map, "at_least", gate) : code;
}

static enum spira_code read_gates(const struct reading *reading, const struct spira_config_key *key,
                                  const struct spira_value *value)
{
    size_t count = spira_value_count(value);
    if (spira_value_type(value) != SPIRA_LIST || count > SPIRA_GATES_MAX)
        return refuse(reading, key->key, value, key);
    enum spira_code code = SPIRA_OK;
    for (size_t i = 0; code == SPIRA_OK && i < count; i++)
        code = read_gate(reading, i, spira_value_at(value, i), &reading->config->gates[i]);
    reading->config->gate_count = count;
    return code;
}

/* A whole number into its member. */
static bool read_number(const struct spira_config_key *key, const struct spira_value *value,
                        void *member)
{
    int64_t whole;
    if (!read_whole(value, &whole) || whole < 0)
        return false;
    if (key->type == SPIRA_CONFIG_SEED) {
        *(uint64_t *)member = (uint64_t)whole;
        return true;
    }
    if ((double)whole < key->min || (double)whole > key->max)
        return false;
    if (key->type == SPIRA_CONFIG_INT)
        *(int *)member = (int)whole;
    else
        *(size_t *)member = (size_t)whole;
    return true;
}

static enum spira_code read_key(const struct reading *reading, const struct spira_config_key *key,
                                const struct spira_value *value)
{
    enum spira_value_type type = spira_value_type(value);
    void *member = (char *)reading->config + key->offset;
    bool fits = false;
    switch (key->type) {
    case SPIRA_CONFIG_SECTION:
        fits = type == SPIRA_MAP;
        break;
    case SPIRA_CONFIG_SWITCHED:
        fits = type == SPIRA_MAP || type == SPIRA_NULL;
        *(bool *)member = type == SPIRA_MAP;
        break;
    case SPIRA_CONFIG_NAME:
        fits = read_name(value, member);
        break;
    case SPIRA_CONFIG_OBJECT:
        fits = read_object_key(value, member);
        break;
    case SPIRA_CONFIG_SEED:
    case SPIRA_CONFIG_INT:
    case SPIRA_CONFIG_COUNT:
        fits = read_number(key, value, member);
        break;
    case SPIRA_CONFIG_REAL:
        fits = read_real(key, value, member);
        break;
    case SPIRA_CONFIG_REAL_OR_NULL:
        fits = type == SPIRA_NULL || read_real(key, value, member);
        break;
    case SPIRA_CONFIG_BOOL:
        fits = type == SPIRA_BOOL;
        *(bool *)member = spira_value_as_bool(value, false);
        break;
    case SPIRA_CONFIG_WORD:
        fits = read_word(key, value, member);
        break;
    case SPIRA_CONFIG_PREFIXES:
        fits = read_prefixes(value, &reading->config->train);
        break;
    case SPIRA_CONFIG_SEEDS:
        fits = read_seeds(value, &reading->config->train);
        break;
    case SPIRA_CONFIG_METRIC:
        fits = read_metric(value, &reading->config->train.early_stop_metric);
        break;
    case SPIRA_CONFIG_GATES:
        return read_gates(reading, key, value);
    case SPIRA_CONFIG_GATE_METRIC:
    case SPIRA_CONFIG_GATE_AT_LEAST:
        return SPIRA_OK; /* read with the gates */
    }
    return fits ? SPIRA_OK : refuse(reading, key->key, value, key);
}

bool spira_config_key_fits(const struct spira_config_key *key, const struct spira_value *value)
{
    struct spira_run_config scratch = {0};
    struct spira_error unused;
    struct reading reading = {.name = "", .config = &scratch, .err = &unused};
    bool fits = read_key(&reading, key, value) == SPIRA_OK;
    spira_run_config_done(&scratch);
    return fits;
}

static enum spira_code read_all(const struct reading *reading, const struct spira_value *document)
{
    enum spira_code code = check_known(reading, document, "");
    for (const struct spira_config_key *key = spira_config_keys; code == SPIRA_OK && key->key;
         key++) {
        SPIRA_CLEANUP(spira_value_free_at)
        struct spira_value *fallback = NULL;
        const struct spira_value *value = spira_value_find(document, key->key);
        if (!value)
            value = fallback = spira_config_key_fallback(key);
        code = read_key(reading, key, value);
    }
    if (code != SPIRA_OK)
        return code;
    if (reading->config->transform.padding && !spira_value_find(document, "transform.overlap"))
        reading->config->transform.overlap.enabled = false;
    return spira_run_config_check(reading->name, reading->config, reading->err);
}

enum spira_code spira_run_config_read(const char *name, const struct spira_value *document,
                                      struct spira_run_config *ret_config, struct spira_error *err)
{
    if (spira_value_type(document) != SPIRA_MAP)
        return spira_fail(err, SPIRA_EINVALID, "%s: a run configuration is an object, not %s", name,
                          spira_value_type_name(spira_value_type(document)));
    struct spira_run_config config = {0};
    struct reading reading = {.name = name, .config = &config, .err = err};
    enum spira_code code = read_all(&reading, document);
    if (code == SPIRA_OK)
        *ret_config = config;
    else
        spira_run_config_done(&config);
    return code;
}

void spira_run_config_done(struct spira_run_config *config)
{
    free(config->train.initial_weights);
    config->train.initial_weights = NULL;
}

static struct spira_value *write_prefixes(const struct spira_train_config *train)
{
    if (train->reinit_count == 0)
        return spira_value_null();
    struct spira_value *list = spira_value_list();
    for (size_t i = 0; i < train->reinit_count; i++)
        spira_value_append(list, spira_value_text(train->reinit_layers[i]));
    return list;
}

static struct spira_value *write_seeds(const struct spira_train_config *train)
{
    struct spira_value *list = spira_value_list();
    for (size_t i = 0; i < train->seed_count; i++)
        spira_value_append(list, spira_value_int((int64_t)train->seeds[i]));
    return list;
}

static struct spira_value *write_gates(const struct spira_run_config *config)
{
    struct spira_value *list = spira_value_list();
    for (size_t i = 0; i < config->gate_count; i++) {
        struct spira_value *gate = spira_value_append(list, spira_value_map());
        spira_value_set_text(gate, "metric", config->gates[i].metric);
        spira_value_set_real(gate, "at_least", config->gates[i].at_least);
    }
    return list;
}

static struct spira_value *write_word(const struct spira_config_key *key, const void *member)
{
    unsigned index = 0;
    if (key->size == sizeof(bool))
        index = *(const bool *)member;
    else if (key->size > 0)
        memcpy(&index, member, key->size);
    return spira_value_text(key->words[index]);
}

static struct spira_value *write_key(const struct spira_config_key *key,
                                     const struct spira_run_config *config)
{
    const void *member = (const char *)config + key->offset;
    switch (key->type) {
    case SPIRA_CONFIG_SECTION:
        return spira_value_map();
    case SPIRA_CONFIG_SWITCHED:
        return *(const bool *)member ? spira_value_map() : spira_value_null();
    case SPIRA_CONFIG_NAME:
        return spira_value_text(member);
    case SPIRA_CONFIG_OBJECT:
        return spira_value_text(*(char *const *)member);
    case SPIRA_CONFIG_SEED:
        assert(*(const uint64_t *)member <= INT64_MAX);
        return spira_value_int((int64_t) * (const uint64_t *)member);
    case SPIRA_CONFIG_INT:
        return spira_value_int(*(const int *)member);
    case SPIRA_CONFIG_COUNT:
        return spira_value_int((int64_t) * (const size_t *)member);
    case SPIRA_CONFIG_REAL:
        return spira_value_real(*(const double *)member);
    case SPIRA_CONFIG_REAL_OR_NULL:
        return *(const double *)member == 0 ? spira_value_null()
                                            : spira_value_real(*(const double *)member);
    case SPIRA_CONFIG_BOOL:
        return spira_value_bool(*(const bool *)member);
    case SPIRA_CONFIG_WORD:
        return write_word(key, member);
    case SPIRA_CONFIG_PREFIXES:
        return write_prefixes(&config->train);
    case SPIRA_CONFIG_SEEDS:
        return write_seeds(&config->train);
    case SPIRA_CONFIG_METRIC:
        return spira_value_text(
            config->train.early_stop_metric ? config->train.early_stop_metric->name : "loss");
    case SPIRA_CONFIG_GATES:
        return write_gates(config);
    case SPIRA_CONFIG_GATE_METRIC:
    case SPIRA_CONFIG_GATE_AT_LEAST:
        break; /* written with the gates */
    }
    return NULL;
}

/* Whether the key has the value it has when it is left out. */
static bool is_fallback(const struct spira_config_key *key, const struct spira_value *value)
{
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *fallback = spira_config_key_fallback(key);
    SPIRA_CLEANUP(spira_free_at)
    char *left_out = spira_value_to_text(fallback, SPIRA_CANONICAL);
    SPIRA_CLEANUP(spira_free_at)
    char *text = spira_value_to_text(value, SPIRA_CANONICAL);
    return strcmp(left_out, text) == 0;
}

/* With or without the young keys that have their default. */
static struct spira_value *write_document(const struct spira_run_config *config, bool every)
{
    struct spira_value *document = spira_value_map();
    for (const struct spira_config_key *key = spira_config_keys; key->key; key++) {
        SPIRA_CLEANUP(spira_free_at)
        char *parent_path = spira_copy_text(key->key);
        char *dot = strrchr(parent_path, '.');
        struct spira_value *parent = document;
        if (dot) {
            *dot = '\0';
            parent = spira_value_find(document, parent_path);
        }
        if (spira_value_type(parent) != SPIRA_MAP)
            continue; /* of a section that is off, or of a gate */
        struct spira_value *value = write_key(key, config);
        if (!every && key->young && is_fallback(key, value))
            spira_value_free(value);
        else
            spira_value_set(parent, dot ? dot + 1 : key->key, value);
    }
    return document;
}

struct spira_value *spira_run_config_write(const struct spira_run_config *config)
{
    return write_document(config, true);
}

struct spira_value *spira_run_config_section(const struct spira_run_config *config,
                                             const char *section)
{
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *document = write_document(config, false);
    const struct spira_value *found = spira_value_get(document, section);
    assert(found);
    return spira_value_copy(found);
}

/* Puts item, which it takes, under the dotted key; what is not there on the way is made. */
static enum spira_code set_at(struct spira_value *document, const char *dotted_key,
                              struct spira_value *item, struct spira_error *err)
{
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *left = item;
    SPIRA_CLEANUP(spira_free_at)
    char *path = spira_copy_text(dotted_key);
    char *rest = path;
    struct spira_value *map = document;
    for (char *key; (key = strsep(&rest, "."));) {
        if (!*key)
            return spira_fail(err, SPIRA_EINVALID, "%s: not a dotted key such as train.epochs",
                              dotted_key);
        if (spira_value_type(map) != SPIRA_MAP) {
            SPIRA_CLEANUP(spira_free_at)
            char *text = spira_value_to_text(map, SPIRA_COMPACT);
            return spira_fail(err, SPIRA_EINVALID, "%s: leads through %.200s, which is no object",
                              dotted_key, text);
        }
        if (!rest) {
            spira_value_set(map, key, left);
            left = NULL;
            break;
        }
        struct spira_value *next = spira_value_get(map, key);
        map = next ? next : spira_value_set(map, key, spira_value_map());
    }
    return SPIRA_OK;
}

enum spira_code spira_run_config_set(struct spira_value *document, const char *dotted_key,
                                     const char *text, struct spira_value *parsed,
                                     struct spira_error *err)
{
    if (!parsed && !spira_utf8_valid(text, strlen(text)))
        return spira_fail(err, SPIRA_EINVALID, "%s: the value is not UTF-8", dotted_key);
    return set_at(document, dotted_key, parsed ? parsed : spira_value_text(text), err);
}
