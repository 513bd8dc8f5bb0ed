#include "core/dataset/corpus_record.h"

#include <math.h>

/* Topics count their offsets apart, so the kind may have to decide: an event that is not valid
 * never comes after one that is. */
int spira_corpus_by_age(const struct spira_corpus_record *a, const struct spira_corpus_record *b)
{
    if (a->time_ms != b->time_ms)
        return a->time_ms < b->time_ms ? -1 : 1;
    if (a->partition != b->partition)
        return a->partition < b->partition ? -1 : 1;
    if (a->offset != b->offset)
        return a->offset < b->offset ? -1 : 1;
    return a->kind > b->kind ? -1 : a->kind < b->kind;
}

void spira_corpus_draft_done(struct spira_corpus_draft *draft)
{
    free(draft->record);
    *draft = (struct spira_corpus_draft){0};
}

static void reserve(struct spira_corpus_draft *draft, size_t size)
{
    if (size <= draft->capacity)
        return;
    draft->capacity = size < 512 ? 1024 : 2 * size;
    draft->record = spira_realloc(draft->record, draft->capacity, 1);
}

/* Appends a text to the record and says where it begins. */
static uint32_t append(struct spira_corpus_draft *draft, const char *text)
{
    const size_t size = strlen(text) + 1;
    const uint32_t begin = draft->record->size;
    reserve(draft, begin + size);
    memcpy((char *)draft->record + begin, text, size);
    draft->record->size += (uint32_t)size;
    return begin;
}

void spira_corpus_draft_put(struct spira_corpus_draft *draft, enum spira_corpus_text which,
                            const char *text)
{
    const uint32_t begin = text ? append(draft, text) : 0;
    draft->record->texts[which] = begin;
}

void spira_corpus_draft_copy(struct spira_corpus_draft *draft,
                             const struct spira_corpus_record *record)
{
    reserve(draft, record->size);
    memcpy(draft->record, record, record->size);
}

void spira_corpus_draft_begin(struct spira_corpus_draft *draft,
                              const struct spira_corpus_record *record)
{
    reserve(draft, sizeof *record);
    *draft->record = *record;
    draft->record->size = sizeof *record;
    draft->record->metadata = draft->record->metadata_count = 0;
    memset(draft->record->texts, 0, sizeof draft->record->texts);
}

static bool is_noise(const struct spira_value *event)
{
    return strcmp(spira_value_get_text(event, "role", "speech"), "noise") == 0;
}

/* Those of the metadata that have a text. */
static void put_metadata(struct spira_corpus_draft *draft, const struct spira_value *metadata)
{
    draft->record->metadata = draft->record->size;
    for (size_t i = 0; i < spira_value_count(metadata); i++) {
        const char *text = spira_value_as_text(spira_value_at(metadata, i), NULL);
        if (!text)
            continue;
        append(draft, spira_value_key_at(metadata, i));
        append(draft, text);
        draft->record->metadata_count++;
    }
}

void spira_corpus_draft_event(struct spira_corpus_draft *draft,
                              const struct spira_corpus_event *event)
{
    static const char *const digests[] = {
        [SPIRA_CORPUS_ACCEPTED] = "recording.sha256", [SPIRA_CORPUS_WITHDRAWN] = "sha256"};
    static const struct {
        enum spira_corpus_text which;
        const char *path;
    } texts[] = {
        {SPIRA_CORPUS_KEY, "recording.key"},
        {SPIRA_CORPUS_SPLIT, "split"},
        {SPIRA_CORPUS_REASON, "reason"},
        {SPIRA_CORPUS_MESSAGE, "message"},
    };
    const struct spira_value *value = event->value, *facts = spira_value_get(value, "facts");
    const char *sha256 =
        event->kind == SPIRA_CORPUS_REJECTED
            ? NULL
            : spira_value_as_text(spira_value_find(value, digests[event->kind]), NULL);
    const struct spira_corpus_record numbers = {
        .time_ms = event->time_ms,
        .offset = event->offset,
        .seconds = spira_value_get_real(facts, "seconds", NAN),
        .rms_dbfs = spira_value_get_real(facts, "rms_dbfs", NAN),
        .peak = spira_value_get_real(facts, "peak", NAN),
        .partition = event->partition,
        .kind = (uint8_t)event->kind,
        .label = (int8_t)spira_value_get_int(value, "label", -1),
    };
    spira_corpus_draft_begin(draft, &numbers);
    spira_corpus_draft_put(draft, SPIRA_CORPUS_SHA256, sha256);
    spira_corpus_draft_put(draft, SPIRA_CORPUS_RECORDING_ID,
                           spira_value_get_text(value, "recording_id", sha256));
    spira_corpus_draft_put(draft, SPIRA_CORPUS_PATIENT,
                           is_noise(value) ? NULL : spira_value_get_text(value, "patient", sha256));
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        spira_corpus_draft_put(draft, texts[i].which,
                               spira_value_as_text(spira_value_find(value, texts[i].path), NULL));
    if (spira_value_type(spira_value_get(value, "metadata")) == SPIRA_MAP)
        put_metadata(draft, spira_value_get(value, "metadata"));
}

static void set_metadata(struct spira_value *row, const struct spira_corpus_record *record)
{
    struct spira_value *map = spira_value_set(row, "metadata", spira_value_map());
    const char *name = (const char *)record + record->metadata;
    for (uint32_t i = 0; i < record->metadata_count; i++) {
        const char *text = name + strlen(name) + 1;
        spira_value_set_text(map, name, text);
        name = text + strlen(text) + 1;
    }
}

static void set_fact(struct spira_value *row, const char *name, double fact)
{
    if (!isnan(fact))
        spira_value_set_real(row, name, fact);
}

/* A text that every row of its list has. */
static void set_text(struct spira_value *row, const char *name,
                     const struct spira_corpus_record *record, enum spira_corpus_text which)
{
    spira_value_set_text(row, name, spira_corpus_text(record, which, ""));
}

static void describe_speech(struct spira_value *row, const struct spira_corpus_record *record)
{
    const char *split = spira_corpus_text(record, SPIRA_CORPUS_SPLIT, NULL);
    if (record->label >= 0)
        spira_value_set_int(row, "label", record->label);
    set_text(row, "patient", record, SPIRA_CORPUS_PATIENT);
    if (split)
        spira_value_set_text(row, "split", split);
    set_fact(row, "seconds", record->seconds);
    set_fact(row, "rms_dbfs", record->rms_dbfs);
    set_fact(row, "peak", record->peak);
    if (record->metadata)
        set_metadata(row, record);
}

struct spira_value *spira_corpus_row(const struct spira_corpus_record *record)
{
    struct spira_value *row = spira_value_map();
    if (record->list == SPIRA_CORPUS_DUPLICATES || record->list == SPIRA_CORPUS_REFUSED) {
        set_text(row, "recording_id", record, SPIRA_CORPUS_RECORDING_ID);
        set_text(row, "reason", record, SPIRA_CORPUS_REASON);
        set_text(row, "message", record, SPIRA_CORPUS_MESSAGE);
        return row;
    }
    set_text(row, "sha256", record, SPIRA_CORPUS_SHA256);
    set_text(row, "key", record, SPIRA_CORPUS_KEY);
    set_text(row, "recording_id", record, SPIRA_CORPUS_RECORDING_ID);
    if (record->list == SPIRA_CORPUS_RECORDINGS)
        describe_speech(row, record);
    return row;
}
