"""Clients that sign instead of sending a secret (RFC 7523), and token exchange (RFC 8693)."""

import json

import jwt
import pytest

from support import assertions, http, ledger
from support.assertions import KEYS, assertion, present
from support.forging import now
from support.peers import connect
from support.registrar import Registrar
from support.server import Application
from support.usher import CHECKOUT
from support.waiting import eventually

EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
JWT_TYPE = "urn:ietf:params:oauth:token-type:jwt"


@pytest.fixture(scope="module")
def signer(server):
    """A client with one key of each kind, and the private halves."""
    return assertions.signer(server)


@pytest.mark.parametrize("algorithm", KEYS)
def test_an_assertion_of_another_library_gets_a_token_once(signer, algorithm):
    application, keys = signer
    signed = assertion(application, keys[algorithm], algorithm)
    answer = present(application, signed, ("rooms", "lobby"))
    assert answer.status == 200, answer.body
    assert answer.json["rooms"] == ["lobby"]
    again = present(application, signed)
    assert (again.status, again.error) == (401, "invalid_client")
    assert "jti" in again.json["error_description"]


def test_a_stolen_assertion_that_is_replayed_stops_none_of_its_clients_own(start):
    server = start("--client-registration")
    key = KEYS["ES256"]()
    public = json.loads(jwt.get_algorithm_by_name("ES256").to_jwk(key.public_key()))
    registered = Registrar(server).register(
        token_endpoint_auth_method="private_key_jwt",
        jwks={"keys": [{name: public[name] for name in ("kty", "crv", "x", "y")}]})
    application = Application(server, registered.id, None)
    stolen = assertion(application, key)
    assert present(application, stolen).status == 200
    assert {present(application, stolen).error for _ in range(150)} == {"invalid_client"}
    assert present(application, assertion(application, key)).status == 200


@pytest.mark.parametrize("changes, named", [
    ({"aud": "https://other.example"}, "aud"), ({"exp": 1}, "exp"), ({"sub": "c_other"}, "sub"),
    ({"exp": now() + 7200}, "exp"), ({"jti": ""}, "jti")])
def test_a_wrong_claim_is_named(signer, changes, named):
    application, keys = signer
    answer = present(application, assertion(application, keys["ES256"], **changes))
    assert (answer.status, answer.error) == (401, "invalid_client")
    assert named in answer.json["error_description"]


def test_a_foreign_key_gets_nothing(signer):
    application, _ = signer
    answer = present(application, assertion(application, KEYS["ES256"]()))
    assert (answer.status, answer.error) == (401, "invalid_client")


def exchange(application, token, *pairs):
    answer = http.post_form(application.server.url, "/oauth2/token", [
        ("grant_type", EXCHANGE), ("subject_token", token), ("subject_token_type", JWT_TYPE),
        *pairs], [http.basic(application.id, application.secret)])
    if answer.status == 200:
        ledger.remember(answer.json["access_token"], "a token")
    return answer


def test_a_session_is_exchanged_for_a_token_that_opens_one_room(server):
    application = server.application(rooms=["team-*"], scopes=["signal", "session"])
    session = application.token(scope="session", subject="ada", rooms="team-1")
    answer = exchange(application, session, ("expires_in", "60"))
    assert answer.status == 200, answer.body
    assert (answer.json["scope"], answer.json["rooms"]) == ("signal", ["team-1"])
    assert answer.json["issued_token_type"].endswith(":access_token")
    with connect(application, answer.json["access_token"]) as peer:
        peer.join("team-1", id="a")
        assert peer.expect("first_to_join") == {"roomId": "team-1"}
    wider = exchange(application, session, ("rooms", "team-2"))
    assert (wider.status, wider.error) == (400, "invalid_scope")


def test_a_revoked_session_is_exchanged_no_more(server):
    application = server.application(scopes=["signal", "session"])
    session = application.token(scope="session", subject="ada")
    done = http.post_form(
        server.url, "/oauth2/revoke", [("token", session)],
        [http.basic(application.id, application.secret)])
    assert (done.status, done.body) == (200, b"")
    refused = exchange(application, session)
    assert (refused.status, refused.error) == (400, "invalid_request")


def test_the_description_that_is_served_is_the_one_checked_in(server):
    answer = http.get(server.url, "/openapi.json")
    assert answer.status == 200
    assert answer.header("Access-Control-Allow-Origin") == "*"
    assert answer.body == (CHECKOUT / "docs" / "openapi.json").read_bytes()


def test_an_api_behind_asks_about_the_tokens_of_the_clients_it_was_given(server):
    front = server.application("Front")
    other = server.application("Other")
    added = server.usher.json("client", "add", "API", "--introspect", front.id)
    ledger.remember_client(added["client_id"], added["client_secret"])
    assert added["introspects"] == [front.id]
    credentials = http.basic(added["client_id"], added["client_secret"])

    def told(token):
        answer = http.post_form(
            server.url, "/oauth2/introspect", [("token", token)], [credentials])
        assert answer.status == 200
        return answer.json

    token = front.token(subject="ada")
    assert told(token)["active"] is True
    assert told(token)["sub"] == f"{front.id}:ada"
    assert told(other.token()) == {"active": False}
    update = ["client", "update", added["client_id"]]
    server.usher.succeed(*update, "--introspect", "*")
    eventually(lambda: told(other.token())["active"], "every client's tokens")
    assert "may ask" in server.usher.succeed("client", "show", added["client_id"])
    assert "introspects *" in server.usher.succeed("audit")
    server.usher.succeed(*update, "--no-introspect")
    eventually(lambda: told(token) == {"active": False}, "its own tokens alone")
    server.usher.fail(*update, "--introspect", "c_nobody")
    server.usher.fail(*update, "--introspect", "a b")
    server.usher.fail(*update, "--introspect", "*", "--no-introspect", status=64)
