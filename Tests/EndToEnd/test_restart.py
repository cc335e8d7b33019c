"""Sessions go on over a restart of the server (docs/protocol.md §3)."""

import random
import signal
import time

import pytest

from support.restart import Relay, lefts
from support.v1 import offer

pytestmark = pytest.mark.one_process("starts again on the same address")


@pytest.fixture
def relay(start):
    return Relay(start)


def pair(relay):
    """Two in a room, who know of each other: the older first."""
    ada, grace = relay.connect("ada"), relay.connect("grace")
    ada.join("room", name="Ada", id="ada")
    grace.join("room", name="Grace", id="grace")
    ada.expect("someone_joined")
    return ada, grace


def member(peer, peer_id, name, polite):
    return {"connectionId": peer.connection, "peerId": peer_id, "name": name, "polite": polite}


def test_a_session_goes_on_as_after_any_lost_connection(relay):
    ada, grace = pair(relay)
    idle = relay.connect()
    assert relay.stop(ada, grace, idle) == [[], [], []]
    relay.start()
    again, replay = relay.resumed(ada, "ada")
    assert replay == []
    assert again.room_states(1)["room"] == {
        "roomId": "room", "polite": False, "members": [member(grace, "grace", "Grace", False)]}
    # Its partner, who is away still, misses nothing of what is said meanwhile.
    offer(again, grace, 1)
    other, replay = relay.resumed(grace, "grace")
    assert [event.data["number"] for event in replay] == [1]
    assert other.room_states(1)["room"] == {
        "roomId": "room", "polite": True, "members": [member(ada, "ada", "Ada", True)]}
    offer(other, again, 2)
    assert again.expect("offer")["number"] == 2
    assert relay.is_refused(ada, "ada"), "its secret is spent"
    assert relay.is_refused(idle), "who was in no room has no place to keep"


def test_what_was_missed_before_the_stop_comes_after_it_as_it_was(relay):
    ada, grace = pair(relay)
    for number in range(5):
        offer(ada, grace, number)
    for number in range(2):
        assert grace.expect("offer")["number"] == number
    grace.drop()
    offer(ada, grace, 5)
    relay.stop(ada)
    relay.start()
    again, replay = relay.resumed(grace, "grace")
    assert [event.data["number"] for event in replay if event.type == "offer"] == [2, 3, 4, 5]
    again.room_states(1)
    # Events that had been read are replayed byte for byte, answers among them.
    once_more, replay = relay.resumed(ada, "ada", seq=4)
    assert [event.raw for event in replay] == [event.raw for event in ada.history[4:]]
    assert [event.type for event in replay] == ["ack"] * 6 + ["draining"]
    once_more.room_states(1)


def test_order_and_rooms_are_as_before(relay):
    count = 6
    people = [relay.connect(f"person-{number}") for number in range(count)]
    order = random.Random(1).sample(range(count), count)
    for place, number in enumerate(order):
        people[number].join("all", name=f"At {place}", id=f"id-{place}")
        if place % 2:
            people[number].join("odd", id=f"odd-{place}")
    for peer in people:
        peer.up_to_pong()
    relay.restart(*people)
    for number, peer in enumerate(people):
        place = order.index(number)
        again, replay = relay.resumed(peer, f"person-{number}")
        assert replay == []
        states = again.room_states(2 if place % 2 else 1)
        assert states["all"]["polite"] == (place == count - 1)
        found = {one["peerId"]: (one["name"], one["polite"]) for one in states["all"]["members"]}
        assert found == {f"id-{other}": (f"At {other}", other < place)
                         for other in range(count) if other != place}
        if place % 2:
            assert {one["peerId"]: one["polite"] for one in states["odd"]["members"]} == {
                f"odd-{other}": other < place for other in (1, 3, 5) if other != place}
    # Who comes now comes after all of them.
    with relay.connect() as newcomer:
        state = newcomer.join("all", id="newcomer")
        assert state["polite"] and all(one["polite"] for one in state["members"])
        assert len(state["members"]) == count


