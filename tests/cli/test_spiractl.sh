#!/usr/bin/env bash
# test_spiractl.sh SPIRACTL ROOT: what people and scripts see of every command but the pipeline itself
# (tests/e2e/): help, usage errors, exit codes, stdout and stderr. ROOT is the project's folder.
set -euo pipefail

spiractl=$1
root=$2
work=$(mktemp -d "${TMPDIR:-/tmp}/spira-cli.XXXXXX")
trap 'rm -rf "$work"' EXIT
"$root/tests/cli/make_recordings.py" "$work"
cd "$work"
unset SPIRA_STORE SPIRA_INBOX SPIRA_THREADS OMP_NUM_THREADS KAFKA_BOOTSTRAP_SERVERS REDIS_URL

wrong() {
    printf 'FAILED: %s\n' "$*" >&2
    head -n 20 out err >&2
    exit 1
}

# try CODE ARGUMENT...: runs it, expects that exit code; its output is in out and err.
try() {
    local expected=$1 code=0
    shift
    "$spiractl" "$@" >out 2>err </dev/null || code=$?
    [ "$code" -eq "$expected" ] || wrong "spiractl $*: exit code $code, expected $expected"
}

# says FILE TEXT: out or err has the text.
says() {
    grep -qF -- "$2" "$1" || wrong "$1 does not say '$2'"
}

# silent FILE...: nothing is there.
silent() {
    local file
    for file in "$@"; do
        [ ! -s "$file" ] || wrong "$file should be empty"
    done
}

# refuses CODE TEXT ARGUMENT...: that exit code, one line on stderr with the text, nothing on stdout.
refuses() {
    local code=$1 text=$2
    shift 2
    try "$code" "$@"
    silent out
    [ "$(wc -l <err)" -eq 1 ] || wrong "spiractl $*: not one line"
    says err "$text"
}

# json FILTER EXPECTED: a part of the JSON on stdout.
json() {
    local value
    value=$(jq -r "$1" out) || wrong "no JSON"
    [ "$value" = "$2" ] || wrong "$1 is '$value', expected '$2'"
}

