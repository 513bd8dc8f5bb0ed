#!/usr/bin/env bash
# script/servers on real servers: they answer, outlive a crash with their data, keep their ports, and
# leave no process behind. Takes the path of the script. Exit code 77: a program it needs is missing.
set -euo pipefail
servers=$1
for program in java mvn redis-server; do
    command -v "$program" >/dev/null || exit 77
done
work=$(mktemp -d "${TMPDIR:-/tmp}/spira-servers.XXXXXX")
dir="$work/a folder" # with a space in its name
trap '"$servers" stop "$dir" || true; rm -rf "$work"' EXIT

wrong() {
    printf 'FAILED: %s\n' "$*" >&2
    exit 1
}

# expect_status EXPECTED: the states of Kafka and Redis.
# expect_status STATES: within ten seconds, for a busy machine takes its time to stop a process.
expect_status() {
    local states="" until=$((SECONDS + 10))
    until [ "$states" = "$1" ]; do
        [ "$SECONDS" -lt "$until" ] || wrong "the servers are '$states', expected '$1'"
        states=$("$servers" status "$dir" | cut -d ' ' -f 2 | paste -sd ' ' || true)
    done
}

pid_of() {
    "$servers" status "$dir" | awk -v name="$1" '$1 == name { print $3 }' || true
}

redis() {
    timeout 10 redis-cli -u "$REDIS_URL" "$@"
}

"$servers" start "$dir"
# shellcheck source=/dev/null
. "$dir/env"
expect_status "up up"
[ "$(redis ping)" = PONG ] || wrong "Redis does not answer at $REDIS_URL"
[ "$(redis config get maxmemory-policy | tail -n 1)" = noeviction ] || wrong "Redis may evict"
kafka_pid=$(pid_of kafka)

# A second start changes nothing, and no other start gets the port.
"$servers" start "$dir"
[ "$(pid_of kafka)" = "$kafka_pid" ] || wrong "a second start started Kafka again"
port=${KAFKA_BOOTSTRAP_SERVERS##*:}
! "$servers" start "$work/other" --kafka-port "$port" 2>"$work/err" || wrong "two servers share port $port"
grep -q "port $port of 127.0.0.1 is taken" "$work/err" || wrong "taken port: $(cat "$work/err")"

# What was acknowledged survives a crash.
redis set run:1 succeeded >/dev/null
for server in redis kafka; do
    "$servers" kill "$server" "$dir"
    ! "$servers" kill "$server" "$dir" 2>/dev/null || wrong "$server was killed twice"
done
expect_status "down down"
"$servers" restart redis "$dir"
"$servers" restart kafka "$dir"
expect_status "up up"
[ "$(redis get run:1)" = succeeded ] || wrong "Redis forgot what it had acknowledged"

# A frozen server is seen as such, and ends all the same.
kill -STOP "$(pid_of kafka)"
expect_status "silent up"
pids=("$(pid_of kafka)" "$(pid_of redis)")
"$servers" stop "$dir"
expect_status "down down"
for pid in "${pids[@]}"; do
    [ ! -e "/proc/$pid/exe" ] || wrong "process $pid is left"
done

# The next start has the same addresses and data.
before=$(cat "$dir/env")
"$servers" start "$dir"
[ "$(cat "$dir/env")" = "$before" ] || wrong "the addresses changed"
[ "$(redis get run:1)" = succeeded ] || wrong "Redis forgot when it was stopped"
