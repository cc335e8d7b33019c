"""Taking over a session whose connection was lost (docs/protocol.md §3, "Resume")."""

import contextlib
import threading
import time

import pytest

from support import peers
from support.v1 import connect, connected, is_refused, meet, offer, resumed

pytestmark = pytest.mark.homes


def test_what_was_missed_comes_once_and_in_order_and_the_room_hears_nothing(application):
    with connected(application, 2) as (stays, goes):
        meet(stays, goes, "missed")
        goes.drop()
        for number in range(100):
            offer(stays, goes, number)
        again, replay = resumed(application, goes)
        with again:
            assert [event.data["number"] for event in replay] == list(range(100))
            assert again.room_states(1) == {"missed": {
                "roomId": "missed", "polite": True, "members": [
                    {"connectionId": stays.connection, "peerId": "older", "name": "Somebody",
                     "polite": True}]}}
            offer(stays, again, 100)
            assert again.expect("offer")["number"] == 100
            offer(again, stays, 101)
            (event,) = stays.up_to_pong()
            assert event.data == {
                "connectionId": goes.connection, "type": "offer", "number": 101}


def test_events_are_replayed_byte_for_byte(application):
    with connected(application, 2) as (stays, goes):
        meet(stays, goes, "bytes")
        goes.request({"action": "broadcast", "roomId": "bytes", "payload": {},
                      "ack": "an ack that is replayed"})
        goes.request({"action": "leave-room", "roomId": "none"})
        for number in range(10):
            offer(stays, goes, number)
            goes.expect("offer")
        goes.drop()
        again, replay = resumed(application, goes, seq=2)
        with again:
            assert [event.raw for event in replay] == [event.raw for event in goes.history[2:]]
            again.room_states(1)


def test_joins_and_leavings_are_replayed_in_their_order(application):
    with connected(application, 3) as (stays, goes, other):
        meet(stays, goes, "history")
        goes.drop()
        other.join("history", id="other")
        other.leave("history")
        other.join("history", id="other")
        offer(other, goes, 1)
        again, replay = resumed(application, goes)
        with again:
            assert [event.type for event in replay] == [
                "someone_joined", "someone_left", "someone_joined", "offer"]
            state = again.room_states(1)["history"]
            politeness = {member["peerId"]: member["polite"] for member in state["members"]}
            assert politeness == {"older": True, "other": False}
            assert state["polite"] is False


def test_every_room_has_its_state_after_the_replay(application):
    with connect(application) as goes:
        for number in range(5):
            goes.join(f"many-{number}", id="a")
        seq = goes.seq
        goes.drop()
        again, replay = resumed(application, goes)
        with again:
            assert replay == []
            states = again.room_states(5)
            assert sorted(states) == [f"many-{number}" for number in range(5)]
            assert again.seq == seq + 5


def test_an_answer_that_was_lost_on_the_way_is_replayed(application):
    with connected(application, 2) as (stays, goes):
        meet(stays, goes, "answers")
        goes.broadcast("answers", {"type": "chat"}, ack="lost")
        stays.expect("chat")
        goes.drop()
        again, replay = resumed(application, goes)
        with again:
            assert [event.data for event in replay] == [{"ack": "lost"}]


def test_a_session_may_be_resumed_again_and_again(application):
    with connected(application, 2) as (stays, goes):
        meet(stays, goes, "often")
        for number in range(10):
            goes.drop()
            offer(stays, goes, number)
            goes, replay = resumed(application, goes)
            assert [event.data["number"] for event in replay] == [number]
            goes.room_states(1)
        assert stays.up_to_pong() == []
        goes.drop()


def test_a_secret_is_good_for_one_resume(application):
    with connected(application, 2) as (stays, goes):
        meet(stays, goes, "once")
        goes.drop()
        again, _ = resumed(application, goes)
        with again:
            again.room_states(1)
            assert is_refused(application, goes)
            offer(stays, again, 1)
            assert again.expect("offer")["number"] == 1
            assert stays.up_to_pong() == []


def test_the_secret_of_the_second_connections_welcome_is_void(application):
    with connect(application) as goes:
        goes.join("void", id="a")
        goes.drop()
        with connect(application) as again:
            void = again.session
            again.resume(goes)
            again.drop()
            again.session = void
            assert is_refused(application, again, seq=0)


@pytest.mark.parametrize("whose", [{"subject": "bob"}, {}], ids=["another sub", "no sub"])
def test_a_session_is_its_subjects_alone(application, whose):
    with connect(application, application.token(subject="ann")) as goes:
        goes.join("subjects", id="ann")
        goes.drop()
        assert is_refused(application, goes, application.token(**whose))


def test_a_session_is_its_clients_alone(home, application):
    stranger = home.application("Stranger")
    with connect(application, application.token(subject="ann")) as goes:
        goes.join("clients", id="ann")
        goes.drop()
        assert is_refused(stranger, goes, stranger.token(subject="ann"))


@pytest.mark.parametrize("secret", ["x", "A" * 22, "é" * 20, "x" * 256])
def test_an_unknown_secret_is_refused_like_any_other(application, secret):
    with connect(application) as peer:
        assert peer.refused({"action": "resume", "session": secret, "seq": 0}) == "resume_failed"
        assert peer.join(f"unknown-{peer.connection}")["first"]


