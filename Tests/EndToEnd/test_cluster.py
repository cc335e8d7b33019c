"""Relays on several nodes that are one (docs/cluster.md), on real NATS."""

import json
import time

import pytest

from support import http, peers
from support.cluster import Cluster, is_ready, opened_nats
from support.nats import Nats
from support.process import freeze, thaw
from support.v1 import Refusal, connect, offer
from support.waiting import eventually

# The death of a node is known after so many seconds, and told after some more.
DEATH_SECONDS = 15


@pytest.fixture(scope="module")
def shared():
    """Three nodes that live on."""
    cluster = Cluster()
    yield cluster
    assert cluster.stop() == 0


@pytest.fixture
def start_nats():
    """Starts servers of NATS that a test may break."""
    started = []

    def start(count):
        started.append(Nats(count) if count > 1 else opened_nats())
        return started[-1]

    yield start
    for one in started:
        one.kill()


def at_each(cluster, application, connector=connect):
    """A peer at each node."""
    return [connector(application.at(node), application.token()) for node in cluster.nodes]


def left(peer, within=DEATH_SECONDS):
    data = peer.expect("someone_left", within)
    return data["peerId"], data["reason"]


def refusal(peer, message):
    with pytest.raises(Refusal) as refused:
        peer.request(message)
    return refused.value.code


def test_peers_at_three_nodes_are_in_one_room(shared):
    one, two, three = at_each(shared, shared.application())
    assert one.join("room", id="one")["first"]
    assert [member["peerId"] for member in two.join("room", id="two")["members"]] == ["one"]
    state = three.join("room", id="three")
    assert [member["peerId"] for member in state["members"]] == ["one", "two"]
    assert one.expect("someone_joined")["peerId"] == "two"
    assert one.expect("someone_joined")["peerId"] == "three"
    assert two.expect("someone_joined")["peerId"] == "three"
    offer(one, two, 1)
    assert two.expect("offer") == {"connectionId": one.connection, "type": "offer", "number": 1}
    two.request({"action": "broadcast", "roomId": "room", "payload": {"type": "chat"}})
    for other in (one, three):
        assert other.expect("chat")["connectionId"] == two.connection
    three.leave("room")
    assert [left(one), left(two)] == [("three", "left")] * 2
    two.close()
    assert left(one) == ("two", "closed")
    assert refusal(one, {"action": "send-payload", "target": two.connection,
                         "payload": {"type": "offer"}}) == "unknown_target"
    one.finish()


def test_classic_peers_meet_across_nodes_and_bring_their_sdp(shared):
    one, two, _ = at_each(shared, shared.application(), peers.connect)
    one.join("classic", id="one")
    assert one.expect("first_to_join") == {"roomId": "classic"}
    two.join("classic", id="two", sdp={"type": "offer", "sdp": "v=0"})
    joined = one.expect("someone_joined")
    assert (joined["peerId"], joined["sdp"]) == ("two", {"type": "offer", "sdp": "v=0"})
    for number in range(50):
        one.send(joined["connectionId"], {"type": "candidate", "number": number})
    for number in range(50):
        assert two.expect("candidate")["number"] == number
    one.close()
    two.close()


def test_the_same_peer_at_another_node_takes_the_place(shared):
    application = shared.application()
    first, second = (
        connect(application.at(node), application.token(subject="ann"))
        for node in shared.nodes[:2])
    first.join("replaced", id="ann")
    second.join("replaced", id="ann")
    assert first.end()[0] == 4509
    second.finish()


def test_a_room_is_full_wherever_its_members_are(start_cluster):
    cluster = start_cluster("--max-members", 2, count=2)
    application = cluster.application()
    one, two = at_each(cluster, application)
    one.join("full", id="one")
    two.join("full", id="two")
    with connect(application.at(cluster.nodes[0])) as third:
        assert refusal(third, {"action": "join-room", "roomId": "full", "name": "Three",
                                "id": "three"}) == (
            "room_full")


