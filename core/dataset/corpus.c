#include "core/dataset/corpus.h"

struct spira_corpus_entry {
    enum spira_corpus_kind kind;
    struct spira_value *event;
    const char *sha256; /* "" for a rejected recording: those have no place among the recordings */
    const char *recording_id; /* both borrowed from event */
    int64_t time_ms;
    int32_t partition;
    int64_t offset;
};

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
        .recording_id = spira_value_get_text(copy, "recording_id", ""),
        .time_ms = time_ms,
        .partition = partition,
        .offset = offset,
    };
}

static int by_age(const struct spira_corpus_entry *a, const struct spira_corpus_entry *b)
{
    if (a->time_ms != b->time_ms)
        return a->time_ms < b->time_ms ? -1 : 1;
    if (a->partition != b->partition)
        return a->partition < b->partition ? -1 : 1;
    return a->offset < b->offset ? -1 : a->offset > b->offset;
}

static int by_digest(const void *a, const void *b)
{
    const struct spira_corpus_entry *left = a, *right = b;
    int order = strcmp(left->sha256, right->sha256);
    return order ? order : by_age(left, right);
}

static int by_recording_id(const void *a, const void *b)
{
    const struct spira_corpus_entry *left = a, *right = b;
    int order = strcmp(left->recording_id, right->recording_id);
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
    if (strcmp(spira_value_get_text(event, "role", "speech"), "noise") == 0)
        return recording;
    copy_field(recording, "label", spira_value_get(event, "label"));
    spira_value_set_text(recording, "patient",
                         spira_value_get_text(event, "patient", entry->sha256));
    copy_field(recording, "split", spira_value_get(event, "split"));
    copy_field(recording, "seconds", spira_value_find(event, "facts.seconds"));
    copy_field(recording, "rms_dbfs", spira_value_find(event, "facts.rms_dbfs"));
    copy_field(recording, "peak", spira_value_find(event, "facts.peak"));
    copy_field(recording, "metadata", spira_value_get(event, "metadata"));
    return recording;
}

static void add_note(struct spira_value *list, const char *recording_id, const char *reason,
                     const char *message)
{
    struct spira_value *note = spira_value_append(list, spira_value_map());
    spira_value_set_text(note, "recording_id", recording_id);
    spira_value_set_text(note, "reason", reason);
    spira_value_set_text(note, "message", message);
}

/* entries[from..to) are of one digest, oldest first; at least one. */
static void resolve_digest(const struct spira_corpus_entry *entries, size_t from, size_t to,
                           struct spira_value *corpus)
{
    for (size_t i = from; i < to; i++)
        if (entries[i].kind == SPIRA_CORPUS_WITHDRAWN)
            return;
    const struct spira_corpus_entry *newest = &entries[to - 1];
    bool noise = strcmp(spira_value_get_text(newest->event, "role", "speech"), "noise") == 0;
    spira_value_append(spira_value_get(corpus, noise ? "noises" : "recordings"), describe(newest));
    const char *noted = newest->recording_id;
    for (size_t i = from; i < to; i++) {
        if (strcmp(entries[i].recording_id, newest->recording_id) == 0 ||
            strcmp(entries[i].recording_id, noted) == 0)
            continue;
        noted = entries[i].recording_id;
        SPIRA_CLEANUP(spira_free_at)
        char *message = spira_format("the same recording as %s", newest->recording_id);
        add_note(spira_value_get(corpus, "duplicates"), noted, "duplicate", message);
    }
}

/* entries[from..to) are of one recording id, oldest first: listed when the newest of them is a
 * rejection. */
static void resolve_rejection(const struct spira_corpus_entry *entries, size_t to,
                              struct spira_value *corpus)
{
    const struct spira_corpus_entry *newest = &entries[to - 1];
    if (newest->kind == SPIRA_CORPUS_REJECTED)
        add_note(spira_value_get(corpus, "rejected"), newest->recording_id,
                 spira_value_get_text(newest->event, "reason", ""),
                 spira_value_get_text(newest->event, "message", ""));
}

struct spira_value *spira_corpus_resolve(struct spira_corpus_builder *builder)
{
    static const char *const lists[] = {"recordings", "noises", "rejected", "duplicates"};
    struct spira_value *corpus = spira_value_map();
    spira_value_set_int(corpus, "format", 1);
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
        spira_value_set(corpus, lists[i], spira_value_list());

    struct spira_corpus_entry *entries = builder->entries;
    size_t count = builder->count;
    if (count == 0)
        return corpus;
    qsort(entries, count, sizeof *entries, by_digest);
    for (size_t from = 0, to; from < count; from = to) {
        for (to = from + 1; to < count && strcmp(entries[to].sha256, entries[from].sha256) == 0;)
            to++;
        if (entries[from].sha256[0])
            resolve_digest(entries, from, to, corpus);
    }
    qsort(entries, count, sizeof *entries, by_recording_id);
    for (size_t to = 1; to <= count; to++)
        if (to == count || strcmp(entries[to].recording_id, entries[to - 1].recording_id) != 0)
            resolve_rejection(entries, to, corpus);
    return corpus;
}

void spira_corpus_builder_done(struct spira_corpus_builder *builder)
{
    for (size_t i = 0; i < builder->count; i++)
        spira_value_free(builder->entries[i].event);
    free(builder->entries);
    *builder = (struct spira_corpus_builder){0};
}
