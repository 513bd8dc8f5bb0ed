#!/usr/bin/env bash
# Computations that outgrow their memory, overrun their deadline or are killed: three attempts, then a
# dead letter and a failed run that says why, and the worker goes on with the next run.
# shellcheck source=tests/e2e/fleet_e2e.sh
. "$(dirname "$0")/fleet_e2e.sh"

# expect_given_up NAME REASON SIGNAL TEXT: the run that was waited for last failed with that text, after
# three attempts, and its message is a dead letter.
expect_given_up() {
    local name=$1 letter message
    expect_equal "exit code of run $name" "$code" 1
    expect_equal "state of run $name" "$(field "$name" .state)" failed
    message=$(field "$name" .message)
    [[ $message == "model_training: the computation $4"*"; attempts: 3"* ]] ||
        wrong "run $name failed with '$message', expected '$4'"
    await "dead letter of run $name" has_letter "$(field "$name" .run_id)"
    letter=$(jq -r '.[0] | "\(.topic) \(.reason) \(.attempts) \(.signal) \(.group)"' "$work/letters.json")
    expect_equal "dead letter of run $name" "$letter" "spira.features.completed $2 3 $3 spira.model_training"
    expect_equal "error of the letter" "$(jq -r '.[0].error' "$work/letters.json")" "$message"
}

# has_letter RUN: whether there is one dead letter of the run; it is in $work/letters.json.
has_letter() {
    "$spiractl" dlq list -o json | jq --arg run "$1" 'map(select(.subject == $run))' >"$work/letters.json"
    [ "$(jq length "$work/letters.json")" -eq 1 ]
}

has_other_child() {
    child=$(child_pid model-training-1) && [ "$child" != "${killed:-}" ]
}

small_csv "$work/metadata.csv"
fleet_up --feature-workers 1
add_audio "$work/metadata.csv"
long=(--config "$config" --set train.epochs=5000)

restart_worker model-training-1 SPIRA_CHILD_MEMORY=128 # less than the weights of a large layer, and Adam's
fleet_run memory --config "$config" --set model.fc1_dim=4096
expect_given_up memory memory 0 "ran out of memory ("

restart_worker model-training-1 SPIRA_CHILD_DEADLINE=1
fleet_run deadline "${long[@]}"
expect_given_up deadline timeout 0 "ran past its deadline of 1 seconds"

restart_worker model-training-1
run=$(fleet_start "${long[@]}" --set seed=8)
for _ in 1 2 3; do
    await "computation" has_other_child
    kill -KILL "$child"
    killed=$child
done
fleet_wait killed "$run"
expect_given_up killed memory 9 "was killed by SIGKILL"

# What was no fault of the configuration is none of the next run.
fleet_run sane --config "$config"
expect_success sane
local_run local "$work/store-local"
expect_success local
expect_equal "digests of the next run" "$(digests sane)" "$(digests local)"
expect_equal "open dead letters" "$("$spiractl" dlq list -o json | jq length)" 3
await "group that has read everything" is_read_up