def test_newcomers_find_the_room_as_it_was_and_are_told_of(relay):
    ada, grace = pair(relay)
    relay.restart(ada, grace)
    newcomer, old = relay.connect("new"), relay.classic()
    state = newcomer.join("room", id="newcomer")
    assert not state["first"]
    assert {one["peerId"]: one["polite"] for one in state["members"]} == {
        "ada": True, "grace": True}
    old.join("room", id="old")
    with pytest.raises(TimeoutError):  # Not even a `first_to_join`.
        old.receive(within=0.5)
    again, replay = relay.resumed(ada, "ada")
    assert [(event.type, event.data["peerId"]) for event in replay] == [
        ("someone_joined", "newcomer"), ("someone_joined", "old")]
    members = again.room_states(1)["room"]["members"]
    assert {one["peerId"]: one["polite"] for one in members} == {
        "grace": False, "newcomer": False, "old": False}
    # The others heard nothing of its coming back.
    offer(again, newcomer, 1)
    assert [event.type for event in newcomer.up_to_pong()] == ["someone_joined", "offer"]


def test_classic_peers_leave_with_the_process(relay):
    ada, old, away = relay.connect("ada"), relay.classic(), relay.connect("away")
    ada.join("room", id="ada")
    old.join("room", id="old")
    assert ada.expect("someone_joined")["peerId"] == "old"
    away.join("room", id="away")
    ada.up_to_pong()
    away.drop()
    told, _ = relay.stop(ada, old)
    relay.start()
    again, replay = relay.resumed(ada, "ada")
    assert lefts(told + replay) == [("old", "lost")]
    members = again.room_states(1)["room"]["members"]
    assert [one["peerId"] for one in members] == ["away"]
    # Who was away hears of it likewise.
    back, replay = relay.resumed(away, "away")
    assert lefts(replay) == [("old", "lost")]
    back.room_states(1)


def test_a_process_that_is_killed_leaves_nothing(relay):
    ada = relay.connect("ada")
    ada.join("room", id="ada")
    relay.server.kill()
    assert relay.names() == []
    relay.start()
    assert not relay.comes_back(ada, "ada")
    assert relay.first("room")
    assert relay.logged("sessions_put_back") == []


def test_sessions_come_back_once_whatever_the_next_process_comes_to(relay):
    ada = relay.connect("ada")
    ada.join("room", id="ada")
    relay.restart(ada)
    assert relay.names() == []
    relay.server.kill()  # Before anybody was back.
    relay.start()
    assert not relay.comes_back(ada, "ada")
    assert relay.first("room")


def test_sessions_of_which_nobody_came_back_go_on_over_one_more_restart(relay):
    ada, grace = pair(relay)
    relay.restart(ada, grace)
    again, _ = relay.resumed(ada, "ada")
    again.room_states(1)
    offer(again, grace, 1)
    relay.restart(again)
    back, replay = relay.resumed(grace, "grace")
    assert [event.type for event in replay] == ["offer"]
    assert relay.comes_back(again, "ada")
    back.room_states(1)


def test_a_stop_that_is_killed_leaves_all_of_it_or_nothing(start):
    relay = Relay(start, "--drain-seconds", "0")  # So that nobody who reads late is waited for.
    outcomes = []
    for milliseconds in (0, 2, 4, 6, 8, 10, 12, 15, 20, 30, 50, 3000):
        people = [relay.connect(f"person-{number}") for number in range(8)]
        for number, peer in enumerate(people):
            peer.join("room", id=f"id-{number}")
        for number in range(20):
            people[0].broadcast("room", {"type": "chat", "text": "x" * 5000, "n": number})
        for peer in people:
            peer.up_to_pong()
        relay.server.process.send_signal(signal.SIGTERM)
        time.sleep(milliseconds / 1000)  # The moment is the test.
        relay.server.kill()
        relay.start()
        assert relay.names() == []
        assert relay.logged("shelf_ignored") == []
        for peer in people:
            peer.end()
        back = [relay.comes_back(peer, f"person-{number}") for number, peer in enumerate(people)]
        put_back = relay.logged("sessions_put_back")
        assert back == [bool(put_back)] * len(people)
        assert [one["count"] for one in put_back] in ([], [str(len(people))])
        outcomes.append(bool(put_back))
        relay.server.kill()
        relay.start()
    print(f"came back: {outcomes}")
    assert outcomes[-1], "there was time enough"
