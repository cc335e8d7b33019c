"""Legacy tokens: HS256, signed by a client's own backend (docs/backend.md)."""

import json
import secrets
import time

import jwt
import pytest
from cryptography.hazmat.primitives import serialization

from support import chance, forging, http, ledger
from support.legacy import Backend
from support.peers import Peer, attempt, connect, meet, query
from support.server import Server
from support.waiting import eventually

pytestmark = pytest.mark.homes
WITHIN_TWO_SECONDS = 2.5  # The promise is two; the rest is for a busy machine.


@pytest.fixture(scope="module")
def backend(home):
    return Backend(home, client=home.legacy_client)


@pytest.fixture(params=["one process", "two processes"])
def site(request, start):
    """Where clients are registered and where sockets are opened: one server, or one of each."""
    if request.param == "one process":
        one = start()
        yield one, one
        return
    auth = start(part="auth")
    signal = Server("--issuer", auth.issuer, part="signal", data=auth.data)
    yield auth, signal
    signal.kill()


def is_refused(server, token):
    answer = attempt(server, query(token))
    assert answer.status in (101, 401), answer.body
    if answer.status == 401:
        assert not server.shows_refusals or answer.error == "invalid_token"
        assert token not in str(answer.fields) + answer.body.decode()
    return answer.status == 401


def test_two_deployed_peers_meet_with_tokens_that_their_backend_signed(backend):
    with backend.connect() as older, backend.connect() as newer:
        older_connection, newer_connection = meet(older, newer, "lobby")
        newer.send(older_connection, {"type": "answer", "answer": {"sdp": "x"}})
        assert older.expect("answer") == {
            "connectionId": newer_connection, "type": "answer", "answer": {"sdp": "x"}}


@pytest.mark.parametrize("headers", [{"typ": None}, {"typ": "JWT"}, {"kid": "of-no-meaning"}])
def test_typ_is_jwt_or_absent(home, backend, headers):
    assert not is_refused(home, backend.token(headers=headers))


def test_a_token_is_taken_in_authorization_and_as_a_subprotocol_too(home, backend):
    token = backend.token()
    assert attempt(home, "/", [("Authorization", f"Bearer {token}")]).status == 101
    offered = f"usher.v1, usher.bearer.{token}"
    assert attempt(home, "/", [("Sec-WebSocket-Protocol", offered)]).status == 101


@pytest.mark.needs("registry")
def test_it_opens_the_rooms_of_its_client_alone(home, backend):
    narrow = Backend(home, "Narrow", ["--rooms", "team-*"])
    with narrow.connect() as peer, backend.connect() as stranger:
        peer.join("lobby", id="p")
        peer.join("team-1", id="p")
        assert peer.expect("first_to_join") == {"roomId": "team-1"}
        stranger.join("team-1", id="s")
        assert stranger.expect("first_to_join") == {"roomId": "team-1"}
    assert attempt(home, query(backend.token(), narrow.id)).status == 401


def test_a_client_that_may_not_signal_may_not_by_these_tokens(server):
    other = Backend(server, "Other", ["--scope", "chat"])
    assert attempt(server, query(other.token())).status == 403


def test_a_client_without_a_legacy_secret_has_no_such_tokens(home, backend):
    application = home.application("New game")
    for key in (application.secret, backend.secret):
        assert is_refused(home, backend.token(key=key, client=application.id))
    assert is_refused(home, backend.token(client="c_AAAAAAAAAAAAAAAAAAAAAA"))


def signed(claims, key, header):
    """What PyJWT will not sign."""
    header, payload = (forging.compact(part) for part in (header, claims))
    signing_input = f"{forging.encode(header)}.{forging.encode(payload)}"
    signature = forging.raw_signature(key, signing_input.encode())
    return f"{signing_input}.{forging.encode(signature)}"


def own_pem(server):
    key = serialization.load_pem_private_key(server.private_key_file().read_bytes(), None)
    return key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


HS256 = {"alg": "HS256", "typ": "JWT"}

