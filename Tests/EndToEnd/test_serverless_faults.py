"""The function in trouble: it is killed at any step, steps have unknown outcomes, events are lost,
late and out of order. What is left is repaired by what comes next; nothing that was acknowledged is
lost or doubled."""

import json
import os
import random

import pytest

from support.serverless import Home
from support.waiting import eventually
from support.websocket import Closed

# Far fewer where nothing else runs: a busy machine asks again for what it waits for.
STEPS_MAX = 100
# With --deep nobody does, as one who knows of no gateway: all wait for answers that never come.
HEEDS_THE_GATEWAY = not os.environ.get("USHER_TEST_CHANCES")


@pytest.fixture(scope="module")
def home(token_service):
    one = Home(token_service, environments=6, function_seconds=4)
    yield one
    one.stop()


@pytest.fixture(scope="module")
def application(home):
    return home.application()


@pytest.fixture(autouse=True)
def calm(home):
    yield
    home.clear()
    home.rest(30)


def payload(number):
    return {"type": "chat", "number": number}


class Failed(OSError):
    """The gateway says that the function failed."""


class Visitor:
    """A v1 client that does as the protocol says: no answer within a while, or a lost connection,
    and it comes back, resumes, and sends again what was not acknowledged. Events that come again
    are dropped by their numbers. That there will be no answer, the gateway may say at once."""

    def __init__(self, home, application, token=None):
        self.home, self.application = home, application
        self.token = token or application.token()
        self.asked = 0
        self.is_in_a_room = False
        self.peer = self._open()
        self._begin()

    def _begin(self):
        self.events = []
        self.seq = 0
        self.connection, self.session = self.peer.connection, self.peer.session

    def _open(self):
        return eventually(self._attempt, "a connection", within=20)

    def _attempt(self):
        try:
            return self.home.v1(self.application, self.token)
        except (Closed, TimeoutError, OSError, AssertionError):
            return None
        except Exception as refused:  # The gateway's 502 where the function was killed.
            assert "502" in str(refused) or "503" in str(refused), refused
            return None

    def note(self, event):
        if "seq" not in event:
            if "connectionId" in event and event.get("message") == "Internal server error":
                if HEEDS_THE_GATEWAY:
                    raise Failed
                return None
            return event
        if event["seq"] <= self.seq:
            return None
        assert event["seq"] == self.seq + 1, f"{self.seq} is followed by {event}"
        self.seq = event["seq"]
        self.events.append(event)
        return event

    def hear(self, within):
        """The next event that is new."""
        while True:
            event = json.loads(self.peer.receive_text(within))
            if "type" in event and event["type"] == "usher.closing":
                raise Closed(event["data"]["code"])
            if fresh := self.note(event):
                return fresh

    def request(self, message, patience=3):
        """Until it is acknowledged, or refused; returns the error's code or None."""
        self.asked += 1
        message = {**message, "ack": f"{self.asked}"}
        is_said = False
        for _ in range(12):
            try:
                if not is_said:
                    self.peer.send_text(json.dumps(message))
                    is_said = True
                while True:
                    event = self.hear(patience)
                    if event["type"] in ("ack", "error") and (
                            event["data"]["ack"] == message["ack"]):
                        return event["data"].get("code")
            except (Closed, TimeoutError, OSError):
                is_said = False
                if answer := self.come_back(message["ack"]):
                    return answer["data"].get("code")
        raise AssertionError(f"no answer to {message}")

    def come_back(self, ack=None):
        """Resumes; returns the answer to `ack` where that was among what was missed."""
        self.peer.drop()
        seen = len(self.events)
        for _ in range(12):
            self.peer = self._open()
            try:
                self.peer.send_text(json.dumps(
                    {"action": "resume", "session": self.session, "seq": self.seq}))
                # Should the function be killed here, a timer has the answer sent.
                while (event := json.loads(self.peer.receive_text(12))).get("type") != "resumed":
                    if event.get("type") == "error":
                        return self._afresh(event)
                assert event["data"]["connectionId"] == self.connection
                self.session = event["data"]["session"]
                self.peer.send_text('{"action":"ping"}')
                while self.hear(9)["type"] != "pong":
                    pass
                answers = [one for one in self.events[seen:] if one["type"] in ("ack", "error")
                           and one["data"]["ack"] == ack and ack]
                return answers[0] if answers else None
            except (Closed, TimeoutError, OSError):
                self.peer.drop()
        raise AssertionError("no resume")

    def _afresh(self, error):
        """No place is kept for whoever is in no room: it goes on with its new connection."""
        assert error["data"]["code"] == "resume_failed" and not self.is_in_a_room, error
        self._begin()
        self.seq = error["seq"]

    def join(self, room, **members):
        code = self.request({"action": "join-room", "roomId": room, "name": "N", **members})
        self.is_in_a_room = code is None
        return code

    def settle(self, patience=0.4):
        """All that waits, and comes until nothing does. What one who was killed has left in a
        mailbox, whoever comes next sends."""
        assert self.request({"action": "ping"}) is None
        try:
            while True:
                self.hear(patience)
        except TimeoutError:
            return
        except (Closed, OSError):
            self.come_back()

    def of(self, kind, since=0):
        return [event["data"] for event in self.events[since:] if event["type"] == kind]

    def close(self):
        self.peer.drop()


