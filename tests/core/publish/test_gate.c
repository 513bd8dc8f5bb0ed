#include <criterion/criterion.h>
#include <math.h>

#include "core/publish/gate.h"

static struct spira_value *metrics(double sensitivity, double roc_auc)
{
    struct spira_value *map = spira_value_map();
    spira_value_set_real(map, "sensitivity", sensitivity);
    spira_value_set_real(map, "roc_auc", roc_auc);
    return map;
}

static const struct spira_gate_config gates[] = {{"sensitivity", 0.75}, {"roc_auc", 0.9}};

Test(gate, passes_what_reaches_every_limit_exactly)
{
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *map = metrics(0.75, 0.9);
    struct spira_error err = {0};
    cr_assert_eq(spira_gate_check(gates, 2, map, &err), SPIRA_OK);
    cr_assert_eq(spira_gate_check(NULL, 0, map, &err), SPIRA_OK, "no gate at all");
}

Test(gate, names_each_metric_that_fails_with_its_value)
{
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *map = metrics(0.5, NAN);
    struct spira_error err;
    cr_assert_eq(spira_gate_check(gates, 2, map, &err), SPIRA_EREJECTED);
    cr_assert_str_eq(err.message, "the gate: sensitivity is 0.5, not at least 0.75; "
                                  "roc_auc is undefined, not at least 0.9");
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *failures = spira_gate_failures(gates, 2, map);
    cr_assert_eq(spira_value_count(failures), 2);
    cr_assert_eq(spira_value_get_real(spira_value_at(failures, 0), "value", 0), 0.5);
    cr_assert_eq(spira_value_type(spira_value_get(spira_value_at(failures, 1), "value")),
                 SPIRA_NULL);
}

Test(gate, fails_an_absent_metric_even_at_a_limit_of_zero)
{
    const struct spira_gate_config absent[] = {{"mcc", 0}};
    SPIRA_CLEANUP(spira_value_free_at)
    struct spira_value *map = metrics(1, 1);
    struct spira_error err;
    cr_assert_eq(spira_gate_check(absent, 1, map, &err), SPIRA_EREJECTED);
    cr_assert_eq(spira_gate_check(absent, 1, NULL, &err), SPIRA_EREJECTED, "no metrics at all");
}
