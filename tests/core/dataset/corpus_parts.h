/* What tests of core/dataset/ make corpora of. */
#ifndef SPIRA_TESTS_CORE_DATASET_CORPUS_PARTS_H
#define SPIRA_TESTS_CORE_DATASET_CORPUS_PARTS_H

#include "core/base/random.h"
#include "core/dataset/corpus.h"

struct hex {
    char text[65];
};

/* A digest like any other; the same for the same number. */
static inline struct hex hex_of(uint64_t number)
{
    struct hex hex;
    struct spira_random random = spira_random_stream(number, SPIRA_FOR_WEIGHTS, 0, 0);
    for (size_t i = 0; i < 8; i++)
        snprintf(hex.text + 8 * i, 9, "%08x", spira_random_u32(&random));
    return hex;
}

/* An audio.accepted of speech; patient and split may be NULL. */
static inline struct spira_value *speech(const char *recording_id, const char *sha256, int label,
                                         const char *patient, const char *split)
{
    struct spira_value *event = spira_value_map();
    spira_value_set_text(event, "recording_id", recording_id);
    struct spira_value *object = spira_value_set(event, "recording", spira_value_map());
    SPIRA_CLEANUP(spira_free_at)
    char *key = spira_format("audio/sha256/%.2s/%s", sha256, sha256);
    spira_value_set_text(object, "key", key);
    spira_value_set_text(object, "sha256", sha256);
    spira_value_set_text(event, "role", "speech");
    spira_value_set_int(event, "label", label);
    if (patient)
        spira_value_set_text(event, "patient", patient);
    if (split)
        spira_value_set_text(event, "split", split);
    struct spira_value *facts = spira_value_set(event, "facts", spira_value_map());
    spira_value_set_real(facts, "seconds", 5);
    spira_value_set_real(facts, "rms_dbfs", -20);
    spira_value_set_real(facts, "peak", 0.5);
    return event;
}

static inline struct spira_value *noise(const char *recording_id, const char *sha256)
{
    struct spira_value *event = speech(recording_id, sha256, 0, NULL, NULL);
    spira_value_set_text(event, "role", "noise");
    spira_value_remove(event, "label");
    return event;
}

/* Takes event. */
static inline void add(struct spira_corpus_builder *builder, enum spira_corpus_kind kind,
                       struct spira_value *event, int64_t time_ms, int64_t offset)
{
    spira_corpus_add(builder, kind, event, time_ms, 0, offset);
    spira_value_free(event);
}

static inline void append_row(void *list, const struct spira_value *row)
{
    spira_value_append(list, spira_value_copy(row));
}

/* Resolves and ends builder; what the document says, as one tree. */
static inline struct spira_value *resolved(struct spira_corpus_builder *builder)
{
    static const char *const lists[] = {"noises", "rejected", "duplicates", "recordings"};
    struct spira_value *corpus = spira_value_map();
    spira_value_set_int(corpus, "format", 1);
    spira_corpus_resolve(builder);
    for (int list = 0; list < SPIRA_CORPUS_LISTS; list++)
        spira_corpus_each(builder, (enum spira_corpus_list)list, append_row,
                          spira_value_set(corpus, lists[list], spira_value_list()));
    spira_corpus_builder_done(builder);
    return corpus;
}

/* The item of a list whose field is text, or NULL. */
static inline struct spira_value *find_row(const struct spira_value *list, const char *field,
                                           const char *text)
{
    for (size_t i = 0; i < spira_value_count(list); i++)
        if (strcmp(spira_value_get_text(spira_value_at(list, i), field, ""), text) == 0)
            return spira_value_at(list, i);
    return NULL;
}

#endif
