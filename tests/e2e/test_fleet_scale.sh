#!/usr/bin/env bash
# Workers added while a run is under way: a feature worker takes its share of the shards, a training
# replica restarts nothing.
# shellcheck source=tests/e2e/fleet_e2e.sh
. "$(dirname "$0")/fleet_e2e.sh"

# steps NAME: how many steps a worker has finished.
steps() {
    grep -cE '"message":"step [a-z]+"' "$folder/log/$1.log" 2>/dev/null || true
}

has_steps() {
    [ "$(steps "$1")" -ge "$2" ]
}

cp "$corpus/metadata.csv" "$work/metadata.csv" # enough for several shards
fleet_up --feature-workers 1
add_audio "$work/metadata.csv"

# Copies enough that there are shards left when the second worker has come, epochs enough that the training
# is under way when the second trainer has.
options=(--config "$config" --set train.epochs=20 --set transform.noise.copies=48)
run=$(fleet_start "${options[@]}")
await "first shard" has_steps feature-engineering-1 2
fleet_up --feature-workers 2
await "shard of the second feature worker" has_steps feature-engineering-2 1

await "training" is_busy model-training-1
fleet_up --training-workers 2
fleet_wait scaled "$run"
expect_success scaled
trained=$(cat "$folder"/log/model-training-*.log | grep -c '"message":"step succeeded"')
expect_equal "trainings of the run" "$trained" 1
expect_equal "trainings that were interrupted" \
    "$(cat "$folder"/log/model-training-*.log | grep -c '"message":"interrupted"' || true)" 0

local_run local "$work/store-local" "${options[@]:2}"
expect_success local
expect_equal "digests of the fleet's run" "$(digests scaled)" "$(digests local)"
