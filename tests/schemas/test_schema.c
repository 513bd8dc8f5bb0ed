#include <criterion/criterion.h>

#include "schemas/schema.h"

#define RUN_ID "0195a0e5-1f2b-7c3d-8e4f-0123456789ab"
#define SHA256 "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

static struct spira_value *reference(void)
{
    struct spira_value *value = spira_value_map();
    spira_value_set_text(value, "key", "features/abc/artifact.json");
    spira_value_set_text(value, "sha256", SHA256);
    spira_value_set_int(value, "bytes", 12);
    return value;
}

static struct spira_value *accepted(void)
{
    struct spira_value *event = spira_value_map();
    spira_value_set(event, "recording", reference());
    spira_value_set_text(event, "role", "speech");
    spira_value_set_int(event, "label", 1);
    struct spira_value *metadata = spira_value_set(event, "metadata", spira_value_map());
    spira_value_set_text(metadata, "gender", "F");
    struct spira_value *facts = spira_value_set(event, "facts", spira_value_map());
    spira_value_set_text(facts, "format", "wav pcm16");
    spira_value_set_int(facts, "rate_hz", 48000);
    spira_value_set_int(facts, "channels", 1);
    spira_value_set_int(facts, "frames", 96000);
    spira_value_set_int(facts, "seconds", 2);
    return event;
}

static void passes(const char *topic, const struct spira_value *event)
{
    struct spira_error err = {0};
    cr_assert_eq(spira_schema_check(spira_schema_find(topic), event, &err), SPIRA_OK, "%s",
                 err.message);
}

static void refused(const char *topic, const struct spira_value *event, const char *message)
{
    struct spira_error err = {0};
    cr_assert_eq(spira_schema_check(spira_schema_find(topic), event, &err), SPIRA_EINVALID,
                 "accepted instead of \"%s\"", message);
    cr_assert_str_eq(err.message, message);
}

/* A copy of the event with one dotted field changed is refused with the message. */
static void refused_with(const char *map_path, const char *key, struct spira_value *item,
                         const char *message)
{
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *event = accepted();
    spira_value_set(*map_path ? spira_value_find(event, map_path) : event, key, item);
    refused("audio.accepted", event, message);
}

Test(schema, every_topic_is_found_and_no_other)
{
    size_t count;
    const struct spira_schema *schemas = spira_schemas(&count);
    cr_assert_eq(count, 16);
    for (size_t i = 0; i < count; i++)
        cr_assert_eq(spira_schema_find(schemas[i].topic), &schemas[i]);
    cr_assert_null(spira_schema_find("spira.audio.collected"));
    cr_assert_null(spira_schema_find("audio"));
}

Test(schema, every_field_has_its_sentence_and_texts_have_a_limit)
{
    size_t count;
    const struct spira_schema *schemas = spira_schemas(&count);
    for (size_t i = 0; i < count; i++)
        for (const struct spira_field *field = schemas[i].fields; field->name; field++) {
            cr_assert(field->sentence && *field->sentence, "%s: %s", schemas[i].topic, field->name);
            if (field->type == SPIRA_FIELD_TEXT)
                cr_assert_gt(field->max, 0, "%s: %s", schemas[i].topic, field->name);
            if (field->type == SPIRA_FIELD_REFERENCE)
                cr_assert(field->fields, "%s: %s", schemas[i].topic, field->name);
        }
}

Test(schema, a_right_event_passes_with_unknown_fields_and_nulls)
{
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *event = accepted();
    passes("audio.accepted", event);
    spira_value_set_text(event, "color", "blue");
    spira_value_set(event, "patient", spira_value_null());
    spira_value_set(spira_value_get(event, "metadata"), "age", spira_value_null());
    passes("audio.accepted", event);
}

Test(schema, a_wrong_field_is_named_with_its_value)
{
    refused("run.control", NULL, "run.control: an event is an object, not null");
    refused_with("", "role", spira_value_null(), "audio.accepted: role is missing");
    refused_with("", "role", spira_value_text("song"),
                 "audio.accepted: role: \"song\" is not one of speech, noise");
    refused_with("", "label", spira_value_int(2), "audio.accepted: label: 2 is not from 0 to 1");
    refused_with("", "label", spira_value_real(1),
                 "audio.accepted: label: 1.0 is not a whole number");
    refused_with("", "patient", spira_value_int(7), "audio.accepted: patient: 7 is not text");
    refused_with("", "facts", spira_value_text("x"),
                 "audio.accepted: facts: \"x\" is not an object");
    refused_with("facts", "seconds", spira_value_text("2"),
                 "audio.accepted: facts.seconds: \"2\" is not a number");
    refused_with("facts", "format", spira_value_text(""),
                 "audio.accepted: facts.format: \"\" is not allowed to be empty");
    refused_with("metadata", "age", spira_value_int(60),
                 "audio.accepted: metadata.age: 60 is not text");
    refused_with("recording", "sha256", spira_value_text("abc"),
                 "audio.accepted: recording.sha256: \"abc\" is not a SHA-256");
    refused_with("recording", "key", spira_value_text("../x"),
                 "audio.accepted: recording.key: \"../x\" is not a key");
    refused_with("recording", "bytes", spira_value_int(-1),
                 "audio.accepted: recording.bytes: -1 is not from 0 to 9223372036854775807");
}

Test(schema, a_text_has_a_longest_length)
{
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *event = accepted();
    char text[130] = "";
    memset(text, 'p', 128);
    spira_value_set_text(event, "patient", text);
    passes("audio.accepted", event);
    text[128] = 'p';
    spira_value_set_text(event, "patient", text);
    refused("audio.accepted", event,
            "audio.accepted: patient: 129 bytes are more than the 128 allowed");
}

Test(schema, run_events_need_a_run)
{
    size_t count;
    const struct spira_schema *schemas = spira_schemas(&count);
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *empty = spira_value_map();
    for (size_t i = 0; i < count; i++) {
        if (strncmp(schemas[i].topic, "audio.", 6) == 0)
            continue;
        SPIRA_CLEANUP(spira_free_at)
        char *message = spira_format("%s: run_id is missing", schemas[i].topic);
        refused(schemas[i].topic, empty, message);
    }
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *event = spira_value_map();
    spira_value_set_text(event, "run_id", RUN_ID);
    spira_value_set_text(event, "reason", "rejected");
    spira_value_set_bool(event, "rejected", true);
    passes("run.failed", event);
    spira_value_set_int(event, "rejected", 1);
    refused("run.failed", event, "run.failed: rejected: 1 is not true or false");
}

Test(schema, the_document_says_what_the_table_says)
{
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *document = spira_schema_document(spira_schema_find("audio.collected"));
    cr_assert_str_eq(spira_value_get_text(document, "title", ""), "audio.collected.v1");
    const struct spira_value *uri = spira_value_find(document, "properties.uri");
    cr_assert_str_eq(spira_value_get_text(uri, "type", ""), "string");
    cr_assert_eq(spira_value_get_int(uri, "maxLength", 0), 1024);
    cr_assert_eq(spira_value_count(spira_value_get(document, "required")), 2);
    const struct spira_value *label = spira_value_find(document, "properties.label");
    cr_assert_eq(spira_value_count(spira_value_get(label, "type")), 2);
    cr_assert_eq(spira_value_get_int(label, "maximum", 0), 1);
}
