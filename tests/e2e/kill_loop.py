#!/usr/bin/env -S python3 -B
"""Usage: kill_loop.py BIN CORPUS FLEET [--seed N] [--rounds N]

Kills the fleet piece by piece while it works, and holds it to what it promises. BIN is the folder of the
programs, CORPUS the demo corpus, FLEET the path of script/fleet.

Runs are started one after the other by two clients. Meanwhile each round kills every worker, the broker
and Redis once (kill -9, restarted), in a random order at random moments; freezes one process past its
session's end; and every other round wipes Redis. Malformed messages arrive all the time. Afterwards:

  - every run, trained once or twice, ends with the digests that `spiractl local run` computes for the same seed;
  - every run has as many events of each kind as an undisturbed one, told apart by their ids, and no
    group leaves a message unread: no event is lost;
  - the dead letters are the malformed messages, all of them and no others;
  - every recording in the store has the name that its bytes have;
  - Redis shows every run as it ended;
  - no worker ended in another way than by our hand, but one that Kafka put out of its group for its own
    successor (a lost answer looks so): that one says it cannot go on, and is started again.

The seed is printed; the same seed gives the same faults, at times that depend on the machine.
"""

import argparse
import collections
import concurrent.futures
import csv
import hashlib
import json
import os
import pathlib
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

from fleet import SERVERS, Fleet, Wrong, expect
from kafka_client import KafkaError

WORKERS = [
    "audio-intake",
    "feature-engineering-1",
    "feature-engineering-2",
    "model-training-1",
    "model-evaluation",
    "model-publish",
    "run-tracker",
]
SESSION_SECONDS = 3
FREEZE_SECONDS = SESSION_SECONDS + 1.5
MEAN_GAP_SECONDS = 2.0  # between one fault and the next
RECOVERY_SECONDS = 120  # for the runs under way, after the last fault
CLIENTS = 2
EPOCHS = 8

# Where malformed messages arrive: what every kind of worker reads.
POISONED = [
    "audio.collected",
    "run.requested",
    "features.requested",
    "features.completed",
    "training.requested",
    "model.trained",
    "model.evaluated",
]
RUN_TOPICS = [
    "run.requested",
    "features.requested",
    "features.computed",
    "features.completed",
    "training.requested",
    "training.computed",
    "model.trained",
    "model.evaluated",
    "model.published",
    "run.failed",
    "run.canceled",
]
FATAL_EXIT = "70"
DIGESTS = ["dataset", "model", "evaluation"]
CONFIG = pathlib.Path(__file__).with_name("small.json")
TRANSIENT_EXITS = {3, 6, 124}  # not there (Redis was wiped a moment ago), unreachable, waited in vain


def settings(seed):
    """What the run of this seed changes in the configuration: every second one is trained twice."""
    if seed % 2 == 0:
        return ["--set", f"seed={seed}", "--set", f"train.epochs={EPOCHS // 2}",
                "--set", f"train.seeds=[{seed}, {seed + 1}]"]
    return ["--set", f"seed={seed}", "--set", f"train.epochs={EPOCHS}"]


def say(text):
    print(f"[{time.monotonic() - BEGAN:6.1f}] {text}", flush=True)


BEGAN = time.monotonic()


