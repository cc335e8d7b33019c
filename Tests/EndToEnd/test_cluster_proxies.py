"""Real nodes behind the real HAProxy and nginx, with the samples of deploy/cluster
(docs/cluster.md, "In front"): rooms are kept at nodes, connections are spread, and nodes stop."""

import contextlib
import json
import signal
import threading

import pytest

from support import calls, http, ledger, peers, prometheus
from support.cluster import Cluster
from support.fronts import Front
from support.server import Application
from support.v1 import V1Peer, offer
from support.waiting import eventually

KINDS = ["haproxy", "nginx"]
ROOMS = 12
NOTICE_SECONDS = 60
OWN = ("Sec-Fetch-Site", "same-origin")


@pytest.fixture(scope="module")
def cluster():
    three = Cluster("--trusted-proxy", "127.0.0.1/32")
    yield three
    assert three.stop() == 0


@pytest.fixture(scope="module")
def registered(cluster):
    """A client, as the nodes know it."""
    return cluster.nodes[0].usher.add_client("Behind proxies", scopes=["signal", "session"])


@pytest.fixture
def front(cluster):
    """Puts a proxy in front of all nodes."""
    started = []

    def start(kind, **options):
        started.append(Front(kind, cluster.nodes, **options))
        return started[-1]

    yield start
    for one in started:
        one.stop()


def v1(application, token=None, **query):
    offered = f"usher.v1, usher.bearer.{token or application.token()}"
    return V1Peer(application.server.url, peers.query(None, application.id, **query),
                  fields=[("Sec-WebSocket-Protocol", offered)])


def classic(application, **query):
    home = application.server
    return peers.Peer(home.url, peers.query(application.token(), application.id, **query))


def payloads(cluster):
    """How many went from node to node."""
    return sum(figures(node)["usher_cluster_payloads_total"].value(direction="out")
               for node in cluster.nodes)


def figures(node):
    return prometheus.parse(http.get(node.operator, "/metrics").body.decode())


def opened(node):
    return figures(node)["usher_connections_opened_total"].total()


def homes(nodes, prefix):
    """At how many nodes each room has members."""
    found = {}
    for node in nodes:
        listed = json.loads(node.usher.succeed("room", "list", "--node", node.name, "--json"))
        for room in listed["rooms"]:
            if room["room"].startswith(prefix):
                found.setdefault(room["room"], []).append(node.name)
    return found


@contextlib.contextmanager
def rooms_of_three(application, prefix):
    """Rooms with two v1 peers and a classic one, of whom each has said something to another."""
    everybody = []
    try:
        for number in range(ROOMS):
            room = f"{prefix}{number}"
            one, two = (v1(application, room=room) for _ in range(2))
            old = classic(application, room=room)
            everybody += [one, two, old]
            one.join(room, id="one")
            two.join(room, id="two")
            one.expect("someone_joined")
            old.join(room, id="old")
            classic_id = one.expect("someone_joined")["connectionId"]
            two.expect("someone_joined")
            offer(one, two, number)
            assert two.expect("offer")["number"] == number
            one.send(classic_id, {"type": "note"})
            assert old.expect("note")["connectionId"] == one.connection
            old.send(one.connection, {"type": "answer"})
            assert one.expect("answer")["connectionId"] == classic_id
        yield
    finally:
        for peer in everybody:
            peer.close()


@pytest.mark.parametrize("kind", KINDS)
def test_a_room_that_is_kept_at_a_node_costs_nothing_between_nodes(
        kind, cluster, registered, front):
    before = eventually_published(cluster)
    with rooms_of_three(Application(front(kind), *registered), f"{kind}-kept-"):
        found = homes(cluster.nodes, f"{kind}-kept-")
        assert len(found) == ROOMS
        assert all(len(nodes) == 1 for nodes in found.values()), found
        assert len({name for (name,) in found.values()}) > 1, "all rooms are at one node"
    assert eventually_published(cluster) == before


def eventually_published(cluster):
    """How many payloads went between nodes once figures, which come each second, are of now."""
    for node in cluster.nodes:
        probe = writes(node)
        eventually(lambda node=node, probe=probe: writes(node) > probe, "newer figures", 20)
    return payloads(cluster)


def writes(node):
    """Each node writes its key every two seconds."""
    return figures(node)["usher_cluster_writes_total"].value(result="accepted")


@pytest.mark.parametrize("kind", KINDS)
def test_rooms_that_are_spread_are_one_all_the_same(kind, cluster, registered, front):
    before = payloads(cluster)
    application = Application(front(kind, keeps=False), *registered)
    with rooms_of_three(application, f"{kind}-spread-"):
        found = homes(cluster.nodes, f"{kind}-spread-")
        assert len(found) == ROOMS
        assert any(len(nodes) > 1 for nodes in found.values()), found
        eventually(lambda: payloads(cluster) > before, "something went between nodes")


