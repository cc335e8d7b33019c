"""Sessions over HTTP: a session token in a cookie, and access tokens in exchange for it."""

import pytest

from support import http, ledger, peers
from support.server import Application
from support.waiting import eventually

COOKIE = "__Host-usher_session"
OWN = ("Sec-Fetch-Site", "same-origin")
PAGE = "https://sessions.example"


@pytest.fixture
def application(server):
    client_id, secret = server.usher.add_client(
        "Pages", rooms=["lobby", "team-*"], scopes=["signal", "session"], origins=[PAGE])
    eventually(lambda: preflight(server, PAGE).status == 204, "the origin is known")
    return Application(server, client_id, secret)


def preflight(server, origin):
    return http.request(
        server.url, "OPTIONS", "/session/token",
        [("Origin", origin), ("Access-Control-Request-Method", "POST")])


def session_token(application, **more):
    return application.token(scope="session", subject="ada", name="Ada", **more)


def begin(server, token, *headers):
    return http.request(
        server.url, "POST", "/session", [("Authorization", f"Bearer {token}"), *headers])


def cookie_of(answer):
    pair = answer.header("Set-Cookie").split(";")[0]
    return ("Cookie", pair)


def swap(server, cookie, *headers, **form):
    return http.post_form(
        server.url, "/session/token", list(form.items()), [cookie, *(headers or [OWN])])


def test_a_session_is_a_host_cookie_that_scripts_cannot_read(server, application):
    token = session_token(application, expires_in=1200)
    answer = begin(server, token, OWN)
    assert answer.status == 200
    assert answer.json == {"expires_in": 1200}
    pair, *attributes = answer.header("Set-Cookie").split("; ")
    assert pair == f"{COOKIE}={token}"
    assert set(attributes) == {
        "Path=/", "HttpOnly", "Secure", "SameSite=Lax", "Max-Age=1200"}


def test_a_session_opens_the_relay_from_a_listed_origin_alone(server, application):
    cookie = cookie_of(begin(server, session_token(application), OWN))
    with peers.Peer(server.url, fields=[cookie, ("Origin", PAGE)]) as peer:
        peer.join("lobby")
        peer.expect("first_to_join")
    for origin in ["https://evil.example", "null"]:
        answer = peers.attempt(server, "/", [cookie, ("Origin", origin)])
        assert (answer.status, answer.error) == (403, "origin_not_allowed")


def test_a_session_is_swapped_for_a_token_that_opens_the_relay(server, application):
    cookie = cookie_of(begin(server, session_token(application), OWN))
    answer = swap(server, cookie, rooms="team-1")
    assert answer.status == 200
    ledger.remember(answer.json["access_token"], "an access token of a session")
    assert answer.json["rooms"] == ["team-1"]
    assert answer.json["client_id"] == application.id
    token = answer.json["access_token"]
    with peers.connect(application, token) as peer:
        peer.join("team-1")
        peer.expect("first_to_join")


def test_the_end_of_a_session_ends_what_it_opened(server, application):
    cookie = cookie_of(begin(server, session_token(application), OWN))
    with peers.Peer(server.url, fields=[cookie, ("Origin", PAGE)]) as peer:
        peer.join("lobby")
        peer.expect("first_to_join")
        ended = http.request(server.url, "DELETE", "/session", [cookie, OWN])
        assert ended.status == 204
        assert "Max-Age=0" in ended.header("Set-Cookie")
        assert peer.closing()[0] == 4501
    assert swap(server, cookie).status == 401
    assert begin(server, cookie[1].split("=", 1)[1], OWN).status == 401


@pytest.mark.parametrize("headers", [
    [], [("Sec-Fetch-Site", "cross-site")], [("Origin", "https://evil.example")],
    [("Origin", "null")], [("Sec-Fetch-Site", "same-site")],
])
def test_nobody_but_its_own_pages_touches_a_session(server, application, headers):
    token = session_token(application)
    cookie = cookie_of(begin(server, token, OWN))
    answers = [
        begin(server, token, *headers),
        http.request(server.url, "DELETE", "/session", [cookie, *headers]),
        http.request(server.url, "POST", "/session/token", [cookie, *headers]),
    ]
    for answer in answers:
        assert (answer.status, answer.error) == (403, "origin_not_allowed")
        assert answer.header("Set-Cookie") is None
        assert answer.header("Access-Control-Allow-Origin") is None
    assert swap(server, cookie).status == 200


