#!/usr/bin/env bash
# Many small recordings, fanned out: two feature workers, one of them killed midway, make the dataset
# that one worker makes alone, and one that holds what was withdrawn no more.
# RECORDINGS=2000 tests/e2e/test_fleet_shards.sh SPIRACTL CORPUS FLEET takes that many, else 300.
# shellcheck source=tests/e2e/fleet_e2e.sh
. "$(dirname "$0")/fleet_e2e.sh"
recordings=${RECORDINGS:-300}

# The recordings, two of each patient, and their CSV files, below $work/tones.
synthesise() {
    python3 - "$work/tones" "$recordings" <<'PYTHON'
import array, math, os, random, sys, wave

folder, count = sys.argv[1], int(sys.argv[2])
os.mkdir(folder)

def write(name, seconds, pitch):
    draw = random.Random(name)
    with wave.open(os.path.join(folder, name), "wb") as recording:
        recording.setnchannels(1)
        recording.setsampwidth(2)
        recording.setframerate(8000)
        recording.writeframes(array.array("h", (
            int(6000 * math.sin(pitch * t) + draw.uniform(-900, 900))
            for t in range(int(seconds * 8000)))).tobytes())

with open(os.path.join(folder, "metadata.csv"), "w") as rows:
    rows.write("file_path,class,patient\n")
    for i in range(count):
        write(f"{i:05}.wav", 0.9, 0.3 + 0.2 * (i // 2 % 2) + 0.0001 * i)
        rows.write(f"{i:05}.wav,{i // 2 % 2},p{i // 2}\n")
write("ward.wav", 200, 0.05)  # every shard decodes it: time to kill its worker
with open(os.path.join(folder, "noise.csv"), "w") as rows:
    rows.write("file_path\nward.wav\n")
PYTHON
}

# shards: how many the store holds.
shards() {
    find "$SPIRA_STORE/features" -name artifact.json | wc -l
}

# share_shards: whether both feature workers are members of their group.
share_shards() {
    [ "$(kafka groups | awk '/feature/ && $2 == "Stable" { print NF - 2 }')" = 2 ]
}

# forget_features: what a run would find of an earlier one.
forget_features() {
    rm -rf "$SPIRA_STORE/features" "$SPIRA_STORE/dataset"
}

synthesise
corpus=$work/tones
fleet_up --feature-workers 1
SECONDS=0
add_audio "$corpus/metadata.csv" --timeout 900
echo "$recordings recordings accepted: $SECONDS s"

# Copies enough that a shard takes its time.
options=(--config "$config" --set train.epochs=1 --set transform.noise.copies=40
    --set transform.overlap.window_seconds=0.8 --set transform.overlap.step_seconds=0.1)
SECONDS=0
fleet_run one "${options[@]}"
expect_success one
shards=$(shards)
[ "$shards" -ge 8 ] || wrong "only $shards shards"
echo "one feature worker, $shards shards: $SECONDS s"

forget_features
fleet_up --feature-workers 2
await "two members of the group" share_shards
SECONDS=0
run=$(fleet_start "${options[@]}")
await "shard of the second feature worker" has_logged feature-engineering-2 '"step succeeded"'
kill -KILL "$(worker_pid feature-engineering-2)"
[ "$(shards)" -lt "$shards" ] || wrong "it was killed when all was done"
fleet_wait two "$run"
expect_success two
echo "two feature workers, one killed: $SECONDS s"
expect_equal "recordings of the dataset" "$(field two .dataset.recordings)" "$recordings"
expect_equal "digest of the dataset of two workers" "$(field two .dataset.digest)" \
    "$(field one .dataset.digest)"
expect_equal "shards of two workers" "$(shards)" "$shards"

"$spiractl" audio withdraw 00007.wav --reason test -o json >"$work/withdrawn.json"
fleet_run without --like "$run" "${options[@]}"
expect_success without
expect_equal "recordings without the one withdrawn" "$(field without .dataset.recordings)" \
    $((recordings - 1))
expect_equal "shards with the one it was in" "$(shards)" $((shards + 1))
