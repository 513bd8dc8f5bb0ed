#!/usr/bin/env -S python3 -B
"""Usage: test_compose.py --image IMAGE --corpus DIR --deb FILE --base IMAGE [--compose WORD]... [--keep]

The fleet in containers, end to end; script/test-compose makes what it needs and starts it. IMAGE is the
fleet's image, DIR the demo corpus, FILE the Debian package, which is installed in a container of the base
image. --compose is the compose command, a word each time.

  1. Reference: `spiractl local run`, in a container without a network, of three configurations.
  2. compose up with two feature workers; recordings arrive through docs/examples/collector/collect.py; a
     run of the first configuration is published.
  3. A run of the second while a feature worker, Kafka, Redis and the trainer are killed, each at work.
  4. The topic is replayed into a run of the third configuration.
  5. All digests are those of the reference, and of the package's spiractl; the published model predicts
     in a container as the reference's does.
  6. Containers are confined as the compose file promises; stop ends every worker in time with exit code
     0; down leaves nothing.

Figures go to stdout. Exit code 0: all of it holds; 1: the last line says what does not.
"""

import argparse
import csv
import datetime
import json
import os
import pathlib
import shutil
import signal
import sys
import tempfile
import time

import hardening
from containers import (Project, Wrong, await_that, computes, crash, docker, kill, output_of, set_processors,
                        start, state_of)
from kafka_client import Kafka, KafkaError

ROOT = pathlib.Path(__file__).resolve().parents[2]
COLLECT = ROOT / "docs" / "examples" / "collector" / "collect.py"
PYTHON = "/usr/bin/python3"  # the one that Debian's packages are for
CONFIG = ROOT / "tests" / "e2e" / "small.json"
FEATURE_WORKERS = 2
WORKERS = ["audio-intake", "feature-engineering", "model-training", "model-evaluation", "model-publish",
           "run-tracker"]
SERVERS = ["kafka", "redis"]
SLOW = 0.08  # of a processor, for who is to be killed at work

# What each configuration changes in small.json.
QUICK = {}
# Learns slowly enough to be best in its last epochs: what comes after a kill decides what is published.
LONG = {"seed": 11, "train.epochs": 45, "train.optimizer.learning_rate": 0.0002, "train.checkpoint_interval": 20,
        "transform.noise.copies": 24}
OTHER = {"seed": 12, "features.num_mfcc": 20, "train.optimizer.learning_rate": 0.003}
CONFIGURATIONS = {"quick": QUICK, "long": LONG, "other": OTHER}

BEGAN = time.monotonic()


def say(text):
    print(f"[{time.monotonic() - BEGAN:6.1f}] {text}", flush=True)


def settings(changes):
    return [word for key, value in changes.items() for word in ("--set", f"{key}={json.dumps(value)}")]


def digests(result):
    """The three that must agree between equal runs."""
    if result["state"] != "succeeded":
        raise Wrong(f"run {result['run_id']} is {result['state']}: {json.dumps(result)[:1000]}")
    return {part: result[part]["digest"] for part in ("dataset", "model", "evaluation")}


def expect_same(what, actual, expected):
    if actual != expected:
        raise Wrong(f"{what}: {actual}, expected {expected}")


def choose_recordings(corpus, path):
    """Two recordings of each voice and class, as the collecting side's CSV file."""
    with open(corpus / "metadata.csv", newline="", encoding="utf-8") as source, \
            open(path, "w", newline="", encoding="utf-8") as target:
        rows = csv.DictReader(source)
        writer = csv.DictWriter(target, rows.fieldnames, lineterminator="\n")
        writer.writeheader()
        chosen = [row for row in rows if pathlib.Path(row["file_path"]).stem.endswith(("-0", "-1"))]
        writer.writerows(chosen)
    return len(chosen)


