#!/usr/bin/env python3
"""Usage: tests/e2e/test_memory.py BIN

Lets the feature worker's own program (BIN/spira-feature-engineering --child) compute shards of long
recordings and plan a large corpus, and fails when it ever holds more memory than it may."""
import array
import hashlib
import json
import math
import os
import subprocess
import sys
import tempfile
import wave

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


def configuration(bin_folder, work, changes):
    """A run's configuration, defaults filled in."""
    path = os.path.join(work, "run.json")
    with open(path, "w") as file:
        json.dump({"name": "memory", **changes}, file)
    return json.loads(subprocess.check_output(
        [os.path.join(bin_folder, "spiractl"), "config", "check", path, "-o", "json"]))


def part_of(config, parts):
    """These sections of a configuration; of one, maybe some keys alone."""
    return {section: {key: config[section][key] for key in keys or config[section]}
            for section, keys in parts.items()}


def run_child(bin_folder, work, consumes, parameters):
    """Runs the child on a job; returns its result, and its largest resident memory in MB."""
    os.makedirs(os.path.join(work, "out"), exist_ok=True)
    job = {
        "step": "feature_engineering", "consumes": consumes, "version": 0, "parameters": parameters,
        "seed": "42", "generation": "0", "inputs": [], "key": "0" * 64, "threads": 2,
        "parent": os.getpid(),
        "limits": {"memory_bytes": 4 << 30, "file_bytes": 8 << 30, "cpu_seconds": 0},
    }
    for version in range(1, 20):  # whichever the program has
        job["version"] = version
        with open(os.path.join(work, "job.json"), "w") as file:
            json.dump(job, file)
        child = subprocess.Popen([os.path.join(bin_folder, "spira-feature-engineering"),
                                  "--child", work], stderr=subprocess.PIPE, text=True)
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        said = child.stderr.read()
        child.stderr.close()
        if "no step of this program" not in said:
            break
    for name in ("result.json", "error.json"):
        if os.path.exists(os.path.join(work, name)):
            with open(os.path.join(work, name)) as file:
                said += file.read()
    if child.returncode != 0:
        sys.exit(f"FAILED: the child ended with {child.returncode}: {said}")
    return json.loads(said)["result"], usage.ru_maxrss * 1024 / 1e6


def compute_shard(bin_folder, work, recordings, noises, copies, transform):
    """Computes a shard of recordings and noises of so many seconds; returns the memory it took."""
    inputs = os.path.join(work, "in")
    speech = sorted(write_recording(inputs, s, i) for i, s in enumerate(recordings))
    wards = [write_recording(inputs, s, 100 + i) for i, s in enumerate(noises)]
    config = part_of(configuration(bin_folder, work, {"transform": transform}),
                     {"audio": ("sample_rate", "short_recordings"), "features": None,
                      "transform": ("noise", "overlap")})
    result, most = run_child(bin_folder, work, "features.requested", {
        "shard": 0, "configuration": config, "noises": wards,
        "recordings": [{"sha256": sha256, "label": i % 2, "copies": copies}
                       for i, sha256 in enumerate(speech)]})
    if len(result["recordings"]) != len(recordings):
        sys.exit(f"FAILED: {result['quarantined']}")
    return most


def plan(bin_folder, work, count):
    """Plans a corpus of so many recordings; returns the memory it took."""
    path = os.path.join(work, "in", "corpus.json")
    digests = sorted(hashlib.sha256(str(i).encode()).hexdigest() for i in range(count))
    with open(path, "w") as file:
        file.write('{"format": 1, "noises": [], "rejected": [], "duplicates": [], "recordings": [')
        for i, sha256 in enumerate(digests):
            json.dump({
                "sha256": sha256, "key": f"audio/sha256/{sha256[:2]}/{sha256}",
                "recording_id": f"ward/{i // 4}/aceite-{i}.wav", "label": i // 4 % 2,
                "patient": f"ward_{i // 4}", "seconds": 5.0, "rms_dbfs": -20.5, "peak": 0.5,
                "metadata": {"gender": "f", "age": "44", "mask": "n95", "hospital": "ward"}}, file,
                separators=(",", ":"))
            file.write(",\n" if i + 1 < count else "]}\n")
    config = part_of(configuration(bin_folder, work, {"transform": {"noise": None}}),
                     {"audio": None, "features": None, "transform": None, "split": None})
    result, most = run_child(bin_folder, work, "run.requested", {"configuration": config})
    planned = 0
    for shard in result["shards"]:
        with open(os.path.join(work, "out", f"shard-{shard:05}.json")) as file:
            planned += len(json.load(file)["recordings"])
    if planned != count:
        sys.exit(f"FAILED: {planned} of {count} recordings are planned")
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
    for count in (5000, 20000, 50000):
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
