"""What tests share that let a worker's own program compute a job (<program> --child DIR), without a fleet."""
import json
import os
import subprocess
import sys


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


def write_job(work, step, consumes, parameters, version, threads=2, memory_bytes=4 << 30):
    """Writes the job of a child that this process starts."""
    os.makedirs(os.path.join(work, "out", "checkpoints"), exist_ok=True)
    with open(os.path.join(work, "job.json"), "w") as file:
        json.dump({
            "step": step, "consumes": consumes, "version": version, "parameters": parameters,
            "seed": "42", "generation": "0", "inputs": [], "key": "0" * 64, "threads": threads,
            "parent": os.getpid(),
            "limits": {"memory_bytes": memory_bytes, "file_bytes": 8 << 30, "cpu_seconds": 0},
        }, file)


def start_child(bin_folder, work, step):
    """Starts the step's program on the job in work, as a worker does. Its progress is its stdout."""
    program = os.path.join(bin_folder, "spira-" + step.replace("_", "-"))
    return subprocess.Popen(["sh", "-c", 'exec "$0" "$@" 3>&1', program, "--child", work],
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                            env={**os.environ, "OPENBLAS_NUM_THREADS": "1"})


def what_it_left(work):
    """The text of a child's result or failure."""
    text = ""
    for name in ("result.json", "error.json"):
        if os.path.exists(os.path.join(work, name)):
            with open(os.path.join(work, name)) as file:
                text += file.read()
    return text


def run_child(bin_folder, work, step, consumes, parameters, memory_bytes=4 << 30):
    """Runs the child of a step's program on a job; returns its result, and its largest resident memory
    in MB: pages of its own and of mapped files."""
    for version in range(1, 20):  # whichever the program has
        write_job(work, step, consumes, parameters, version, memory_bytes=memory_bytes)
        child = start_child(bin_folder, work, step)
        for _ in child.stdout:  # until it ends
            pass
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        said = child.stderr.read()
        child.stdout.close()
        child.stderr.close()
        if "no step of this program" not in said:
            break
    if child.returncode != 0:
        sys.exit(f"FAILED: the child ended with {child.returncode}: {said}{what_it_left(work)}")
    return json.loads(what_it_left(work))["result"], usage.ru_maxrss * 1024 / 1e6
