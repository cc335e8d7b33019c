"""Clients of the first implementation, whose backends sign tokens themselves."""

import secrets
import time

import jwt

from . import ledger
from .peers import Peer, query


def registered(usher, name, flags=()):
    """A new client with a legacy secret: (id, client secret, legacy secret)."""
    secret = ledger.remember(secrets.token_urlsafe(48), "a legacy secret")
    added = usher.json("client", "add", name, "--legacy-hs256", *flags, stdin=secret + "\n")
    ledger.remember_client(added["client_id"], added["client_secret"])
    return added["client_id"], added["client_secret"], secret


class Backend:
    """Of a new client, or of the one that a home knows from its beginning."""

    def __init__(self, server, name="Old game", flags=(), client=None):
        self.server = server
        self.id, self.client_secret, self.secret = client or registered(server.usher, name, flags)

    def claims(self, **changes):
        claims = {"client": self.id, "expiresAt": time.time() + 600, **changes}
        return {name: value for name, value in claims.items() if value is not None}

    def token(self, key=None, headers=None, algorithm="HS256", **changes):
        token = jwt.encode(
            self.claims(**changes), key or self.secret, algorithm=algorithm, headers=headers)
        return ledger.remember(token, f"a legacy token of {self.id}")

    def connect(self, token=None, server=None):
        """As deployed pages do."""
        home = server or self.server
        target = query(token or self.token(), self.id, "/" if home.legacy_client else "/dev")
        peer = Peer(home.socket_url, target)
        peer.home = home
        return peer
