"""What schemathesis needs to fuzz a server against its own description.

Each request that it makes comes from an address of its own, so that no limit by address stands in
the way, and bears credentials that work: which ones depends on the request alone.
"""

import itertools
import json
import os
import urllib.parse
import uuid
import zlib

import jwt
import schemathesis
from cryptography.hazmat.primitives.asymmetric import ec
from schemathesis.config import SchemathesisConfig
from schemathesis.generation import GenerationMode
from schemathesis.generation.meta import TestPhase

from . import http, ledger
from .forging import now
from .server import Application
from .usher import CHECKOUT, new_folder

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
CLIENT_CREDENTIALS = "client_credentials"
EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
ORIGIN = "https://app.example"
REPEATABLE = {"audience", "resource"}
CREDENTIALS = {"client_id", "client_secret", "client_assertion_type", "client_assertion"}
TOKENS = {"token", "subject_token"}
FLAGS = ["--demo", "--client-registration", "--trusted-proxy", "127.0.0.0/8"]
EXAMPLES = int(os.environ.get("USHER_TEST_OPENAPI_EXAMPLES") or 60)
# Besides these it may not take what the description does not allow, nor fail.
REFUSALS = [400, 401, 403, 404, 405, 409, 413, 414, 426, 429, 431]
CHECKS = {
    "not_a_server_error": {"expected-statuses": ["1xx", "2xx", "3xx", "4xx"]},
    "negative_data_rejection": {"expected-statuses": REFUSALS},
    # A form in which every parameter is well-formed may still ask for what is not granted.
    "positive_data_acceptance": {"expected-statuses": ["1xx", "2xx", "3xx", *REFUSALS]},
}
EXAMPLE_CHECKS = {"positive_data_acceptance": {"expected-statuses": ["2xx", "3xx"]}}
CONFIG = {
    "seed": 1,
    "generation": {"deterministic": True, "max-examples": EXAMPLES, "mode": "all"},
    "checks": CHECKS,
    "phases": {"examples": {"checks": EXAMPLE_CHECKS}},
    "operations": [
        # What is no WebSocket handshake is not found there, whatever its method.
        {"include-path": "/", "checks": {"unsupported_method": {"enabled": False}}},
        # A cookie that is no good does not matter beside a token that is.
        {"include-path": "/ice-servers", "checks": {
            "unsupported_method": {"enabled": False}, "ignored_auth": {"enabled": False}}},
        {"include-path-regex": "^/session", "checks": {"unsupported_method": {"enabled": False}}},
        # An empty parameter is as good as none, and one of the other grant is ignored like an
        # unknown one (RFC 6749 §3.2): not every breach of the schema is refused.
        {"include-path-regex": "^/(oauth2/(token|introspect|revoke)|session/token|signal/check)$",
         "checks": {"negative_data_rejection": {"enabled": False}}}],
}


def description():
    """The description that is checked in, ready to make tests of."""
    return schemathesis.openapi.from_path(
        CHECKOUT / "docs" / "openapi.json", config=SchemathesisConfig.from_dict(CONFIG))


