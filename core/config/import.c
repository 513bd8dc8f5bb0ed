#include "core/config/import.h"

#include <ctype.h>

#include "core/config/published_keys.h"
#include "core/config/run_config_table.h"

/* A published document on its way into a run configuration. */
struct import {
    const char *name; /* the document's */
    const struct spira_value *from;
    enum spira_published_format format;
    const struct spira_published_places *places;
    struct spira_value *to; /* what was read so far */
    struct spira_value *warnings;
    char *left_out; /* keys the published code needs and the document has not; may be NULL */
    struct spira_error *err;
};

/* Takes text. */
static void add_warning(const struct import *import, char *text)
{
    spira_value_append(import->warnings, spira_value_text(text));
    free(text);
}

#define warn(import, ...) add_warning((import), spira_format(__VA_ARGS__))

static enum spira_code refuse(const struct import *import, const char *path,
                              const struct spira_value *value, const char *takes)
{
    SPIRA_CLEANUP(spira_free_at)
    char *text = spira_value_to_text(value, SPIRA_COMPACT);
    return spira_fail(import->err, SPIRA_EINVALID, "%s: %s: %.200s is not %s", import->name, path,
                      text, takes);
}

/* Puts item, which it takes, under a dotted key of what was read. */
static enum spira_code put(const struct import *import, const char *target,
                           struct spira_value *item)
{
    return spira_run_config_set(import->to, target, "", item, import->err);
}

/* Whether path is the beginning of a known key: "dataset" of "dataset.step". */
static bool is_section(const struct import *import, const char *path)
{
    size_t length = strlen(path);
    const struct spira_published_key *key = spira_published_keys(import->format);
    while (key->key && (strncmp(key->key, path, length) != 0 || key->key[length] != '.'))
        key++;
    return key->key;
}

static const struct spira_published_key *find_key(const struct import *import, const char *path)
{
    const struct spira_published_key *key = spira_published_keys(import->format);
    while (key->key && strcmp(key->key, path) != 0)
        key++;
    return key->key ? key : NULL;
}

/* Warns of unknown keys and of those that cannot be honoured; refuses a section that is none. path:
 * of map, "" at the top. */
static enum spira_code walk(const struct import *import, const struct spira_value *map,
                            const char *path)
{
    enum spira_code code = SPIRA_OK;
    for (size_t i = 0; code == SPIRA_OK && i < spira_value_count(map); i++) {
        const struct spira_value *value = spira_value_at(map, i);
        SPIRA_CLEANUP(spira_free_at)
        char *below = spira_format("%s%s%s", path, *path ? "." : "", spira_value_key_at(map, i));
        const struct spira_published_key *key = find_key(import, below);
        SPIRA_CLEANUP(spira_free_at)
        char *text = spira_value_to_text(value, SPIRA_COMPACT);
        if (is_section(import, below))
            code = spira_value_type(value) == SPIRA_MAP ? walk(import, value, below)
                                                        : refuse(import, below, value, "an object");
        else if (!key)
            warn(import, "%s: unknown key, left out (with %.200s)", below, text);
        else if (key->use == SPIRA_PUBLISHED_WARNED && spira_value_type(value) != SPIRA_NULL)
            warn(import, "%s: %.200s is not honoured: %s", below, text, key->note);
    }
    return code;
}

/* A switch of the published document; off where it is left out. */
static enum spira_code read_switch(const struct import *import, const char *path, bool *ret_on)
{
    const struct spira_value *value = path ? spira_value_find(import->from, path) : NULL;
    if (value && spira_value_type(value) != SPIRA_BOOL)
        return refuse(import, path, value, "true or false");
    *ret_on = spira_value_as_bool(value, false);
    return SPIRA_OK;
}

static void note_left_out(struct import *import, const char *path)
{
    char *longer =
        import->left_out ? spira_format("%s, %s", import->left_out, path) : spira_copy_text(path);
    free(import->left_out);
    import->left_out = longer;
}

