"""`POST /oauth2/token`, by RFC 6749 and docs/backend.md."""

import base64

import pytest

from support import http, ledger
from support.forging import Forger, now

GRANT = ("grant_type", "client_credentials")


@pytest.fixture(scope="module")
def narrow(server):
    """A client with few rooms and two scopes."""
    return server.application(
        "Narrow", rooms=["team-*", "lobby"], scopes=["signal", "session"])


def post(application, *pairs, fields=None):
    if fields is None:
        fields = [http.basic(application.id, application.secret)]
    answer = http.post_form(application.server.url, "/oauth2/token", list(pairs), fields)
    if answer.status == 200:
        ledger.remember(answer.json["access_token"], "a token")
    return answer


def refused(answer, status, error, names=None):
    assert (answer.status, answer.error) == (status, error), answer.body
    assert answer.header("Content-Type").startswith("application/json")
    assert answer.header("Cache-Control") == "no-store"
    if names:
        assert names in answer.json["error_description"], answer.body
    description = answer.json.get("error_description", "")
    assert all(" " <= c <= "~" and c not in '"\\' for c in description), "RFC 6749 §5.2"


def test_a_token_answer_has_the_form_of_rfc_6749_5_1(application):
    answer = post(application, GRANT)
    assert answer.status == 200
    assert answer.header("Content-Type").startswith("application/json")
    assert answer.header("Cache-Control") == "no-store"
    assert answer.header("Pragma") == "no-cache"
    assert answer.json["token_type"] == "Bearer"
    assert answer.json["expires_in"] == 600


def test_claims_follow_rfc_9068(application):
    forger = Forger(application)
    assert forger.header["typ"] == "at+jwt"
    assert forger.header["alg"] == "ES256"
    claims = forger.claims
    assert claims["iss"] == application.server.issuer
    assert claims["aud"] in (claims["iss"], [claims["iss"]])
    assert (claims["sub"], claims["client_id"]) == (application.id, application.id)
    assert claims["exp"] - claims["iat"] == 600
    assert abs(claims["iat"] - now()) < 30
    assert (claims["scope"], claims["rooms"]) == ("signal", ["*"])
    assert "name" not in claims
    assert Forger(application).claims["jti"] != claims["jti"]


def test_parameters_become_claims(narrow):
    claims = Forger(narrow, rooms="team-1 team-a* lobby", subject="ann", name="Ann Ø",
                    expires_in="60", scope="signal").claims
    assert claims["rooms"] == ["team-1", "team-a*", "lobby"]
    assert claims["sub"] == f"{narrow.id}:ann"
    assert claims["name"] == "Ann Ø"
    assert claims["exp"] - claims["iat"] == 60
    assert claims["scope"] == "signal"


def test_credentials_may_stand_in_the_body(application):
    answer = post(application, GRANT, ("client_id", application.id),
                  ("client_secret", application.secret), fields=[])
    assert answer.status == 200


def test_both_ways_of_authentication_at_once_are_refused(application):
    answer = post(application, GRANT, ("client_id", application.id),
                  ("client_secret", application.secret))
    refused(answer, 400, "invalid_request")


def test_the_client_id_beside_basic_must_be_the_same(application):
    assert post(application, GRANT, ("client_id", application.id)).status == 200
    assert post(application, GRANT, ("client_id", "somebody-else")).status in (400, 401)


def test_credentials_in_the_query_do_not_count(application):
    target = f"/oauth2/token?client_id={application.id}&client_secret={application.secret}"
    answer = http.post_form(application.server.url, target, [GRANT])
    assert answer.status in (400, 401)


@pytest.mark.parametrize("make", [
    lambda a: http.basic(a.id, "wrong-" + a.secret),
    lambda a: http.basic("no-such-client", a.secret),
    lambda a: ("Authorization", "Basic !!!"),
    lambda a: ("Authorization", "Basic"),
    lambda a: ("Authorization", "Basic " + base64.b64encode(a.id.encode()).decode()),
    lambda a: ("Authorization", "Basic " + base64.b64encode(b"\xff\xfe:x").decode()),
    lambda a: ("Authorization", "Bearer " + a.secret),
], ids=["wrong", "unknown", "no-base64", "empty", "no-colon", "no-utf8", "bearer"])
def test_a_client_that_does_not_authenticate_gets_401_in_its_own_scheme(server, make):
    application = server.application("Unauthenticated")
    answer = post(application, GRANT, fields=[make(application)])
    assert answer.status in (400, 401)
    assert answer.error in ("invalid_client", "invalid_request")
    if answer.status == 401:
        assert answer.header("WWW-Authenticate").startswith("Basic ")


def test_no_credentials_at_all_get_401(application):
    refused(post(application, GRANT, fields=[]), 401, "invalid_client")


def test_wrong_secrets_are_slowed_down_by_address_and_client(server):
    application = server.application("Guessed at")
    wrong = [http.basic(application.id, "x" * 43)]
    answers = [post(application, GRANT, fields=wrong) for _ in range(12)]
    assert answers[0].status == 401
    assert answers[-1].status == 429
    assert int(answers[-1].header("Retry-After")) > 0
    assert application.ask().status == 200


