"""Opening a connection: where the token comes from, and refusals as HTTP answers."""

import pytest

from support import http
from support.peers import attempt, connect, query
from support.waiting import eventually
from support.websocket import BINARY, TEXT, WebSocket, frame

pytestmark = pytest.mark.homes
OWN_HANDSHAKE = pytest.mark.needs("its own handshake")
OWN_FRAMES = pytest.mark.needs("its own frames")


def refused(home, target, fields, status, error):
    """Tries the handshake, which must be refused; returns the answer."""
    answer = attempt(home, target, fields)
    assert answer.status == status, (answer.status, answer.body)
    if home.shows_refusals:
        is_told(answer, error)
    return answer


def challenge(home, answer):
    """What the answer says of authentication; None where a home shows nothing of it."""
    return answer.header("WWW-Authenticate") if home.shows_refusals else None


def is_told(answer, error):
    assert answer.header("Content-Type").startswith("application/json")
    assert set(answer.json) >= {"error", "error_description"}
    assert answer.error == error, answer.body


def bearer(token):
    return ("Authorization", f"Bearer {token}")


def offered(*subprotocols):
    return ("Sec-WebSocket-Protocol", ", ".join(subprotocols))


@OWN_HANDSHAKE
@pytest.mark.parametrize("path", ["/", "/dev", "/a/b/c", "/prod/"])
def test_deployed_clients_may_have_any_path(home, application, path):
    assert attempt(home, query(application.token(), application.id, path)).status == 101


def test_a_base_url_without_a_path_works_too(home, application):
    with WebSocket(home.socket_url, "/?token=" + application.token()) as socket:
        assert socket.response.header("Sec-WebSocket-Protocol") is None


def test_a_token_may_come_as_bearer(home, application):
    assert attempt(home, "/", [bearer(application.token())]).status == 101
    assert attempt(home, "/", [("Authorization", "bearer " + application.token())]).status == 101


def test_a_token_may_come_as_subprotocol_and_is_never_echoed(home, application):
    token = application.token()
    for fields in ([offered("usher.v1", f"usher.bearer.{token}")],
                   [offered(f"usher.bearer.{token}"), offered("usher.v1")]):
        answer = attempt(home, "/", fields)
        assert answer.status == 101
        assert answer.header("Sec-WebSocket-Protocol") == "usher.v1"
        assert token not in str(answer.fields)


def test_other_subprotocols_are_not_selected_and_the_connection_is_classic(application):
    with connect(application, fields=[offered("chat", "superchat")]) as peer:
        assert peer.response.header("Sec-WebSocket-Protocol") is None
        peer.join("others", id="a")
        peer.expect("first_to_join")


def test_no_token_is_answered_with_a_bare_challenge(home):
    for target in ("/", "/?token=", "/?client=x"):
        if said := challenge(home, refused(home, target, [], 401, "unauthorized")):
            assert said.startswith("Bearer realm=") and "," not in said


def test_a_bad_token_is_answered_with_invalid_token(home):
    for token in ("a.b.c", "undefined"):
        if said := challenge(home, refused(home, query(token), [], 401, "invalid_token")):
            assert said.startswith("Bearer ") and 'error="invalid_token"' in said


def test_the_client_in_the_query_must_be_the_tokens(home, application):
    other = home.application("Other")
    refused(home, query(application.token(), other.id), [], 401, "invalid_token")
    refused(home, query(application.token(), "nobody"), [], 401, "invalid_token")


@pytest.mark.parametrize("make", [
    lambda t, c: (f"/?token={t}&token={t}", []),
    lambda t, c: (f"/?token={t}&%74oken={t}", []),
    lambda t, c: (f"/?token={t}&client={c}&client={c}", []),
    lambda t, c: ("/", [offered("usher.v1", f"usher.bearer.{t}", f"usher.bearer.{t}")]),
    lambda t, c: ("/", [offered(f"usher.bearer.{t}")]),
    lambda t, c: ("/", [offered("usher.v1", f"usher.bearer.{t}"), offered(f"usher.bearer.{t}")]),
], ids=["token", "escaped-token", "client", "bearer", "bearer-alone", "bearer-in-two-fields"])
def test_doubled_and_lone_parameters_are_400(home, application, make):
    target, fields = make(application.token(), application.id)
    refused(home, target, fields, 400, "invalid_request")


def test_two_authorizations_are_refused(home, application):
    token = application.token()
    assert attempt(home, "/", [bearer(token), bearer(token)]).status in (400, 401)


def test_a_token_without_the_signal_scope_is_403(home):
    application = home.application("Other scopes", scopes=["signal", "other"])
    answer = refused(home, query(application.token(scope="other")), [], 403, "insufficient_scope")
    if said := challenge(home, answer):
        assert 'error="insufficient_scope"' in said


def test_a_session_token_is_taken_from_the_cookie_alone(home):
    application = home.application(
        "Sessions", scopes=["signal", "session"], origins=["https://app.example"])
    token = application.token(scope="session", subject="ann")
    refused(home, query(token), [], 401, "invalid_token")
    refused(home, "/", [bearer(token)], 401, "invalid_token")
    refused(home, "/", [offered("usher.v1", f"usher.bearer.{token}")], 401, "invalid_token")
    fields = [("Cookie", f"__Host-usher_session={token}"), ("Origin", "https://app.example")]
    assert attempt(home, "/", fields).status == 101


