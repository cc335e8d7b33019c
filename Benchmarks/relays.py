"""The relay against a floor in C, and beside nats-server and a relay in Node."""

import shutil
import subprocess
import tempfile
from pathlib import Path
from statistics import median

from servers import (
    BEFORE, LOAD_CPU, SERVER_CPU, Program, Usher, alternate, free_port, pinned, run_load, show,
    wait_for_port)

CONNECTIONS = 4000
MANY = 19_000  # Of the 20,000 descriptors that a process may have here.
ROOMS = (10, 1000, 9000)
PER_SECOND = 2000
NODE_MODULES = Path("/usr/share/nodejs")
BEHIND = "below 1"


class Nats(Program):
    """nats-server over WebSocket, which is told its ports by a file."""

    name, client, authorization = "nats", "c", ""

    def __init__(self):
        self.port = free_port()
        self.folder = tempfile.TemporaryDirectory(prefix="usher-benchmark-")
        settings = Path(self.folder.name) / "nats.conf"
        settings.write_text(
            f'host: "127.0.0.1"\nport: {free_port()}\nmax_connections: 65536\n'
            f'websocket {{ host: "127.0.0.1", port: {self.port}, no_tls: true }}\n')
        self.process = subprocess.Popen(
            pinned(SERVER_CPU, ["nats-server", "-c", settings]), stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL)
        wait_for_port(self.port)

    def stop(self):
        super().stop()
        self.folder.cleanup()


class Relays:
    """Usher, the floor and those peers that are installed, for the time of a `with`."""

    def __init__(self, usher, tools, peers=True, before=None):
        self.servers = [Program("floor", [tools / "bare_relay"]), Usher(usher)]
        if before:
            self.servers.append(Usher(before, name=BEFORE))
        if peers and shutil.which("nats-server"):
            self.servers.append(Nats())
        elif peers:
            print("SKIPPED: there is no nats-server on the PATH (Debian package)", flush=True)
        if peers and shutil.which("node") and (NODE_MODULES / "ws").is_dir():
            script = ["env", f"NODE_PATH={NODE_MODULES}", "node", tools / "peer_relay.js"]
            self.servers.append(Program("node", script))
        elif peers:
            print("SKIPPED: there is no Node with ws (Debian package node-ws)", flush=True)

    def __enter__(self):
        return self.servers

    def __exit__(self, *_):
        for server in self.servers:
            server.stop()


def load(tools, server, mode, *flags):
    program = "load_nats" if server.name == "nats" else "load_classic"
    return run_load(server, [
        tools / program, "--node", f"{server.port}:{server.process.pid}",
        "--client", server.client, "--mode", mode, *flags])


def show_all(what, values, unit, target):
    for name in values:
        if name != "usher":
            show(what, values, name, unit, {"floor": target, BEFORE: "no loss"}.get(name, BEHIND))


def compare(usher, tools, rounds, seconds, before=None):
    """What a message and a connection cost, and what an idle one takes."""
    with Relays(usher, tools, before=before) as servers:
        for in_flight, target in ((1, "at most 1.2"), (8, "at most 1.35")):
            values = alternate(servers, rounds, lambda server, n=in_flight: load(
                tools, server, "throughput", "--in-flight", n, "--seconds", seconds))
            show_all(f"CPU per message, {in_flight} in flight", values, "us", target)
        values = alternate(servers, rounds, lambda server: load(
            tools, server, "connect", "--count", CONNECTIONS))
        show_all("CPU per connection set up", values, "us", "at most 1.8")
    with Relays(usher, tools, before=before) as servers:  # Fresh, so that no memory is reused.
        values = alternate(servers, 1, lambda server: load(
            tools, server, "idle", "--count", CONNECTIONS, "--seconds", seconds),
            "bytes_per_connection")
        show_all("memory per idle connection in a room", values, "B", "Usher at most 1024 B")


def compare_rooms(usher, tools, rounds, seconds):
    """Whether a message costs more where there are more rooms."""
    medians = {}
    with Relays(usher, tools, peers=False) as servers:
        for count in ROOMS:
            values = alternate(servers, rounds, lambda server, n=count: load(
                tools, server, "throughput", "--rooms", n, "--seconds", seconds))
            show(f"CPU per message, {count} rooms", values, "floor", "us", "the same for all")
            medians[count] = {name: median(values[name]) for name in values}
    first, last = medians[ROOMS[0]], medians[ROOMS[-1]]
    growth = {name: last[name] / first[name] for name in first}
    print(f"from {ROOMS[0]} to {ROOMS[-1]} rooms: usher {growth['usher']:.2f} times, "
          f"floor {growth['floor']:.2f} times", flush=True)


def compare_latency(usher, tools, rounds, seconds):
    """How long a message is on its way at a rate that leaves the relay idle in between."""
    with Relays(usher, tools) as servers:
        runs = alternate(servers, rounds, lambda server: load(
            tools, server, "paced", "--rate", PER_SECOND, "--seconds", seconds),
            "latency_microseconds")
        for quantile, target in (("p50", "at most 1.2"), ("p99", "at most 1.5")):
            values = {name: [run[quantile] for run in runs[name]] for name in runs}
            show_all(f"latency {quantile} at {PER_SECOND} messages/s", values, "us", target)


def hold_many(usher, tools, seconds):
    """As many idle connections as a process may have; one message goes through every room."""
    with Relays(usher, tools, peers=False) as servers:
        values = alternate(servers, 1, lambda server: load(
            tools, server, "idle", "--count", MANY, "--seconds", seconds, "--at-once", 256),
            "bytes_per_connection")
        show(f"memory per connection of {MANY}", values, "floor", "B", "Usher at most 1024 B")


def compare_loops(usher, tools, rounds, seconds):
    """Two loops against one, by CPU time per message: the load takes half of one processor."""
    both = f"{SERVER_CPU},{LOAD_CPU}"
    servers = [Usher(usher), Usher(usher, cpus=both, name="two loops")]
    try:
        values = alternate(servers, rounds, lambda server: load(
            tools, server, "throughput", "--rooms", ROOMS[1], "--seconds", seconds))
    finally:
        for server in servers:
            server.stop()
    ratios = [2 * one / two for one, two in zip(values["usher"], values["two loops"])]
    print(f"CPU per message: one loop {median(values['usher']):.2f} us, two loops "
          f"{median(values['two loops']):.2f} us: two carry {median(ratios):.2f} times as many "
          "(target at least 1.8)", flush=True)
