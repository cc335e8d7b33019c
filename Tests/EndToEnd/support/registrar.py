"""Clients that are registered over HTTP (RFC 7591)."""

import copy
import json
import urllib.parse

from . import http, ledger
from .server import Application

PATH = "/oauth2/register"


class Registrar:
    """A server on which clients are registered, and a token for it."""

    def __init__(self, server):
        self.server = server
        self.id, secret = server.usher.add_client(
            "Registrar", rooms=["own"], scopes=["client:register", "signal", "session"])
        self.application = Application(server, self.id, secret)
        self.token = self.issue()

    def at(self, server):
        """The same one, as another service with the same registry knows it."""
        other = copy.copy(self)
        other.server = server
        return other

    def issue(self, *flags):
        token = self.server.usher.succeed(
            "token", "issue", self.id, "--scope", "client:register", "--issuer",
            self.server.issuer, *flags).strip()
        ledger.remember(token, "an initial access token")
        return token

    def post(self, metadata, token=None, **options):
        token = self.token if token is None else token
        return send(self.server, "POST", PATH, token, metadata, **options)

    def register(self, **metadata):
        return Registered(self.server, self.post(metadata))


class Registered:
    """A client as its registration was answered."""

    def __init__(self, server, answer):
        assert answer.status == 201, answer.body
        self.server = server
        self.json = answer.json
        self.id = answer.json["client_id"]
        self.token = answer.json["registration_access_token"]
        ledger.remember(self.token, "a registration access token")
        if secret := answer.json.get("client_secret"):
            ledger.remember(secret, "the secret of a registered client")
        self.path = urllib.parse.urlsplit(answer.json["registration_client_uri"]).path

    @property
    def application(self):
        return Application(self.server, self.id, self.json["client_secret"])

    def manage(self, method, metadata=None, token=None):
        token = self.token if token is None else token
        return send(self.server, method, self.path, token, metadata)

    def put(self, **metadata):
        return self.manage("PUT", {"client_id": self.id, **metadata})


def send(server, method, path, token, document=None, **options):
    fields = [("Authorization", f"Bearer {token}")] if token else []
    body = None
    if document is not None:
        fields.append(("Content-Type", "application/json"))
        body = document if isinstance(document, bytes) else json.dumps(document).encode()
    elif method in ("POST", "PUT"):
        body = b""
    return http.request(server.url, method, path, fields, body, **options)