@pytest.mark.parametrize("pairs, error, parameter", [
    ([], "invalid_request", "grant_type"),
    ([("grant_type", "")], "invalid_request", "grant_type"),
    ([("grant_type", "password")], "unsupported_grant_type", None),
    ([GRANT, GRANT], "invalid_request", "grant_type"),
    ([GRANT, ("rooms", "lobby"), ("rooms", "team-1")], "invalid_request", "rooms"),
    ([GRANT, ("rooms", "other")], "invalid_scope", "rooms"),
    ([GRANT, ("rooms", "lobby*")], "invalid_scope", "rooms"),
    ([GRANT, ("rooms", "*")], "invalid_scope", "rooms"),
    ([GRANT, ("rooms", "a*b")], None, "rooms"),
    ([GRANT, ("rooms", "team-" + "r" * 300)], None, "rooms"),
    ([GRANT, ("scope", "admin")], "invalid_scope", "scope"),
    ([GRANT, ("scope", 'sig"nal')], "invalid_scope", "scope"),
    ([GRANT, ("expires_in", "0")], "invalid_request", "expires_in"),
    ([GRANT, ("expires_in", "3601")], "invalid_request", "expires_in"),
    ([GRANT, ("expires_in", "-5")], "invalid_request", "expires_in"),
    ([GRANT, ("expires_in", "1e2")], "invalid_request", "expires_in"),
    ([GRANT, ("expires_in", "99999999999999999999")], "invalid_request", "expires_in"),
    ([GRANT, ("subject", "s" * 1000)], "invalid_request", "subject"),
    ([GRANT, ("subject", "a\nb")], "invalid_request", "subject"),
    ([GRANT, ("name", "n" * 1000)], "invalid_request", "name"),
])
def test_a_wrong_parameter_is_named(narrow, pairs, error, parameter):
    answer = post(narrow, *pairs)
    refused(answer, 400, error or answer.error, parameter)
    assert answer.error.startswith("invalid_") or answer.error == "unsupported_grant_type"


@pytest.mark.parametrize("value", ["1", "3600"])
def test_lifetimes_of_one_second_to_one_hour_are_granted(narrow, value):
    answer = post(narrow, GRANT, ("expires_in", value))
    assert answer.json["expires_in"] == int(value)


def test_empty_parameters_count_as_absent_and_unknown_ones_are_ignored(narrow):
    answer = post(narrow, GRANT, ("rooms", ""), ("subject", ""), ("expires_in", ""),
                  ("frobnicate", "1"))
    assert answer.status == 200
    assert answer.json["expires_in"] == 600


def test_scope_is_told_when_it_differs_from_what_was_asked(narrow):
    answer = post(narrow, GRANT)
    assert answer.json.get("scope", "signal session") == Forger(narrow).claims["scope"]


@pytest.mark.parametrize("body", [
    b"grant_type=client_credentials&rooms=%zz", b"grant_type=client_credentials&name=%ff",
    b"\xff\xfe", b"grant_type=client_credentials&name=%00",
])
def test_a_malformed_form_is_refused(narrow, body):
    answer = http.post_form(
        narrow.server.url, "/oauth2/token", body, [http.basic(narrow.id, narrow.secret)])
    assert (answer.status, answer.error) == (400, "invalid_request")


def test_another_content_type_is_refused(application):
    answer = http.request(
        application.server.url, "POST", "/oauth2/token",
        [("Content-Type", "application/json"), http.basic(application.id, application.secret)],
        b'{"grant_type":"client_credentials"}')
    assert answer.status in (400, 415)


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "HEAD", "OPTIONS", "FROB"])
def test_only_post_is_answered_with_a_token(application, method):
    answer = http.request(
        application.server.url, method, "/oauth2/token",
        [http.basic(application.id, application.secret)])
    assert answer.status in (405, 501, 400)
    if answer.status == 405:
        assert "POST" in answer.header("Allow")


def test_a_body_over_the_limit_is_answered_with_413(application):
    answer = http.post_form(
        application.server.url, "/oauth2/token", [GRANT, ("name", "n" * 200_000)],
        [http.basic(application.id, application.secret)])
    assert answer.status == 413


def test_token_requests_of_a_client_may_be_limited(start):
    server = start("--token-requests-per-second", "1")
    eager, other = server.application("Eager"), server.application("Other")
    statuses = [eager.ask().status for _ in range(20)]
    assert statuses[0] == 200 and 429 in statuses
    assert other.ask().status == 200


def test_a_disabled_client_is_refused_as_an_unknown_one_would_be(server):
    application = server.application("Disabled")
    server.usher.succeed("client", "disable", application.id)
    from support.waiting import eventually
    eventually(lambda: application.ask().status == 401, "disabling takes effect", within=1.5)
    unknown = post(application, GRANT, fields=[http.basic("nobody", "x" * 43)])
    assert application.ask().body == unknown.body
