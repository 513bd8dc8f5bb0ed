#include <criterion/criterion.h>

#include "core/publish/model_card.h"

Test(model_card, says_what_the_model_is_and_is_not)
{
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *manifest = spira_value_map();
    struct spira_value *metrics = spira_value_set(manifest, "metrics", spira_value_map());
    spira_value_set_real(metrics, "sensitivity", 0.875);
    spira_value_set(metrics, "roc_auc", spira_value_null());
    struct spira_value *published = spira_value_set(manifest, "published", spira_value_map());
    spira_value_set_text(published, "model", "spira");
    spira_value_set_int(published, "version", 12);
    spira_value_set_text(published, "sha256", "abc123");
    SPIRA_CLEANUP(spira_free_at)
    char *card = spira_model_card(manifest);
    cr_assert(strstr(card, "# spira, version 12\n"));
    cr_assert(strstr(card, "`abc123`"));
    cr_assert(strstr(card, "| sensitivity | 0.8750 |"));
    cr_assert(strstr(card, "| roc_auc | undefined |"));
    cr_assert_null(strstr(card, "| accuracy |"), "a metric that is not there");
    cr_assert(strstr(card, "spiractl model predict"));
    cr_assert(strstr(card, "`model.onnx`"));
    cr_assert(strstr(card, "not a medical device"));
}