class Work:
    """What goes on while the fleet is hurt: runs, and malformed messages."""

    def __init__(self, fleet, corpus, rows, noise):
        self.fleet = fleet
        self.corpus = corpus
        self.rows = rows
        self.noise = noise
        self.lock = threading.Lock()
        self.next_seed = 1
        self.results = {}  # seed: (run id, its object)
        self.poison = set()
        self.problems = []
        self.no_more = threading.Event()
        self.give_up = time.monotonic() + 3600

    def patiently(self, *words):
        """Tries a command of spiractl until no service is in its way."""
        while time.monotonic() < self.give_up:
            code, out, err = self.fleet.spiractl(*words)
            if code == 0:
                return json.loads(out)
            if code not in TRANSIENT_EXITS:
                raise Wrong(f"spiractl {words[0]} {words[1]}: exit code {code}: {out} {err.strip()}")
            time.sleep(0.3)
        raise Wrong(f"spiractl {words[0]} {words[1]} found no end: {err.strip()}")

    def add_audio(self):
        # fmt: off
        return self.patiently("audio", "add", "--csv", self.rows, "--noise", self.noise,
                              "--root", self.corpus, "--wait", "-o", "json")
        # fmt: on

    def one_run(self):
        """The recordings again (which changes nothing), and a run on them with a seed of its own."""
        with self.lock:
            seed = self.next_seed
            self.next_seed += 1
        self.add_audio()
        # fmt: off
        run = self.patiently("run", "start", "--config", CONFIG, *settings(seed), "-o", "json")["run_id"]
        # fmt: on
        result = self.patiently("run", "wait", run, "--timeout", "20", "-o", "json")
        say(f"run {run} with seed {seed}: {result['state']}")
        self.results[seed] = (run, result)

    def guard(self, function, *arguments):
        """Runs a thread's function; what goes wrong is kept for the main thread."""
        try:
            function(*arguments)
        except Exception as problem:
            self.problems.append(problem)
            self.no_more.set()

    def client(self):
        while not self.no_more.is_set():
            self.one_run()

    def send_poison(self, random_numbers):
        """Malformed messages on random topics: garbage, and a real event that is cut off."""
        kafka = self.fleet.kafka
        real = {topic: next(kafka.read("spira." + topic)) for topic in POISONED}
        partitions = kafka.partitions()
        while not self.no_more.is_set():
            topic = random_numbers.choice(POISONED)
            partition = random_numbers.choice(partitions["spira." + topic])
            if random_numbers.random() < 0.5:
                value, headers = b"\xc1" + random_numbers.randbytes(16), []
            else:
                value = real[topic].value
                value = value[: random_numbers.randrange(2, len(value))]
                # Of no run: the run it is cut from has ended well.
                headers = [header for header in real[topic].headers if header[0] != "ce_subject"]
            self.poison.add(value)
            self.send_until_there("spira." + topic, partition, value, headers)
            self.no_more.wait(random_numbers.uniform(1, 5))

    def send_until_there(self, topic, partition, value, headers):
        """Once or, where an answer was lost, several times."""
        while True:
            try:
                self.fleet.kafka.send(topic, partition, value, b"poison", headers)
                return
            except KafkaError:
                if time.monotonic() > self.give_up:
                    raise
                time.sleep(0.5)


def hurt(fleet, work, random_numbers, rounds):
    """The faults; returns how many there were of each kind."""
    done = collections.Counter()
    for number in range(rounds):
        faults = [("kill", name) for name in WORKERS + SERVERS]
        faults.append(("freeze", random_numbers.choice(WORKERS + SERVERS)))
        if number % 2:
            faults.remove(("kill", "redis"))
            faults.append(("wipe", "redis"))
        random_numbers.shuffle(faults)
        for kind, name in faults:
            time.sleep(min(random_numbers.expovariate(1 / MEAN_GAP_SECONDS), 4 * MEAN_GAP_SECONDS))
            if work.no_more.is_set():
                return done
            hurt_once(fleet, random_numbers, kind, name)
            say(f"{kind} {name}")
            done[kind, name] += 1
    return done


def hurt_once(fleet, random_numbers, kind, name):
    number = signal.SIGSTOP if kind == "freeze" else signal.SIGKILL
    deadline = time.monotonic() + 30
    while not fleet.signal(name, number):
        # It was killed a moment ago and its supervisor has not started it again.
        if time.monotonic() > deadline:
            raise Wrong(f"{name} was not started again")
        time.sleep(0.05)
    if kind == "freeze":
        time.sleep(FREEZE_SECONDS)
        fleet.signal(name, signal.SIGCONT)
    elif name in SERVERS:
        time.sleep(random_numbers.uniform(0, 2))
        if kind == "wipe":
            shutil.rmtree(fleet.folder / "redis" / "appendonlydir")
        fleet.servers("restart", name)


