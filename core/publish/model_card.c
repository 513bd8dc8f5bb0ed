#include "core/publish/model_card.h"

#include "core/evaluation/metrics.h"

/* Gives one table row per metric of the manifest. */
static char *metrics_table(const struct spira_value *metrics)
{
    char *table = spira_copy_text("");
    for (const struct spira_metric *metric = spira_metrics; metric->name; metric++) {
        const struct spira_value *value = spira_value_get(metrics, metric->name);
        if (!value)
            continue;
        char number[32] = "undefined";
        if (spira_value_type(value) != SPIRA_NULL)
            snprintf(number, sizeof number, "%.4f", spira_value_as_real(value, 0));
        char *longer =
            spira_format("%s| %s | %s | %s |\n", table, metric->name, number, metric->meaning);
        free(table);
        table = longer;
    }
    return table;
}

/* Of a model that is one of several trainings; else nothing. */
static char *member_text(const struct spira_value *manifest)
{
    const struct spira_value *member = spira_value_get(manifest, "member");
    if (!member)
        return spira_copy_text("");
    const struct spira_value *ensemble = spira_value_get(manifest, "ensemble");
    const struct spira_value *accuracy = spira_value_find(ensemble, "metrics.accuracy");
    return spira_format("It is one of %jd trainings of its run, number %jd: the one that did best "
                        "on its validation "
                        "recordings. The\nnumbers are its own. All of them together, which nobody "
                        "publishes, have an "
                        "accuracy of %.4f.\n\n",
                        (intmax_t)spira_value_get_int(ensemble, "members", 0),
                        (intmax_t)spira_value_get_int(member, "member", 0),
                        spira_value_as_real(accuracy, 0));
}

char *spira_model_card(const struct spira_value *manifest)
{
    const struct spira_value *published = spira_value_get(manifest, "published");
    const char *model = spira_value_get_text(published, "model", "");
    SPIRA_CLEANUP(spira_free_at)
    char *table = metrics_table(spira_value_get(manifest, "metrics"));
    SPIRA_CLEANUP(spira_free_at)
    char *member = member_text(manifest);
    return spira_format(
        "# %s, version %jd\n\n"
        "A SpiraConv network: speech in, the probability of respiratory insufficiency out.\n"
        "`model.safetensors` has its weights, `model.json` everything else it takes to use "
        "them.\n\n"
        "SHA-256 of the weights: `%s`\n\n"
        "## How good it is\n\n"
        "On the test recordings of its own run, which it was not trained on:\n\n"
        "| metric | value | what it is |\n| --- | --- | --- |\n%s\n%s"
        "## How to use it\n\n"
        "```\nspiractl model predict --model model.safetensors --in recording.wav -o json\n```\n\n"
        "prints the probability of the recording and of each of its windows. `model.onnx` is the "
        "same network\nfor other runtimes: `features` (batch, frames, features) in, `probability` "
        "out; its metadata says which\nfeatures.\n\n"
        "Recordings that differ from those it learned from (another microphone, room, language or "
        "way of speaking)\nmay get any score.\n\n"
        "## What it is not\n\n"
        "It is not a medical device. No diagnosis and no treatment follows from its answer; it is "
        "for research.\n",
        model, (intmax_t)spira_value_get_int(published, "version", 0),
        spira_value_get_text(published, "sha256", ""), table, member);
}