static enum spira_code copy_key(struct import *import, const struct spira_published_key *key)
{
    bool wanted = true;
    enum spira_code code = key->when ? read_switch(import, key->when, &wanted) : SPIRA_OK;
    /* A kind of features that is left out is what the run configuration takes then. */
    const char *feature =
        spira_value_as_text(spira_value_find(import->from, import->places->feature), "mfcc");
    if (code != SPIRA_OK || !wanted || (key->feature && strcmp(key->feature, feature) != 0))
        return code;
    const struct spira_value *value = spira_value_find(import->from, key->key);
    if (!value) {
        note_left_out(import, key->key);
        return SPIRA_OK;
    }
    const struct spira_config_key *target = spira_config_key_find(key->target);
    if (!spira_config_key_fits(target, value)) {
        SPIRA_CLEANUP(spira_free_at)
        char *takes = spira_config_key_takes(target);
        return refuse(import, key->key, value, takes);
    }
    return put(import, key->target, spira_value_copy(value));
}

static enum spira_code read_seed(const struct import *import)
{
    const struct spira_published_places *places = import->places;
    const struct spira_value *seed = spira_value_find(import->from, places->seed);
    const struct spira_value *train = spira_value_find(import->from, places->train_seed);
    const struct spira_config_key *target = spira_config_key_find("seed");
    SPIRA_CLEANUP(spira_free_at)
    char *takes = spira_config_key_takes(target);
    if (seed && !spira_config_key_fits(target, seed))
        return refuse(import, places->seed, seed, takes);
    if (train && !spira_config_key_fits(target, train))
        return refuse(import, places->train_seed, train, takes);
    if (seed && train && !spira_value_equal(seed, train)) {
        SPIRA_CLEANUP(spira_free_at)
        char *kept = spira_value_to_text(seed, SPIRA_COMPACT);
        SPIRA_CLEANUP(spira_free_at)
        char *other = spira_value_to_text(train, SPIRA_COMPACT);
        warn(import, "%s: %s is not honoured: a run has one seed, and %s says %s",
             places->train_seed, other, places->seed, kept);
    }
    if (!seed)
        seed = train;
    return seed ? put(import, "seed", spira_value_copy(seed)) : SPIRA_OK;
}

static enum spira_code read_optimizer(const struct import *import)
{
    const char *path = import->places->optimizer;
    const struct spira_value *value = spira_value_find(import->from, path);
    if (value && spira_value_type(value) != SPIRA_TEXT)
        return refuse(import, path, value, "text");
    const char *name = spira_value_as_text(value, "adam");
    if (strcasecmp(name, "adam") != 0)
        warn(import, "%s: \"%.100s\" is not honoured: adam trains instead", path, name);
    return SPIRA_OK;
}

/* What is on and off, and what must be chosen for it. */
static enum spira_code read_switches(const struct import *import)
{
    const struct spira_published_places *places = import->places;
    bool noise, overlap, padding, mixture, decay;
    const struct {
        const char *path;
        bool *on;
    } switches[] = {{places->noise, &noise},
                    {places->overlap, &overlap},
                    {places->padding, &padding},
                    {places->mixture, &mixture},
                    {places->decay, &decay}};
    enum spira_code code = SPIRA_OK;
    for (size_t i = 0; i < sizeof switches / sizeof *switches; i++) {
        code = read_switch(import, switches[i].path, switches[i].on);
        if (code != SPIRA_OK)
            return code;
        if (switches[i].path && !spira_value_find(import->from, switches[i].path))
            warn(import, "%s: not in the file, taken as false", switches[i].path);
    }
    if (overlap && padding)
        warn(import,
             "%s: true is not honoured: windows are of one length, so %s leaves nothing to "
             "pad",
             places->padding, places->overlap);
    if (noise)
        warn(import, "transform.noise.copies: 4 chosen: each recording of the train role gets four "
                     "noised copies, used in turn; the published code draws noise afresh every "
                     "epoch");
    if (overlap)
        warn(import, "audio.short_recordings: \"pad\" chosen: the published code stops at a "
                     "recording shorter than a window");
    if (mixture)
        warn(import, "transform.mixture: alpha 0.4 and beta 0.4 chosen: the published file has no "
                     "key for them");
    static const char *const sections[] = {"transform.noise", "transform.overlap",
                                           "transform.mixture"};
    const bool on[] = {noise, overlap, mixture};
    for (size_t i = 0; code == SPIRA_OK && i < sizeof on / sizeof *on; i++)
        code = put(import, sections[i], on[i] ? spira_value_map() : spira_value_null());
    if (code == SPIRA_OK)
        code = put(import, "transform.padding", spira_value_bool(padding && !overlap));
    return code == SPIRA_OK
               ? put(import, "train.scheduler.name", spira_value_text(decay ? "noam" : "none"))
               : code;
}

