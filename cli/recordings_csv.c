#include "cli/recordings_csv.h"

#include "adapters/csv/csv_reader.h"
#include "core/dataset/splitter.h"
#include "schemas/schema.h"

/* One file on its way into events. */
struct reading {
    bool noise;
    struct spira_value *events;
};

/* class: "0" or "1"; anything else stays text, which the intake quotes when it refuses it. */
static void set_label(struct spira_value *event, const char *text)
{
    if (strcmp(text, "0") == 0 || strcmp(text, "1") == 0)
        spira_value_set_int(event, "label", text[0] - '0');
    else if (text[0])
        spira_value_set_text(event, "label_text", text);
}

static enum spira_code set_split(struct spira_value *event, const char *text,
                                 struct spira_error *err)
{
    if (!text[0])
        return SPIRA_OK;
    enum spira_role role = spira_role_find(text);
    if (role == SPIRA_ROLES)
        return spira_fail(err, SPIRA_EINVALID,
                          "split '%s' is none of train, validation (or eval) and test", text);
    spira_value_set_text(event, "split", spira_role_name(role));
    return SPIRA_OK;
}

/* One field of a row. */
static enum spira_code set_field(const struct reading *reading, struct spira_value *event,
                                 const char *name, const char *text, struct spira_error *err)
{
    if (strcmp(name, "file_path") == 0) {
        spira_value_set_text(event, "recording_id", text);
        spira_value_set_text(event, "uri", text);
        return text[0] ? SPIRA_OK : spira_fail(err, SPIRA_EINVALID, "file_path is empty");
    }
    if (reading->noise)
        return SPIRA_OK;
    if (strcmp(name, "class") == 0) {
        set_label(event, text);
        return SPIRA_OK;
    }
    if (strcmp(name, "split") == 0)
        return set_split(event, text, err);
    if (!text[0])
        return SPIRA_OK;
    if (strcmp(name, "patient") == 0) {
        spira_value_set_text(event, "patient", text);
        return SPIRA_OK;
    }
    struct spira_value *metadata = spira_value_get(event, "metadata");
    if (!metadata)
        metadata = spira_value_set(event, "metadata", spira_value_map());
    spira_value_set_text(metadata, name, text);
    return SPIRA_OK;
}

static enum spira_code visit_row(void *context, size_t line, const char *const *names,
                                 const char *const *fields, size_t count, struct spira_error *err)
{
    (void)line;
    const struct reading *reading = context;
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *event = spira_value_map();
    bool labelled = reading->noise;
    spira_value_set_text(event, "role", reading->noise ? "noise" : "speech");
    for (size_t i = 0; i < count; i++) {
        labelled = labelled || strcmp(names[i], "class") == 0;
        enum spira_code code = set_field(reading, event, names[i], fields[i], err);
        if (code != SPIRA_OK)
            return code;
    }
    if (!spira_value_get(event, "uri") || !labelled)
        return spira_fail(err, SPIRA_EINVALID, "the header has no column %s",
                          labelled ? "file_path" : "class");
    enum spira_code code = spira_schema_check(spira_schema_find("audio.collected"), event, err);
    if (code != SPIRA_OK)
        return code;
    spira_value_append(reading->events, event);
    event = NULL;
    return SPIRA_OK;
}

static enum spira_code read_events(const char *path, bool noise, struct spira_value **ret_events,
                                   struct spira_error *err)
{
    struct reading reading = {.noise = noise, .events = spira_value_list()};
    enum spira_code code = spira_csv_read(path, visit_row, &reading, err);
    if (code == SPIRA_OK && spira_value_count(reading.events) == 0)
        code = spira_fail(err, SPIRA_EINVALID, "%s: has no row", path);
    if (code != SPIRA_OK) {
        spira_value_free(reading.events);
        return code;
    }
    *ret_events = reading.events;
    return SPIRA_OK;
}

enum spira_code spira_recordings_csv(const char *path, struct spira_value **ret_events,
                                     struct spira_error *err)
{
    return read_events(path, false, ret_events, err);
}

enum spira_code spira_noises_csv(const char *path, struct spira_value **ret_events,
                                 struct spira_error *err)
{
    return read_events(path, true, ret_events, err);
}
