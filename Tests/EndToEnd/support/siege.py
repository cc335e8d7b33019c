"""Attackers behind one address, as a process of their own that gives way to everybody else.

`python -m support.siege` reads its plan as a line of JSON, attacks until its stdin ends, and prints
how often each attack was answered with what (0: not at all).
"""

import asyncio
import base64
import collections
import itertools
import json
import os
import secrets
import socket
import sys

from . import chance
from .cost import marks
from .http import basic
from .swarm import Line

PATIENCE_SECONDS = 20
HELD_MAX = 1500
FORM = ("Content-Type", "application/x-www-form-urlencoded")
JSON = ("Content-Type", "application/json")
UPGRADE = [
    ("Upgrade", "websocket"), ("Connection", "Upgrade"), ("Sec-WebSocket-Version", "13"),
    ("Sec-WebSocket-Key", "AAAAAAAAAAAAAAAAAAAAAA==")]
# Seconds between an attack's end and the next of its kind.
PAUSES = {
    "edge_type": 0.3, "edge_path": 0.3, "edge_fields": 0.5, "form_value": 0.2, "form_names": 0.2,
    "path": 0.2, "token_in_header": 0.2, "token_in_query": 0.2, "escaped_names": 0.5,
    "half_sent": 0.2, "flood": 0.2, "slow_reader": 1, "away": 0.3, "wrong_secret": 0.05,
    "unknown_client": 0.05, "revocation": 0.02, "registration_again": 0.05, "foreign_origin": 0.1,
}


def event(type="viewer-request", path="/", fields=None):
    request = {"clientIp": "192.0.2.1", "method": "GET", "uri": path, "querystring": "",
               "headers": fields or {}}
    records = [{"cf": {"config": {"eventType": type}, "request": request}}]
    return json.dumps({"Records": records}, ensure_ascii=False).encode()


