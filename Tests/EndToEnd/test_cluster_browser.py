"""Calls of pages at several nodes behind HAProxy (docs/cluster.md)."""

import pytest

from support import calls
from support.cluster import Balancer, Cluster, is_ready, opened_nats
from support.waiting import eventually

NAMES = ("ann", "bob", "cid", "dan")
VIDEO = {"audio": True, "video": True}
# What tells that a page began anything anew, with whomever.
BEGINNINGS = ("first_to_join", "someone_joined", "someone_left", "trackAdded", "sendChannelOpen",
              "receiveChannelOpen", "peerConnectionStateChange", "negotiationFailed")


@pytest.fixture(scope="module")
def nats():
    one = opened_nats()
    yield one
    one.kill()


@pytest.fixture(scope="module")
def cluster(nats):
    two = Cluster(count=2, nats=nats)
    yield two
    two.kill()


@pytest.fixture
def balancer(cluster):
    one = Balancer(cluster.nodes)
    yield one
    one.stop()


@pytest.fixture
def page(browser, cluster, balancer):
    """Opens pages that go to the balancer, or to a node."""
    pages = []
    with calls.backend(cluster.application()) as backend:

        def open_page(name, to=balancer, **options):
            pages.append(calls.Caller(
                browser, backend, to.url.replace("http", "ws", 1), name, **options))
            return pages[-1]

        yield open_page
        for one in pages:
            one.close_page(ignoring_network=True)


def beginnings(page):
    return {type: len(page.events(type)) for type in BEGINNINGS}


def test_a_call_of_four_goes_on_while_two_change_nodes(page, cluster, balancer):
    pages = []
    for name in NAMES:
        pages.append(page(name, video=VIDEO))
        pages[-1].until("client.state === 'open'")
    for one in pages:
        one.until_connected(*(name for name in NAMES if name != one.name))
    at = {node.name: balancer.sessions_at(node) for node in cluster.nodes}
    assert sorted(map(len, at.values())) == [2, 2]
    counts = {one.name: beginnings(one) for one in pages}
    for one in pages:
        one.page.evaluate("() => { window.own = client.connectionId;"
                          " window.frames = framesDecoded(); }")
    # The second node gets nobody any more, and its two lose their lines.
    moved = cluster.nodes[1]
    balancer.command(f"set server nodes/{moved.name} state drain")
    for session in at[moved.name]:
        balancer.command(f"shutdown session {session}")
    eventually(lambda: len(balancer.sessions_at(cluster.nodes[0])) == 4, "all are at one node")
    eventually(lambda: sum(len(one.events("resumed")) for one in pages) == 2, "two have resumed")
    for one, other in zip(pages, [*pages[1:], pages[0]], strict=True):
        one.talk_to(other)
        one.page.evaluate("([id, text]) => client.signal(id, { type: 'note', text })",
                          [f"id-{other.name}", f"from {one.name}"])
    for one, other in zip(pages, [*pages[1:], pages[0]], strict=True):
        other.until("count('signal') === 1")
        assert [event["detail"]["payload"]["text"] for event in other.events("signal")] == [
            f"from {one.name}"]
    for one in pages:
        # Nobody began anything anew: it is the call that it was.
        assert one.page.evaluate("client.connectionId === own")
        assert beginnings(one) == counts[one.name]
        one.until("(async () => { const [was, is] = [await frames, await framesDecoded()];"
                  " return Object.keys(was).every((id) => is[id] > was[id]); })()")


def test_a_page_that_comes_to_a_node_that_is_cut_off_gets_in_later(page, cluster, nats):
    ann = page("ann", cluster.nodes[0])
    ann.until_event("first_to_join")
    nats.servers[0].kill()
    for node in cluster.nodes:
        eventually(lambda node=node: not is_ready(node), "it knows that it is alone")
    bob = page("bob", cluster.nodes[1])
    for problem in bob.until_event("socketError", 2):
        assert (problem["detail"]["code"], problem["detail"]["final"]) == (
            "temporarily_unavailable", False)
    nats.servers[0].start()
    ann.until_connected("bob")
    ann.talk_to(bob)
