#include "core/dataset/plan.h"

static void quarantine(struct spira_value *list, const struct spira_value *recording,
                       const char *reason, char *message)
{
    struct spira_value *note = spira_value_append(list, spira_value_map());
    spira_value_set_text(note, "recording_id", spira_value_get_text(recording, "recording_id", ""));
    spira_value_set_text(note, "reason", reason);
    spira_value_set_text(note, "message", message);
    free(message);
}

/* Whether this run's limits let a recording in; if not it is noted. */
static bool fits(const struct spira_value *recording, const struct spira_run_config *config,
                 struct spira_value *quarantined)
{
    double seconds = spira_value_get_real(recording, "seconds", 0);
    double needed = config->audio.min_seconds;
    if (config->audio.short_recordings == SPIRA_SHORT_REJECT && config->transform.overlap.enabled &&
        config->transform.overlap.window_seconds > needed)
        needed = config->transform.overlap.window_seconds;
    if (seconds < needed) {
        quarantine(quarantined, recording, "too_short",
                   spira_format("%.3f s, shorter than the %.3f s needed", seconds, needed));
        return false;
    }
    if (seconds > config->audio.max_seconds) {
        quarantine(quarantined, recording, "too_long",
                   spira_format("%.3f s, longer than the %.3f s allowed", seconds,
                                config->audio.max_seconds));
        return false;
    }
    return true;
}

/* What is known of a patient's role: prescribed by its first recording that names one, else drawn.
 */
struct patient {
    const char *name;
    enum spira_role role;
    bool prescribed;
};

struct patients {
    struct patient *items;
    size_t count;
};

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct patient *)a)->name, ((const struct patient *)b)->name);
}

/* One entry a patient, sorted by name. Recordings come sorted by digest, so "first" does not depend
 * on the order in which events arrived. */
static struct patients find_patients(const struct spira_value *recordings,
                                     const struct spira_run_config *config)
{
    size_t count = spira_value_count(recordings);
    struct patients patients = {.items = spira_alloc(count, sizeof *patients.items)};
    for (size_t i = 0; i < count; i++)
        patients.items[i].name = spira_value_get_text(spira_value_at(recordings, i), "patient", "");
    qsort(patients.items, count, sizeof *patients.items, by_name);
    for (size_t i = 0; i < count; i++)
        if (patients.count == 0 ||
            by_name(&patients.items[patients.count - 1], &patients.items[i]) != 0)
            patients.items[patients.count++] = patients.items[i];
    for (size_t i = 0; i < patients.count; i++)
        patients.items[i].role =
            spira_split_draw(&config->split, config->seed, patients.items[i].name);
    for (size_t i = 0; i < count; i++) {
        const struct spira_value *recording = spira_value_at(recordings, i);
        const char *split = spira_value_get_text(recording, "split", NULL);
        struct patient wanted = {.name = spira_value_get_text(recording, "patient", "")};
        struct patient *patient =
            bsearch(&wanted, patients.items, patients.count, sizeof *patients.items, by_name);
        if (split && !patient->prescribed) {
            patient->role = spira_role_find(split);
            patient->prescribed = true;
        }
    }
    return patients;
}

static const struct patient *patient_of(const struct patients *patients,
                                        const struct spira_value *recording)
{
    struct patient wanted = {.name = spira_value_get_text(recording, "patient", "")};
    return bsearch(&wanted, patients->items, patients->count, sizeof *patients->items, by_name);
}

static struct spira_value *planned(const struct spira_value *recording, enum spira_role role,
                                   const struct spira_run_config *config)
{
    const struct spira_noise_config *noise = &config->transform.noise;
    struct spira_value *copy = spira_value_copy(recording);
    spira_value_remove(copy, "split");
    spira_value_set_text(copy, "role", spira_role_name(role));
    spira_value_set_int(copy, "copies",
                        role == SPIRA_TRAIN && noise->enabled ? (int64_t)noise->copies : 1);
    return copy;
}

/* Shards are the leading bits of the digests; gives the list of those in use. */
static struct spira_value *assign_shards(struct spira_value *recordings)
{
    size_t count = spira_value_count(recordings);
    unsigned bits = 0;
    while (bits < 16 && ((size_t)SPIRA_SHARD_RECORDINGS << bits) < count)
        bits++;
    struct spira_value *shards = spira_value_list();
    int64_t last = -1;
    for (size_t i = 0; i < count; i++) {
        struct spira_value *recording = spira_value_at(recordings, i);
        char leading[5] = "";
        snprintf(leading, sizeof leading, "%.4s", spira_value_get_text(recording, "sha256", ""));
        int64_t shard = (int64_t)(strtoul(leading, NULL, 16) >> (16 - bits));
        spira_value_set_int(recording, "shard", shard);
        if (shard != last)
            spira_value_append(shards, spira_value_int(shard));
        last = shard;
    }
    return shards;
}