def steps_of(home, act):
    """How many calls an act makes."""
    home.rest(30)
    home.calls()
    act()
    home.rest(30)
    return len(home.calls())


FAULTS = [("kill", "before"), ("kill", "after"), ("lose", "before"), ("lose", "after")]


@pytest.mark.parametrize(("action", "when"), FAULTS)
def test_a_payload_whatever_step_fails(home, application, action, when):
    """The message of one who acts; nothing acknowledged is missing, nothing comes twice."""
    room = home.room()
    ann, bob = Visitor(home, application), Visitor(home, application)
    assert ann.join(room, id="ann") is None
    assert bob.join(room, id="bob") is None
    send = {"action": "send-payload", "target": bob.connection}
    count = steps_of(home, lambda: ann.request({**send, "payload": payload(-1)}))
    assert 3 < count < STEPS_MAX
    for at in range(1, count + 1):
        home.fault(action, when=when, at=at, routes=["$default"])
        assert ann.request({**send, "payload": payload(at)}) is None
        home.clear()
    assert ann.request({**send, "payload": payload(99)}) is None
    bob.settle()
    assert [data["number"] for data in bob.of("chat")] == [-1, *range(1, count + 1), 99]
    ann.close()
    bob.close()


@pytest.mark.parametrize(("action", "when"), FAULTS)
def test_a_join_whatever_step_fails(home, application, action, when):
    """Whoever is in the room is told once of everybody who joined, and nobody is left behind."""
    ann = Visitor(home, application)
    room = home.room()
    assert ann.join(room, id="ann") is None
    probe = Visitor(home, application)
    count = steps_of(home, lambda: probe.join(room, id="probe"))
    assert 3 < count < STEPS_MAX
    joined = [probe]
    for at in range(1, count + 1, 2):
        one = Visitor(home, application)
        home.fault(action, when=when, at=at, routes=["$default"])
        assert one.join(room, id=f"peer-{at}") is None
        home.clear()
        joined.append(one)
    last = Visitor(home, application)
    assert last.join(room, id="last") is None
    everybody = [ann, *joined, last]
    for one in everybody:
        one.settle()
    for one in everybody:
        told = [data["connectionId"] for data in one.of("someone_joined")]
        assert len(told) == len(set(told))
        states = one.of("room_state")
        known = {member["connectionId"] for member in states[-1]["members"]} | set(told)
        # Whoever was lost before it was told that it was in has left again.
        known -= {data["connectionId"] for data in one.of("someone_left")}
        assert known == {other.connection for other in everybody} - {one.connection}
    assert sum(bool(one.of("first_to_join")) for one in everybody) == 1
    for one in everybody:
        one.close()


def test_lost_disconnects_leave_no_ghosts(token_service):
    home = Home(token_service, {"USHER_RESUME_GRACE_SECONDS": "1"}, environments=6,
                lose_disconnects=0.6, late_disconnect_seconds=1.0)
    try:
        application = home.application()
        room = home.room()
        witness = Visitor(home, application)
        assert witness.join(room, id="witness") is None
        gone = []
        for number in range(10):
            one = Visitor(home, application)
            assert one.join(room, id=f"peer-{number}") is None
            one.peer.reset()
            gone.append(one.connection)
        for _ in range(20):
            witness.request({"action": "broadcast", "roomId": room, "payload": payload(0)})
            witness.settle(0.3)
            if len(witness.of("someone_left")) == len(gone):
                break
        left = [data["connectionId"] for data in witness.of("someone_left")]
        assert sorted(left) == sorted(gone)
        assert {data["reason"] for data in witness.of("someone_left")} == {"lost"}
        newcomer = Visitor(home, application)
        assert newcomer.join(room, id="new") is None
        assert [member["peerId"] for member in newcomer.of("room_state")[0]["members"]] == [
            "witness"]
        newcomer.close()
        witness.close()
    finally:
        home.stop()


