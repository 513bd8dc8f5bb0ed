#!/usr/bin/env python3
"""Gives recordings to SPIRA's fleet, as a data-collection system would.

It knows two things of the fleet: the events in schemas/, and the inbox, a folder both sides see. Copy
it, or take from it what you need. Debian: python3-confluent-kafka, python3-msgpack; with
python3-jsonschema each event is held against its schema before anything is sent.

  collect.py add --csv FILE [--noise FILE] --root DIR --inbox DIR
      Copies the recordings into the inbox, then sends audio.collected for each. The CSV file has the
      columns file_path (below DIR), class (0 control, 1 patient) and, where they are known, patient
      and split (train, validation, test); any other column goes along as metadata. --noise names a
      CSV file with file_path of ward noises.
  collect.py withdraw SHA256... [--patient ID] [--reason TEXT]
      Sends audio.withdrawn: no run that is started later uses these recordings, all of one patient.

Each event that Kafka has acknowledged is a line of JSON on stdout; with --wait so is each answer of the
fleet's intake, accepted, or rejected with its reason. Nothing is sent unless every recording has been
copied. Doing it again is harmless: the same recording has the same name in the inbox, and the same event
the same ce_id. Exit code 0: all is acknowledged, and with --wait answered; 1: something failed, in one
line on stderr; 2: usage.
"""

import argparse
import csv
import datetime
import hashlib
import json
import os
import pathlib
import re
import secrets
import sys
import tempfile
import time

import confluent_kafka
import msgpack

try:
    import jsonschema
except ImportError:
    jsonschema = None

SCHEMAS = pathlib.Path(__file__).resolve().parents[3] / "schemas"
SPLITS = ["train", "validation", "test"]
CHUNK_BYTES = 1 << 20


class Failed(Exception):
    """What went wrong, in one line."""


def copy_into_inbox(source, inbox):
    """Copies a recording to collected/<sha256><extension> below the inbox, where it appears whole or
    not at all; gives that path, its SHA-256 and its size."""
    folder = inbox / "collected"
    folder.mkdir(exist_ok=True)
    digest, size = hashlib.sha256(), 0
    with open(source, "rb") as file, tempfile.NamedTemporaryFile(dir=folder, prefix=".part-", delete=False) as part:
        try:
            while chunk := file.read(CHUNK_BYTES):
                digest.update(chunk)
                size += len(chunk)
                part.write(chunk)
            part.flush()
            os.fchmod(part.fileno(), 0o644)  # the fleet's intake is another user
            os.fsync(part.fileno())
            extension = source.suffix.lower()
            name = digest.hexdigest() + (extension if re.fullmatch(r"\.[a-z0-9]{1,8}", extension) else "")
            os.rename(part.name, folder / name)
        except BaseException:
            os.unlink(part.name)
            raise
    return f"collected/{name}", digest.hexdigest(), size


def sync_folder(folder):
    """After this the names in it outlive a power cut."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def read_rows(path, columns):
    """The rows of a CSV file that has these columns, each with its place in the file."""
    with open(path, newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file)
        for column in columns:
            if column not in (reader.fieldnames or []):
                raise Failed(f"{path}: the header has no column {column}")
        for row in reader:
            if None in row or None in row.values():
                raise Failed(f"{path}, line {reader.line_num}: has not as many fields as the header")
            yield f"{path}, line {reader.line_num}", row


def event_of(place, row, noise):
    """audio.collected of a row, without what only the file itself tells."""
    event = {"recording_id": row.pop("file_path"), "role": "noise" if noise else "speech"}
    if noise:
        return event
    label, split, patient = row.pop("class"), row.pop("split", ""), row.pop("patient", "")
    if label not in ("0", "1"):
        raise Failed(f"{place}: class is '{label}', not 0 or 1")
    if split and split not in SPLITS:
        raise Failed(f"{place}: split is '{split}', none of {', '.join(SPLITS)}")
    event["label"] = int(label)
    if patient:
        event["patient"] = patient
    if split:
        event["split"] = split
    metadata = {name: text for name, text in row.items() if text}
    if metadata:
        event["metadata"] = metadata
    return event


def collect(path, root, inbox, noise):
    """Copies what a CSV file lists, and gives the events that tell of it."""
    for place, row in read_rows(path, ["file_path"] if noise else ["file_path", "class"]):
        event = event_of(place, row, noise)
        source = root / event["recording_id"]
        if not source.is_file():
            raise Failed(f"{place}: there is no file {source}")
        event["uri"], event["sha256"], event["bytes"] = copy_into_inbox(source, inbox)
        yield event


def date(events):
    """Of two events about one recording the later counts, so that each has a time of its own."""
    now_ms = time.time_ns() // 1_000_000
    for number, event in enumerate(events):
        event["collected_at"] = now_ms + number


class Schema:
    """The schema of an event; holds events against it where jsonschema is installed."""

    def __init__(self, folder, name):
        path = folder / f"{name}.v1.schema.json"
        self.validator = None
        if jsonschema:
            schema = json.loads(path.read_text(encoding="utf-8"))
            self.validator = jsonschema.Draft202012Validator(schema)

    def check(self, event):
        if self.validator:
            for error in self.validator.iter_errors(event):
                field = ".".join(str(part) for part in error.absolute_path)
                raise Failed(f"{event.get('recording_id', event['sha256'])}: {field or 'the event'}: {error.message}")


def trace_of_caller():
    """The trace id of the caller's TRACEPARENT (W3C Trace Context), or one of our own."""
    found = re.fullmatch(r"00-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}", os.environ.get("TRACEPARENT", ""))
    return found.group(1) if found else secrets.token_hex(16)


