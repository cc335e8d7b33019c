"""`GET /edge/auth`, which reverse proxies ask before they pass a request on."""

import pytest

from support import http
from support.server import Application
from support.usher import Usher

COOKIE = "__Host-usher_session"
PAGE = "https://app.example"


@pytest.fixture(scope="module")
def pages(server):
    client_id, secret = server.usher.add_client(
        "Pages", scopes=["signal", "session"], origins=[PAGE])
    return Application(server, client_id, secret)


def ask(url, *fields):
    return http.get(url, "/edge/auth", fields)


def test_a_good_cookie_comes_out_as_authorization(server, pages):
    token = pages.token(scope="session", subject="ada")
    answer = ask(
        server.operator, ("Cookie", f"theme=dark; {COOKIE}={token}"), ("Upgrade", "websocket"),
        ("Connection", "Upgrade"), ("Authorization", "Bearer forged"), ("Host", "meet.example"))
    assert answer.status == 200
    assert answer.header("Authorization") == f"Bearer {token}"
    assert answer.header("Cookie") == "theme=dark"


def test_a_bad_cookie_or_none_hands_nothing_out(server, pages):
    token = pages.token(scope="session", subject="ada")
    for fields in [[], [("Cookie", f"{COOKIE}={token[:-4]}AAAA")], [("Cookie", f"{COOKIE}=")]]:
        answer = ask(server.operator, *fields)
        assert answer.status == 401
        assert answer.header("Authorization") is None
        assert answer.header("WWW-Authenticate").startswith("Bearer")


@pytest.mark.parametrize("method, fields, status", [
    ("GET", [], 200), ("GET", [("Origin", "https://evil.example")], 403), ("POST", [], 403),
    ("POST", [("Origin", "https://evil.example")], 403), ("POST", [("Origin", PAGE)], 200),
    ("PUT", [("Sec-Fetch-Site", "same-origin")], 200),
])
def test_what_changes_something_comes_from_a_page_that_may(server, pages, method, fields, status):
    token = pages.token(scope="session", subject="ada")
    answer = ask(
        server.operator, ("Cookie", f"{COOKIE}={token}"), ("X-Forwarded-Method", method), *fields)
    assert answer.status == status
    assert (answer.header("Authorization") is None) == (status == 403)


def test_the_public_port_has_no_such_path(server, pages):
    token = pages.token(scope="session", subject="ada")
    assert ask(server.url, ("Cookie", f"{COOKIE}={token}")).status == 404


@pytest.mark.one_process("only the auth half takes the flag")
def test_it_may_have_a_port_of_its_own_with_nothing_else_on_it(start):
    server = start("--edge-listen", "127.0.0.1:0")
    edge = server.ready["edge"]
    token = server.application().token()
    answer = ask(edge, ("Authorization", f"Bearer {token}"))
    assert answer.status == 200
    for path in ["/", "/livez", "/metrics", "/rooms", "/events", "/oauth2/token"]:
        assert http.get(edge, path).status == 404


def test_off_loopback_it_wants_to_know_the_proxies():
    message = Usher().fail(
        "serve", "--listen", "127.0.0.1:0", "--operator", "127.0.0.1:0", "--edge-listen",
        "0.0.0.0:0", status=64)
    assert "--edge-listen" in message
    assert "--trusted-proxy" in message
