"""The cookie-to-header step before the relay and the routes, and the rules for Origin."""

import pytest

from support import http, ledger
from support.peers import attempt, query

COOKIE = "__Host-usher_session"
ORIGIN = ("Origin", "https://app.example")


def cookie(value, name=COOKIE):
    return ("Cookie", f"{name}={value}")


def refused(answer, status, error):
    assert answer.status == status, (answer.status, answer.body)
    assert answer.error == error, answer.body


def test_a_cookie_becomes_the_authorization_of_the_handshake(server, application):
    assert attempt(server, "/", [cookie(application.token()), ORIGIN]).status == 101


def test_the_step_works_on_whatever_path_the_page_asks_for(server, application):
    for path in ("/dev", "/any/where?client=" + application.id):
        assert attempt(server, path, [cookie(application.token()), ORIGIN]).status == 101


def test_the_cookie_is_found_among_others(server, application):
    fields = [("Cookie", f"theme=dark; {COOKIE}={application.token()}; b=2"), ORIGIN]
    assert attempt(server, "/", fields).status == 101
    fields = [("Cookie", "theme=dark"), cookie(application.token()), ORIGIN]
    assert attempt(server, "/", fields).status == 101


def test_listed_origins_and_the_issuers_own_are_let_in(server, application):
    for origin in ("https://app.example", "http://localhost:3000", server.url,
                   server.url.replace("http", "ws", 1)):
        answer = attempt(server, "/", [cookie(application.token()), ("Origin", origin)])
        assert answer.status == 101, origin


def test_origins_of_applications_and_of_socket_libraries_can_be_registered(server):
    origins = ["capacitor://localhost", "ionic://localhost", "app://-", "wss://App.example"]
    application = server.application(origins=origins)
    for origin in [*origins[:3], "wss://app.example"]:
        answer = attempt(server, "/", [cookie(application.token()), ("Origin", origin)])
        assert answer.status == 101, origin
    for origin in ("capacitor://other", "app://localhost", "Ionic://localhost", "app://-:1",
                   "ws://app.example", "https://app.example"):
        answer = attempt(server, "/", [cookie(application.token()), ("Origin", origin)])
        refused(answer, 403, "origin_not_allowed")
    message = server.usher.fail("client", "add", "X", "--origin", "file://x", status=64)
    assert "--origin" in message and "https://" in message


@pytest.mark.parametrize("origin", [
    "https://evil.example", "https://app.example.evil.example", "https://sub.app.example",
    "http://app.example", "https://app.example:8443", "https://app.example/", "null", "",
    "https://app.example https://evil.example", "http://localhost",
])
def test_a_cookie_with_another_origin_is_refused(server, application, origin):
    answer = attempt(server, "/", [cookie(application.token()), ("Origin", origin)])
    refused(answer, 403, "origin_not_allowed")


def test_a_cookie_without_an_origin_is_refused(server, application):
    refused(attempt(server, "/", [cookie(application.token())]), 403, "origin_not_allowed")


def test_two_origins_are_refused(server, application):
    answer = attempt(server, "/", [cookie(application.token()), ORIGIN, ORIGIN])
    assert answer.status in (400, 403)


def test_a_host_header_opens_no_origin(server, application):
    fields = [cookie(application.token()), ("Host", "evil.example"),
              ("Origin", "http://evil.example")]
    refused(attempt(server, "/", fields), 403, "origin_not_allowed")


def test_an_authorization_with_an_origin_came_through_an_outer_edge(server, application):
    bearer = ("Authorization", f"Bearer {application.token()}")
    assert attempt(server, "/", [bearer]).status == 101
    assert attempt(server, "/", [bearer, ORIGIN]).status == 101
    foreign = attempt(server, "/", [bearer, ("Origin", "https://evil.example")])
    refused(foreign, 403, "origin_not_allowed")


def test_a_token_in_the_query_is_no_ambient_credential(server, application):
    answer = attempt(
        server, query(application.token()), [("Origin", "https://elsewhere.example")])
    assert answer.status == 101


def test_the_cookie_replaces_what_the_client_sent_as_authorization(server, application):
    bad = ("Authorization", "Bearer no-token")
    assert attempt(server, "/", [bad, cookie(application.token()), ORIGIN]).status == 101
    good = ("Authorization", f"Bearer {application.token()}")
    refused(attempt(server, "/", [good, cookie("a.b.c"), ORIGIN]), 401, "invalid_token")


def test_several_cookies_of_the_name_are_refused(server, application):
    token = application.token()
    for fields in ([cookie(token), cookie(token)],
                   [("Cookie", f"{COOKIE}={token}; {COOKIE}={token}")],
                   [("Cookie", f"{COOKIE}=; {COOKIE}={token}")]):
        answer = attempt(server, "/", [*fields, ORIGIN])
        assert answer.status == 400
        assert COOKIE in answer.json["error_description"]


def test_an_oversized_cookie_is_refused(server):
    answer = attempt(server, "/", [cookie("a" * 3585), ORIGIN])
    assert answer.status == 400
    assert COOKIE in answer.json["error_description"]


@pytest.mark.parametrize("value", ["", "no-token", '"quoted"', "a b", "a,b", "\xe9"])
def test_a_cookie_that_holds_no_token_lets_nobody_in(server, value):
    answer = attempt(server, "/", [cookie(value), ORIGIN])
    assert answer.status in (400, 401)


def test_names_are_compared_exactly(server, application):
    for name in ("__host-usher_session", "usher_session", "x__Host-usher_session"):
        answer = attempt(server, "/", [cookie(application.token(), name), ORIGIN])
        refused(answer, 401, "unauthorized")


def test_the_cookie_may_have_another_name(start):
    server = start("--edge-cookie", "my_token")
    application = server.application(origins=["https://app.example"])
    token = application.token()
    assert attempt(server, "/", [cookie(token, "my_token"), ORIGIN]).status == 101
    refused(attempt(server, "/", [cookie(token), ORIGIN]), 401, "unauthorized")


def test_the_step_keeps_off_routes_that_authenticate_a_client(server, application):
    token = application.token()
    answer = http.post_form(
        server.url, "/oauth2/token", [("grant_type", "client_credentials")],
        [http.basic(application.id, application.secret), cookie(token), cookie(token)])
    assert answer.status == 200
    ledger.remember(answer.json["access_token"], "a token")


def test_an_explicit_token_beats_the_cookie(server, application):
    fields = [cookie(application.token()), ORIGIN]
    refused(attempt(server, query("a.b.c"), fields), 401, "invalid_token")
    subprotocol = ("Sec-WebSocket-Protocol", "usher.v1, usher.bearer.a.b.c")
    refused(attempt(server, "/", [*fields, subprotocol]), 401, "invalid_token")


@pytest.mark.parametrize("rubbish", ["undefined", "", "null", "a.b", "..", "a..c"])
def test_rubbish_in_the_query_counts_as_absent_beside_a_cookie(server, application, rubbish):
    fields = [cookie(application.token()), ORIGIN]
    assert attempt(server, query(rubbish), fields).status == 101
