"""Clients that prove who they are by a signed assertion (RFC 7523, docs/backend.md)."""

import json
import uuid

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from . import http, ledger
from .forging import now
from .server import Application
from .usher import new_folder

TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
KEYS = {
    "ES256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "RS256": lambda: rsa.generate_private_key(65537, 2048),
    "EdDSA": ed25519.Ed25519PrivateKey.generate,
}


def signer(server, algorithms=KEYS):
    """A new client with a key of each of these kinds, and the private halves."""
    keys = {algorithm: KEYS[algorithm]() for algorithm in algorithms}
    public = [
        {**json.loads(jwt.get_algorithm_by_name(name).to_jwk(key.public_key())), "use": "sig"}
        for name, key in keys.items()]
    for key in public:
        key.pop("key_ops", None)
    path = new_folder("keys") / "jwks.json"
    path.write_text(json.dumps({"keys": public}))
    added = server.usher.json("client", "add", "Signer", "--assertion-keys", path)
    ledger.remember_client(added["client_id"], added["client_secret"])
    return Application(server, added["client_id"], added["client_secret"]), keys


def assertion(application, key, algorithm="ES256", **changes):
    claims = {
        "iss": application.id, "sub": application.id, "aud": application.server.issuer,
        "jti": uuid.uuid4().hex, "exp": now() + 60, **changes}
    return jwt.encode(
        claims, key, algorithm, headers={"typ": "client-authentication+jwt"})


def present(application, signed, *pairs):
    answer = http.post_form(application.server.url, "/oauth2/token", [
        ("grant_type", "client_credentials"), ("client_assertion_type", TYPE),
        ("client_assertion", signed), *pairs])
    if answer.status == 200:
        ledger.remember(answer.json["access_token"], "a token")
    return answer
