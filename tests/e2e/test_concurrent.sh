#!/usr/bin/env bash
# Two runs on one store: the second waits for the first and then reuses what it made.
# shellcheck source=tests/e2e/e2e.sh
. "$(dirname "$0")/e2e.sh"

small_csv "$work/metadata.csv"
{ local_run left "$work/store"; expect_success left; } &
left=$!
{ local_run right "$work/store"; expect_success right; } &
right=$!
wait "$left"
wait "$right"
expect_equal "digests of both" "$(digests left)" "$(digests right)"
both=$(printf '%s\n%s\n' "$(statuses left)" "$(statuses right)" | sort | paste -sd ' ')
expect_equal "statuses of both" "$both" "reused succeeded"
