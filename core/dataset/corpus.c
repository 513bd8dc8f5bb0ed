#include "core/dataset/corpus.h"

/* What became of an event when all were added up. */
enum outcome {
    LEFT_OUT,   /* older than another of its digest, or withdrawn, or no accepted one */
    TAKEN,      /* stands for its digest */
    DUPLICATE,  /* the newest of its digest under this recording id; another id was taken */
    CONTRADICTS /* would be taken, but its patient is prescribed another split */
};

struct spira_corpus_entry {
    enum spira_corpus_kind kind;
    struct spira_value *event;
    /* Borrowed from event. */
    const char *sha256; /* "" for a rejected recording: those have no place among the recordings */
    const char *recording_id; /* the digest where the event names none */
    const char *patient;      /* the same; NULL for a noise */
    int64_t time_ms;
    int32_t partition;
    int64_t offset;
    enum outcome outcome;
    const char *same_as;    /* of a duplicate: the recording id that was taken */
    const char *prescribed; /* the split of its patient, or NULL: to be drawn */
};

static bool is_noise(const struct spira_value *event)
{
    return strcmp(spira_value_get_text(event, "role", "speech"), "noise") == 0;
}

void spira_corpus_add(struct spira_corpus_builder *builder, enum spira_corpus_kind kind,
                      const struct spira_value *event, int64_t time_ms, int32_t partition,
                      int64_t offset)
{
    struct spira_value *copy = spira_value_copy(event);
    const char *sha256 = kind == SPIRA_CORPUS_ACCEPTED
                             ? spira_value_as_text(spira_value_find(copy, "recording.sha256"), "")
                         : kind == SPIRA_CORPUS_WITHDRAWN ? spira_value_get_text(copy, "sha256", "")
                                                          : "";
    if ((builder->count & (builder->count - 1)) == 0)
        builder->entries = spira_realloc(builder->entries, builder->count ? 2 * builder->count : 1,
                                         sizeof *builder->entries);
    builder->entries[builder->count++] = (struct spira_corpus_entry){
        .kind = kind,
        .event = copy,
        .sha256 = sha256,
        .recording_id = spira_value_get_text(copy, "recording_id", sha256),
        .patient = is_noise(copy) ? NULL : spira_value_get_text(copy, "patient", sha256),
        .time_ms = time_ms,
        .partition = partition,
        .offset = offset,
    };
}

/* Topics count their offsets apart, so the kind may have to decide: an event that is not valid
 * never comes after one that is. */
static int by_age(const struct spira_corpus_entry *a, const struct spira_corpus_entry *b)
{
    if (a->time_ms != b->time_ms)
        return a->time_ms < b->time_ms ? -1 : 1;
    if (a->partition != b->partition)
        return a->partition < b->partition ? -1 : 1;
    if (a->offset != b->offset)
        return a->offset < b->offset ? -1 : 1;
    return a->kind > b->kind ? -1 : a->kind < b->kind;
}

static int by_recording_id(const void *a, const void *b)
{
    const struct spira_corpus_entry *left = a, *right = b;
    int order = strcmp(left->recording_id, right->recording_id);
    return order ? order : by_age(left, right);
}

static int by_digest(const void *a, const void *b)
{
    const struct spira_corpus_entry *left = a, *right = b;
    int order = strcmp(left->sha256, right->sha256);
    return order ? order : by_recording_id(left, right);
}

/* What is taken comes first, patient by patient. */
static int by_patient(const void *a, const void *b)
{
    const struct spira_corpus_entry *left = a, *right = b;
    bool left_is = left->outcome == TAKEN && left->patient;
    bool right_is = right->outcome == TAKEN && right->patient;
    if (!left_is || !right_is)
        return right_is - left_is;
    int order = strcmp(left->patient, right->patient);
    return order ? order : by_age(left, right);
}

static void copy_field(struct spira_value *to, const char *name, const struct spira_value *field)
{
    if (spira_value_type(field) != SPIRA_NULL)
        spira_value_set(to, name, spira_value_copy(field));
}

static struct spira_value *describe(const struct spira_corpus_entry *entry)
{
    const struct spira_value *event = entry->event;
    struct spira_value *recording = spira_value_map();
    spira_value_set_text(recording, "sha256", entry->sha256);
    spira_value_set_text(recording, "key",
                         spira_value_as_text(spira_value_find(event, "recording.key"), ""));
    spira_value_set_text(recording, "recording_id", entry->recording_id);
    if (!entry->patient)
        return recording;
    copy_field(recording, "label", spira_value_get(event, "label"));
    spira_value_set_text(recording, "patient", entry->patient);
    if (entry->prescribed)
        spira_value_set_text(recording, "split", entry->prescribed);
    copy_field(recording, "seconds", spira_value_find(event, "facts.seconds"));
    copy_field(recording, "rms_dbfs", spira_value_find(event, "facts.rms_dbfs"));
    copy_field(recording, "peak", spira_value_find(event, "facts.peak"));
    copy_field(recording, "metadata", spira_value_get(event, "metadata"));
    return recording;
}

/* Takes message. */
static void add_note(struct spira_value *list, const char *recording_id, const char *reason,
                     char *message)
{
    struct spira_value *note = spira_value_append(list, spira_value_map());
    spira_value_set_text(note, "recording_id", recording_id);
    spira_value_set_text(note, "reason", reason);
    spira_value_set_text(note, "message", message);
    free(message);
}

