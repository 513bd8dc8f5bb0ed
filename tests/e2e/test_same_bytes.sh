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

# everywhere NAME OPTION...: the same digests for any number of threads and any vectors. OpenBLAS takes
# part too, with products that differ: in none of these runs it is asked.
everywhere() {
    local name=$1 threads level
    shift
    local_run "$name" "$work/store-$name" --threads 1 "$@"
    expect_success "$name"
    expected=$(digests "$name")
    for threads in 2 8; do
        same "$name-$threads" "of $name with $threads threads" --threads "$threads" "$@"
    done
    for level in avx2 avx512; do
        if grep -qw "${level}f\?" /proc/cpuinfo; then
            OPENBLAS_CORETYPE=$([ "$level" = avx2 ] && echo Haswell || echo SkylakeX) \
                SPIRA_DISPATCH=$level same "$name-$level" "of $name with $level" --threads 1 "$@"
        fi
    done
}

small_csv "$work/metadata.csv"
everywhere v2
# Of 13 features no pair of time steps is whole vectors: another way through the network.
everywhere v1 --set model.name=spiraconv_v1 --set features.num_mfcc=13
# Several trainings of one run, and the evaluation of all of them.
everywhere members --set features.num_mfcc=13 --set train.seeds=[1,2] --set train.epochs=1