def test_a_resume_is_a_first_message_or_none(application):
    with connect(application) as goes:
        goes.join("late", id="a")
        goes.drop()
        with connect(application) as late:
            late.up_to_pong()
            assert late.refused({"action": "resume", "session": goes.session, "seq": goes.seq}) == (
                "bad_request")
        again, _ = resumed(application, goes)
        again.drop()


@pytest.mark.needs("unprompted closes")
def test_a_session_that_is_revoked_meanwhile_is_gone(home):
    application = home.application("Revoked meanwhile")
    token = application.token(subject="ann")
    with connect(application) as stays, connect(application, token) as goes:
        meet(stays, goes)
        goes.drop()
        home.revoke(application, "ann")
        assert stays.expect("someone_left")["reason"] == "kicked"


def test_an_old_socket_that_is_still_open_is_closed_with_4509(application):
    with connected(application, 2) as (stays, old):
        meet(stays, old, "half-open")
        offer(stays, old, 1)
        again, replay = resumed(application, old)
        with again:
            assert [event.data["number"] for event in replay] == [1]
            again.room_states(1)
            code, events = old.end()
            assert code == 4509
            assert [event.data["number"] for event in events] == [1]
            offer(stays, again, 2)
            assert again.expect("offer")["number"] == 2
            assert stays.up_to_pong() == []


def test_messages_of_the_old_socket_count_for_nothing_after_the_takeover(application):
    with connected(application, 2) as (stays, old):
        meet(stays, old, "overtaken")
        again, _ = resumed(application, old)
        with again:
            again.room_states(1)
            with contextlib.suppress(OSError):  # It is closed sooner or later.
                old.broadcast("overtaken", {"type": "late"})
                old.say({"action": "leave-room", "roomId": "overtaken"})
            assert stays.up_to_pong() == []
            assert again.up_to_pong() == []


def test_a_page_that_reloads_closes_with_1001_and_resumes(application):
    with connected(application, 2) as (stays, goes):
        meet(stays, goes, "reload")
        goes.close(1001)
        offer(stays, goes, 1)
        again, replay = resumed(application, goes)
        with again:
            assert [event.data["number"] for event in replay] == [1]
            again.room_states(1)
            assert stays.up_to_pong() == []


def test_whoever_closes_for_good_cannot_resume(application):
    with connected(application, 2) as (stays, goes):
        meet(stays, goes, "for good")
        goes.close(1000)
        assert stays.expect("someone_left")["reason"] == "closed"
        assert is_refused(application, goes)


def test_rooms_that_the_new_token_does_not_grant_are_left(application):
    with connected(application, 2) as (stays, goes):
        for room in ("granted", "withdrawn"):
            stays.join(room, id="stays")
            goes.join(room, id="goes")
            stays.expect("someone_joined")
        goes.drop()
        again, replay = resumed(application, goes, application.token(rooms="granted"))
        with again:
            assert replay == []
            assert list(again.room_states(1)) == ["granted"]
            assert stays.expect("someone_left") == {
                "roomId": "withdrawn", "connectionId": goes.connection, "peerId": "goes",
                "reason": "left"}
            assert again.up_to_pong() == []


@pytest.mark.needs("an order of classic")
def test_with_classic_peers_in_the_room_nothing_is_lost_either(application):
    with connect(application) as goes, peers.connect(application) as old:
        old.join("dialects", id="old")
        old.expect("first_to_join")
        goes.join("dialects", id="goes")
        old.expect("someone_joined")
        goes.drop()
        for number in range(20):
            old.send(goes.connection, {"type": "offer", "number": number})
        old.settle()
        again, replay = resumed(application, goes)
        with again:
            assert [event.data["number"] for event in replay] == list(range(20))
            (member,) = again.room_states(1)["dialects"]["members"]
            again.send(member["connectionId"], {"type": "answer"})
            assert old.expect("answer")["connectionId"] == goes.connection


# Under load


@pytest.mark.needs("several in flight")
def test_nothing_is_lost_doubled_or_reordered_while_connections_break(start_home):
    """One sends without a pause; the other's connection breaks again and again."""
    application = start_home(
        "--max-connections-per-address", "0", "--messages-per-second", "0",
        "--resume-events", "0", "--resume-bytes", "0").application()
    count, numbers = 10_000, []
    with connect(application) as sender:
        goes = connect(application)
        meet(sender, goes, "load")

        def send(target=goes.connection):
            for number in range(count):
                sender.send(target, {"type": "offer", "number": number}, ack=number)
                if number % 10 == 9:
                    time.sleep(0.005)

        thread = threading.Thread(target=send)
        thread.start()
        breaks = 0
        while len(numbers) < count:
            for _ in range(min(100, count - len(numbers))):
                numbers.append(goes.expect("offer")["number"])
            (goes.drop, goes.reset, lambda: None)[breaks % 3]()
            goes, replay = resumed(application, goes)
            numbers += [event.data["number"] for event in replay]
            # What is sent just now may come before the list of the room's members.
            while (event := goes.receive()).type != "room_state":
                numbers.append(event.data["number"])
            breaks += 1
        thread.join()
        assert breaks > 10
        assert numbers == list(range(count))
        assert [sender.expect("ack")["ack"] for _ in range(count)] == list(range(count))
        goes.drop()
