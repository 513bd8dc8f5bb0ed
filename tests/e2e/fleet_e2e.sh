# shellcheck shell=bash
# What the end-to-end tests of the fleet share: sourced, never run. A test of the fleet takes the path of
# script/fleet besides what every end-to-end test takes.
here=$(dirname "${BASH_SOURCE[0]}")
# shellcheck source=tests/e2e/e2e.sh
. "$here/e2e.sh"
fleet=$3
folder=$work/fleet
SPIRA_BIN=$(dirname "$spiractl")
export SPIRA_BIN SPIRA_THREADS=${SPIRA_THREADS:-1}
trap 'end_fleet "$?"' EXIT

# Shows what the workers warned of when the test failed.
end_fleet() {
    "$fleet" down --dir "$folder" || true
    if [ "$1" -ne 0 ]; then
        grep -hE '"level":"(warning|error)"' "$folder"/log/*.log | tail -n 20 >&2 || true
    fi
    rm -rf "$work"
}

# servers WORD...: script/servers on the fleet's folder.
servers() {
    "$(dirname "$fleet")/servers" "$@" "$folder"
}

# see_fleet: lets this shell see the fleet as spiractl does.
see_fleet() {
    local exports
    exports=$("$fleet" env --dir "$folder")
    eval "$exports"
}

# fleet_up OPTION...: the servers, the topics, the workers; this shell sees them as spiractl does.
fleet_up() {
    "$fleet" up "$@" --dir "$folder"
    see_fleet
}

# add_audio CSV [OPTION...]: the recordings of a CSV below $corpus, and the noises of the corpus.
add_audio() {
    "$spiractl" audio add --csv "$1" --noise "$corpus/noise.csv" --root "$corpus" --wait --timeout 100 \
        "${@:2}" >/dev/null
}

# fleet_run NAME OPTION...: one run of the fleet, waited for; its object, messages and exit code as of
# local_run.
fleet_run() {
    local name=$1
    shift
    code=0
    "$spiractl" run start "$@" --wait --timeout 150 -o json >"$work/$name.json" 2>"$work/$name.err" ||
        code=$?
}

# fleet_start OPTION...: prints the id of a run that was asked for.
fleet_start() {
    "$spiractl" run start "$@" -o json | jq -r .run_id
}

# fleet_wait NAME RUN [SECONDS]: waits for a run; as fleet_run.
fleet_wait() {
    code=0
    "$spiractl" run wait "$2" --timeout "${3:-150}" -o json >"$work/$1.json" 2>"$work/$1.err" || code=$?
}

# await WHAT COMMAND...: until the command succeeds.
await() {
    local what=$1 deadline=$((SECONDS + 60))
    shift
    until "$@"; do
        [ "$SECONDS" -lt "$deadline" ] || wrong "no $what within a minute"
        sleep 0.1
    done
}

# worker_pid WORKER: the process under its supervisor.
worker_pid() {
    cat "$folder/workers/$1/child.pid" 2>/dev/null
}

# child_pid WORKER: the process that computes for it.
child_pid() {
    pgrep -f -P "$(worker_pid "$1")" -- ' --child '
}

# restart_worker NAME [VARIABLE=VALUE]...: ends a worker and starts it again with these in its environment.
restart_worker() {
    local supervisor
    supervisor=$(cat "$folder/workers/$1/pid")
    kill -TERM "$supervisor"
    await "end of $1" is_gone "$supervisor"
    env "${@:2}" "$fleet" up --dir "$folder"
}

is_gone() {
    ! kill -0 "$1" 2>/dev/null
}

# has_checkpoint: whether the store has one of a training under way.
has_checkpoint() {
    [ -n "$(find "$SPIRA_STORE/models" -path '*/checkpoints/step-*.safetensors' -print -quit 2>/dev/null)" ]
}

# ask WORKER PATH: what its HTTP server answers, headers and body.
ask() {
    # shellcheck disable=SC2016 # $0 and $1 are for the inner shell
    timeout 5 bash -c 'exec 3<>"/dev/tcp/127.0.0.1/$0" && printf "GET %s HTTP/1.0\r\n\r\n" "$1" >&3 && cat <&3' \
        "$(cat "$folder/workers/$1/port")" "$2" 2>/dev/null
}

# answers WORKER PATH STATUS [TEXT]: whether it answers so, the body with that text.
answers() {
    local answer
    answer=$(ask "$1" "$2") || return 1
    [[ $answer == "HTTP/1."?" $3 "* && $answer == *"${4:-}"* ]]
}

# The workers of a fleet with one of each.
workers=(audio-intake feature-engineering-1 model-training-1 model-evaluation model-publish run-tracker)

# all_answer PATH STATUS [TEXT]: whether each of them answers so.
all_answer() {
    local worker
    for worker in "${workers[@]}"; do
        answers "$worker" "$@" || return 1
    done
}

# is_busy WORKER: whether it deals with a message.
is_busy() {
    answers "$1" /metrics 200 $'\nspira_busy 1\n'
}

# kafka WORD...: looks at Kafka from outside.
kafka() {
    "$here/kafka_client.py" "$KAFKA_BOOTSTRAP_SERVERS" "$@"
}

# is_read_up: whether every group has committed all there is. Of a topic that a group has not committed
# anything of, there is nothing.
is_read_up() {
    kafka lag | awk '$4 != 0 { left = 1 } END { exit left }'
}

# logged WORKER TEXT: how many lines of a worker's log have the text.
logged() {
    grep -cF -- "$2" "$folder/log/$1.log" 2>/dev/null || true
}

# has_logged WORKER TEXT [COUNT]
has_logged() {
    [ "$(logged "$1" "$2")" -ge "${3:-1}" ]
}
