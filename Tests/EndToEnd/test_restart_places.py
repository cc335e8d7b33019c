"""Places that a restart has kept: who may take them, and how they end (docs/protocol.md §3)."""

import time

import pytest

from support import http, v1
from support.prometheus import parse
from support.restart import Relay, lefts
from support.v1 import offer
from support.waiting import eventually

pytestmark = pytest.mark.one_process("starts again on the same address")

GRACE_SECONDS = 4


@pytest.fixture
def relay(start):
    return Relay(start)


def restarted(relay, *people, room="room", between=None):
    """Has people join, by id and subject, and restarts; returns them, gone away."""
    gone = [relay.connect(subject) for _, subject in people]
    for peer, (peer_id, _) in zip(gone, people):
        peer.join(room, id=peer_id)
    for told in relay.stop(*gone):
        assert {event.type for event in told} <= {"someone_joined"}
    if between:
        between()
    relay.start()
    return gone


def back(relay, lost, subject, rooms=1):
    """Who has resumed and heard its room's state, and what was replayed."""
    peer, replay = relay.resumed(lost, subject)
    return peer, replay, peer.room_states(rooms)


def test_who_does_not_come_back_is_lost_after_the_whole_time(start):
    relay = Relay(start, "--resume-grace-seconds", GRACE_SECONDS)
    ada, grace = restarted(
        relay, ("ada", "ada"), ("grace", "grace"), between=lambda: time.sleep(GRACE_SECONDS + 1))
    began = time.monotonic()
    again, replay, _ = back(relay, ada, "ada")
    assert replay == []
    assert lefts([again.receive(within=GRACE_SECONDS + 5)]) == [("grace", "lost")]
    # The relay counts whole seconds, and began a moment before.
    assert GRACE_SECONDS - 2 < time.monotonic() - began < GRACE_SECONDS + 4
    assert not relay.comes_back(grace, "grace")
    with relay.connect("grace") as anew:
        assert [one["peerId"] for one in anew.join("room", id="grace")["members"]] == ["ada"]


def test_no_time_runs_out_while_a_stop_waits_for_who_reads_slowly(start):
    relay = Relay(start, "--resume-grace-seconds", "2", "--drain-seconds", "6")
    people = [relay.connect(name) for name in ("slow", "ada", "grace")]
    for number, peer in enumerate(people):
        peer.join("room", id=f"id-{number}")
    began = time.monotonic()
    relay.stop(*people[1:])  # The third does not answer the close.
    assert time.monotonic() - began > 4
    relay.start()
    assert [relay.comes_back(peer, name)
            for peer, name in zip(people[1:], ("ada", "grace"))] == [True, True]


def test_without_a_time_to_come_back_in_nothing_is_kept(start):
    relay = Relay(start, "--resume-grace-seconds", "0")
    ada = relay.connect("ada")
    ada.join("room", id="ada")
    relay.stop(ada)
    assert relay.names() == []
    relay.start()
    assert not relay.comes_back(ada, "ada")
    assert relay.first("room")


def test_a_shelf_is_dropped_by_a_process_that_keeps_nothing(start):
    relay = Relay(start)
    ada = relay.connect("ada")
    ada.join("room", id="ada")
    relay.stop(ada)
    relay.start("--resume-grace-seconds", "0")
    assert relay.names() == []
    assert relay.first("room")
    relay.stop()
    relay.start("--resume-grace-seconds", "30")
    assert not relay.comes_back(ada, "ada")


@pytest.mark.parametrize("subject", ["grace", None])
def test_a_joiner_with_the_same_id_and_subject_takes_a_place_that_nobody_has_resumed(
        relay, subject):
    """So do clients that forget their session at 1012."""
    ada, grace = restarted(relay, ("ada", "ada"), ("grace", subject))
    again, _, states = back(relay, ada, "ada")
    assert [one["peerId"] for one in states["room"]["members"]] == ["grace"]
    with relay.connect(subject) as anew:
        assert [one["peerId"] for one in anew.join("room", id="grace")["members"]] == ["ada"]
        left, joined = again.receive(), again.receive()
        assert lefts([left]) == [("grace", "replaced")]
        assert left.data["connectionId"] == grace.connection
        assert (joined.type, joined.data["connectionId"]) == ("someone_joined", anew.connection)
        assert not relay.comes_back(grace, subject)
        offer(again, anew, 1)
        assert anew.up_to_pong()[-1].type == "offer"


