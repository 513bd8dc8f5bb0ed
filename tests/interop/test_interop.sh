#!/usr/bin/env bash
# Models of every kind, trained by a run, in other hands: their model.onnx in onnx's checker and in
# onnxruntime, the newest and the oldest that runs here; their weights in the reference framework,
# and the framework's weights here. SPIRA_WITHOUT_PYPI=1: no test (exit code 77), for a machine that
# cannot reach PyPI.
# shellcheck source=tests/e2e/e2e.sh
. "$(dirname "$0")/../e2e/e2e.sh"
if [ "${SPIRA_WITHOUT_PYPI:-}" = 1 ]; then
    echo "not tested: SPIRA_WITHOUT_PYPI is set"
    exit 77
fi
here=$(cd "$(dirname "$0")" && pwd)
current=$("$here/packages.sh" current)
oldest=$("$here/packages.sh" oldest)
small_csv "$work/metadata.csv"

# train NAME OPTION...: a run, whose model is then $work/NAME/model.{safetensors,json,onnx}; the one it
# was trained as, before it was published, gives the same model.onnx.
train() {
    local name=$1 trained
    shift
    local_run "$name" "$work/store-$name" --set train.epochs=4 "$@"
    expect_success "$name"
    cp -r "$(dirname "$(field "$name" .model.path)")" "$work/$name"
    trained=$(echo "$work/store-$name"/models/*/model.safetensors)
    "$spiractl" model export --model "$trained" --format onnx --out "$work/exported.onnx" -o json \
        >"$work/export.json"
    cmp "$work/exported.onnx" "$work/$name/model.onnx" || wrong "$name: published and exported differ"
    expect_equal "digest that the export of $name says" "$(jq -r .sha256 "$work/export.json")" \
        "$(sha256sum "$work/exported.onnx" | head -c 64)"
    expect_equal "recorded digest of $name's model.onnx" \
        "$(jq -r .published.onnx_sha256 "$work/$name/model.json")" "$(jq -r .sha256 "$work/export.json")"
    models+=("$work/$name")
}

models=()
windows=(--set 'transform.overlap={"window_seconds":2,"step_seconds":1}')
padded=(--set transform.overlap=null --set transform.padding=true)
frames=(--set transform.overlap=null)
train published --set 'transform.overlap={"window_seconds":4,"step_seconds":1}' --set model.fc1_dim=100
for version in v1 v2; do
    network=(--set "model.name=spiraconv_$version")
    train "windows-$version" "${network[@]}" "${windows[@]}"
    train "padded-$version" "${network[@]}" "${padded[@]}" --set features.type=melspectrogram
    train "frames-$version" "${network[@]}" "${frames[@]}"
done

# What cannot be written is said, and what was there stays.
export_to() {
    "$spiractl" model export --model "$work/published/model.safetensors" --format onnx --out "$1" \
        >"$work/said" 2>&1
}
mkdir "$work/folder"
code=0
export_to "$work/folder" || code=$?
expect_equal "exit code of an export over a folder" "$code" 1
grep -qF "$work/folder" "$work/said" || wrong "it does not say which: $(cat "$work/said")"
expect_equal "what it left" "$(find "$work" -name 'folder*' | wc -l)" 1
export_to "$work/exported.onnx" || wrong "an older file is not replaced"
cmp "$work/exported.onnx" "$work/published/model.onnx" || wrong "an older file is not replaced"
grep -qF "any number of windows, of 401 frames, of 40 features" "$work/said" || wrong "table: $(cat "$work/said")"

mapfile -t voices < <(awk -F, 'NR > 1 && NR % 4 == 0 { print $1 }' "$work/metadata.csv")
# The framework's and onnxruntime's threads would wait for each other.
export OMP_NUM_THREADS=1
check() {
    PYTHONPATH=$1 /usr/bin/python3 -W error::UserWarning "$here/$2" "$spiractl" \
        "${models[@]}" -- "${voices[@]/#/$corpus/}" || wrong "$2 with $1"
}
check "$current" check_onnx.py
check "$oldest" check_onnx.py
check "$current" check_framework.py
