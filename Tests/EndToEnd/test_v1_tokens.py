"""A token that is replaced while the connection stays, or that is not (docs/protocol.md §3)."""

import time

import pytest

from support.forging import Forger
from support.peers import attempt, query
from support.v1 import connect, connected, resumed
from support.waiting import eventually

pytestmark = pytest.mark.homes


def refresh(peer, token):
    return peer.request({"action": "refresh-token", "token": token})


def refused(peer, token):
    return peer.refused({"action": "refresh-token", "token": token})


def test_a_token_that_runs_out_is_announced_and_closes_with_4401(application):
    token = application.token(expires_in="3")
    with connect(application, token) as peer, connect(application) as stays:
        peer.join("expiring", id="a")
        stays.join("expiring", id="b")
        peer.expect("someone_joined")
        began = time.time()
        expires = peer.welcome["expiresAt"]
        assert peer.expect("token_expiring") == {"expiresAt": expires}
        assert time.time() - began < 2.9  # Halfway, since it has less than a minute to live.
        assert peer.end(within=5) == (4401, [])
        assert time.time() >= expires
        # Its place is kept: with a fresh token it is back, and nobody noticed.
        with connect(application) as again:
            assert again.resume(peer) == []
            again.room_states(1)
            assert stays.up_to_pong() == []


def test_a_fresh_token_takes_the_olds_place_and_is_announced_in_its_turn(application):
    with connect(application, application.token(expires_in="3")) as peer:
        peer.join("refreshed", id="a")
        peer.expect("token_expiring")
        assert refresh(peer, application.token(expires_in="4")) == []
        assert peer.expect("token_expiring")["expiresAt"] > peer.welcome["expiresAt"]
        refresh(peer, application.token())
        with pytest.raises(TimeoutError):
            peer.receive_text(within=2.5)  # The second token's end passes.
        peer.up_to_pong()


def test_rooms_that_the_new_token_does_not_grant_are_left(application):
    with connected(application, 2) as (peer, stays):
        for room in ("kept-1", "gone-1", "gone-2"):
            stays.join(room, id="stays")
            peer.join(room, id="peer")
            stays.expect("someone_joined")
        assert refresh(peer, application.token(rooms="kept-*")) == []
        heard = [stays.expect("someone_left") for _ in range(2)]
        assert sorted(data["roomId"] for data in heard) == ["gone-1", "gone-2"]
        assert all((data["connectionId"], data["reason"]) == (peer.connection, "left")
                   for data in heard)
        assert peer.refused({"action": "join-room", "roomId": "gone-1", "name": "n"}) == (
            "room_forbidden")
        assert peer.refused({"action": "broadcast", "roomId": "gone-1", "payload": {}}) == (
            "unknown_target")
        peer.request({"action": "broadcast", "roomId": "kept-1", "payload": {"type": "chat"}})
        assert stays.expect("chat")


def test_rights_may_grow(application):
    with connect(application, application.token(rooms="hall")) as peer:
        assert peer.refused({"action": "join-room", "roomId": "desk", "name": "n"}) == (
            "room_forbidden")
        refresh(peer, application.token(rooms="hall desk"))
        assert peer.join("desk")["first"]


def test_the_new_name_is_shown_to_whom_one_meets_from_now_on(application):
    one = application.token(subject="ann", name="Ann")
    two = application.token(subject="ann", name="Anne")
    with connect(application, one) as peer, connect(application) as other:
        other.join("names", id="other")
        other.join("names-2", id="other")
        peer.join("names", name="Somebody else")
        assert other.expect("someone_joined")["name"] == "Ann"
        refresh(peer, two)
        peer.join("names-2", name="Somebody else")
        assert other.expect("someone_joined")["name"] == "Anne"


@pytest.mark.parametrize("case", [
    "other sub", "no sub", "other client", "expired", "revoked", "forged", "nonsense", "too long",
    "other scope"])
def test_any_other_token_is_refused_and_the_old_one_stays(home, case):
    application = home.application("Refreshing", scopes=["signal", "other"])
    stranger = home.application("Stranger")
    token = application.token(subject="ann", scope="signal")
    forger = Forger(application, subject="ann", scope="signal")
    revoked = application.token(subject="ann", scope="signal")
    home.revoke_token(application, revoked)
    eventually(lambda: attempt(home, query(revoked)).status == 401, "it is known", within=2)
    bad = {
        "other sub": lambda: application.token(subject="bob", scope="signal"),
        "no sub": lambda: application.token(scope="signal"),
        "other client": lambda: stranger.token(subject="ann"),
        "expired": lambda: forger.with_claims(exp=int(time.time()) - 3600),
        "revoked": lambda: revoked,
        "forged": lambda: forger.with_signature(lambda _: b"x" * 64),
        "nonsense": lambda: "a.b.c",
        "too long": lambda: "x" * 8192,
        "other scope": lambda: application.token(subject="ann", scope="other"),
    }[case]()
    with connect(application, token) as peer:
        peer.join("room", id="ann")
        assert refused(peer, bad) == "invalid_token"
        assert peer.refused({"action": "join-room", "roomId": "room", "name": "n", "id": "x",
                             "ack": "again"} | {"roomId": ""}, is_valid=False) == "bad_request"
        peer.join("other", id="ann")


def test_a_refreshed_connection_ends_when_the_new_token_is_revoked(home):
    application = home.application("Refreshed")
    with connect(application) as peer:
        fresh = application.token()
        refresh(peer, fresh)
        peer.join("room")
        home.revoke_token(application, fresh)
        home.prompt(peer)
        assert peer.end()[0] == 4501


def test_after_a_refresh_the_session_is_resumed_as_ever(application):
    with connect(application) as peer:
        peer.join("room-of-one", id="a")
        refresh(peer, application.token())
        peer.drop()
        again, replay = resumed(application, peer)
        with again:
            assert replay == []
            assert list(again.room_states(1)) == ["room-of-one"]