def test_an_operator_throws_out_a_peer_of_another_node(shared):
    application = shared.application()
    one, two, _ = at_each(shared, application)
    one.join("kicked", id="one")
    two.join("kicked", id="two")
    one.expect("someone_joined")
    shared.nodes[0].usher.succeed("peer", "kick", two.connection)
    assert two.end()[0] == 4501
    assert left(one) == ("two", "kicked")
    one.finish()


def test_what_is_acknowledged_across_nodes_is_in_order(shared):
    application = shared.application()
    one, two, _ = at_each(shared, application)
    one.join("order", id="one")
    two.join("order", id="two")
    one.expect("someone_joined")
    for number in range(300):
        one.send(two.connection, {"type": "offer", "number": number}, ack=number)
    assert [two.expect("offer")["number"] for _ in range(300)] == list(range(300))
    assert [one.expect("ack")["ack"] for _ in range(300)] == list(range(300))
    one.finish()
    two.finish()


# Nodes that end


def test_members_of_a_node_that_is_killed_are_lost(start_cluster):
    cluster = start_cluster(count=2)
    one, two = at_each(cluster, cluster.application())
    one.join("room", id="one")
    two.join("room", id="two")
    one.expect("someone_joined")
    cluster.nodes[1].kill()
    assert left(one) == ("two", "lost")
    assert refusal(one, {"action": "send-payload", "target": two.connection,
                         "payload": {"type": "offer"}}) == "unknown_target"


def test_payloads_to_a_node_that_is_killed_are_told_after_its_members_left(start_cluster):
    cluster = start_cluster(count=2)
    one, two = at_each(cluster, cluster.application())
    one.join("room", id="one")
    two.join("room", id="two")
    one.expect("someone_joined")
    cluster.nodes[1].kill()
    one.send(two.connection, {"type": "offer"}, ack="lost")
    assert left(one) == ("two", "lost")
    error = one.expect("error", DEATH_SECONDS)
    assert (error["code"], error["ack"]) == ("unknown_target", "lost")


def test_a_room_of_a_node_that_is_killed_is_empty_for_who_comes_next(start_cluster):
    cluster = start_cluster(count=2)
    application = cluster.application()
    connect(application.at(cluster.nodes[1])).join("ghosts", id="one")
    cluster.nodes[1].kill()
    peer = connect(application)
    eventually(lambda: is_first(peer), "the ghost is gone", DEATH_SECONDS)


def is_first(peer):
    is_first = peer.join("ghosts", id="two")["first"]
    peer.leave("ghosts")
    return is_first


def test_a_node_that_is_frozen_for_a_moment_loses_nothing(start_cluster):
    cluster = start_cluster(count=2)
    one, two = at_each(cluster, cluster.application())
    one.join("room", id="one")
    two.join("room", id="two")
    one.expect("someone_joined")
    freeze(cluster.nodes[1].process)
    one.send(two.connection, {"type": "offer"}, ack=1)
    time.sleep(2)
    thaw(cluster.nodes[1].process)
    assert one.expect("ack") == {"ack": 1}
    assert two.expect("offer")["connectionId"] == one.connection


def test_a_node_that_was_taken_for_dead_begins_anew(start_cluster):
    cluster = start_cluster(count=2)
    application = cluster.application()
    one, two = at_each(cluster, application)
    one.join("room", id="one")
    two.join("room", id="two")
    one.expect("someone_joined")
    freeze(cluster.nodes[1].process)
    assert left(one) == ("two", "lost")
    thaw(cluster.nodes[1].process)
    assert two.end(within=DEATH_SECONDS)[0] == 1012
    cluster.wait(cluster.nodes[1])
    with connect(application.at(cluster.nodes[1])) as again:
        again.join("room", id="two")
        assert one.expect("someone_joined")["peerId"] == "two"