def test_a_listed_origin_may_read_the_answers_and_no_other(server, application):
    cookie = cookie_of(begin(server, session_token(application), OWN))
    answer = swap(server, cookie, ("Origin", PAGE))
    assert answer.status == 200
    ledger.remember(answer.json["access_token"], "an access token of a session")
    assert answer.header("Access-Control-Allow-Origin") == PAGE
    assert answer.header("Access-Control-Allow-Credentials") == "true"
    for origin, status in [(PAGE, 204), ("https://evil.example", 403)]:
        assert preflight(server, origin).status == status


def test_the_cookie_may_have_another_name(start):
    server = start("--edge-cookie", "__Host-meet")
    client_id, secret = server.usher.add_client("Pages", scopes=["signal", "session"])
    application = Application(server, client_id, secret)
    answer = begin(server, session_token(application), OWN)
    assert answer.header("Set-Cookie").startswith("__Host-meet=")
    assert swap(server, cookie_of(answer)).status == 200


def doubled(*values):
    return ("Cookie", "; ".join(f"{COOKIE}={value}" for value in values))


BAD = [doubled(""), doubled('"quoted"'), doubled("a b"), doubled("a", "b"), doubled("a" * 3600)]


@pytest.mark.parametrize("cookie", BAD, ids=["empty", "quoted", "blank", "doubled", "long"])
def test_signing_out_works_whatever_the_cookie_holds(server, application, cookie):
    for page in [OWN, ("Origin", PAGE)]:
        ended = http.request(server.url, "DELETE", "/session", [cookie, page])
        assert ended.status == 204
        assert ended.header("Set-Cookie").startswith(f"{COOKIE}=; Path=/; Max-Age=0")


def test_signing_out_revokes_every_session_among_doubled_cookies(server, application):
    tokens = [session_token(application), session_token(application)]
    ended = http.request(
        server.url, "DELETE", "/session", [doubled("", tokens[0], f'"{tokens[1]}"'), OWN])
    assert ended.status == 204
    for token in tokens:
        assert begin(server, token, OWN).status == 401


def test_many_cookies_that_hold_nothing_hide_no_session_from_signing_out(server, application):
    tokens = [session_token(application) for _ in range(8)]
    nothing = ["", '"', "a b"] * 7
    ended = http.request(
        server.url, "DELETE", "/session", [doubled(*nothing, *tokens, *nothing), OWN])
    assert ended.status == 204
    assert "Max-Age=0" in ended.header("Set-Cookie")
    for token in tokens:
        assert begin(server, token, OWN).status == 401


def test_signing_out_says_so_where_there_are_more_sessions_than_it_looks_at(server, application):
    tokens = [session_token(application) for _ in range(9)]
    ended = http.request(server.url, "DELETE", "/session", [doubled(*tokens), OWN])
    assert (ended.status, ended.error) == (503, "temporarily_unavailable")
    assert "Max-Age=0" in ended.header("Set-Cookie")
    assert [begin(server, token, OWN).status for token in tokens] == [401] * 8 + [200]


@pytest.mark.parametrize("cookie", BAD, ids=["empty", "quoted", "blank", "doubled", "long"])
def test_a_bad_cookie_matters_only_where_it_would_be_used(server, application, cookie):
    assert http.get(server.url, "/.well-known/jwks.json", [cookie]).status == 200
    token = application.token()
    bearer = ("Authorization", f"Bearer {token}")
    offer = ("Sec-WebSocket-Protocol", f"usher.v1, usher.bearer.{token}")
    for target, fields in [("/?token=" + token, []), ("/", [bearer]), ("/", [offer])]:
        assert peers.attempt(server, target, [cookie, *fields]).status == 101
    assert http.get(server.url, "/ice-servers", [cookie, bearer]).status == 200
    for answer in [
        swap(server, cookie), peers.attempt(server, "/", [cookie, ("Origin", PAGE)]),
        http.get(server.url, "/ice-servers", [cookie]),
    ]:
        assert (answer.status, answer.error) == (400, "invalid_request")
        assert COOKIE in answer.json["error_description"]


def test_a_session_of_another_client_of_the_same_origin_is_refused(server, application):
    other = server.application("Other", scopes=["signal", "session"], origins=[PAGE])
    cookie = cookie_of(begin(server, session_token(application), OWN))
    own = swap(server, cookie, client_id=application.id)
    assert own.status == 200
    ledger.remember(own.json["access_token"], "an access token of a session")
    page = ("Origin", PAGE)
    assert peers.attempt(server, f"/?client={application.id}", [cookie, page]).status == 101
    for answer in [
        swap(server, cookie, client_id=other.id),
        peers.attempt(server, f"/?client={other.id}", [cookie, page]),
    ]:
        assert (answer.status, answer.error) == (403, "client_mismatch")
