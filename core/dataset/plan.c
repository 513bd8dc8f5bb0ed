#include "core/dataset/plan.h"

#include <assert.h>

#include "core/features/noise.h"
#include "core/run/document.h"

struct spira_planner {
    const struct spira_run_config *config;
    struct spira_plan_sink sink;
    struct spira_value **held; /* recordings that have no shard yet */
    size_t held_count, held_capacity;
    unsigned last_bits; /* the leading bits of the last recording that has one */
    struct spira_value *noises, *shards;
    struct spira_value *first_quarantined; /* its note; NULL: none */
    size_t quarantined;
    struct spira_role_counts counts;
};

/* Takes note. */
static void quarantine(struct spira_planner *planner, struct spira_value *note)
{
    planner->sink.exclude(planner->sink.context, SPIRA_PLAN_QUARANTINED, note);
    if (planner->quarantined++ == 0)
        planner->first_quarantined = note;
    else
        spira_value_free(note);
}

/* Takes message. */
static void quarantine_recording(struct spira_planner *planner, const struct spira_value *recording,
                                 const char *reason, char *message)
{
    struct spira_value *note = spira_value_map();
    spira_value_set_text(note, "recording_id", spira_value_get_text(recording, "recording_id", ""));
    spira_value_set_text(note, "reason", reason);
    spira_value_set_text(note, "message", message);
    free(message);
    quarantine(planner, note);
}

/* Whether this run's limits let a recording in; if not it is quarantined. */
static bool fits(struct spira_planner *planner, const struct spira_value *recording)
{
    const struct spira_run_config *config = planner->config;
    double seconds = spira_value_get_real(recording, "seconds", 0);
    double needed = config->audio.min_seconds;
    if (config->audio.short_recordings == SPIRA_SHORT_REJECT && config->transform.overlap.enabled &&
        config->transform.overlap.window_seconds > needed)
        needed = config->transform.overlap.window_seconds;
    if (seconds < needed) {
        quarantine_recording(
            planner, recording, "too_short",
            spira_format("%.3f s, shorter than the %.3f s needed", seconds, needed));
        return false;
    }
    if (seconds > config->audio.max_seconds) {
        quarantine_recording(planner, recording, "too_long",
                             spira_format("%.3f s, longer than the %.3f s allowed", seconds,
                                          config->audio.max_seconds));
        return false;
    }
    return true;
}

/* Makes a recording of the corpus one of the plan. */
static void give_role(struct spira_value *recording, const struct spira_run_config *config)
{
    const struct spira_noise_config *noise = &config->transform.noise;
    /* Both are the same for every recording of a patient, so no patient has two roles or folds. */
    const char *prescribed = spira_value_get_text(recording, "split", NULL);
    const char *patient = spira_value_get_text(recording, "patient", "");
    enum spira_role role = prescribed ? spira_role_find(prescribed)
                                      : spira_split_draw(&config->split, config->seed, patient);
    /* Copies differ by their noises alone: without any, one says it all. */
    bool noisy = spira_noise_count(noise, (int)spira_value_get_int(recording, "label", 0)) > 0;
    size_t folds = role == SPIRA_TEST ? 0 : config->train.folds;
    bool trained_on = role == SPIRA_TRAIN || folds > 0;
    spira_value_remove(recording, "split");
    spira_value_set_text(recording, "role", spira_role_name(role));
    spira_value_set_int(recording, "copies", trained_on && noisy ? (int64_t)noise->copies : 1);
    if (folds > 0)
        spira_value_set_int(recording, "fold",
                            (int64_t)spira_fold_draw(folds, config->seed, patient));
}

/* The leading bits of a recording's digest, as many as shards may be cut by. */
static unsigned leading_bits(const struct spira_value *recording)
{
    char hex[5] = "";
    snprintf(hex, sizeof hex, "%.4s", spira_value_get_text(recording, "sha256", ""));
    return (unsigned)(strtoul(hex, NULL, 16) >> (16 - SPIRA_SHARD_BITS));
}

