#!/usr/bin/env bash
# Workers that are there before Kafka, Redis, the topics and the store: they wait, say what for, and work
# when all is there.
# shellcheck source=tests/e2e/fleet_e2e.sh
. "$(dirname "$0")/fleet_e2e.sh"
# start_worker NAME: as script/fleet does, which would start the servers first.
start_worker() {
    local own=$folder/workers/$1
    mkdir -p "$own/scratch" "$folder/log"
    python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])' >"$own/port"
    (
        cd "$own"
        SPIRA_HTTP_PORT=$(cat port) SPIRA_INSTANCE=$1 SPIRA_SCRATCH=$own/scratch setsid \
            "$(dirname "$fleet")/supervise" "$programs/spira-${1%-[0-9]*}" </dev/null >>"$folder/log/$1.log" 2>&1 &
        echo "$!" >pid
    )
}

# all_have_logged TEXT: whether every worker has.
all_have_logged() {
    local worker
    for worker in "${workers[@]}"; do
        has_logged "$worker" "$1" || return 1
    done
}

small_csv "$work/metadata.csv"
fleet=$(realpath "$fleet")
programs=$(realpath "$SPIRA_BIN")
mkdir -p "$folder"
servers start # gives them ports
see_fleet
servers stop
mkdir "$SPIRA_INBOX" # its folder is there before the intake, or that ends and is started again

for worker in "${workers[@]}"; do
    start_worker "$worker"
done
await "worker that misses Kafka" all_answer /readyz 503 "$KAFKA_BOOTSTRAP_SERVERS"
address=${REDIS_URL#redis://}
await "worker that misses Redis" all_answer /readyz 503 "${address%/*}"
await "worker that misses the store" all_answer /readyz 503 "$SPIRA_STORE"
all_answer /livez 200 || wrong "a worker is not alive while it waits"

servers start
await "worker that misses topics" all_have_logged "waiting for \`spiractl topics ensure\`"
"$spiractl" topics ensure >"$work/topics"
mkdir "$SPIRA_STORE"
await "worker that is ready" all_answer /readyz 200
add_audio "$work/metadata.csv"
fleet_run patient --config "$config"
expect_success patient
local_run local "$work/store-local"
expect_success local
expect_equal "digests of the run" "$(digests patient)" "$(digests local)"
for worker in "${workers[@]}"; do
    expect_equal "times that $worker ended" "$(logged "$worker" "ended with status")" 0
done
