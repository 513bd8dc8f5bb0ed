"""Usage: compare.py OURS PEER_PYTHON [-o json|table] [--rounds N] [NAME...]

Asks spira-bench and the reference framework for the same figures, turn and turn about, and prints the
medians. script/bench calls it.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys

# name: unit, whether more is better
UNITS = {
    "features": ("us per second of audio", False),
    "features_file": ("us per second of audio, from 48 kHz files", False),
    "resample": ("us per second of audio", False),
    "train": ("windows/s", True),
    "infer": ("windows/s", True),
    "infer_one": ("ms per window", False),
}
PEER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "peer.py")


class Side:
    """A program that answers "<name> <threads>" with a figure."""

    def __init__(self, command):
        # OpenBLAS kernels chosen by the environment would measure something else than what users run.
        environment = {k: v for k, v in os.environ.items() if k not in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")}
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                        env=environment)

    def ask(self, name, threads):
        self.process.stdin.write(f"{name} {threads}\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            sys.exit(f"bench: {self.process.args[0]} gave no figure for {name}")
        return float(answer)


def compare(ours, peer, name, threads, rounds):
    pairs = [(ours.ask(name, threads), peer.ask(name, threads)) for _ in range(rounds)]
    mine, theirs = (statistics.median(side) for side in zip(*pairs))
    unit, more_is_better = UNITS[name]
    return {"name": name, "threads": threads, "unit": unit, "ours": mine, "peer": theirs,
            "ratio": mine / theirs if more_is_better else theirs / mine}


def print_table(rows):
    print(f"{'name':<15}{'threads':>8}{'ours':>12}{'peer':>12}{'ratio':>8}  unit")
    for row in rows:
        print(f"{row['name']:<15}{row['threads']:>8}{row['ours']:>12.5g}{row['peer']:>12.5g}{row['ratio']:>8.2f}  "
              f"{row['unit']}")
    print(f"peer: {rows[0]['peer_name']}; ratio above 1: we are faster")


def main():
    parser = argparse.ArgumentParser(prog="bench")
    parser.add_argument("ours")
    parser.add_argument("peer_python")
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(UNITS))
    parser.add_argument("-o", choices=("table", "json"), default="table")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_intermixed_args()
    for name in options.names:
        if name not in UNITS:
            parser.error(f"no measurement {name}; there are {', '.join(UNITS)}")
    version = subprocess.run([options.peer_python, PEER, "--version"], capture_output=True, text=True, check=True)
    ours, peer = Side([options.ours]), Side([options.peer_python, PEER])
    rows = []
    for name in options.names or UNITS:
        for threads in sorted({1, min(2, os.cpu_count() or 1)}):
            rows.append({**compare(ours, peer, name, threads, options.rounds), "peer_name": version.stdout.strip()})
    if options.o == "json":
        print(json.dumps(rows, indent=1))
    else:
        print_table(rows)


if __name__ == "__main__":
    main()
