"""Who is let in by the function (docs/protocol.md §1). The gateway passes on the status alone."""

import json
import time

import pytest

from support.forging import Forger, encode, raw_signature
from support.serverless import Home

SECRET = b"0123456789abcdef0123456789ABCDEF"


@pytest.fixture(scope="module")
def home(token_service):
    one = Home(token_service, {"USHER_ORIGINS": "https://app.example"})
    yield one
    one.stop()


@pytest.fixture(scope="module")
def application(home):
    return home.application()


def offering(token):
    return [("Sec-WebSocket-Protocol", f"usher.v1, usher.bearer.{token}")]


@pytest.mark.parametrize("case", ["Sec-WebSocket-Protocol", "sec-websocket-protocol"])
def test_a_token_in_the_subprotocol_opens_a_connection_whatever_the_case(home, application, case):
    fields = [(case, f"usher.v1, usher.bearer.{application.token()}")]
    assert home.status(fields=fields) == 101


def test_a_token_opens_a_connection_from_each_of_its_places(home, application):
    token = application.token()
    bearer = ("Authorization", f"Bearer {token}")
    assert home.status(token) == 101
    assert home.status(token, application.id) == 101
    assert home.status(fields=[bearer]) == 101
    cookie = ("Cookie", f"__Host-usher_session={token}")
    assert home.status(fields=[cookie, ("Origin", "https://app.example")]) == 101
    assert home.status(fields=[cookie, ("Origin", "https://evil.example")]) == 403
    assert home.status(fields=[cookie]) == 403


def test_a_connection_that_may_not_be_opened_is_refused_with_the_protocols_status(
        home, application):
    token = application.token()
    forger = Forger(application)
    assert home.status() == 401
    assert home.status("a.b.c") == 401
    assert home.status(token[:-2] + "AA") == 401
    assert home.status(forger.with_claims(exp=int(time.time()) - 60)) == 401
    assert home.status(forger.with_claims(aud="https://elsewhere.example")) == 401
    assert home.status(forger.with_claims(scope="chat")) == 403
    assert home.status(token, "c_somebody_else") == 401
    bearer = ("Authorization", f"Bearer {token}")
    assert home.status(fields=[bearer, ("Origin", "https://evil.example")]) == 403
    assert home.status(fields=[("Sec-WebSocket-Protocol", f"usher.bearer.{token}")]) == 400
    assert home.status(fields=[("Sec-WebSocket-Protocol", "usher.v1"), bearer]) == 101


def test_a_refused_connection_leaves_nothing_behind(home, application):
    home.rest()
    before = len(home.items())
    assert home.status("a.b.c") == 401
    assert len(home.items()) == before


def test_a_token_of_the_query_can_be_good_for_one_connection(token_service):
    home = Home(token_service, {"USHER_QUERY_TOKEN": "one-use"})
    try:
        application = home.application()
        token = application.token()
        assert [home.status(token) for _ in range(3)] == [101, 401, 401]
        assert home.status(fields=offering(token)) == 101
    finally:
        home.stop()


def test_a_legacy_token_opens_a_connection(token_service):
    home = Home(token_service, {
        "USHER_LEGACY_SECRETS": json.dumps({"old": SECRET.decode()})})
    try:
        def token(client="old", key=SECRET, ends=600):
            parts = [json.dumps({"alg": "HS256", "typ": "JWT"}),
                     json.dumps({"client": client, "expiresAt": int(time.time()) + ends})]
            text = ".".join(map(encode, parts))
            return f"{text}.{encode(raw_signature(key, text.encode()))}"

        assert home.status(token(), "old") == 101
        assert home.status(token(), "new") == 401
        assert home.status(token("new")) == 401
        assert home.status(token(key=SECRET[::-1])) == 401
        assert home.status(token(ends=-60)) == 401
    finally:
        home.stop()


def test_a_welcome_is_the_first_that_a_client_hears(home, application):
    with home.v1(application) as peer:
        assert peer.welcome["limits"] == {
            "maxMessageBytes": 32768, "maxRooms": 16, "pingIntervalSeconds": 240,
            "messagesInFlight": 1}
        assert peer.session.startswith(peer.connection)
        assert abs(peer.welcome["serverTime"] - time.time()) < 5


def test_the_welcome_comes_though_the_connection_is_open_late(token_service):
    home = Home(token_service, open_seconds=0.7)
    try:
        with home.v1(home.application()) as peer:
            assert peer.up_to_pong() == []
    finally:
        home.stop()


def test_bad_messages_end_a_connection(home, application):
    for said, code in (("no JSON", 1007), ("[]", 1007),
                       (json.dumps({"action": "ping", "more": "x" * 32768}), 1009)):
        peer = home.v1(application)
        peer.say(said)
        assert peer.end() == (code, [])
