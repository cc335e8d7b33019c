"""Pages that use the built client, and a backend that gives them tokens."""

import json
import os
import socket
import threading
import time
import urllib.parse
from contextlib import contextmanager

from .browser import PAGES, Visit
from .site import QuietHandler, Site
from .usher import CHECKOUT

DIST = CHECKOUT / "client" / "dist"
TYPES = {".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8"}
# What Chromium itself says of a socket or request that the test has cut; nobody can keep it quiet.
NETWORK = (
    "WebSocket connection to", "Failed to load resource: net::", "WebSocket is already in CLOSING",
    "/signal/check: ")


class Backend:
    """An application's web server: pages, the client's script, and tokens."""

    def __init__(self, application, address="127.0.0.1"):
        self.application = application
        self.files = {}
        self.lifetime = None
        self.fails = False
        # Whichever of `client/dist` pages get as `/webrtc-client.js`.
        self.is_minified = os.environ.get("USHER_CLIENT") == "min"
        backend = self

        class Handler(QuietHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                backend.answer(self)

        self.site = Site(Handler, address)
        self.url = f"http://{address}:{self.site.server_port}"

    def answer(self, request):
        place = urllib.parse.urlsplit(request.path)
        asked = dict(urllib.parse.parse_qsl(place.query))
        if place.path == "/token":
            return self.token(request, asked)
        name = place.path.rsplit("/", 1)[-1]
        if name in self.files:
            return self.send(request, 200, TYPES[".html"], self.files[name].encode())
        if self.is_minified and name == "webrtc-client.js":
            name = "webrtc-client.min.js"
        for folder in (PAGES, DIST):
            path = folder / name
            if name and path.is_file():
                return self.send(request, 200, TYPES[path.suffix], path.read_bytes())
        # Browsers ask for an icon by themselves.
        status = 204 if name == "favicon.ico" else 404
        return self.send(request, status, TYPES[".html"], b"")

    def token(self, request, asked):
        if self.fails:
            return self.send(request, 200, "application/json", b"{}")
        if self.lifetime:
            asked["expires_in"] = str(self.lifetime)
        token = self.application.token(**asked)
        return self.send(request, 200, "application/json", json.dumps({"token": token}).encode())

    def send(self, request, status, kind, body):
        request.send_response(status)
        request.send_header("Content-Type", kind)
        request.send_header("Content-Length", str(len(body)))
        request.send_header("Cache-Control", "no-store")
        request.end_headers()
        request.wfile.write(body)

    def close(self):
        self.site.close()


@contextmanager
def backend(application, **options):
    one = Backend(application, **options)
    try:
        yield one
    finally:
        one.close()


class Caller(Visit):
    """A page in a call: pages/client.html with these options of `WebRtcClient`; `context` are those
    of the browser."""

    def __init__(
            self, browser, backend, server, name, page="client.html", script="", context=None,
            **options):
        self.name = name
        settings = {
            "sessionId": "room", "name": name, "id": f"id-{name}",
            "clientId": backend.application.id, "signallingServer": server, **options}
        query = urllib.parse.urlencode({"options": json.dumps(settings), "subject": name})
        super().__init__(browser, f"{backend.url}/{page}?{query}", script, **(context or {}))
        self.ignores_network = False

    def events(self, type):
        return self.page.evaluate("type => events.filter((one) => one.type === type)", type)

    def until_connected(self, *names, within=30):
        for name in names:
            self.until(f"isConnected('id-{name}')", within, tell="connections()")

    def until_event(self, type, count=1, within=30):
        self.until(f"count('{type}') >= {count}", within)
        return self.events(type)

    def hasten(self, until):
        """Until that is true, connects again without waiting for the next attempt's time."""
        deadline = time.monotonic() + 20
        while not self.page.evaluate(f"dispatchEvent(new Event('online')) && ({until})"):
            assert time.monotonic() < deadline, until
            self.page.wait_for_timeout(300)

    def say(self, text):
        return self.page.evaluate("text => client.broadcast(text)", text)

    def until_heard(self, name, text, within=20):
        self.until(f"hasHeard('id-{name}', {json.dumps(text)})", within)

    def talk_to(self, other):
        """Texts pass between the two pages, both ways, over their data channels."""
        for one, two in ((self, other), (other, self)):
            text = f"{one.name} to {two.name} {len(two.events('message'))}"
            one.until(f"client.send('id-{two.name}', {json.dumps(text)})")
            two.until_heard(one.name, text)

    def _told(self, message):
        # What the client asks after a handshake that failed is answered like that one, if at all.
        path = "/signal/check"
        is_of_check = path in message.text or message.location["url"].endswith(path)
        return f"{path}: {message.text}" if is_of_check else message.text

    def check(self, ignoring_network=False):
        """No complaint in the console, and none of a listener."""
        ignored = NETWORK if ignoring_network else ()
        found = [text for text in self.complaints if not text.startswith(ignored)]
        assert found == [], found

    def close_page(self, **options):
        self.check(**options)
        self.close()


class Wire:
    """A line to a server that can be cut and mended."""

    def __init__(self, url):
        place = urllib.parse.urlsplit(url)
        self.target = (place.hostname, place.port)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"ws://127.0.0.1:{self.listener.getsockname()[1]}"
        self.is_cut = False
        self.sockets = []
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.cut()
        self.listener.close()

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            if self.is_cut:
                client.close()
                continue
            server = socket.create_connection(self.target)
            self.sockets += [client, server]
            for pair in ((client, server), (server, client)):
                threading.Thread(target=self._pump, args=pair, daemon=True).start()

    def _pump(self, source, sink):
        try:
            while data := source.recv(65536):
                sink.sendall(data)
        except OSError:
            pass
        for one in (source, sink):
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def cut(self):
        self.is_cut = True
        for one in self.sockets:
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        self.sockets = []

    def mend(self):
        self.is_cut = False