/* How many of the recordings that are held begin with these bits of the first: they are sorted. */
static size_t count_alike(const struct spira_planner *planner, unsigned bits)
{
    const unsigned shift = SPIRA_SHARD_BITS - bits;
    const unsigned value = leading_bits(planner->held[0]) >> shift;
    size_t count = 1;
    while (count < planner->held_count && leading_bits(planner->held[count]) >> shift == value)
        count++;
    return count;
}

static void hold(struct spira_planner *planner, struct spira_value *recording)
{
    if (planner->held_count == planner->held_capacity) {
        planner->held_capacity = planner->held_capacity ? 2 * planner->held_capacity : 64;
        planner->held = spira_realloc(planner->held, planner->held_capacity, sizeof *planner->held);
    }
    planner->held[planner->held_count++] = recording;
}

/* Moves the first recordings that are held into a shard's document and hands it out. */
static enum spira_code put_shard(struct spira_planner *planner, unsigned bits, size_t count,
                                 struct spira_error *err)
{
    const unsigned leading = leading_bits(planner->held[0]);
    const int64_t shard = (1 << bits) - 1 + (int64_t)(leading >> (SPIRA_SHARD_BITS - bits));
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *document = spira_value_map();
    spira_value_set_int(document, "format", 1);
    spira_value_set_int(document, "shard", shard);
    struct spira_value *recordings = spira_value_set(document, "recordings", spira_value_list());
    for (size_t i = 0; i < count; i++)
        spira_value_append(recordings, planner->held[i]);
    planner->last_bits = leading_bits(planner->held[count - 1]);
    planner->held_count -= count;
    memmove(planner->held, planner->held + count, planner->held_count * sizeof *planner->held);
    SPIRA_CLEANUP(spira_free_at)
    char *name = spira_format("shard-%05jd.json", (intmax_t)shard);
    struct spira_value *file = NULL;
    enum spira_code code = planner->sink.put(planner->sink.context, name, document, &file, err);
    if (code != SPIRA_OK)
        return code;
    struct spira_value *row = spira_value_append(planner->shards, spira_value_map());
    spira_value_set_int(row, "shard", shard);
    spira_value_set(row, "file", file);
    return SPIRA_OK;
}

/* The fewest bits that tell the first recording that is held from those that have a shard. */
static unsigned least_bits(const struct spira_planner *planner)
{
    const unsigned leading = leading_bits(planner->held[0]);
    unsigned bits = 0;
    while (spira_value_count(planner->shards) > 0 && bits < SPIRA_SHARD_BITS &&
           leading >> (SPIRA_SHARD_BITS - bits) == planner->last_bits >> (SPIRA_SHARD_BITS - bits))
        bits++;
    return bits;
}

/* Hands out the shards that no later recording can change; at the end all of them.
 *
 * A shard is the largest set of recordings that begin alike and are not too many. Any set that the
 * first one held shares with a recording that has its shard was too large, or it would be that
 * shard. So only sets that begin with the first one held are left, and they are whole once a
 * recording behind them is there. */
static enum spira_code settle(struct spira_planner *planner, bool at_the_end,
                              struct spira_error *err)
{
    while (planner->held_count > 0) {
        unsigned bits = least_bits(planner);
        size_t count = count_alike(planner, bits);
        while (count > SPIRA_SHARD_RECORDINGS && bits < SPIRA_SHARD_BITS)
            count = count_alike(planner, ++bits);
        if (count == planner->held_count && !at_the_end)
            return SPIRA_OK;
        enum spira_code code = put_shard(planner, bits, count, err);
        if (code != SPIRA_OK)
            return code;
    }
    return SPIRA_OK;
}

