#!/usr/bin/env bash
# The fleet on real servers, every worker a process: recordings in, published model out, with the digests
# of `local run`.
export SPIRA_THREADS=2 # elsewhere one
# shellcheck source=tests/e2e/fleet_e2e.sh
. "$(dirname "$0")/fleet_e2e.sh"

small_csv "$work/metadata.csv"
fleet_up --feature-workers 2
expect_equal "workers that are ready" \
    "$("$fleet" status --dir "$folder" | grep -cE '^(audio|feature|model|run)-.* ready ')" 7

"$spiractl" audio add --csv "$work/metadata.csv" --noise "$corpus/noise.csv" --root "$corpus" --wait \
    -o json >"$work/added.json"
fleet_run fleet --config "$config"
expect_success fleet
local_run local "$work/store-local"
expect_success local
expect_equal "digests of the fleet's run" "$(digests fleet)" "$(digests local)"
model=$(field fleet .model.path)
expect_equal "digest of the published file" "$(sha256sum "$model" | cut -d ' ' -f 1)" "$(field local .model.digest)"
cmp "${model%/*}/model.onnx" "$(dirname "$(field local .model.path)")/model.onnx" ||
    wrong "the fleet's model.onnx is another"

# Nothing is computed twice.
fleet_run again --config "$config"
expect_success again
expect_equal "digests of the second run" "$(digests again)" "$(digests local)"
expect_equal "its version of the model" "$(field again .model.version)" 1

# A service that is not there is named, with exit code 6.
# expect_unreachable ADDRESS VARIABLE=VALUE WORD...
expect_unreachable() {
    local address=$1
    shift
    code=0
    env "$1" "$spiractl" "${@:2}" >"$work/missing.json" 2>"$work/missing.err" || code=$?
    expect_refusal missing 6 "$address"
}
expect_unreachable 127.0.0.1:1 KAFKA_BOOTSTRAP_SERVERS=127.0.0.1:1 run start --config "$config"
expect_unreachable 127.0.0.1:1 REDIS_URL=redis://127.0.0.1:1/0 run list
expect_unreachable /dev/null/store SPIRA_STORE=/dev/null/store run start --config "$config"

# Workers end in good order when asked.
"$fleet" down --dir "$folder"
for log in "$folder"/log/*.log; do
    expect_equal "how $(basename "$log" .log) ended" "$(sed -n 's/.*ended with status //p' "$log")" \
        "$([ "$(basename "$log")" = topics.log ] || echo 0)"
done
