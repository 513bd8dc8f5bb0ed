#!/usr/bin/env bash
# A training that is to stop: because its run is canceled, and because its worker is asked to end, which
# keeps a checkpoint and goes on from it.
# shellcheck source=tests/e2e/fleet_e2e.sh
. "$(dirname "$0")/fleet_e2e.sh"
grace=20 # of a computation: SPIRA_GRACE's preset

# training_progress RUN: how many steps of its training are done; empty: nobody trains it.
training_progress() {
    "$spiractl" run list -o json |
        jq -r --arg run "$1" '.[] | select(.run_id == $run and .step == "model_training") | .progress.done // empty'
}

has_progress() {
    [ "$(training_progress "$1")" -gt "$2" ] 2>/dev/null
}

# newest_checkpoint: the name of the newest one in the store.
newest_checkpoint() {
    find "$SPIRA_STORE/models" -path '*/checkpoints/step-*.safetensors' -printf '%f\n' | sort | tail -n 1
}

# expect_gone WHAT PID SECONDS: the process ends in that time.
expect_gone() {
    local deadline=$((SECONDS + $3))
    until is_gone "$2"; do
        [ "$SECONDS" -lt "$deadline" ] || wrong "$1 goes on after $3 s"
        sleep 0.1
    done
}

small_csv "$work/metadata.csv"
fleet_up --feature-workers 1
add_audio "$work/metadata.csv"

# Canceled.
run=$(fleet_start --config "$config" --set train.epochs=5000 --set seed=8)
await "progress of the training" has_progress "$run" 0
child=$(child_pid model-training-1)
[ "$("$spiractl" run cancel "$run" -o json | jq -r .state)" = canceled ] || wrong "the run is not canceled"
expect_gone "the computation of a canceled run" "$child" $((grace + 5))
fleet_wait canceled "$run"
expect_equal "exit code of run wait" "$code" 5
expect_equal "state of the canceled run" "$(field canceled .state)" canceled
await "group that has read everything" is_read_up
expect_equal "dead letters" "$("$spiractl" dlq list -o json | jq length)" 0

rm -r "$SPIRA_STORE"/models/*/checkpoints

# The worker asked to end. Its supervisor starts it again.
longer=(--set train.epochs=60)
run=$(fleet_start --config "$config" "${longer[@]}")
await "progress of the training" has_progress "$run" 0
child=$(child_pid model-training-1)
worker=$(worker_pid model-training-1)
done=$(training_progress "$run")
kill -TERM "$worker"
expect_gone "a worker that was asked to end" "$worker" $((grace + 10))
is_gone "$child" || wrong "the computation outlives its worker"
stopped=$(newest_checkpoint)
[ "$(tr -dc 0-9 <<<"$stopped" | sed 's/^0*//')" -ge "$done" ] || wrong "$done steps were done, the newest checkpoint is $stopped"
expect_equal "how the worker ended" "$(sed -n 's/.*ended with status //p' "$folder/log/model-training-1.log")" 0
# It does not begin anew.
await "training from the checkpoint" has_logged model-training-1 "\"checkpoint\":\"$stopped\""
while "$spiractl" run list -o json |
    jq -e --arg run "$run" '.[] | select(.run_id == $run) | .state == "running"' >/dev/null; do
    now=$(training_progress "$run")
    [ "${now:-$done}" -ge "$done" ] || wrong "$done steps were done, and later $now"
    sleep 0.2
done
fleet_wait stopped "$run"
expect_success stopped
local_run local "$work/store-local" "${longer[@]}"
expect_success local
expect_equal "digests of the run" "$(digests stopped)" "$(digests local)"
code=0
"$spiractl" run cancel "$run" >"$work/over.json" 2>"$work/over.err" || code=$?
expect_refusal over 1 "was over before"
