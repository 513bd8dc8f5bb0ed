#!/usr/bin/env bash
# Wrong recordings are set aside, each with a reason that names it; the others make the dataset.
# shellcheck source=tests/e2e/e2e.sh
. "$(dirname "$0")/e2e.sh"

# A root of its own: the corpus beside the wrong files.
root=$work/root
mkdir -p "$root/wrong"
cp -r "$corpus/noise" "$root/noise"
cp -r "$corpus/speech" "$root/speech"
small_csv "$work/metadata.csv"
good=$(sed -n 2p "$work/metadata.csv" | cut -d, -f1)
printf 'this is no sound\n' >"$root/wrong/text.wav"
: >"$root/wrong/empty.wav"
sox -R -D "$corpus/$good" "$root/wrong/cut.wav" trim 1 0.1
sox -R -D -n -r 16000 -b 16 "$root/wrong/silence.wav" trim 0 3
sox -R -D "$corpus/$good" "$root/wrong/unlabelled.wav" speed 1.1
for name in text empty cut silence missing; do
    printf 'wrong/%s.wav,0,wrong-%s,train,m1\n' "$name" "$name"
done >>"$work/metadata.csv"
printf 'wrong/unlabelled.wav,,wrong-unlabelled,train,m1\n' >>"$work/metadata.csv"
corpus=$root
cp "$2/noise.csv" "$root/noise.csv"

local_run strict "$work/store"
expect_refusal strict 1 "quarantined"

local_run lenient "$work/store" --set audio.max_quarantined_share=0.5
expect_success lenient
expect_equal "recordings" "$(field lenient .dataset.recordings)" 20
expect_equal "quarantined" "$(field lenient .dataset.quarantined)" 6
expect_equal "quarantined, one by one" "$(field lenient '.dataset.validation.quarantined | length')" 6
expect_equal "recordings of the train role" "$(field lenient .dataset.validation.roles.train.recordings)" 12

# reason_of FILE: what validation.json says of it.
validation=$(find "$work/store/dataset" -name validation.json)
reason_of() {
    jq -r --arg id "wrong/$1.wav" \
        '.quarantined[] | select(.recording_id | endswith($id)) | select(.message | length > 0) | .reason' \
        "$validation"
}
expect_equal "reason of text.wav" "$(reason_of text)" unreadable
expect_equal "reason of empty.wav" "$(reason_of empty)" unreadable
expect_equal "reason of cut.wav" "$(reason_of cut)" too_short
expect_equal "reason of silence.wav" "$(reason_of silence)" silent
expect_equal "reason of unlabelled.wav" "$(reason_of unlabelled)" label_missing
expect_equal "reason of missing.wav" "$(reason_of missing)" missing
