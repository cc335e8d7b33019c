"""What users of other clusters complain of, each as a test of this one (docs/cluster.md). The
names are those of the issues."""

import contextlib
import json
import signal
import threading
from functools import partial

import pytest

from support import http
from support.cluster import Balancer, Cluster, is_ready
from support.nats import Nats
from support.v1 import Refusal, connect, offer
from support.waiting import eventually

DEATH_SECONDS = 15
STREAM = "KV_usher-usher"


@pytest.fixture(scope="module")
def nats():
    three = Nats(3)
    yield three
    three.kill()


@pytest.fixture(scope="module")
def cluster(nats):
    """Three nodes; a test that ends one starts another."""
    three = Cluster("--drain-seconds", 2, "--max-members", 8, nats=nats)
    yield three
    three.kill()


@pytest.fixture
def application(cluster):
    """With an empty set of rooms; all nodes are well again by then."""
    for node in cluster.nodes:
        cluster.wait(node)
    return cluster.application()


@pytest.fixture
def peers(cluster, application):
    """A peer at each node."""
    three = [connect(application.at(node), application.token()) for node in cluster.nodes]
    yield three
    for peer in three:
        peer.finish()


def members(state):
    return sorted(member["peerId"] for member in state["members"])


def left(peer, within=DEATH_SECONDS):
    """The next who left, whatever is said before."""
    while (event := peer.receive(within)).type != "someone_left":
        pass
    return event.data["peerId"], event.data["reason"]


def numbers(peer):
    """Of all the offers that it got."""
    peer.up_to_pong()
    return [event.data["number"] for event in peer.history if event.type == "offer"]


def restarted(cluster, node):
    """Another in its place."""
    cluster.nodes.remove(node)
    return cluster.start(name=node.name)


def test_livekit_4316_a_node_that_is_done_with_a_room_leaves_it_to_the_others(
        cluster, application, peers):
    one, two, three = peers
    two.join("held", id="two")
    three.join("held", id="three")
    for _ in range(10):
        one.join("held", id="one")
        one.leave("held")
    # The last of its node goes, and so does the node that opened the room.
    two.leave("held")
    state = one.join("held", id="one")
    assert not state["first"]
    assert members(state) == ["three"]
    offer(one, three, 1)
    assert numbers(three) == [1]


