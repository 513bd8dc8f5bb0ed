/* What tests of core/dataset/ make corpora of. */
#ifndef SPIRA_TESTS_CORE_DATASET_CORPUS_PARTS_H
#define SPIRA_TESTS_CORE_DATASET_CORPUS_PARTS_H

#include <criterion/criterion.h>

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

static inline struct spira_value *rejected(const char *recording_id, const char *reason)
{
    struct spira_value *event = spira_value_map();
    spira_value_set_text(event, "recording_id", recording_id);
    spira_value_set_text(event, "reason", reason);
    spira_value_set_text(event, "message", "the message");
    return event;
}

static inline struct spira_value *withdrawn(const char *sha256)
{
    struct spira_value *event = spira_value_map();
    spira_value_set_text(event, "sha256", sha256);
    return event;
}

static inline struct spira_corpus_builder *new_builder(void)
{
    return spira_corpus_builder_new("/tmp");
}

static inline void add_at(struct spira_corpus_builder *builder,
                          const struct spira_corpus_event *event)
{
    struct spira_error err = {0};
    cr_assert_eq(spira_corpus_add(builder, event, &err), SPIRA_OK, "%s", err.message);
}

/* Takes event. */
static inline void add(struct spira_corpus_builder *builder, enum spira_corpus_kind kind,
                       struct spira_value *event, int64_t time_ms, int64_t offset)
{
    add_at(builder, &(struct spira_corpus_event){
                        .kind = kind, .value = event, .time_ms = time_ms, .offset = offset});
    spira_value_free(event);
}

static const char *const list_names[SPIRA_CORPUS_LISTS] = {
    [SPIRA_CORPUS_NOISES] = "noises",
    [SPIRA_CORPUS_DUPLICATES] = "duplicates",
    [SPIRA_CORPUS_REFUSED] = "rejected",
    [SPIRA_CORPUS_RECORDINGS] = "recordings",
};

static inline struct spira_value *empty_corpus(void)
{
    struct spira_value *corpus = spira_value_map();
    for (int list = 0; list < SPIRA_CORPUS_LISTS; list++)
        spira_value_set(corpus, list_names[list], spira_value_list());
    return corpus;
}

static inline enum spira_code append_row(void *corpus, enum spira_corpus_list list,
                                         struct spira_value *row, struct spira_error *err)
{
    (void)err;
    spira_value_append(spira_value_get(corpus, list_names[list]), row);
    return SPIRA_OK;
}

/* Ends builder; its lists in one tree. */
static inline struct spira_value *resolved(struct spira_corpus_builder *builder)
{
    struct spira_error err = {0};
    struct spira_value *corpus = empty_corpus();
    cr_assert_eq(spira_corpus_each(builder, append_row, corpus, &err), SPIRA_OK, "%s", err.message);
    spira_corpus_builder_free(builder);
    return corpus;
}

static inline const char *text_of(const struct spira_value *corpus, const char *list, size_t index,
                                  const char *field)
{
    return spira_value_get_text(spira_value_at(spira_value_get(corpus, list), index), field, "");
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