@pytest.mark.parametrize("kind", KINDS)
def test_who_names_no_room_goes_to_any_node(kind, cluster, registered, front):
    before = {node.name: opened(node) for node in cluster.nodes}
    application = Application(front(kind), *registered)
    for _ in range(12):
        v1(application).finish()
    eventually(lambda: sum(opened(node) > before[node.name] for node in cluster.nodes) > 1,
               "more than one node has got connections")


@pytest.mark.parametrize("kind", KINDS)
def test_requests_are_answered_by_any_node(kind, registered, front):
    proxy = front(kind)
    application = Application(proxy, *registered)
    token = application.token(scope="session", subject="ada")
    begun = http.request(
        proxy.url, "POST", "/session", [("Authorization", f"Bearer {token}"), OWN], b"")
    assert begun.status == 200, begun.body
    cookie = begun.header("Set-Cookie").split(";")[0]
    ledger.remember(cookie.split("=")[1], "a session's cookie")
    for _ in range(4):
        answer = http.request(
            proxy.url, "POST", "/session/token", [("Cookie", cookie), OWN], b"")
        assert answer.status == 200, answer.body
        assert http.get(proxy.url, "/.well-known/jwks.json").status == 200


def test_a_node_that_stops_gets_nobody_within_its_notice(cluster, registered, front):
    node = cluster.start("--trusted-proxy", "127.0.0.1/32",
                         "--drain-notice-seconds", NOTICE_SECONDS)
    cluster.nodes.remove(node)
    proxy = Front("haproxy", [node, *cluster.nodes[:2]], keeps=False)
    try:
        application = Application(proxy, *registered)
        eventually(lambda: comes_to(node, application), "it gets connections")
        node.process.send_signal(signal.SIGTERM)
        eventually(lambda: http.get(node.operator, "/readyz").status == 503, "it says that it ends")
        eventually(lambda: not comes_to(node, application), "nobody comes to it any more")
        assert not comes_to(node, application)
        assert node.process.poll() is None
    finally:
        proxy.stop()
        node.process.send_signal(signal.SIGTERM)  # It has waited long enough.
        assert node.process.wait(30) == 0


def comes_to(node, application):
    """Whether one of six connections does; they are closed again."""
    token = application.token()
    held = [v1(application, token=token) for _ in range(6)]
    try:
        for number, peer in enumerate(held):
            peer.join(f"stops-{number}", id="somebody")
        return bool(homes([node], "stops-"))
    finally:
        for peer in held:
            peer.finish()


def test_a_node_that_stops_costs_no_handshake(cluster, registered, front):
    """nginx asks the next one (docs/cluster.md)."""
    node = cluster.start("--trusted-proxy", "127.0.0.1/32", "--drain-notice-seconds", 1)
    cluster.nodes.remove(node)
    proxy = Front("nginx", [node, *cluster.nodes[:2]], keeps=False)
    try:
        application = Application(proxy, *registered)
        token, is_over = application.token(), threading.Event()
        before = opened(node)

        def stop():
            node.stop()
            is_over.set()

        stopping = threading.Thread(target=stop)
        count = 0
        while count < 20 or not is_over.is_set():
            if count == 9:
                eventually(lambda: opened(node) > before, "it gets connections")
                stopping.start()
            answer = peers.attempt(proxy, peers.query(token, application.id))
            assert answer.status == 101, (count, answer.status, answer.body)
            count += 1
        stopping.join()
        for _ in range(6):
            assert peers.attempt(proxy, peers.query(token, application.id)).status == 101
    finally:
        proxy.stop()
        node.kill()


@pytest.mark.parametrize("kind", KINDS)
def test_pages_say_which_room_they_want_into(kind, browser, cluster, registered, front):
    proxy = front(kind)
    before = eventually_published(cluster)
    with calls.backend(Application(proxy, *registered)) as backend:
        pages = [calls.Caller(
            browser, backend, f"{proxy.url}/signal?room={kind}%20page", name,
            sessionId=f"{kind} page", context={"ignore_https_errors": True})
            for name in ("ann", "bob")]
        try:
            for one, other in ((pages[0], "bob"), (pages[1], "ann")):
                one.until_connected(other)
            assert {len(nodes) for nodes in homes(cluster.nodes, f"{kind} page").values()} == {1}
        finally:
            for one in pages:
                one.close_page(ignoring_network=True)
    assert eventually_published(cluster) == before