class Fuzzed:
    """A server, and a client of it that may use every way of authenticating."""

    def __init__(self, server):
        self.server = server
        self.url = server.url
        self.issuer = server.issuer
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.client = self._register()
        # Another's, since tokens of the client are revoked as the description says.
        registrar, _ = server.usher.add_client("Registrar", scopes=["client:register", "signal"])
        self.initial_token = server.usher.succeed(
            "token", "issue", registrar, "--scope", "client:register", "--issuer",
            self.issuer, "--expires-in", "3600").strip()
        ledger.remember(self.initial_token, "an initial access token")
        self._registered = None
        self._addresses = itertools.count(1)

    def _register(self):
        public = json.loads(jwt.get_algorithm_by_name("ES256").to_jwk(self.key.public_key()))
        public.pop("key_ops", None)
        path = new_folder("keys") / "jwks.json"
        path.write_text(json.dumps({"keys": [public]}))
        added = self.server.usher.json(
            "client", "add", "Fuzzed", "--scope", "signal", "--scope", "session",
            "--assertion-keys", path, "--origin", ORIGIN)
        ledger.remember_client(added["client_id"], added["client_secret"])
        return Application(self.server, added["client_id"], added["client_secret"])

    def equip(self, case):
        """Puts what works in the place of what the description gives only the form of; returns
        header fields to send along."""
        # A length that is no number is answered by libmicrohttpd itself (test_malformed_http.py).
        for name in [name for name in case.headers or () if name.lower() == "content-length"]:
            del case.headers[name]
        number = next(self._addresses)
        fields = {
            "X-Forwarded-For": f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}",
            "X-Forwarded-Proto": "https"}
        if case.path == "/oauth2/register":
            fields["Authorization"] = f"Bearer {self.initial_token}"
        elif case.path.startswith("/oauth2/register/"):
            fields["Authorization"] = f"Bearer {self._manage(case)}"
        elif case.path.startswith("/oauth2/"):
            fields |= self._authenticate(case)
        elif case.path in ("/session", "/session/token", "/ice-servers"):
            fields |= self._lean_on_a_session(case)
        elif case.path == "/signal/check" and is_positive(case):
            self._ask(case)
        elif case.path == "/" and is_positive(case):
            fields |= self._shake_hands(case)
        return fields

    def _lean_on_a_session(self, case):
        """As a page does; each time with a session of its own, since one may be ended."""
        if case.method == "OPTIONS":
            return {"Origin": ORIGIN}
        wish = {"scope": "session", "subject": "ada"}
        token = self.client.token(**({} if case.path == "/ice-servers" else wish))
        if case.path == "/session" and case.method == "POST" or case.path == "/ice-servers":
            return {"Authorization": f"Bearer {token}"}
        return {"Cookie": f"__Host-usher_session={token}"}

    def _shake_hands(self, case):
        """As a WebSocket does, in two cases of three."""
        choice = zlib.crc32(repr(case.query).encode()) % 6
        if "token" in (case.query or {}):
            case.query["token"] = self._token(case.query["token"])
            case.query.pop("client", None)
        return {} if choice > 3 else {
            "Connection": "Upgrade", "Upgrade": "websocket",
            "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
            "Sec-WebSocket-Version": "12" if choice == 0 else "13"}

    def _ask(self, case):
        """About a token that is good."""
        if isinstance(case.body, dict) and "token" in case.body:
            case.body["token"] = self.client.token()
            case.body.pop("client", None)

    def _manage(self, case):
        """Names a registered client in a good case; returns the token that it is managed with."""
        if self._registered is None:
            answer = http.request(
                self.url, "POST", "/oauth2/register",
                [("Authorization", f"Bearer {self.initial_token}"),
                 ("Content-Type", "application/json")], b'{"client_name": "Managed"}')
            assert answer.status == 201, answer.body
            self._registered = answer.json
            ledger.remember_client(answer.json["client_id"], answer.json["client_secret"])
            ledger.remember(answer.json["registration_access_token"], "a registration token")
        registered = self._registered
        if is_positive(case):
            case.path_parameters["client_id"] = registered["client_id"]
            if isinstance(case.body, dict):
                case.body["client_id"] = registered["client_id"]
            if case.method == "DELETE":
                self._registered = None
        return registered["registration_access_token"]

    def _authenticate(self, case):
        """By one of three ways, or, in one case of four, by whatever stands in the form."""
        way = zlib.crc32(repr((case.path, case.body)).encode())
        way %= 3 if case.meta.phase.name == TestPhase.EXAMPLES else 4
        if is_positive(case) and isinstance(case.body, dict) and way < 3:
            kept = {name: value for name, value in case.body.items() if name not in CREDENTIALS}
            kept |= {name: self._token(kept[name]) for name in kept.keys() & TOKENS}
            case.body = kept | self._credentials(way)
        return dict([http.basic(self.client.id, self.client.secret)]) if way == 0 else {}

    def _credentials(self, way):
        if way == 1:
            return {"client_id": self.client.id, "client_secret": self.client.secret}
        if way == 2:
            return {"client_assertion_type": ASSERTION_TYPE, "client_assertion": self._assertion()}
        return {}

    def _token(self, value):
        """A fresh access or session token, or the value itself."""
        wish = [{"rooms": "lobby"}, {"scope": "session", "subject": "ada"}, None][
            zlib.crc32(repr(value).encode()) % 3]
        return self.client.token(**wish) if wish else value

    def _assertion(self):
        claims = {
            "iss": self.client.id, "sub": self.client.id, "aud": self.issuer,
            "jti": uuid.uuid4().hex, "exp": now() + 60}
        return jwt.encode(
            claims, self.key, "ES256", headers={"typ": "client-authentication+jwt"})


def a_token_is_no_more_than_asked_for(context, response, case):
    """Whatever the form was: if there is a token, each parameter stood there once, and the token
    has no other rooms or scopes and lives no longer than the form said."""
    if case.path != "/oauth2/token" or response.status_code != 200:
        return
    form = urllib.parse.parse_qs(response.request.body, keep_blank_values=False)
    asked = {name: values[0] for name, values in form.items()}
    repeated = {name for name, values in form.items() if len(values) > 1}
    token = response.json()
    assert asked["grant_type"] in (CLIENT_CREDENTIALS, EXCHANGE)
    assert repeated <= (REPEATABLE if asked["grant_type"] == EXCHANGE else set()), repeated
    assert token["expires_in"] <= int(asked.get("expires_in", 600))
    assert set(token["scope"].split()) <= set(asked.get("scope", token["scope"]).split())
    assert set(token["rooms"]) <= set(asked.get("rooms", "*").split(" "))


def is_positive(case):
    return case.meta.generation.mode == GenerationMode.POSITIVE