void spira_role_count(struct spira_role_counts *counts, const struct spira_value *recording)
{
    enum spira_role role = spira_role_find(spira_value_get_text(recording, "role", ""));
    const bool patient = spira_value_get_int(recording, "label", 0) == 1;
    const int64_t fold = spira_value_get_int(recording, "fold", -1);
    counts->of[role][patient]++;
    assert(fold < SPIRA_FOLDS_MAX);
    if (fold >= 0)
        counts->of_fold[fold][patient]++;
}

static size_t total_of(const struct spira_role_counts *counts)
{
    size_t total = 0;
    for (int role = 0; role < SPIRA_ROLES; role++)
        total += counts->of[role][0] + counts->of[role][1];
    return total;
}

/* Each fold is a validation role, and what is left a train role: both labels in each are enough. */
static enum spira_code check_folds(const struct spira_role_counts *counts, size_t folds,
                                   struct spira_error *err)
{
    size_t dealt = 0;
    for (size_t fold = 0; fold < folds; fold++)
        dealt += counts->of_fold[fold][0] + counts->of_fold[fold][1];
    for (size_t fold = 0; fold < folds; fold++)
        for (int label = 0; label < 2; label++)
            if (counts->of_fold[fold][label] == 0)
                return spira_fail(err, SPIRA_EINVALID,
                                  "fold %zu of %zu has no recording of label %d: %zu recordings in "
                                  "the train and validation roles are too few for so many folds; "
                                  "change train.folds or the seed, or add recordings",
                                  fold, folds, label, dealt);
    return SPIRA_OK;
}

static enum spira_code check_roles(const struct spira_role_counts *counts, size_t folds,
                                   struct spira_error *err)
{
    for (int role = folds > 0 ? SPIRA_TEST : SPIRA_TRAIN; role < SPIRA_ROLES; role++)
        if (counts->of[role][0] + counts->of[role][1] == 0)
            return spira_fail(
                err, SPIRA_EINVALID,
                "the corpus has no recording for the %s role: %zu recordings in all; "
                "prescribe roles in a 'split' column, change the shares, or add recordings",
                spira_role_name((enum spira_role)role), total_of(counts));
    if (folds > 0)
        return check_folds(counts, folds, err);
    for (int label = 0; label < 2; label++)
        if (counts->of[SPIRA_TRAIN][label] == 0)
            return spira_fail(err, SPIRA_EINVALID, "the train role has no recording of label %d",
                              label);
    return SPIRA_OK;
}

static enum spira_code check_share(size_t recordings, struct spira_quarantine quarantine,
                                   double max_share, struct spira_error *err)
{
    const size_t count = quarantine.count;
    double share = count ? (double)count / (double)(recordings + count) : 0;
    if (share <= max_share)
        return SPIRA_OK;
    return spira_fail(err, SPIRA_EQUARANTINE,
                      "%zu of %zu recordings are quarantined, a share of %.3f; "
                      "audio.max_quarantined_share is %.3f "
                      "(the first: %s, %s)",
                      count, recordings + count, share, max_share,
                      spira_value_get_text(quarantine.first, "recording_id", "?"),
                      spira_value_get_text(quarantine.first, "reason", "?"));
}

enum spira_code spira_plan_check(const struct spira_role_counts *counts,
                                 struct spira_quarantine quarantine,
                                 const struct spira_run_config *config, struct spira_error *err)
{
    enum spira_code code =
        check_share(total_of(counts), quarantine, config->audio.max_quarantined_share, err);
    return code == SPIRA_OK ? check_roles(counts, config->train.folds, err) : code;
}

struct spira_planner *spira_planner_new(const struct spira_run_config *config,
                                        struct spira_plan_sink sink)
{
    struct spira_planner *planner = spira_alloc(1, sizeof *planner);
    *planner = (struct spira_planner){
        .config = config,
        .sink = sink,
        .noises = spira_value_list(),
        .shards = spira_value_list(),
    };
    return planner;
}

