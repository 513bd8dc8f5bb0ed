#!/usr/bin/env -S python3 -B
"""Usage: tests/e2e/test_training_memory.py BIN [--gigabytes N] [--most MB]

Makes a dataset of N GB (2) in the temporary folder and lets the training worker's own program
(BIN/spira-model-training --child) train an epoch on it, once for each way of making windows. Fails when
it ever holds more than MB megabytes (300): pages of its own and of mapped shards together. The limit
of address space it runs under is far below the dataset as well."""
import argparse
import array
import hashlib
import json
import os
import random
import struct
import sys
import tempfile
import time

from child import configuration, part_of, run_child

FRAMES, FEATURES = 401, 40  # the published shape
WINDOWS = 3  # of a recording
WINDOW_BYTES = 4 * FRAMES * FEATURES
TRAIN_SHARE = 0.1  # of the data: training reads it slower than validation
SHARD_RECORDINGS = 32
ADDRESS_SPACE = 1500 << 20


def draw_windows():
    """Some windows of noise, as bytes; enough that neighbours differ."""
    numbers = random.Random(1)
    return [array.array("f", (numbers.gauss(-40, 15) for _ in range(FRAMES * FEATURES))).tobytes()
            for _ in range(8)]


def write_shard(path, recordings, windows):
    """A shard as core/dataset/shard.h says."""
    header, size = {}, 0
    for recording in recordings:
        for copy in range(recording["copies"]):
            begin, size = size, size + WINDOWS * WINDOW_BYTES
            header[f"{recording['sha256']}.{copy}"] = {
                "dtype": "F32", "shape": [WINDOWS, FRAMES, FEATURES], "data_offsets": [begin, size]}
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for i in range(size // WINDOW_BYTES):
            file.write(windows[i * 5 % len(windows)])
    return 8 + len(text) + size


def write_dataset(folder, most_bytes):
    """Writes dataset.json and shards of about that many bytes; returns the counts of both. Holds one
    shard at a time: what this process holds would count for the child that it starts."""
    windows = draw_windows()
    recording = shard = written = 0
    with open(os.path.join(folder, "dataset.json"), "w") as document:
        document.write('{"format": 1, "digest": "%s", "features": %d, "longest_train_frames": %d, '
                       '"recordings": [' % ("0" * 64, FEATURES, FRAMES))
        while written < most_bytes:
            rows = []
            for _ in range(SHARD_RECORDINGS):
                # Two copies of half as many in the train role.
                train = recording * TRAIN_SHARE % 2 < TRAIN_SHARE
                sha256 = hashlib.sha256(str(recording).encode()).hexdigest()
                rows.append({
                    "sha256": sha256, "recording_id": f"ward/{recording}/aceite-{recording}.wav",
                    "label": len(rows) % 2, "role": "train" if train else "validation",
                    "patient": f"ward_{recording // 4}", "shard": shard, "copies": 1 + train,
                    "metadata": {"gender": "f", "age": "44", "mask": "n95", "hospital": "ward"},
                    "windows": WINDOWS, "frames": FRAMES})
                recording += 1
            name = os.path.join(folder, f"shard-{shard:05d}.safetensors")
            written += write_shard(name, rows, windows)
            document.write((",\n" if shard else "") + ",\n".join(json.dumps(row) for row in rows))
            shard += 1
        document.write('], "shards": [%s]}' % ", ".join('{"shard": %d}' % i for i in range(shard)))
    return recording, shard, written


def train(bin_folder, work, transform):
    """Trains an epoch; returns the memory it took."""
    config = part_of(
        configuration(bin_folder, work, {
            "transform": transform,
            "train": {"epochs": 1, "batch_recordings": 5, "checkpoint_interval": 20}}),
        {"audio": None, "features": None, "transform": None, "model": None, "train": None})
    return run_child(bin_folder, work, "model_training", "features.completed",
                     {"configuration": config}, ADDRESS_SPACE)[1]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("bin")
    parser.add_argument("--gigabytes", type=float, default=2)
    parser.add_argument("--most", type=float, default=300)
    arguments = parser.parse_args()
    mixture = {"alpha": 0.5, "beta": 0.5}
    cases = [
        ("windows as they are", {"overlap": {"window_seconds": 4, "step_seconds": 1}}),
        ("mixed windows", {"overlap": {"window_seconds": 4, "step_seconds": 1}, "mixture": mixture}),
    ]
    worst = 0
    with tempfile.TemporaryDirectory(prefix="spira-memory.") as work:
        os.mkdir(os.path.join(work, "in"))
        recordings, shards, written = write_dataset(os.path.join(work, "in"), arguments.gigabytes * 1e9)
        print(f"{recordings} recordings in {shards} shards, {written / 1e9:.1f} GB", flush=True)
        for name, transform in cases:
            began = time.monotonic()
            most = train(arguments.bin, work, {"noise": None, "mixture": None, **transform})
            print(f"{name}: {most:.0f} MB of {arguments.most:.0f}, in {time.monotonic() - began:.0f} s",
                  flush=True)
            worst = max(worst, most)
    sys.exit("FAILED: that is too much" if worst > arguments.most else 0)


if __name__ == "__main__":
    main()