def local_digests(programs, corpus, rows, noise, store, seed):
    # fmt: off
    result = subprocess.run(
        [str(programs / "spiractl"), "local", "run", "--csv", str(rows), "--noise", str(noise),
         "--root", str(corpus), "--config", str(CONFIG), *settings(seed), "--store", str(store), "-o", "json"],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
        env=dict(os.environ, SPIRA_THREADS="1"))
    # fmt: on
    if result.returncode != 0:
        raise Wrong(f"local run with seed {seed}: {result.stderr.strip()}")
    return digests(json.loads(result.stdout))


def digests(result):
    return [(result.get(part) or {}).get("digest") for part in DIGESTS]


def header(message, name):
    return next((text.decode() for key, text in message.headers if key == name and text), None)


def events_of_runs(kafka):
    """run: how many events of each topic, told apart by their ids."""
    ids = collections.defaultdict(lambda: collections.defaultdict(set))
    for topic in RUN_TOPICS:
        for message in kafka.read("spira." + topic):
            if header(message, "ce_subject"):
                ids[header(message, "ce_subject")][topic].add(header(message, "ce_id"))
    return {run: {topic: len(of) for topic, of in topics.items()} for run, topics in ids.items()}


def check_events(kafka, work, undisturbed):
    counts = events_of_runs(kafka)
    for seed, (run, _) in work.results.items():
        expect(f"events of run {run} (seed {seed})", counts.get(run), counts[undisturbed[seed % 2]])
    ids = {
        topic: {header(m, "ce_subject") for m in kafka.read("spira." + topic)} - {None}
        for topic in ("audio.collected", "audio.accepted")
    }
    expect("accepted recordings", ids["audio.accepted"], ids["audio.collected"])


def unread(kafka):
    """What groups have not committed of the topics they read."""
    partitions = kafka.partitions()
    left = []
    for group in kafka.groups():
        offsets = kafka.committed(group)
        for topic in {topic for topic, _ in offsets}:
            for partition in partitions[topic]:
                end = kafka.end(topic, partition)
                if max(offsets.get((topic, partition), 0), 0) < end:
                    left.append(f"{group} {topic} {partition}: {offsets.get((topic, partition))} of {end}")
    return left


def check_unread(kafka):
    deadline = time.monotonic() + 60
    left = unread(kafka)
    while left and time.monotonic() < deadline:
        time.sleep(0.5)
        left = unread(kafka)
    expect("messages that nobody read", left, [])


def check_dead_letters(kafka, poison):
    letters = {}
    for topic in kafka.partitions():
        if topic.endswith(".dlq"):
            for message in kafka.read(topic):
                letters[message.value] = f"{topic} {header(message, 'dlq-error')}"
    expect("dead letters that are no poison", [letters[v] for v in set(letters) - poison], [])
    expect("poison without a dead letter", [v.hex() for v in poison - set(letters)], [])
    return len(letters)


def check_store(store):
    for path in (store / "audio" / "sha256").glob("*/*"):
        expect("digest of a recording", hashlib.sha256(path.read_bytes()).hexdigest(), path.name)


def check_ends(fleet):
    """How workers ended: killed by us, told to end, or fenced; returns how many were fenced."""
    fenced = 0
    for path in (fleet.folder / "log").glob("*.log"):
        text = path.read_text(errors="replace")
        ends = collections.Counter(re.findall(r"ended with status (\d+)", text))
        fences = len(re.findall(r'"level":"error".*fenced', text))
        if ends[FATAL_EXIT] and fences:
            fenced += ends.pop(FATAL_EXIT)
        expect(f"other ends of {path.stem}", sorted(set(ends) - {"137", "0"}), [])
    return fenced


def small_corpus(corpus, path):
    """The first recordings of the corpus' metadata for each class and role: 20 of them."""
    limits = {"train": 6, "validation": 2, "test": 2}
    taken = collections.Counter()
    with open(corpus / "metadata.csv", newline="") as source, open(path, "w", newline="") as target:
        rows = csv.DictReader(source)
        writer = csv.DictWriter(target, rows.fieldnames, lineterminator="\n")
        writer.writeheader()
        for row in rows:
            role = row["split"], row["class"]
            if "-0." in row["file_path"] and taken[role] < limits[row["split"]]:
                taken[role] += 1
                writer.writerow(row)


