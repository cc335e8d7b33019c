"""Many clients in one event loop, which come back whatever happens, and remember everything."""

import asyncio
import collections
import itertools
import json
import struct
import time

from . import chance, schemas
from .websocket import CLOSE, PING, PONG, TEXT, frame

SILENCE_SECONDS = 5
LIFE_SECONDS = 3600  # Of a token: a run is shorter.


class Line:
    """One WebSocket of the swarm."""

    @classmethod
    async def open(cls, dialect, address, target, subprotocols=None, source=None):
        self = cls()
        self.dialect = dialect
        self.reader, self.writer = await asyncio.open_connection(
            *address, local_addr=source and (source, 0))
        offered = f"Sec-WebSocket-Protocol: {subprotocols}\r\n" if subprotocols else ""
        self.writer.write((
            f"GET {target} HTTP/1.1\r\nHost: {address[0]}:{address[1]}\r\nUpgrade: websocket\r\n"
            "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            f"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n{offered}\r\n").encode())
        async with asyncio.timeout(SILENCE_SECONDS):
            head = await self.reader.readuntil(b"\r\n\r\n")
        if b" 101 " not in head.split(b"\r\n")[0]:
            self.drop()
            raise ConnectionError(head[:100])
        return self

    def send(self, message):
        self.send_text(json.dumps(message))

    def send_text(self, text):
        self.writer.write(frame(TEXT, text.encode()))

    async def receive(self):
        """The next event; answers pings. Raises when the connection ends or falls silent."""
        while True:
            async with asyncio.timeout(SILENCE_SECONDS):
                opcode, payload = await self._frame()
            if opcode == TEXT:
                event = json.loads(payload)
                schemas.validate_received(self.dialect, event)
                return event
            if opcode == PING:
                self.writer.write(frame(PONG, payload))
            elif opcode == CLOSE:
                raise ConnectionError(struct.unpack("!H", payload[:2]) if payload else None)

    async def _frame(self):
        first, length = await self.reader.readexactly(2)
        if length >= 126:
            wide = await self.reader.readexactly(2 if length == 126 else 8)
            length = int.from_bytes(wide, "big")
        return first & 0x0F, await self.reader.readexactly(length)

    def close(self):
        self.writer.write(frame(CLOSE, struct.pack("!H", 1000)))

    def drop(self):
        self.writer.transport.abort()


class Client:
    """What both dialects have in common: one room, and a place in it over all connections."""

    dialect = None

    def __init__(self, number, room, addresses, token, source=None):
        self.name = f"{self.dialect}-{number}"
        self.room, self.addresses, self.token = room, addresses, token
        self.source = source
        self.chance = chance.of("client", self.name)
        self.line = None
        self.connection = None
        self.received = collections.defaultdict(list)
        self.breaks = 0
        # Seconds that payloads took to come here from where they were said, live ones alone.
        self.delays = []
        self.since = time.monotonic()
        self.is_joined = False
        self.is_talking = True
        self._task = None

    @property
    def address(self):
        """Of the next connection: any of them."""
        return self.chance.choice(self.addresses)

    @property
    def is_started(self):
        return self._task is not None

    def start(self):
        self._task = asyncio.ensure_future(self._live())

    async def stop(self):
        while not self._task.done():
            self._task.cancel()
            await asyncio.wait([self._task], timeout=1)

    def check(self):
        """Fails as the client failed, if it did."""
        if self._task.done():
            self._task.result()

    async def _live(self):
        while True:
            line = None
            try:
                line = self.line = await self._connect()
                self.since = time.monotonic()
                await self._converse(line)
            except (OSError, EOFError, TimeoutError, asyncio.LimitOverrunError):
                self.breaks += 1
            finally:
                self.is_joined = False
                if line:
                    line.drop()
            await asyncio.sleep(self.chance.uniform(0.05, 0.4))

    async def _converse(self, line):
        talk = asyncio.ensure_future(self._talk(line))
        try:
            while True:
                self._hear(await line.receive(), line)
        finally:
            talk.cancel()
            await asyncio.gather(talk, return_exceptions=True)

    def _note(self, data):
        """Notes a payload under the lives of both ends."""
        self.received[(data["connectionId"], self.connection)].append(data["n"])
        if data["at"] > self.since:
            self.delays.append(time.monotonic() - data["at"])

    def _chat(self):
        return {"type": "chat", "n": next(self.numbers), "at": time.monotonic()}


class ClassicClient(Client):
    dialect = "classic"

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.known = set()
        self.numbers = itertools.count(1)

    async def _connect(self):
        line = await Line.open(
            "classic", self.address, f"/?token={self.token}", source=self.source)
        self.connection = object()  # A new life, whose id only others know.
        self.known = set()
        line.send({"action": "join-room", "roomId": self.room, "id": self.name})
        self.is_joined = True
        return line

    async def _talk(self, line):
        while True:
            await asyncio.sleep(self.chance.uniform(0.5, 1.5))
            if self.is_talking and self.known:
                target = self.chance.choice(sorted(self.known))
                line.send({"action": "send-payload", "target": target, "payload": self._chat()})

    def _hear(self, event, line):
        if event["type"] in ("someone_joined", "chat"):
            self.known.add(event["data"]["connectionId"])
        if event["type"] == "chat":
            self._note(event["data"])


class V1Client(Client):
    dialect = "v1"

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.numbers = itertools.count(1)
        self.acked = []
        self.lives = []
        self.resumes = self.losses = 0
        # By number: the life it was said in, and who was in the room to hear it.
        self.said = {}
        self._forget()

    def _forget(self):
        """A new life begins with nothing."""
        self.session, self.seq, self.members = None, 0, {}
        self.unanswered = collections.OrderedDict()
        self.has_room = self.has_closed = False

    async def _connect(self):
        line = await Line.open(
            "v1", self.address, "/", f"usher.v1, usher.bearer.{self.token}", self.source)
        welcome = await line.receive()
        assert welcome["type"] == "welcome", welcome
        if self.session is None or self.has_closed:
            self._forget()
            self._begin(welcome["data"], line)
            return line
        line.send({"action": "resume", "session": self.session, "seq": self.seq})
        answer = await line.receive()
        if answer["type"] == "resumed":
            assert answer["data"]["connectionId"] == self.connection
            self.session = answer["data"]["session"]
            self.resumes += 1
            await self._catch_up(line, answer["data"]["seq"])
        else:
            assert answer["data"]["code"] == "resume_failed", answer
            self.losses += 1
            self._forget()
            self.seq = answer["seq"]
            self._begin(welcome["data"], line)
        return line

    def _begin(self, welcome, line):
        self.connection, self.session = welcome["connectionId"], welcome["session"]
        self.lives.append(self.connection)
        self._join(line)

    def _join(self, line):
        line.send({"action": "join-room", "roomId": self.room, "name": self.name, "id": self.name})

    async def _catch_up(self, line, last):
        """Hears the replay, then says again what did not arrive."""
        while self.seq < last:
            self._hear(await line.receive(), line)
        for message in self.unanswered.values():
            message["payload"]["at"] = time.monotonic()
            line.send(message)
        if not self.has_room:
            self._join(line)

    async def _talk(self, line):
        while True:
            await asyncio.sleep(self.chance.uniform(0.3, 1.0))
            line.send({"action": "ping"})
            if self.is_talking and self.chance.random() < 0.003:
                self.has_closed = True
                return line.close()
            if self.is_talking and self.members and self.is_joined:
                self._say(line)

    def _say(self, line):
        chat = self._chat()
        number = chat["n"]
        message = {"payload": chat, "ack": number}
        if self.chance.random() < 0.5:
            message |= {"action": "broadcast", "roomId": self.room}
            receivers = set(self.members)
        else:
            target = self.chance.choice(list(self.members))
            message |= {"action": "send-payload", "target": target}
            receivers = {target}
        self.unanswered[number] = message
        self.said[number] = (self.connection, receivers)
        line.send(message)

    def _hear(self, event, line):
        assert event["seq"] == self.seq + 1, (self.seq, event)
        self.seq = event["seq"]
        kind, data = event["type"], event["data"]
        if kind == "chat":
            self._note(data)
        elif kind == "ack":
            self.unanswered.pop(data["ack"])
            self.acked.append(data["ack"])
        elif kind == "error":
            assert data["code"] == "unknown_target", data
            self.unanswered.pop(data["ack"])
        elif kind == "room_state":
            self.is_joined = self.has_room = True
            self.members = {member["connectionId"]: member["peerId"] for member in data["members"]}
        elif kind == "someone_joined":
            assert data["connectionId"] not in self.members, data
            self.members[data["connectionId"]] = data["peerId"]
        elif kind == "someone_left":
            assert self.members.pop(data["connectionId"]) == data["peerId"], data


def population(addresses, application, count, rooms, sources=(None,), v1=V1Client):
    """Three of four speak v1; each has a subject of its own. They come from these sources, and go
    to any of the addresses."""
    for number in range(count):
        kind = ClassicClient if number % 4 == 3 else v1
        token = application.token(subject=f"user-{number}", expires_in=str(LIFE_SECONDS))
        source = sources[number % len(sources)]
        yield kind(number, f"room-{number % rooms}", addresses, token, source)


async def until(condition, within, what):
    """Waits for a condition; fails with what `what()` says."""
    deadline = time.monotonic() + within
    while not condition():
        assert time.monotonic() < deadline, f"not within {within} s: {what()}"
        await asyncio.sleep(0.1)
