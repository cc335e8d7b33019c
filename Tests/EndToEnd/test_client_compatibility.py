"""The client and what was there before it: pages, clients and servers of the classic protocol."""

import secrets
import socket
import subprocess
import time
import urllib.parse

import jwt
import pytest

from support import calls, ledger
from support.browser import Visit
from support.usher import CHECKOUT, new_folder


def first_page(browser, backend, server, name):
    query = urllib.parse.urlencode({
        "token": backend.application.token(subject=name), "client": backend.application.id,
        "name": name, "server": server.websocket_url})
    return Visit(browser, f"{backend.url}/first_implementation.html?{query}")


def test_a_page_of_the_first_implementation_works_as_it_is(browser, backend, server):
    ann = first_page(browser, backend, server, "Ann")
    ann.until("seen.first_to_join === 1")
    bob = first_page(browser, backend, server, "Bob")
    for page, other in ((ann, "Bob"), (bob, "Ann")):
        page.until("window.states?.join() === 'connected'")
        page.until("seen.sendChannelOpen === 1 && seen.receiveChannelOpen === 1")
        page.until("received.length === 1")
        page.until("seen.trackAdded === 2")
        page.until("document.querySelector('#remote video').videoWidth > 0")
        page.until("document.getElementById('local').videoWidth > 0")
        assert page.page.evaluate("names.join()") == other
        assert page.page.evaluate("seen.socketOpen") == 1
        assert page.page.evaluate("received[0].data === `hello ${client.id}`")
        assert page.page.evaluate("Object.keys(client.peerConnections).length") == 1
    assert ann.page.evaluate("joinedName") == "Bob"
    assert ann.page.evaluate("seen.someone_joined") == 1
    ann.page.click("#mute")
    assert ann.page.evaluate("client.localStream.getTracks().every((one) => !one.enabled)")
    bob.page.goto("about:blank")
    ann.until("Object.keys(client.peerConnections).length === 0", within=15)
    assert ann.complaints == bob.complaints == []
    ann.close()


def classic_page(browser, backend, server, name, room="mixed"):
    query = urllib.parse.urlencode({
        "url": server.websocket_url, "token": backend.application.token(subject=name),
        "client": backend.application.id, "room": room, "id": f"id-{name}", "name": name})
    return Visit(browser, f"{backend.url}/classic.html?{query}")


@pytest.mark.parametrize("dialect", ["auto", "classic"])
@pytest.mark.parametrize("is_older", [True, False])
def test_a_page_with_another_classic_client_is_met(browser, backend, server, dialect, is_older):
    def ours():
        page = calls.Caller(
            browser, backend, server.websocket_url, "ours", sessionId="mixed", dialect=dialect)
        page.until("client.state === 'open'")
        return page

    def theirs():
        page = classic_page(browser, backend, server, "theirs")
        page.until("socket.readyState === 1")
        return page

    if is_older:
        our, their = ours(), theirs()
    else:
        their, our = theirs(), ours()
    our.until("client.peerConnections['id-theirs']?.connectionState === 'connected'")
    their.until("state.open.length === 1")
    if is_older:  # A classic page listens to the one channel of whoever made the offer.
        our.until("client.send('id-theirs', 'to a classic page')")
        their.until("state.received['id-ours']?.includes('to a classic page')")
    their.page.evaluate("broadcast('from a classic page')")
    our.until_heard("theirs", "from a classic page")
    their.close()
    our.until("Object.keys(client.peerConnections).length === 0", within=60)
    assert their.complaints == []
    our.close_page()


SHARE = """async () => {
  const canvas = document.createElement('canvas');
  canvas.width = 640; canvas.height = 160;
  const paint = canvas.getContext('2d');
  setInterval(() => {
    paint.fillStyle = `hsl(${Date.now() / 20 % 360} 60% 50%)`;
    paint.fillRect(0, 0, 640, 160);
  }, 60);
  const sound = new AudioContext().createMediaStreamDestination().stream;
  await client.shareScreen(
    new MediaStream([...canvas.captureStream(15).getTracks(), ...sound.getTracks()]));
}"""
SHAPE = """(({ videoWidth, videoHeight }) => videoWidth / videoHeight)(
  document.querySelector("video"))"""


def test_a_classic_page_gets_the_picture_of_a_shared_screen(browser, backend, server):
    our = calls.Caller(browser, backend, server.websocket_url, "ours", sessionId="screen",
                       video={"audio": True, "video": True})
    our.until_event("localStream")
    our.until_event("first_to_join")
    their = classic_page(browser, backend, server, "theirs", room="screen")
    their.until("state.open.length === 1 && state.tracks.length === 2")
    their.until(f"{SHAPE} < 2")
    our.page.evaluate(SHARE)
    their.until(f"{SHAPE} > 3", 30)
    our.until("client.send('id-theirs', 'do you see it?')")
    their.until("state.received['id-ours']?.includes('do you see it?')")
    our.page.evaluate("client.stopScreenShare()")
    their.until(f"{SHAPE} < 2", 30)
    # One connection and one offer, which is all that it takes.
    assert sorted(their.page.evaluate("state.tracks")) == ["id-ours audio", "id-ours video"]
    assert their.page.evaluate("[state.connections, state.errors]") == [1, []]
    assert their.complaints == []
    their.close()
    our.close_page()


