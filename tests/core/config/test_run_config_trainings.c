/* The keys that make several trainings of one run, and choose the best of its epochs. */
#include <criterion/criterion.h>

#include "core/config/run_config.h"
#include "core/evaluation/metrics.h"

/* Puts train's key, whose value it takes, beside what document has. */
static void put(struct spira_value *document, const char *key, struct spira_value *value)
{
    SPIRA_CLEANUP(spira_free_at)
    char *dotted = spira_format("train.%s", key);
    struct spira_error err = {0};
    cr_assert_eq(spira_run_config_set(document, dotted, "", value, &err), SPIRA_OK);
}

static struct spira_value *seeds_of(const int64_t *seeds, size_t count)
{
    struct spira_value *list = spira_value_list();
    for (size_t i = 0; i < count; i++)
        spira_value_append(list, spira_value_int(seeds[i]));
    return list;
}

static struct spira_run_config read_document(const struct spira_value *document)
{
    struct spira_run_config config = {0};
    struct spira_error err = {0};
    cr_assert_eq(spira_run_config_read("c.json", document, &config, &err), SPIRA_OK, "%s",
                 err.message);
    return config;
}

static void refuse(const struct spira_value *document, const char *message)
{
    struct spira_run_config config = {0};
    struct spira_error err = {0};
    cr_assert_eq(spira_run_config_read("c.json", document, &config, &err), SPIRA_EINVALID,
                 "accepted instead of \"%s\"", message);
    cr_assert_not_null(strstr(err.message, message), "%s", err.message);
}

/* A document with one key of train, whose value it takes, is refused. */
static void refuse_key(const char *key, struct spira_value *value, const char *message)
{
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *document = spira_value_map();
    put(document, key, value);
    refuse(document, message);
}

Test(run_config_trainings, without_the_keys_there_is_one_and_the_loss_chooses)
{
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *document = spira_value_map();
    struct spira_run_config config = read_document(document);
    cr_assert_eq(config.train.folds, 0);
    cr_assert_eq(config.train.seed_count, 0);
    cr_assert_null(config.train.early_stop_metric);
    put(document, "early_stop_metric", spira_value_text("loss"));
    config = read_document(document);
    cr_assert_null(config.train.early_stop_metric);
}

Test(run_config_trainings, folds_seeds_and_metric_are_read)
{
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *document = spira_value_map();
    put(document, "folds", spira_value_int(5));
    put(document, "seeds", seeds_of((int64_t[]){43, 0, INT64_MAX}, 3));
    put(document, "early_stop_metric", spira_value_text("brier"));
    struct spira_run_config config = read_document(document);
    cr_assert_eq(config.train.folds, 5);
    cr_assert_eq(config.train.seed_count, 3);
    cr_assert_eq(config.train.seeds[0], 43);
    cr_assert_eq(config.train.seeds[2], (uint64_t)INT64_MAX);
    cr_assert_eq(config.train.early_stop_metric, spira_metric_find("brier"));
}

Test(run_config_trainings, what_cannot_be_trained_is_refused)
{
    refuse_key("folds", spira_value_int(1), "c.json: train.folds: 1 leaves nothing to train on");
    refuse_key("folds", spira_value_int(51), "train.folds: 51 is not a whole number from 0 to 50");
    refuse_key("seeds", spira_value_int(7), "train.seeds: 7 is not a list of at most 100");
    refuse_key("seeds", seeds_of((int64_t[]){7, 8, 7}, 3), "train.seeds: [7,8,7] is not a list");
    refuse_key("seeds", seeds_of((int64_t[]){-1}, 1), "train.seeds: [-1] is not a list");
    refuse_key("early_stop_metric", spira_value_text("recall"),
               "train.early_stop_metric: \"recall\" is not one of \"loss\", \"accuracy\"");
}

Test(run_config_trainings, more_of_them_than_one_run_may_have_are_refused)
{
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *document = spira_value_map();
    int64_t seeds[9];
    for (int64_t i = 0; i < 9; i++)
        seeds[i] = i;
    put(document, "folds", spira_value_int(50));
    put(document, "seeds", seeds_of(seeds, 8));
    (void)read_document(document);
    put(document, "seeds", seeds_of(seeds, 9));
    refuse(document, "train.folds: 50 for each of 9 train.seeds are 450 trainings, more than 400");
}

Test(run_config_trainings, a_section_has_them_only_where_they_say_something)
{
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *document = spira_value_map();
    struct spira_run_config config = read_document(document);
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *plain = spira_run_config_section(&config, "train");
    cr_assert_null(spira_value_get(plain, "folds"), "the keys of steps are what they were");
    cr_assert_null(spira_value_get(plain, "seeds"));
    cr_assert_null(spira_value_get(plain, "early_stop_metric"));
    cr_assert_not_null(spira_value_get(plain, "early_stop_epochs"));
    put(document, "folds", spira_value_int(2));
    put(document, "seeds", seeds_of((int64_t[]){3}, 1));
    put(document, "early_stop_metric", spira_value_text("mcc"));
    config = read_document(document);
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *several = spira_run_config_section(&config, "train");
    cr_assert_eq(spira_value_get_int(several, "folds", 0), 2);
    cr_assert_eq(spira_value_count(spira_value_get(several, "seeds")), 1);
    cr_assert_str_eq(spira_value_get_text(several, "early_stop_metric", ""), "mcc");
}
