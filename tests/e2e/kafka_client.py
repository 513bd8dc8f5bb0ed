#!/usr/bin/env -S python3 -B
"""Usage: kafka_client.py HOST:PORT ends | groups | committed | lag
       kafka_client.py HOST:PORT read TOPIC
       kafka_client.py HOST:PORT send TOPIC PARTITION [NAME=VALUE]... <VALUE

As much of Kafka's protocol as the end-to-end tests need to look at topics from outside: read every
message, send a raw one, ask where a topic ends and where a group stands. One connection for each
question, so that a broker that was killed in between does not matter.

  ends       each line a topic, a partition, and the offset that its next message gets
  groups     a group, its state, and the ids of its members
  committed  a group, a topic, a partition, the offset it committed
  lag        a group, a topic, a partition, how many messages it has not committed
  read       a message as JSON: partition, offset, key, headers, value (hexadecimal)
  send       appends a message with these headers; prints its offset
"""

import collections
import gzip
import json
import socket
import struct
import sys

Message = collections.namedtuple("Message", "topic partition offset key value headers")

PRODUCE, FETCH, LIST_OFFSETS, METADATA, OFFSET_FETCH, DESCRIBE_GROUPS, LIST_GROUPS = 0, 1, 2, 3, 9, 15, 16
LATEST = -1


class KafkaError(Exception):
    """The broker does not answer, or answers with an error."""


class Writer:
    """Builds a request."""

    def __init__(self):
        self.data = bytearray()

    def number(self, layout, *values):
        self.data += struct.pack(">" + layout, *values)
        return self

    def text(self, text):
        if text is None:
            return self.number("h", -1)
        data = text.encode()
        self.number("h", len(data))
        self.data += data
        return self

    def data_field(self, data):
        self.number("i", len(data))
        self.data += data
        return self

    def varint(self, value):
        value = (value << 1) ^ (value >> 63)
        while value & ~0x7F:
            self.data.append(value & 0x7F | 0x80)
            value >>= 7
        self.data.append(value)
        return self

    def varint_field(self, data):
        if data is None:
            return self.varint(-1)
        self.varint(len(data))
        self.data += data
        return self


class Reader:
    """Reads an answer."""

    def __init__(self, data):
        self.data = memoryview(data)
        self.at = 0

    def take(self, count):
        if self.at + count > len(self.data):
            raise KafkaError("an answer that is cut off")
        self.at += count
        return bytes(self.data[self.at - count : self.at])

    def number(self, layout):
        return struct.unpack(">" + layout, self.take(struct.calcsize(">" + layout)))[0]

    def text(self):
        count = self.number("h")
        return None if count < 0 else self.take(count).decode()

    def data_field(self):
        count = self.number("i")
        return b"" if count < 0 else self.take(count)

    def varint(self):
        value = shift = 0
        while True:
            byte = self.take(1)[0]
            value |= (byte & 0x7F) << shift
            shift += 7
            if not byte & 0x80:
                return (value >> 1) ^ -(value & 1)

    def varint_field(self):
        count = self.varint()
        return None if count < 0 else self.take(count)

    def array(self, item):
        return [item() for _ in range(self.number("i"))]

    def left(self):
        return len(self.data) - self.at


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def unpack_lz4_block(block, out):
    """Appends what a block of LZ4 stands for to out."""
    at = 0

    def length(value):
        nonlocal at
        if value == 15:
            while True:
                value += block[at]
                at += 1
                if block[at - 1] != 255:
                    break
        return value

    while at < len(block):
        token = block[at]
        at += 1
        literals = length(token >> 4)
        out += block[at : at + literals]
        at += literals
        if at >= len(block):
            return
        back = block[at] | block[at + 1] << 8
        at += 2
        for _ in range(length(token & 15) + 4):
            out.append(out[-back])


def unpack_lz4(data):
    flags = data[4]
    at = 7 + (8 if flags & 8 else 0)
    out = bytearray()
    while True:
        size = struct.unpack_from("<I", data, at)[0]
        at += 4
        if size == 0:
            return bytes(out)
        block = data[at : at + (size & 0x7FFFFFFF)]
        at += len(block) + (4 if flags & 16 else 0)
        if size & 0x80000000:
            out += block
        else:
            unpack_lz4_block(block, out)


