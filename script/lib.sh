# shellcheck shell=bash
# Shared by the scripts of this folder: sourced, never run.
#   need PURPOSE...   installs the Debian packages of a purpose where they are missing
#   say TEXT          one line of what happens, on stderr
#   fail TEXT         one line of what went wrong, on stderr, and exit 1
#   usage             prints the calling script's head comment (its --help)
#   launch, pid_in, end_in, free_port, port_taken: processes in the background, and their ports
#   is_checkout: whether this folder is a git checkout
#   cache_folder, fetch_kafka: what is fetched once for all checkouts, and Kafka's jars there

# The one list of what we need from Debian 12, per purpose.
declare -A SPIRA_PACKAGES=(
    [build]="gcc libc6-dev cmake ninja-build pkg-config libsndfile1-dev libfftw3-dev libopenblas-dev
             libmsgpack-dev libjson-c-dev libcsv-dev libssl-dev libhiredis-dev librdkafka-dev
             libmicrohttpd-dev libonnx-dev libprotobuf-c-dev protobuf-c-compiler libcriterion-dev
             python3"
    [runtime]="libsndfile1 libfftw3-single3 libopenblas0-pthread libmsgpackc2 libjson-c5 libcsv3 libssl3
               libhiredis0.14 librdkafka1 libmicrohttpd12 libprotobuf-c1 libgomp1"
    [bench]="python3-torch python3-torchaudio"
    [bench_events]="python3-redis"
    [collector]="python3-confluent-kafka python3-msgpack python3-jsonschema"
    [interop]="python3-torch python3-pip util-linux"
    [test_compose]="iproute2 procps hostname"
    [spdx]="python3-pip python3-yaml util-linux"
    [corpus]="python3 espeak-ng sox libsox-fmt-base libsox-fmt-mp3"
    [format]="clang-format"
    [lint]="clang clang-tidy libomp-dev python3 shellcheck ca-certificates"
    [clang]="clang libomp-dev"
    [fuzz]="clang libclang-rt-14-dev libomp-dev"
    [coverage]="gcovr"
    [servers]="maven openjdk-17-jre-headless redis-server util-linux"
    [docker]="docker.io iptables"
    [compose]="docker-compose"
    [base]="debootstrap"
    [kafka]="maven openjdk-17-jre-headless util-linux"
    [package]="dpkg-dev file git"
    [test]="python3 python3-yaml jq binutils util-linux prometheus"
)

say() {
    printf '%s\n' "$*" >&2
}

fail() {
    printf '%s: %s\n' "${0##*/}" "$*" >&2
    exit 1
}

usage() {
    awk 'NR > 1 && !/^#/ { exit } NR > 1 { sub(/^# ?/, ""); print }' "$0"
}

# Runs a command with its output kept aside; shows the output only when it fails.
quietly() {
    local log status=0
    log=$(mktemp)
    "$@" >"$log" 2>&1 || status=$?
    if [ "$status" -ne 0 ]; then
        cat "$log" >&2
    fi
    rm -f "$log"
    return "$status"
}

installed() {
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

need() {
    local purpose package missing=() as_root=()
    for purpose in "$@"; do
        for package in ${SPIRA_PACKAGES[$purpose]}; do
            if ! command -v dpkg-query >/dev/null; then
                fail "this is no Debian: install what stands for ${SPIRA_PACKAGES[$purpose]}"
            fi
            [[ " ${missing[*]} " = *" $package "* ]] || installed "$package" || missing+=("$package")
        done
    done
    if [ "${#missing[@]}" -eq 0 ]; then
        return 0
    fi
    if [ "$(id -u)" -ne 0 ]; then
        command -v sudo >/dev/null || fail "neither root nor sudo, and missing: ${missing[*]}"
        as_root=(sudo)
    fi
    say "installing: ${missing[*]}"
    quietly "${as_root[@]}" apt-get update || fail "apt-get update failed"
    quietly "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y --no-install-recommends "${missing[@]}" ||
        fail "apt-get install failed: ${missing[*]}"
}

# launch FOLDER LOG COMMAND...: starts a process in the background that outlives the script, as the head
# of a process group of its own. It runs in FOLDER, which gets its pid; what it prints goes to LOG.
launch() {
    local folder=$1 log=$2
    shift 2
    (
        cd "$folder" || exit 1
        # The script's lock (9) is not for the process to hold.
        setsid "$@" </dev/null >>"$log" 2>&1 9>&- &
        echo "$!" >pid
    )
}

# pid_in FOLDER [FILE]: the pid in that file of FOLDER (pid), while the process runs. A process that runs
# elsewhere got the number after ours had ended.
pid_in() {
    local pid
    pid=$(cat "$1/${2:-pid}" 2>/dev/null) && [ "/proc/$pid/cwd" -ef "$1" ] && echo "$pid"
}

# end_in FOLDER SECONDS: asks what was launched there to end, and kills it and what it started when it
# does not in time.
end_in() {
    local pid deadline=$((SECONDS + $2))
    pid=$(pid_in "$1") || return 0
    # A stopped process hears of the end only when it goes on.
    kill -TERM "$pid" 2>/dev/null && kill -CONT -- "-$pid" 2>/dev/null
    while pid_in "$1" >/dev/null; do
        [ "$SECONDS" -lt "$deadline" ] || kill -KILL -- "-$pid" 2>/dev/null
        sleep 0.05
    done
    rm -f "$1/pid"
}

# port_taken PORT: whether somebody listens on that port of this machine.
port_taken() {
    (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

# A port nobody listens on, and that the system gives to no outgoing connection while its server is
# down: below the usual range of those.
free_port() {
    local port
    for _ in {1..100}; do
        port=$((20000 + RANDOM % 10000))
        if ! port_taken "$port"; then
            echo "$port"
            return 0
        fi
    done
    fail "found no free port of 127.0.0.1"
}

cache_folder=${XDG_CACHE_HOME:-$HOME/.cache}/spira
kafka_jars=$cache_folder/kafka-4.1.1

# Kafka's jars, from Maven. They appear whole or not at all.
fetch_kafka() {
    local log partial=$kafka_jars.partial
    [ ! -d "$kafka_jars" ] || return 0
    mkdir -p "${kafka_jars%/*}"
    exec 8>"$kafka_jars.lock"
    flock 8
    if [ ! -d "$kafka_jars" ]; then
        say "fetching Apache Kafka's jars into $kafka_jars"
        rm -rf "$partial"
        if ! log=$(MAVEN_OPTS="${MAVEN_OPTS:-} -XX:-UsePerfData" mvn --quiet --batch-mode \
            --file deploy/kafka/pom.xml dependency:copy-dependencies -DoutputDirectory="$partial" 2>&1); then
            # Maven's first line says which jar and why; the others are advice.
            printf '%s\n' "$log" | grep -m 1 -F ERROR >&2 || printf '%s\n' "$log" >&2
            fail "Maven could not fetch the jars of deploy/kafka/pom.xml (org.apache.kafka:kafka_2.13:4.1.1)"
        fi
        mv -T "$partial" "$kafka_jars"
    fi
    exec 8>&-
}

# Whether this folder is a git checkout, not merely inside one.
is_checkout() {
    [ "$(git rev-parse --show-toplevel 2>/dev/null)" = "$PWD" ]
}

# The C sources and headers that are ours, NUL-separated, in a fixed order.
own_sources() {
    local folder folders=()
    for folder in core schemas adapters workers cli tests bench; do
        [ -d "$folder" ] && folders+=("$folder")
    done
    find "${folders[@]}" -type f \( -name '*.c' -o -name "*.h" \) -print0 | LC_ALL=C sort -z
}

cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1