/* entries[from..to) are of one digest, sorted by recording id and age; at least one. */
static void resolve_digest(struct spira_corpus_entry *entries, size_t from, size_t to)
{
    struct spira_corpus_entry *newest = &entries[from];
    for (size_t i = from; i < to; i++) {
        if (entries[i].kind == SPIRA_CORPUS_WITHDRAWN)
            return;
        if (by_age(newest, &entries[i]) < 0)
            newest = &entries[i];
    }
    newest->outcome = TAKEN;
    for (size_t i = from; i < to; i++) {
        const char *id = entries[i].recording_id;
        bool last = i + 1 == to || strcmp(entries[i + 1].recording_id, id) != 0;
        if (!last || strcmp(id, newest->recording_id) == 0)
            continue;
        entries[i].outcome = DUPLICATE;
        entries[i].same_as = newest->recording_id;
    }
}

/* entries[from..to) are what is taken of one patient, oldest first. The newest prescription is the
 * patient's. */
static void resolve_patient(struct spira_corpus_entry *entries, size_t from, size_t to)
{
    const char *prescribed = NULL;
    for (size_t i = from; i < to; i++)
        prescribed = spira_value_get_text(entries[i].event, "split", prescribed);
    for (size_t i = from; i < to; i++) {
        entries[i].prescribed = prescribed;
        if (prescribed &&
            strcmp(spira_value_get_text(entries[i].event, "split", prescribed), prescribed) != 0)
            entries[i].outcome = CONTRADICTS;
    }
}

/* entries[from..to) are of one recording id, oldest first: what is to be said of each. */
static void note_recording_id(const struct spira_corpus_entry *entries, size_t from, size_t to,
                              struct spira_value *rejected, struct spira_value *duplicates)
{
    for (size_t i = from; i < to; i++) {
        const struct spira_corpus_entry *entry = &entries[i];
        if (entry->outcome == DUPLICATE)
            add_note(duplicates, entry->recording_id, "duplicate",
                     spira_format("the same recording as %s", entry->same_as));
        if (entry->outcome == CONTRADICTS)
            add_note(rejected, entry->recording_id, "split_conflict",
                     spira_format("split '%s', but a newer recording of its patient says '%s'",
                                  spira_value_get_text(entry->event, "split", ""),
                                  entry->prescribed));
    }
    const struct spira_corpus_entry *newest = &entries[to - 1];
    if (newest->kind == SPIRA_CORPUS_REJECTED)
        add_note(rejected, newest->recording_id, spira_value_get_text(newest->event, "reason", ""),
                 spira_copy_text(spira_value_get_text(newest->event, "message", "")));
}

static void resolve(struct spira_corpus_entry *entries, size_t count)
{
    for (size_t i = 0; i < count; i++)
        entries[i].outcome = LEFT_OUT;
    qsort(entries, count, sizeof *entries, by_digest);
    for (size_t from = 0, to; from < count; from = to) {
        for (to = from + 1; to < count && strcmp(entries[to].sha256, entries[from].sha256) == 0;)
            to++;
        if (entries[from].sha256[0])
            resolve_digest(entries, from, to);
    }
    qsort(entries, count, sizeof *entries, by_patient);
    for (size_t from = 0, to; from < count && entries[from].outcome == TAKEN; from = to) {
        if (!entries[from].patient)
            break;
        for (to = from + 1; to < count && entries[to].outcome == TAKEN && entries[to].patient &&
                            strcmp(entries[to].patient, entries[from].patient) == 0;)
            to++;
        resolve_patient(entries, from, to);
    }
}

struct spira_value *spira_corpus_resolve(struct spira_corpus_builder *builder)
{
    struct spira_corpus_entry *entries = builder->entries;
    const size_t count = builder->count;
    struct spira_value *corpus = spira_value_map();
    spira_value_set_int(corpus, "format", 1);
    struct spira_value *recordings = spira_value_set(corpus, "recordings", spira_value_list());
    struct spira_value *noises = spira_value_set(corpus, "noises", spira_value_list());
    struct spira_value *rejected = spira_value_set(corpus, "rejected", spira_value_list());
    struct spira_value *duplicates = spira_value_set(corpus, "duplicates", spira_value_list());
    if (count == 0)
        return corpus;
    resolve(entries, count);
    qsort(entries, count, sizeof *entries, by_digest);
    for (size_t i = 0; i < count; i++)
        if (entries[i].outcome == TAKEN)
            spira_value_append(entries[i].patient ? recordings : noises, describe(&entries[i]));
    qsort(entries, count, sizeof *entries, by_recording_id);
    for (size_t from = 0, to; from < count; from = to) {
        for (to = from + 1;
             to < count && strcmp(entries[to].recording_id, entries[from].recording_id) == 0;)
            to++;
        note_recording_id(entries, from, to, rejected, duplicates);
    }
    return corpus;
}

void spira_corpus_builder_done(struct spira_corpus_builder *builder)
{
    for (size_t i = 0; i < builder->count; i++)
        spira_value_free(builder->entries[i].event);
    free(builder->entries);
    *builder = (struct spira_corpus_builder){0};
}