def test_a_late_disconnect_of_the_old_connection_ends_nothing(token_service):
    home = Home(token_service, environments=6, late_disconnect_seconds=1000.0)
    try:
        application = home.application()
        room = home.room()
        ann, bob = Visitor(home, application), Visitor(home, application)
        assert ann.join(room, id="ann") is None
        assert bob.join(room, id="bob") is None
        bob.peer.reset()
        bob.come_back()
        home.forward(1001)
        home.rest(30)
        ann.settle()
        assert ann.of("someone_left") == []
        assert ann.request({"action": "send-payload", "target": bob.connection,
                            "payload": payload(1)}) is None
        bob.settle()
        assert [data["number"] for data in bob.of("chat")] == [1]
        ann.close()
        bob.close()
    finally:
        home.stop()


def test_throttles_delay_and_lose_nothing(home, application):
    room = home.room()
    ann, bob = Visitor(home, application), Visitor(home, application)
    assert ann.join(room, id="ann") is None
    assert bob.join(room, id="bob") is None
    home.fault("throttle", services=["dynamodb", "connections"], times=0, ratio=0.2)
    for number in range(25):
        assert ann.request({"action": "send-payload", "target": bob.connection,
                            "payload": payload(number)}) is None
    home.clear()
    assert ann.request({"action": "send-payload", "target": bob.connection,
                        "payload": payload(25)}) is None
    bob.settle()
    assert [data["number"] for data in bob.of("chat")] == list(range(26))
    ann.close()
    bob.close()


def test_messages_that_overtake_each_other_do_no_harm(token_service):
    """Of one client, which waits for no answer, in any order: none is lost or doubled."""
    home = Home(token_service, environments=6, shuffle_seconds=0.3)
    try:
        application = home.application()
        room = home.room()
        with home.v1(application) as ann, home.v1(application) as bob:
            ann.join(room)
            bob.join(room)
            ann.expect("someone_joined")
            for number in range(20):
                ann.send(bob.connection, payload(number), ack=number)
            acks = sorted(ann.expect("ack")["ack"] for _ in range(20))
            got = sorted(bob.expect("chat")["number"] for _ in range(20))
            assert acks == got == list(range(20))
    finally:
        home.stop()


@pytest.fixture
def patient(token_service):
    """A home whose sessions wait longer than a slow emulator may take to have one come back."""
    one = Home(token_service, {"USHER_RESUME_GRACE_SECONDS": "120"}, environments=6,
               function_seconds=4)
    yield one
    one.clear()
    one.rest(30)
    one.stop()


def test_chance_breaks_no_promise(patient):
    """Calls fail in every way for a while, for a room of four who go on talking."""
    home, application = patient, patient.application()
    room = home.room()
    people = [Visitor(home, application) for _ in range(4)]
    for number, one in enumerate(people):
        assert one.join(room, id=f"peer-{number}") is None
    chance = random.Random(4)
    for action, when in FAULTS:
        home.fault(action, when=when, times=0, ratio=0.02, routes=["$default"])
    said = {one.connection: [] for one in people}
    for number in range(int(os.environ.get("USHER_TEST_CHANCES") or 10)):
        one, other = chance.sample(people, 2)
        assert one.request({"action": "send-payload", "target": other.connection,
                            "payload": payload(number)}) is None
        said[other.connection].append((one.connection, number))
    home.clear()
    for one in people:
        assert one.request({"action": "ping"}) is None
        one.settle()
        got = [(data["connectionId"], data["number"]) for data in one.of("chat")]
        assert sorted(got) == sorted(said[one.connection])
        assert all(numbers == sorted(numbers) for numbers in by_sender(got).values())
        assert one.of("someone_left") == []
        one.close()


def by_sender(pairs):
    numbers = {}
    for sender, number in pairs:
        numbers.setdefault(sender, []).append(number)
    return numbers
