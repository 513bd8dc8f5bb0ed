"""Usage: compare.py PROGRAMS PEER_PYTHON [-o json|table] [--rounds N] [NAME...]

Asks our programs (a folder) and those they are measured against for the same figures, turn and turn
about, and prints the medians. script/bench calls it.
"""

import argparse
import contextlib
import glob
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time

# name: unit, whether more is better, threads
BOTH = sorted({1, min(2, os.cpu_count() or 1)})
MEASUREMENTS = {
    "features": ("us per second of audio", False, BOTH),
    "features_file": ("us per second of audio, from 48 kHz files", False, BOTH),
    "resample": ("us per second of audio", False, BOTH),
    "train": ("windows/s", True, BOTH),
    "train_v1": ("windows/s, BatchNorm", True, BOTH),
    "train_900": ("windows/s of 900 frames", True, BOTH),
    "train_mel80": ("windows/s of 80 features", True, BOTH),
    "infer": ("windows/s", True, BOTH),
    "infer_one": ("ms per window", False, BOTH),
    "events": ("events/s", True, [1]),
    "pipeline": ("s from CSV to published model", False, BOTH),
}
HERE = os.path.dirname(os.path.abspath(__file__))
SCRIPTS = os.path.join(os.path.dirname(HERE), "script")


def environment():
    # OpenBLAS kernels chosen by the environment would measure something else than what users run.
    return {k: v for k, v in os.environ.items() if k not in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")}


class Side:
    """A program that answers "<name> <threads>" with a figure; what it says behind that is what both
    sides must have in common."""

    def __init__(self, command):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                        env=environment())

    def ask(self, name, threads):
        self.process.stdin.write(f"{name} {threads}\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            sys.exit(f"bench: {' '.join(self.process.args)} gave no figure for {name}")
        return [float(word) for word in answer.split()]


class LocalRun:
    """spiractl local run on the demo corpus in a fresh store: seconds, windows and training steps."""

    def __init__(self, programs):
        self.spiractl = os.path.join(programs, "spiractl")

    def ask(self, _, threads):
        corpus = os.environ["SPIRA_BENCH_CORPUS"]
        with tempfile.TemporaryDirectory(dir=os.path.dirname(corpus)) as store:
            command = [self.spiractl, "local", "run", "--root", corpus, "--csv", f"{corpus}/metadata.csv",
                       "--noise", f"{corpus}/noise.csv", "--config", f"{HERE}/pipeline.json", "--store", store,
                       "--threads", str(threads), "-o", "json"]
            began = time.perf_counter()
            run = subprocess.run(command, stdout=subprocess.PIPE, env=environment(), check=True)
            seconds = time.perf_counter() - began
            with open(glob.glob(f"{store}/models/*/training.jsonl")[0], encoding="utf-8") as file:
                steps = json.loads(file.readlines()[-1])["steps"]
        return [seconds, json.loads(run.stdout)["dataset"]["windows"], steps]


class Sides:
    """Each program is started when it is first asked for."""

    def __init__(self, programs, peer_python):
        self.started = {}
        self.peers = {"events": ["/usr/bin/python3", f"{HERE}/peer_events.py"]}
        self.peer = [peer_python, f"{HERE}/peer.py"]
        self.programs = programs

    def start(self, command):
        key = tuple(command)
        if key not in self.started:
            self.started[key] = Side(command)
        return self.started[key]

    def ours(self, name):
        return LocalRun(self.programs) if name == "pipeline" else self.start([f"{self.programs}/spira-bench"])

    def peer_of(self, name):
        """The other side, and how it is called."""
        command = self.peers.get(name, self.peer)
        version = subprocess.run([*command, "--version"], capture_output=True, text=True, check=True)
        return self.start(command), version.stdout.strip()


@contextlib.contextmanager
def surroundings(names):
    """What some of the measurements need, told through the environment, as long as it is needed."""
    with tempfile.TemporaryDirectory(prefix="spira-bench-") as folder:
        servers = f"{folder}/servers"
        try:
            if "events" in names:
                subprocess.run([f"{SCRIPTS}/servers", "start", servers], check=True)
                with open(f"{servers}/env", encoding="utf-8") as file:
                    os.environ.update(line.strip().split("=", 1) for line in file)
            if "pipeline" in names:
                os.environ["SPIRA_BENCH_CORPUS"] = f"{folder}/corpus"
                subprocess.run([f"{SCRIPTS}/demo-corpus", f"{folder}/corpus"], check=True)
            yield
        finally:
            if os.path.isdir(servers):
                subprocess.run([f"{SCRIPTS}/servers", "stop", servers], check=True)


def compare(sides, name, threads, rounds):
    ours, (peer, peer_name) = sides.ours(name), sides.peer_of(name)
    pairs = [(ours.ask(name, threads), peer.ask(name, threads)) for _ in range(rounds)]
    for mine, theirs in pairs:
        if mine[1:] != theirs[1:]:
            sys.exit(f"bench: {name}: we did {mine[1:]}, the other side {theirs[1:]}")
    mine, theirs = (statistics.median(answer[0] for answer in side) for side in zip(*pairs))
    unit, more_is_better, _ = MEASUREMENTS[name]
    return {"name": name, "threads": threads, "unit": unit, "ours": mine, "peer": theirs, "peer_name": peer_name,
            "ratio": mine / theirs if more_is_better else theirs / mine}


def print_table(rows):
    print(f"{'name':<15}{'threads':>8}{'ours':>12}{'peer':>12}{'ratio':>8}  unit")
    for row in rows:
        print(f"{row['name']:<15}{row['threads']:>8}{row['ours']:>12.5g}{row['peer']:>12.5g}{row['ratio']:>8.2f}  "
              f"{row['unit']}")
    for peer_name in dict.fromkeys(row["peer_name"] for row in rows):
        print(f"peer of {', '.join(dict.fromkeys(row['name'] for row in rows if row['peer_name'] == peer_name))}: "
              f"{peer_name}")
    print("ratio above 1: we are faster")


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    parser = argparse.ArgumentParser(prog="bench")
    parser.add_argument("programs")
    parser.add_argument("peer_python")
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(MEASUREMENTS))
    parser.add_argument("-o", choices=("table", "json"), default="table")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_intermixed_args()
    for name in options.names:
        if name not in MEASUREMENTS:
            parser.error(f"no measurement {name}; there are {', '.join(MEASUREMENTS)}")
    names = options.names or list(MEASUREMENTS)
    with surroundings(names):
        sides = Sides(options.programs, options.peer_python)
        rows = [compare(sides, name, threads, options.rounds)
                for name in names for threads in MEASUREMENTS[name][2]]
    if options.o == "json":
        print(json.dumps(rows, indent=1))
    else:
        print_table(rows)


if __name__ == "__main__":
    main()
