/* From a corpus to shards: which recordings take part, in which role, and which shard computes
 * them. */
#ifndef SPIRA_CORE_DATASET_PLAN_H
#define SPIRA_CORE_DATASET_PLAN_H

#include "core/config/run_config.h"
#include "core/dataset/corpus.h"
#include "core/dataset/splitter.h"

enum {
    SPIRA_SHARD_RECORDINGS = 32, /* in a shard, at most */
    SPIRA_SHARD_BITS = 15        /* the most bits shards are cut by: beyond, they may hold more */
};

/* A plan is a document for each shard, one for what stays out, and one that names them:
 *     a shard's = {"format": 1, "shard": 3, "recordings": [{"sha256", "key", "recording_id",
 *         "label", "patient", "seconds", "rms_dbfs", "peak", "metadata", "role", "copies",
 *         with train.folds "fold"}]}
 *     excluded = {"format": 1, "duplicates": [{"recording_id", "reason", "message"}],
 *         "quarantined": the same}
 *     plan.json = {"format": 2, "noises": [{"sha256", "key", "recording_id"}],
 *         "shards": [{"shard", "file": {"name", "sha256", "bytes"}}], "excluded": such a file}
 * Whoever computes a shard reads plan.json, some 200 bytes a shard, and the shard's own document.
 * Recordings and noises are sorted by digest, shards are in the order of their recordings; noises
 * are none when the configuration uses none.
 *
 * The role is the patient's prescribed split, else drawn. Copies are for the train role, of
 * recordings whose label gets noise mixed in; any other recording has one. With train.folds a
 * recording of the train and the validation role has a "fold" too, that of its patient, and both
 * have copies.
 *
 * A shard has the recordings whose digests begin with the same bits: the fewest with which it holds
 * at most SPIRA_SHARD_RECORDINGS. So a new recording changes the one shard it falls into, or, where
 * that was full, replaces it by its halves; every other shard stays what it was. With n bits of the
 * value v its number is 2^n - 1 + v. */

enum spira_plan_exclusion { SPIRA_PLAN_DUPLICATE, SPIRA_PLAN_QUARANTINED, SPIRA_PLAN_EXCLUSIONS };

/* Where the documents that plan.json names go. */
struct spira_plan_sink {
    /* Borrows name ("shard-00003.json") and document. Gives ret_file: {"name", "sha256", "bytes"}.
     */
    enum spira_code (*put)(void *context, const char *name, const struct spira_value *document,
                           struct spira_value **ret_file, struct spira_error *err);
    /* Borrows note, the next of what stays out: first all duplicates, then what is quarantined. */
    void (*exclude)(void *context, enum spira_plan_exclusion list, const struct spira_value *note);
    void *context;
};

/* Plans while the corpus is read: it holds a shard's recordings, the noises and, of each shard,
 * what plan.json says, no more. */
struct spira_planner;

/* Keeps config. Never NULL. */
struct spira_planner *spira_planner_new(const struct spira_run_config *config,
                                        struct spira_plan_sink sink);
void spira_planner_free(struct spira_planner *planner); /* NULL is fine */
void spira_planner_free_at(struct spira_planner **planner);

/* A spira_corpus_taker: takes a row of the corpus, also when it fails. They come in the order of
 * the corpus. Codes of the sink. */
SPIRA_MUST_USE enum spira_code spira_planner_add(void *planner, enum spira_corpus_list list,
                                                 struct spira_value *row, struct spira_error *err);

/* Gives plan.json when all rows were added; once. Takes excluded, also when it fails: the file of
 * what the sink was told to exclude. SPIRA_EQUARANTINE when the quarantined share is above its
 * limit; SPIRA_EINVALID when a role is empty, the train role or a fold lacks a class, or noise is
 * asked for and there is none; codes of the sink. */
SPIRA_MUST_USE enum spira_code spira_planner_finish(struct spira_planner *planner,
                                                    struct spira_value *excluded,
                                                    struct spira_value **ret_plan,
                                                    struct spira_error *err);

/* The file of a shard in plan.json, or NULL. Borrowed from plan. */
const struct spira_value *spira_plan_shard(const struct spira_value *plan, int64_t shard);

/* The reference of a file that plan.json names: it is beside it. Never NULL. */
struct spira_value *spira_plan_reference(const struct spira_value *plan_reference,
                                         const struct spira_value *file);

/* Recordings by role or fold, and label (control, patient). */
struct spira_role_counts {
    size_t of[SPIRA_ROLES][2];
    size_t of_fold[SPIRA_FOLDS_MAX][2];
};

/* Counts a recording by its "role", "fold" and "label". */
void spira_role_count(struct spira_role_counts *counts, const struct spira_value *recording);

struct spira_quarantine {
    size_t count;
    const struct spira_value *first; /* its note; NULL: none */
};

/* What a plan and a finished dataset must fulfil: the quarantined share is within its limit
 * (SPIRA_EQUARANTINE, naming the first), every role has a recording and the train role has both
 * labels; with train.folds only the test role must have one, and each fold has both labels
 * (SPIRA_EINVALID). */
SPIRA_MUST_USE enum spira_code spira_plan_check(const struct spira_role_counts *counts,
                                                struct spira_quarantine quarantine,
                                                const struct spira_run_config *config,
                                                struct spira_error *err);

#endif
