"""The replaced way's side of script/bench for events: answers each line "events <threads>" on stdin
with events per second, followed by one Python worker as run_tracker is one of ours: the same
librdkafka, the same topics, checks and durability."""

import importlib.metadata
import itertools
import json
import os
import sys
import time
import uuid

import confluent_kafka
import jsonschema
import msgpack
import redis

PREFIX = "spira-bench."
EVENTS = 2000  # that bench_events.c made
SCHEMAS = os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir, "schemas")
FOLLOWED = ("features.requested", "features.computed", "model.trained")

# KEYS: applied, the run. ARGV: partition, offset, then field and value in turn. An event is applied once,
# in its partition's order; answers how many shards the run has.
APPLY = """
local found = redis.call('HGET', KEYS[1], ARGV[1]) or '0'
if found == ARGV[2] then
  for i = 3, #ARGV, 2 do
    if redis.call('HSETNX', KEYS[2], ARGV[i], ARGV[i + 1]) == 1 and string.sub(ARGV[i], 1, 6) == 'shard.' then
      redis.call('HINCRBY', KEYS[2], 'shards.there', 1)
    end
  end
  redis.call('HINCRBY', KEYS[1], ARGV[1], 1)
end
return redis.call('HGET', KEYS[2], 'shards.there')
"""


def load_validator(event):
    with open(os.path.join(SCHEMAS, f"{event}.v1.schema.json"), encoding="utf-8") as file:
        return jsonschema.Draft202012Validator(json.load(file))


def fields_of(event, value):
    """What the event says of its run, field and value in turn."""
    yield from ("state", "running")
    if event == "features.requested":
        yield from ("shards", value["shards"])
        yield from ("plan", json.dumps(value["plan"], sort_keys=True))
    elif event == "features.computed":
        yield from (f"shard.{value['shard']:05d}", json.dumps(value["artifact"], sort_keys=True))
        yield from (f"step.features.{value['shard']:05d}", json.dumps(value["execution"]))
    else:
        yield from ("model", json.dumps(value["artifact"], sort_keys=True))
        yield from ("step.training", json.dumps(value["execution"]))


class Follower:
    def __init__(self, name):
        self.prefix = f"{PREFIX}{name}:"
        self.validators = {event: load_validator(event) for event in FOLLOWED}
        self.redis = redis.Redis.from_url(os.environ["REDIS_URL"])
        self.apply = self.redis.register_script(APPLY)
        # As adapters/kafka sets it.
        self.consumer = confluent_kafka.Consumer({
            "bootstrap.servers": os.environ["KAFKA_BOOTSTRAP_SERVERS"], "group.id": PREFIX + name,
            "enable.auto.commit": False, "enable.auto.offset.store": False, "auto.offset.reset": "earliest",
            "isolation.level": "read_committed", "fetch.wait.max.ms": 100, "queued.max.messages.kbytes": 4096,
            "check.crcs": True})
        self.consumer.subscribe([PREFIX + event for event in FOLLOWED])

    def handle(self, message):
        event = message.topic()[len(PREFIX):]
        value = msgpack.unpackb(message.value())
        self.validators[event].validate(value)
        there = self.apply(
            keys=[self.prefix + "applied", self.prefix + "run:" + value["run_id"]],
            args=[f"{message.topic()}/{message.partition()}", message.offset(), *fields_of(event, value)])
        if event == "features.computed" and int(there) >= value["shards"]:
            sys.exit("peer_events: a run of the benchmark has all its shards")
        self.consumer.commit(message=message, asynchronous=False)

    def follow(self):
        """Seconds from the first event in hand to the last."""
        handled = 0
        while handled < EVENTS:
            message = self.consumer.poll(0.1)
            if message is None:
                continue
            if message.error():
                sys.exit(f"peer_events: {message.error()}")
            now = time.perf_counter()
            began = now if handled == 0 else began
            self.handle(message)
            handled += 1
        self.consumer.close()
        return now - began


def main():
    process = uuid.uuid4()
    for measurement, _ in zip(itertools.count(), sys.stdin):
        print(f"{(EVENTS - 1) / Follower(f'peer.{process}.{measurement}').follow():.6g}", flush=True)


if __name__ == "__main__":
    if sys.argv[1:] == ["--version"]:
        print(", ".join(f"{name} {importlib.metadata.version(name)}"
                        for name in ("confluent-kafka", "msgpack", "jsonschema", "redis")))
    else:
        main()
