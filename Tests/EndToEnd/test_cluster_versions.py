"""Nodes of this version and of the next one side by side, there and back (docs/cluster.md, "How it
behaves"; docs/decisions/0036). The next one is imagined: debug builds play it."""

import asyncio
import json
import os
import signal
import threading
import time

import pytest

from support import chance, http, prometheus
from support.cluster import Balancer, Cluster
from support.nats import Nats
from support.natsline import NatsLine
from support.rolling import Crowd, replace, roll, start_again
from support.usher import binary
from support.v1 import connect, meet, offer
from support.waiting import eventually

VARIABLE = "USHER_IMAGINED_NEXT"
NEXT = {VARIABLE: "1"}
# With --deep more, as with peers of test_cluster_handover.
PEERS = int(os.environ.get("USHER_TEST_CLUSTER_PEERS") or 40)
ROUNDS = 10 if os.environ.get("USHER_TEST_CLUSTER_PEERS") else 3
# The imagined version uses a new format 3 s after all can read it.
RAISE_SECONDS = 3
DEATH_SECONDS = 15

PLAYS_NEXT = VARIABLE.encode() in binary().read_bytes()
IS_DEBUG = "debug" in binary().resolve().parts

pytestmark = pytest.mark.skipif(
    not PLAYS_NEXT and not IS_DEBUG, reason="a release build plays no other version")


def test_a_debug_build_plays_the_next_version():
    # Or the others would compare one version with itself.
    assert PLAYS_NEXT


@pytest.fixture(scope="module")
def nats():
    one = Nats(1)
    yield one
    one.kill()


@pytest.fixture
def of_its_own(nats):
    """Starts clusters in buckets of their own."""
    started = []

    def start(name, *flags, **options):
        started.append(Cluster("--cluster-name", name, *flags, nats=nats, **options))
        return started[-1]

    yield start
    for cluster in started:
        cluster.kill()


def figures(node):
    found = prometheus.parse(http.get(node.operator, "/metrics").body.decode())
    return lambda name, **labels: found[f"usher_cluster_{name}"].value(**labels)


def formats(cluster):
    """In which the nodes write, by their figures of the last second."""
    return [figures(node)("document_format") for node in cluster.nodes]


def is_first(cluster):
    """Whether none writes in the next one; a node that has just begun has no figures."""
    return set(formats(cluster)) <= {0, 1}


def versions(cluster):
    node = cluster.nodes[0]
    state = json.loads(node.usher.succeed("cluster", "status", "--node", node.name, "--json"))
    return {one["name"]: (one["reads"], one["version"].endswith("+next"))
            for one in state["nodes"] if one["state"] == "alive"}


def all_is_read(cluster):
    return [figures(node)("unreadable_total") for node in cluster.nodes] == [0] * len(cluster.nodes)


def remove_stream(nats, name):
    """As `nats stream rm` does."""
    with NatsLine(nats.urls[0]) as line:
        line.subscribe("answer.>")
        line.publish(f"$JS.API.STREAM.DELETE.KV_usher-{name}", b"", "answer.1")
        answer = eventually(lambda: line.heard.get("answer.1"), "the stream is gone")
        assert json.loads(answer[0])["success"], answer


def named(cluster, *names):
    return [node for name in names for node in cluster.nodes if node.name == name]


async def there_and_back(cluster, crowd, rested):
    async with crowd:
        await roll(cluster, named(cluster, "node-1", "node-2"), crowd, **NEXT)
        await asyncio.sleep(RAISE_SECONDS + 2)
        # The last of the older version holds the format, and has had sessions of the others.
        assert formats(cluster) == [1, 1, 1]
        assert await asyncio.to_thread(versions, cluster) == {
            "node-1": (2, True), "node-2": (2, True), "node-3": (1, False)}
        for node in named(cluster, "node-1", "node-3"):
            for direction in ("in", "out"):
                count = figures(node)("hand_overs_total", direction=direction)
                assert count > 0, (node.name, direction)
        assert all_is_read(cluster)
        await roll(cluster, named(cluster, "node-1", "node-2"), crowd)
        assert is_first(cluster) and all_is_read(cluster)
        await roll(cluster, named(cluster, "node-1", "node-2"), crowd, **NEXT)
        await asyncio.to_thread(rested.begin)
        await roll(cluster, named(cluster, "node-3"), crowd, **NEXT)
        assert all_is_read(cluster)
        await asyncio.to_thread(
            eventually, lambda: formats(cluster) == [2, 2, 2], "the next format is in use", 20)
        await asyncio.to_thread(rested.end)
        await crowd.be_quiet()
        assert all_is_read(cluster)


