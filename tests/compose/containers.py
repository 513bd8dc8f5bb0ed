"""The containers of one compose project, and the ways to look at them and to hurt them."""

import json
import os
import pathlib
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))

from fleet import Wrong  # noqa: E402

PROJECT_LABEL = "com.docker.compose.project"
SERVICE_LABEL = "com.docker.compose.service"
ONE_OFF_LABEL = "com.docker.compose.oneoff"


def await_that(what, seconds, happens):
    """Waits until happens() gives something true, and gives it."""
    deadline = time.monotonic() + seconds
    while True:
        found = happens()
        if found:
            return found
        if time.monotonic() > deadline:
            raise Wrong(f"waited {seconds} s in vain for {what}")
        time.sleep(0.2)


def output_of(command, timeout=120, environment=None):
    """The stdout of a command that must succeed."""
    try:
        result = subprocess.run([str(word) for word in command], env=environment, stdin=subprocess.DEVNULL,
                                capture_output=True, text=True, timeout=timeout, check=False)
    except subprocess.TimeoutExpired as expired:
        raise Wrong(f"{' '.join(str(word) for word in command)}: no end after {timeout} s") from expired
    if result.returncode != 0:
        raise Wrong(f"{' '.join(str(word) for word in command)}: exit code {result.returncode}: "
                    f"{result.stdout.strip()[-1000:]} {result.stderr.strip()[-2000:]}")
    return result.stdout


def docker(*words, timeout=120):
    return output_of(["docker", *words], timeout)


class Project:
    """What one compose file makes under a project name of its own."""

    def __init__(self, compose, file, name, **variables):
        """compose is the command and its words; variables are what the file asks its environment for."""
        self.name = name
        # What the caller has set for a fleet of its own is not for this one.
        own = {key: text for key, text in os.environ.items() if not key.startswith(("SPIRA_", "COMPOSE_"))}
        self.environment = own | {"COMPOSE_PROJECT_NAME": name} | variables
        self.command = [*compose, "--file", file, "--project-name", name]

    def compose(self, *words, timeout=300):
        return output_of([*self.command, *words], timeout, self.environment)

    def spiractl(self, *words, mounts=(), timeout=300):
        """What spiractl prints as JSON, in a container of its own, beside services that are up already."""
        options = [word for mount in mounts for word in ("--volume", mount)]
        return json.loads(self.compose("run", "--rm", "--no-deps", "-T", *options, "spiractl", *words, "-o", "json",
                                       timeout=timeout))

    def ids(self, service=None):
        """The containers of a service (of all of them), running or not."""
        filters = [f"label={PROJECT_LABEL}={self.name}", f"label={ONE_OFF_LABEL}=False"]
        if service:
            filters.append(f"label={SERVICE_LABEL}={service}")
        words = [word for text in filters for word in ("--filter", text)]
        return sorted(docker("ps", "--all", "--quiet", "--no-trunc", *words).split())

    def inspect(self, service=None):
        """What Docker knows of each of these containers."""
        ids = self.ids(service)
        return json.loads(docker("inspect", *ids)) if ids else []

    def only(self, service):
        ids = self.ids(service)
        if len(ids) != 1:
            raise Wrong(f"{service} has {len(ids)} containers, not one")
        return ids[0]

    def await_healthy(self, services, seconds=180):
        """Waits until every container of these services runs and is healthy."""

        def ailing():
            for service in services:
                found = self.inspect(service)
                if not found:
                    return f"{service}: no container"
                for container in found:
                    state = container["State"]
                    health = state.get("Health", {}).get("Status", "without a health check")
                    if state["Status"] != "running" or health != "healthy":
                        return f"{service}: {state['Status']}, {health}"
            return None

        deadline = time.monotonic() + seconds
        while ail := ailing():
            if time.monotonic() > deadline:
                raise Wrong(f"not healthy after {seconds} s: {ail}")
            time.sleep(0.5)

    def leftovers(self):
        """Containers, volumes and networks that carry the project's label."""
        kinds = {"container": ["ps", "--all"], "volume": ["volume", "ls"], "network": ["network", "ls"]}
        return [f"{kind} {name}" for kind, words in kinds.items()
                for name in docker(*words, "--quiet", "--filter", f"label={PROJECT_LABEL}={self.name}").split()]

    def logs(self, lines=15):
        """The last lines of each container, for whoever reads of a failure."""
        shown = []
        for container in self.inspect():
            result = subprocess.run(["docker", "logs", "--tail", str(lines), container["Id"]], text=True,
                                    stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60, check=False)
            shown.append(f"--- {container['Name'].lstrip('/')}: {container['State']['Status']}\n{result.stdout}")
        return "".join(shown)


def state_of(container):
    return json.loads(docker("inspect", container))[0]["State"]


def computes(container):
    """Whether a computation is under way: the child process of a worker."""
    try:
        return " --child " in docker("top", container, "-eo", "pid,args")
    except Wrong:  # it is not up
        return False


def set_processors(container, share):
    """How much of a processor a container gets: slowed down, its work lasts until it can be hurt."""
    docker("update", "--cpus", f"{share:g}", container)


def kill(container):
    """As a machine that goes down. Docker starts a container again only when it ended by itself."""
    docker("kill", "--signal", "KILL", container)
    await_that(f"end of {container}, which was killed", 30, lambda: not state_of(container)["Running"])


def crash(container, image):
    """Kills the container's first process from outside: it ended by itself, as far as Docker knows."""
    pid = state_of(container)["Pid"]
    docker("run", "--rm", "--network", "none", "--pid", "host", "--user", "0", "--entrypoint", "bash", image,
           "-c", f"kill -KILL {pid}")


def start(container):
    docker("start", container)
    await_that(f"start of {container}", 60, lambda: state_of(container)["Running"])
