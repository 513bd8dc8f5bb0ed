#include "core/dataset/corpus.h"

#include <math.h>

/* What became of an event when all were added up. */
enum outcome {
    LEFT_OUT,   /* older than another of its digest, or withdrawn, or no accepted one */
    TAKEN,      /* stands for its digest */
    DUPLICATE,  /* the newest of its digest under this recording id; another id was taken */
    CONTRADICTS /* would be taken, but its patient is prescribed another split */
};

/* A value tree would take five times the memory, and there is one entry for each event. */
struct spira_corpus_entry {
    enum spira_corpus_kind kind;
    enum outcome outcome;
    int64_t time_ms;
    int64_t offset;
    int32_t partition;
    int8_t label;                   /* -1: none */
    double seconds, rms_dbfs, peak; /* NaN: none */
    char *texts;                    /* the one allocation; the next are in it */
    const char *sha256; /* "" for a rejected recording: those have no place among the recordings */
    const char *recording_id;                   /* the digest where the event names none */
    const char *patient;                        /* the same; NULL for a noise */
    const char *key, *split, *reason, *message; /* NULL where the event has none */
    const char *metadata;                       /* name, text, name, text, ... */
    size_t metadata_count;
    const char *same_as;    /* of a duplicate: the recording id that was taken */
    const char *prescribed; /* the split of its patient, or NULL: to be drawn */
};

static bool is_noise(const struct spira_value *event)
{
    return strcmp(spira_value_get_text(event, "role", "speech"), "noise") == 0;
}

/* Puts the copies of an entry's texts one behind the other; without to it only measures. */
struct texts {
    char *to;
    size_t used;
};

static const char *put_text(struct texts *texts, const char *text)
{
    if (!text)
        return NULL;
    size_t size = strlen(text) + 1;
    char *copy = texts->to ? memcpy(texts->to + texts->used, text, size) : NULL;
    texts->used += size;
    return copy;
}

/* Gives how many of the metadata have a text; puts those. */
static size_t put_metadata(struct texts *texts, const struct spira_value *metadata)
{
    size_t put = 0;
    for (size_t i = 0; i < spira_value_count(metadata); i++) {
        const char *text = spira_value_as_text(spira_value_at(metadata, i), NULL);
        if (!text)
            continue;
        put_text(texts, spira_value_key_at(metadata, i));
        put_text(texts, text);
        put++;
    }
    return put;
}

static void put_texts(struct spira_corpus_entry *entry, const struct spira_value *event,
                      struct texts *texts)
{
    const char *sha256 = entry->kind == SPIRA_CORPUS_ACCEPTED
                             ? spira_value_as_text(spira_value_find(event, "recording.sha256"), "")
                         : entry->kind == SPIRA_CORPUS_WITHDRAWN
                             ? spira_value_get_text(event, "sha256", "")
                             : "";
    entry->sha256 = put_text(texts, sha256);
    entry->recording_id = put_text(texts, spira_value_get_text(event, "recording_id", sha256));
    entry->patient =
        put_text(texts, is_noise(event) ? NULL : spira_value_get_text(event, "patient", sha256));
    entry->key =
        put_text(texts, spira_value_as_text(spira_value_find(event, "recording.key"), NULL));
    entry->split = put_text(texts, spira_value_get_text(event, "split", NULL));
    entry->reason = put_text(texts, spira_value_get_text(event, "reason", NULL));
    entry->message = put_text(texts, spira_value_get_text(event, "message", NULL));
    const struct spira_value *metadata = spira_value_get(event, "metadata");
    bool any = spira_value_type(metadata) == SPIRA_MAP;
    entry->metadata = any && texts->to ? texts->to + texts->used : NULL;
    entry->metadata_count = put_metadata(texts, any ? metadata : NULL);
}