/* The path of a CSV file the document names; NULL when it names none. */
static enum spira_code read_csv(const struct import *import, const char *path, const char **ret_csv)
{
    const struct spira_value *value = spira_value_find(import->from, path);
    if (value && spira_value_type(value) != SPIRA_NULL && spira_value_type(value) != SPIRA_TEXT)
        return refuse(import, path, value, "text");
    *ret_csv = spira_value_as_text(value, "(none given)");
    return SPIRA_OK;
}

static enum spira_code warn_of_acl2021_data(const struct import *import)
{
    static const char *const paths[] = {"dataset.train_csv", "dataset.eval_csv", "dataset.test_csv",
                                        "dataset.noise_csv"};
    const char *csv[4];
    enum spira_code code = SPIRA_OK;
    for (size_t i = 0; code == SPIRA_OK && i < 4; i++)
        code = read_csv(import, paths[i], &csv[i]);
    if (code != SPIRA_OK)
        return code;
    warn(import,
         "dataset: a run configuration names no files: give `spiractl local run --csv` one CSV "
         "with the columns file_path,class,split that has the rows of train_csv %.150s as train, "
         "of eval_csv %.150s as eval and of test_csv %.150s as test, paths relative to --root; and "
         "noise_csv %.150s as --noise",
         csv[0], csv[1], csv[2], csv[3]);
    warn(import, "split: train 0.6, validation 0.2 and test 0.2 chosen: used only for rows without "
                 "a split");
    static const char *const classes[] = {"dataset.control_class", "dataset.patient_class"};
    for (int label = 0; label < 2; label++) {
        const struct spira_value *value = spira_value_find(import->from, classes[label]);
        if (value && spira_value_type(value) != SPIRA_INT)
            return refuse(import, classes[label], value, "a whole number");
        int64_t said = spira_value_as_int(value, label);
        if (said != label)
            warn(import, "%s: %jd is not honoured: write %d into the class column of the CSV",
                 classes[label], (intmax_t)said, label);
    }
    return SPIRA_OK;
}

static enum spira_code warn_of_v2_data(const struct import *import)
{
    static const char *const paths[] = {"parameters.dataset.controls_csv",
                                        "parameters.dataset.patients_csv",
                                        "parameters.dataset.noises_csv"};
    const char *csv[3];
    enum spira_code code = SPIRA_OK;
    for (size_t i = 0; code == SPIRA_OK && i < 3; i++)
        code = read_csv(import, paths[i], &csv[i]);
    if (code != SPIRA_OK)
        return code;
    warn(import,
         "parameters.dataset: a run configuration names no files: give `spiractl local run --csv` "
         "one CSV with the header file_path,class that has the paths of controls_csv %.150s with "
         "class 0 and of patients_csv %.150s with class 1, relative to --root; and noises_csv "
         "%.150s, below a header file_path, as --noise",
         csv[0], csv[1], csv[2]);
    warn(import, "split: train 0.6, validation 0.2 and test 0.2 chosen: the published code has 0.6 "
                 "for training, and validates and tests on the other 0.4");
    return SPIRA_OK;
}