class Siege:
    def __init__(self, plan):
        self.address = tuple(plan["address"])
        self.source = plan["source"]
        self.client, self.secret = plan["client"]
        self.victim = plan["victim"]
        self.token = plan["token"]
        self.registration = plan["registration"]
        self.outcomes = collections.Counter()
        self.half, self.idle, self.slow = [], [], []
        self.speaker = None
        self.numbers = itertools.count()
        self.chance = chance.of("siege")

    async def persist(self, name):
        while True:
            try:
                outcome = await getattr(self, name)()
            except (OSError, EOFError, TimeoutError, asyncio.LimitOverrunError):
                outcome = 0
            self.outcomes[f"{name} {outcome}"] += 1
            await asyncio.sleep(PAUSES[name])

    async def connect(self, receive_buffer=None):
        one = socket.socket()
        one.setblocking(False)
        one.bind((self.source, 0))
        if receive_buffer:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                await asyncio.get_running_loop().sock_connect(one, self.address)
        except BaseException:
            one.close()
            raise
        return one

    async def ask(self, method, target, *fields, body=b""):
        """The status of the answer."""
        one = await self.connect()
        loop = asyncio.get_running_loop()
        try:
            head = "".join(f"{name}: {value}\r\n" for name, value in fields)
            async with asyncio.timeout(PATIENCE_SECONDS):
                await loop.sock_sendall(one, (
                    f"{method} {target} HTTP/1.1\r\nHost: usher\r\n"
                    f"Content-Length: {len(body)}\r\n{head}\r\n").encode() + body)
                answer = await loop.sock_recv(one, 4096)
            return int(answer.split()[1]) if answer else 0
        finally:
            one.close()

    # Text that is dear to compare

    def edge_type(self):
        return self.ask("POST", "/edge/viewer-request", JSON, body=event(type=marks(30_000)))

    def edge_path(self):
        return self.ask("POST", "/edge/viewer-request", JSON, body=event(path="/" + marks(12_000)))

    def edge_fields(self):
        fields = {f"x-{number}": [{"value": "1"}] for number in range(900)}
        return self.ask("POST", "/edge/viewer-request", JSON, body=event(fields=fields))

    def form_value(self):
        return self.form(f"grant_type={marks(12_000)}")

    def form_names(self):
        return self.form("&".join(f"a{marks(100)}{number}=1" for number in range(120)))

    def form(self, text, *fields):
        return self.ask("POST", "/oauth2/token", FORM, *fields, body=text.encode())

    def path(self):
        return self.ask("GET", "/" + marks(4_000))

    def token_text(self):
        header = json.dumps({"alg": "ES256", "typ": marks(4_000)}, ensure_ascii=False).encode()
        return base64.urlsafe_b64encode(header).rstrip(b"=").decode() + ".e30.AAAA"

    def token_in_header(self):
        return self.ask("GET", "/session", ("Authorization", f"Bearer {self.token_text()}"))

    def token_in_query(self):
        return self.ask("GET", f"/?token={self.token_text()}", *UPGRADE)

    def foreign_origin(self):
        return self.ask("POST", "/session", ("Origin", f"https://{secrets.token_hex(4)}.example"))

    # Connections

    async def half_sent(self):
        for _ in range(20):
            one = await self.connect()
            one.send(b"POST /oauth2/token HTTP/1.1\r\nHost: usher\r\nContent-Le")
            if self.chance.random() < 0.5:
                one.close()
            else:
                self.half.append(one)
        drop_oldest(self.half)
        return "sent"

    async def flood(self):
        for _ in range(50):
            self.idle.append(await self.connect())
        drop_oldest(self.idle)
        return "open"

    # Sockets

    async def line(self, room):
        line = await Line.open(
            "v1", self.address, "/", f"usher.v1, usher.bearer.{self.token}", self.source)
        line.send({"action": "join-room", "roomId": room, "name": "Mallory",
                   "id": f"m-{next(self.numbers)}"})
        return line

    async def say(self, payload):
        """Broadcasts to the attackers' room, by a peer that hears what comes."""
        if self.speaker is None or self.speaker.hearing.done():
            self.speaker = await self.line("siege")
            self.speaker.hearing = asyncio.ensure_future(hear(self.speaker))
        self.speaker.send({"action": "broadcast", "roomId": "siege", "payload": payload})

    async def escaped_names(self):
        names = ("".join(f"\\u{ord(digit):04x}" for digit in f"{n:040}") for n in range(250))
        members = ",".join(f'"{name}":1' for name in names)
        await self.say({"type": "noise"})
        self.speaker.send_text(
            '{"action":"broadcast","roomId":"siege","payload":{"type":"noise",%s}}' % members)
        return "said"

    async def slow_reader(self):
        """A peer that reads nothing of what its room hears."""
        one = await self.connect(receive_buffer=4096)
        await asyncio.get_running_loop().sock_sendall(one, (
            f"GET /?token={self.token} HTTP/1.1\r\nHost: usher\r\nUpgrade: websocket\r\n"
            "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n").encode())
        await asyncio.sleep(0.1)
        self.slow.append(one)
        drop_oldest(self.slow, 40)
        await self.say({"type": "noise", "text": "x" * 60_000})
        return "open"

    async def away(self):
        """A session whose peer goes away with much to hear."""
        line = await self.line("siege")
        await line.receive()
        line.drop()
        await self.say({"type": "noise", "text": "x" * 60_000})
        return "left"

    # Accounts

    def wrong_secret(self):
        return self.form(
            "grant_type=client_credentials", basic(self.victim, secrets.token_urlsafe(32)))

    def unknown_client(self):
        return self.form("grant_type=client_credentials", basic(
            "c_" + secrets.token_urlsafe(16), secrets.token_urlsafe(32)))

    def revocation(self):
        return self.ask("POST", "/oauth2/revoke", FORM, basic(self.client, self.secret),
                        body=f"sub=user-{secrets.token_hex(8)}".encode())

    def registration_again(self):
        path, token, metadata = self.registration
        return self.ask("PUT", path, JSON, ("Authorization", f"Bearer {token}"),
                        body=json.dumps(metadata).encode())


async def hear(line):
    try:
        while True:
            await line.receive()
    except (OSError, EOFError, TimeoutError, asyncio.LimitOverrunError):
        line.drop()


def drop_oldest(held, most=HELD_MAX):
    while len(held) > most:
        held.pop(0).close()


async def main():
    os.nice(19)
    siege = Siege(json.loads(sys.stdin.readline()))
    attacks = [asyncio.ensure_future(siege.persist(name)) for name in PAUSES]
    ended = asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    done, _ = await asyncio.wait([*attacks, ended], return_when=asyncio.FIRST_COMPLETED)
    for attack in done - {ended}:
        attack.result()  # Ended by a fault of ours.
    for attack in attacks:
        attack.cancel()
    print(json.dumps(dict(sorted(siege.outcomes.items()))))


if __name__ == "__main__":
    asyncio.run(main())