help() {
    local commands=("local run" "audio add" "audio check" "audio features" "audio withdraw" "run start"
        "run list" "run show" "run watch" "run wait" "run cancel" "model list" "model show" "model predict"
        "model export" "dlq list" "dlq show" "dlq retry" "dlq discard" "state rebuild" "topics ensure" "config check" "config import" "version")
    local command words
    try 0 --help
    silent err
    cp out all
    for command in "${commands[@]}"; do
        says all "  $command "
        read -ra words <<<"$command"
        try 0 "${words[0]}" --help
        says out "Usage: spiractl ${words[0]}"
        try 0 "${words[@]}" -h
        try 0 "${words[@]}" --help
        silent err
        says out "Usage: spiractl $command"
        says out "Example:"
        says out "--help"
    done
    [ "$(grep -c '^  [a-z]' all)" -eq ${#commands[@]} ] || wrong "--help lists other commands too"
}

usage() {
    try 2
    silent out
    says err "Usage: spiractl"
    refuses 2 "unknown command 'lokal' (the nearest is 'local')" lokal run
    refuses 2 "unknown command 'modle' (the nearest is 'model')" modle list
    refuses 2 "unknown option '--verbose'" --verbose
    refuses 2 "'lst' (the nearest is 'list')" model lst
    refuses 2 "model: a verb must follow" model
    refuses 2 "unknown option '--sotre' (the nearest is '--store')" model list --sotre s
    refuses 2 "local: a verb must follow" local
    refuses 2 "unknown option '--sed' (the nearest is '--set')" local run --sed a=b
    refuses 2 "missing option --csv FILE" local run --root . --config run.json --store store
    refuses 2 "no store" local run --csv a.csv --root . --config run.json
    refuses 3 "none.json" local run --csv a.csv --root . --config none.json --store store
    refuses 2 "missing option --model FILE" model predict --in a.wav
    refuses 2 "missing FILE" audio check
    refuses 2 "'xml' is neither table nor json" audio check voice.wav -o xml
    refuses 2 "'b.json'" config check a.json b.json
    refuses 2 "--store" model list
    refuses 2 "--threads: '0'" model predict --model m --in voice.wav --threads 0
    SPIRA_THREADS=two refuses 2 "SPIRA_THREADS: 'two'" model predict --model m --in voice.wav
    # (Of a value that is no number libgomp complains too, before we can.)
    OMP_NUM_THREADS=5000 refuses 2 "OMP_NUM_THREADS: '5000'" model predict --model m --in voice.wav
}

version() {
    try 0 version -o json
    silent err
    json '.version' "$(sed -nE 's/^project\(spira VERSION ([0-9.]+).*/\1/p' "$root/CMakeLists.txt")"
    json '.commit | test("^([0-9a-f]{40}|unknown)$")' true
    json '.libraries | has("sndfile")' true
    try 0 version
    says out "spiractl "
    local code=0
    "$spiractl" version >/dev/full 2>err || code=$?
    [ "$code" -eq 1 ] || wrong "a full disk behind stdout: exit code $code"
    says err "No space left on device"
}

audio_check() {
    try 0 audio check voice.wav stereo.wav -o json
    silent err
    json 'map(.reason) | join(" ")' "ok ok"
    json '.[0].facts | "\(.rate_hz) \(.channels) \(.seconds == 3) \(.format)"' "8000 1 true wav pcm16"
    json '.[1].facts.channels' 2
    try 1 audio check voice.wav silence.wav text.wav empty.wav clipped.wav -o json
    json 'map(.reason) | join(" ")' "ok silent unreadable unreadable clipped"
    json 'map(.accepted) | join(" ")' "true false false false false"
    json 'map(select(.accepted | not) | .message | length > 0) | all' true
    try 3 audio check text.wav none.wav voice.wav
    says err "none.wav"
    says out "unreadable"
    says out "missing"
    says out "3.000"
}

configurations() {
    cat >run.json <<'END'
// Comments are fine.
{ "seed": 9, "features": { "type": "mfcc", "num_mfcc": 20 },
  "transform": { "noise": { "num_control": 1, "num_patient": 1, "min_amp": 0.1, "max_amp": 0.2 },
                 "overlap": { "window_seconds": 2, "step_seconds": 1 } } }
END
    try 0 config check run.json
    silent err
    [ "$(cat out)" = ok ] || wrong "config check does not say ok"
    try 0 config check run.json -o json
    json '"\(.seed) \(.features.num_mfcc) \(.features.num_mels)"' "9 20 40"
    cp out full.json
    try 0 config check full.json -o json
    cmp out full.json || wrong "a full configuration does not stay as it is"
    printf '{\n  "seed": 1,\n  "name" "x"\n}\n' >syntax.json
    refuses 2 "syntax.json:3" config check syntax.json
    printf '{"train": {"epoch": 3}}' >key.json
    refuses 2 "train.epoch" config check key.json
    printf '{"train": {"epochs": "many"}}' >value.json
    refuses 2 "train.epochs" config check value.json
    refuses 3 "none.json" config check none.json
}

imports() {
    cat >published.json <<'END'
{ "seed": 42,
  "options": {
    "feature_engineering": { "use_noise": true, "use_overlapping": true, "use_padding": false, "use_mixture": false },
    "train": { "use_clipping": true, "use_lr_decay": true, "use_class_balancing": true } },
  "parameters": {
    "audio": {
      "feature_type": "mfcc", "hop_length": 160,
      "mfcc": { "sample_rate": 16000, "num_mels": 40, "num_mfcc": 30, "log_mels": false, "n_fft": 1200, "win_length": 400 } },
    "dataset": { "normalize": true, "patients_csv": "patients.csv", "controls_csv": "controls.csv", "noises_csv": "noises.csv" },
    "model": { "name": "spiraconv_v2", "fc1_dim": 100, "fc2_dim": 1 },
    "feature_engineering": {
      "noisy_audio": { "num_noise_control": 2, "num_noise_patient": 1, "noise_max_amp": 0.19, "noise_min_amp": 0.03 },
      "overlapped_audio": { "window_length": 3, "step_size": 1 } },
    "train": {
      "optimizer": { "category": "adam", "learning_rate": 0.001, "weight_decay": 0.001 },
      "scheduler": { "warmup_steps": 500 }, "checkpoint": { "dir": "./checkpoint", "interval": 500 },
      "early_stop_epochs": 0, "epochs": 77, "loss1_weight": 3.0, "batch_size": 16, "seed": 42, "num_workers": 14,
      "logs_path": "./logs", "reinit_layers": null, "summary_interval": 10 } } }
END
    try 0 config import published.json
    grep -qv '^spiractl: warning: ' err && wrong "what is on stderr is more than warnings"
    says err "loss1_weight"
    json '"\(.features.num_mfcc) \(.train.epochs) \(.transform.overlap.window_seconds == 3)"' "30 77 true"
    cp out imported.json
    try 0 config check imported.json
    refuses 2 "config import" config check published.json
    refuses 2 "run.json" config import run.json
    refuses 3 "none.json" config import none.json
}

audio_features() {
    try 0 audio features --config run.json --in voice.wav --out voice.safetensors -o json
    silent err
    json '"\(.windows) \(.frames) \(.features)"' "2 201 20"
    # The header: 8 bytes of length, then JSON.
    local length
    length=$(od -An -tu8 -N8 voice.safetensors | tr -d ' ')
    head -c $((8 + length)) voice.safetensors | tail -c +9 >out
    json '.features | "\(.dtype) \(.shape | join(" "))"' "F32 2 201 20"
    cp voice.safetensors first.safetensors
    try 0 audio features --config run.json --in voice.wav --out voice.safetensors
    cmp voice.safetensors first.safetensors || wrong "the same recording has other features"
    try 0 audio features --config run.json --in brief.wav --out brief.safetensors -o json
    json '.windows' 1
    sed 's/"overlap": {.*}/"overlap": null, "padding": true } }/' run.json >whole.json
    try 0 audio features --config whole.json --in voice.wav --out whole.safetensors -o json
    json '"\(.windows) \(.frames)"' "1 301"
    refuses 1 "text.wav" audio features --config run.json --in text.wav --out no.safetensors
    refuses 3 "none.wav" audio features --config run.json --in none.wav --out no.safetensors
    refuses 3 "none.json" audio features --config none.json --in voice.wav --out no.safetensors
    refuses 2 "train.epoch" audio features --config key.json --in voice.wav --out no.safetensors
    refuses 3 "nowhere/x" audio features --config run.json --in voice.wav --out nowhere/x.safetensors
    [ ! -e no.safetensors ] || wrong "a refused recording left a file"
}

models() {
    refuses 3 "nowhere" model list --store nowhere
    [ ! -e nowhere ] || wrong "looking made a store"
    mkdir store
    SPIRA_STORE=store try 0 model list -o json
    json 'length' 0
    refuses 3 "'x'" model show x --store store
    # Two versions of one model, the first of which is champion (core/publish/registry.h).
    local number
    for number in 1 2; do
        mkdir -p "store/registry/x/versions/00000$number"
        printf '{"metrics": {"accuracy": 0.%s5, "roc_auc": null}, "dataset": "d%s",
                 "published": {"model": "x", "version": %s, "sha256": "abc%s"}}' \
            "$number" "$number" "$number" "$number" >"store/registry/x/versions/00000$number/model.json"
    done
    printf '{"change": 1, "version": 1}' >store/registry/x/champion.json
    try 0 model list --store store -o json
    json 'map("\(.published.version)\(.champion)") | join(" ")' "1true 2false"
    try 0 model list --store store
    says out "undefined"
    [ "$(grep -c '^x ' out)" -eq 2 ] || wrong "not a line for each version"
    try 0 model show x --store store -o json
    json '"\(.published.version) \(.champion) \(.dataset)"' "1 true d1"
    try 0 model show x@2 --store store -o json
    json '"\(.published.version) \(.champion)"' "2 false"
    try 0 model show x --store store
    says out "1 (champion)"
    says out "store/registry/x/versions/000001/model.safetensors"
    refuses 3 "x" model show x@3 --store store
    refuses 3 "'y'" model show y --store store
    refuses 2 "'x@0'" model show x@0 --store store
    refuses 2 "'../x'" model show ../x --store store
    refuses 3 "none.safetensors" model predict --model none.safetensors --in voice.wav
    cp voice.safetensors store/model.safetensors
    refuses 3 "store/model.json" model predict --model store/model.safetensors --in voice.wav
}

# What cannot be exported; what can is in tests/interop/.
exports() {
    local out=(--format onnx --out exported.onnx)
    refuses 2 "missing option --format FORMAT" model export --model none.safetensors --out exported.onnx
    refuses 2 "--format: 'tflite' is not 'onnx'" model export --model none.safetensors --format tflite --out x
    refuses 3 "none.safetensors" model export --model none.safetensors "${out[@]}"
    refuses 1 "run.json" model export --model run.json "${out[@]}"
    mkdir export
    cp voice.safetensors export/model.safetensors
    refuses 3 "export/model.json" model export --model export/model.safetensors "${out[@]}"
    try 0 config check run.json -o json
    jq '{format: 1, configuration: ., frames: 201, features: 20}' out >export/model.json
    refuses 1 "'conv.0.weight'" model export --model export/model.safetensors "${out[@]}"
    jq '.features = 21' export/model.json >other.json
    refuses 1 "other.json: 'features' is 21" \
        model export --model export/model.safetensors --model-config other.json "${out[@]}"
    jq '.frames = 20' export/model.json >short.json
    refuses 1 "short.json: windows of 20 frames are too short" \
        model export --model export/model.safetensors --model-config short.json "${out[@]}"
    [ ! -e exported.onnx ] || wrong "a refused model left a file"
}

# The fleet's commands where there is no fleet: nothing listens on port 1.
fleet() {
    local command words
    local run=01890a5d-ac96-774b-bcce-b302099a8057
    refuses 2 "--kafka or set KAFKA_BOOTSTRAP_SERVERS" topics ensure
    export KAFKA_BOOTSTRAP_SERVERS=127.0.0.1:1
    refuses 2 "--redis or set REDIS_URL" run list
    export REDIS_URL=redis://127.0.0.1:1/0
    refuses 2 "--store or set SPIRA_STORE" run list
    export SPIRA_STORE=$work/fleet-store
    refuses 6 "127.0.0.1:1" run list
    [ ! -e fleet-store ] || wrong "a store was made"
    mkdir fleet-store fleet-inbox
    refuses 2 "--inbox or set SPIRA_INBOX" audio add voice.wav --label 1
    export SPIRA_INBOX=$work/fleet-inbox
    refuses 6 "127.0.0.1:1" run list
    for command in "topics ensure" "run start --config run.json" "run wait $run" \
        "audio add voice.wav --label 1" "audio withdraw voice.wav"; do
        read -ra words <<<"$command"
        SECONDS=0
        refuses 6 "Kafka: 127.0.0.1:1" "${words[@]}"
        [ "$SECONDS" -le 10 ] || wrong "spiractl $command: $SECONDS s"
    done
    [ -z "$(ls fleet-inbox)" ] || wrong "a copy is in the inbox"

    refuses 2 "nothing to add" audio add
    refuses 2 "--root" audio add --csv m.csv
    refuses 2 "--label" audio add voice.wav
    refuses 2 "--label: '2'" audio add voice.wav --label 2
    refuses 2 "go with FILE" audio add --csv m.csv --root . --patient p
    refuses 2 "--wait" audio add voice.wav --label 1 --timeout 5
    refuses 3 "m.csv" audio add --csv m.csv --root .
    refuses 2 "nothing to withdraw" audio withdraw
    refuses 3 "m.csv" audio withdraw --csv m.csv
    refuses 3 "none.json" run start --config none.json
    refuses 2 "train.epochs: 0" run start --config run.json --set train.epochs=0
    refuses 2 "--from: 'soon'" run start --config run.json --from soon
    refuses 2 "--like" run start --config run.json --like latest --to 2026-03-01
    refuses 2 "--wait" run start --config run.json --timeout 5
    refuses 2 "missing RUN" run show
    refuses 2 "--timeout: '-1'" run wait latest --timeout -1
    refuses 2 "--limit: '0'" run list --limit 0
    refuses 2 "--partitions: 'x'" topics ensure --partitions x
    unset SPIRA_STORE SPIRA_INBOX KAFKA_BOOTSTRAP_SERVERS REDIS_URL
}

help
usage
version
audio_check
configurations
fleet
imports
audio_features
models
exports