def test_livekit_1943_and_3317_there_are_never_two_rooms_of_one_name(cluster, application):
    tokens = [application.token(subject=f"user-{number}") for number in range(6)]
    crowd = [connect(application.at(cluster.nodes[number % 3]), token)
             for number, token in enumerate(tokens)]
    for turn in range(10):
        room = f"room-{turn}"
        states = [None] * len(crowd)
        gate = threading.Barrier(len(crowd))

        def enter(number, room=room, states=states, gate=gate):
            gate.wait()
            states[number] = crowd[number].join(room, id=f"user-{number}")

        threads = [threading.Thread(target=enter, args=[number]) for number in range(len(crowd))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sum(state["first"] for state in states) == 1, room
        # Of each two, the later one found the other: as many as there are pairs.
        pairs = [(number, member["connectionId"]) for number, state in enumerate(states)
                 for member in state["members"]]
        assert len(pairs) == len(set(pairs)) == 15
        for peer in crowd:
            peer.up_to_pong()
            peer.leave(room)
    for peer in crowd:
        peer.finish()


def test_livekit_4797_a_node_that_stops_gets_no_more_peers(cluster, application, peers):
    stopping = cluster.nodes[2]
    balancer = Balancer(cluster.nodes)
    front = application.at(balancer)
    balancer.socket_url, balancer.may_repeat = balancer.url, False
    try:
        peers[2].join("busy", id="busy")
        stopping.process.send_signal(signal.SIGTERM)
        eventually(lambda: not answers_ready(stopping), "it says that it stops")
        eventually(lambda: not balancer.sends_to(stopping), "the balancer knows")
        newcomers = []
        for number in range(6):
            newcomers.append(connect(front, application.token()))
            newcomers[-1].join("others", id=f"user-{number}")
        peers[2].drop()
        assert stopping.process.wait(30) == 0
        with connect(application) as last:
            assert len(last.join("others", id="last")["members"]) == 6
        for peer in newcomers:
            peer.finish()
    finally:
        balancer.stop()
        restarted(cluster, stopping)


def answers_ready(node):
    try:
        return http.get(node.operator, "/readyz").status == 200
    except OSError:
        return False


def test_livekit_4373_nobody_is_told_what_was(cluster, application, peers):
    """Each learns at one node what has just been acknowledged at another."""
    for turn in range(30):
        mover, looker, third = (peers[(turn + number) % 3] for number in range(3))
        assert mover.join("fresh", id="mover")["first"]
        state = looker.join("fresh", id="looker")
        assert members(state) == ["mover"]
        # Who was let in is at once known to whoever was there.
        offer(mover, looker, turn)
        mover.leave("fresh")
        assert members(third.join("fresh", id="third")) == ["looker"]
        looker.leave("fresh")
        third.leave("fresh")
        assert numbers(looker)[-1] == turn


@contextlib.contextmanager
def failing_over(nats):
    """Whoever leads is killed, and stays away."""
    leader = eventually(lambda: nats.leader(STREAM), "somebody leads")
    leader.kill()
    try:
        yield
    finally:
        leader.start()
        nats.settle()


def joins(peer, room):
    try:
        return bool(peer.join(room))
    except Refusal:
        return False


def test_livekit_2464_nodes_outlive_the_failover_of_the_broker(cluster, nats, application, peers):
    """And so do their peers, also those of a node that was at the server that led."""
    for number, peer in enumerate(peers):
        peer.join("failover", id=f"peer-{number}")
    with failing_over(nats):
        for number, peer in enumerate(peers):
            eventually(partial(joins, peer, f"more-{number}"), "a join", 30)
        offer(peers[0], peers[2], 7)
        assert numbers(peers[2]) == [7]
        assert [event for peer in peers for event in peer.history
                if event.type == "someone_left"] == []


def test_livekit_989_counts_are_right_after_a_crash(cluster, application, peers):
    for number, peer in enumerate(peers):
        peer.join("counted", id=f"peer-{number}")
    crashed = cluster.nodes[2]
    crashed.kill()
    assert left(peers[0]) == left(peers[1]) == ("peer-2", "lost")
    restarted(cluster, crashed)
    for node in cluster.nodes[:2]:
        assert count(node, application, "counted") == 2
    # Up to the limit, and no further.
    crowd = [connect(application.at(cluster.nodes[number % 3]), application.token())
             for number in range(7)]
    for number, peer in enumerate(crowd[:6]):
        peer.join("counted", id=f"later-{number}")
    assert crowd[6].refused({"action": "join-room", "roomId": "counted", "name": "Last",
                             "id": "last"}) == "room_full"
    for node in cluster.nodes:
        assert count(node, application, "counted") == 8
    for peer in crowd:
        peer.finish()


def count(node, application, room):
    listed = json.loads(node.usher.succeed("room", "list", "--node", node.name, "--json"))
    found = [each for each in listed["rooms"] if each["room"] == room and
             each["client_id"] == application.id]
    return len(found[0]["members"]) if found else 0


def test_socket_io_redis_streams_adapter_27_nodes_recover_when_the_broker_dies(
        cluster, nats, application, peers):
    one, two, three = peers
    one.join("recovery", id="one")
    two.join("recovery", id="two")
    for server in nats.servers:
        server.kill()
    one.send(two.connection, {"type": "offer", "number": 1}, ack="meanwhile")
    for node in cluster.nodes:
        eventually(lambda node=node: not is_ready(node), "it knows that it is alone")
    for server in nats.servers:
        server.start()
    nats.settle()
    for node in cluster.nodes:
        cluster.wait(node)
    while (event := one.receive()).type != "ack":
        pass
    assert event.data == {"ack": "meanwhile"}
    assert numbers(two) == [1]
    assert members(three.join("recovery", id="three")) == ["one", "two"]
