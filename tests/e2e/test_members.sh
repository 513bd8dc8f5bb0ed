#!/usr/bin/env bash
# A run of several trainings: folds times seeds, each evaluated, one published; found again by a second
# run; killed in the middle it goes on.
# shellcheck source=tests/e2e/e2e.sh
. "$(dirname "$0")/e2e.sh"

# patients NAME FOLD: the patients of a fold in the dataset of a run, one a line.
patients() {
    jq -r --argjson fold "$2" '.recordings[] | select(.fold == $fold) | .patient' "$work/$1-dataset.json" |
        LC_ALL=C sort -u
}

small_csv "$work/metadata.csv"
several=(--set train.folds=3 --set 'train.seeds=[1,2]')

local_run first "$work/store" "${several[@]}"
expect_success first
expect_equal "members" "$(field first '.members | map([.member, .fold, .seed] | join(" ")) | join(", ")')" \
    "0 0 1, 1 0 2, 2 1 1, 3 1 2, 4 2 1, 5 2 2"
expect_equal "different models" "$(field first '.members | map(.digest) | unique | length')" 6
expect_equal "steps of the run" "$(field first '.steps | map(.step) | join(" ")')" \
    "audio_intake feature_engineering model_training model_evaluation model_publish"

# Each patient who is not tested is in one fold, and each recording is validated once.
find "$work/store/dataset" -name dataset.json -exec cp {} "$work/first-dataset.json" \;
expect_equal "patients in two folds" \
    "$({ patients first 0; patients first 1; patients first 2; } | LC_ALL=C sort | uniq -d)" ""
expect_equal "tested recordings in a fold" \
    "$(jq '[.recordings[] | select(.role == "test" and has("fold"))] | length' "$work/first-dataset.json")" 0
evaluation=$(find "$work/store/evaluations" -name evaluation.json)
expect_equal "recordings out of fold" "$(jq '.cross_validation.scores | length' "$evaluation")" 16
expect_equal "validation recordings of the members of the first seed" \
    "$(jq '[.members[] | select(.seed == 1) | .validation.recordings] | add' "$evaluation")" 16

# The published model is the member of the lowest validation loss, with its own metrics.
best=$(field first '.members | min_by(.validation_loss) | .member')
expect_equal "published member" "$(field first .evaluation.published_member)" "$best"
expect_equal "published model" "$(sha256sum <"$(field first .model.path)" | cut -d' ' -f1)" \
    "$(field first ".members[$best].digest")"
expect_equal "metrics of the published model" \
    "$(jq -cS .metrics "$(dirname "$(field first .model.path)")/model.json")" \
    "$(jq -cS ".members[$best].test.metrics" "$evaluation")"

# The same again is found; without the folds the features are others, with other seeds the same.
local_run second "$work/store" "${several[@]}"
expect_success second
expect_equal "statuses of the second run" "$(statuses second)" reused
expect_equal "digests of the second run" "$(digests second)" "$(digests first)"
local_run seeds "$work/store" --set train.folds=3 --set 'train.seeds=[2,3]'
expect_success seeds
expect_equal "features with other seeds" \
    "$(field seeds '.steps[] | select(.step == "feature_engineering") | .status')" reused
expect_equal "trainings with a seed of before" \
    "$(field seeds '.members | map(select(.seed == 2) | .digest) | join(" ")')" \
    "$(field first '.members | map(select(.seed == 2) | .digest) | join(" ")')"

# A member without folds is the training of that seed alone.
local_run alone "$work/store-alone"
expect_success alone
local_run pair "$work/store-alone" --set 'train.seeds=[7,8]' # 7 is the run's own
expect_success pair
expect_equal "model of the run's own seed" "$(field pair '.members[0].digest')" "$(field alone .model.digest)"
expect_equal "cross-validation without folds" "$(field pair '.evaluation | has("cross_validation")')" false

# Killed in the middle, it goes on: one thread more changes nothing either.
longer=("${several[@]}" --set train.epochs=12)
local_run quiet "$work/store-quiet" "${longer[@]}"
expect_success quiet
local_run killed "$work/store-killed" "${longer[@]}" --threads 2 &
run=$!
for _ in $(seq 1200); do
    [ "$(find "$work/store-killed/models" -name artifact.json 2>/dev/null | wc -l)" -lt 2 ] || break
    sleep 0.05
done
pkill -KILL -P "$run" || wrong "the run ended before it could be killed"
wait "$run" || true
[ ! -s "$work/killed.json" ] || wrong "the killed run printed a result"
local_run after "$work/store-killed" "${longer[@]}"
expect_success after
expect_equal "digests after the kill" "$(digests after)" "$(digests quiet)"
expect_equal "members after the kill" "$(field after '.members | map(.digest) | join(" ")')" \
    "$(field quiet '.members | map(.digest) | join(" ")')"

# Too few patients for so many folds: said before anything is trained.
local_run many "$work/store-many" --set train.folds=12
expect_refusal many 1 "of 12 has no recording of label"
