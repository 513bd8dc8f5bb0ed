#include "schemas/schema.h"

/* JSON Schema, draft 2020-12: https://json-schema.org/specification */

static struct spira_value *describe_map(const struct spira_field *fields, struct spira_value *ret);

/* The type's name; with "null" beside it where the field may be absent. */
static void set_type(struct spira_value *document, const struct spira_field *field,
                     const char *type)
{
    if (field->required) {
        spira_value_set_text(document, "type", type);
        return;
    }
    struct spira_value *types = spira_value_set(document, "type", spira_value_list());
    spira_value_append(types, spira_value_text(type));
    spira_value_append(types, spira_value_text("null"));
}

static void describe_text(const struct spira_field *field, struct spira_value *document)
{
    set_type(document, field, "string");
    if (field->words) {
        struct spira_value *words = spira_value_set(document, "enum", spira_value_list());
        for (size_t i = 0; field->words[i]; i++)
            spira_value_append(words, spira_value_text(field->words[i]));
        if (!field->required)
            spira_value_append(words, spira_value_null());
        return;
    }
    if (field->required)
        spira_value_set_int(document, "minLength", 1);
    spira_value_set_int(document, "maxLength", field->max);
    static const char *const patterns[] = {
        [SPIRA_FORM_ANY] = NULL,
        [SPIRA_FORM_UUID] = "^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$",
        [SPIRA_FORM_SHA256] = "^[0-9a-f]{64}$",
        [SPIRA_FORM_KEY] = "^[A-Za-z0-9._~-]+(/[A-Za-z0-9._~-]+)*$",
    };
    if (patterns[field->form])
        spira_value_set_text(document, "pattern", patterns[field->form]);
}

static void describe_int(const struct spira_field *field, struct spira_value *document)
{
    set_type(document, field, "integer");
    if (field->min == 0 && field->max == 0)
        return;
    spira_value_set_int(document, "minimum", field->min);
    spira_value_set_int(document, "maximum", field->max);
}

static struct spira_value *describe_field(const struct spira_field *field)
{
    struct spira_value *document = spira_value_map();
    spira_value_set_text(document, "description", field->sentence);
    switch (field->type) {
    case SPIRA_FIELD_TEXT:
        describe_text(field, document);
        break;
    case SPIRA_FIELD_INT:
        describe_int(field, document);
        break;
    case SPIRA_FIELD_REAL:
        set_type(document, field, "number");
        break;
    case SPIRA_FIELD_BOOL:
        set_type(document, field, "boolean");
        break;
    case SPIRA_FIELD_MAP:
    case SPIRA_FIELD_REFERENCE:
        set_type(document, field, "object");
        if (field->fields) {
            describe_map(field->fields, document);
        } else {
            struct spira_value *items =
                spira_value_set(document, "additionalProperties", spira_value_map());
            set_type(items, &(struct spira_field){.required = false}, "string");
            spira_value_set_int(items, "maxLength", field->max);
        }
        break;
    }
    return document;
}

/* Adds "properties" and "required"; returns document. */
static struct spira_value *describe_map(const struct spira_field *fields,
                                        struct spira_value *document)
{
    struct spira_value *properties = spira_value_set(document, "properties", spira_value_map());
    struct spira_value *required = spira_value_list();
    for (const struct spira_field *field = fields; field->name; field++) {
        spira_value_set(properties, field->name, describe_field(field));
        if (field->required)
            spira_value_append(required, spira_value_text(field->name));
    }
    if (spira_value_count(required) > 0)
        spira_value_set(document, "required", required);
    else
        spira_value_free(required);
    return document;
}

struct spira_value *spira_schema_document(const struct spira_schema *schema)
{
    struct spira_value *document = spira_value_map();
    spira_value_set_text(document, "$schema", "https://json-schema.org/draft/2020-12/schema");
    SPIRA_CLEANUP(spira_free_at)
    char *title = spira_format("%s.v%d", schema->topic, schema->version);
    spira_value_set_text(document, "title", title);
    spira_value_set_text(document, "description", schema->sentence);
    spira_value_set_text(document, "type", "object");
    return describe_map(schema->fields, document);
}
