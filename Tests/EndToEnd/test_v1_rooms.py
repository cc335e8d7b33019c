"""Who is in a room, in both dialects, and whose place is taken (docs/protocol.md §2, §3)."""

import pytest

from support import peers
from support.v1 import connect, connected, is_refused
from support.websocket import Closed

pytestmark = pytest.mark.homes


def left(peer, room="mixed"):
    data = peer.expect("someone_left")
    assert data["roomId"] == room
    return data["peerId"], data["reason"]


# Classic and v1 in one room


def test_peers_of_both_dialects_meet_and_each_hears_its_own(application):
    with connect(application) as new, peers.connect(application) as old:
        old.join("mixed", id="old", name=None)
        assert old.expect("first_to_join") == {"roomId": "mixed"}
        state = new.join("mixed", name="New", id="new")
        (member,) = state["members"]
        assert (member["peerId"], member["name"], member["polite"]) == ("old", None, True)
        data = old.expect("someone_joined")
        assert (data["peerId"], data["connectionId"]) == ("new", new.connection)
        old.send(new.connection, {"type": "offer", "n": 1})
        assert new.expect("offer") == {
            "connectionId": member["connectionId"], "type": "offer", "n": 1}
        new.request({"action": "send-payload", "target": member["connectionId"],
                     "payload": {"type": "answer", "n": 2}})
        assert old.expect("answer") == {"connectionId": new.connection, "type": "answer", "n": 2}
        new.broadcast("mixed", {"type": "chat"})
        assert old.expect("chat") == {"connectionId": new.connection, "type": "chat"}
        new.leave("mixed")
        old.settle()


@pytest.mark.parametrize(("how", "reason"), [("close", "closed"), ("drop", "lost"),
                                             ("reset", "lost")])
def test_a_classic_peer_that_ends_leaves_at_once(application, how, reason):
    with connect(application) as new:
        old = peers.connect(application)
        new.join("mixed", id="new")
        old.join("mixed", id="old")
        new.expect("someone_joined")
        getattr(old, how)()
        assert left(new) == ("old", reason)


def test_events_of_v1_are_unknown_to_classic(application):
    with peers.connect(application) as old, connected(application, 2) as (one, two):
        old.join("mixed", id="old")
        old.expect("first_to_join")
        one.join("mixed", id="one")
        two.join("mixed", id="two")
        one.close()
        two.leave("mixed")
        two.join("mixed", id="two")
        assert [old.expect("someone_joined")["peerId"] for _ in range(3)] == ["one", "two", "two"]
        old.say('{"action":"leave-room","roomId":"mixed"}')
        old.say('{"action":"ping","ack":1}')
        old.settle()
        with pytest.raises(TimeoutError):
            old.receive_text(within=0.3)


def test_whoever_closes_with_1000_is_gone_at_once(application):
    with connected(application, 2) as (stays, goes):
        stays.join("mixed", id="stays")
        goes.join("mixed", id="goes")
        stays.expect("someone_joined")
        goes.close(1000)
        assert left(stays) == ("goes", "closed")


# The same peer id twice


def test_the_newer_of_one_person_takes_the_olders_place(application):
    token, other = application.token(subject="ann"), application.token(subject="bob")
    with connect(application, token) as older, connect(application, other) as witness:
        older.join("desk", id="ann")
        older.join("hall", id="ann")
        witness.join("desk", id="bob")
        witness.join("hall", id="bob")
        with connect(application, application.token(subject="ann")) as newer:
            state = newer.join("desk", id="ann")
            assert [member["peerId"] for member in state["members"]] == ["bob"]
            assert older.end()[0] == 4509
            heard = [witness.receive() for _ in range(3)]
            desk = [event for event in heard if event.data.get("roomId") != "hall"]
            assert [event.type for event in desk] == ["someone_left", "someone_joined"]
            assert desk[0].data == {"roomId": "desk", "connectionId": older.connection,
                                    "peerId": "ann", "reason": "replaced"}
            assert desk[1].data["connectionId"] == newer.connection
            (hall,) = [event for event in heard if event.data.get("roomId") == "hall"]
            assert (hall.data["connectionId"], hall.data["reason"]) == (
                older.connection, "replaced")


