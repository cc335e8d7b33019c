"""How long a place is kept, how much of the past, and how old a connection gets (§3, §5)."""

import time

import pytest

from support import homes, peers
from support.v1 import connect, connected, is_refused, meet, offer, resumed

pytestmark = pytest.mark.homes
GRACE_SECONDS = 3


@pytest.fixture(scope="module")
def hasty(home):
    """A client of a home that keeps little, for a short time."""
    forgetful = homes.open_home(
        home.kind, "--max-connections-per-address", "0", "--resume-grace-seconds", GRACE_SECONDS,
        "--resume-events", "20", "--resume-bytes", "20000", "--ping-interval-seconds", "1",
        "--max-rooms", "20")
    yield forgetful.application("Hasty")
    assert forgetful.stop() == 0


def test_who_does_not_come_back_in_time_is_lost(hasty):
    with connected(hasty, 2) as (stays, goes):
        meet(stays, goes)
        began = time.monotonic()
        goes.drop()
        assert stays.expect("someone_left") == {
            "roomId": "room", "connectionId": goes.connection, "peerId": "newer",
            "reason": "lost"}
        # The relay counts whole seconds.
        assert GRACE_SECONDS - 1 < time.monotonic() - began < GRACE_SECONDS + 5
        assert is_refused(hasty, goes)
        assert stays.join("afterwards")["first"]


def test_a_place_that_is_kept_is_a_place(hasty):
    with connected(hasty, 2) as (goes, late):
        goes.join("a place", id="goes")
        goes.drop()
        state = late.join("a place", id="late")
        assert [member["peerId"] for member in state["members"]] == ["goes"]
        again, replay = resumed(hasty, goes)
        with again:
            assert [event.type for event in replay] == ["someone_joined"]
            assert late.up_to_pong() == []


def test_who_is_in_no_room_has_no_place_to_keep(hasty):
    with connect(hasty) as goes:
        goes.up_to_pong()
        goes.drop()
        time.sleep(0.2)  # The home hears of the end.
        hasty.server.settle()
        assert is_refused(hasty, goes)


def test_what_is_no_longer_kept_cannot_be_replayed(hasty):
    with connected(hasty, 2) as (stays, goes):
        meet(stays, goes)
        for number in range(60):
            offer(stays, goes, number)
            goes.expect("offer")
        goes.drop()
        assert is_refused(hasty, goes, seq=3)
        # The session is over, so the newcomer may take its place at once.
        assert stays.expect("someone_left")["reason"] == "lost"


def test_what_was_never_sent_cannot_have_been_received(hasty):
    with connected(hasty, 2) as (stays, goes):
        meet(stays, goes)
        goes.drop()
        assert is_refused(hasty, goes, seq=goes.seq + 1)
        assert stays.expect("someone_left")["reason"] == "lost"


@pytest.mark.parametrize(("count", "size"), [(30, 10), (5, 6000)], ids=["events", "bytes"])
def test_who_misses_more_than_is_kept_is_lost_before_its_time(hasty, count, size):
    with connected(hasty, 2) as (stays, goes):
        meet(stays, goes)
        goes.drop()
        for _ in range(count):
            stays.send(goes.connection, {"type": "offer", "filler": "x" * size})
        while (event := stays.receive()).type != "someone_left":
            pass
        assert event.data["reason"] == "lost"
        assert is_refused(hasty, goes)


@pytest.mark.needs("its own pings")
def test_a_silent_connection_is_closed_with_4408_and_its_place_kept(hasty):
    with connect(hasty) as goes:
        goes.join("silent", id="a")
        goes.answers_pings = False
        assert goes.end() == (4408, [])
        again, replay = resumed(hasty, goes)
        with again:
            assert replay == []
            assert list(again.room_states(1)) == ["silent"]


# Ages


@pytest.mark.needs("unprompted closes")
def test_a_connection_of_full_age_is_closed_with_1001_and_goes_on(start_home):
    application = start_home("--max-v1-connection-age-seconds", "4",
                             "--max-connection-age-seconds", "0").application()
    with connect(application) as peer, peers.connect(application) as old:
        peer.join("ages", id="a")
        old.join("ages", id="old")
        peer.expect("someone_joined")
        assert peer.end() == (1001, [])
        again, replay = resumed(application, peer)
        with again:
            assert replay == []
            (member,) = again.room_states(1)["ages"]["members"]
            assert member["peerId"] == "old"


@pytest.mark.needs("unprompted closes")
def test_a_classic_connection_has_an_age_of_its_own(start_home):
    application = start_home("--max-connection-age-seconds", "5").application()
    tokens = [application.token() for _ in range(2)]
    with connect(application, tokens[0]) as peer, peers.connect(application, tokens[1]) as old:
        peer.join("ages", id="a")
        old.join("ages", id="old")
        peer.expect("someone_joined")
        assert old.closing() == (1001, [])
        assert peer.expect("someone_left")["reason"] == "lost"
        peer.up_to_pong()


@pytest.mark.needs("unprompted closes")
def test_who_says_nothing_at_all_is_closed_with_4408(start_home):
    application = start_home("--first-message-seconds", "3").application()
    with connect(application) as silent, peers.connect(application) as old, \
            connect(application) as speaks, peers.connect(application) as joins:
        speaks.up_to_pong()
        joins.join("first", id="a")
        assert silent.end() == (4408, [])
        assert old.closing() == (4408, [])
        speaks.up_to_pong()
        joins.expect("first_to_join")
        joins.send_frame(0x9, b"here")
        assert joins.receive_pong() == b"here"