class LocalRuns:
    """`spiractl local run` in containers without a network: what an undisturbed run gives."""

    def __init__(self, arguments, work, rows):
        self.arguments, self.work, self.rows = arguments, work, rows

    def mounts(self, store):
        return ["--volume", f"{self.arguments.corpus}:/corpus:ro", "--volume", f"{self.rows.parent}:/settings:ro",
                "--volume", f"{store}:/store"]

    @staticmethod
    def words(changes):
        return ["local", "run", "--csv", "/settings/metadata.csv", "--noise", "/corpus/noise.csv", "--root", "/corpus",
                "--config", "/settings/run.json", "--store", "/store", "-o", "json", *settings(changes)]

    def store(self, name):
        """A folder that any user may write, below the work folder."""
        folder = self.work / name
        folder.mkdir()
        folder.chmod(0o777)
        return folder

    def by_image(self, store, changes):
        # One thread, as the fleet has not: no digest depends on how many there are.
        return json.loads(docker("run", "--rm", "--network", "none", "--read-only", "--tmpfs", "/tmp", "--env",
                                 "SPIRA_THREADS=1", *self.mounts(store), self.arguments.image, "spiractl",
                                 *self.words(changes), timeout=600))

    def by_package(self, store, changes):
        """A bare Debian: apt-get brings what the package depends on, then it runs as nobody."""
        script = ("apt-get update >&2\n"
                  "apt-get install --yes --no-install-recommends /spira.deb >&2\n"
                  'exec setpriv --reuid 65534 --regid 65534 --clear-groups spiractl "$@"')
        return json.loads(docker("run", "--rm", "--volume", f"{self.arguments.deb}:/spira.deb:ro",
                                 "--env", "DEBIAN_FRONTEND=noninteractive", *self.mounts(store), self.arguments.base,
                                 "bash", "-euc", script, "spiractl", *self.words(changes), timeout=900))