def test_the_replaced_session_cannot_be_resumed(application):
    token = application.token(subject="ann")
    with connect(application, token) as older, connect(application, token) as newer:
        older.join("replaced", id="ann")
        newer.join("replaced", id="ann")
        assert older.end()[0] == 4509
        assert is_refused(application, older, token)
        assert newer.up_to_pong() == []


@pytest.mark.parametrize(("one", "other"), [
    ({"subject": "ann"}, {"subject": "bob"}), ({}, {}), ({"subject": "ann"}, {}),
], ids=["two people", "nobody", "somebody and nobody"])
def test_a_guessed_id_throws_nobody_out(application, one, other):
    with connect(application, application.token(**one)) as owner, \
            connect(application, application.token(**other)) as guesser:
        owner.join("guessed", id="ann")
        assert guesser.refused({
            "action": "join-room", "roomId": "guessed", "name": "n", "id": "ann"}) == (
                "peer_id_taken")
        assert owner.up_to_pong() == []
        guesser.join("guessed", id="bob")
        assert owner.expect("someone_joined")["peerId"] == "bob"


def test_with_a_classic_peer_both_stay(application):
    token = application.token(subject="ann")
    with connect(application, token) as new, peers.connect(application, token) as old:
        old.join("twins", id="ann")
        old.expect("first_to_join")
        new.join("twins", id="ann")
        assert old.expect("someone_joined")["peerId"] == "ann"
        with peers.connect(application, token) as third:
            third.join("twins", id="ann")
            assert new.expect("someone_joined")["peerId"] == "ann"
            assert old.expect("someone_joined")["peerId"] == "ann"
        assert left(new, "twins") == ("ann", "lost")


@pytest.mark.needs("its own pings")
def test_a_classic_peer_that_is_dead_is_found_out_by_its_id(application):
    with connect(application) as new, peers.connect(application) as old:
        old.answers_pings = False
        old.join("ghosts", id="ann")
        old.expect("first_to_join")
        new.join("ghosts", id="ann")
        old.expect("someone_joined")
        assert left(new, "ghosts") == ("ann", "lost")
        with pytest.raises(Closed) as closed:
            old.receive()
        assert closed.value.code == 4408


# Being thrown out


def test_a_revoked_token_throws_out_and_the_room_learns_why(home):
    application = home.application("Kicks")
    token = application.token(subject="ann")
    with connect(application, token) as gone, connect(application) as stays:
        gone.join("mixed", id="ann")
        stays.join("mixed", id="bob")
        gone.expect("someone_joined")
        home.revoke(application, "ann")
        home.prompt(gone)
        assert gone.end()[0] == 4501
        assert left(stays) == ("ann", "kicked")
        assert is_refused(application, gone)


def test_a_disabled_client_has_no_rooms_left(home):
    application = home.application("Disabled")
    with connected(application, 2) as both:
        for number, peer in enumerate(both):
            peer.join("mixed", id=f"peer-{number}")
        home.disable(application)
        for peer in both:
            home.prompt(peer)
        assert [peer.end()[0] for peer in both] == [4501, 4501]


@pytest.mark.needs("operator")
@pytest.mark.parametrize("is_away", [False, True], ids=["connected", "away"])
def test_an_operator_throws_a_peer_out_for_good(home, is_away):
    application = home.application("Kicked by an operator")
    with connected(application, 2) as (gone, stays):
        gone.join("mixed", id="ann")
        stays.join("mixed", id="bob")
        gone.expect("someone_joined")
        if is_away:
            gone.drop()
        home.usher.succeed("peer", "kick", gone.connection)
        if not is_away:
            assert gone.end() == (4501, [])
        assert left(stays) == ("ann", "kicked")
        assert is_refused(application, gone)
