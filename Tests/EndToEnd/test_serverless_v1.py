"""v1 over the function: what docs/protocol.md §3 promises, with what may go wrong in between."""

import concurrent.futures
import json
import os
import threading
import time

import pytest

from support.forging import Forger, decode
from support.serverless import Home
from support.v1 import Refusal


@pytest.fixture(scope="module")
def home(token_service):
    # More time than in the cloud, where nobody shares two processors with the table.
    one = Home(token_service, environments=6, function_seconds=25)
    yield one
    one.stop()


@pytest.fixture(scope="module")
def application(home):
    return home.application()


def payload(number):
    return {"type": "offer", "number": number}


def test_two_peers_meet_talk_and_part(home, application):
    room = home.room()
    with home.v1(application) as ann, home.v1(application) as bob:
        assert ann.join(room, "Ann", id="ann")["first"]
        state = bob.join(room, "Bob", id="bob", sdp={"hello": [1]})
        assert [member["peerId"] for member in state["members"]] == ["ann"]
        assert state["polite"]
        joined = ann.expect("someone_joined")
        assert (joined["peerId"], joined["name"], joined["ownId"]) == ("bob", "Bob", "ann")
        assert joined["sdp"] == {"hello": [1]}
        ann.request({"action": "send-payload", "target": bob.connection, "payload": payload(1)})
        assert bob.expect("offer")["number"] == 1
        bob.request({"action": "broadcast", "roomId": room, "payload": payload(2)})
        got = ann.expect("offer")
        assert (got["connectionId"], got["number"]) == (bob.connection, 2)
        bob.leave(room)
        assert ann.expect("someone_left") == {
            "roomId": room, "connectionId": bob.connection, "peerId": "bob", "reason": "left"}
        bob.finish()
        assert ann.up_to_pong() == []


def test_refusals_have_the_protocols_codes(home, application):
    token = Forger(application).with_claims(rooms=["open"])
    with home.v1(application, token) as peer:
        join = {"action": "join-room", "roomId": "closed", "name": "A"}
        assert peer.refused(join) == "room_forbidden"
        assert peer.refused({"action": "dance"}, False) == "unknown_action"
        assert peer.refused({"action": "join-room", "roomId": "open"}, False) == "bad_request"
        send = {"action": "send-payload", "target": "0" * 16, "payload": payload(1)}
        assert peer.refused(send) == "unknown_target"
        assert peer.refused(
            {"action": "broadcast", "roomId": "open", "payload": payload(1)}) == "unknown_target"
        assert peer.refused(
            {"action": "resume", "session": peer.session, "seq": 0}) == "bad_request"
        peer.request({"action": "leave-room", "roomId": "open"})


def test_whoever_closes_for_good_has_closed(home, application):
    room = home.room()
    with home.v1(application) as ann:
        ann.join(room)
        bob = home.v1(application)
        bob.join(room, id="bob")
        ann.expect("someone_joined")
        bob.finish()
        left = ann.expect("someone_left")
        assert (left["peerId"], left["reason"]) == ("bob", "closed")


def test_a_lost_session_is_resumed_with_what_it_missed(home, application):
    room = home.room()
    with home.v1(application) as ann:
        ann.join(room)
        bob = home.v1(application)
        bob.join(room, id="bob")
        ann.expect("someone_joined")
        bob.reset()
        for number in range(3):
            ann.request(
                {"action": "send-payload", "target": bob.connection, "payload": payload(number)})
        again, missed = home.resumed(application, bob)
        with again:
            assert [event.data["number"] for event in missed] == [0, 1, 2]
            states = again.room_states(1)
            assert [one["connectionId"] for one in states[room]["members"]] == [ann.connection]
            again.request(
                {"action": "send-payload", "target": ann.connection, "payload": payload(9)})
            assert ann.expect("offer")["number"] == 9
            assert ann.up_to_pong() == []


def test_a_session_that_is_still_open_can_be_taken_over(home, application):
    room = home.room()
    ann = home.v1(application)
    ann.join(room)
    again, _ = home.resumed(application, ann)
    with again:
        again.room_states(1)
        assert ann.end() == (4509, [])
        home.rest()
        with home.v1(application) as bob:
            assert len(bob.join(room)["members"]) == 1
            again.expect("someone_joined")


