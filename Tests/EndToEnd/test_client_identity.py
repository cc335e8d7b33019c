"""Who is who: peer ids are claims, and nobody's call ends because another says the same id."""

import json
import time

import pytest

from support import calls, peers

CONNECTION = "Object.values(client.peerConnections)[0]"


@pytest.fixture
def pair(browser, backend, server):
    """Two pages in a call, in a room of their own."""
    room = f"room-{time.monotonic_ns()}"
    ann, bob = (calls.Caller(browser, backend, server.websocket_url, name, sessionId=room)
                for name in ("ann", "bob"))
    meet(ann, bob)
    yield ann, bob, room
    ann.close()
    bob.close()


def meet(ann, bob):
    ann.until_connected("bob")
    bob.until_connected("ann")
    for page in (ann, bob):
        page.page.evaluate(f"window.before = {CONNECTION}")


def still_talk(ann, bob):
    for page, other in ((ann, bob), (bob, ann)):
        assert page.page.evaluate(f"before.connectionState === 'connected'"
                                  f" && client.peerConnections['id-{other.name}'] === before")
    ann.talk_to(bob)


def impostor(application, room, claim, *pages):
    """A classic connection that claims an id, once the pages were told of it."""
    eve = peers.connect(application)
    eve.join(room, id=claim, name="Eve")
    for page in pages:
        page.until("events.some((e) => e.type === 'someone_joined' && e.detail.name === 'Eve')")
    return eve


def entries(page):
    found = page.page.evaluate(
        "Object.fromEntries(Object.entries(client.peerInfo).map(([id, i]) => [id, i.name]))")
    return {name: id for id, name in found.items()}


def test_who_claims_anothers_peer_id_takes_nothing_over_and_ends_nothing(pair, application):
    ann, bob, room = pair
    connection = bob.page.evaluate("client.connectionId")
    eve = impostor(application, room, "id-bob", ann, bob)
    ann.until("Object.keys(client.peerInfo).length === 2")
    assert entries(ann)["bob"] == connection
    still_talk(ann, bob)
    eve.close()
    for page in (ann, bob):
        assert page.until_event("someone_left")[0]["detail"]["connectionId"] != connection
        page.until("Object.keys(client.peerInfo).length === 1")
    assert ann.page.evaluate("client.peerInfo['id-bob'].connectionId") == connection
    still_talk(ann, bob)
    ann.check()
    bob.check()


def test_who_claims_anothers_connection_id_takes_nothing_over(pair, application):
    ann, bob, room = pair
    connection = bob.page.evaluate("client.connectionId")
    eve = impostor(application, room, connection, ann, bob)
    ann.until("Object.keys(client.peerInfo).length === 2")
    # What she says to be hers in an offer is no better.
    own = ann.page.evaluate("client.connectionId")
    eve.send(own, {"type": "offer", "offererId": "id-bob", "name": "Bob", "offer": {}})
    assert ann.page.evaluate(f"client.peerInfo['{connection}'].name") == "bob"
    assert ann.page.evaluate(f"client.peerConnections['{connection}'] === before")
    assert ann.page.evaluate(f"client.send('{connection}', 'for bob alone')")
    bob.until_heard("ann", "for bob alone")
    eve.close()
    ann.until("Object.keys(client.peerInfo).length === 1")
    assert ann.page.evaluate(f"client.peerInfo['{connection}'].name") == "bob"
    still_talk(ann, bob)
    ann.check()
    bob.check()


@pytest.fixture
def fragile(browser, start):
    """Ann and Bob on a server that is killed and started again, and Bob's line to it.

    After a stop in order they would go on as who they were.
    """
    server = start()
    port = server.url.rsplit(":", 1)[1]
    application = server.application()

    def restart():
        nonlocal server
        server.kill()
        server = start(data=server.data, listen=f"127.0.0.1:{port}")

    with calls.backend(application) as backend, calls.Wire(server.url) as wire:
        ann = calls.Caller(browser, backend, server.websocket_url, "ann", sessionId="fragile")
        bob = calls.Caller(browser, backend, wire.url, "bob", sessionId="fragile")
        meet(ann, bob)
        yield ann, bob, wire, restart, application
        ann.close()
        bob.close()


