"""What an operator sees of all nodes of a cluster, from any of them (docs/cluster.md, "What all
nodes have")."""

import json
import os
import shutil
from concurrent.futures import ThreadPoolExecutor

import pytest

from support import http
from support.browser import Visit
from support.cluster import Cluster
from support.process import Sample, freeze, thaw
from support.usher import Usher, new_folder
from support.v1 import connect
from support.waiting import eventually
from support.websocket import Closed

# With --deep 20,000.
ROOMS = int(os.environ.get("USHER_TEST_CLUSTER_ROOMS") or 1500)
MEMORY_KILOBYTES = 64 << 10
SHARED = 300
# Peers of this file join as many rooms as they can, and don't read for long.
ROOMY = ["--max-rooms", 100_000, "--messages-per-second", 100_000, "--message-burst", 100_000,
         "--ping-interval-seconds", 3600]


@pytest.fixture(scope="module")
def three():
    """Three nodes that live on."""
    cluster = Cluster(*ROOMY)
    yield cluster
    cluster.kill()


@pytest.fixture(scope="module")
def application(three):
    return three.application()


@pytest.fixture(scope="module")
def crowd(three, application):
    """A peer at each node, all of them in the same rooms."""
    peers = [connect(application.at(node), application.token()) for node in three.nodes]
    for number in range(SHARED):
        for name, peer in zip(("one", "two", "three"), peers, strict=True):
            peer.join(f"shared-{number}", id=name)
    yield peers
    for peer in peers:
        peer.drop()


def asked(node, target="/rooms"):
    """What a node answers an operator who bears its token."""
    token = json.loads((node.data / f"operator-{node.name}.json").read_text())["token"]
    return http.request(node.operator, "GET", target, [("Authorization", f"Bearer {token}")],
                        patience=30)


def rooms(node, application, begin="shared-"):
    listed = asked(node)
    assert listed.status == 200, listed.body
    return {room["room"]: room["members"] for room in listed.json["rooms"]
            if room["client_id"] == application.id and room["room"].startswith(begin)}


def places(members):
    return {member["peerId"]: member["node"] for member in members}


# Before the crowd comes: the page shows some rooms of each node.
def test_the_operators_page_shows_all_nodes(browser, three, application):
    link = three.nodes[1].usher.succeed("operator", "link", "--node", three.nodes[1].name).strip()
    visit = Visit(browser, link)
    page = visit.page
    try:
        page.locator("#line[data-state=live]").wait_for()
        # Beside them are those that left the bucket before.
        for node in three.nodes:
            page.locator("#nodes tr", has_text="alive").filter(has_text=node.name).wait_for()
        assert page.locator("#nodes tr", has_text="this node").count() == 1
        with connect(application.at(three.nodes[0]), application.token()) as far:
            far.join("a room far away", id="far")
            page.locator("#rooms tr", has_text="a room far away").wait_for()
            node = page.locator("#rooms tr", has_text="a room far away").locator(".node")
            eventually(lambda: node.inner_text() == three.nodes[0].name, "the node's name is shown")
            # All nodes' connections, not only this one's.
            visit.until("document.querySelector('#figure-connections .value').textContent === '1'")
        assert "this node" in page.locator("#figure-tokens .name").inner_text()
        assert "this node" not in page.locator("#figure-messages .name").inner_text()
        assert visit.complaints == []
    finally:
        visit.close()


def test_each_room_is_listed_once_with_its_members_nodes_whichever_node_is_asked(
        three, application, crowd):
    expected = dict(zip(("one", "two", "three"), (node.name for node in three.nodes), strict=True))
    # A node's name is told once a second.
    eventually(lambda: places(rooms(three.nodes[0], application)["shared-0"]) == expected,
               "the names of nodes are known")
    lists = [asked(node).json for node in three.nodes]
    assert all(listed["silent"] == [] and listed["truncated"] is False for listed in lists)
    for node in three.nodes:
        found = rooms(node, application)
        assert set(found) == {f"shared-{number}" for number in range(SHARED)}
        assert all(places(members) == expected for members in found.values())
    names = [room["room"] for room in lists[0]["rooms"]]
    assert len(names) == len(set(names))
    assert [room["room"] for room in lists[1]["rooms"]] == names


