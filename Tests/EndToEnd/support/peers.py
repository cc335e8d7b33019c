"""Peers that speak the classic dialect (docs/protocol.md), and how they get in."""

import json
import urllib.parse
from dataclasses import dataclass

from . import schemas
from .websocket import PATIENCE_SECONDS, PING, Refused, WebSocket


@dataclass
class Event:
    type: str
    data: dict
    raw: str

    @staticmethod
    def parse(raw):
        event = json.loads(raw)
        assert list(event) == ["type", "data"], f"no classic event: {raw}"
        schemas.validate_received("classic", event)
        return Event(event["type"], event["data"], raw)


class Peer(WebSocket):
    """A connection of a classic client. Nothing is sent or received unless a test says so."""

    home = None

    def join(self, room, **members):
        self.say({"action": "join-room", "roomId": room, **members})

    def send(self, target, payload, is_valid=True):
        self.say({"action": "send-payload", "target": target, "payload": payload}, is_valid)

    def say(self, message, is_valid=True):
        """Sends a message that keeps to its schema, or that does not; a text is sent as it is."""
        if not isinstance(message, str):
            assert schemas.is_sent("classic", message) == is_valid, message
            message = json.dumps(message)
        self.send_text(message)

    def settle(self):
        """Waits until all that was sent is dealt with, of which a pong that comes in its turn is
        the proof; nothing else may have been sent to this peer."""
        self.home.settle()
        self.send_frame(PING, b"all sent")
        assert self.receive_pong() == b"all sent"

    def receive(self, within=PATIENCE_SECONDS):
        return Event.parse(self.receive_text(within))

    def expect(self, kind, within=PATIENCE_SECONDS):
        """The next event, which must be of this type; returns its data."""
        event = self.receive(within)
        assert event.type == kind, f"expected {kind}, received {event.raw}"
        return event.data


def query(token=None, client=None, path="/", **more):
    """A target as deployed clients build it."""
    pairs = [("token", token), ("client", client), *more.items()]
    return path + "?" + urllib.parse.urlencode([pair for pair in pairs if pair[1] is not None])


def connect(application, token=None, path="/", **options):
    """A peer that is let in with a token of the application (a fresh one by default)."""
    token, home = token or application.token(), application.server
    peer = Peer(home.socket_url, query(token, application.id, path), **options)
    peer.home = home
    return peer


def attempt(server, target="/", fields=(), **options):
    """Tries the handshake; returns the answer, 101 or a refusal. The socket is closed again."""
    try:
        url = getattr(server, "socket_url", server.url)
        with WebSocket(url, target, fields, **options) as socket:
            return socket.response
    except Refused as refused:
        return refused.response


def meet(older, newer, room, older_id="older", newer_id="newer"):
    """Joins both to a room that was empty; returns their connection ids (older, newer)."""
    older.join(room, id=older_id)
    assert older.expect("first_to_join") == {"roomId": room}
    newer.join(room, id=newer_id)
    newer_connection = older.expect("someone_joined")["connectionId"]
    return introduce(older, newer, newer_connection), newer_connection


def introduce(sender, receiver, receiver_connection):
    """Sends a greeting; returns the sender's connection id, which the receiver learns by it."""
    sender.send(receiver_connection, {"type": "greeting"})
    return receiver.expect("greeting")["connectionId"]


def first_to_join(application, room, token=None):
    """Whether a newcomer finds the room empty: it has no ghost in it. Leaves again."""
    with connect(application, token) as newcomer:
        newcomer.join(room, id="newcomer")
        try:
            return newcomer.receive(within=0.3).type == "first_to_join"
        except TimeoutError:
            return False
