"""Published keys and metadata, and other people's libraries verifying our tokens with them."""

import json

import jwt
import pytest
from jwcrypto import jwk
from jwcrypto import jwt as jwcrypto_jwt

from support import http
from support.forging import Forger

ALGORITHMS = {"ES256": "EC", "RS256": "RSA", "EdDSA": "OKP"}
PRIVATE_MEMBERS = {"d", "p", "q", "dp", "dq", "qi", "oth", "k"}


@pytest.fixture(scope="module", params=ALGORITHMS)
def signed(request):
    """A server that signs with the algorithm, and a client of it."""
    from support.split import serve
    server = serve("--signing-algorithm", request.param)
    yield request.param, server.application("Signed")
    assert server.stop() == 0


def key_set(server):
    return http.get(server.url, "/.well-known/jwks.json")


def test_the_key_set_publishes_public_members_alone(signed):
    algorithm, application = signed
    answer = key_set(application.server)
    assert answer.status == 200
    assert answer.header("Content-Type") == "application/jwk-set+json"
    assert "max-age=300" in answer.header("Cache-Control")
    (key,) = answer.json["keys"]
    assert (key["kty"], key["alg"], key["use"]) == (ALGORITHMS[algorithm], algorithm, "sig")
    assert not PRIVATE_MEMBERS & set(key)


def test_the_kid_is_the_rfc_7638_thumbprint(signed):
    _, application = signed
    (key,) = key_set(application.server).json["keys"]
    assert jwk.JWK(**key).thumbprint() == key["kid"]
    assert Forger(application).header["kid"] == key["kid"]


def test_pyjwt_verifies_our_tokens_from_the_key_set(signed):
    algorithm, application = signed
    token = application.token(rooms="lobby", subject="ann", name="Ann")
    found = jwt.PyJWKSet.from_dict(key_set(application.server).json)
    header = jwt.get_unverified_header(token)
    claims = jwt.decode(
        token, found[header["kid"]].key, algorithms=[algorithm],
        audience=application.server.issuer, issuer=application.server.issuer,
        options={"require": ["iss", "aud", "sub", "client_id", "iat", "exp", "jti"]})
    assert (claims["rooms"], claims["name"]) == (["lobby"], "Ann")


def test_jwcrypto_verifies_our_tokens_from_the_key_set(signed):
    algorithm, application = signed
    token = application.token(rooms="lobby")
    found = jwk.JWKSet.from_json(key_set(application.server).body)
    verified = jwcrypto_jwt.JWT(
        jwt=token, key=found, algs=[algorithm],
        check_claims={"iss": application.server.issuer, "aud": application.server.issuer})
    assert json.loads(verified.claims)["rooms"] == ["lobby"]


def test_the_relay_takes_the_tokens_too(signed):
    from support.peers import connect
    _, application = signed
    with connect(application) as peer:
        peer.join("lobby", id="a")
        peer.expect("first_to_join")


def test_rsa_keys_have_2048_bits_at_least(start):
    from support.forging import decode
    (key,) = key_set(start("--signing-algorithm", "RS256")).json["keys"]
    assert len(decode(key["n"])) >= 256


def test_metadata_follows_rfc_8414(server):
    answer = http.get(server.url, "/.well-known/oauth-authorization-server")
    assert answer.status == 200
    assert answer.header("Content-Type").startswith("application/json")
    metadata = answer.json
    assert metadata["issuer"] == server.url
    assert metadata["token_endpoint"] == server.url + "/oauth2/token"
    assert metadata["jwks_uri"] == server.url + "/.well-known/jwks.json"
    assert set(metadata["token_endpoint_auth_methods_supported"]) >= {
        "client_secret_basic", "client_secret_post"}
    assert "client_credentials" in metadata["grant_types_supported"]
    assert "signal" in metadata["scopes_supported"]
    assert "none" not in json.dumps(metadata)
    assert [] not in metadata.values(), "RFC 8414 §3.2: empty arrays are left out"


def test_an_issuer_with_a_path_keeps_its_place_in_the_well_known_path(start):
    server = start("--issuer", "http://127.0.0.1:1/usher")
    answer = http.get(server.url, "/.well-known/oauth-authorization-server/usher")
    assert answer.status == 200
    assert answer.json["issuer"] == "http://127.0.0.1:1/usher"


def test_a_restart_keeps_old_tokens_good(start):
    from support.peers import attempt, query
    server = start("--issuer", "http://127.0.0.1:1")
    application = server.application()
    token = application.token()
    assert server.stop() == 0
    again = start("--issuer", "http://127.0.0.1:1", data=server.data)
    assert attempt(again, query(token)).status == 101