void spira_corpus_add(struct spira_corpus_builder *builder, enum spira_corpus_kind kind,
                      const struct spira_value *event, int64_t time_ms, int32_t partition,
                      int64_t offset)
{
    const struct spira_value *facts = spira_value_get(event, "facts");
    struct spira_corpus_entry entry = {
        .kind = kind,
        .time_ms = time_ms,
        .partition = partition,
        .offset = offset,
        .label = (int8_t)spira_value_get_int(event, "label", -1),
        .seconds = spira_value_get_real(facts, "seconds", NAN),
        .rms_dbfs = spira_value_get_real(facts, "rms_dbfs", NAN),
        .peak = spira_value_get_real(facts, "peak", NAN),
    };
    struct texts texts = {0};
    put_texts(&entry, event, &texts);
    entry.texts = spira_alloc(texts.used, 1);
    texts = (struct texts){.to = entry.texts};
    put_texts(&entry, event, &texts);
    if ((builder->count & (builder->count - 1)) == 0)
        builder->entries = spira_realloc(builder->entries, builder->count ? 2 * builder->count : 1,
                                         sizeof *builder->entries);
    builder->entries[builder->count++] = entry;
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

static void set_metadata(struct spira_value *recording, const char *texts, size_t count)
{
    struct spira_value *map = spira_value_set(recording, "metadata", spira_value_map());
    for (const char *name = texts; count > 0; count--) {
        const char *text = name + strlen(name) + 1;
        spira_value_set_text(map, name, text);
        name = text + strlen(text) + 1;
    }
}

static void set_fact(struct spira_value *recording, const char *name, double fact)
{
    if (!isnan(fact))
        spira_value_set_real(recording, name, fact);
}

static struct spira_value *describe(const struct spira_corpus_entry *entry)
{
    struct spira_value *recording = spira_value_map();
    spira_value_set_text(recording, "sha256", entry->sha256);
    spira_value_set_text(recording, "key", entry->key ? entry->key : "");
    spira_value_set_text(recording, "recording_id", entry->recording_id);
    if (!entry->patient)
        return recording;
    if (entry->label >= 0)
        spira_value_set_int(recording, "label", entry->label);
    spira_value_set_text(recording, "patient", entry->patient);
    if (entry->prescribed)
        spira_value_set_text(recording, "split", entry->prescribed);
    set_fact(recording, "seconds", entry->seconds);
    set_fact(recording, "rms_dbfs", entry->rms_dbfs);
    set_fact(recording, "peak", entry->peak);
    if (entry->metadata)
        set_metadata(recording, entry->metadata, entry->metadata_count);
    return recording;
}

/* Who gets the rows of a list. */
struct taker {
    enum spira_corpus_list list;
    void (*take)(void *context, const struct spira_value *row);
    void *context;
};

/* Takes row. */
static void hand_out(const struct taker *taker, struct spira_value *row)
{
    taker->take(taker->context, row);
    spira_value_free(row);
}

/* Takes message. */
static void hand_out_note(const struct taker *taker, const char *recording_id, const char *reason,
                          char *message)
{
    struct spira_value *note = spira_value_map();
    spira_value_set_text(note, "recording_id", recording_id);
    spira_value_set_text(note, "reason", reason);
    spira_value_set_text(note, "message", message);
    free(message);
    hand_out(taker, note);
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
        prescribed = entries[i].split ? entries[i].split : prescribed;
    for (size_t i = from; i < to; i++) {
        entries[i].prescribed = prescribed;
        if (entries[i].split && strcmp(entries[i].split, prescribed) != 0)
            entries[i].outcome = CONTRADICTS;
    }
}

/* Says of an entry what is to be said of it in this list; newest: of its recording id. */
static void note_entry(const struct spira_corpus_entry *entry, bool newest,
                       const struct taker *taker)
{
    if (taker->list == SPIRA_CORPUS_DUPLICATES && entry->outcome == DUPLICATE)
        hand_out_note(taker, entry->recording_id, "duplicate",
                      spira_format("the same recording as %s", entry->same_as));
    if (taker->list == SPIRA_CORPUS_REFUSED && entry->outcome == CONTRADICTS)
        hand_out_note(taker, entry->recording_id, "split_conflict",
                      spira_format("split '%s', but a newer recording of its patient says '%s'",
                                   entry->split, entry->prescribed));
    if (taker->list == SPIRA_CORPUS_REFUSED && newest && entry->kind == SPIRA_CORPUS_REJECTED)
        hand_out_note(taker, entry->recording_id, entry->reason ? entry->reason : "",
                      spira_copy_text(entry->message ? entry->message : ""));
}

void spira_corpus_resolve(struct spira_corpus_builder *builder)
{
    struct spira_corpus_entry *entries = builder->entries;
    const size_t count = builder->count;
    if (count == 0)
        return;
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

void spira_corpus_each(struct spira_corpus_builder *builder, enum spira_corpus_list list,
                       void (*take)(void *context, const struct spira_value *row), void *context)
{
    const struct taker taker = {.list = list, .take = take, .context = context};
    struct spira_corpus_entry *entries = builder->entries;
    const size_t count = builder->count;
    if (count == 0)
        return;
    bool of_digests = list == SPIRA_CORPUS_RECORDINGS || list == SPIRA_CORPUS_NOISES;
    qsort(entries, count, sizeof *entries, of_digests ? by_digest : by_recording_id);
    for (size_t i = 0; i < count; i++) {
        const struct spira_corpus_entry *entry = &entries[i];
        if (!of_digests)
            note_entry(entry,
                       i + 1 == count || strcmp(entry[1].recording_id, entry->recording_id) != 0,
                       &taker);
        else if (entry->outcome == TAKEN && !entry->patient == (list == SPIRA_CORPUS_NOISES))
            hand_out(&taker, describe(entry));
    }
}

/* A list on its way into a file. */
struct list_writer {
    FILE *out;
    size_t rows;
};

static void write_row(void *context, const struct spira_value *row)
{
    struct list_writer *writer = context;
    fputs(writer->rows++ ? ",\n" : "\n", writer->out);
    spira_value_write(row, SPIRA_COMPACT, writer->out);
}

void spira_corpus_write(struct spira_corpus_builder *builder, FILE *out)
{
    static const char *const names[SPIRA_CORPUS_LISTS] = {
        [SPIRA_CORPUS_NOISES] = "noises",
        [SPIRA_CORPUS_REFUSED] = "rejected",
        [SPIRA_CORPUS_DUPLICATES] = "duplicates",
        [SPIRA_CORPUS_RECORDINGS] = "recordings",
    };
    fputs("{\"format\": 1", out);
    for (int list = 0; list < SPIRA_CORPUS_LISTS; list++) {
        struct list_writer writer = {.out = out};
        fprintf(out, ",\n\"%s\": [", names[list]);
        spira_corpus_each(builder, (enum spira_corpus_list)list, write_row, &writer);
        fputc(']', out);
    }
    fputs("}\n", out);
}

void spira_corpus_builder_done(struct spira_corpus_builder *builder)
{
    for (size_t i = 0; i < builder->count; i++)
        free(builder->entries[i].texts);
    free(builder->entries);
    *builder = (struct spira_corpus_builder){0};
}