void spira_planner_free(struct spira_planner *planner)
{
    if (!planner)
        return;
    for (size_t i = 0; i < planner->held_count; i++)
        spira_value_free(planner->held[i]);
    free(planner->held);
    spira_value_free(planner->noises);
    spira_value_free(planner->shards);
    spira_value_free(planner->first_quarantined);
    free(planner);
}

void spira_planner_free_at(struct spira_planner **planner)
{
    spira_planner_free(*planner);
    *planner = NULL;
}

/* Takes recording. */
static enum spira_code add_recording(struct spira_planner *planner, struct spira_value *recording,
                                     struct spira_error *err)
{
    if (!fits(planner, recording)) {
        spira_value_free(recording);
        return SPIRA_OK;
    }
    give_role(recording, planner->config);
    spira_role_count(&planner->counts, recording);
    hold(planner, recording);
    return settle(planner, false, err);
}

enum spira_code spira_planner_add(void *planner, enum spira_corpus_list list,
                                  struct spira_value *row, struct spira_error *err)
{
    struct spira_planner *self = planner;
    switch (list) {
    case SPIRA_CORPUS_NOISES:
        spira_value_append(self->noises, row);
        return SPIRA_OK;
    case SPIRA_CORPUS_DUPLICATES:
        self->sink.exclude(self->sink.context, SPIRA_PLAN_DUPLICATE, row);
        spira_value_free(row);
        return SPIRA_OK;
    case SPIRA_CORPUS_REFUSED:
        quarantine(self, row);
        return SPIRA_OK;
    default:
        return add_recording(self, row, err);
    }
}

/* Whether the run mixes noise in at all. */
static bool is_noisy(const struct spira_run_config *config)
{
    const struct spira_noise_config *noise = &config->transform.noise;
    return noise->enabled && noise->num_control + noise->num_patient > 0;
}

enum spira_code spira_planner_finish(struct spira_planner *planner, struct spira_value *excluded,
                                     struct spira_value **ret_plan, struct spira_error *err)
{
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *file = excluded;
    const bool noisy = is_noisy(planner->config);
    const struct spira_quarantine quarantine = {planner->quarantined, planner->first_quarantined};
    enum spira_code code = settle(planner, true, err);
    if (code == SPIRA_OK)
        code = spira_plan_check(&planner->counts, quarantine, planner->config, err);
    if (code == SPIRA_OK && noisy && spira_value_count(planner->noises) == 0)
        code = spira_fail(err, SPIRA_EINVALID,
                          "transform.noise mixes noise in, but the corpus has no noise recording");
    if (code != SPIRA_OK)
        return code;
    struct spira_value *plan = spira_value_map();
    spira_value_set_int(plan, "format", 2);
    spira_value_set(plan, "noises", noisy ? planner->noises : spira_value_list());
    spira_value_set(plan, "shards", planner->shards);
    spira_value_set(plan, "excluded", file);
    planner->noises = noisy ? NULL : planner->noises;
    planner->shards = file = NULL;
    *ret_plan = plan;
    return SPIRA_OK;
}

const struct spira_value *spira_plan_shard(const struct spira_value *plan, int64_t shard)
{
    const struct spira_value *shards = spira_value_get(plan, "shards");
    for (size_t i = 0; i < spira_value_count(shards); i++) {
        const struct spira_value *row = spira_value_at(shards, i);
        if (spira_value_get_int(row, "shard", -1) == shard)
            return spira_value_get(row, "file");
    }
    return NULL;
}

struct spira_value *spira_plan_reference(const struct spira_value *plan_reference,
                                         const struct spira_value *file)
{
    const char *plan = spira_value_get_text(plan_reference, "key", "");
    const char *slash = strrchr(plan, '/');
    SPIRA_CLEANUP(spira_free_at)
    char *key = spira_format("%.*s%s", slash ? (int)(slash - plan) + 1 : 0, plan,
                             spira_value_get_text(file, "name", ""));
    return spira_reference(key, spira_value_get_text(file, "sha256", ""),
                           (uint64_t)spira_value_get_int(file, "bytes", 0));
}
