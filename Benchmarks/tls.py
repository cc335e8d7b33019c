"""What TLS costs where Usher ends it itself: the same peers over ws and over wss."""

import itertools
import json
import os
import socket
import ssl
import struct
import subprocess
import tempfile
import urllib.request
from pathlib import Path
from statistics import median

import servers

ROOMS, CONNECTIONS = 20, 400
PAYLOAD = "x" * 1200
TICKS = os.sysconf("SC_CLK_TCK")
rooms = itertools.count()


class SecureUsher(servers.Usher):
    """`usher serve` with a certificate made for it."""

    def __init__(self, binary):
        with tempfile.TemporaryDirectory() as folder:
            key, certificate = Path(folder, "key.pem"), Path(folder, "certificate.pem")
            subprocess.run(
                ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                 "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-keyout", key, "-out",
                 certificate, "-subj", "/CN=localhost", "-addext",
                 "subjectAltName=IP:127.0.0.1"],
                check=True, capture_output=True)
            self.context = ssl.create_default_context(cafile=certificate)
            opener = urllib.request.build_opener(
                urllib.request.HTTPSHandler(context=self.context))
            urllib.request.install_opener(opener)
            super().__init__(
                binary, name="wss", flags=["--tls-cert", certificate, "--tls-key", key])


class Peer:
    """A classic client, as small as can be."""

    def __init__(self, server, room=None):
        plain = socket.create_connection(("127.0.0.1", server.port), 10)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        context = getattr(server, "context", None)
        self.socket = (
            context.wrap_socket(plain, server_hostname="127.0.0.1") if context else plain)
        self.socket.sendall(
            f"GET /?token={server.token}&client={server.client} HTTP/1.1\r\nHost: 127.0.0.1\r\n"
            "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n".encode())
        self.stream = self.socket.makefile("rb")
        assert b" 101 " in self.stream.readline()
        while self.stream.readline() != b"\r\n":
            pass
        if room:
            self.say({"action": "join-room", "roomId": room, "id": str(id(self))})

    def say(self, message):
        text = json.dumps(message).encode()
        head = struct.pack("!BBH", 0x81, 0x80 | 126, len(text))
        if len(text) < 126:
            head = struct.pack("!BB", 0x81, 0x80 | len(text))
        self.socket.sendall(head + bytes(4) + text)  # A mask of zeros leaves it as it is.

    def hear(self):
        length = self.stream.read(2)[1]
        if length == 126:
            length = struct.unpack("!H", self.stream.read(2))[0]
        return json.loads(self.stream.read(length))

    def close(self):
        self.stream.close()
        self.socket.close()


def cpu_seconds(server):
    fields = Path(f"/proc/{server.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def message_cost(server, exchanges=2000):
    """CPU microseconds of a message of 1.3 kB from one peer to another."""
    pairs = []
    for _ in range(ROOMS):
        room = f"room-{next(rooms)}"  # Of its own: peers of an earlier round may not be gone yet.
        older = Peer(server, room)
        older.hear()
        newer = Peer(server, room)
        pairs.append((older, newer, older.hear()["data"]["connectionId"]))
    payload = {"type": "offer", "offer": PAYLOAD}
    before = cpu_seconds(server)
    for number in range(exchanges):
        older, newer, target = pairs[number % ROOMS]
        older.say({"action": "send-payload", "target": target, "payload": payload})
        newer.hear()
    cost = (cpu_seconds(server) - before) / exchanges * 1e6
    for older, newer, _ in pairs:
        older.close()
        newer.close()
    return cost


def connection_cost(server):
    """CPU microseconds and resident bytes of a connection."""
    cpu, memory = cpu_seconds(server), servers.resident_kilobytes(server)
    peers = [Peer(server) for _ in range(CONNECTIONS)]
    costs = (
        (cpu_seconds(server) - cpu) / CONNECTIONS * 1e6,
        (servers.resident_kilobytes(server) - memory) / CONNECTIONS)
    for peer in peers:
        peer.close()
    return costs


def compare(usher, rounds):
    """Prints what each costs over ws and wss, and the ratio."""
    plain, secure = servers.Usher(usher, name="ws"), SecureUsher(usher)
    try:
        messages = {server.name: [] for server in (plain, secure)}
        for _ in range(rounds):
            for server in (plain, secure):
                messages[server.name].append(message_cost(server))
        show("CPU per message", messages["ws"], messages["wss"], "us")
        (cpu, memory), (secure_cpu, secure_memory) = map(connection_cost, (plain, secure))
        show("CPU per connection set up", [cpu], [secure_cpu], "us")
        show("memory per idle connection", [memory], [secure_memory], "kB")
    finally:
        plain.stop()
        secure.stop()


def show(what, plain, secure, unit):
    ratio = median(over / under for under, over in zip(plain, secure))
    print(f"{what:<42} ws {median(plain):>11.2f}  wss {median(secure):>9.2f} {unit:<3}"
          f"  ratio {ratio:>6.2f}", flush=True)