class Rested:
    """A room that was written before the format was raised, and rests until somebody comes."""

    def __init__(self, cluster, application):
        self.cluster, self.application = cluster, application

    def _connect(self, name):
        (node,) = named(self.cluster, name)
        return connect(self.application.at(node))

    def begin(self):
        self.older, self.newer = self._connect("node-1"), self._connect("node-2")
        meet(self.older, self.newer, "rested")

    def end(self):
        with self._connect("node-3") as late:
            state = late.join("rested", id="late")
            assert sorted(member["peerId"] for member in state["members"]) == ["newer", "older"]
            for peer in (self.older, self.newer):
                assert peer.expect("someone_joined")["peerId"] == "late"
                offer(late, peer, 1)
                assert peer.expect("offer")["number"] == 1
        self.older.finish()
        self.newer.finish()


def test_an_upgrade_is_taken_back_and_made_again_and_nobody_notices(of_its_own, nats):
    cluster = of_its_own("there", "--drain-notice-seconds", 1, "--drain-seconds", 1)
    balancer = Balancer(cluster.nodes)
    try:
        application = cluster.application()
        crowd = Crowd(application, balancer.url, PEERS)
        asyncio.run(there_and_back(cluster, crowd, Rested(cluster, application)))
    finally:
        balancer.stop()
    crowd.check_whole()
    # Now it is too late.
    one = connect(application.at(cluster.nodes[0]))
    two = connect(application.at(cluster.nodes[1]))
    meet(one, two, "late")
    with pytest.raises(AssertionError, match="past this version of usher") as refused:
        cluster.start(name="older")
    assert "usher ended (1)" in str(refused.value)
    for node in cluster.nodes:
        assert f"{node.name} (" in str(refused.value) and "+next)" in str(refused.value)
    assert "nats stream rm KV_usher-there" in str(refused.value)
    offer(one, two, 1)
    assert two.expect("offer")["number"] == 1
    one.finish()
    two.finish()
    assert all_is_read(cluster)
    # But for the way that costs all rooms.
    for node in list(cluster.nodes):
        assert node.stop() == 0
    remove_stream(nats, "there")
    for node in list(cluster.nodes):
        start_again(cluster, node)
    eventually(lambda: set(versions(cluster).values()) == {(1, False)}
               and formats(cluster) == [1, 1, 1], "all are of this version again")
    one, two = (connect(application.at(node)) for node in cluster.nodes[:2])
    meet(one, two, "again")
    one.finish()
    two.finish()


@pytest.mark.parametrize("number", range(ROUNDS))
def test_a_node_that_is_killed_while_the_last_older_one_is_replaced_keeps_none_from_the_format(
        of_its_own, number):
    cluster = of_its_own(f"killed-{number}", count=1)
    (old,) = cluster.nodes
    one, two = cluster.start(**NEXT), cluster.start(**NEXT)
    application = cluster.application()
    stays, goes = connect(application.at(one)), connect(application.at(two))
    meet(stays, goes)
    assert is_first(cluster)
    delay = chance.of("killed", number).uniform(0, RAISE_SECONDS + 2)
    assert old.stop() == 0
    killing = threading.Timer(delay, two.process.send_signal, [signal.SIGKILL])
    killing.start()
    start_again(cluster, old, **NEXT)
    killing.join()
    two.process.wait()
    assert stays.expect("someone_left", DEATH_SECONDS)["reason"] == "lost"
    again = start_again(cluster, two, **NEXT)
    eventually(lambda: formats(cluster) == [2, 2, 2], "the next format is in use", 30)
    newer = connect(application.at(again))
    newer.join("room", id="again")
    assert stays.expect("someone_joined")["peerId"] == "again"
    assert all_is_read(cluster)
    stays.finish()
    newer.finish()


@pytest.mark.parametrize("number", range(ROUNDS))
def test_an_older_node_that_starts_while_the_format_is_raised_is_in_or_refused(of_its_own, number):
    cluster = of_its_own(f"raced-{number}", count=1, **NEXT)
    application = cluster.application()
    (next_one,) = cluster.nodes
    time.sleep(chance.of("raced", number).uniform(RAISE_SECONDS / 2, RAISE_SECONDS + 0.5))
    try:
        older = cluster.start(name="older", **{VARIABLE: ""})
    except AssertionError as refused:
        assert "past this version of usher" in str(refused)
        eventually(lambda: formats(cluster) == [2], "the format is raised")
        return
    time.sleep(RAISE_SECONDS + 2)
    assert formats(cluster) == [1, 1]
    one, two = connect(application.at(next_one)), connect(application.at(older))
    meet(one, two)
    assert all_is_read(cluster)
    one.finish()
    two.finish()
    # As long as it is there, and it is replaced like any other.
    replace(cluster, older, **NEXT)
    eventually(lambda: formats(cluster) == [2, 2], "the format is raised", 20)
