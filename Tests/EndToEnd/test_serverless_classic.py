"""Classic peers over the function (docs/protocol.md §2), among themselves and beside v1."""

import concurrent.futures
import json
import threading

import pytest

from support.serverless import Home
from support.websocket import Closed


@pytest.fixture(scope="module")
def home(token_service):
    one = Home(token_service, environments=6, function_seconds=25)
    yield one
    one.stop()


@pytest.fixture(scope="module")
def application(home):
    return home.application()


def test_two_peers_meet_and_talk(home, application):
    room = home.room()
    with home.classic(application) as ann, home.classic(application) as bob:
        ann.join(room, id="ann", name="Ann")
        assert ann.expect("first_to_join") == {"roomId": room}
        bob.join(room, id="bob", sdp=[1, {"two": 3}])
        joined = ann.expect("someone_joined")
        assert joined == {"connectionId": joined["connectionId"], "peerId": "bob",
                          "offererId": "bob", "name": None, "sdp": [1, {"two": 3}],
                          "ownId": "ann"}
        ann.send(joined["connectionId"], {"type": "offer", "offer": {"a": 1.50}})
        event = bob.receive()
        assert event.raw.endswith('"type": "offer", "offer": {"a": 1.5}}}')
        bob.send(event.data["connectionId"], {"hello": "there"})
        assert ann.expect("payload")["hello"] == "there"


def test_what_is_refused_is_silent_and_what_is_no_message_ends_it(home, application):
    room = home.room()
    with home.classic(application) as ann:
        ann.say('{"action":"dance"}')
        ann.say('{"action":"ping"}')
        ann.say('{"action":"join-room"}')
        ann.send("0" * 16, {"type": "offer"})
        ann.say('{"action":"send-payload","target":"0000000000000000",'
                '"payload":{"type":"someone_left"}}')
        home.rest()
        ann.join(room)
        ann.expect("first_to_join")
        ann.say("no JSON")
        with pytest.raises(Closed) as closed:
            ann.receive_text()
        assert closed.value.code == 1000


def test_both_dialects_meet_in_one_room(home, application):
    room = home.room()
    with home.classic(application) as old, home.v1(application) as new:
        old.join(room, id="old")
        old.expect("first_to_join")
        state = new.join(room, "New", id="new")
        assert [(one["peerId"], one["name"]) for one in state["members"]] == [("old", None)]
        assert old.expect("someone_joined")["peerId"] == "new"
        old.send(new.connection, {"type": "offer"})
        new.expect("offer")
        new.request({"action": "broadcast", "roomId": room, "payload": {"type": "all"}})
        old.expect("all")
        old.close()
        left = new.expect("someone_left")
        assert (left["peerId"], left["reason"]) == ("old", "closed")


def test_a_lost_classic_peer_leaves_at_once(home, application):
    room = home.room()
    with home.v1(application) as new:
        new.join(room)
        old = home.classic(application)
        old.join(room, id="old")
        new.expect("someone_joined")
        old.reset()
        assert new.expect("someone_left")["reason"] == "lost"


@pytest.mark.parametrize("round_", range(3))
def test_of_many_that_join_at_once_one_is_first_and_each_pair_is_told_once(
        home, application, round_):
    room, count = home.room(), 20
    token = application.token()
    with concurrent.futures.ThreadPoolExecutor(count) as pool:
        peers = list(pool.map(lambda _: home.classic(application, token), range(count)))
        start = threading.Barrier(count)

        def join(pair):
            start.wait()
            pair[1].join(room, id=f"peer-{pair[0]}")

        list(pool.map(join, enumerate(peers)))
        home.rest(60)
        told = list(pool.map(everything, peers))
    first = [number for number, events in enumerate(told)
             if any(event["type"] == "first_to_join" for event in events)]
    pairs = sorted(tuple(sorted((number, int(event["data"]["peerId"].split("-")[1]))))
                   for number, events in enumerate(told) for event in events
                   if event["type"] == "someone_joined")
    assert len(first) == 1
    assert pairs == [(one, other) for one in range(count) for other in range(one + 1, count)]
    for peer in peers:
        peer.drop()


def everything(peer):
    events = []
    try:
        while True:
            events.append(json.loads(peer.receive_text(0.5)))
    except TimeoutError:
        return events


def test_a_client_without_a_room_of_others_finds_no_ghosts(home, application):
    """Rooms of two clients are two rooms, whatever their names."""
    other = home.application()
    room = home.room()
    with home.classic(application) as ann, home.classic(other) as bob:
        ann.join(room)
        ann.expect("first_to_join")
        bob.join(room)
        bob.expect("first_to_join")