class Scenario:
    """What happens to the fleet, in the order of the head comment."""

    def __init__(self, arguments, work):
        self.arguments, self.work = arguments, work
        self.settings = work / "settings"
        self.inbox = work / "inbox"
        for folder in (self.settings, self.inbox):
            folder.mkdir()
            folder.chmod(0o755)
        self.rows = self.settings / "metadata.csv"
        self.recordings = choose_recordings(arguments.corpus, self.rows)
        shutil.copyfile(CONFIG, self.settings / "run.json")
        self.kafka_port = arguments.kafka_port
        self.kafka = Kafka(f"127.0.0.1:{self.kafka_port}")
        self.project = Project(arguments.compose, ROOT / "deploy" / "compose" / "compose.yaml",
                               f"spira-test-{os.getpid()}", SPIRA_IMAGE=arguments.image,
                               SPIRA_INBOX_DIR=str(self.inbox), SPIRA_KAFKA_PORT=str(self.kafka_port),
                               SPIRA_KAFKA_SESSION_TIMEOUT_MS="6000")
        self.kills = []
        self.figures = {}

    # --- the runs

    def reference(self):
        """Every configuration in one store, as the fleet has one."""
        local = LocalRuns(self.arguments, self.work, self.rows)
        store = local.store("reference")
        self.expected = {}
        for name, changes in CONFIGURATIONS.items():
            result = local.by_image(store, changes)
            self.expected[name] = digests(result)
            say(f"local run of the image, {name}: model {self.expected[name]['model'][:12]}")
        result = local.by_package(local.store("package"), QUICK)
        expect_same("digests of the package's spiractl", digests(result), self.expected["quick"])
        say("the package on a bare Debian gives the same digests")

    def up(self):
        began = time.monotonic()
        self.project.compose("up", "--detach", "--scale", f"feature-engineering={FEATURE_WORKERS}", timeout=600)
        self.project.await_healthy(SERVERS + WORKERS)
        expect_same("feature workers", len(self.project.ids("feature-engineering")), FEATURE_WORKERS)
        self.figures["compose up to all healthy"] = f"{time.monotonic() - began:.1f} s"
        say("the fleet is up")
        self.measure_memory()
        self.collect()
        result = self.wait(self.start_run("quick"))
        self.figures["compose up to the first published model"] = f"{time.monotonic() - began:.1f} s"
        expect_same("digests of the first run", digests(result), self.expected["quick"])
        say(f"published: {result['model']['path']}")
        self.published = result

    def collect(self):
        """As the data-collection system: from this machine, over the published port and the inbox."""
        self.collected_from = datetime.datetime.now(datetime.timezone.utc)
        lines = output_of([PYTHON, "-B", COLLECT, "add", "--csv", self.rows, "--noise",
                           self.arguments.corpus / "noise.csv", "--root", self.arguments.corpus, "--inbox", self.inbox,
                           "--kafka", f"127.0.0.1:{self.kafka_port}", "--wait", "120"], timeout=240).splitlines()
        answers = [json.loads(line) for line in lines if '"answer"' in line]
        refused = [answer for answer in answers if answer["answer"] != "accepted"]
        expect_same("recordings that were rejected", refused, [])
        time.sleep(0.01)  # bounds have milliseconds
        self.collected_to = datetime.datetime.now(datetime.timezone.utc)
        say(f"{len(answers)} recordings and noises accepted")

    def spiractl(self, *words, **options):
        return self.project.spiractl(*words, mounts=[f"{self.settings}:/settings:ro"], **options)

    def start_run(self, name, *words):
        return self.spiractl("run", "start", "--config", "/settings/run.json", *settings(CONFIGURATIONS[name]),
                             *words)["run_id"]

    def wait(self, run, seconds=300):
        return self.spiractl("run", "wait", run, "--timeout", str(seconds), timeout=seconds + 60)

    # --- the faults

    def count(self, event, run):
        """How many events of a topic a run has; None while Kafka is down."""
        try:
            messages = list(self.kafka.read("spira." + event))
        except KafkaError:
            return None
        return len({text for message in messages if ("ce_subject", run.encode()) in message.headers
                    for name, text in message.headers if name == "ce_id"})

    def kill_and_start(self, service, container, at_work):
        """at_work: what it is in the middle of, as a function that tells whether it still is."""
        if not at_work():
            raise Wrong(f"{service} was not at work any more when it was to be killed")
        kill(container)
        self.kills.append(service)
        say(f"killed {service}")
        start(container)

    def storm(self):
        features, trainer = self.project.ids("feature-engineering"), self.project.only("model-training")
        old = self.checkpoints(trainer)
        for container in [*features, trainer]:
            set_processors(container, SLOW)
        run = self.start_run("long")
        self.kill_feature_worker(run, features)
        self.kill_kafka(run)
        for container in features:
            set_processors(container, 1)
        await_that("training under way", 180, lambda: computes(trainer))
        self.kill_redis(run, trainer)
        self.crash_tracker(trainer)
        done = self.kill_trainer(run, trainer, old)
        set_processors(trainer, 1)
        result = self.wait(run)
        if '"checkpoint":"step-' not in docker("logs", trainer):
            raise Wrong("the trainer that was killed did not go on from its checkpoint")
        best = result["training"]["best_epoch"] / LONG["train.epochs"]
        if best <= done:
            raise Wrong(f"the trainer was killed after {done:.0%} of its steps, and was best at {best:.0%}")
        expect_same("digests of the run with kills", digests(result), self.expected["long"])
        letters = self.spiractl("dlq", "list")
        expect_same("dead letters", letters, [])
        self.project.await_healthy(SERVERS + WORKERS)
        self.figures["kills survived"] = f"{len(self.kills)} ({', '.join(self.kills)})"

    def kill_feature_worker(self, run, features):
        await_that("shards of the run", 180, lambda: self.count("features.requested", run))
        victim = await_that("feature worker with a shard", 120,
                            lambda: next((worker for worker in features if computes(worker)), None))
        self.kill_and_start("feature-engineering", victim, lambda: computes(victim))
        expect_same("features.completed of the run when a feature worker was killed",
                    self.count("features.completed", run), 0)

    def kill_kafka(self, run):
        """While shards are under way: their events must get through all the same."""
        self.kill_and_start("kafka", self.project.only("kafka"),
                            lambda: self.count("features.requested", run) and not self.count("features.completed", run))
        await_that("Kafka's answer", 120, lambda: self.count("run.requested", run))

    def progress(self, run):
        """What Redis shows of a training: the share of its steps that are done."""
        shown = next((shown for shown in self.spiractl("run", "list") if shown["run_id"] == run), {})
        progress = shown.get("progress")
        return progress["done"] / progress["total"] if progress and shown["step"] == "model_training" else 0

    def kill_redis(self, run, trainer):
        """While the trainer writes its progress there."""
        before = await_that("progress of the training", 120, lambda: self.progress(run))
        self.kill_and_start("redis", self.project.only("redis"), lambda: computes(trainer))
        self.project.await_healthy(["redis"])
        await_that("progress after Redis was killed", 120, lambda: self.progress(run) > before)

    def crash_tracker(self, trainer):
        """Nobody starts this one again but Docker, as the compose file says."""
        tracker = self.project.only("run-tracker")
        before = state_of(tracker)["Pid"]
        if not computes(trainer):
            raise Wrong("there was no run to follow any more when run-tracker was to crash")
        crash(tracker, self.arguments.image)
        self.kills.append("run-tracker")
        await_that("another life of run-tracker", 60,
                   lambda: state_of(tracker)["Running"] and state_of(tracker)["Pid"] not in (0, before))
        say("run-tracker crashed and was started again")

    @staticmethod
    def checkpoints(trainer):
        return set(docker("exec", trainer, "bash", "-c",
                          'shopt -s nullglob; echo "$SPIRA_STORE"/models/*/checkpoints/step-*').split())

    def kill_trainer(self, run, trainer, old):
        """When it has a checkpoint to go on from; gives the share of its steps that were done."""
        await_that("checkpoint of the training", 180, lambda: self.checkpoints(trainer) - old)
        done = self.progress(run)
        self.kill_and_start("model-training", trainer, lambda: computes(trainer))
        return done

    # --- what follows

    def replay(self):
        """The topic again, between two times, with another configuration."""
        def text(moment):
            return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")

        run = self.start_run("other", "--from", text(self.collected_from), "--to", text(self.collected_to))
        result = self.wait(run)
        expect_same("digests of the replay", digests(result), self.expected["other"])
        expect_same("recordings of the replay", result["dataset"]["recordings"], self.recordings)
        say("the replay has the digests of the reference")

    def predict(self):
        """The same recording by the published model and by the reference's, each in a container."""
        recording = sorted((self.inbox / "collected").iterdir())[0].name
        words = ["model", "predict", "--in", f"/recordings/{recording}", "--model"]
        mount = f"{self.inbox}/collected:/recordings:ro"
        ours = self.project.spiractl(*words, self.published["model"]["path"], mounts=[mount])
        path = "/store/registry/small/versions/000001/model.safetensors"
        theirs = json.loads(docker("run", "--rm", "--network", "none", "--read-only", "--volume", mount,
                                   "--volume", f"{self.work / 'reference'}:/store:ro", self.arguments.image,
                                   "spiractl", *words, path, "-o", "json"))
        expect_same("the published model's answer", ours, theirs)
        versions = self.spiractl("model", "list")
        expect_same("published versions", len(versions), len(CONFIGURATIONS))
        say(f"{recording[:12]}: probability {ours['probability']:.3f}")

    def check_hardening(self):
        hardening.check_settings(self.project, WORKERS, SERVERS)
        hardening.check_from_inside(self.project, WORKERS)
        ports = hardening.check_ports(self.project)
        say(f"confined as promised; {ports} ports, on 127.0.0.1 alone")

    def measure_memory(self):
        """Of each worker before there is work."""
        for service in WORKERS:
            container = self.project.ids(service)[0]
            used = docker("stats", "--no-stream", "--format", "{{.MemUsage}}", container).split(" / ")[0]
            self.figures[f"memory of {service}, idle"] = used

    def stop(self):
        """SIGTERM: each worker leaves its group and ends well, before Docker would kill it."""
        began = time.monotonic()
        self.project.compose("stop", timeout=300)
        for service in WORKERS:
            for container in self.project.inspect(service):
                expect_same(f"exit code of {service} after SIGTERM", container["State"]["ExitCode"], 0)
                expect_same(f"{service} killed for its memory", container["State"]["OOMKilled"], False)
        say(f"stopped in {time.monotonic() - began:.1f} s, every worker with exit code 0")

    def down(self):
        mounted = {mount["Name"] for container in self.project.inspect() for mount in container["Mounts"]
                   if mount["Type"] == "volume"}
        self.project.compose("down", "--volumes", "--remove-orphans", timeout=300)
        expect_same("what compose down left", self.project.leftovers(), [])
        volumes = set(docker("volume", "ls", "--quiet").split())
        expect_same("volumes that compose down left", mounted & volumes, set())
        expect_same("answers on Kafka's port after compose down", hardening.accepts("127.0.0.1", self.kafka_port), False)

    def play(self):
        self.reference()
        self.up()
        self.storm()
        self.replay()
        self.predict()
        self.check_hardening()
        self.stop()


