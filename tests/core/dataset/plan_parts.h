/* What tests of core/dataset/plan.c plan with. */
#ifndef SPIRA_TESTS_CORE_DATASET_PLAN_PARTS_H
#define SPIRA_TESTS_CORE_DATASET_PLAN_PARTS_H

#include "core/dataset/plan.h"
#include "tests/core/dataset/corpus_parts.h"

static struct spira_run_config config;

static inline void setup(void)
{
    config = (struct spira_run_config){
        .seed = 42,
        .audio = {.rate_hz = 16000,
                  .min_seconds = 0.5,
                  .max_seconds = 60,
                  .max_quarantined_share = 0.5},
        .transform = {.noise = {.enabled = true,
                                .num_control = 1,
                                .num_patient = 1,
                                .max_amp = 0.1,
                                .copies = 3},
                      .overlap = {.enabled = true, .window_seconds = 4, .step_seconds = 1}},
        .split = {.train = 0.6, .validation = 0.2, .test = 0.2},
    };
}

/* Recordings 0 to count-1 of a person with three recordings each, and a noise. */
static inline struct spira_value *corpus_of(size_t count)
{
    struct spira_corpus_builder *builder = new_builder();
    add(builder, SPIRA_CORPUS_ACCEPTED, noise("ward", hex_of(1000000).text), 0, 0);
    for (size_t i = 0; i < count; i++) {
        char id[32], patient[32];
        snprintf(id, sizeof id, "%zu.wav", i);
        snprintf(patient, sizeof patient, "person_%zu", i / 3);
        add(builder, SPIRA_CORPUS_ACCEPTED,
            speech(id, hex_of(i).text, (int)(i / 3 % 2), patient, NULL), (int64_t)i, (int64_t)i);
    }
    return resolved(builder);
}

/* What a planner hands out: the documents by name. */
static inline enum spira_code keep_document(void *context, const char *name,
                                            const struct spira_value *document,
                                            struct spira_value **ret_file, struct spira_error *err)
{
    struct spira_value *documents = context;
    if (spira_value_get(documents, "full"))
        return spira_fail(err, SPIRA_EIO, "%s: no room", name);
    cr_assert_null(spira_value_get(documents, name), "%s twice", name);
    spira_value_set(documents, name, spira_value_copy(document));
    *ret_file = spira_value_map();
    spira_value_set_text(*ret_file, "name", name);
    spira_value_set_text(*ret_file, "sha256", "d1");
    spira_value_set_int(*ret_file, "bytes", 7);
    return SPIRA_OK;
}

/* Appends what a planner leaves out to excluded.json. */
static inline void keep_note(void *context, enum spira_plan_exclusion list,
                             const struct spira_value *note)
{
    struct spira_value *excluded = spira_value_get(context, "excluded.json");
    struct spira_value *quarantined = spira_value_get(excluded, "quarantined");
    const bool first = spira_value_count(quarantined) == 0;
    cr_assert(list == SPIRA_PLAN_QUARANTINED || first, "duplicates come first");
    spira_value_append(list == SPIRA_PLAN_QUARANTINED ? quarantined
                                                      : spira_value_get(excluded, "duplicates"),
                       spira_value_copy(note));
}

/* Plans a corpus, which is freed; gives plan.json, and the other documents in documents. */
static inline enum spira_code run_planner(struct spira_value *corpus, struct spira_value *documents,
                                          struct spira_value **ret_plan, struct spira_error *err)
{
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *owned = corpus;
    SPIRA_CLEANUP(spira_planner_free_at)
    struct spira_planner *planner =
        spira_planner_new(&config, (struct spira_plan_sink){keep_document, keep_note, documents});
    struct spira_value *excluded = spira_value_set(documents, "excluded.json", spira_value_map());
    spira_value_set(excluded, "duplicates", spira_value_list());
    spira_value_set(excluded, "quarantined", spira_value_list());
    for (int list = 0; list < SPIRA_CORPUS_LISTS; list++) {
        const struct spira_value *rows = spira_value_get(owned, list_names[list]);
        for (size_t i = 0; i < spira_value_count(rows); i++) {
            enum spira_code code =
                spira_planner_add(planner, (enum spira_corpus_list)list,
                                  spira_value_copy(spira_value_at(rows, i)), err);
            if (code != SPIRA_OK)
                return code;
        }
    }
    struct spira_value *file = spira_value_map();
    spira_value_set_text(file, "name", "excluded.json");
    return spira_planner_finish(planner, file, ret_plan, err);
}

/* The recordings of the documents of a plan's shards in one list, each with its shard. */
static inline struct spira_value *join_shards(const struct spira_value *plan,
                                              const struct spira_value *documents)
{
    struct spira_value *recordings = spira_value_list();
    const struct spira_value *shards = spira_value_get(plan, "shards");
    for (size_t i = 0; i < spira_value_count(shards); i++) {
        const int64_t shard = spira_value_get_int(spira_value_at(shards, i), "shard", -1);
        const char *name = spira_value_get_text(spira_plan_shard(plan, shard), "name", "");
        const struct spira_value *document = spira_value_get(documents, name);
        cr_assert_eq(spira_value_get_int(document, "shard", -1), shard);
        const struct spira_value *rows = spira_value_get(document, "recordings");
        for (size_t r = 0; r < spira_value_count(rows); r++)
            spira_value_set_int(
                spira_value_append(recordings, spira_value_copy(spira_value_at(rows, r))), "shard",
                shard);
    }
    return recordings;
}

/* The plan of a corpus, which is freed, as one tree: plan.json with what the documents it names
 * say. */
static inline struct spira_value *plan_of(struct spira_value *corpus)
{
    struct spira_error err = {0};
    struct spira_value *plan = NULL;
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *documents = spira_value_map();
    cr_assert_eq(run_planner(corpus, documents, &plan, &err), SPIRA_OK, "%s", err.message);
    const char *name = spira_value_as_text(spira_value_find(plan, "excluded.name"), "");
    const struct spira_value *excluded = spira_value_get(documents, name);
    static const char *const lists[] = {"quarantined", "duplicates"};
    for (size_t i = 0; i < 2; i++)
        spira_value_set(plan, lists[i], spira_value_copy(spira_value_get(excluded, lists[i])));
    spira_value_set(plan, "recordings", join_shards(plan, documents));
    cr_assert_eq(spira_value_count(documents),
                 spira_value_count(spira_value_get(plan, "shards")) + 1, "every document is named");
    return plan;
}

/* The code of a plan that fails; the corpus is freed. */
static inline enum spira_code failure_of(struct spira_value *corpus, struct spira_error *err)
{
    struct spira_value *plan = NULL;
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *documents = spira_value_map();
    enum spira_code code = run_planner(corpus, documents, &plan, err);
    cr_assert_null(plan);
    return code;
}

static inline const char *field_of(const struct spira_value *plan, size_t index, const char *field)
{
    return spira_value_get_text(spira_value_at(spira_value_get(plan, "recordings"), index), field,
                                "");
}

#endif
