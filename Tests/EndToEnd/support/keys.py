"""Keys of a server, as its users and its operator see them."""

import json

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519

from . import http, peers

KEY_SET = "/.well-known/jwks.json"


def kids(server):
    return [key["kid"] for key in http.get(server.url, KEY_SET).json["keys"]]


def kid(token):
    return jwt.get_unverified_header(token)["kid"]


def is_let_in(application, token, server=None):
    target = peers.query(token, application.id)
    return peers.attempt(server or application.server, target).status == 101


def stages(usher, *flags):
    return [key["stage"] for key in usher.json("key", "list", *flags)]


def pem(key):
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption()).decode()


def import_key(usher):
    """Gives a data folder on which no service has run its first key."""
    key = ed25519.Ed25519PrivateKey.generate()
    return usher.json("key", "import", stdin=pem(key))["kid"]


def audit(usher):
    lines = usher.succeed("audit", "--json").splitlines()
    return [entry for entry in map(json.loads, lines) if entry["action"].startswith("key.")]
