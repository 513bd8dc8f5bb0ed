"""A fleet of real processes (script/fleet) for the end-to-end tests, and the ways to hurt it."""

import os
import subprocess

from kafka_client import Kafka

SERVERS = ["kafka", "redis"]


class Wrong(Exception):
    """A promise that was not kept."""


def expect(what, actual, expected):
    if actual != expected:
        raise Wrong(f"{what}: {actual}, expected {expected}")


class Fleet:
    """A fleet in a folder of its own, and the ways to hurt it."""

    def __init__(self, script, programs, folder, **variables):
        """variables are added to what the workers and spiractl see."""
        self.script = script
        self.programs = programs
        self.folder = folder
        self.environment = dict(
            os.environ,
            SPIRA_BIN=str(programs),
            SPIRA_STORE=str(folder / "store"),
            SPIRA_INBOX=str(folder / "inbox"),
            **variables,
        )

    def up(self):
        self.do(self.script, "up", "--feature-workers", "2", "--dir", self.folder)
        for line in (self.folder / "env").read_text().splitlines():
            name, value = line.split("=", 1)
            self.environment[name] = value
        self.kafka = Kafka(self.environment["KAFKA_BOOTSTRAP_SERVERS"])

    def down(self):
        if (self.folder / "kafka").exists():
            self.do(self.script, "down", "--dir", self.folder)

    def do(self, *command):
        result = subprocess.run(
            [str(word) for word in command],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if result.returncode != 0:
            raise Wrong(f"{command[0]} {command[1]}: {result.stderr.strip()}")

    def servers(self, *words):
        self.do(self.script.with_name("servers"), *words, self.folder)

    def pid(self, name):
        """The pid of a worker or server, or None while it is down."""
        if name in SERVERS:
            file = self.folder / name / "pid"
        else:
            file = self.folder / "workers" / name / "child.pid"
        try:
            pid = int(file.read_text())
            # One that has ended is nowhere, and its number may be another's by now.
            return pid if os.path.samefile(f"/proc/{pid}/cwd", file.parent) else None
        except (OSError, ValueError):
            return None

    def signal(self, name, number):
        """Whether the process was there to get the signal."""
        pid = self.pid(name)
        try:
            if pid:
                os.kill(pid, number)
            return pid is not None
        except ProcessLookupError:
            return False

    def spiractl(self, *words, timeout=90):
        """Exit code, stdout and stderr; a command that hangs counts as one that waited in vain."""
        try:
            result = subprocess.run(
                [str(self.programs / "spiractl"), *(str(word) for word in words)],
                env=self.environment,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=timeout,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return 124, "", "no answer"
        return result.returncode, result.stdout, result.stderr
