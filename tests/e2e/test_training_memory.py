#!/usr/bin/env -S python3 -B
"""Usage: tests/e2e/test_training_memory.py BIN [--gigabytes N] [--most MB]

Makes a dataset of N GB (0.6) in the temporary folder and lets the training worker's own program
(BIN/spira-model-training --child) train an epoch on it, once for each way of making windows; then one of
recordings so long that a batch of them is larger than MB. Fails when it ever holds more than MB megabytes
(150): pages of its own and of mapped shards together. The limit of address space it runs under, 1.5 GB,
does not grow with the dataset."""
import argparse
import os
import sys
import tempfile
import time

from child import configuration, part_of, run_child
from generated_dataset import write_dataset

FRAMES = 401  # of a window: the published shape
ONE_IN = 20  # recordings is for training, which reads slower than validation does
ADDRESS_SPACE = 1500 << 20
OVERLAP = {"overlap": {"window_seconds": 4, "step_seconds": 1}}
MIXTURE = {"mixture": {"alpha": 0.5, "beta": 0.5}}


def train(bin_folder, work, transform, batch_recordings):
    """Trains an epoch; returns the memory it took."""
    config = part_of(
        configuration(bin_folder, work, {
            "transform": transform,
            "train": {"epochs": 1, "batch_recordings": batch_recordings, "checkpoint_interval": 20}}),
        {"audio": None, "features": None, "transform": None, "model": None, "train": None})
    return run_child(bin_folder, work, "model_training", "features.completed",
                     {"configuration": config}, ADDRESS_SPACE)[1]


def train_each_way(arguments, batch_recordings, *dataset):
    """Makes a dataset and trains on it; returns the most memory it took."""
    worst = 0
    with tempfile.TemporaryDirectory(prefix="spira-memory.") as work:
        os.mkdir(os.path.join(work, "in"))
        recordings, shards, written = write_dataset(os.path.join(work, "in"), *dataset)
        print(f"{recordings} recordings in {shards} shards, {written / 1e9:.1f} GB", flush=True)
        for name, transform in (("windows as they are", OVERLAP), ("mixed windows", {**OVERLAP, **MIXTURE})):
            began = time.monotonic()
            most = train(arguments.bin, work, {"noise": None, "mixture": None, **transform}, batch_recordings)
            print(f"{batch_recordings} recordings at once, {name}: {most:.0f} MB of {arguments.most:.0f}, "
                  f"in {time.monotonic() - began:.0f} s", flush=True)
            worst = max(worst, most)
    return worst


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("bin")
    parser.add_argument("--gigabytes", type=float, default=0.6)
    parser.add_argument("--most", type=float, default=150)
    arguments = parser.parse_args()
    # A batch of two recordings that takes a third more than all may take.
    long = int(arguments.most * 1e6 * 4 / 3 / 2 / (FRAMES * 40 * 4))
    worst = max(train_each_way(arguments, 5, arguments.gigabytes * 1e9, FRAMES, ONE_IN),
                train_each_way(arguments, 2, 1, FRAMES, 2, long, 4))
    sys.exit("FAILED: that is too much" if worst > arguments.most else 0)


if __name__ == "__main__":
    main()
