#!/usr/bin/env -S python3 -B
"""Usage: tests/e2e/test_training_kills.py BIN [--seed N] [--kills N]

Lets the training worker's own program (BIN/spira-model-training --child) train on 1, 2 and 8 threads, and
kills it (kill -9) at 20 random moments each time, starting it again on what it left. Now and then the
newest checkpoint is cut as well, so that the one before must do. The model and the log must be those of
a training that nobody disturbed. The seed is printed; the same seed gives the same moments, as far as
the machine does."""
import argparse
import collections
import hashlib
import json
import os
import random
import re
import shutil
import signal
import sys
import tempfile
import time

from child import configuration, part_of, run_child, start_child, what_it_left
from generated_dataset import write_dataset

STEP = "model_training"
BYTES, FRAMES, ONE_IN = 10e6, 101, 2  # of the dataset
TRAIN = {"epochs": 12, "batch_recordings": 5, "checkpoint_interval": 2}
THREADS = (1, 2, 8)
CUT_EVERY = 4  # kills after which the newest checkpoint is cut
MOST_LATE_SECONDS = 0.01  # how long after the step that it waits for a kill comes


def wrong(text):
    sys.exit(f"FAILED: {text}")


def outcome(work):
    """Digests of what a training ends with."""
    digests = {}
    for name in ("model.safetensors", "training.jsonl"):
        with open(os.path.join(work, "out", name), "rb") as file:
            digests[name] = hashlib.file_digest(file, "sha256").hexdigest()
    return digests


def checkpoints(work):
    """The steps of the checkpoints there are, and their files, in order."""
    folder = os.path.join(work, "out", "checkpoints")
    found = ((re.fullmatch(r"step-(\d+)\.safetensors", name), name) for name in os.listdir(folder))
    return sorted((int(match[1]), os.path.join(folder, name)) for match, name in found if match)


def cut_newest(work, numbers):
    """Cuts the newest checkpoint, where there is one before it; returns whether it did."""
    there = checkpoints(work)
    if len(there) < 2:
        return False
    os.truncate(there[-1][1], numbers.randrange(os.path.getsize(there[-1][1])))
    return True


def clear(work):
    """Removes what a worker removes before it starts a child again: all but the checkpoints."""
    for name in os.listdir(os.path.join(work, "out")):
        if name != "checkpoints":
            os.remove(os.path.join(work, "out", name))


def run(bin_folder, work, going_on_from, kill_at=None, late=0):
    """Starts the training, which must go on from that step; kills it so many seconds after step kill_at
    (0: after its start). Returns whether it was killed, and in which epoch."""
    child = start_child(bin_folder, work, STEP)
    epoch = done = 0
    try:
        while kill_at is None or done < kill_at:
            line = child.stdout.readline()
            if not line:
                break
            report = json.loads(line)
            if done == 0 and report["done"] != going_on_from + 1:
                wrong(f"it went on with step {report['done']}, its checkpoint is of {going_on_from}")
            epoch, done = report["epoch"], report["done"]
        if kill_at is not None:
            time.sleep(late)
    finally:
        if kill_at is not None:
            child.kill()
        for line in child.stdout:
            epoch = json.loads(line)["epoch"] if line.endswith("}\n") else epoch
        said = child.stderr.read()
        code = child.wait()
        child.stdout.close()
        child.stderr.close()
    if code not in (0, -signal.SIGKILL) or (code != 0 and kill_at is None):
        wrong(f"the child ended with {code}: {said}{what_it_left(work)}")
    return code != 0, epoch


def disturb(bin_folder, work, moments, numbers):
    """Trains to the end, killed at each of the moments (a step and what is left of it). Returns how many
    kills hit which epoch, and how many checkpoints were cut."""
    epochs, cuts = collections.Counter(), 0
    for i, moment in enumerate(moments):
        if i % CUT_EVERY == CUT_EVERY - 1 and cut_newest(work, numbers):
            cuts += 1
            usable = checkpoints(work)[:-1]
        else:
            usable = checkpoints(work)
        killed, epoch = run(bin_folder, work, usable[-1][0] if usable else 0, int(moment),
                            moment % 1 * MOST_LATE_SECONDS)
        if not killed:
            wrong(f"it ended before it was killed at step {moment:.2f}")
        epochs[epoch] += 1
        clear(work)
    usable = checkpoints(work)
    run(bin_folder, work, usable[-1][0] if usable else 0)
    return epochs, cuts


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("bin")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    parser.add_argument("--kills", type=int, default=20)
    arguments = parser.parse_args()
    print(f"seed {arguments.seed}", flush=True)
    numbers = random.Random(arguments.seed)
    with tempfile.TemporaryDirectory(prefix="spira-kills.") as work:
        os.mkdir(os.path.join(work, "in"))
        write_dataset(os.path.join(work, "in"), BYTES, FRAMES, ONE_IN)
        config = part_of(
            configuration(arguments.bin, work, {
                "transform": {"noise": None, "mixture": {"alpha": 0.5, "beta": 0.5},
                              "overlap": {"window_seconds": 1, "step_seconds": 1}},
                "train": TRAIN}),
            {"audio": None, "features": None, "transform": None, "model": None, "train": None})
        result, _ = run_child(arguments.bin, work, STEP, "features.completed",
                              {"configuration": config})
        expected = outcome(work)
        with open(os.path.join(work, "job.json")) as file:
            job = json.load(file)
        for threads in THREADS:
            for name in ("out", "result.json"):
                path = os.path.join(work, name)
                shutil.rmtree(path) if os.path.isdir(path) else os.remove(path)
            os.makedirs(os.path.join(work, "out", "checkpoints"))
            with open(os.path.join(work, "job.json"), "w") as file:
                json.dump({**job, "threads": threads}, file)
            # Not in the last steps: it might end before it is killed.
            moments = sorted(numbers.uniform(0, result["steps"] * 0.7) for _ in range(arguments.kills))
            epochs, cuts = disturb(arguments.bin, work, moments, numbers)
            hit = ", ".join(f"{epochs[epoch]} in {epoch}" for epoch in sorted(epochs))
            print(f"{threads} threads: {sum(epochs.values())} kills by epoch (0: before its first"
                  f" step): {hit}; {cuts} checkpoints cut", flush=True)
            if outcome(work) != expected:
                wrong(f"{outcome(work)}, undisturbed {expected}")


if __name__ == "__main__":
    main()
