#!/usr/bin/env bash
# A second run finds every step's result, says so, and ends with the same digests; an artifact that
# was altered since is made again, with the same bytes.
# shellcheck source=tests/e2e/e2e.sh
. "$(dirname "$0")/e2e.sh"

small_csv "$work/metadata.csv"
local_run first "$work/store"
expect_success first
expect_equal "statuses of the first run" "$(statuses first)" succeeded
expect_equal "recordings" "$(field first .dataset.recordings)" 20
expect_equal "quarantined" "$(field first .dataset.quarantined)" 0
expect_equal "digest of the published model" "$(sha256sum <"$(field first .model.path)" | cut -d' ' -f1)" \
    "$(field first .model.digest)"

local_run second "$work/store"
expect_success second
expect_equal "statuses of the second run" "$(statuses second)" reused
expect_equal "digests of the second run" "$(digests second)" "$(digests first)"
expect_equal "version of the second run" "$(field second .model.version)" "$(field first .model.version)"

shard=$(find "$work/store/features" -name '*.safetensors' | LC_ALL=C sort | head -n 1)
chmod u+w "$shard"
printf 'x' | dd of="$shard" bs=1 seek=4000 conv=notrunc status=none
local_run third "$work/store"
expect_success third
expect_equal "digests after an altered shard" "$(digests third)" "$(digests first)"
