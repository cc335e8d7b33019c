"""The relay as a function behind the emulated gateway, with tokens of a service of its own."""

import itertools
import os
from pathlib import Path

from . import http, peers, v1
from .gateway.rig import Gateway
from .gateway.settings import ACCOUNT
from .usher import CHECKOUT

PATH = "/prod"


def binary():
    path = Path(os.environ.get("USHER_LAMBDA", CHECKOUT / ".build" / "debug" / "usher-lambda"))
    if not path.exists():
        raise RuntimeError(f"{path} is missing: build it first (scripts/test does)")
    return path


class Home(Gateway):
    """What a test meets of it: `application` is a client's backend, `url` the API's address.

    `auth` is a service that issues tokens, and stays the caller's.
    """

    def __init__(self, auth, variables=None, has_timers=True, **settings):
        self.auth = auth
        key_set = http.get(auth.url, "/.well-known/jwks.json").body.decode()
        queue = f"{{services}}/{ACCOUNT}/timers"
        super().__init__(
            binary(), variables={
                "USHER_TABLE": "usher", "USHER_ISSUER": auth.issuer, "USHER_AUDIENCE": auth.issuer,
                "USHER_KEY_SET": key_set, "USHER_DYNAMODB": "{services}",
                "USHER_MANAGEMENT": "{services}" + PATH,
                **({"USHER_TIMER_QUEUE": queue} if has_timers else {}), **(variables or {})},
            **settings)
        self._numbers = itertools.count(1)
        self._seen = 0

    def application(self, name="Somebody", **grants):
        """A registered client, whose peers meet here."""
        return self.auth.application(name, **grants)

    def room(self):
        return f"room {next(self._numbers)}"

    def calls(self):
        """Of the function, since this was asked last."""
        calls = self.journal(self._seen)
        self._seen = calls[-1]["number"] if calls else self._seen
        return calls

    # Peers.

    def classic(self, application, token=None, **options):
        return peers.connect(At(self, application), token or application.token(), **options)

    def v1(self, application, token=None, in_query=False, **options):
        token = token or application.token()
        offered = "usher.v1" if in_query else f"usher.v1, usher.bearer.{token}"
        fields = [("Sec-WebSocket-Protocol", offered), *options.pop("fields", [])]
        target = peers.query(token if in_query else None, application.id)
        return v1.V1Peer(self.url, target, fields=fields, **options)

    def status(self, token=None, client=None, fields=()):
        """Of the answer to a handshake."""
        return peers.attempt(At(self), peers.query(token, client), fields).status

    def resumed(self, application, lost, token=None, seq=None):
        peer = self.v1(application, token)
        return peer, peer.resume(lost, seq)


class At:
    """An application, as `support.peers` asks for one, whose connections go to the gateway."""

    def __init__(self, home, application=None):
        self.server = self
        self.url = self.socket_url = home.url
        self.settle = home.rest
        self.id = application and application.id