def test_a_disabled_clients_token_is_refused(home):
    application = home.application("Soon disabled")
    token = application.token()
    assert attempt(home, query(token)).status == 101
    home.disable(application)
    eventually(lambda: attempt(home, query(token)).status == 401, "the refusal", within=2)
    refused(home, query(token), [], 401, "invalid_token")


def test_the_token_stands_in_no_answer(home, application):
    token = application.token()
    for target, fields in ((query(token, "nobody"), []), ("/", [bearer(token + "x")]),
                           (f"/?token={token}&token={token}", [])):
        answer = attempt(home, target, fields)
        assert answer.status in (400, 401)
        assert token not in str(answer.fields) + answer.body.decode()


@OWN_HANDSHAKE
@pytest.mark.parametrize("fields, status", [
    ([("Sec-WebSocket-Version", "8")], 426),
    ([("Sec-WebSocket-Version", None)], 426),
    ([("Sec-WebSocket-Key", "short")], 400),
    ([("Sec-WebSocket-Key", None)], 400),
    ([("Sec-WebSocket-Key", "AAAAAAAAAAAAAAAAAAAAAA==AAAA")], 400),
    ([("Connection", "keep-alive")], None),
    ([("Upgrade", "h2c")], None),
], ids=["version-8", "no-version", "short-key", "no-key", "long-key", "no-connection", "h2c"])
def test_a_wrong_handshake_is_refused(home, application, fields, status):
    answer = attempt(home, query(application.token()), fields)
    assert answer.status == status if status else 400 <= answer.status < 500
    if status == 426:
        assert "13" in answer.header("Sec-WebSocket-Version")


@OWN_HANDSHAKE
def test_only_get_is_upgraded(home, application):
    answer = http.request(
        home.url, "POST", query(application.token()),
        [("Upgrade", "websocket"), ("Connection", "Upgrade"), ("Sec-WebSocket-Version", "13"),
         ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")], b"")
    assert answer.status in (400, 404, 405)


@OWN_HANDSHAKE
def test_upgrade_headers_may_have_any_case_and_company(home, application):
    fields = [("Upgrade", "WebSocket"), ("Connection", "keep-alive, Upgrade")]
    assert attempt(home, query(application.token()), fields).status == 101


@OWN_HANDSHAKE
def test_routes_are_not_the_relay(home, application):
    for path in ("/oauth2/token", "/.well-known/jwks.json", "/edge/viewer-request"):
        assert attempt(home, query(application.token(), path=path)).status != 101, path
    for path in ("/livez", "/"):
        place = type("Operator", (), {"url": home.operator})
        assert attempt(place, query(application.token(), path=path)).status != 101


@OWN_FRAMES
def test_frames_that_come_with_the_request_are_not_lost(application):
    early = frame(TEXT, b'{"action":"join-room","roomId":"early","id":"a"}')
    with connect(application, early=early) as peer:
        assert peer.expect("first_to_join") == {"roomId": "early"}


@OWN_FRAMES
def test_half_a_frame_that_comes_with_the_request_is_put_together(application):
    whole = frame(TEXT, b'{"action":"join-room","roomId":"half","id":"a"}')
    with connect(application, early=whole[:9]) as peer:
        peer.send_bytes(whole[9:])
        assert peer.expect("first_to_join") == {"roomId": "half"}


@OWN_FRAMES
def test_an_early_bad_frame_is_closed_like_a_late_one(application):
    with connect(application, early=frame(BINARY, b"x")) as peer:
        assert peer.closing()[0] == 1003


class TestQueryToken:
    def test_allow_takes_one_token_for_every_reconnect(self, home, application):
        token = application.token()
        assert [attempt(home, query(token)).status for _ in range(3)] == [101] * 3

    def test_one_use_opens_one_connection_for_each_token(self, start_home):
        home = start_home("--query-token", "one-use")
        application = home.application()
        token = application.token()
        assert attempt(home, query(token)).status == 101
        refused(home, query(token), [], 401, "invalid_token")
        assert attempt(home, query(application.token())).status == 101
        for _ in range(2):
            assert attempt(home, "/", [offered("usher.v1", f"usher.bearer.{token}")]).status in (
                101, 401)

    def test_one_use_holds_across_a_restart(self, start):
        flags = ["--query-token", "one-use", "--issuer", "http://127.0.0.1:1"]
        server = start(*flags)
        token = server.application().token()
        assert attempt(server, query(token)).status == 101
        assert server.stop() == 0
        again = start(*flags, data=server.data)
        refused(again, query(token), [], 401, "invalid_token")

    def test_deny_takes_none(self, start_home):
        home = start_home("--query-token", "deny")
        application = home.application()
        token = application.token()
        assert attempt(home, query(token)).status in (400, 401)
        assert attempt(home, "/", [offered("usher.v1", f"usher.bearer.{token}")]).status == 101
        assert attempt(home, "/", [bearer(application.token())]).status == 101