UNPACK = {0: bytes, 1: gzip.decompress, 3: unpack_lz4}


def make_batch(key, value, headers):
    """A batch of records with one record."""
    record = Writer().number("b", 0).varint(0).varint(0).varint_field(key).varint_field(value)
    record.varint(len(headers))
    for name, text in headers:
        record.varint_field(name.encode()).varint_field(text)
    body = Writer().number("hiqqqhii", 0, 0, 0, 0, -1, -1, -1, 1)
    body.varint_field(bytes(record.data))
    head = Writer().number("qiibI", 0, len(body.data) + 9, -1, 2, crc32c(body.data))
    return bytes(head.data + body.data)


def read_batches(topic, partition, data):
    """The messages of a partition's answer; its last batch may be cut off."""
    reader = Reader(data)
    while reader.left() >= 61:
        base = reader.number("q")
        size = reader.number("i")
        if reader.left() < size:
            return
        batch = Reader(reader.take(size))
        batch.take(9)
        attributes = batch.number("h")
        batch.take(34)
        count = batch.number("i")
        if attributes & 32:  # the end of a transaction
            continue
        records = Reader(UNPACK[attributes & 7](batch.take(batch.left())))
        for _ in range(count):
            record = Reader(records.varint_field())
            record.take(1)
            record.varint()
            offset = base + record.varint()
            key, value = record.varint_field(), record.varint_field()
            headers = []
            for _ in range(record.varint()):
                name = record.varint_field().decode()
                headers.append((name, record.varint_field()))
            yield Message(topic, partition, offset, key, value, headers)