def back_together(ann, bob):
    """Each knows the other by its new connection id."""
    for page, other in ((ann, bob), (bob, ann)):
        page.until(f"client.peerInfo['{other.page.evaluate('client.connectionId')}']"
                   "?.state === 'connected'")
        assert page.page.evaluate("Object.keys(client.peerInfo).length") == 1
    still_talk(ann, bob)


# The minute for which a connection waits for its page passes when the test says so.
BY_HAND = """() => {
    const wait = setTimeout, clear = clearTimeout, waiting = new Map();
    window.minutes = {
        last: 0,
        pass: (last) => {
            for (const [number, then] of waiting) {
                if (number > last) continue;
                waiting.delete(number);
                then();
            }
        },
    };
    window.setTimeout = (then, ms) => {
        if (ms !== 60000) return wait(then, ms);
        minutes.last += 1;
        waiting.set(minutes.last, then);
        return `minute ${minutes.last}`;
    };
    window.clearTimeout = (timer) => {
        if (!`${timer}`.startsWith('minute ')) return clear(timer);
        waiting.delete(Number(timer.slice(7)));
    };
}"""


def test_a_second_restart_within_the_time_of_an_orphan_ends_no_call(fragile):
    ann, bob, wire, restart, _ = fragile
    for page in (ann, bob):
        page.page.evaluate(BY_HAND)
    old = ann.page.evaluate("client.connectionId")
    restart()
    for page in (ann, bob):
        page.hasten("client.state === 'open'")
    assert ann.page.evaluate("client.connectionId") != old
    back_together(ann, bob)
    first = [page.page.evaluate("minutes.last") for page in (ann, bob)]
    assert all(first), "connections wait for their pages"
    wire.cut()
    restart()
    ann.hasten("client.state === 'open'")
    # The time of the first restart is over, and Bob is not back yet.
    for page, last in zip((ann, bob), first, strict=True):
        page.page.evaluate("last => minutes.pass(last)", last)
    still_talk(ann, bob)
    wire.mend()
    bob.hasten("client.state === 'open'")
    back_together(ann, bob)
    # Nothing is left that would end it later.
    assert ann.page.evaluate("minutes.last") > first[0], "the second restart had its own"
    for page in (ann, bob):
        page.page.evaluate("minutes.pass(Infinity)")
    ann.page.wait_for_timeout(5500)  # So long a page waits for another to say who it is.
    still_talk(ann, bob)
    ann.check(ignoring_network=True)
    bob.check(ignoring_network=True)


def test_after_a_restart_a_call_goes_on_with_its_page_and_not_with_who_says_the_same_id(fragile):
    ann, bob, wire, restart, application = fragile
    wire.cut()
    restart()
    ann.hasten("client.state === 'open'")
    eve = impostor(application, "fragile", "id-bob", ann)
    said = [eve.receive() for _ in range(2)]  # Whether she has the link, and then an offer.
    assert [event.type for event in said] == ["link_check", "offer"]
    assert "link" not in said[0].data
    still_talk(ann, bob)
    wire.mend()
    bob.hasten("client.state === 'open'")
    ann.until(f"client.peerInfo['{bob.page.evaluate('client.connectionId')}']")
    still_talk(ann, bob)
    assert entries(ann)["bob"] == bob.page.evaluate("client.connectionId")
    links = json.dumps([event.data for event in said])
    eve.close()
    ann.until("Object.keys(client.peerInfo).length === 1")
    bob.until("Object.keys(client.peerInfo).length === 1")
    back_together(ann, bob)
    assert "id-bob" not in links
    ann.check(ignoring_network=True)
    bob.check(ignoring_network=True)


def test_in_classic_a_lost_socket_costs_no_call(browser, backend, server):
    with calls.Wire(server.url) as wire:
        room = f"room-{time.monotonic_ns()}"
        ann = calls.Caller(browser, backend, server.websocket_url, "ann", sessionId=room,
                           dialect="classic")
        bob = calls.Caller(browser, backend, wire.url, "bob", sessionId=room, dialect="classic")
        meet(ann, bob)
        wire.cut()
        bob.until("client.state === 'reconnecting'")
        wire.mend()
        bob.hasten("client.state === 'open'")
        ann.until_event("someone_joined", 2)
        ann.page.wait_for_timeout(500)
        for page in (ann, bob):
            assert page.page.evaluate("Object.keys(client.peerInfo).length") == 1
        still_talk(ann, bob)
        ann.page.wait_for_timeout(6000)
        still_talk(ann, bob)
        ann.close()
        bob.close()
