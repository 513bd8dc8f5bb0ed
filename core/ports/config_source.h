/* Port: a configuration document as a tree of values (the thesis's ConfigLoader).
 * Adapters: adapters/json (JSON with // and block comments). Also reads the project's own JSON
 * files. */
#ifndef SPIRA_CORE_PORTS_CONFIG_SOURCE_H
#define SPIRA_CORE_PORTS_CONFIG_SOURCE_H

#include "core/base/value.h"

/* A list of a document that is too long to be held: its items are handed out as they are read, and
 * the list stays empty. What was handed out of a document that turns out to be none is void. */
struct spira_config_items {
    const char *key; /* of the outermost object */
    /* Takes item. Any code but SPIRA_OK ends the reading, with that code. */
    enum spira_code (*take)(void *context, struct spira_value *item, struct spira_error *err);
    void *context;
};

struct spira_config_source_ops {
    /* Borrows text (size bytes); name is the file's, for messages. items NULL: the tree has
     * everything. Gives ret_value. SPIRA_EINVALID: not a document, nested deeper than 32, or a key
     * twice in one object; the message is "<name>:<line>: ...". */
    enum spira_code (*parse)(void *self, const char *name, const char *text, size_t size,
                             const struct spira_config_items *items, struct spira_value **ret_value,
                             struct spira_error *err);
};

/* Stateless; any thread. */
struct spira_config_source {
    const struct spira_config_source_ops *ops;
    void *self;
};

SPIRA_MUST_USE static inline enum spira_code
spira_config_parse(struct spira_config_source source, const char *name, const char *text,
                   size_t size, struct spira_value **ret_value, struct spira_error *err)
{
    return source.ops->parse(source.self, name, text, size, NULL, ret_value, err);
}

/* Reads a file of at most max_bytes and parses it. Also SPIRA_ENOTFOUND, SPIRA_EIO, SPIRA_ETOOBIG.
 */
SPIRA_MUST_USE enum spira_code spira_config_read(struct spira_config_source source,
                                                 const char *path, size_t max_bytes,
                                                 struct spira_value **ret_value,
                                                 struct spira_error *err);
/* The same, with one list's items handed out. */
SPIRA_MUST_USE enum spira_code spira_config_read_items(struct spira_config_source source,
                                                       const char *path, size_t max_bytes,
                                                       const struct spira_config_items *items,
                                                       struct spira_value **ret_value,
                                                       struct spira_error *err);

#endif
