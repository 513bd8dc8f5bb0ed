#!/usr/bin/env -S python3 -B
"""Usage: tests/e2e/test_memory.py BIN

Lets the feature worker's own program (BIN/spira-feature-engineering --child) compute shards of long
recordings and plan a large corpus, and fails when it ever holds more memory than it may."""
import array
import hashlib
import json
import math
import os
import sys
import tempfile
import wave

from child import configuration, part_of, run_child

MOST_MB = 200
RATE_HZ = 48000


def write_recording(folder, seconds, seed):
    """Writes a recording that sounds throughout, under its digest, which is returned."""
    block = array.array("h", (int(9000 * math.sin(t * (0.02 + 0.003 * seed)) + 97 * (t % 31))
                              for t in range(RATE_HZ)))
    path = os.path.join(folder, "recording")
    with wave.open(path, "wb") as recording:
        recording.setnchannels(1)
        recording.setsampwidth(2)
        recording.setframerate(RATE_HZ)
        for _ in range(seconds):
            recording.writeframesraw(block.tobytes())
    with open(path, "rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    os.rename(path, os.path.join(folder, sha256))
    return sha256


def compute_shard(bin_folder, work, recordings, noises, copies, transform):
    """Computes a shard of recordings and noises of so many seconds; returns the memory it took."""
    inputs = os.path.join(work, "in")
    speech = sorted(write_recording(inputs, s, i) for i, s in enumerate(recordings))
    wards = [write_recording(inputs, s, 100 + i) for i, s in enumerate(noises)]
    config = part_of(configuration(bin_folder, work, {"transform": transform}),
                     {"audio": ("sample_rate", "short_recordings"), "features": None,
                      "transform": ("noise", "overlap")})
    result, most = run_child(bin_folder, work, "feature_engineering", "features.requested", {
        "shard": 0, "configuration": config, "noises": wards,
        "recordings": [{"sha256": sha256, "label": i % 2, "copies": copies}
                       for i, sha256 in enumerate(speech)]})
    if len(result["recordings"]) != len(recordings):
        sys.exit(f"FAILED: {result['quarantined']}")
    return most


def write_corpus(path, count):
    """Writes a corpus of so many recordings, and as many that stay out. Holds none of it: what this
    process holds counts as its child's."""
    step = 2**256 // count

    def write(row):
        file.write(json.dumps(row, separators=(",", ":")) + "\n")

    with open(path, "w") as file:
        write({"format": 2})
        for kind, reason in (("duplicates", "duplicate"), ("rejected", "silent")):
            for i in range(count // 2):
                write({"list": kind, "recording_id": f"ward/{i // 4}/{kind}-{i:06}.wav",
                       "reason": reason, "message": "the same recording as another, or silence"})
        for i in range(count):
            number = int(hashlib.sha256(str(i).encode()).hexdigest(), 16)
            sha256 = f"{i * step + number % step:064x}"  # they come sorted
            write({"list": "recordings",
                   "sha256": sha256, "key": f"audio/sha256/{sha256[:2]}/{sha256}",
                   "recording_id": f"ward/{i // 4}/aceite-{i}.wav", "label": i // 4 % 2,
                   "patient": f"ward_{i // 4}", "seconds": 5.0, "rms_dbfs": -20.5, "peak": 0.5,
                   "metadata": {"gender": "f", "age": "44", "mask": "n95", "hospital": "ward"}})


def plan(bin_folder, work, count):
    """Plans a corpus of so many recordings; returns the memory it took."""
    write_corpus(os.path.join(work, "in", "corpus.json"), count)
    config = part_of(configuration(bin_folder, work, {
        "transform": {"noise": None}, "audio": {"max_quarantined_share": 1}}),
                     {"audio": None, "features": None, "transform": None, "split": None})
    result, most = run_child(bin_folder, work, "feature_engineering", "run.requested",
                             {"configuration": config})
    planned = 0
    for shard in result["shards"]:
        with open(os.path.join(work, "out", f"shard-{shard:05}.json")) as file:
            planned += len(json.load(file)["recordings"])
    with open(os.path.join(work, "out", "excluded.json")) as file:
        excluded = json.load(file)
    out = len(excluded["duplicates"]), len(excluded["quarantined"])
    if planned != count or out != (count // 2, count // 2):
        sys.exit(f"FAILED: {planned} of {count} recordings are planned, {out} are out")
    return most


def main():
    bin_folder = sys.argv[1]
    noise = {"num_control": 2, "num_patient": 2, "copies": 2}
    windows = {"window_seconds": 4, "step_seconds": 1}
    cases = [
        ("an hour, in windows", [3600], [2400], 1, {"noise": noise, "overlap": windows}),
        ("many long ones", [600] * 8, [30, 60], 2, {"noise": noise, "overlap": windows}),
        ("an hour, whole", [3600], [60], 1, {"noise": noise, "overlap": None, "padding": True}),
        ("an hour, whole, without noise", [3600], [], 1,
         {"noise": None, "overlap": None, "padding": False}),
    ]
    cases = [(name, lambda work, case=case: compute_shard(bin_folder, work, *case))
             for name, *case in cases]
    for count in (5000, 50000, 300000):
        cases.append((f"a plan of {count:,} recordings",
                      lambda work, count=count: plan(bin_folder, work, count)))
    worst = 0
    for name, measure in cases:
        with tempfile.TemporaryDirectory(prefix="spira-memory.") as work:
            os.mkdir(os.path.join(work, "in"))
            most = measure(work)
        print(f"{name}: {most:.0f} MB of {MOST_MB}", flush=True)
        worst = max(worst, most)
    sys.exit("FAILED: that is too much" if worst > MOST_MB else 0)


if __name__ == "__main__":
    main()
