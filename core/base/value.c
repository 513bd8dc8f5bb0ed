#include "core/base/value.h"

#include <assert.h>
#include <math.h>

struct spira_value {
    enum spira_value_type type;
    union {
        bool truth;
        int64_t integer;
        double real;
        char *text;
        struct {
            struct spira_value **items;
            char **keys; /* maps only */
            size_t count;
        };
    };
};

static struct spira_value *new_value(enum spira_value_type type)
{
    struct spira_value *value = spira_alloc(1, sizeof *value);
    value->type = type;
    return value;
}

struct spira_value *spira_value_null(void)
{
    return new_value(SPIRA_NULL);
}

struct spira_value *spira_value_bool(bool truth)
{
    struct spira_value *value = new_value(SPIRA_BOOL);
    value->truth = truth;
    return value;
}

struct spira_value *spira_value_int(int64_t integer)
{
    struct spira_value *value = new_value(SPIRA_INT);
    value->integer = integer;
    return value;
}

struct spira_value *spira_value_real(double real)
{
    if (!isfinite(real))
        return spira_value_null();
    struct spira_value *value = new_value(SPIRA_REAL);
    value->real = real;
    return value;
}

struct spira_value *spira_value_text(const char *text)
{
    if (!text)
        return spira_value_null();
    struct spira_value *value = new_value(SPIRA_TEXT);
    value->text = spira_copy_text(text);
    return value;
}

struct spira_value *spira_value_list(void)
{
    return new_value(SPIRA_LIST);
}

struct spira_value *spira_value_map(void)
{
    return new_value(SPIRA_MAP);
}

struct spira_value *spira_value_copy(const struct spira_value *value)
{
    switch (spira_value_type(value)) {
    case SPIRA_NULL:
        return spira_value_null();
    case SPIRA_BOOL:
        return spira_value_bool(value->truth);
    case SPIRA_INT:
        return spira_value_int(value->integer);
    case SPIRA_REAL:
        return spira_value_real(value->real);
    case SPIRA_TEXT:
        return spira_value_text(value->text);
    case SPIRA_LIST: {
        struct spira_value *list = spira_value_list();
        for (size_t i = 0; i < value->count; i++)
            spira_value_append(list, spira_value_copy(value->items[i]));
        return list;
    }
    case SPIRA_MAP: {
        struct spira_value *map = spira_value_map();
        for (size_t i = 0; i < value->count; i++)
            spira_value_set(map, value->keys[i], spira_value_copy(value->items[i]));
        return map;
    }
    }
    return spira_value_null();
}

static bool has_children(const struct spira_value *value)
{
    return value && (value->type == SPIRA_LIST || value->type == SPIRA_MAP);
}

void spira_value_free(struct spira_value *value)
{
    if (!value)
        return;
    if (value->type == SPIRA_TEXT)
        free(value->text);
    if (has_children(value)) {
        for (size_t i = 0; i < value->count; i++) {
            spira_value_free(value->items[i]);
            if (value->keys)
                free(value->keys[i]);
        }
        free(value->items);
        free(value->keys);
    }
    free(value);
}

void spira_value_free_at(struct spira_value **value)
{
    spira_value_free(*value);
    *value = NULL;
}

/* Room for one more child; capacities are powers of two, so count tells when one is full. */
static void grow(struct spira_value *parent)
{
    size_t count = parent->count;
    if (count & (count - 1) || (count == 0 && parent->items))
        return;
    size_t capacity = count ? 2 * count : 1;
    parent->items = spira_realloc(parent->items, capacity, sizeof *parent->items);
    if (parent->type == SPIRA_MAP)
        parent->keys = spira_realloc(parent->keys, capacity, sizeof *parent->keys);
}

static size_t index_of(const struct spira_value *map, const char *key)
{
    size_t i = 0;
    while (i < map->count && strcmp(map->keys[i], key) != 0)
        i++;
    return i;
}

struct spira_value *spira_value_set(struct spira_value *map, const char *key,
                                    struct spira_value *item)
{
    assert(map->type == SPIRA_MAP && item);
    size_t i = index_of(map, key);
    if (i < map->count) {
        spira_value_free(map->items[i]);
    } else {
        grow(map);
        map->keys[i] = spira_copy_text(key);
        map->count++;
    }
    return map->items[i] = item;
}

