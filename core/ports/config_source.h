/* Port: a configuration document as a tree of values (the thesis's ConfigLoader).
 * Adapters: adapters/json (JSON with // and block comments). Also reads the project's own JSON
 * files. */
#ifndef SPIRA_CORE_PORTS_CONFIG_SOURCE_H
#define SPIRA_CORE_PORTS_CONFIG_SOURCE_H

#include "core/base/value.h"

struct spira_config_source_ops {
    /* Borrows text (size bytes); name is the file's and first_line the line in it that text begins
     * with, for messages. Gives ret_value. SPIRA_EINVALID: not a document, nested deeper than 32,
     * or a key twice in one object; the message is "<name>:<line>: ...". */
    enum spira_code (*parse)(void *self, const char *name, size_t first_line, const char *text,
                             size_t size, struct spira_value **ret_value, struct spira_error *err);
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
    return source.ops->parse(source.self, name, 1, text, size, ret_value, err);
}

/* Reads a file of at most max_bytes and parses it. Also SPIRA_ENOTFOUND, SPIRA_EIO, SPIRA_ETOOBIG.
 */
SPIRA_MUST_USE enum spira_code spira_config_read(struct spira_config_source source,
                                                 const char *path, size_t max_bytes,
                                                 struct spira_value **ret_value,
                                                 struct spira_error *err);

/* Takes line: what a line of a file says. Any code but SPIRA_OK ends the reading, with that code.
 */
typedef enum spira_code spira_config_line(void *context, struct spira_value *line,
                                          struct spira_error *err);

/* Reads a file that has a document in each line (JSON Lines), of at most max_bytes, and hands them
 * out one by one, so that the file may be of any size. SPIRA_ENOTFOUND, SPIRA_EIO; SPIRA_EINVALID
 * and SPIRA_ETOOBIG name the line; codes of take. */
SPIRA_MUST_USE enum spira_code spira_config_read_lines(struct spira_config_source source,
                                                       const char *path, size_t max_bytes,
                                                       spira_config_line *take, void *context,
                                                       struct spira_error *err);

#endif