def test_a_resume_in_vain_is_refused_and_the_connection_good(home, application):
    with home.v1(application) as ann, home.v1(application) as bob:
        for session in ("x", ann.session[::-1], bob.session[:16] + ann.session[16:]):
            with home.v1(application) as peer:
                assert peer.refused(
                    {"action": "resume", "session": session, "seq": 0}) == "resume_failed"
                peer.join(home.room())


def test_of_two_resumes_at_once_one_is_done(home, application):
    room = home.room()
    with home.v1(application) as witness:
        witness.join(room)
        for _ in range(5):
            lost = home.v1(application)
            lost.join(room)
            witness.expect("someone_joined")
            lost.reset()
            rivals = [home.v1(application) for _ in range(2)]
            with concurrent.futures.ThreadPoolExecutor(2) as pool:
                outcomes = list(pool.map(lambda one: attempt(one, lost), rivals))
            assert sorted(outcomes) == [False, True]
            for one in rivals:
                one.finish()
            assert witness.expect("someone_left")["reason"] == "closed"


def attempt(peer, lost):
    peer.ask_to_resume(lost.session, lost.seq)
    event = peer.receive()
    if event.type == "resumed":
        peer.seq = event.data["seq"]
        peer.room_states(1)
        return True
    assert event.type == "error" and event.data["code"] == "resume_failed"
    return False


def test_whoever_does_not_come_back_is_lost(token_service):
    home = Home(token_service, {"USHER_RESUME_GRACE_SECONDS": "1"})
    try:
        application = home.application()
        room = home.room()
        with home.v1(application) as ann:
            ann.join(room)
            bob = home.v1(application)
            bob.join(room, id="bob")
            ann.expect("someone_joined")
            bob.reset()
            left = ann.expect("someone_left")
            assert (left["peerId"], left["reason"]) == ("bob", "lost")
    finally:
        home.stop()


def test_without_a_queue_the_next_event_finds_who_is_lost(token_service):
    home = Home(token_service, {"USHER_RESUME_GRACE_SECONDS": "1"}, has_timers=False)
    try:
        application = home.application()
        room = home.room()
        with home.v1(application) as ann, home.v1(application) as cem:
            ann.join(room)
            bob = home.v1(application)
            bob.join(room, id="bob")
            ann.expect("someone_joined")
            bob.reset()
            home.rest()
            time.sleep(2.2)
            state = cem.join(room)
            assert [one["connectionId"] for one in state["members"]] == [ann.connection]
            assert ann.expect("someone_left")["reason"] == "lost"
            ann.expect("someone_joined")
    finally:
        home.stop()


def test_a_newer_connection_of_the_same_peer_takes_its_place(home, application):
    room = home.room()
    token = application.token(subject="ann")
    with home.v1(application) as witness:
        witness.join(room)
        older = home.v1(application, token)
        older.join(room, id="ann")
        witness.expect("someone_joined")
        with home.v1(application, token) as newer, home.v1(application) as other:
            newer.join(room, id="ann")
            assert witness.expect("someone_left")["reason"] == "replaced"
            witness.expect("someone_joined")
            assert older.end() == (4509, [])
            join = {"action": "join-room", "roomId": room, "name": "A", "id": "ann"}
            assert other.refused(join) == "peer_id_taken"


def test_a_token_ends_and_is_renewed(home, application):
    forger = Forger(application)
    now = int(time.time())
    short = forger.with_claims(iat=now, exp=now + 6)
    with home.v1(application, short) as peer:
        told = peer.expect("token_expiring")
        assert told == {"expiresAt": now + 6}
        peer.request({"action": "refresh-token", "token": forger.with_claims()})
        time.sleep(max(0, now + 7 - time.time()))
        assert peer.up_to_pong() == []
        other = home.application().token()
        assert peer.refused({"action": "refresh-token", "token": other}) == "invalid_token"


def test_whose_token_has_ended_is_closed_and_may_resume(home, application):
    room = home.room()
    forger = Forger(application)
    now = int(time.time())
    peer = home.v1(application, forger.with_claims(iat=now, exp=now + 3))
    peer.join(room)
    peer.expect("token_expiring")
    assert peer.end() == (4401, [])
    home.rest()
    again, _ = home.resumed(application, peer, forger.genuine)
    with again:
        again.room_states(1)