struct spira_value *spira_value_append(struct spira_value *list, struct spira_value *item)
{
    assert(list->type == SPIRA_LIST && item);
    grow(list);
    return list->items[list->count++] = item;
}

void spira_value_set_text(struct spira_value *map, const char *key, const char *text)
{
    spira_value_set(map, key, spira_value_text(text));
}

void spira_value_set_int(struct spira_value *map, const char *key, int64_t value)
{
    spira_value_set(map, key, spira_value_int(value));
}

void spira_value_set_real(struct spira_value *map, const char *key, double value)
{
    spira_value_set(map, key, spira_value_real(value));
}

void spira_value_set_bool(struct spira_value *map, const char *key, bool value)
{
    spira_value_set(map, key, spira_value_bool(value));
}

void spira_value_remove(struct spira_value *map, const char *key)
{
    size_t i = index_of(map, key);
    if (i == map->count)
        return;
    spira_value_free(map->items[i]);
    free(map->keys[i]);
    size_t after = map->count - i - 1;
    memmove(map->items + i, map->items + i + 1, after * sizeof *map->items);
    memmove(map->keys + i, map->keys + i + 1, after * sizeof *map->keys);
    map->count--;
    /* Keep capacity a function of count: shrink to the next power of two when one is crossed. */
    if (map->count && (map->count & (map->count - 1)) == 0) {
        map->items = spira_realloc(map->items, map->count, sizeof *map->items);
        map->keys = spira_realloc(map->keys, map->count, sizeof *map->keys);
    }
}

enum spira_value_type spira_value_type(const struct spira_value *value)
{
    return value ? value->type : SPIRA_NULL;
}

const char *spira_value_type_name(enum spira_value_type type)
{
    static const char *const names[] = {"null", "true or false", "whole number", "number",
                                        "text", "list",          "object"};
    return names[type];
}

size_t spira_value_count(const struct spira_value *value)
{
    return has_children(value) ? value->count : 0;
}

struct spira_value *spira_value_at(const struct spira_value *value, size_t index)
{
    assert(index < spira_value_count(value));
    return value->items[index];
}

const char *spira_value_key_at(const struct spira_value *map, size_t index)
{
    assert(map->type == SPIRA_MAP && index < map->count);
    return map->keys[index];
}

struct spira_value *spira_value_get(const struct spira_value *map, const char *key)
{
    if (spira_value_type(map) != SPIRA_MAP)
        return NULL;
    size_t i = index_of(map, key);
    return i < map->count ? map->items[i] : NULL;
}

struct spira_value *spira_value_find(const struct spira_value *map, const char *dotted_path)
{
    SPIRA_CLEANUP(spira_free_at)
    char *path = spira_copy_text(dotted_path);
    char *rest = path;
    struct spira_value *found = NULL;
    for (char *key; (key = strsep(&rest, ".")); map = found)
        if (!(found = spira_value_get(map, key)))
            return NULL;
    return found;
}

bool spira_value_as_bool(const struct spira_value *value, bool fallback)
{
    return spira_value_type(value) == SPIRA_BOOL ? value->truth : fallback;
}

int64_t spira_value_as_int(const struct spira_value *value, int64_t fallback)
{
    return spira_value_type(value) == SPIRA_INT ? value->integer : fallback;
}

double spira_value_as_real(const struct spira_value *value, double fallback)
{
    switch (spira_value_type(value)) {
    case SPIRA_INT:
        return (double)value->integer;
    case SPIRA_REAL:
        return value->real;
    default:
        return fallback;
    }
}

const char *spira_value_as_text(const struct spira_value *value, const char *fallback)
{
    return spira_value_type(value) == SPIRA_TEXT ? value->text : fallback;
}

bool spira_value_get_bool(const struct spira_value *map, const char *key, bool fallback)
{
    return spira_value_as_bool(spira_value_get(map, key), fallback);
}

int64_t spira_value_get_int(const struct spira_value *map, const char *key, int64_t fallback)
{
    return spira_value_as_int(spira_value_get(map, key), fallback);
}

double spira_value_get_real(const struct spira_value *map, const char *key, double fallback)
{
    return spira_value_as_real(spira_value_get(map, key), fallback);
}

