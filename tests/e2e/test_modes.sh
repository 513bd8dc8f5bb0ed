#!/usr/bin/env bash
# What a window is, and what is computed of it: padded and mixed recordings, and networks that work
# frame by frame, with each kind of features, trained, evaluated, published and asked again.
# shellcheck source=tests/e2e/e2e.sh
. "$(dirname "$0")/e2e.sh"
small_csv "$work/metadata.csv"
voice=$corpus/$(awk -F, 'NR == 2 { print $1 }' "$work/metadata.csv")

# mode NAME OPTION...: a run, and a prediction of its model; of two threads the same.
mode() {
    local name=$1
    shift
    local_run "$name" "$work/store-$name" --threads 1 "$@"
    expect_success "$name"
    local_run "$name-again" "$work/again-$name" --threads 2 "$@"
    expect_success "$name-again"
    expect_equal "digests of $name with two threads" "$(digests "$name-again")" "$(digests "$name")"
    "$spiractl" model predict --model "$(field "$name" .model.path)" --in "$voice" -o json \
        >"$work/prediction.json" 2>"$work/prediction.err" || wrong "$name: $(cat "$work/prediction.err")"
    expect_equal "windows of a recording that is $name" "$(jq '.windows | length' "$work/prediction.json")" 1
    expect_equal "whether $name gives a probability" \
        "$(jq '.probability > 0 and .probability < 1' "$work/prediction.json")" true
    expect_equal "windows of the dataset that is $name" "$(field "$name" .dataset.windows)" 20
}

mode padded --set transform.overlap=null --set transform.padding=true
mode mixed --set transform.overlap=null --set transform.padding=true \
    --set 'transform.mixture={"alpha":0.4,"beta":0.4}' --set features.type=melspectrogram
mode per-frame --set transform.overlap=null --set features.type=spectrogram --set features.n_fft=512
mode per-frame-clean --set transform.overlap=null --set transform.noise=null --set features.log_mels=true