REFUSED = {
    "a secret that is not the client's": lambda b: b.token(key=secrets.token_urlsafe(32)),
    "the client's other secret": lambda b: b.token(key=b.client_secret),
    "our public key as the secret (CVE-2015-9235, CVE-2022-29217)":
        lambda b: signed(b.claims(), own_pem(b.server), HS256),
    "an empty secret": lambda b: signed(b.claims(), b"\0", HS256),
    "alg none": lambda b: signed(b.claims(), b"x", {"alg": "none"}).rsplit(".", 1)[0] + ".",
    "alg none with the right MAC":
        lambda b: signed(b.claims(), b.secret.encode(), {"alg": "none"}),
    "alg in lower case": lambda b: signed(b.claims(), b.secret.encode(), {"alg": "hs256"}),
    "alg HS512": lambda b: b.token(algorithm="HS512"),
    "alg ES256 over a MAC":
        lambda b: signed(b.claims(), b.secret.encode(), {"alg": "ES256", "typ": "JWT"}),
    "typ at+jwt under the secret": lambda b: b.token(headers={"typ": "at+jwt"}),
    "typ of a session token": lambda b: b.token(headers={"typ": "usher-session+jwt"}),
    "crit": lambda b: b.token(headers={"crit": ["exp"]}),
    "b64": lambda b: signed(b.claims(), b.secret.encode(), {**HS256, "b64": False}),
    "alg twice": lambda b: signed(
        b.claims(), b.secret.encode(), '{"alg":"HS256","alg":"HS256"}'),
    "client twice": lambda b: signed(
        json.dumps(b.claims())[:-1] + f',"client":"{b.id}"}}', b.secret.encode(), HS256),
    "ended": lambda b: b.token(expiresAt=time.time() - 40),
    "in milliseconds": lambda b: b.token(expiresAt=(time.time() + 600) * 1000),
    "more than a year ahead": lambda b: b.token(expiresAt=time.time() + 367 * 86_400),
    "expiresAt as a string": lambda b: b.token(expiresAt=str(time.time() + 600)),
    "without expiresAt": lambda b: b.token(expiresAt=None, exp=int(time.time()) + 600),
    "without client": lambda b: b.token(client=None),
    "exp in the past": lambda b: b.token(exp=int(time.time()) - 40),
    "for another audience": lambda b: b.token(aud="https://elsewhere.example"),
    "the claims of a token of ours": lambda b: b.token(
        client=None, expiresAt=None, iss=b.server.issuer, aud=b.server.issuer, sub=b.id,
        client_id=b.id, iat=int(time.time()), exp=int(time.time()) + 600, jti="x", scope="signal"),
    "without its signature": lambda b: b.token().rsplit(".", 1)[0] + ".",
    "half a MAC": lambda b: b.token()[:-23],
}


@pytest.mark.parametrize("fault", REFUSED)
def test_a_legacy_token_with_a_fault_is_refused(home, backend, fault):
    assert is_refused(home, REFUSED[fault](backend))


def test_a_token_of_ours_is_none_of_these_whatever_it_claims(home, backend):
    """Signed with the home's own key: the claim names a client, the key decides."""
    application = home.application("Genuine")
    forger = forging.Forger(application)
    for header in ({}, {"typ": "JWT"}):
        token = forger.sign({**forger.header, **header}, backend.claims())
        assert is_refused(home, token)
    token = forger.with_claims(client=backend.id, expiresAt=time.time() + 600)
    with Peer(home.socket_url, query(token, application.id)) as peer, backend.connect() as other:
        other.join("lobby-of-one", id="o")
        other.expect("first_to_join")
        peer.join("lobby-of-one", id="p")
        assert peer.expect("first_to_join") == {"roomId": "lobby-of-one"}


def test_every_other_door_refuses_it(server):
    backend = Backend(server)
    token = backend.token()
    basic = [http.basic(backend.id, backend.client_secret)]
    exchange = [
        ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"),
        ("subject_token_type", "urn:ietf:params:oauth:token-type:jwt"), ("subject_token", token)]
    answer = http.post_form(server.url, "/oauth2/introspect", [("token", token)], basic)
    assert answer.json == {"active": False}
    answer = http.post_form(server.url, "/oauth2/token", exchange, basic)
    assert (answer.status, answer.error) == (400, "invalid_request")
    # RFC 7009 §2.2: a token that is not known is no error, and nothing is revoked.
    http.post_form(server.url, "/oauth2/revoke", [("token", token)], basic)
    assert not is_refused(server, token)
    # As an assertion of the client's (RFC 7523), and as a secret.
    for proof in ([("client_assertion", token), ("client_assertion_type",
                    "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")],
                  [("client_id", backend.id), ("client_secret", backend.secret)]):
        answer = http.post_form(
            server.url, "/oauth2/token", [("grant_type", "client_credentials"), *proof])
        assert (answer.status, answer.error) == (401, "invalid_client")
    message = server.usher.fail("token", "verify", "--issuer", server.issuer, stdin=token)
    assert "token_algorithm" in message


def test_in_one_use_mode_each_token_opens_one_connection(start):
    server = start("--query-token", "one-use")
    backend = Backend(server)
    token = backend.token()
    assert [attempt(server, query(token)).status for _ in range(2)] == [101, 401]
    assert attempt(server, query(backend.token(nonce=1))).status == 101


def test_an_operator_revokes_one_of_them(server):
    backend = Backend(server)
    revoked, other = backend.token(), backend.token(nonce=1)
    with backend.connect(revoked) as gone, backend.connect(other) as stays:
        server.usher.succeed("token", "revoke", stdin=revoked)
        assert gone.closing(WITHIN_TWO_SECONDS)[0] == 4501
        assert is_refused(server, revoked)
        stays.join("lobby", id="s")
        stays.expect("first_to_join")
    assert "token_signature" in server.usher.fail(
        "token", "revoke", stdin=backend.token(key=secrets.token_urlsafe(32)))


