#!/usr/bin/env bash
# Recordings from outside: docs/examples/collector/collect.py gives them to a fleet as a data-collection system
# would, and the dataset is that of the same CSV file.
# shellcheck source=tests/e2e/fleet_e2e.sh
. "$(dirname "$0")/fleet_e2e.sh"
collector=$(cd "$here/../.." && pwd)/docs/examples/collector/collect.py

# collect NAME WORD...: its lines go to $work/NAME.lines, its messages to $work/NAME.err, its exit code to $code.
collect() {
    local name=$1
    shift
    code=0
    /usr/bin/python3 -B "$collector" "$@" >"$work/$name.lines" 2>"$work/$name.err" || code=$?
}

# expect_collected NAME
expect_collected() {
    if [ "$code" -ne 0 ]; then
        cat "$work/$1.err" >&2
        wrong "collect.py ended with exit code $code"
    fi
}

# identities NAME: what was sent, by subject, id and partition.
identities() {
    jq -r 'select(.ce_id) | [.subject, .ce_id, .partition] | @tsv' "$work/$1.lines" | sort
}

small_csv "$work/metadata.csv"
fleet_up --feature-workers 1
add=(add --csv "$work/metadata.csv" --noise "$corpus/noise.csv" --root "$corpus" --wait 100)
collect first "${add[@]}"
expect_collected first
noises=$(($(wc -l <"$corpus/noise.csv") - 1))
expect_equal "answers" "$(jq -r 'select(.answer) | .answer' "$work/first.lines" | sort | uniq -c | xargs)" \
    "$((20 + noises)) accepted"
fleet_run collected --config "$config"
expect_success collected
local_run local "$work/store-local"
expect_success local
expect_equal "digests of what was collected" "$(digests collected)" "$(digests local)"

# Again: the same names in the inbox, the same events; and where spiractl sends them too.
files=$(find "$SPIRA_INBOX" -type f | wc -l)
collect again "${add[@]}"
expect_collected again
expect_equal "files in the inbox" "$(find "$SPIRA_INBOX" -type f | wc -l)" "$files"
expect_equal "what was sent again" "$(identities again)" "$(identities first)"
add_audio "$work/metadata.csv"
kafka read spira.audio.collected | jq -r '[.key, .partition] | @tsv' | sort -u >"$work/places"
expect_equal "keys with two partitions" "$(cut -f 1 "$work/places" | uniq -d)" ""

# A recording that is none, with its reason.
printf 'file_path,class\nsilence.wav,1\n' >"$work/silence.csv"
sox -n -r 16000 -b 16 "$work/silence.wav" trim 0 2
collect silent add --csv "$work/silence.csv" --root "$work" --wait 100
expect_collected silent
expect_equal "answer to silence" "$(jq -r 'select(.answer) | .answer + " " + .reason' "$work/silent.lines")" \
    "rejected silent"

# Withdrawn.
digest=$(jq -r 'select(.ce_id).sha256' "$work/first.lines" | head -n 1)
collect withdrawn withdraw "$digest" --reason "consent withdrawn"
expect_collected withdrawn
fleet_run without --config "$config"
expect_success without
expect_equal "recordings without the one withdrawn" "$(field without .dataset.recordings)" 19

# What cannot be sent is said in one line, and nothing of it is sent.
kafka ends >"$work/before.ends"
collect refusal add --csv "$work/metadata.csv" --root "$work"
expect_equal "what it sent" "$(cat "$work/refusal.lines")" ""
expect_refusal refusal 1 "there is no file $work/speech/"
printf 'file_path,class,patient\nsilence.wav,1,%0200d\n' 0 >"$work/silence.csv"
collect refusal add --csv "$work/silence.csv" --root "$work"
expect_refusal refusal 1 "silence.wav: patient: "
collect refusal withdraw "$digest" --topic-prefix nowhere.
expect_refusal refusal 1 "no topic nowhere.audio.withdrawn"
kafka ends | diff "$work/before.ends" - >&2 || wrong "something was sent"
collect refusal withdraw "$digest" --kafka 127.0.0.1:1 --timeout 2
expect_refusal refusal 1 "127.0.0.1:1"
