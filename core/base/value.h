/* A tree of plain values: what a JSON document or a MessagePack event says.
 *
 * A node owns its children. Lists and maps keep the order in which things were added; a map's keys
 * are unique. Readers take NULL (nothing there) and values of another type, and answer with the
 * fallback, so that a document is checked once, by its schema or table, and then read without
 * ceremony. Not safe for two threads at once while one of them writes. */
#ifndef SPIRA_CORE_BASE_VALUE_H
#define SPIRA_CORE_BASE_VALUE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "core/base/memory.h"

enum spira_value_type {
    SPIRA_NULL,
    SPIRA_BOOL,
    SPIRA_INT,
    SPIRA_REAL,
    SPIRA_TEXT, /* UTF-8, zero-terminated */
    SPIRA_LIST,
    SPIRA_MAP
};

struct spira_value;

/* New nodes; never NULL. Freed with spira_value_free, or owned by the tree they are put into. */
struct spira_value *spira_value_null(void);
struct spira_value *spira_value_bool(bool value);
struct spira_value *spira_value_int(int64_t value);
struct spira_value *spira_value_real(double value);     /* finite; NaN and infinities become null */
struct spira_value *spira_value_text(const char *text); /* NULL becomes null */
struct spira_value *spira_value_list(void);
struct spira_value *spira_value_map(void);
struct spira_value *spira_value_copy(const struct spira_value *value);
void spira_value_free(struct spira_value *value);     /* NULL is fine */
void spira_value_free_at(struct spira_value **value); /* for SPIRA_CLEANUP */

/* Takes item. Puts it under key (an older value there is freed), or at the end of the list; returns
 * item. */
struct spira_value *spira_value_set(struct spira_value *map, const char *key,
                                    struct spira_value *item);
struct spira_value *spira_value_append(struct spira_value *list, struct spira_value *item);
/* Short forms of set. */
void spira_value_set_text(struct spira_value *map, const char *key, const char *text);
void spira_value_set_int(struct spira_value *map, const char *key, int64_t value);
void spira_value_set_real(struct spira_value *map, const char *key, double value);
void spira_value_set_bool(struct spira_value *map, const char *key, bool value);
/* Removes a key; none there is fine. */
void spira_value_remove(struct spira_value *map, const char *key);

enum spira_value_type spira_value_type(const struct spira_value *value); /* NULL: SPIRA_NULL */
const char *spira_value_type_name(enum spira_value_type type);           /* "number", "text", ... */

/* Children. count: of a list or map, else 0. at and key_at: index below count. get: NULL when
 * absent. find: a dotted path such as "train.optimizer.name". Borrowed from the tree. */
size_t spira_value_count(const struct spira_value *value);
struct spira_value *spira_value_at(const struct spira_value *value, size_t index);
const char *spira_value_key_at(const struct spira_value *map, size_t index);
struct spira_value *spira_value_get(const struct spira_value *map, const char *key);
struct spira_value *spira_value_find(const struct spira_value *map, const char *dotted_path);

/* What a node holds; the fallback when it is NULL or of another type. An int reads as a real too.
 */
bool spira_value_as_bool(const struct spira_value *value, bool fallback);
int64_t spira_value_as_int(const struct spira_value *value, int64_t fallback);
double spira_value_as_real(const struct spira_value *value, double fallback);
const char *spira_value_as_text(const struct spira_value *value,
                                const char *fallback); /* borrowed */
/* The same for a key of a map. */
bool spira_value_get_bool(const struct spira_value *map, const char *key, bool fallback);
int64_t spira_value_get_int(const struct spira_value *map, const char *key, int64_t fallback);
double spira_value_get_real(const struct spira_value *map, const char *key, double fallback);
const char *spira_value_get_text(const struct spira_value *map, const char *key,
                                 const char *fallback);

enum spira_value_style {
    SPIRA_COMPACT,  /* one line, in the order of the tree */
    SPIRA_PRETTY,   /* indented by two spaces, ends with a newline */
    SPIRA_CANONICAL /* one line, map keys sorted by bytes: equal trees give equal text */
};

/* The tree as JSON (RFC 8259): reals with the fewest digits that read back equal and always a '.'
 * or an exponent, so that an int stays an int. Written to a stream, or gives a text to free with
 * free(). */
void spira_value_write(const struct spira_value *value, enum spira_value_style style, FILE *out);
char *spira_value_to_text(const struct spira_value *value, enum spira_value_style style);

/* Equal type, content and (for maps) keys in any order. An int and a real differ. */
bool spira_value_equal(const struct spira_value *a, const struct spira_value *b);

#endif
