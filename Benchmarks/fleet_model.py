"""How many nodes a load takes, by what each part of it costs one: equations alone, no measuring.

CPU time is in microseconds, rates are per second. What a fleet does is spread evenly over its nodes
and over the servers of NATS; only the leader of the bucket writes for all. Costs are those of a
node that is busy: one that has time to wait is woken for each message alone, and can afford it.
"""

from dataclasses import dataclass
from math import log2

ITERATIONS = 20
NODES_MAX = 1000


@dataclass(frozen=True)
class Costs:
    """Of a node, unless NATS is named."""

    message: float  # received, and delivered at the same node, where sockets are `sockets`
    sockets: int
    doubling: float  # more for each message at twice as many sockets
    delivery: float  # to each more receiver of a broadcast
    across: float  # more, both nodes together, for a message that changes nodes in a full frame
    frame: float  # both nodes together, and its answer, however many messages are in it
    bus_share: float  # of these two, what the thread of the bus takes
    turn: float  # the shortest time between two frames to one node
    connection: float  # one that comes, joins and leaves
    join: float  # more where there are other nodes, of which none is in its room
    announcement: float  # more for each other node of its room
    join_bus_share: float  # of these two, what the thread of the bus takes
    ping: float  # of one connection, and its answer
    beat: float  # per second, for each other node
    connection_bytes: float
    nats_frame: float
    nats_kilobyte: float
    nats_write: float  # of a room's document
    nats_replication: float = 1  # times as much at the leader, where there are replicas
    nats_beat: float = 0  # per second, for each other node of each node


@dataclass(frozen=True)
class Load:
    connections: int
    room_sizes: dict  # the share of all connections that are in rooms of this size
    messages: float  # of a connection, per second
    broadcast: float  # the share of messages that go to all of a room, and not to one
    session_seconds: float
    is_kept: bool  # each room at one node, but for `strayed` of its members
    strayed: float = 0.02
    message_bytes: int = 1300
    ping_seconds: float = 25


@dataclass(frozen=True)
class Limits:
    """What one host has, and the share of its processors that may be in use."""

    cores: int
    memory_bytes: float
    descriptors: int = 65536
    busy: float = 0.7
    nats_servers: int = 3
    nats_cores: int = 4


def share_across(load, nodes):
    """Of messages to one member, how many change nodes."""
    if nodes == 1:
        return 0
    return load.strayed if load.is_kept else 1 - 1 / nodes


def nodes_of_room(load, size, nodes):
    """At how many nodes the members of a room are, on average."""
    if nodes == 1 or size == 1:
        return 1
    if load.is_kept:
        return 1 + load.strayed
    return nodes * (1 - (1 - 1 / nodes) ** size)


def average(load, value):
    """Of what depends on a room's size, over connections."""
    return sum(share * value(size) for size, share in load.room_sizes.items())


def mails_per_message(load, nodes):
    """Frames' contents that a message is, on average: one for each other node that it goes to."""
    return average(load, lambda size: 0 if size == 1 else (
        (1 - load.broadcast) * share_across(load, nodes)
        + load.broadcast * (nodes_of_room(load, size, nodes) - 1)))


def mails_per_frame(costs, rate, nodes):
    """`rate` is that of mails from one node to another. While a node deals with what it has for all
    others, more comes; where it cannot keep up the answer is large, and its thread too busy."""
    mails = 1.0
    for _ in range(ITERATIONS):
        work = (nodes - 1) * (mails * costs.across + costs.frame) * costs.bus_share / 2
        mails = 1 + rate * max(costs.turn, work) / 1e6
    return mails


def message_cost(costs, sockets):
    """Caches hold less of each socket's state where there are more."""
    return costs.message + costs.doubling * max(0, log2(sockets / costs.sockets))


