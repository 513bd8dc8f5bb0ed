#!/usr/bin/env bash
# One thread and two threads make the same dataset, model and evaluation, byte for byte.
# shellcheck source=tests/e2e/e2e.sh
. "$(dirname "$0")/e2e.sh"

small_csv "$work/metadata.csv"
SPIRA_THREADS=1 local_run one "$work/store-one"
expect_success one
SPIRA_THREADS=2 local_run two "$work/store-two"
expect_success two
expect_equal "digests with two threads" "$(digests two)" "$(digests one)"