def check_all(fleet, work, undisturbed):
    check_unread(fleet.kafka)
    check_events(fleet.kafka, work, undisturbed)
    letters = check_dead_letters(fleet.kafka, work.poison)
    check_store(fleet.folder / "store")
    listed = work.patiently("run", "list", "--limit", "1000", "-o", "json")
    shown = {run["run_id"]: run["state"] for run in listed}
    for run, result in work.results.values():
        expect(f"state of run {run} in Redis", shown.get(run), "succeeded")
        later = work.patiently("run", "show", run, "-o", "json")
        expect(f"digests of run {run} in Redis", digests(later), digests(result))
    return letters


def check_digests(arguments, work, rows, noise, folder):
    """Every run against a local run with its seed; two at a time, each half on a store of its own."""

    def check(item):
        seed, (run, result) = item
        expect(f"state of run {run}", result["state"], "succeeded")
        store = folder / f"local-{seed % 2}"
        expected = local_digests(arguments.bin, arguments.corpus, rows, noise, store, seed)
        expect(f"digests of run {run} (seed {seed})", digests(result), expected)

    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        list(pool.map(check, work.results.items()))


def kill_loop(arguments, folder):
    rows = folder / "metadata.csv"
    small_corpus(arguments.corpus, rows)
    noise = arguments.corpus / "noise.csv"
    random_numbers = random.Random(arguments.seed)
    fleet = Fleet(
        arguments.fleet,
        arguments.bin,
        folder / "fleet",
        SPIRA_THREADS="1",
        SPIRA_KAFKA_SESSION_TIMEOUT_MS=str(SESSION_SECONDS * 1000),
        SPIRA_KAFKA_HEARTBEAT_INTERVAL_MS="500",
    )
    work = Work(fleet, arguments.corpus, rows, noise)
    try:
        fleet.up()
        say("the fleet is up")
        undisturbed = {}  # by whether it is trained once or twice: seed % 2
        for seed in (1, 2):
            work.one_run()
            undisturbed[seed % 2] = work.results[seed][0]

        poisoner = random.Random(arguments.seed + 1)
        jobs = [(work.client,)] * CLIENTS + [(work.send_poison, poisoner)]
        threads = [threading.Thread(target=work.guard, args=job) for job in jobs]
        for thread in threads:
            thread.start()
        try:
            faults = hurt(fleet, work, random_numbers, arguments.rounds)
        finally:
            last_fault = time.monotonic()
            work.give_up = last_fault + RECOVERY_SECONDS
            work.no_more.set()
            for thread in threads:
                thread.join()
        if work.problems:
            raise work.problems[0]
        say(f"the last run ended {time.monotonic() - last_fault:.1f} s after the last fault")
        letters = check_all(fleet, work, undisturbed)
    finally:
        fleet.down()
    fenced = check_ends(fleet)
    check_digests(arguments, work, rows, noise, folder)
    kinds = collections.Counter()
    for (kind, _), count in faults.items():
        kinds[kind] += count
    say(
        f"{len(work.results)} runs with the right digests; {kinds['kill'] + kinds['wipe']} kills"
        f" ({kinds['wipe']} with Redis wiped), {kinds['freeze']} freezes,"
        f" {fenced} workers fenced, {letters} dead letters"
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[2])
    parser.add_argument("bin", type=pathlib.Path)
    parser.add_argument("corpus", type=pathlib.Path)
    parser.add_argument("fleet", type=pathlib.Path)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    parser.add_argument("--rounds", type=int, default=4)
    arguments = parser.parse_args()
    for name in ("bin", "corpus", "fleet"):
        setattr(arguments, name, getattr(arguments, name).resolve())
    say(f"seed {arguments.seed}")
    folder = pathlib.Path(tempfile.mkdtemp(prefix="spira-kill-"))
    try:
        kill_loop(arguments, folder)
    except Wrong as wrong:
        kept = folder.with_name(folder.name + "-logs")
        shutil.copytree(folder / "fleet" / "log", kept, dirs_exist_ok=True)
        sys.exit(f"FAILED: {wrong}\nseed {arguments.seed}; the workers' logs are in {kept}")
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
