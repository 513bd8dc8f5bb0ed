#include "core/dataset/plan.h"

#include "core/features/noise.h"

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

static struct spira_value *planned(const struct spira_value *recording, enum spira_role role,
                                   const struct spira_run_config *config)
{
    const struct spira_noise_config *noise = &config->transform.noise;
    /* Copies differ by their noises alone: without any, one says it all. */
    bool noisy = spira_noise_count(noise, (int)spira_value_get_int(recording, "label", 0)) > 0;
    struct spira_value *copy = spira_value_copy(recording);
    spira_value_remove(copy, "split");
    spira_value_set_text(copy, "role", spira_role_name(role));
    spira_value_set_int(copy, "copies", role == SPIRA_TRAIN && noisy ? (int64_t)noise->copies : 1);
    return copy;
}

/* The leading bits of a recording's digest, as many as shards may be cut by. */
static unsigned leading_bits(const struct spira_value *recording)
{
    char hex[5] = "";
    snprintf(hex, sizeof hex, "%.4s", spira_value_get_text(recording, "sha256", ""));
    return (unsigned)(strtoul(hex, NULL, 16) >> (16 - SPIRA_SHARD_BITS));
}

/* Recordings from from on (sorted by digest, below to) whose digests begin with these bits. */
static size_t bucket_end(const struct spira_value *recordings, size_t from, size_t to,
                         unsigned bits, unsigned value)
{
    while (from < to &&
           leading_bits(spira_value_at(recordings, from)) >> (SPIRA_SHARD_BITS - bits) == value)
        from++;
    return from;
}

/* Cuts the recordings [from, to), all that begin with these bits, into shards of at most
 * SPIRA_SHARD_RECORDINGS: by one bit more where there are too many. */
static void assign_shards(struct spira_value *recordings, size_t from, size_t to, unsigned bits,
                          unsigned value, struct spira_value *shards)
{
    if (from == to)
        return;
    if (to - from > SPIRA_SHARD_RECORDINGS && bits < SPIRA_SHARD_BITS) {
        size_t middle = bucket_end(recordings, from, to, bits + 1, 2 * value);
        assign_shards(recordings, from, middle, bits + 1, 2 * value, shards);
        assign_shards(recordings, middle, to, bits + 1, 2 * value + 1, shards);
        return;
    }
    int64_t shard = (1 << bits) - 1 + (int64_t)value;
    for (size_t i = from; i < to; i++)
        spira_value_set_int(spira_value_at(recordings, i), "shard", shard);
    spira_value_append(shards, spira_value_int(shard));
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
            return spira_fail(
                err, SPIRA_EINVALID,
                "the corpus has no recording for the %s role: %zu recordings in all; "
                "prescribe roles in a 'split' column, change the shares, or add recordings",
                spira_role_name((enum spira_role)role), spira_value_count(recordings));
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
    struct spira_value *recordings = spira_value_list();
    for (size_t i = 0; i < spira_value_count(all); i++) {
        const struct spira_value *recording = spira_value_at(all, i);
        if (!fits(recording, config, quarantined))
            continue;
        /* Both are the same for every recording of a patient, so no patient has two roles. */
        const char *prescribed = spira_value_get_text(recording, "split", NULL);
        const char *patient = spira_value_get_text(recording, "patient", "");
        enum spira_role role = prescribed ? spira_role_find(prescribed)
                                          : spira_split_draw(&config->split, config->seed, patient);
        spira_value_append(recordings, planned(recording, role, config));
    }
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
    assign_shards(recordings, 0, spira_value_count(recordings), 0, 0,
                  spira_value_set(plan, "shards", spira_value_list()));
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