def test_a_room_of_one_node_is_seen_from_all_and_from_no_other_node_as_its_own(
        three, application):
    with connect(application.at(three.nodes[2]), application.token()) as far:
        far.join("far", id="far")
        expected = {"far": three.nodes[2].name}
        for node in three.nodes:
            # A node's name is told once a second.
            eventually(lambda node=node: places(rooms(node, application, "far")["far"]) == expected,
                       "the node is known by name")
            here = {room["room"] for room in asked(node, "/rooms?node=here").json["rooms"]}
            assert ("far" in here) == (node is three.nodes[2])
        usher = three.nodes[0].usher
        line = next(line for line in usher.succeed("room", "list").splitlines() if " far " in line)
        assert line.endswith(three.nodes[2].name)
        own = usher.json("room", "list", "--node", three.nodes[0].name)["rooms"]
        assert "far" not in {room["room"] for room in own}
    assert asked(three.nodes[0], "/rooms?node=two").status == 400


def test_many_who_ask_at_once_are_answered_by_one_list(three, application, crowd):
    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(asked, [three.nodes[1]] * 12))
    assert {answer.status for answer in answers} <= {200, 503}
    good = [answer.json for answer in answers if answer.status == 200]
    assert good and all(len(listed["rooms"]) >= SHARED for listed in good)
    assert {answer.error for answer in answers if answer.status == 503} <= {"busy"}


def test_a_kick_tells_at_which_node_the_peer_was(three, application):
    usher, last = three.nodes[0].usher, three.nodes[2]
    with connect(application.at(last), application.token()) as peer:
        peer.join("kicked", id="peer")
        said = usher.json("peer", "kick", peer.connection)
        assert said == {"kicked": peer.connection, "node": last.name}
        assert peer.end()[0] == 4501
    entries = [json.loads(line) for line in usher.succeed("audit", "--json").splitlines()]
    assert (entries[-1]["action"], entries[-1]["details"]) == ("peer.kick", f"node {last.name}")


def test_the_audit_log_of_all_nodes_is_read_on_any_host(registry):
    key = new_folder("master") / "key"
    Usher(registry=registry, master_key=key).succeed("key", "master", "new")
    cluster = Cluster(count=2, registry=registry, master_key=key)
    try:
        application = cluster.application()
        with connect(application.at(cluster.nodes[1]), application.token()) as peer:
            peer.join("room", id="peer")
            cluster.nodes[0].usher.succeed("peer", "kick", peer.connection)
            assert peer.end()[0] == 4501
        copy = new_folder("copy") / "key"
        shutil.copy2(key, copy)
        elsewhere = Usher(registry=registry, master_key=copy)
        entries = [json.loads(line) for line in elsewhere.succeed("audit", "--json").splitlines()]
        kick = next(entry for entry in entries if entry["action"] == "peer.kick")
        assert kick["target"] == peer.connection
        assert kick["details"] == f"node {cluster.nodes[1].name}"
    finally:
        cluster.kill()


def test_however_many_rooms_there_are_all_are_listed_in_little_memory(start_cluster):
    cluster = start_cluster(*ROOMY)
    application = cluster.application()
    peers = [connect(application.at(cluster.nodes[number % 3]), application.token())
             for number in range(12)]

    def fill(number):
        for room in range(number, ROOMS, len(peers)):
            peers[number].join(f"many-{room}", id=f"peer-{number}")

    with ThreadPoolExecutor(len(peers)) as pool:
        list(pool.map(fill, range(len(peers))))
    before = Sample.of(cluster.nodes[0].process).kilobytes
    for node in cluster.nodes:
        listed = asked(node).json
        assert (listed["silent"], listed["truncated"]) == ([], False)
        assert len({room["room"] for room in listed["rooms"]}) == ROOMS
    listed = cluster.nodes[0].usher.json("room", "list")["rooms"]
    assert len({room["room"] for room in listed}) == ROOMS
    assert Sample.of(cluster.nodes[0].process).kilobytes - before < MEMORY_KILOBYTES
    for peer in peers:
        peer.finish()


# The last one: a node that stands still for too long is declared dead.
def test_a_node_that_is_silent_is_named_and_rooms_that_others_share_are_whole(
        three, application, crowd):
    silent = three.nodes[2]
    lonely = connect(application.at(silent), application.token())
    lonely.join("lonely", id="lonely")
    freeze(silent.process)
    try:
        answer = asked(three.nodes[0])
    finally:
        thaw(silent.process)
    assert answer.status == 200, answer.body
    assert answer.json["silent"] == [silent.name]
    found = {room["room"]: room["members"] for room in answer.json["rooms"]}
    assert "lonely" not in found
    assert len(found["shared-7"]) == 3
    if not is_there(lonely):
        lonely = connect(application.at(silent), application.token())
        lonely.join("lonely", id="lonely")
    with lonely:
        eventually(lambda: "lonely" in rooms(three.nodes[0], application, "lonely"),
                   "the node answers again")


def is_there(peer):
    try:
        peer.up_to_pong()
    except (Closed, OSError):
        return False
    return True
