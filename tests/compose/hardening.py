"""What containers of the fleet may and may not do, looked at from outside and tried from inside."""

import socket
import subprocess

from containers import Wrong, docker


def expect(what, holds):
    if not holds:
        raise Wrong(what)


def check_settings(project, workers, servers):
    """What Docker was told of each container."""
    for service in [*workers, *servers]:
        for container in project.inspect(service):
            host, config = container["HostConfig"], container["Config"]
            expect(f"{service}: runs as '{config['User']}'", config["User"].split(":")[0] not in ("", "0", "root"))
            expect(f"{service}: has no limit of memory", host["Memory"] > 0)
            expect(f"{service}: has no limit of processes", (host["PidsLimit"] or 0) > 0)
            expect(f"{service}: keeps capabilities", "ALL" in (host["CapDrop"] or []) and not host["CapAdd"])
            expect(f"{service}: may gain privileges", any(option.startswith("no-new-privileges")
                                                          for option in host["SecurityOpt"] or []))
            expect(f"{service}: is privileged", not host["Privileged"])
            expect(f"{service}: has less than a minute to stop", (config.get("StopTimeout") or 0) >= 60)
            expect(f"{service}: is not started again", host["RestartPolicy"]["Name"] in ("always", "unless-stopped"))
            if service in workers:
                expect(f"{service}: its root file system can be written", host["ReadonlyRootfs"])
                expect(f"{service}: has no limit of processors", host["NanoCpus"] > 0 or host["CpuQuota"] > 0)
                expect(f"{service}: stops with {config.get('StopSignal')}", config.get("StopSignal") == "SIGTERM")


def check_from_inside(project, services):
    """The same, tried by a process in there: who owns the root could write to it if anybody could."""
    for service in services:
        container = project.ids(service)[0]
        user = docker("exec", container, "id", "-u").strip()
        expect(f"{service}: its user is {user}", user != "0")
        written = subprocess.run(["docker", "exec", "--user", "0", container, "bash", "-c",
                                  "echo >/usr/written || echo >/written"],
                                 capture_output=True, timeout=60, check=False)
        expect(f"{service}: wrote below /", written.returncode != 0)


def published_ports(project):
    """(service's container, address, port) of this machine, for every port that is given out."""
    for container in project.inspect():
        for bindings in (container["NetworkSettings"]["Ports"] or {}).values():
            for binding in bindings or []:
                yield container["Name"].lstrip("/"), binding["HostIp"], int(binding["HostPort"])


def other_addresses():
    """This machine's addresses but the loopback."""
    return [word for word in subprocess.run(["hostname", "-I"], capture_output=True, text=True, check=False)
            .stdout.split() if ":" not in word]


def accepts(address, port):
    try:
        with socket.create_connection((address, port), timeout=2):
            return True
    except OSError:
        return False


def check_ports(project):
    """Nothing is given out beyond 127.0.0.1; gives how many ports are."""
    ports = list(published_ports(project))
    for name, address, port in ports:
        expect(f"{name}: listens on {address}:{port}", address == "127.0.0.1")
        sockets = subprocess.run(["ss", "-tlnH", f"sport = :{port}"], capture_output=True, text=True, check=False).stdout
        for line in sockets.splitlines():
            local = line.split()[3]
            expect(f"{name}: listens on {local}", local == f"127.0.0.1:{port}")
        for other in other_addresses():
            expect(f"{name}: answers on {other}:{port}", not accepts(other, port))
    return len(ports)
