"""Peers that speak v1 (docs/protocol.md §3). Each message is validated on its way in and out."""

import contextlib
import itertools
import json
import time
from dataclasses import dataclass

from . import ledger, schemas
from .peers import query
from .websocket import CLOSE, PATIENCE_SECONDS, Closed, WebSocket

WITHOUT_NUMBER = ("welcome", "resumed", "usher.closing")
CLOSING = '{"type":"usher.closing",'
NORMAL = (1000).to_bytes(2, "big")


class Refusal(Exception):
    """An `error` event came in place of an `ack`."""

    def __init__(self, data):
        super().__init__(f"{data['code']}: {data['message']}")
        self.code = data["code"]
        self.data = data


@dataclass
class Event:
    type: str
    data: dict
    seq: int | None
    raw: str

    @staticmethod
    def parse(raw):
        event = json.loads(raw)
        numbered = ["seq"] if event["type"] not in WITHOUT_NUMBER else []
        assert list(event) == ["type", "data", *numbered], f"no event of v1: {raw:.300}"
        schemas.validate_received("v1", event)
        return Event(event["type"], event["data"], event.get("seq"), raw)


class V1Peer(WebSocket):
    """A connection that speaks v1, with what its client would remember of it."""

    def __init__(self, url, target="/", may_repeat=False, **options):
        """`may_repeat`: an event may come again, which its number shows."""
        self._closing = None
        self._may_repeat = may_repeat
        super().__init__(url, target, **options)
        assert self.response.header("Sec-WebSocket-Protocol") == "usher.v1"
        self.seq = 0
        self.history = []
        self._acks = itertools.count(1)
        self.welcome = self.expect("welcome")
        self._become(self.welcome)

    def _become(self, data):
        self.connection = data["connectionId"]
        self.session = ledger.remember(data["session"], "a session's secret")

    def __exit__(self, *_):
        self.finish()

    def finish(self):
        """Closes for good, unless it is gone already, so that no place is kept for it."""
        with contextlib.suppress(OSError, Closed, TimeoutError):
            self.send_frame(CLOSE, NORMAL)
            self.closing(within=2)
        self.drop()

    # Sending

    def say(self, message, is_valid=True):
        """Sends a message that keeps to its schema, or that does not; a text is sent as it is."""
        if not isinstance(message, str):
            assert schemas.is_sent("v1", message) == is_valid, message
            message = json.dumps(message)
        self.send_text(message)

    def join(self, room, name="Somebody", within=PATIENCE_SECONDS, **members):
        """Joins, and returns the room's state; `first` in it says whether nobody was there."""
        events = self.request(
            {"action": "join-room", "roomId": room, "name": name, **members}, within=within)
        first = [event for event in events if event.type == "first_to_join"]
        (state,) = [event for event in events if event.type == "room_state"]
        assert all(event.data["roomId"] == room for event in [*first, state])
        assert bool(first) == (state.data["members"] == [])
        return {**state.data, "first": bool(first)}

    def leave(self, room):
        return self.request({"action": "leave-room", "roomId": room})

    def send(self, target, payload, **members):
        self.say({"action": "send-payload", "target": target, "payload": payload, **members})

    def broadcast(self, room, payload, **members):
        self.say({"action": "broadcast", "roomId": room, "payload": payload, **members})

    def request(self, message, is_valid=True, within=PATIENCE_SECONDS):
        """Sends a message with an ack of its own; returns the events that came before the answer.

        Raises Refusal where the answer is an error.
        """
        message = {**message, "ack": message.get("ack") or next(self._acks)}
        ack = message["ack"]
        self.say(message, is_valid)
        events = []
        while True:
            event = self.receive(within)
            if event.type in ("ack", "error") and event.data["ack"] == ack:
                if event.type == "error":
                    assert event.data["action"] == message["action"]
                    raise Refusal(event.data)
                return events
            events.append(event)

    def refused(self, message, is_valid=True):
        """Sends a message that must be refused; returns the code."""
        try:
            self.request(message, is_valid)
        except Refusal as refusal:
            return refusal.code
        raise AssertionError(f"not refused: {message}")

    # Receiving

    def receive_text(self, within=PATIENCE_SECONDS):
        """The next message. What `usher.closing` said counts as the code of the close frame."""
        deadline = time.monotonic() + within
        try:
            while True:
                text = super().receive_text(max(0, deadline - time.monotonic()))
                if not text.startswith(CLOSING):
                    assert not self._closing, f"comes after usher.closing: {text:.300}"
                    return text
                self._closing = Event.parse(text).data
        except Closed as closed:
            if not self._closing:
                raise
            raise Closed(self._closing["code"], self._closing["reason"]) from closed

    def parsed(self, text):
        """An event, after a look at its number."""
        event = Event.parse(text)
        if event.seq is not None:
            assert event.seq == self.seq + 1, f"{self.seq} is followed by {event.raw:.300}"
            self.seq = event.seq
            self.history.append(event)
        return event

    def receive(self, within=PATIENCE_SECONDS):
        deadline = time.monotonic() + within
        while True:
            text = self.receive_text(max(0, deadline - time.monotonic()))
            if not self._is_repeated(text):
                return self.parsed(text)

    def _is_repeated(self, text):
        return self._may_repeat and 0 < (Event.parse(text).seq or 0) <= self.seq

    def expect(self, kind, within=PATIENCE_SECONDS):
        """The next event, which must be of this type; returns its data."""
        event = self.receive(within)
        assert event.type == kind, f"expected {kind}, received {event.raw:.300}"
        return event.data

    def up_to_pong(self):
        """All that was on the way: sends a ping, and returns the events before the pong."""
        self.say({"action": "ping"})
        events = []
        while (event := self.receive()).type != "pong":
            events.append(event)
        return events

    def end(self, within=PATIENCE_SECONDS):
        """Reads on until the connection ends; returns (close code, events on the way)."""
        events = []
        try:
            while True:
                events.append(self.receive(within))
        except Closed as closed:
            return closed.code, events

    # Resuming

    def ask_to_resume(self, session, seq, **members):
        self.say({"action": "resume", "session": session, "seq": seq, **members})

    def resume(self, lost, seq=None):
        """Takes over the session of a peer that is gone; returns the replayed events.

        The events go on from those that `lost` had received, or from number `seq`.
        """
        seq = lost.seq if seq is None else seq
        self.ask_to_resume(lost.session, seq)
        resumed = self.expect("resumed")
        assert resumed["connectionId"] == lost.connection
        assert resumed["session"] not in (lost.session, self.session)
        self._become(resumed)
        self.seq = seq
        self.history = [event for event in lost.history if event.seq <= seq]
        return [self.receive() for _ in range(resumed["seq"] - seq)]

    def room_states(self, count):
        """The next events, which must be so many room states; returns their data by room."""
        states = [self.expect("room_state") for _ in range(count)]
        return {state["roomId"]: state for state in states}


