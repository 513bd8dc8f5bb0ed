# shellcheck shell=bash
# What the end-to-end tests share: sourced, never run. Each test is called with the path of spiractl
# and of the demo corpus (script/demo-corpus); its exit status is its verdict.
set -euo pipefail

spiractl=$1
corpus=$2
config=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)/small.json # a test may take another
work=$(mktemp -d "${TMPDIR:-/tmp}/spira-e2e.XXXXXX")
trap 'rm -rf "$work"' EXIT

wrong() {
    printf 'FAILED: %s\n' "$*" >&2
    exit 1
}

# expect_equal WHAT ACTUAL EXPECTED
expect_equal() {
    [ "$2" = "$3" ] || wrong "$1 is '$2', expected '$3'"
}

# small_csv FILE: 20 recordings of the corpus; 12, 4 and 4 of the three roles, half of them patients,
# each another voice or class.
small_csv() {
    awk -F, 'BEGIN { limit["train"] = 6; limit["validation"] = limit["test"] = 2 }
             NR == 1 || ($1 ~ /-0\.[a-z0-9]+$/ && taken[$4, $2]++ < limit[$4])' \
        "$corpus/metadata.csv" >"$1"
    expect_equal "rows of the small corpus" "$(wc -l <"$1")" 21
}

# local_run NAME STORE OPTION...: one run over $work/metadata.csv below $corpus. Its object goes to
# $work/NAME.json, its messages to $work/NAME.err, its exit code to $code.
local_run() {
    local name=$1 store=$2
    shift 2
    code=0
    "$spiractl" local run --csv "$work/metadata.csv" --noise "$corpus/noise.csv" --root "$corpus" \
        --config "$config" --store "$store" -o json "$@" \
        >"$work/$name.json" 2>"$work/$name.err" || code=$?
}

# expect_success NAME: the last local_run went well.
expect_success() {
    if [ "$code" -ne 0 ]; then
        cat "$work/$1.err" >&2
        wrong "run $1 ended with exit code $code"
    fi
    expect_equal "state of run $1" "$(field "$1" .state)" succeeded
}

# expect_refusal NAME CODE TEXT: the last local_run ended with that code and one line that has TEXT.
expect_refusal() {
    expect_equal "exit code of run $1" "$code" "$2"
    if [ "$(wc -l <"$work/$1.err")" -ne 1 ] || ! grep -qF -- "$3" "$work/$1.err"; then
        cat "$work/$1.err" >&2
        wrong "run $1 should print one line with '$3'"
    fi
}

# field NAME FILTER: a part of a run's object.
field() {
    jq -r "$2" "$work/$1.json"
}

# digests NAME: the three that must agree between equal runs.
digests() {
    field "$1" '[.dataset.digest, .model.digest, .evaluation.digest] | join(" ")'
}

# statuses NAME: the different statuses of a run's steps, sorted.
statuses() {
    field "$1" '[.steps[].status] | unique | join(" ")'
}

# cut_newest_checkpoint STORE: as a machine that went down while it was written might leave it.
cut_newest_checkpoint() {
    local newest
    newest=$(find "$1" -name 'step-*.safetensors' | sort | tail -n 1)
    [ -n "$newest" ] || wrong "there is no checkpoint in $1"
    chmod u+w "$newest"
    truncate -s 1000 "$newest"
}