def test_a_node_that_stops_leaves_no_classic_peer_behind(start_cluster):
    cluster = start_cluster("--drain-seconds", 1, count=2)
    application = cluster.application()
    one = connect(application.at(cluster.nodes[0]), application.token())
    two = peers.connect(application.at(cluster.nodes[1]), application.token())
    one.join("room", id="one")
    two.join("room", id="two")
    one.expect("someone_joined")
    assert cluster.nodes[1].stop() == 0
    # Sooner than a death is found out.
    assert left(one, 4) == ("two", "lost")


# NATS in trouble


def test_all_nats_servers_restart_and_nobody_notices(start_cluster, start_nats):
    nats = start_nats(3)
    cluster = start_cluster(count=2, nats=nats)
    application = cluster.application()
    one, two = at_each(cluster, application)
    one.join("room", id="one")
    two.join("room", id="two")
    one.expect("someone_joined")
    nats.restart_all()
    one.send(two.connection, {"type": "offer"}, ack=1)
    assert one.expect("ack", 20) == {"ack": 1}
    two.expect("offer")
    for node in cluster.nodes:
        cluster.wait(node)
    with connect(application) as three:
        assert len(three.join("room", id="three")["members"]) == 2


def test_without_nats_nobody_joins_and_after_a_while_nobody_stays(start_cluster, start_nats):
    nats = start_nats(1)
    cluster = start_cluster(count=2, nats=nats)
    application = cluster.application()
    one, two = at_each(cluster, application)
    one.join("room", id="one")
    nats.servers[0].kill()
    for node in cluster.nodes:
        eventually(lambda node=node: not is_ready(node), "/readyz says no")
    answer = http.get(cluster.nodes[0].operator, "/readyz")
    assert answer.json["checks"]["cluster"] == "cluster_unreachable", answer.json
    assert refusal(two, {"action": "join-room", "roomId": "room", "name": "Two",
                          "id": "two"}) == (
        "temporarily_unavailable")
    assert [peer.end(within=30)[0] for peer in (one, two)] == [1013, 1013]
    nats.servers[0].start()
    for node in cluster.nodes:
        cluster.wait(node)
    with connect(application) as again:
        again.join("room", id="again")


def test_a_bucket_that_vanishes_costs_nobody_a_place(start_cluster, start_nats):
    nats = start_nats(1)
    cluster = start_cluster(count=2, nats=nats)
    application = cluster.application()
    one, two = at_each(cluster, application)
    one.join("room", id="one")
    two.join("room", id="two")
    one.expect("someone_joined")
    nats.servers[0].kill()
    nats.servers[0].forget()
    for node in cluster.nodes:
        eventually(lambda node=node: not is_ready(node), "/readyz says no")
    nats.servers[0].start()
    for node in cluster.nodes:
        cluster.wait(node)
    offer(one, two, 1)
    two.expect("offer")
    with connect(application) as three:
        assert len(three.join("room", id="three")["members"]) == 2
        assert one.expect("someone_joined")["peerId"] == "three"


# Who may be a node


def test_a_name_is_one_nodes_at_a_time(shared):
    with pytest.raises(AssertionError, match="called node-1 runs"):
        shared.start(name="node-1")


def test_a_node_that_issues_for_somebody_else_is_refused_by_the_setting(shared):
    with pytest.raises(AssertionError, match="--audience is not what it is at the node node-"):
        shared.start("--audience", "https://other.example")


def test_what_is_no_nats_server_is_refused(usher):
    done = usher.run("serve", "--listen", "127.0.0.1:0", "--operator", "127.0.0.1:0",
                     "--cluster", "http://127.0.0.1:4222")
    assert done.returncode == 64
    assert "nats://HOST:PORT" in done.stderr


def test_the_files_of_nodes_bear_their_names(shared):
    folder = shared.folder / "data"
    assert sorted(path.name for path in folder.glob("operator-*.json")) == [
        f"operator-{node.name}.json" for node in shared.nodes]
    listed = shared.nodes[0].usher.succeed("room", "list", "--node", "node-1", "--json")
    assert "rooms" in json.loads(listed)