def connection(arguments):
    """What producer and consumer are told of Kafka."""
    # No log: what does not come to pass tells why.
    known = {"bootstrap.servers": arguments.kafka, "log_level": 0}
    return known | dict(setting.split("=", 1) for setting in arguments.property)


class Answers:
    """What the intake says from now on. It reads beside the fleet's groups and commits nothing."""

    def __init__(self, arguments):
        topics = [arguments.topic_prefix + name for name in ("audio.accepted", "audio.rejected")]
        self.rejected_topic = topics[1]
        self.consumer = confluent_kafka.Consumer(
            connection(arguments) | {"group.id": "collect.py", "enable.auto.commit": False})
        known = self.consumer.list_topics(timeout=arguments.timeout).topics
        ends = []
        for topic in topics:
            for partition in known[topic].partitions if topic in known else []:
                place = confluent_kafka.TopicPartition(topic, partition)
                place.offset = self.consumer.get_watermark_offsets(place, timeout=arguments.timeout)[1]
                ends.append(place)
        if not ends:
            raise Failed(f"Kafka has none of the topics {' and '.join(topics)}")
        self.consumer.assign(ends)

    def await_all(self, events, seconds):
        """Waits until each event has an answer; gives how many were rejected."""
        # The time makes it this event: the recording may have been sent before.
        waiting = {(event["recording_id"], event["collected_at"]) for event in events}
        deadline, rejected = time.monotonic() + seconds, 0
        while waiting:
            if time.monotonic() > deadline:
                raise Failed(f"{len(waiting)} of {len(events)} recordings have no answer of the intake after"
                             f" {seconds:g} s, such as {min(waiting)[0]}")
            message = self.consumer.poll(0.2)
            if message is None or message.error():
                continue
            answer = msgpack.unpackb(message.value())
            identity = answer.get("recording_id"), answer.get("collected_at")
            if identity in waiting:
                waiting.remove(identity)
                refused = message.topic() == self.rejected_topic
                rejected += refused
                print(json.dumps({"subject": identity[0], "answer": "rejected" if refused else "accepted",
                                  "reason": answer.get("reason"), "message": answer.get("message")},
                                 ensure_ascii=False))
        self.consumer.close()
        return rejected


class Sender:
    """Sends events to one topic, and keeps account of what Kafka acknowledged."""

    def __init__(self, arguments, name):
        self.name, self.source, self.timeout = name, arguments.source, arguments.timeout
        self.topic = arguments.topic_prefix + name
        self.trace = trace_of_caller()
        self.refused, self.acknowledged = [], 0
        self.producer = confluent_kafka.Producer(connection(arguments) | {
            "enable.idempotence": True,  # tried again, an event is there once and in its place
            "acks": "all",
            "partitioner": "murmur2_random",  # what Kafka's own clients do: a patient's events stay in order
            "compression.type": "lz4",
            "message.timeout.ms": int(arguments.timeout * 1000),
        })

    def check_topic(self):
        """Kafka makes no topic by itself; better to know before the first event."""
        topics = self.producer.list_topics(timeout=self.timeout).topics
        if self.topic not in topics:
            raise Failed(f"Kafka has no topic {self.topic}: the fleet makes it with 'spiractl topics ensure'")

    def headers(self, key, event):
        """CloudEvents 1.0 in binary mode. ce_id names what is said, not when."""
        said = [self.topic, key, {name: value for name, value in event.items() if name != "collected_at"}]
        canonical = json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        now = datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="milliseconds")
        return {
            "ce_specversion": "1.0",
            "ce_id": hashlib.sha256(canonical.encode()).hexdigest(),
            "ce_type": f"br.usp.ime.spira.{self.name}.v1",
            "ce_source": self.source,
            "ce_time": now.replace("+00:00", "Z"),
            "ce_subject": event.get("recording_id", event["sha256"]),
            "content-type": "application/msgpack",
            "traceparent": f"00-{self.trace}-{secrets.token_hex(8)}-01",
        }

    def send(self, event):
        """Queues an event under its patient, or what it is about where that is nobody's."""
        key = event.get("patient") or event.get("recording_id", event["sha256"])
        headers = self.headers(key, event)

        def delivered(error, message):
            if error:
                self.refused.append(f"{headers['ce_subject']}: {error.str()}")
                return
            self.acknowledged += 1
            receipt = {"subject": headers["ce_subject"], "sha256": event["sha256"], "ce_id": headers["ce_id"],
                       "topic": message.topic(), "partition": message.partition(), "offset": message.offset()}
            print(json.dumps(receipt, ensure_ascii=False))

        while True:
            try:
                self.producer.produce(self.topic, key=key.encode(), value=msgpack.packb(event),
                                      headers=headers, on_delivery=delivered)
                break
            except BufferError:  # the queue is full
                self.producer.poll(0.1)
        self.producer.poll(0)

    def finish(self, count):
        """Waits until Kafka has answered for every event."""
        self.producer.flush(self.timeout + 5)  # what has no answer in time is refused within it
        if self.refused:
            raise Failed(f"{len(self.refused)} of {count} events were not acknowledged; the first: {self.refused[0]}")
        if self.acknowledged != count:
            raise Failed(f"{count - self.acknowledged} of {count} events have no answer of Kafka's")