def connect(application, token=None, in_query=False, **options):
    """A peer that is let in with a token of the application (a fresh one by default)."""
    token = token or application.token()
    offered = "usher.v1" if in_query else f"usher.v1, usher.bearer.{token}"
    fields = [("Sec-WebSocket-Protocol", offered), *options.pop("fields", [])]
    target, home = query(token if in_query else None, application.id), application.server
    return V1Peer(
        home.socket_url, target, may_repeat=home.may_repeat, fields=fields, **options)


def resumed(application, lost, token=None, seq=None, **options):
    """A new connection that has taken over the session; returns it and the replayed events."""
    peer = connect(application, token, **options)
    return peer, peer.resume(lost, seq)


@contextlib.contextmanager
def connected(application, count, **options):
    """So many peers, which leave at the end."""
    peers = []
    try:
        for _ in range(count):
            peers.append(connect(application, **options))
        yield peers
    finally:
        for peer in peers:
            peer.finish()


def meet(older, newer, room="room"):
    """Joins both to a room that was empty."""
    older.join(room, id="older")
    newer.join(room, id="newer")
    older.expect("someone_joined")


def offer(sender, target, number):
    """Sends one to the other, acknowledged."""
    sender.request({"action": "send-payload", "target": target.connection,
                    "payload": {"type": "offer", "number": number}})


def is_refused(application, lost, token=None, seq=None):
    """Whether a resume is refused, and the connection good for joining afresh."""
    with connect(application, token) as peer:
        seq = lost.seq if seq is None else seq
        code = peer.refused({"action": "resume", "session": lost.session, "seq": seq})
        peer.join(f"afresh-{peer.connection}")
        return code == "resume_failed"