def test_two_of_ours_meet_over_the_classic_dialect(browser, backend, server):
    ann, bob = (calls.Caller(browser, backend, server.websocket_url, name, sessionId="old",
                             dialect="classic", video={"audio": True, "video": True})
                for name in ("ann", "bob"))
    ann.until_connected("bob")
    bob.until_connected("ann")
    ann.talk_to(bob)
    bob.until("(async () => (await framesDecoded())['id-ann'] > 3)()")
    assert ann.page.evaluate("client.dialect") == "classic"
    for page in (ann, bob):
        page.close_page()


class ClassicServer:
    """A line to Usher that hides what a server of the first implementation does not know."""

    def __init__(self, server):
        self.wire = calls.Wire(server.url)
        inner = self.wire._pump

        def pump(source, sink):
            if sink.getpeername() == self.wire.target:
                return self._filtered(source, sink)
            return inner(source, sink)

        self.wire._pump = pump

    def _filtered(self, client, server):
        """No subprotocols, and no route of the HTTP service."""
        head = b""
        while b"\r\n\r\n" not in head:
            data = client.recv(65536)
            if not data:
                return
            head += data
        lines = head.split(b"\r\n")
        lines[0] = lines[0].replace(b"/signal/check", b"/not-known")
        lines = [line for line in lines if not line.lower().startswith(b"sec-websocket-protocol")]
        if lines[0].startswith(b"POST"):  # Else the next request would come by unseen.
            lines = [line for line in lines if not line.lower().startswith(b"connection:")]
            lines.insert(1, b"Connection: close")
        server.sendall(b"\r\n".join(lines))
        try:
            while data := client.recv(65536):
                server.sendall(data)
        except OSError:
            pass
        for one in (client, server):
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


class OldApplication:
    """One whose backend signs its tokens itself."""

    def __init__(self, server):
        self.secret = ledger.remember(secrets.token_urlsafe(48), "a legacy secret")
        added = server.usher.json(
            "client", "add", "Old game", "--legacy-hs256", stdin=self.secret + "\n")
        ledger.remember_client(added["client_id"], added["client_secret"])
        self.id = added["client_id"]

    def token(self, **_):
        claims = {"client": self.id, "expiresAt": time.time() + 600}
        return ledger.remember(jwt.encode(claims, self.secret), "a legacy token")


def test_a_server_without_v1_is_spoken_to_in_classic(browser, server):
    classic = ClassicServer(server)
    with classic.wire, calls.backend(OldApplication(server)) as backend:
        ann, bob = (calls.Caller(browser, backend, classic.wire.url, name, sessionId="found-out",
                                 dialect="auto")
                    for name in ("ann", "bob"))
        for one, other in ((ann, bob), (bob, ann)):
            one.until_connected(other.name, within=40)
        assert ann.page.evaluate("client.dialect") == "classic"
        ann.talk_to(bob)
        ann.close()
        bob.close()


def test_what_is_built_is_what_the_sources_give():
    done = subprocess.run(
        [CHECKOUT / "scripts" / "build-client", "--check"], capture_output=True, text=True,
        timeout=300, check=False)
    assert done.returncode == 0, done.stderr


def test_the_types_accept_good_code_and_refuse_bad_code():
    good = """
import { WebRtcClient, PeerStats } from 'usher-webrtc-client';
const client = new WebRtcClient({
  sessionId: 'room', getToken: async () => 'token', video: { audio: true, video: true },
});
client.addEventListener('message', ({ detail }) => {
  const text: string | ArrayBuffer = detail.data;
  console.log(detail.peerId, text);
});
client.addEventListener('sendChannelOpen', ({ detail: { sendChannel } }) => sendChannel.send('x'));
const sent: Promise<boolean> = client.send('peer', new Uint8Array(1));
const reached: Promise<number> = client.broadcast('text');
client.stats('peer').then((stats: PeerStats | undefined) => stats?.rttMs);
for (const info of Object.values(client.peerInfo)) {
  console.log(info.name, info.state, sent, reached);
}
client.close();
"""
    assert check_types(good) == ""
    for bad in [
        "client.addEventListener('mesage', () => undefined);",
        "client.addEventListener('noMedia', ({ detail }) => detail.peerId);",
        "new WebRtcClient({ name: 'x' });", "const n: number = client.send('peer', 'x');",
    ]:
        assert "error TS" in check_types(good + bad), bad


def check_types(source):
    folder = new_folder("types")
    (folder / "node_modules").mkdir()
    (folder / "node_modules" / "usher-webrtc-client").symlink_to(CHECKOUT / "client")
    (folder / "page.ts").write_text(source)
    done = subprocess.run(
        ["tsc", "--noEmit", "--strict", "--target", "ES2020", "--moduleResolution", "node",
         "page.ts"],
        cwd=folder, capture_output=True, text=True, timeout=120, check=False)
    return done.stdout
