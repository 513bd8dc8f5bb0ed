#!/usr/bin/env bash
# What workers say of themselves while services go away and come back, and what a computation is told.
# shellcheck source=tests/e2e/fleet_e2e.sh
. "$(dirname "$0")/fleet_e2e.sh"

# expect_away WHAT TEXT: every worker says within a minute that it is not ready, with that text, and lives on.
expect_away() {
    await "worker that misses $1" all_answer /readyz 503 "$2"
    all_answer /livez 200 || wrong "a worker is not alive without $1"
    all_answer /metrics 200 || wrong "a worker has no metrics without $1"
}

expect_back() {
    await "worker that is ready with $1 again" all_answer /readyz 200
    all_answer /livez 200 || wrong "a worker is not alive with $1 again"
}

small_csv "$work/metadata.csv"
fleet_up --feature-workers 1
add_audio "$work/metadata.csv"

# While it computes: a child sees nothing of the services.
run=$(fleet_start --config "$config" --set train.epochs=100)
await "computation" child_pid model-training-1 >"$work/child"
tr '\0' '\n' <"/proc/$(worker_pid model-training-1)/environ" >"$work/environment.worker"
tr '\0' '\n' <"/proc/$(tail -n 1 "$work/child")/environ" >"$work/environment.child"
grep -qE '^(KAFKA|REDIS)_' "$work/environment.worker" || wrong "the worker's environment names no service"
grep -q '^PATH=' "$work/environment.child" || wrong "the computation's environment could not be read"
! grep -E 'KAFKA|REDIS|SPIRA_STORE|SPIRA_INBOX' "$work/environment.child" >&2 ||
    wrong "the computation's environment names a service"

servers kill kafka
expect_away Kafka "$KAFKA_BOOTSTRAP_SERVERS"
servers restart kafka
expect_back Kafka

address=${REDIS_URL#redis://}
redis=$(cat "$folder/redis/pid")
kill -STOP "$redis"
expect_away Redis "${address%/*}"
kill -CONT "$redis"
expect_back Redis

mv "$SPIRA_STORE" "$folder/store-away"
expect_away "the store" "$SPIRA_STORE"
mv "$folder/store-away" "$SPIRA_STORE"
expect_back "the store"

# The run went on meanwhile.
fleet_wait disturbed "$run"
expect_success disturbed
for worker in "${workers[@]}"; do
    answers "$worker" /version 200 '"commit"' || wrong "$worker does not say what it is"
    ask "$worker" /metrics | sed '1,/^\r$/d' >"$work/metrics"
    grep -q '^spira_' "$work/metrics" || wrong "$worker has no metrics"
    promtool check metrics <"$work/metrics" >&2 || wrong "promtool does not like the metrics of $worker"
done