@dataclass(frozen=True)
class Traffic:
    """What all nodes do together, per second."""

    nodes: int
    sockets: float  # whose state is in the caches of one processor
    messages: float
    deliveries: float  # of broadcasts, behind the first
    mails: float
    frames: float
    kilobytes: float  # of the mails
    joins: float
    announcements: float
    pings: float

    @property
    def writes(self):
        """A join and a leave each change a room's document."""
        return 2 * self.joins if self.nodes > 1 else 0


def traffic(load, costs, nodes, frame_mails=None):
    """`frame_mails` where it is known how many a frame has."""
    messages = load.connections * load.messages
    mails = messages * mails_per_message(load, nodes)
    if frame_mails is None:
        frame_mails = mails_per_frame(costs, mails / max(1, nodes * (nodes - 1)), nodes)
    joins = load.connections / load.session_seconds
    return Traffic(
        nodes=nodes, sockets=load.connections / nodes, messages=messages,
        deliveries=messages * load.broadcast * average(load, lambda size: max(0, size - 2)),
        mails=mails, frames=mails / frame_mails, kilobytes=mails * load.message_bytes / 1000,
        joins=joins,
        announcements=joins * average(load, lambda size: nodes_of_room(load, size, nodes) - 1),
        pings=load.connections / load.ping_seconds)


def loops_time(flow, costs):
    """Of all nodes: loops, and whatever else is not the thread of the bus."""
    across = flow.mails * costs.across + flow.frames * costs.frame
    joins = flow.joins * costs.join * (flow.nodes > 1) + flow.announcements * costs.announcement
    return (flow.messages * message_cost(costs, flow.sockets) + flow.deliveries * costs.delivery
            + across * (1 - costs.bus_share) + joins * (1 - costs.join_bus_share)
            + flow.joins * costs.connection + flow.pings * costs.ping)


def bus_time(flow, costs):
    """Of all nodes together."""
    across = flow.mails * costs.across + flow.frames * costs.frame
    joins = flow.joins * costs.join * (flow.nodes > 1) + flow.announcements * costs.announcement
    return (across * costs.bus_share + joins * costs.join_bus_share
            + flow.nodes * (flow.nodes - 1) * costs.beat)


def leader_time(flow, costs, servers):
    """What the leader of the bucket takes for all that is written: one after the other."""
    return flow.writes * costs.nats_write * (costs.nats_replication if servers > 1 else 1)


def nats_time(flow, costs, servers):
    """Of the server that has most to do. A frame for a node that is at another server is passed on
    once; this one leads the bucket."""
    hops = 1 + (servers - 1) / servers
    frames = (flow.frames * costs.nats_frame + flow.kilobytes * costs.nats_kilobyte
              + flow.nodes * (flow.nodes - 1) * costs.nats_beat)
    return frames * hops / servers + leader_time(flow, costs, servers)


def utilisations(load, costs, limits, nodes):
    """The share in use of all that a fleet may run out of; above 1 is too much."""
    flow = traffic(load, costs, nodes)
    bus = bus_time(flow, costs) / nodes
    loops = loops_time(flow, costs) / nodes
    nats = nats_time(flow, costs, limits.nats_servers)
    here = load.connections / nodes
    return {
        "processors": (loops + bus) / 1e6 / limits.cores / limits.busy,
        "thread of the bus": bus / 1e6 / limits.busy,
        "memory": here * costs.connection_bytes / limits.memory_bytes,
        "descriptors": (here + 100) / limits.descriptors,
        "processors of NATS": nats / 1e6 / limits.nats_cores / limits.busy,
        "writes to the bucket": leader_time(flow, costs, limits.nats_servers) / 1e6 / limits.busy,
    }


def first_to_saturate(shares):
    return max(shares, key=shares.get)


def nodes_needed(load, costs, limits):
    """The least number of nodes that bears the load, and what of it they have in use; none, and
    what the best of all numbers lacks, where no number does."""
    fewest = None
    for nodes in range(1, NODES_MAX + 1):
        shares = utilisations(load, costs, limits, nodes)
        if max(shares.values()) <= 1:
            return nodes, shares
        if fewest is None or max(shares.values()) < max(fewest.values()):
            fewest = shares
    return None, fewest
