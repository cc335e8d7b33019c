"""deploy/turnserver.conf with the real coturn: it relays to public addresses, and is no way into a
private network."""

import base64
import hashlib
import hmac
import socket
import struct
import subprocess
import time

import pytest

from support import chance, ledger
from support.proxies import DEPLOY, free_port
from support.usher import new_folder
from support.waiting import eventually

SECRET = "a-secret-that-both-servers-have"
REALM = "meet.example"
COOKIE = 0x2112A442
BINDING, ALLOCATE, CREATE_PERMISSION = 0x0001, 0x0003, 0x0008
DENIED = ["10.1.2.3", "192.168.0.1", "172.16.5.5", "169.254.169.254", "100.64.0.1", "0.0.0.1",
          "198.18.0.1", "240.0.0.1"]


class Turn:
    def __init__(self):
        self.port = free_port()
        text = (DEPLOY / "turnserver.conf").read_text()
        for old, new in [("listening-port=3478", f"listening-port={self.port}"),
                         ("static-auth-secret=CHANGE", f"static-auth-secret={SECRET}")]:
            assert old in text
            text = text.replace(old, new)
        path = new_folder("turn") / "turnserver.conf"
        path.write_text(text + "listening-ip=127.0.0.1\nrelay-ip=127.0.0.1\n")
        log = ledger.new_log("turnserver")
        with log.open("wb") as out:
            self.process = subprocess.Popen(
                ["turnserver", "-c", path, "--pidfile=", "--log-file=stdout"],
                stdout=out, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
        self.log = log
        eventually(self.listens, "coturn")

    def listens(self):
        assert self.process.poll() is None, self.log.read_text()[-2000:]
        # It opens its UDP sockets after that for TCP.
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
            one.settimeout(1)
            try:
                one.connect(("127.0.0.1", self.port))
                one.send(struct.pack("!HHI12s", BINDING, 0, COOKIE, b"are you here"))
                return bool(one.recv(2048))
            except OSError:
                return False

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def attribute(kind, value):
    return struct.pack("!HH", kind, len(value)) + value + b"\0" * (-len(value) % 4)


class Client:
    """As much of TURN (RFC 8656) as it takes to ask for a relay and for a peer."""

    def __init__(self, port, secret=SECRET, lifetime=600):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.settimeout(10)
        self.socket.connect(("127.0.0.1", port))
        self.user = f"{int(time.time()) + lifetime}:c_one:ada"
        password = base64.b64encode(
            hmac.new(secret.encode(), self.user.encode(), hashlib.sha1).digest()).decode()
        self.key = hashlib.md5(f"{self.user}:{REALM}:{password}".encode()).digest()
        self.nonce = None
        self.draws = chance.of("transactions")

    def ask(self, method, *attributes):
        """The code of the error, or None."""
        body = b"".join(attributes)
        if self.nonce:
            body += attribute(0x0006, self.user.encode()) + attribute(0x0014, REALM.encode())
            body += attribute(0x0015, self.nonce)
            head = self._head(method, len(body) + 24)
            body += attribute(0x0008, hmac.new(self.key, head + body, hashlib.sha1).digest())
        else:
            head = self._head(method, len(body))
        self.socket.send(head + body)
        answer = self.socket.recv(2048)
        found = dict(self._attributes(answer))
        if 0x0009 not in found:
            return None
        self.nonce = found.get(0x0015, self.nonce)
        return found[0x0009][2] * 100 + found[0x0009][3]

    def _head(self, method, length):
        return struct.pack("!HHI", method, length, COOKIE) + self.draws.randbytes(12)

    def _attributes(self, answer):
        at = 20
        while at + 4 <= len(answer):
            kind, length = struct.unpack_from("!HH", answer, at)
            yield kind, answer[at + 4:at + 4 + length]
            at += 4 + length + (-length % 4)

    def allocate(self):
        wanted = attribute(0x0019, bytes([17, 0, 0, 0]))
        assert self.ask(ALLOCATE, wanted) == 401
        return self.ask(ALLOCATE, wanted)

    def permit(self, address):
        packed = struct.unpack("!I", socket.inet_aton(address))[0] ^ COOKIE
        return self.ask(
            CREATE_PERMISSION,
            attribute(0x0012, struct.pack("!BBHI", 0, 1, 9 ^ (COOKIE >> 16), packed)))


@pytest.fixture
def turn():
    ledger.remember(SECRET, "the TURN servers' secret")
    one = Turn()
    yield one
    one.stop()


def test_private_addresses_are_denied_and_public_ones_are_not(turn):
    client = Client(turn.port)
    assert client.allocate() is None
    for address in DENIED:
        assert client.permit(address) == 403, address
    assert client.permit("127.0.0.1") == 403
    # A public address that no packet is sent to here.
    assert client.permit("8.8.8.8") is None


def test_only_credentials_of_ours_that_have_not_ended_are_taken(turn):
    assert Client(turn.port, secret="another secret").allocate() == 401
    assert Client(turn.port, lifetime=-60).allocate() == 401
    assert Client(turn.port).allocate() is None
