"""Calls through a real TURN server, with the credentials that Usher gives."""

import socket
import subprocess

import pytest

from support import calls, ledger
from support.proxies import free_port
from support.waiting import eventually

SECRET = "a-secret-that-both-servers-have"


class Turn:
    """Debian's coturn on the loopback address."""

    def __init__(self, port):
        self.port = port
        self.log = ledger.new_log("turnserver")
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                ["turnserver", "-n", "--listening-ip=127.0.0.1", f"--listening-port={port}",
                 "--relay-ip=127.0.0.1", "--use-auth-secret", f"--static-auth-secret={SECRET}",
                 "--realm=usher.example", "--allow-loopback-peers", "--no-cli", "--no-tls",
                 "--no-dtls", "--pidfile=", "--log-file=stdout", "--verbose"],
                stdout=log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
        eventually(self._accepts, "coturn")

    def _accepts(self):
        assert self.process.poll() is None, self.log.read_text()[-2000:]
        with socket.socket() as one:
            return one.connect_ex(("127.0.0.1", self.port)) == 0

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


@pytest.fixture
def turn():
    ledger.remember(SECRET, "the TURN servers' secret")
    one = Turn(free_port())
    yield one
    one.stop()


@pytest.fixture
def relayed(start, turn, tmp_path):
    """A server that tells of the TURN server."""
    secret = tmp_path / "turn.secret"
    secret.write_text(SECRET + "\n")

    def start_server(*flags):
        return start(
            "--turn-server", f"turn:127.0.0.1:{turn.port}?transport=udp", "--turn-secret-file",
            secret, *flags)

    return start_server


def meet(browser, backend, server, **options):
    options = {"iceTransportPolicy": "relay", **options}
    pages = [calls.Caller(browser, backend, server.websocket_url, name, **options)
             for name in ("ann", "bob")]
    for one, other in (pages, pages[::-1]):
        one.until_connected(other.name)
    return pages


def test_two_pages_meet_through_the_relay_alone(browser, relayed):
    server = relayed()
    with calls.backend(server.application()) as backend:
        ann, bob = meet(browser, backend, server, video={"audio": True, "video": True})
        ann.talk_to(bob)
        ann.until("(async () => (await framesDecoded())['id-bob'] > 3)()")
        ann.until("(async () => (await client.stats('id-bob')).relayed)()")
        for page in (ann, bob):
            page.close_page()


def test_credentials_are_renewed_before_they_end(browser, relayed):
    server = relayed("--turn-credential-seconds", "10")
    with calls.backend(server.application()) as backend:
        ann, bob = meet(browser, backend, server)
        credential = "Object.values(client.peerConnections)[0].getConfiguration().iceServers[0]"
        first = ann.page.evaluate(f"{credential}.username")
        # Renewed when a fifth of their life is left.
        ann.until(f"{credential}.username !== {first!r}", within=30)
        ann.page.evaluate("client.restartIce()")
        bob.page.wait_for_timeout(1000)
        ann.talk_to(bob)
        for page in (ann, bob):
            page.close_page()


def test_ice_is_restarted_after_the_path_is_lost(browser, relayed, turn):
    server = relayed()
    with calls.backend(server.application()) as backend:
        ann, bob = meet(browser, backend, server)
        turn.stop()
        for page in (ann, bob):
            page.until("Object.values(client.peerConnections)[0].connectionState !== 'connected'",
                       within=60)
        again = Turn(turn.port)
        try:
            for one, other in ((ann, bob), (bob, ann)):
                one.until_connected(other.name, within=90)
            ann.talk_to(bob)
            for page in (ann, bob):
                assert page.events("someone_left") == []
            for page in (ann, bob):
                page.close_page()
        finally:
            again.stop()


def test_a_stranger_cannot_use_the_relay(browser, relayed, turn):
    server = relayed()
    with calls.backend(server.application()) as backend:
        ann, bob = meet(browser, backend, server)
        found = ann.page.evaluate("""async () => {
          const gather = async (server) => {
            const connection = new RTCPeerConnection(
              { iceServers: [server], iceTransportPolicy: 'relay' });
            connection.createDataChannel('x');
            const kinds = [];
            const isOver = new Promise((resolve) => {
              connection.onicecandidate = ({ candidate }) =>
                candidate ? kinds.push(candidate.type) : resolve();
            });
            await connection.setLocalDescription();
            await Promise.race([isOver, new Promise((resolve) => setTimeout(resolve, 8000))]);
            connection.close();
            return kinds;
          };
          const [connection] = Object.values(client.peerConnections);
          const [good] = connection.getConfiguration().iceServers;
          const later = String(Number(good.username.split(':')[0]) + 3600);
          return {
            good: await gather(good),
            forged: await gather({ ...good, credential: 'AAAA' }),
            stretched: await gather(
              { ...good, username: good.username.replace(/^[0-9]+/, later) }),
          };
        }""")
        assert set(found["good"]) == {"relay"}
        assert found["forged"] == found["stretched"] == []
        for page in (ann, bob):
            page.close_page()