def test_of_many_that_join_at_once_one_is_first_and_each_pair_is_told_once(home, application):
    """The table here does one thing at a time, so fifty take longer than a run has, and the last
    of them longer than the gateway would wait."""
    # The function isn't told of those who are gone after a round, which is about their joining.
    home.set(integration_seconds=600.0, lose_disconnects=1.0)
    count = int(os.environ.get("USHER_TEST_JOINERS") or 20)
    with concurrent.futures.ThreadPoolExecutor(count) as pool:
        for _ in range(int(os.environ.get("USHER_TEST_JOIN_ROUNDS") or 3)):
            token = application.token()
            peers = list(pool.map(
                lambda _, token=token: home.v1(application, token, may_repeat=True), range(count)))
            join_at_once(home, pool, peers)
            for peer in peers:
                peer.drop()
            home.rest(100)
    home.set(integration_seconds=29.0, lose_disconnects=0.0)


def join_at_once(home, pool, peers):
    room, count = home.room(), len(peers)
    start = threading.Barrier(count)

    def join(peer):
        start.wait()
        peer.say({"action": "join-room", "roomId": room, "name": "N", "ack": room})
        while (event := peer.receive(within=300)).type != "ack":
            assert event.type != "error", event
        assert event.data["ack"] == room

    list(pool.map(join, peers))
    home.rest(300)
    list(pool.map(lambda peer: peer.up_to_pong(), peers))
    heard = {peer.connection: peer.history for peer in peers}
    assert sum(event.type == "first_to_join" for one in heard.values() for event in one) == 1
    pairs = [tuple(sorted((own, other))) for own, events in heard.items()
             for event in events for other in others(event)]
    known = sorted(heard)
    # Each pair is told of once in a state, to the newer, and once in an event, to the older.
    expected = [(known[one], known[other]) for one in range(count) for other in range(one)]
    assert sorted(pairs) == sorted(tuple(sorted(pair)) for pair in expected * 2)


def others(event):
    if event.type == "room_state":
        return [member["connectionId"] for member in event.data["members"]]
    return [event.data["connectionId"]] if event.type == "someone_joined" else []


def test_what_twelve_say_to_one_comes_in_each_ones_order(home, application):
    room = home.room()
    count = 10
    with home.v1(application, may_repeat=True) as reader:
        reader.join(room)
        with concurrent.futures.ThreadPoolExecutor(12) as pool:
            writers = list(pool.map(lambda _: home.v1(application, may_repeat=True), range(12)))

            def write(writer):
                writer.join(room)
                for number in range(count):
                    writer.request({"action": "send-payload", "target": reader.connection,
                                    "payload": payload(number)})

            list(pool.map(write, writers))
        said = {}
        while sum(map(len, said.values())) < 12 * count:
            event = reader.receive()
            if event.type == "offer":
                said.setdefault(event.data["connectionId"], []).append(event.data["number"])
        assert set(said) == {writer.connection for writer in writers}
        assert all(numbers == list(range(count)) for numbers in said.values())
        for writer in writers:
            writer.drop()
    home.rest(100)


def test_a_revoked_token_is_good_for_nothing_more(home, application):
    forger = Forger(application)
    token = forger.with_claims()
    with home.v1(application, token) as peer:
        peer.join(home.room())
        claims = json.loads(decode(token.split(".")[1]))
        home.client("dynamodb").put_item(TableName="usher", Item={
            "pk": {"S": f"J#{claims['jti']}"}, "sk": {"S": "-"}, "revoked": {"BOOL": True},
            "ttl": {"N": str(claims["exp"] + 60)}})
        time.sleep(1.2)
        peer.say({"action": "ping"})
        assert peer.end() == (4501, [])
    assert home.status(token) == 401


def test_a_join_again_changes_nothing(home, application):
    room = home.room()
    with home.v1(application) as ann, home.v1(application) as bob:
        ann.join(room)
        bob.join(room)
        ann.expect("someone_joined")
        assert bob.request({"action": "join-room", "roomId": room, "name": "B"}) == []
        assert ann.up_to_pong() == []


def test_rooms_of_a_connection_have_a_limit(home, application):
    with home.v1(application) as peer:
        for _ in range(16):
            peer.join(home.room())
        join = {"action": "join-room", "roomId": home.room(), "name": "A"}
        with pytest.raises(Refusal, match="too_many_rooms"):
            peer.request(join)
