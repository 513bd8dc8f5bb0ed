/* What each event says: one table of fields per event. From the tables an event is checked, and the
 * files schemas/<event>.v<version>.schema.json are written (spira-schemas). */
#ifndef SPIRA_SCHEMAS_SCHEMA_H
#define SPIRA_SCHEMAS_SCHEMA_H

#include "core/base/value.h"

enum spira_field_type {
    SPIRA_FIELD_TEXT,
    SPIRA_FIELD_INT,
    SPIRA_FIELD_REAL, /* a whole number too */
    SPIRA_FIELD_BOOL,
    SPIRA_FIELD_MAP,      /* of the fields given, or of texts */
    SPIRA_FIELD_REFERENCE /* to an object in the store: {key, sha256, bytes} */
};

enum spira_text_form {
    SPIRA_FORM_ANY,
    SPIRA_FORM_UUID,   /* 8-4-4-4-12 lower-case hex digits */
    SPIRA_FORM_SHA256, /* 64 lower-case hex digits */
    SPIRA_FORM_KEY     /* of an object: core/ports/object_store.h */
};

struct spira_field {
    const char *name;
    enum spira_field_type type;
    bool required;
    enum spira_text_form form;        /* texts */
    const char *const *words;         /* texts: the only ones allowed, ends with NULL; or NULL */
    int64_t min, max;                 /* whole numbers: their range, unless both are 0; texts and a
                                         map's texts: max is the most bytes */
    const struct spira_field *fields; /* of a map, ends with a NULL name; NULL: a map of texts */
    const char *sentence;             /* becomes the description */
};

struct spira_schema {
    const char *topic; /* after the prefix: "audio.collected" */
    int version;
    const char *sentence;
    const struct spira_field *fields; /* ends with a NULL name */
};

/* All schemas, in the order of the pipeline. Static; any thread. */
const struct spira_schema *spira_schemas(size_t *ret_count);

/* The schema of a topic (without its prefix), or NULL. */
const struct spira_schema *spira_schema_find(const char *topic);

/* SPIRA_EINVALID names event, field and value of the first field that is missing or wrong. Unknown
 * fields are ignored; null counts as absent. */
SPIRA_MUST_USE enum spira_code spira_schema_check(const struct spira_schema *schema,
                                                  const struct spira_value *event,
                                                  struct spira_error *err);

/* Gives the schema as a JSON Schema document (draft 2020-12). */
struct spira_value *spira_schema_document(const struct spira_schema *schema);

#endif