const char *spira_value_get_text(const struct spira_value *map, const char *key,
                                 const char *fallback)
{
    return spira_value_as_text(spira_value_get(map, key), fallback);
}

static void write_text(const char *text, FILE *out)
{
    fputc('"', out);
    for (const unsigned char *c = (const unsigned char *)text; *c; c++) {
        if (*c == '"' || *c == '\\')
            fprintf(out, "\\%c", *c);
        else if (*c == '\n')
            fputs("\\n", out);
        else if (*c < ' ')
            fprintf(out, "\\u%04x", *c);
        else
            fputc(*c, out);
    }
    fputc('"', out);
}

static void write_real(double real, FILE *out)
{
    char digits[40];
    for (int precision = 15; precision <= 17; precision++) {
        snprintf(digits, sizeof digits, "%.*g", precision, real);
        if (strtod(digits, NULL) == real)
            break;
    }
    fputs(digits, out);
    if (!strpbrk(digits, ".e"))
        fputs(".0", out);
}

static int by_key(const void *a, const void *b, void *map)
{
    char **keys = ((struct spira_value *)map)->keys;
    return strcmp(keys[*(const size_t *)a], keys[*(const size_t *)b]);
}

static void write_node(const struct spira_value *value, enum spira_value_style style, int depth,
                       FILE *out);

static void write_children(const struct spira_value *parent, enum spira_value_style style,
                           int depth, FILE *out)
{
    SPIRA_CLEANUP(spira_free_at)
    size_t *order = spira_alloc(parent->count, sizeof *order);
    for (size_t i = 0; i < parent->count; i++)
        order[i] = i;
    if (style == SPIRA_CANONICAL && parent->type == SPIRA_MAP)
        qsort_r(order, parent->count, sizeof *order, by_key, (void *)(uintptr_t)parent);
    fputc(parent->type == SPIRA_MAP ? '{' : '[', out);
    for (size_t i = 0; i < parent->count; i++) {
        if (i > 0)
            fputs(",", out);
        if (style == SPIRA_PRETTY)
            fprintf(out, "\n%*s", 2 * (depth + 1), "");
        if (parent->type == SPIRA_MAP) {
            write_text(parent->keys[order[i]], out);
            fputs(style == SPIRA_PRETTY ? ": " : ":", out);
        }
        write_node(parent->items[order[i]], style, depth + 1, out);
    }
    if (style == SPIRA_PRETTY && parent->count > 0)
        fprintf(out, "\n%*s", 2 * depth, "");
    fputc(parent->type == SPIRA_MAP ? '}' : ']', out);
}

static void write_node(const struct spira_value *value, enum spira_value_style style, int depth,
                       FILE *out)
{
    switch (spira_value_type(value)) {
    case SPIRA_NULL:
        fputs("null", out);
        break;
    case SPIRA_BOOL:
        fputs(value->truth ? "true" : "false", out);
        break;
    case SPIRA_INT:
        fprintf(out, "%jd", (intmax_t)value->integer);
        break;
    case SPIRA_REAL:
        write_real(value->real, out);
        break;
    case SPIRA_TEXT:
        write_text(value->text, out);
        break;
    case SPIRA_LIST:
    case SPIRA_MAP:
        write_children(value, style, depth, out);
        break;
    }
}

void spira_value_write(const struct spira_value *value, enum spira_value_style style, FILE *out)
{
    write_node(value, style, 0, out);
    if (style == SPIRA_PRETTY)
        fputc('\n', out);
}

char *spira_value_to_text(const struct spira_value *value, enum spira_value_style style)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    if (out) {
        spira_value_write(value, style, out);
        if (fclose(out) == 0)
            return text;
        free(text);
    }
    return spira_copy_text("null");
}

bool spira_value_equal(const struct spira_value *a, const struct spira_value *b)
{
    SPIRA_CLEANUP(spira_free_at)
    char *text_a = spira_value_to_text(a, SPIRA_CANONICAL);
    SPIRA_CLEANUP(spira_free_at)
    char *text_b = spira_value_to_text(b, SPIRA_CANONICAL);
    return strcmp(text_a, text_b) == 0;
}