static enum spira_code check_roles(const struct spira_value *recordings, struct spira_error *err)
{
    size_t count[SPIRA_ROLES][2] = {{0}};
    for (size_t i = 0; i < spira_value_count(recordings); i++) {
        const struct spira_value *recording = spira_value_at(recordings, i);
        enum spira_role role = spira_role_find(spira_value_get_text(recording, "role", ""));
        count[role][spira_value_get_int(recording, "label", 0) == 1]++;
    }
    for (int role = 0; role < SPIRA_ROLES; role++)
        if (count[role][0] + count[role][1] == 0)
            return spira_fail(err, SPIRA_EINVALID,
                              "the corpus has no recording for the %s role: %zu recordings in all; "
                              "prescribe roles "
                              "in a 'split' column, change the shares, or add recordings",
                              spira_role_name((enum spira_role)role),
                              spira_value_count(recordings));
    for (int label = 0; label < 2; label++)
        if (count[SPIRA_TRAIN][label] == 0)
            return spira_fail(err, SPIRA_EINVALID, "the train role has no recording of label %d",
                              label);
    return SPIRA_OK;
}

static enum spira_code check_share(size_t recordings, const struct spira_value *quarantined,
                                   double max_share, struct spira_error *err)
{
    size_t count = spira_value_count(quarantined);
    double share = count ? (double)count / (double)(recordings + count) : 0;
    if (share <= max_share)
        return SPIRA_OK;
    const struct spira_value *first = spira_value_at(quarantined, 0);
    return spira_fail(err, SPIRA_EQUARANTINE,
                      "%zu of %zu recordings are quarantined, a share of %.3f; "
                      "audio.max_quarantined_share is %.3f "
                      "(the first: %s, %s)",
                      count, recordings + count, share, max_share,
                      spira_value_get_text(first, "recording_id", "?"),
                      spira_value_get_text(first, "reason", "?"));
}

enum spira_code spira_plan_check(const struct spira_value *recordings,
                                 const struct spira_value *quarantined,
                                 const struct spira_run_config *config, struct spira_error *err)
{
    enum spira_code code = check_share(spira_value_count(recordings), quarantined,
                                       config->audio.max_quarantined_share, err);
    return code == SPIRA_OK ? check_roles(recordings, err) : code;
}

/* Lets recordings in and gives them roles; what stays out is noted in quarantined. */
static struct spira_value *select_recordings(const struct spira_value *corpus,
                                             const struct spira_run_config *config,
                                             struct spira_value *quarantined)
{
    const struct spira_value *all = spira_value_get(corpus, "recordings");
    struct patients patients = find_patients(all, config);
    struct spira_value *recordings = spira_value_list();
    for (size_t i = 0; i < spira_value_count(all); i++) {
        const struct spira_value *recording = spira_value_at(all, i);
        if (!fits(recording, config, quarantined))
            continue;
        const struct patient *patient = patient_of(&patients, recording);
        const char *split = spira_value_get_text(recording, "split", NULL);
        if (split && spira_role_find(split) != patient->role) {
            quarantine(quarantined, recording, "split_conflict",
                       spira_format("split '%s', but patient %s is in '%s'", split, patient->name,
                                    spira_role_name(patient->role)));
            continue;
        }
        spira_value_append(recordings, planned(recording, patient->role, config));
    }
    free(patients.items);
    return recordings;
}

enum spira_code spira_plan(const struct spira_value *corpus, const struct spira_run_config *config,
                           struct spira_value **ret_plan, struct spira_error *err)
{
    const struct spira_noise_config *noise = &config->transform.noise;
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *plan = spira_value_map();
    spira_value_set_int(plan, "format", 1);
    struct spira_value *quarantined = spira_value_copy(spira_value_get(corpus, "rejected"));
    struct spira_value *recordings =
        spira_value_set(plan, "recordings", select_recordings(corpus, config, quarantined));
    bool noisy = noise->enabled && noise->num_control + noise->num_patient > 0;
    spira_value_set(plan, "noises",
                    noisy ? spira_value_copy(spira_value_get(corpus, "noises"))
                          : spira_value_list());
    spira_value_set(plan, "shards", assign_shards(recordings));
    spira_value_set(plan, "quarantined", quarantined);
    spira_value_set(plan, "duplicates", spira_value_copy(spira_value_get(corpus, "duplicates")));

    enum spira_code code = spira_plan_check(recordings, quarantined, config, err);
    if (code == SPIRA_OK && noisy && spira_value_count(spira_value_get(plan, "noises")) == 0)
        code = spira_fail(err, SPIRA_EINVALID,
                          "transform.noise mixes noise in, but the corpus has no noise recording");
    if (code != SPIRA_OK)
        return code;
    *ret_plan = plan;
    plan = NULL;
    return SPIRA_OK;
}
