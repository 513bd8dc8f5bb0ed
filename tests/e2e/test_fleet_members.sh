#!/usr/bin/env bash
# The trainings of one run over the fleet: two workers train two members at the same time, one of them
# is killed and goes on, and all is as a local run makes it.
# shellcheck source=tests/e2e/fleet_e2e.sh
. "$(dirname "$0")/fleet_e2e.sh"

# both_train: whether both workers compute at this moment.
both_train() {
    child_pid model-training-1 >/dev/null && child_pid model-training-2 >/dev/null
}

# neither_trains: whether nobody computes.
neither_trains() {
    ! child_pid model-training-1 >/dev/null && ! child_pid model-training-2 >/dev/null
}

# both_have_checkpoints: whether two trainings under way have one.
both_have_checkpoints() {
    both_train && [ "$(find "$SPIRA_STORE/models" -name 'step-*.safetensors' -printf '%h\n' 2>/dev/null | sort -u | wc -l)" -ge 2 ]
}

# freeze_both: stops both computations while each has a checkpoint, or neither.
freeze_both() {
    local children
    children=$(child_pid model-training-1 && child_pid model-training-2) || return 1
    xargs kill -STOP <<<"$children" 2>/dev/null || true
    both_have_checkpoints && return
    xargs kill -CONT <<<"$children" 2>/dev/null || true
    return 1
}

# watch_shows_both: whether run watch has shown two members side by side.
watch_shows_both() {
    grep -qaE "[0-9]+/$members members  [0-9]+: epoch [0-9]+/25 loss [0-9.]+.*  [0-9]+: epoch [0-9]+/25" "$work/watch.log"
}

# Twelve, so that each worker has some whatever their keys; long enough to be killed in.
small_csv "$work/metadata.csv"
members=12
options=(--config "$config" --set train.folds=3 --set 'train.seeds=[1,2,3,4]' --set train.epochs=25)
fleet_up --training-workers 2
add_audio "$work/metadata.csv"

run=$(fleet_start "${options[@]}")
script -qec "stty cols 160; '$spiractl' run watch $run" "$work/watch.log" >/dev/null 2>&1 &
watch=$!
await "two members that train at once" freeze_both
await "both of them in run watch" watch_shows_both
"$spiractl" run list -o json |
    jq -e --arg run "$run" --argjson members "$members" '.[] | select(.run_id == $run) |
        .step == "model_training" and .progress.members.total == $members' >/dev/null ||
    wrong "run list does not count the members"
kill -KILL "$(worker_pid model-training-2)"
kill -CONT "$(child_pid model-training-1)"
fleet_wait members "$run" 500
expect_success members
wait "$watch" || wrong "run watch ended with exit code $?"
[ "$(cat "$folder"/log/model-training-*.log | grep -c '"message":"going on from a checkpoint"')" -ge 1 ] ||
    wrong "the training whose worker was killed began anew"
for worker in model-training-1 model-training-2; do
    has_logged "$worker" '"message":"step succeeded"' || wrong "$worker trained no member"
done
expect_equal "trainings" "$(cat "$folder"/log/model-training-*.log | grep -c '"message":"step succeeded"')" "$members"

local_run local "$work/store-local" "${options[@]:2}"
expect_success local
expect_equal "digests of the fleet's run" "$(digests members)" "$(digests local)"
expect_equal "members of the fleet's run" "$(field members '.members | map(.digest) | join(" ")')" \
    "$(field local '.members | map(.digest) | join(" ")')"
"$spiractl" state rebuild --check >/dev/null || wrong "the state is not what the events say"

# A member whose weights are lost is trained again, and it alone.
lost=$(find "$SPIRA_STORE/models" -name model.safetensors | LC_ALL=C sort | head -n 1)
rm -f "$lost"
fleet_run repaired "${options[@]}" --like "$run"
expect_success repaired
expect_equal "digests after a member was lost" "$(digests repaired)" "$(digests members)"
expect_equal "trainings then" "$(cat "$folder"/log/model-training-*.log | grep -c '"message":"step succeeded"')" $((members + 1))

# A run that is canceled lets none of its members go on.
run=$(fleet_start "${options[@]}" --set train.epochs=100000)
await "two members that train at once" both_train
"$spiractl" run cancel "$run" >/dev/null
await "end of both trainings" neither_trains
fleet_wait canceled "$run"
expect_equal "exit code of the canceled run" "$code" 5
