#include <dirent.h>
#include <errno.h>
#include <unistd.h>

#include "core/training/checkpoint.h"

enum { KEPT = 2, MIN_DIGITS = 6, MAX_DIGITS = 18 };

static const char prefix[] = "step-", suffix[] = ".safetensors";

/* The checkpoints in a folder, newest first. */
struct found {
    uint64_t *steps;
    size_t count;
};

static void found_done(struct found *found)
{
    free(found->steps);
}

static char *path_of(const struct spira_checkpoint_place *place, uint64_t step)
{
    return spira_format("%s/%s%06ju%s", place->folder, prefix, (uintmax_t)step, suffix);
}

static enum spira_code remove_file(const char *path, struct spira_error *err)
{
    return unlink(path) == 0 || errno == ENOENT ? SPIRA_OK
                                                : spira_fail_errno(err, errno, "%s", path);
}

static enum spira_code remove_step(const struct spira_checkpoint_place *place, uint64_t step,
                                   struct spira_error *err)
{
    SPIRA_CLEANUP(spira_free_at)
    char *path = path_of(place, step);
    return remove_file(path, err);
}

enum kind { CHECKPOINT, UNFINISHED, OTHER };

/* A writer that was killed leaves step-000500.safetensors.<something>. */
static enum kind kind_of(const char *name, uint64_t *ret_step)
{
    if (strncmp(name, prefix, sizeof prefix - 1) != 0)
        return OTHER;
    const char *digits = name + sizeof prefix - 1;
    size_t count = strspn(digits, "0123456789");
    const char *rest = digits + count;
    if (count < MIN_DIGITS || count > MAX_DIGITS || strncmp(rest, suffix, sizeof suffix - 1) != 0)
        return OTHER;
    rest += sizeof suffix - 1;
    if (*rest != '\0')
        return *rest == '.' ? UNFINISHED : OTHER;
    *ret_step = strtoull(digits, NULL, 10);
    return count > MIN_DIGITS && digits[0] == '0' ? OTHER : CHECKPOINT;
}

static int newest_first(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x < y) - (x > y);
}

/* Gives ret_found; removes what is unfinished. */
static enum spira_code look(const struct spira_checkpoint_place *place, struct found *ret_found,
                            struct spira_error *err)
{
    DIR *folder = opendir(place->folder);
    if (!folder)
        return spira_fail_errno(err, errno, "%s", place->folder);
    struct found found = {0};
    enum spira_code code = SPIRA_OK;
    for (struct dirent *entry; code == SPIRA_OK && (entry = readdir(folder));) {
        uint64_t step;
        enum kind kind = kind_of(entry->d_name, &step);
        if (kind == CHECKPOINT) {
            found.steps = spira_realloc(found.steps, found.count + 1, sizeof *found.steps);
            found.steps[found.count++] = step;
        } else if (kind == UNFINISHED) {
            SPIRA_CLEANUP(spira_free_at)
            char *path = spira_format("%s/%s", place->folder, entry->d_name);
            code = remove_file(path, err);
        }
    }
    closedir(folder);
    if (code != SPIRA_OK) {
        found_done(&found);
        return code;
    }
    if (found.count > 0)
        qsort(found.steps, found.count, sizeof *found.steps, newest_first);
    *ret_found = found;
    return SPIRA_OK;
}

enum spira_code spira_checkpoint_save(const struct spira_checkpoint_place *place,
                                      const struct spira_training_state *state,
                                      struct spira_error *err)
{
    SPIRA_CLEANUP(spira_free_at)
    char *path = path_of(place, state->adam.steps);
    SPIRA_CLEANUP(found_done)
    struct found found = {0};
    enum spira_code code = spira_checkpoint_write(place, path, state, err);
    if (code == SPIRA_OK)
        code = look(place, &found, err);
    for (size_t i = KEPT; code == SPIRA_OK && i < found.count; i++)
        code = remove_step(place, found.steps[i], err);
    return code;
}

enum spira_code spira_checkpoint_resume(const struct spira_checkpoint_place *place,
                                        struct spira_training_state *state, struct spira_error *err)
{
    SPIRA_CLEANUP(found_done)
    struct found found = {0};
    enum spira_code code = look(place, &found, err);
    for (size_t i = 0; code == SPIRA_OK && i < found.count; i++) {
        SPIRA_CLEANUP(spira_free_at)
        char *path = path_of(place, found.steps[i]);
        struct spira_error damage;
        code = spira_checkpoint_read(place, path, state, &damage);
        if (code == SPIRA_OK)
            return SPIRA_OK;
        if (code == SPIRA_EINVALID)
            code = remove_file(path, err);
        else
            *err = damage;
    }
    return code;
}
