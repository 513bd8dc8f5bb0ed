#!/usr/bin/env bash
# An outside scheduler: Kafka and Redis, and no worker that waits for anything. Each step of a run is one
# command, which does its work and ends.
# shellcheck source=tests/e2e/fleet_e2e.sh
. "$(dirname "$0")/fleet_e2e.sh"

# once NAME WORKER OPTION...: a worker's command; its messages go to $work/NAME.err, its exit code to $code.
once() {
    local name=$1 worker=$2
    shift 2
    code=0
    "$SPIRA_BIN/spira-$worker" "$@" >"$work/$name.log" 2>"$work/$name.err" || code=$?
}

# expect_done WORKER OPTION...: the command does its work.
expect_done() {
    once finished "$@"
    if [ "$code" -ne 0 ]; then
        cat "$work/finished.log" "$work/finished.err" >&2
        wrong "spira-$* ended with exit code $code"
    fi
}

small_csv "$work/metadata.csv"
mkdir -p "$folder"
servers start
mkdir "$folder/store" "$folder/inbox"
see_fleet
export SPIRA_SCRATCH=$work/scratch
"$spiractl" topics ensure >"$work/topics"

"$spiractl" audio add --csv "$work/metadata.csv" --noise "$corpus/noise.csv" --root "$corpus" >/dev/null
expect_done audio-intake --once
expect_done run-tracker --once
run=$(fleet_start --config "$config")

# Too early: the run is there, its step's event is not.
once early model-training --once --run "$run"
expect_refusal early 3 "$run: nothing on spira.features.completed asks for this run"

expect_done feature-engineering --once --run "$run"
expect_done run-tracker --once
expect_done model-training --once --run "$run"
expect_done model-evaluation --once --run "$run"
expect_done model-publish --once --run "$run"
expect_done run-tracker --once
fleet_wait scheduled "$run"
expect_success scheduled
local_run local "$work/store-local"
expect_success local
expect_equal "digests of the run" "$(digests scheduled)" "$(digests local)"
expect_equal "its version of the model" "$(field scheduled .model.version)" 1
[ -f "$(field scheduled .model.path)" ] || wrong "$(field scheduled .model.path) is not there"

# What is done is found done.
expect_done model-training --once --run "$run"
grep -qF '"message":"step reused"' "$work/finished.log" || wrong "a second training of run $run was not reused"

# A model that the gate rejects.
gate='publish.gate=[{"metric":"brier","at_least":1}]'
run=$(fleet_start --config "$config" --set "$gate")
expect_done feature-engineering --once --run "$run"
expect_done run-tracker --once
expect_done model-training --once --run "$run"
expect_done model-evaluation --once --run "$run"
once gate model-publish --once --run "$run"
expect_refusal gate 4 brier
expect_done run-tracker --once
fleet_wait rejected "$run"
expect_equal "exit code of run wait" "$code" 4
expect_equal "state of the run" "$(field rejected .state)" rejected

# A command that is asked to stop keeps what it has done, and the same command goes on from there.
longer=(--set train.epochs=20)
run=$(fleet_start --config "$config" "${longer[@]}")
expect_done feature-engineering --once --run "$run"
expect_done run-tracker --once
"$SPIRA_BIN/spira-model-training" --once --run "$run" >"$work/stopped.log" 2>&1 &
training=$!
await "checkpoint" has_checkpoint
kill -TERM "$training"
code=0
wait "$training" || code=$?
expect_equal "exit code of a training that was asked to stop" "$code" 143
has_checkpoint || wrong "a training that was asked to stop left no checkpoint"
cut_newest_checkpoint "$folder/store" # the one before does as well
for worker in model-training model-evaluation model-publish; do
    expect_done "$worker" --once --run "$run"
done
expect_done run-tracker --once
fleet_wait stopped "$run"
local_run longer "$work/store-local" "${longer[@]}"
expect_success longer
expect_equal "digests of the run that was stopped" "$(digests stopped)" "$(digests longer)"

# Several trainings: one command does all of them, and the run tracker joins them.
several=(--set train.folds=2 --set 'train.seeds=[3,4]')
run=$(fleet_start --config "$config" "${several[@]}")
expect_done feature-engineering --once --run "$run"
expect_done run-tracker --once
expect_done model-training --once --run "$run"
once unjoined model-evaluation --once --run "$run"
expect_refusal unjoined 3 "nothing on spira.model.trained asks for this run"
for worker in run-tracker model-evaluation model-publish run-tracker; do
    if [ "$worker" = run-tracker ]; then
        expect_done "$worker" --once
    else
        expect_done "$worker" --once --run "$run"
    fi
done
fleet_wait several "$run"
expect_success several
local_run several-local "$work/store-local" "${several[@]}"
expect_success several-local
expect_equal "digests of several trainings" "$(digests several)" "$(digests several-local)"

# Wrong commands.
once unknown feature-engineering --once --run 01900000-0000-7000-8000-000000000000
expect_refusal unknown 3 01900000-0000-7000-8000-000000000000
once alone model-training --run "$run"
expect_refusal alone 2 "--run needs --once"
once tracker run-tracker --once --run "$run"
expect_refusal tracker 2 "--run"
once away model-training --once --run "$run" --kafka 127.0.0.1:1
expect_refusal away 6 127.0.0.1:1

# Who does one run's work is no member of the workers' groups.
expect_equal "groups" "$(kafka groups | awk '{ print $1 }' | xargs)" "spira.audio_intake spira.run_tracker"
