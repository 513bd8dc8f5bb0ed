#!/usr/bin/env bash
# Usage: test_levels.sh GOLDEN-CHECK FOLDER
# The vectors hold at every level of core/base/dispatch.h that this machine has.
set -euo pipefail
check=$1
folder=$2
declare -A flag=([scalar]=sse2 [avx2]=avx2 [avx512]=avx512f)
for level in scalar avx2 avx512; do
    grep -qw "${flag[$level]}" /proc/cpuinfo || continue
    echo "$level: $(SPIRA_DISPATCH=$level "$check" "$folder" | tail -n 1)"
done