class Kafka:
    """A broker that leads every partition."""

    def __init__(self, address, timeout_seconds=10):
        host, port = address.rsplit(":", 1)
        self.address = (host, int(port))
        self.timeout_seconds = timeout_seconds

    def ask(self, api, version, body):
        request = Writer().number("hhi", api, version, 1).text("e2e")
        request.data += body.data
        try:
            with socket.create_connection(self.address, self.timeout_seconds) as connection:
                connection.sendall(struct.pack(">i", len(request.data)) + request.data)
                with connection.makefile("rb") as stream:
                    size = struct.unpack(">i", stream.read(4))[0]
                    data = stream.read(size)
        except (OSError, struct.error) as error:
            raise KafkaError(f"Kafka at {self.address}: {error}") from error
        reader = Reader(data)
        reader.take(4)
        return reader

    @staticmethod
    def check(code, what):
        if code != 0:
            raise KafkaError(f"{what}: error {code} of Kafka's protocol")

    def partitions(self):
        """topic: its partitions, for every topic."""
        answer = self.ask(METADATA, 0, Writer().number("i", 0))
        answer.array(lambda: (answer.number("i"), answer.text(), answer.number("i")))
        topics = {}
        for _ in range(answer.number("i")):
            answer.number("h")
            name = answer.text()
            topics[name] = []
            for _ in range(answer.number("i")):
                answer.number("h")
                topics[name].append(answer.number("i"))
                answer.number("i")
                answer.array(lambda: answer.number("i"))
                answer.array(lambda: answer.number("i"))
        return topics

    def end(self, topic, partition):
        """The offset that the next message gets."""
        body = Writer().number("ii", -1, 1).text(topic).number("iiq", 1, partition, LATEST)
        answer = self.ask(LIST_OFFSETS, 1, body)
        answer.number("i"), answer.text(), answer.number("i"), answer.number("i")
        self.check(answer.number("h"), f"end of {topic}")
        answer.number("q")
        return answer.number("q")

    def send(self, topic, partition, value, key=None, headers=()):
        """Appends a message as it is; returns its offset."""
        body = Writer().text(None).number("hii", -1, 10000, 1).text(topic)
        body.number("ii", 1, partition).data_field(make_batch(key, value, headers))
        answer = self.ask(PRODUCE, 3, body)
        answer.number("i"), answer.text(), answer.number("i"), answer.number("i")
        self.check(answer.number("h"), f"send to {topic}")
        return answer.number("q")

    def read_partition(self, topic, partition):
        offset, end = 0, self.end(topic, partition)
        while offset < end:
            body = Writer().number("iiiibi", -1, 100, 1, 1 << 26, 0, 1).text(topic)
            body.number("iiqi", 1, partition, offset, 1 << 26)
            answer = self.ask(FETCH, 4, body)
            answer.number("i"), answer.number("i"), answer.text(), answer.number("i")
            answer.number("i")
            self.check(answer.number("h"), f"read of {topic}")
            answer.number("q"), answer.number("q")
            answer.array(lambda: (answer.number("q"), answer.number("q")))
            before = offset
            for message in read_batches(topic, partition, answer.data_field()):
                if message.offset >= offset:
                    offset = message.offset + 1
                    yield message
            if offset == before:
                # Nothing to read up to the end: what is there are marks of transactions.
                return

    def read(self, topic):
        """Every message of a topic."""
        for partition in self.partitions().get(topic, []):
            yield from self.read_partition(topic, partition)

    def groups(self):
        answer = self.ask(LIST_GROUPS, 0, Writer())
        self.check(answer.number("h"), "groups")
        return [name for name, _ in answer.array(lambda: (answer.text(), answer.text()))]

    def members(self, group):
        """The state of a group and the ids of its members, sorted."""
        answer = self.ask(DESCRIBE_GROUPS, 0, Writer().number("i", 1).text(group))
        answer.number("i")
        self.check(answer.number("h"), f"members of {group}")
        answer.text()
        state = answer.text()
        answer.text(), answer.text()
        members = []
        for _ in range(answer.number("i")):
            members.append(answer.text())
            answer.text(), answer.text(), answer.data_field(), answer.data_field()
        return state, sorted(members)

    def committed(self, group):
        """(topic, partition): the offset a group committed."""
        answer = self.ask(OFFSET_FETCH, 2, Writer().text(group).number("i", -1))
        offsets = {}
        for _ in range(answer.number("i")):
            topic = answer.text()
            for _ in range(answer.number("i")):
                partition, offset = answer.number("i"), answer.number("q")
                answer.text()
                self.check(answer.number("h"), f"offsets of {group}")
                offsets[topic, partition] = offset
        self.check(answer.number("h"), f"offsets of {group}")
        return offsets


def text_of(data):
    return None if data is None else data.decode(errors="replace")


def show_message(message):
    headers = {name: text_of(value) for name, value in message.headers}
    shown = {
        "partition": message.partition,
        "offset": message.offset,
        "key": text_of(message.key),
        "headers": headers,
        "value": None if message.value is None else message.value.hex(),
    }
    print(json.dumps(shown))


def show_offsets(kafka, verb):
    for group in sorted(kafka.groups()):
        for (topic, partition), offset in sorted(kafka.committed(group).items()):
            number = offset if verb == "committed" else kafka.end(topic, partition) - max(offset, 0)
            print(group, topic, partition, number)


def main(address, verb, *words):
    kafka = Kafka(address)
    if verb == "ends":
        for topic, partitions in sorted(kafka.partitions().items()):
            for partition in sorted(partitions):
                print(topic, partition, kafka.end(topic, partition))
    elif verb == "groups":
        for group in sorted(kafka.groups()):
            state, members = kafka.members(group)
            print(group, state, *members)
    elif verb in ("committed", "lag"):
        show_offsets(kafka, verb)
    elif verb == "read":
        for message in kafka.read(*words):
            show_message(message)
    elif verb == "send":
        headers = [(name, value.encode()) for name, value in (word.split("=", 1) for word in words[2:])]
        print(kafka.send(words[0], int(words[1]), sys.stdin.buffer.read(), b"sent", headers))
    else:
        sys.exit(f"{verb}: no such verb\n{__doc__}")


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except KafkaError as error:
        sys.exit(str(error))
