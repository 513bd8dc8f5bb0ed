#!/usr/bin/env bash
# A full disk ends a run with one clear line and exit code 1, early or late; nothing is corrupt: when
# there is space again, the next run on the same store ends with the digests of an undisturbed one.
# Runs again inside a mount namespace to get a small disk of its own; where that is not allowed, a
# limit on the size of files stands for it.
if [ "${SPIRA_E2E_DISK:-}" = "" ]; then
    if unshare --mount true 2>/dev/null; then
        SPIRA_E2E_DISK=tmpfs exec unshare --mount "$0" "$@"
    elif unshare --map-root-user --mount true 2>/dev/null; then
        SPIRA_E2E_DISK=tmpfs exec unshare --map-root-user --mount "$0" "$@"
    fi
    export SPIRA_E2E_DISK=limit
fi
# shellcheck source=tests/e2e/e2e.sh
. "$(dirname "$0")/e2e.sh"

small_csv "$work/metadata.csv"
local_run quiet "$work/store-quiet"
expect_success quiet

mkdir "$work/store"
if [ "$SPIRA_E2E_DISK" = tmpfs ]; then
    full="No space left on device"
    mount -t tmpfs -o size=1m tmpfs "$work/store"
    trap 'umount "$work/store"; rm -rf "$work"' EXIT
    local_run early "$work/store"
    expect_refusal early 1 "$full"
    used=$(du -sk "$work/store-quiet" | cut -f1)
    mount -o "remount,size=$((used * 3 / 4))k" "$work/store"
    local_run late "$work/store"
    expect_refusal late 1 "$full"
    mount -o remount,size=400m "$work/store"
else
    full="File too large"
    trap '' XFSZ # ignored here and in the children: a write beyond the limit fails instead
    for blocks in 100 400; do
        (
            ulimit -f "$blocks"
            local_run "limit-$blocks" "$work/store"
            expect_refusal "limit-$blocks" 1 "$full"
        )
    done
fi
local_run after "$work/store"
expect_success after
expect_equal "digests after the full disk" "$(digests after)" "$(digests quiet)"
