"""How many nodes a load takes, by what each part of it costs one: equations alone, no measuring.

CPU time is in microseconds, rates are per second. What a fleet does is spread evenly over its nodes
and over the servers of NATS; only the leader of the bucket writes for all.
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
    frame: float  # both nodes together, however many messages are in it
    bus_share: float  # of these two, what the thread of the bus takes
    turn: float  # the shortest time between two frames to one node
    join: float  # a connection that comes, joins and leaves, with no other node in its room
    announcement: float  # more for each other node of its room, on the thread of the bus
    ping: float  # of one connection, and its answer
    beat: float  # per second, for each other node
    connection_bytes: float
    nats_frame: float
    nats_kilobyte: float
    nats_write: float  # of a room's document, at each replica


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
    writes: float = 2000  # that the leader of the bucket takes, per second


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


def utilisations(load, costs, limits, nodes):
    """The share in use of all that a fleet may run out of; above 1 is too much."""
    messages = load.connections * load.messages
    mails = messages * mails_per_message(load, nodes)
    pairs = max(1, nodes * (nodes - 1))
    frames = mails / mails_per_frame(costs, mails / pairs, nodes) if mails else 0
    joins = load.connections / load.session_seconds
    others = average(load, lambda size: nodes_of_room(load, size, nodes) - 1)
    receivers = 1 + load.broadcast * average(load, lambda size: max(0, size - 2))
    across = mails * costs.across + frames * costs.frame
    local = messages * (message_cost(costs, load.connections / nodes)
                        + (receivers - 1) * costs.delivery)
    loops = (local + across * (1 - costs.bus_share) + joins * costs.join
             + load.connections / load.ping_seconds * costs.ping) / nodes
    bus = ((across * costs.bus_share + joins * others * costs.announcement) / nodes
           + (nodes - 1) * costs.beat)
    kilobytes = mails * load.message_bytes / 1000
    # A frame for a node that is at another server is passed on once.
    hops = 1 + (limits.nats_servers - 1) / limits.nats_servers
    writes = 2 * joins if nodes > 1 else 0
    nats = ((frames * costs.nats_frame + kilobytes * costs.nats_kilobyte) * hops
            / limits.nats_servers + writes * costs.nats_write)
    here = load.connections / nodes
    return {
        "processors": (loops + bus) / 1e6 / limits.cores / limits.busy,
        "thread of the bus": bus / 1e6 / limits.busy,
        "memory": here * costs.connection_bytes / limits.memory_bytes,
        "descriptors": (here + 100) / limits.descriptors,
        "processors of NATS": nats / 1e6 / limits.nats_cores / limits.busy,
        "writes to the bucket": writes / limits.writes,
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