ENDINGS = {
    "its client is disabled": ["client", "disable"],
    "its secret is taken away": ["client", "update", "--no-legacy-hs256"],
    "its secret is another": ["client", "update", "--legacy-hs256"],
    "all tokens of its client are revoked": ["token", "revoke", "--all", "--client"],
    "its client is removed": ["client", "remove"],
}


@pytest.mark.parametrize("ending", ENDINGS)
def test_what_a_token_opened_is_closed_within_two_seconds_when(site, ending):
    auth, signal = site
    backend = Backend(auth)
    bystander = auth.application("Bystander")
    token = backend.token()
    ours = bystander.token()
    bystander.server = signal
    with backend.connect(token, signal) as gone, connect(bystander, ours) as stays:
        new_secret = ledger.remember(secrets.token_urlsafe(32), "a legacy secret")
        auth.usher.succeed(*ENDINGS[ending], backend.id, stdin=new_secret)
        assert gone.closing(WITHIN_TWO_SECONDS)[0] == 4501
        assert is_refused(signal, token)
        stays.join("lobby", id="b")
        assert stays.expect("first_to_join") == {"roomId": "lobby"}
    if ending == "its secret is another":
        assert attempt(signal, query(backend.token(key=new_secret))).status == 101


def test_revoking_all_takes_the_secret_and_a_new_one_is_good_at_once(server):
    backend = Backend(server)
    token = backend.token()
    answer = http.post_form(
        server.url, "/oauth2/revoke", [("all", "true")],
        [http.basic(backend.id, backend.client_secret)])
    assert answer.status == 200, answer.body
    assert eventually(lambda: is_refused(server, token), "the token is refused")
    assert server.usher.json("client", "show", backend.id)["legacy_hs256"] is False
    backend.secret = ledger.remember(secrets.token_urlsafe(32), "a legacy secret")
    server.usher.succeed("client", "update", backend.id, "--legacy-hs256", stdin=backend.secret)
    assert eventually(lambda: not is_refused(server, backend.token()), "new tokens are good")
    assert is_refused(server, token)


def test_the_command_says_that_there_is_a_secret_and_never_which(usher):
    secret = ledger.remember(secrets.token_urlsafe(32), "a legacy secret")
    added = usher.json("client", "add", "Old", "--legacy-hs256", stdin=secret)
    ledger.remember_client(added["client_id"], added["client_secret"])
    plain = usher.json("client", "add", "New")
    ledger.remember_client(plain["client_id"], plain["client_secret"])
    outputs = [
        usher.succeed("client", "list"), usher.succeed("client", "show", added["client_id"]),
        usher.succeed("client", "list", "--json"), usher.succeed("audit"), json.dumps(added)]
    for output in outputs:
        assert "legacy" in output.lower()
        assert secret not in output and forging.encode(secret) not in output
    assert (added["legacy_hs256"], plain["legacy_hs256"]) == (True, False)
    update = ["client", "update", added["client_id"]]
    assert usher.json(*update, "--name", "Older")["legacy_hs256"] is True
    assert usher.json(*update, "--no-legacy-hs256")["legacy_hs256"] is False
    assert usher.json(*update, "--legacy-hs256", stdin=secret + "\r\n")["legacy_hs256"] is True


@pytest.mark.parametrize("secret", [
    "", "\n", "x" * 31, "x" * 31 + "\n", "x" * 1025, "x" * 100_000,
    "-----BEGIN PUBLIC KEY-----\n" + "A" * 64, "ssh-ed25519 " + "A" * 64])
def test_a_secret_that_is_short_or_long_or_a_key_is_refused(usher, secret):
    message = usher.fail("client", "add", "Old", "--legacy-hs256", stdin=secret, status=64)
    assert "--legacy-hs256" in message
    assert secret.strip() == "" or secret.strip()[:40] not in message
    assert usher.run("client", "list", "--json").stdout.strip() in ("", "[]")


def test_a_secret_of_any_32_bytes_will_do(server):
    raw = chance.of("a secret").randbytes(31) + b"!"
    added = server.usher.run("client", "add", "Raw", "--legacy-hs256", "--json", stdin=raw)
    assert added.returncode == 0, added.stderr
    added = json.loads(added.stdout)
    ledger.remember_client(added["client_id"], added["client_secret"])
    claims = {"client": added["client_id"], "expiresAt": time.time() + 60.5}
    assert not is_refused(server, jwt.encode(claims, raw, algorithm="HS256"))


def test_the_two_flags_exclude_each_other(usher):
    usher.fail("client", "update", "c_x", "--legacy-hs256", "--no-legacy-hs256", status=64)
