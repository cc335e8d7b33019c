"""What a node of a cluster leaves for the next process of its name, where no other node could have
it (docs/protocol.md §6, docs/operating.md, "A cluster of relays")."""

import signal
import stat

import pytest

from support import v1
from support.cluster import Cluster
from support.nats import Nats
from support.restart import left_behind, logged
from support.v1 import connect, meet, offer, resumed
from support.waiting import eventually

pytestmark = pytest.mark.one_process("starts nodes of a cluster again")


@pytest.fixture
def cluster(start_cluster):
    return start_cluster(count=1)


def stop(node, *present):
    """Stops a node, while these peers read on to their end; returns what each heard."""
    node.process.send_signal(signal.SIGTERM)
    told = [left_behind(peer) for peer in present]
    for peer in present:
        peer.drop()
    assert node.stop() == 0
    return told


def again(cluster, application, name="node-1"):
    node = cluster.start(name=name)
    application.server = node
    return node


def people(cluster, *names, room="room"):
    application = cluster.application()
    peers = [connect(application, application.token(subject=name)) for name in names]
    for peer, name in zip(peers, names, strict=True):
        peer.join(room, id=name)
    for peer in peers:
        peer.up_to_pong()
    return application, peers


def back(application, lost, name):
    return resumed(application, lost, application.token(subject=name))


def states(peer, rooms=1):
    return {room: sorted(member["peerId"] for member in state["members"])
            for room, state in peer.room_states(rooms).items()}


def put_back(node):
    """What the log says of it, once it does."""
    (line,) = eventually(lambda: logged(node, "sessions_put_back"), "sessions are put back")
    return line


def test_sessions_that_are_there_or_away_go_on_in_the_next_process_and_nobody_left(cluster):
    application, (ada, grace, mary) = people(cluster, "ada", "grace", "mary")
    mary.join("other", id="mary")
    grace.drop()
    for number in range(3):
        offer(ada, grace, number)
    first = cluster.nodes[0]
    assert stop(first, ada, mary) == [[], []]
    shelf = first.data / "sessions-node-1.shelf"
    assert stat.S_IMODE(shelf.stat().st_mode) == 0o600
    content = shelf.read_bytes()
    for secret in (ada.session, grace.session, application.secret):
        assert secret.encode() not in content
    (line,) = logged(first, "sessions_shelved")
    assert (line["count"], line["dropped"]) == ("3", "0")
    second = again(cluster, application)
    assert not shelf.exists()
    assert put_back(second) == {"count": "3", "revoked": "0", "dropped": "0"}
    grace, replay = back(application, grace, "grace")
    assert [event.data["number"] for event in replay if event.type == "offer"] == [0, 1, 2]
    assert {event.type for event in replay} == {"offer"}
    assert states(grace) == {"room": ["ada", "mary"]}
    ada, replay = back(application, ada, "ada")
    assert replay == [] and states(ada) == {"room": ["grace", "mary"]}
    mary, replay = back(application, mary, "mary")
    assert replay == [] and states(mary, 2) == {"room": ["ada", "grace"], "other": []}
    offer(mary, ada, 7)
    assert [event.data["number"] for event in ada.up_to_pong()] == [7]
    assert grace.up_to_pong() == []


def test_as_often_as_it_is_restarted(cluster):
    application, (ada, grace) = people(cluster, "ada", "grace")
    for turn in range(3):
        told = stop(cluster.nodes[-1], ada)
        assert told == [[]]
        node = again(cluster, application)
        assert put_back(node)["count"] == "2"
        if turn == 0:
            grace.drop()
        ada, replay = back(application, ada, "ada")
        assert replay == [] and states(ada) == {"room": ["grace"]}
        offer(ada, grace, turn)
    grace, replay = back(application, grace, "grace")
    assert [event.data["number"] for event in replay if event.type == "offer"] == [0, 1, 2]


def test_newcomers_and_classic_peers_find_it_as_it_was(cluster):
    application, (ada,) = people(cluster, "ada")
    stop(cluster.nodes[0], ada)
    node = again(cluster, application)
    put_back(node)
    grace = connect(application, application.token(subject="grace"))
    answer = grace.join("room", id="grace")
    assert not answer["first"] and [one["peerId"] for one in answer["members"]] == ["ada"]
    ada, replay = back(application, ada, "ada")
    assert [event.type for event in replay] == ["someone_joined"]


