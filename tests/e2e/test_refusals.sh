#!/usr/bin/env bash
# Wrong input ends a run before it starts: one line that names the thing, the right exit code.
# shellcheck source=tests/e2e/e2e.sh
. "$(dirname "$0")/e2e.sh"

local_run no-csv "$work/store"
expect_refusal no-csv 3 "$work/metadata.csv"

small_csv "$work/metadata.csv"
local_run wrong-key "$work/store" --set train.epoch=2
expect_refusal wrong-key 2 "train.epoch"

local_run wrong-value "$work/store" --set train.epochs=many
expect_refusal wrong-value 2 "train.epochs"

sed 's/"epochs": 2/"epochs": 2, "epochs": 3/' "$config" >"$work/twice.json"
config=$work/twice.json
local_run key-twice "$work/store"
expect_refusal key-twice 2 "epochs"

config=$work/none.json
local_run no-config "$work/store"
expect_refusal no-config 3 "$work/none.json"
