"""The emulator around its toy function (`toy_function`)."""

import json
import socket
import sys
import urllib.parse

from .gateway.rig import FOLDER, Gateway
from .gateway.settings import Settings
from .waiting import eventually

MOCKS = {"ping": '{"action":"pong"}', "quiet": ""}


class Toy(Gateway):
    def __init__(self, variables=None, **settings):
        self._changed = {}
        self._seen = 0
        super().__init__(
            sys.executable, "-BPm", "support.toy_function", routes="named",
            mock_routes=json.dumps(MOCKS), variables={
                "TOY_SERVICES": "{services}", "PYTHONPATH": str(FOLDER), **(variables or {})},
            **settings)

    def set(self, **values):
        self._changed.update({name: getattr(Settings(), name) for name in values})
        super().set(**values)

    def fresh(self):
        """As at the beginning, but for what happened."""
        if self._changed:
            super().set(**self._changed)
        self._changed = {}
        self.clear()
        self.rest()
        self._seen = self.log.stat().st_size

    # -- What the function logged since then.

    def lines(self, member):
        with self.log.open("rb") as file:
            file.seek(self._seen)
            lines = [json.loads(line) for line in file.read().split(b"\n")[:-1]]
        return [line for line in lines if member in line]

    def events(self, route=None):
        events = [line["event"] for line in self.lines("event")]
        return [event for event in events
                if route in (None, event.get("requestContext", {}).get("routeKey"))]

    def said(self):
        return [line["said"] for line in self.lines("said")]

    def results(self):
        """What came of the function's calls: their steps and statuses."""
        return [(line["step"], line["status"]) for line in self.lines("step")]

    def until(self, condition, what):
        return eventually(condition, what)

    # -- What it is told to do.

    def open(self, *do, after=(), fields=()):
        query = {name: json.dumps(steps) for name, steps in (("do", do), ("after", after)) if steps}
        return self.connect(urllib.parse.urlencode(query), fields)

    def connecting(self, do):
        """A plain socket that has asked for a connection."""
        place = urllib.parse.urlsplit(self.url)
        target = f"{place.path}?{urllib.parse.urlencode({'do': json.dumps(do)})}"
        plain = socket.create_connection((place.hostname, place.port))
        plain.sendall("\r\n".join([
            f"GET {target} HTTP/1.1", f"Host: {place.netloc}", "Upgrade: websocket",
            "Connection: Upgrade", "Sec-WebSocket-Version: 13",
            f"Sec-WebSocket-Key: {'A' * 22}==", "", ""]).encode())
        return plain

    def tell(self, client, *do, after=(), **more):
        client.send_text(json.dumps({"do": do, "after": after, **more}))

    def invoke(self, *do, **options):
        """The outcome of an invocation from outside, as botocore has it."""
        answer = self.client("lambda").invoke(
            FunctionName="usher", Payload=json.dumps({"do": do}).encode(), **options)
        return answer, answer["Payload"].read()
