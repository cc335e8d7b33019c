"""One process of a relay after another, on one data folder and address, and what lies between."""

import hashlib
import re
import signal
import time
import urllib.parse

from . import peers, v1
from .waiting import eventually

ROOMY = ["--max-connections-per-address", "0"]
# Where the parts of a shelf are: `Core/Sessions` says so.
MARK, VERSION, STAMP, DIGEST_BYTES = slice(0, 8), slice(8, 10), slice(10, 18), 32

class Relay:
    """A relay that is restarted; `application` is its client, whichever process runs. With `nats`
    it is the only node of a cluster."""

    def __init__(self, start, *flags, data=None, nats=None):
        self._start = start
        self.node = "node-1" if nats else None
        self.home = [word for url in nats.urls for word in ("--cluster", url)] + [
            "--node-name", self.node] if nats else []
        self.flags = [*ROOMY, *self.home, *flags]
        self.server = start(*self.flags, data=data)
        self.address = urllib.parse.urlsplit(self.server.url).netloc
        self.application = self.server.application()

    @property
    def data(self):
        return self.server.data

    @property
    def shelf(self):
        return self.data / self._named("sessions.shelf")

    @property
    def lock(self):
        return self.data / self._named("relay.lock")

    @property
    def operator_pass(self):
        return self.data / self._named("operator.json")

    def _named(self, name):
        """As a node calls what is its own in the folder."""
        stem, _, ending = name.partition(".")
        return f"{stem}-{self.node}.{ending}" if self.node else name

    def names(self):
        """What of the shelf lies in the data folder."""
        return sorted(path.name for path in self.data.iterdir() if "shelf" in path.name)

    def stop(self, *present):
        """Stops the process, while these peers read on to their end; returns what each heard."""
        self.server.process.send_signal(signal.SIGTERM)
        told = [left_behind(peer) for peer in present]
        for peer in present:
            peer.drop()
        assert self.server.stop() == 0
        return told

    def start(self, *flags):
        """The next process; `flags` take the place of those of the last, if there are any."""
        self.flags = [*ROOMY, *self.home, *flags] if flags else self.flags
        is_left = self.shelf.exists()
        self.server = self._start(*self.flags, data=self.data, listen=self.address)
        assert urllib.parse.urlsplit(self.server.url).netloc == self.address
        self.application.server = self.server
        if self.node and is_left:
            # It lets peers in before the store has answered.
            eventually(lambda: logged(self.server, "sessions_put_back")
                       or logged(self.server, "shelf_ignored"), "it has looked at its shelf")

    def restart(self, *present):
        told = self.stop(*present)
        self.start()
        return told

    def logged(self, event):
        """The fields of each line of the running process about an event, up to now."""
        if self.server.process.poll() is None:
            before = len(logged(self.server, "connection_closed"))
            self.classic().drop()
            # Lines are written behind the event's back, and in order.
            eventually(lambda: len(logged(self.server, "connection_closed")) > before, "its log")
        return logged(self.server, event)

    # Peers

    def connect(self, subject=None, **options):
        return v1.connect(self.application, self.token(subject), **options)

    def token(self, subject=None):
        return self.application.token(**({"subject": subject} if subject else {}))

    def classic(self, **options):
        return peers.connect(self.application, **options)

    def resumed(self, lost, subject=None, **options):
        return v1.resumed(self.application, lost, self.token(subject), **options)

    def comes_back(self, lost, subject=None):
        """Whether a session can be resumed, as its client would; it is left where it then is."""
        peer = self.connect(subject)
        peer.ask_to_resume(lost.session, lost.seq)
        answer = peer.receive()
        assert answer.type == "resumed" or answer.data["code"] == "resume_failed", answer
        peer.drop()
        return answer.type == "resumed"

    def is_refused(self, lost, subject=None):
        return v1.is_refused(self.application, lost, self.token(subject))

    def first(self, room):
        """Whether a newcomer of v1 finds the room empty. Leaves again."""
        with self.connect() as newcomer:
            return newcomer.join(room, id=f"newcomer-{newcomer.connection}")["first"]


def logged(server, event):
    lines = [line for line in server.errors.splitlines() if line.split(" ")[2:3] == [event]]
    return [dict(re.findall(r'(\w+)=("(?:[^"\\]|\\.)*"|\S+)', line)) for line in lines]


def left_behind(peer):
    """Reads on to the close of a stop; returns the events that came, without `draining`."""
    if isinstance(peer, peers.Peer):
        code, texts = peer.closing()
        assert code == 1012, code
        return [peers.Event.parse(text) for text in texts]
    code, events = peer.end()
    assert code == 1012, code
    kinds = [event.type for event in events]
    assert kinds.count("draining") == 1
    return [event for event in events if event.type != "draining"]


def edited(content, part, value):
    """A shelf with another value in a part, whole but for that."""
    body = bytearray(content[:-DIGEST_BYTES])
    body[part] = value
    return bytes(body) + hashlib.sha256(body).digest()


def aged(content, seconds):
    """A shelf that was written so long before it was."""
    stamp = int.from_bytes(content[STAMP], "big", signed=True)
    assert abs(stamp - time.time()) < 3600
    return edited(content, STAMP, (stamp - seconds).to_bytes(8, "big", signed=True))


def lefts(events):
    """Who left, as (peer id, reason), by a list of events of which none may be anything else."""
    assert {event.type for event in events} <= {"someone_left"}, events
    return [(event.data["peerId"], event.data["reason"]) for event in events]
