#!/usr/bin/env bash
# A run killed in the middle of training leaves nothing half-made: the next one goes on and ends with
# the digests of a run that nobody disturbed; a newest checkpoint that is cut does not keep it from that.
# shellcheck source=tests/e2e/e2e.sh
. "$(dirname "$0")/e2e.sh"

small_csv "$work/metadata.csv"
longer=(--set train.epochs=30)
local_run quiet "$work/store-quiet" "${longer[@]}"
expect_success quiet

local_run killed "$work/store" "${longer[@]}" &
run=$!
# Wait for the second checkpoint, then kill spiractl itself: the child of the subshell.
for _ in $(seq 600); do
    [ "$(find "$work/store" -name 'step-*.safetensors' 2>/dev/null | wc -l)" -lt 2 ] || break
    sleep 0.05
done
pkill -KILL -P "$run" || wrong "the run ended before it could be killed"
wait "$run" || true
[ ! -s "$work/killed.json" ] || wrong "the killed run printed a result"
expect_equal "published models after the kill" \
    "$(find "$work/store/registry" -name model.safetensors 2>/dev/null | wc -l)" 0
cut_newest_checkpoint "$work/store"

local_run after "$work/store" "${longer[@]}"
expect_success after
expect_equal "digests after the kill" "$(digests after)" "$(digests quiet)"
