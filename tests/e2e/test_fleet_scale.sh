#!/usr/bin/env bash
# Workers added while a run is under way: a feature worker takes its share of the shards, a training
# replica restarts nothing. Takes script/fleet besides what every end-to-end test takes.
# shellcheck source=tests/e2e/e2e.sh
. "$(dirname "$0")/e2e.sh"
fleet=$3
SPIRA_BIN=$(dirname "$spiractl")
export SPIRA_BIN SPIRA_THREADS=1
trap '"$fleet" down --dir "$work/fleet" || true; rm -rf "$work"' EXIT

# steps NAME: how many steps a worker has finished.
steps() {
    grep -cE '"message":"step [a-z]+"' "$work/fleet/log/$1.log" 2>/dev/null || true
}

# await WHAT COMMAND...: until the command succeeds.
await() {
    local what=$1
    shift
    local until=$((SECONDS + 60))
    until "$@"; do
        [ "$SECONDS" -lt "$until" ] || wrong "no $what within a minute"
        sleep 0.1
    done
}

has_steps() {
    [ "$(steps "$1")" -ge "$2" ]
}

is_training() {
    local answer
    exec 3<>"/dev/tcp/127.0.0.1/$(cat "$work/fleet/workers/model-training-1/port")"
    printf 'GET /metrics HTTP/1.0\r\n\r\n' >&3
    answer=$(cat <&3)
    exec 3>&-
    [[ $answer == *$'\nspira_busy 1\n'* ]]
}

cp "$corpus/metadata.csv" "$work/metadata.csv" # enough for several shards
"$fleet" up --feature-workers 1 --dir "$work/fleet"
exports=$("$fleet" env --dir "$work/fleet")
eval "$exports"
"$spiractl" audio add --csv "$work/metadata.csv" --noise "$corpus/noise.csv" --root "$corpus" --wait >/dev/null

options=(--config "$config" --set train.epochs=3)
run=$("$spiractl" run start "${options[@]}" -o json | jq -r .run_id)
await "first shard" has_steps feature-engineering-1 2
"$fleet" up --feature-workers 2 --dir "$work/fleet"
await "shard of the second feature worker" has_steps feature-engineering-2 1

await "training" is_training
"$fleet" up --training-workers 2 --dir "$work/fleet"
"$spiractl" run wait "$run" --timeout 200 -o json >"$work/scaled.json" 2>"$work/scaled.err" || code=$?
code=${code:-0}
expect_success scaled
trained=$(cat "$work"/fleet/log/model-training-*.log | grep -c '"message":"step succeeded"')
expect_equal "trainings of the run" "$trained" 1
expect_equal "trainings that were interrupted" \
    "$(cat "$work"/fleet/log/model-training-*.log | grep -c '"message":"interrupted"' || true)" 0

local_run local "$work/store-local" "${options[@]:2}"
expect_success local
expect_equal "digests of the fleet's run" "$(digests scaled)" "$(digests local)"
