#!/usr/bin/env bash
# A model that the gate refuses is not published: exit code 4, and the object says what happened.
# shellcheck source=tests/e2e/e2e.sh
. "$(dirname "$0")/e2e.sh"

small_csv "$work/metadata.csv"
sed 's/"at_least": 0.0/"at_least": 1.0/; s/"accuracy"/"brier"/' "$config" >"$work/strict.json"
config=$work/strict.json
local_run refused "$work/store"
expect_equal "exit code" "$code" 4
expect_equal "state" "$(field refused .state)" rejected
expect_equal "status of the last step" "$(field refused '.steps[-1] | .step + " " + .status')" "model_publish rejected"
[ -n "$(field refused '.evaluation.accuracy | numbers')" ] || wrong "the object has no accuracy"
expect_equal "published models" "$(find "$work/store/registry" -name model.safetensors 2>/dev/null | wc -l)" 0