def send_all(arguments, name, events):
    schema = Schema(arguments.schemas, name)
    for event in events:
        schema.check(event)
    sender = Sender(arguments, name)
    sender.check_topic()
    for event in events:
        sender.send(event)
    sender.finish(len(events))
    checked = "" if schema.validator else "; not held against the schema: there is no jsonschema"
    print(f"collect.py: {len(events)} events on {sender.topic}{checked}", file=sys.stderr)


def add(arguments):
    for folder in (arguments.root, arguments.inbox):
        if not folder.is_dir():
            raise Failed(f"{folder}: no such folder")
    events = list(collect(arguments.csv, arguments.root, arguments.inbox, noise=False))
    if arguments.noise:
        events += collect(arguments.noise, arguments.root, arguments.inbox, noise=True)
    if not events:
        raise Failed(f"{arguments.csv}: has no row")
    sync_folder(arguments.inbox / "collected")
    date(events)
    answers = Answers(arguments) if arguments.wait else None
    send_all(arguments, "audio.collected", events)
    if answers:
        rejected = answers.await_all(events, arguments.wait)
        print(f"collect.py: {len(events) - rejected} accepted, {rejected} rejected", file=sys.stderr)


def withdraw(arguments):
    events = []
    for digest in arguments.sha256:
        if not re.fullmatch("[0-9a-f]{64}", digest):
            raise Failed(f"'{digest}' is no SHA-256 in lower-case hexadecimal")
        known = {"patient": arguments.patient, "reason": arguments.reason}
        events.append({"sha256": digest} | {name: text for name, text in known.items() if text})
    send_all(arguments, "audio.withdrawn", events)


def parse(words):
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--kafka", default=os.environ.get("KAFKA_BOOTSTRAP_SERVERS"), metavar="HOST:PORT",
                        help="else KAFKA_BOOTSTRAP_SERVERS")
    common.add_argument("--property", action="append", default=[], metavar="NAME=VALUE",
                        help="of librdkafka, as security.protocol=sasl_ssl; repeatable")
    common.add_argument("--topic-prefix", default=os.environ.get("SPIRA_TOPIC_PREFIX", "spira."), metavar="TEXT",
                        help="what the names of topics begin with (spira.)")
    common.add_argument("--schemas", type=pathlib.Path, default=SCHEMAS, metavar="DIR", help="the fleet's schemas/")
    common.add_argument("--source", default="/data-collection", metavar="URI", help="ce_source: who sends")
    common.add_argument("--timeout", type=float, default=30, metavar="SECONDS", help="that Kafka has to answer (30)")
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="add|withdraw")
    adding = verbs.add_parser("add", parents=[common], help="copy recordings into the inbox and tell of them")
    adding.add_argument("--csv", type=pathlib.Path, required=True, metavar="FILE", help="recordings")
    adding.add_argument("--noise", type=pathlib.Path, metavar="FILE", help="noises")
    adding.add_argument("--root", type=pathlib.Path, required=True, metavar="DIR", help="what file_path is below")
    inbox = os.environ.get("SPIRA_INBOX")
    adding.add_argument("--inbox", type=pathlib.Path, default=inbox, required=not inbox, metavar="DIR",
                        help="else SPIRA_INBOX")
    adding.add_argument("--wait", type=float, metavar="SECONDS", help="for the intake's answers, at most so long")
    adding.set_defaults(run=add)
    withdrawing = verbs.add_parser("withdraw", parents=[common], help="keep recordings out of later runs")
    withdrawing.add_argument("sha256", nargs="+", metavar="SHA256")
    withdrawing.add_argument("--patient", metavar="ID", help="whose they are")
    withdrawing.add_argument("--reason", metavar="TEXT", help="why, in words")
    withdrawing.set_defaults(run=withdraw)
    arguments = parser.parse_args(words)
    if not arguments.kafka:
        parser.error("neither --kafka nor KAFKA_BOOTSTRAP_SERVERS says where Kafka is")
    for setting in arguments.property:
        if "=" not in setting:
            parser.error(f"--property is '{setting}', not NAME=VALUE")
    return arguments


def main(words):
    arguments = parse(words)
    try:
        arguments.run(arguments)
    except confluent_kafka.KafkaException as error:
        print(f"collect.py: Kafka at {arguments.kafka}: {error.args[0].str()}", file=sys.stderr)
        return 1
    except (Failed, OSError, UnicodeError, csv.Error) as error:
        print(f"collect.py: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