/* The file's name without folder and ending, as far as a configuration may be called so. */
static char *own_name(const struct import *import)
{
    const char *slash = strrchr(import->name, '/');
    char *name = spira_copy_text(slash ? slash + 1 : import->name);
    char *dot = strrchr(name, '.');
    if (dot)
        *dot = '\0';
    for (char *c = name; *c; c++)
        *c = isalnum((unsigned char)*c) || strchr("._-", *c) ? (char)tolower(*c) : '-';
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *value = spira_value_text(name);
    if (spira_config_key_fits(spira_config_key_find("name"), value))
        return name;
    free(name);
    return spira_copy_text(spira_published_format_name(import->format));
}

static enum spira_code convert(struct import *import)
{
    SPIRA_CLEANUP(spira_free_at)
    char *name = own_name(import);
    spira_value_set_text(import->to, "name", name);
    enum spira_code code = walk(import, import->from, "");
    if (code == SPIRA_OK)
        code = read_seed(import);
    if (code == SPIRA_OK)
        code = read_switches(import);
    for (const struct spira_published_key *key = spira_published_keys(import->format);
         code == SPIRA_OK && key->key; key++)
        if (key->use == SPIRA_PUBLISHED_COPIED)
            code = copy_key(import, key);
    if (code == SPIRA_OK)
        code = read_optimizer(import);
    if (code == SPIRA_OK)
        code = import->format == SPIRA_PUBLISHED_V2 ? warn_of_v2_data(import)
                                                    : warn_of_acl2021_data(import);
    if (code == SPIRA_OK && import->left_out)
        warn(import, "not in the file, so that defaults are taken: %s", import->left_out);
    return code;
}

/* The whole run configuration, every default in it, so that what was chosen can be seen. */
static enum spira_code complete(const struct import *import, struct spira_value **ret_configuration)
{
    SPIRA_CLEANUP(spira_run_config_done)
    struct spira_run_config config = {0};
    enum spira_code code = spira_run_config_read(import->name, import->to, &config, import->err);
    if (code == SPIRA_OK)
        *ret_configuration = spira_run_config_write(&config);
    return code;
}

const char *spira_published_format_name(enum spira_published_format format)
{
    static const char *const names[] = {"none", "acl2021", "spira-v2"};
    return names[format];
}

enum spira_published_format spira_published_format_of(const struct spira_value *document)
{
    static const char *const acl2021[] = {"model_name", "train_config", "data_aumentation",
                                          "test_config"};
    for (size_t i = 0; i < sizeof acl2021 / sizeof *acl2021; i++)
        if (spira_value_get(document, acl2021[i]))
            return SPIRA_PUBLISHED_ACL2021;
    if (spira_value_get(document, "options") || spira_value_get(document, "parameters"))
        return SPIRA_PUBLISHED_V2;
    return SPIRA_PUBLISHED_NONE;
}

enum spira_code spira_config_import(const char *name, const struct spira_value *document,
                                    struct spira_imported *ret_imported, struct spira_error *err)
{
    enum spira_published_format format = spira_published_format_of(document);
    if (format == SPIRA_PUBLISHED_NONE)
        return spira_fail(err, SPIRA_EINVALID,
                          "%s: no published configuration: it has neither train_config, "
                          "data_aumentation, test_config or model_name (2021 experiments) nor "
                          "options or parameters (V2)",
                          name);
    SPIRA_CLEANUP(spira_imported_done)
    struct spira_imported imported = {.format = format, .warnings = spira_value_list()};
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *to = spira_value_map();
    struct import import = {
        .name = name,
        .from = document,
        .format = format,
        .places = spira_published_places(format),
        .to = to,
        .warnings = imported.warnings,
        .err = err,
    };
    enum spira_code code = convert(&import);
    free(import.left_out);
    if (code == SPIRA_OK)
        code = complete(&import, &imported.configuration);
    if (code != SPIRA_OK)
        return code;
    *ret_imported = imported;
    imported = (struct spira_imported){0};
    return SPIRA_OK;
}

void spira_imported_done(struct spira_imported *imported)
{
    spira_value_free_at(&imported->configuration);
    spira_value_free_at(&imported->warnings);
}
