#include "core/publish/gate.h"

#include <math.h>

struct spira_value *spira_gate_failures(const struct spira_gate_config *gates, size_t count,
                                        const struct spira_value *metrics)
{
    struct spira_value *failures = spira_value_list();
    for (size_t i = 0; i < count; i++) {
        double value = spira_value_get_real(metrics, gates[i].metric, NAN);
        if (value >= gates[i].at_least)
            continue;
        struct spira_value *failure = spira_value_append(failures, spira_value_map());
        spira_value_set_text(failure, "metric", gates[i].metric);
        spira_value_set_real(failure, "at_least", gates[i].at_least);
        spira_value_set_real(failure, "value", value);
    }
    return failures;
}

enum spira_code spira_gate_check(const struct spira_gate_config *gates, size_t count,
                                 const struct spira_value *metrics, struct spira_error *err)
{
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *failures = spira_gate_failures(gates, count, metrics);
    if (spira_value_count(failures) == 0)
        return SPIRA_OK;
    char *list = spira_copy_text("");
    for (size_t i = 0; i < spira_value_count(failures); i++) {
        const struct spira_value *failure = spira_value_at(failures, i);
        double value = spira_value_get_real(failure, "value", NAN);
        char found[32] = "undefined";
        if (!isnan(value))
            snprintf(found, sizeof found, "%.4g", value);
        char *longer = spira_format("%s%s%s is %s, not at least %.4g", list, i ? "; " : "",
                                    spira_value_get_text(failure, "metric", ""), found,
                                    spira_value_get_real(failure, "at_least", 0));
        free(list);
        list = longer;
    }
    enum spira_code code = spira_fail(err, SPIRA_EREJECTED, "the gate: %s", list);
    free(list);
    return code;
}
