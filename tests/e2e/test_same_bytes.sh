#!/usr/bin/env bash
# The same dataset, model and evaluation, byte for byte, for any number of threads, and with the vectors of
# an AVX2 machine as with those of an AVX-512 machine.
# shellcheck source=tests/e2e/e2e.sh
. "$(dirname "$0")/e2e.sh"

# same NAME WHAT OPTION...: a run of its own store, with the digests of the one before it.
same() {
    local name=$1 what=$2
    shift 2
    local_run "$name" "$work/store-$name" "$@"
    expect_success "$name"
    expect_equal "digests $what" "$(digests "$name")" "$expected"
}

small_csv "$work/metadata.csv"
for model in spiraconv_v2 spiraconv_v1; do
    options=(--set "model.name=$model")
    # Of 13 features no pair of time steps is whole vectors: another way through the network.
    [ "$model" = spiraconv_v2 ] || options+=(--set features.num_mfcc=13)
    local_run "$model" "$work/store-$model" --threads 1 "${options[@]}"
    expect_success "$model"
    expected=$(digests "$model")
    for threads in 2 8; do
        same "$model-$threads" "of $model with $threads threads" --threads "$threads" "${options[@]}"
    done
    for level in avx2 avx512; do
        if grep -qw "${level}f\?" /proc/cpuinfo; then
            SPIRA_DISPATCH=$level same "$model-$level" "of $model with $level" --threads 1 "${options[@]}"
        fi
    done
done
