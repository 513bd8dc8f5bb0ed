#!/usr/bin/env bash
# test_secrets.sh WORKER: what a worker knows of passwords is not to be read by its own user, which is
# whom its computations run as. Without services: it waits for them.
set -euo pipefail

worker=$1
work=$(mktemp -d "${TMPDIR:-/tmp}/spira-secrets.XXXXXX")
pid=
trap '[ -z "$pid" ] || kill "$pid" 2>/dev/null || true; wait; rm -rf "$work"' EXIT

user=() # root may read everything: nobody else's word counts
if [ "$(id -u)" -eq 0 ]; then
    user=(setpriv --reuid=65534 --regid=65534 --clear-groups --inh-caps=-all)
    install -m 755 "$worker" "$work/worker"
    worker=$work/worker
    chmod 777 "$work"
fi

KAFKA_BOOTSTRAP_SERVERS=127.0.0.1:1 REDIS_URL=redis://:hunter2@127.0.0.1:1/0 SPIRA_STORE="$work/store" \
    SPIRA_SCRATCH="$work/scratch" "${user[@]}" "$worker" >"$work/log" 2>&1 &
pid=$!
for _ in $(seq 100); do
    ! grep -q '"started' "$work/log" || break
    sleep 0.1
done
grep -q '"started' "$work/log" || { cat "$work/log"; exit 1; }

for file in environ mem; do
    if "${user[@]}" head -c 1 "/proc/$pid/$file" >/dev/null 2>"$work/why"; then
        echo "FAILED: the worker's user reads its $file" >&2
        exit 1
    fi
    grep -q 'Permission denied' "$work/why" || { cat "$work/why" >&2; exit 1; }
done
sleep 3 # it complains of the services
if grep -q hunter2 "$work/log"; then
    echo "FAILED: the password is in the log" >&2
    exit 1
fi
code=0
kill "$pid" && wait "$pid" || code=$?
pid=
[ "$code" -eq 0 ] || { echo "FAILED: exit code $code after SIGTERM" >&2; exit 1; }
