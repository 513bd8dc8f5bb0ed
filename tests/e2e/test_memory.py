#!/usr/bin/env python3
"""Usage: tests/e2e/test_memory.py BIN

Lets the feature worker's own program (BIN/spira-feature-engineering --child) compute shards of long
recordings, and fails when it ever holds more memory than it may."""
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
    """The part of a run's configuration that a shard is computed by, defaults filled in."""
    path = os.path.join(work, "run.json")
    with open(path, "w") as file:
        json.dump({"name": "memory", **changes}, file)
    said = json.loads(subprocess.check_output(
        [os.path.join(bin_folder, "spiractl"), "config", "check", path, "-o", "json"]))
    keys = {"audio": ("sample_rate", "short_recordings"), "transform": ("noise", "overlap")}
    picked = {section: {key: said[section][key] for key in names}
              for section, names in keys.items()}
    return {**picked, "features": said["features"]}


def compute(bin_folder, work, config, recordings, noises, copies):
    """Runs the child; returns its largest resident memory in MB."""
    os.makedirs(os.path.join(work, "out"), exist_ok=True)
    job = {
        "step": "feature_engineering", "consumes": "features.requested", "version": 0,
        "parameters": {"shard": 0, "configuration": config, "noises": noises,
                       "recordings": [{"sha256": sha256, "label": i % 2, "copies": copies}
                                      for i, sha256 in enumerate(sorted(recordings))]},
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
        said = child.stderr.read()
        child.stderr.close()
        child.returncode = os.waitstatus_to_exitcode(status)
        if "no step of this program" not in said:
            break
    result = os.path.join(work, "result.json")
    if not os.path.exists(result):
        sys.exit(f"FAILED: the child ended with {child.returncode}: {said}"
                 f"{open(os.path.join(work, 'error.json')).read()}")
    with open(result) as file:
        computed = json.load(file)["result"]
    if len(computed["recordings"]) != len(recordings):
        sys.exit(f"FAILED: {computed['quarantined']}")
    os.unlink(result)
    return usage.ru_maxrss * 1024 / 1e6


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
    worst = 0
    for name, recordings, noises, copies, transform in cases:
        with tempfile.TemporaryDirectory(prefix="spira-memory.") as work:
            inputs = os.path.join(work, "in")
            os.mkdir(inputs)
            config = configuration(bin_folder, work, {"transform": transform})
            speech = [write_recording(inputs, s, i) for i, s in enumerate(recordings)]
            wards = [write_recording(inputs, s, 100 + i) for i, s in enumerate(noises)]
            most = compute(bin_folder, work, config, speech, wards, copies)
            print(f"{name}: {most:.0f} MB of {MOST_MB}", flush=True)
            worst = max(worst, most)
    sys.exit("FAILED: that is too much" if worst > MOST_MB else 0)


if __name__ == "__main__":
    main()