@pytest.mark.parametrize(("kept", "joins"), [("grace", "eve"), (None, "eve"), ("grace", None)])
def test_nobody_else_takes_it(relay, kept, joins):
    (grace,) = restarted(relay, ("grace", kept))
    with relay.connect(joins) as other:
        assert other.refused({"action": "join-room", "roomId": "room", "name": "Eve",
                              "id": "grace"}) == "peer_id_taken"
        # In another room the id is free.
        assert other.join("elsewhere", id="grace")["first"]
    assert relay.comes_back(grace, kept)


def test_after_one_resume_the_ordinary_rule_holds_again(relay):
    ada, grace = restarted(relay, ("ada", None), ("grace", "grace"))
    nameless, _, _ = back(relay, ada, None)
    person, _, _ = back(relay, grace, "grace")
    with relay.connect() as other:
        assert other.refused({"action": "join-room", "roomId": "room", "name": "Ada",
                              "id": "ada"}) == "peer_id_taken"
    person.drop()  # Away once more, but it has been resumed.
    with relay.connect("grace") as newer:
        newer.join("room", id="grace")
        assert [event.type for event in nameless.up_to_pong()] == [
            "someone_left", "someone_joined"]
    nameless.drop()
    with relay.connect() as other:
        assert other.refused({"action": "join-room", "roomId": "room", "name": "Ada",
                              "id": "ada"}) == "peer_id_taken"


def test_a_session_that_was_resumed_once_is_unclaimed_after_the_next_restart(relay):
    (ada,) = restarted(relay, ("ada", None))
    again, _, _ = back(relay, ada, None)
    relay.restart(again)
    with relay.connect() as anew:
        assert anew.join("room", id="ada")["members"] == []


def test_a_token_that_was_revoked_meanwhile_has_its_holder_out_before_anybody_is_in(relay):
    bad = relay.token("grace")
    ada, grace = relay.connect("ada"), v1.connect(relay.application, bad)
    ada.join("room", id="ada")
    grace.join("room", id="grace")
    relay.stop(ada, grace)
    relay.server.usher.succeed("token", "revoke", stdin=bad)
    relay.start()
    with relay.connect("new") as newcomer:
        assert [one["peerId"] for one in newcomer.join("room", id="new")["members"]] == ["ada"]
        again, replay, _ = back(relay, ada, "ada")
        assert [(event.type, event.data["peerId"], event.data.get("reason"))
                for event in replay] == [
            ("someone_left", "grace", "kicked"), ("someone_joined", "new", None)]
        assert not relay.comes_back(grace, "grace")
        again.finish()


@pytest.mark.parametrize("how", ["disable", "remove"])
def test_a_client_that_was_disabled_or_removed_meanwhile_has_no_rooms_left(relay, how):
    other = relay.server.application("Other")
    stays = v1.connect(other, other.token(subject="stays"))
    stays.join("room", id="stays")
    usher, client = relay.server.usher, relay.application.id
    ada = relay.connect("ada")
    ada.join("room", id="ada")
    relay.stop(ada, stays)
    usher.succeed("client", how, client)
    relay.start()
    other.server = relay.server
    figures = parse(http.get(relay.server.operator, "/metrics").body.decode())
    assert figures["usher_rooms"].total() == 1
    assert figures["usher_sessions_away"].total() == 1
    again, replay = v1.resumed(other, stays, other.token(subject="stays"))
    assert replay == []
    again.room_states(1)
    if how == "disable":
        usher.succeed("client", "enable", client)
        eventually(lambda: relay.application.ask().status == 200, "the client's return")
        assert not relay.comes_back(ada, "ada")
        assert relay.first("room")


def test_rooms_of_a_token_go_on_to_be_those_of_the_token_that_resumes(relay):
    (ada,) = restarted(relay, ("ada", "ada"), room="granted")
    token = relay.application.token(subject="ada", rooms="other")
    again, replay = v1.resumed(relay.application, ada, token)
    assert replay == []
    assert again.up_to_pong() == []
    assert relay.first("granted")


def test_places_that_are_kept_count_as_connections(start):
    relay = Relay(start, "--max-connections-per-subject", "2")
    first, second = restarted(relay, ("one", "ada"), ("two", "ada"))
    figures = parse(http.get(relay.server.operator, "/metrics").body.decode())
    assert figures["usher_sessions_away"].total() == 2
    back(relay, first, "ada")
    # A third one of hers needs a place: the oldest that is away gives it.
    third = relay.connect("ada")
    third.join("room", id="three")
    assert not relay.comes_back(second, "ada")