def remove(folder, image):
    """A work folder, with what containers wrote into it as users of their own."""
    docker("run", "--rm", "--network", "none", "--user", "0", "--volume", f"{folder}:/work", "--entrypoint", "find",
           image, "/work", "-mindepth", "1", "-delete")
    folder.rmdir()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--image", required=True)
    parser.add_argument("--base", required=True)
    parser.add_argument("--corpus", type=pathlib.Path, required=True)
    parser.add_argument("--deb", type=pathlib.Path, required=True)
    parser.add_argument("--compose", action="append", required=True)
    parser.add_argument("--kafka-port", type=int, required=True)
    parser.add_argument("--keep", action="store_true", help="leave the containers when it fails")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # whoever ends it finds nothing left either
    work = pathlib.Path(tempfile.mkdtemp(prefix="spira-compose."))
    work.chmod(0o755)  # containers' users look into it
    scenario, problem = Scenario(arguments, work), None
    try:
        scenario.play()
    except (Wrong, KafkaError, OSError, KeyboardInterrupt) as caught:
        problem = caught
        print(scenario.project.logs(), file=sys.stderr)
    if problem and arguments.keep:
        print(f"left as they are: compose project {scenario.project.name}, {work}", file=sys.stderr)
    else:
        for undo in (scenario.down, lambda: remove(work, arguments.image)):
            try:
                undo()
            except (Wrong, OSError) as caught:
                problem = problem or caught
    for name, value in scenario.figures.items():
        print(f"  {name}: {value}")
    if problem:
        sys.exit(f"FAILED: {str(problem) or type(problem).__name__}")


if __name__ == "__main__":
    main()
