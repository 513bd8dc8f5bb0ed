#include "schemas/schema.h"

#include "core/base/moment.h"
#include "core/ports/digest.h"
#include "core/ports/object_store.h"

const struct spira_schema *spira_schema_find(const char *topic)
{
    size_t count;
    const struct spira_schema *schemas = spira_schemas(&count);
    for (size_t i = 0; i < count; i++)
        if (strcmp(schemas[i].topic, topic) == 0)
            return &schemas[i];
    return NULL;
}

/* Where a check is: the event and the dotted path of the map around the field ("" at the top). */
struct place {
    const char *topic;
    const char *path;
};

static enum spira_code refuse(const struct place *place, const struct spira_field *field,
                              const struct spira_value *value, const char *why,
                              struct spira_error *err)
{
    SPIRA_CLEANUP(spira_free_at)
    char *text = spira_value_to_text(value, SPIRA_COMPACT);
    return spira_fail(err, SPIRA_EINVALID, "%s: %s%s: %.200s is not %s", place->topic, place->path,
                      field->name, text, why);
}

static enum spira_code check_words(const struct place *place, const struct spira_field *field,
                                   const struct spira_value *value, struct spira_error *err)
{
    char list[400] = "one of";
    size_t used = strlen(list);
    for (size_t i = 0; field->words[i]; i++) {
        if (strcmp(field->words[i], spira_value_as_text(value, "")) == 0)
            return SPIRA_OK;
        if (used < sizeof list)
            used += (size_t)snprintf(list + used, sizeof list - used, "%s %s", i > 0 ? "," : "",
                                     field->words[i]);
    }
    return refuse(place, field, value, list, err);
}

static enum spira_code check_text(const struct place *place, const struct spira_field *field,
                                  const struct spira_value *value, struct spira_error *err)
{
    if (spira_value_type(value) != SPIRA_TEXT)
        return refuse(place, field, value, "text", err);
    const char *text = spira_value_as_text(value, "");
    if (field->words)
        return check_words(place, field, value, err);
    if (strlen(text) > (size_t)field->max)
        return spira_fail(err, SPIRA_EINVALID, "%s: %s%s: %zu bytes are more than the %jd allowed",
                          place->topic, place->path, field->name, strlen(text),
                          (intmax_t)field->max);
    if (field->required && *text == '\0')
        return refuse(place, field, value, "allowed to be empty", err);
    switch (field->form) {
    case SPIRA_FORM_ANY:
        return SPIRA_OK;
    case SPIRA_FORM_UUID:
        return spira_uuid_valid(text) ? SPIRA_OK : refuse(place, field, value, "a UUID", err);
    case SPIRA_FORM_SHA256:
        return spira_sha256_valid(text) ? SPIRA_OK : refuse(place, field, value, "a SHA-256", err);
    case SPIRA_FORM_KEY:
        return spira_key_valid(text) ? SPIRA_OK : refuse(place, field, value, "a key", err);
    }
    return SPIRA_OK;
}

static enum spira_code check_int(const struct place *place, const struct spira_field *field,
                                 const struct spira_value *value, struct spira_error *err)
{
    if (spira_value_type(value) != SPIRA_INT)
        return refuse(place, field, value, "a whole number", err);
    int64_t number = spira_value_as_int(value, 0);
    bool limited = field->min != 0 || field->max != 0;
    if (!limited || (number >= field->min && number <= field->max))
        return SPIRA_OK;
    char range[80];
    snprintf(range, sizeof range, "from %jd to %jd", (intmax_t)field->min, (intmax_t)field->max);
    return refuse(place, field, value, range, err);
}

static enum spira_code check_fields(const struct place *place, const struct spira_field *fields,
                                    const struct spira_value *map, struct spira_error *err);

static enum spira_code check_field(const struct place *place, const struct spira_field *field,
                                   const struct spira_value *value, struct spira_error *err);

static enum spira_code check_map(const struct place *place, const struct spira_field *field,
                                 const struct spira_value *map, struct spira_error *err)
{
    if (spira_value_type(map) != SPIRA_MAP)
        return refuse(place, field, map, "an object", err);
    SPIRA_CLEANUP(spira_free_at)
    char *path = spira_format("%s%s.", place->path, field->name);
    struct place inside = {place->topic, path};
    if (field->fields)
        return check_fields(&inside, field->fields, map, err);
    for (size_t i = 0; i < spira_value_count(map); i++) {
        struct spira_field item = {
            .name = spira_value_key_at(map, i), .type = SPIRA_FIELD_TEXT, .max = field->max};
        enum spira_code code = check_field(&inside, &item, spira_value_at(map, i), err);
        if (code != SPIRA_OK)
            return code;
    }
    return SPIRA_OK;
}

static enum spira_code check_field(const struct place *place, const struct spira_field *field,
                                   const struct spira_value *value, struct spira_error *err)
{
    if (spira_value_type(value) == SPIRA_NULL)
        return field->required ? spira_fail(err, SPIRA_EINVALID, "%s: %s%s is missing",
                                            place->topic, place->path, field->name)
                               : SPIRA_OK;
    switch (field->type) {
    case SPIRA_FIELD_TEXT:
        return check_text(place, field, value, err);
    case SPIRA_FIELD_INT:
        return check_int(place, field, value, err);
    case SPIRA_FIELD_REAL:
        if (spira_value_type(value) == SPIRA_REAL || spira_value_type(value) == SPIRA_INT)
            return SPIRA_OK;
        return refuse(place, field, value, "a number", err);
    case SPIRA_FIELD_BOOL:
        if (spira_value_type(value) == SPIRA_BOOL)
            return SPIRA_OK;
        return refuse(place, field, value, "true or false", err);
    case SPIRA_FIELD_MAP:
    case SPIRA_FIELD_REFERENCE:
        return check_map(place, field, value, err);
    }
    return SPIRA_OK;
}

static enum spira_code check_fields(const struct place *place, const struct spira_field *fields,
                                    const struct spira_value *map, struct spira_error *err)
{
    for (const struct spira_field *field = fields; field->name; field++) {
        enum spira_code code = check_field(place, field, spira_value_get(map, field->name), err);
        if (code != SPIRA_OK)
            return code;
    }
    return SPIRA_OK;
}

enum spira_code spira_schema_check(const struct spira_schema *schema,
                                   const struct spira_value *event, struct spira_error *err)
{
    if (spira_value_type(event) != SPIRA_MAP)
        return spira_fail(err, SPIRA_EINVALID, "%s: an event is an object, not %s", schema->topic,
                          spira_value_type_name(spira_value_type(event)));
    return check_fields(&(struct place){schema->topic, ""}, schema->fields, event, err);
}