def test_where_another_node_began_meanwhile_it_comes_back_or_is_lost_and_never_both(cluster):
    application, (ada, mary) = people(cluster, "ada", "mary")
    eve = connect(application, application.token(subject="eve"))
    eve.join("alone", id="eve")
    stop(cluster.nodes[0], ada, mary, eve)
    other = cluster.start(name="another")
    application.server = other
    # Whoever comes first meets nobody, and has what was left there taken away.
    newcomer = connect(application, application.token(subject="newcomer"))
    assert newcomer.join("room", id="newcomer")["first"]
    node = again(cluster, application)
    assert put_back(node) == {"count": "1", "revoked": "0", "dropped": "2"}
    for lost, name in ((ada, "ada"), (mary, "mary")):
        for place in (node, other):
            token = application.token(subject=name)
            assert v1.is_refused(application.at(place), lost, token)
    assert newcomer.up_to_pong() == []
    # The room that nobody has met is as it was, for a client of whatever node.
    token = application.token(subject="eve")
    eve, replay = resumed(application.at(other), eve, token)
    assert replay == [] and states(eve) == {"alone": []}
    mary = connect(application, application.token(subject="mary"))
    assert [one["peerId"] for one in mary.join("room", id="mary")["members"]] == ["newcomer"]


def test_a_node_that_begins_while_another_lives_has_its_own_all_the_same(cluster):
    application, (ada, mary) = people(cluster, "ada", "mary")
    stop(cluster.nodes[0], ada, mary)
    other = cluster.start(name="another")
    node = again(cluster, application)
    assert put_back(node)["count"] == "2"
    token = application.token(subject="ada")
    ada, replay = resumed(application.at(other), ada, token)
    assert replay == [] and states(ada) == {"room": ["mary"]}
    mary, replay = back(application, mary, "mary")
    assert replay == [] and states(mary) == {"room": ["ada"]}
    meet(ada, mary, "both")


def test_while_another_node_lives_nothing_is_left(start_cluster):
    cluster = start_cluster(count=2)
    application, (ada,) = people(cluster, "ada")
    stop(cluster.nodes[0], ada)
    assert logged(cluster.nodes[0], "sessions_shelved") == []
    assert not (cluster.nodes[0].data / "sessions-node-1.shelf").exists()
    application.server = cluster.nodes[1]
    ada, replay = back(application, ada, "ada")
    assert replay == []


def test_a_new_bucket_has_nobody_for_whom_to_come_back(cluster):
    application, (ada,) = people(cluster, "ada")
    stop(cluster.nodes[0], ada)
    fresh = Nats(1)
    try:
        cluster.nats.kill()
        cluster.nats = fresh
        node = again(cluster, application)
        assert put_back(node) == {"count": "0", "revoked": "0", "dropped": "1"}
        assert v1.is_refused(application, ada, application.token(subject="ada"))
        newcomer = connect(application, application.token(subject="ada"))
        assert newcomer.join("room", id="ada")["first"]
    finally:
        fresh.kill()


def test_a_start_that_does_not_become_a_node_leaves_it_to_the_next(cluster):
    application, (ada,) = people(cluster, "ada")
    stop(cluster.nodes[0], ada)
    shelf = cluster.nodes[0].data / "sessions-node-1.shelf"
    content = shelf.read_bytes()
    other = cluster.start(name="another")
    with pytest.raises(AssertionError, match="node_differs"):
        cluster.start("--issuer", "https://other.example", name="node-1")
    assert shelf.read_bytes() == content
    other.stop()
    node = again(cluster, application)
    assert put_back(node)["count"] == "1"
    _, replay = back(application, ada, "ada")
    assert replay == []


def test_what_was_revoked_meanwhile_is_out_of_its_rooms(cluster):
    application, (ada, mary) = people(cluster, "ada", "mary")
    stop(cluster.nodes[0], ada, mary)
    cluster.nodes[0].usher.succeed("token", "revoke", "--client", application.id, "--subject",
                                   "mary")
    node = again(cluster, application)
    assert put_back(node) == {"count": "1", "revoked": "1", "dropped": "0"}
    ada, replay = back(application, ada, "ada")
    assert [(event.type, event.data["reason"]) for event in replay] == [
        ("someone_left", "kicked")]
