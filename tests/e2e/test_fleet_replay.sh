#!/usr/bin/env bash
# Replay: runs over recordings that were taken in before, with another configuration or over a part of
# them. What was computed is reused, and the groups of the workers stay where they are.
# shellcheck source=tests/e2e/fleet_e2e.sh
. "$(dirname "$0")/fleet_e2e.sh"

# status NAME STEP: how a step of a run went.
status() {
    field "$1" ".steps[] | select(.step == \"$2\") | .status"
}

# The messages of the intake, and what groups have committed of them.
intake_offsets() {
    kafka ends | grep '^spira\.audio\.'
    kafka committed | grep ' spira\.audio\.'
}

# new_messages BEFORE: how many messages more than then each topic has.
new_messages() {
    kafka ends | awk 'NR == FNR { before[$1] += $3; next } { now[$1] += $3 }
                      END { for (topic in now) if (now[topic] != before[topic])
                                print topic, now[topic] - before[topic] }' "$1" - | sort
}

# expect_replay NAME: the last fleet_run ended well, moved no group but by its own messages, and had
# nobody join one.
expect_replay() {
    expect_success "$1"
    await "group that has read everything of run $1" is_read_up
    intake_offsets >"$work/now.intake"
    diff "$work/before.intake" "$work/now.intake" >&2 || wrong "run $1 moved the intake"
    kafka groups >"$work/now.groups"
    diff "$work/before.groups" "$work/now.groups" >&2 || wrong "run $1 changed the groups"
}

# expect_like_local NAME OPTION...: the run has the digests of a local run over $work/metadata.csv.
expect_like_local() {
    local name=$1
    shift
    local_run local "$work/store-local" "$@"
    expect_success local
    expect_equal "recordings of run $name" "$(field "$name" .dataset.recordings)" "$(field local .dataset.recordings)"
    expect_equal "digests of run $name" "$(digests "$name")" "$(digests local)"
}

small_csv "$work/all.csv"
for half in 0 1; do # of each role and class
    awk -F, -v half=$half 'NR == 1 || seen[$4, $2]++ % 2 == half' "$work/all.csv" >"$work/half-$half.csv"
done
fleet_up --feature-workers 1
add_audio "$work/half-0.csv"
sleep 0.1
between=$(date -u +%Y-%m-%dT%H:%M:%S.%3NZ)
sleep 0.1
add_audio "$work/half-1.csv" # and the noises again
cp "$work/all.csv" "$work/metadata.csv"
fleet_run first --config "$config"
expect_success first
expect_equal "recordings of the first run" "$(field first .dataset.recordings)" 20
run=$(field first .run_id)
await "group that has read everything" is_read_up
intake_offsets >"$work/before.intake"
kafka groups >"$work/before.groups"
expect_equal "groups" "$(wc -l <"$work/before.groups")" 6

# Other training: the features are those of before.
kafka ends >"$work/before.ends"
fleet_run trained --config "$config" --set train.optimizer.learning_rate=0.003 --like "$run"
expect_replay trained
expect_equal "version of the model" "$(field trained .model.version)" 2
expect_equal "feature engineering of the run" "$(status trained feature_engineering)" reused
expect_equal "training of the run" "$(status trained model_training)" succeeded
expect_equal "dataset of the run" "$(field trained .dataset.digest)" "$(field first .dataset.digest)"
[ "$(field trained .model.digest)" != "$(field first .model.digest)" ] || wrong "another training gave the same model"
new_messages "$work/before.ends" >"$work/new"
grep -v '^spira\.features\.' "$work/new" | grep -v '^__' >"$work/new.runs"
printf 'spira.%s 1\n' model.evaluated model.published model.trained run.requested | diff - "$work/new.runs" >&2 ||
    wrong "a run has other events"
expect_like_local trained --set train.optimizer.learning_rate=0.003

# Other features: those are computed, of recordings that are taken in already.
fleet_run featured --config "$config" --set features.num_mfcc=20 --like "$run"
expect_replay featured
expect_equal "version of the model" "$(field featured .model.version)" 3
expect_equal "feature engineering of the run" "$(status featured feature_engineering)" succeeded
expect_like_local featured --set features.num_mfcc=20

# A part of the recordings, by time.
fleet_run early --config "$config" --to "$between"
expect_replay early
expect_equal "recordings before then" "$(field early .dataset.recordings)" 10
cp "$work/half-0.csv" "$work/metadata.csv"
expect_like_local early

fleet_run late --config "$config" --from "$between"
expect_replay late
expect_equal "recordings since then" "$(field late .dataset.recordings)" 10
cp "$work/half-1.csv" "$work/metadata.csv"
expect_like_local late

# A part by offsets: the recordings and noises whose last event between them is there.
from=1 to=4
kafka read spira.audio.accepted |
    jq -r "select(.offset >= $from and .offset < $to) | .headers.ce_subject" | sort -u >"$work/part"
awk -F, 'NR == FNR { part[$1]; next } FNR == 1 || $1 in part' "$work/part" "$work/all.csv" >"$work/metadata.csv"
awk -F, 'NR == FNR { part[$1]; next } FNR == 1 || $1 in part' "$work/part" "$corpus/noise.csv" >"$work/noise.csv"
fleet_run part --config "$config" --from "$from" --to "$to"
expect_replay part
expect_equal "recordings of the part" "$(field part .dataset.recordings)" "$(($(wc -l <"$work/metadata.csv") - 1))"
expect_like_local part --noise "$work/noise.csv"

# Nothing is there.
fleet_run empty --config "$config" --from 1000
expect_refusal empty 3 "spira.audio.accepted holds no recording between --from and --to"
fleet_run unknown --config "$config" --like 01900000-0000-7000-8000-000000000000
expect_refusal unknown 3 01900000-0000-7000-8000-000000000000

# Every run as spiractl shows it, one on a line.
all_runs() {
    local run
    for run in $("$spiractl" run list -o json | jq -r '.[].run_id'); do
        "$spiractl" run show "$run" -o json | jq -c .
    done
}

# is_as_before: whether the state holds what Kafka says, and every run shows as before.
is_as_before() {
    "$spiractl" state rebuild --check >"$work/check" 2>&1 && [ "$(all_runs)" = "$runs" ]
}

# Redis is wiped: the run tracker rebuilds the state by itself; so does the command.
runs=$(all_runs)
[ "$(wc -l <<<"$runs")" -ge 5 ] || wrong "too few runs: $runs"
redis-cli -u "$REDIS_URL" flushall >/dev/null
await "state that the tracker rebuilt" is_as_before
redis-cli -u "$REDIS_URL" flushall >/dev/null
"$spiractl" state rebuild >/dev/null 2>"$work/rebuild.err"
await "state that the command rebuilt" is_as_before
