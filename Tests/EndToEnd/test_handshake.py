"""Opening a connection: where the token comes from, and refusals as HTTP answers."""

import pytest

from support import http
from support.peers import attempt, connect, query
from support.websocket import BINARY, TEXT, WebSocket, frame


def refused(answer, status, error):
    assert answer.status == status, (answer.status, answer.body)
    assert answer.header("Content-Type").startswith("application/json")
    assert set(answer.json) >= {"error", "error_description"}
    assert answer.error == error, answer.body


def bearer(token):
    return ("Authorization", f"Bearer {token}")


def offered(*subprotocols):
    return ("Sec-WebSocket-Protocol", ", ".join(subprotocols))


@pytest.mark.parametrize("path", ["/", "/dev", "/a/b/c", "/prod/"])
def test_deployed_clients_may_have_any_path(server, application, path):
    assert attempt(server, query(application.token(), application.id, path)).status == 101


def test_a_base_url_without_a_path_works_too(server, application):
    with WebSocket(server.url, "/?token=" + application.token()) as socket:
        assert socket.response.header("Sec-WebSocket-Protocol") is None


def test_a_token_may_come_as_bearer(server, application):
    assert attempt(server, "/", [bearer(application.token())]).status == 101
    assert attempt(server, "/", [("Authorization", "bearer " + application.token())]).status == 101


def test_a_token_may_come_as_subprotocol_and_is_never_echoed(server, application):
    token = application.token()
    for fields in ([offered("usher.v1", f"usher.bearer.{token}")],
                   [offered(f"usher.bearer.{token}"), offered("usher.v1")]):
        answer = attempt(server, "/", fields)
        assert answer.status == 101
        assert answer.header("Sec-WebSocket-Protocol") == "usher.v1"
        assert token not in str(answer.fields)


def test_other_subprotocols_are_not_selected_and_the_connection_is_classic(application):
    with connect(application, fields=[offered("chat", "superchat")]) as peer:
        assert peer.response.header("Sec-WebSocket-Protocol") is None
        peer.join("others", id="a")
        peer.expect("first_to_join")


def test_no_token_is_answered_with_a_bare_challenge(server):
    for target in ("/", "/?token=", "/?client=x"):
        answer = attempt(server, target)
        refused(answer, 401, "unauthorized")
        challenge = answer.header("WWW-Authenticate")
        assert challenge.startswith("Bearer realm=") and "," not in challenge


def test_a_bad_token_is_answered_with_invalid_token(server):
    for token in ("a.b.c", "undefined"):
        answer = attempt(server, query(token))
        refused(answer, 401, "invalid_token")
        challenge = answer.header("WWW-Authenticate")
        assert challenge.startswith("Bearer ") and 'error="invalid_token"' in challenge


def test_the_client_in_the_query_must_be_the_tokens(server, application):
    other = server.application("Other")
    refused(attempt(server, query(application.token(), other.id)), 401, "invalid_token")
    refused(attempt(server, query(application.token(), "nobody")), 401, "invalid_token")


@pytest.mark.parametrize("make", [
    lambda t, c: (f"/?token={t}&token={t}", []),
    lambda t, c: (f"/?token={t}&%74oken={t}", []),
    lambda t, c: (f"/?token={t}&client={c}&client={c}", []),
    lambda t, c: ("/", [offered("usher.v1", f"usher.bearer.{t}", f"usher.bearer.{t}")]),
    lambda t, c: ("/", [offered(f"usher.bearer.{t}")]),
    lambda t, c: ("/", [offered("usher.v1", f"usher.bearer.{t}"), offered(f"usher.bearer.{t}")]),
], ids=["token", "escaped-token", "client", "bearer", "bearer-alone", "bearer-in-two-fields"])
def test_doubled_and_lone_parameters_are_400(server, application, make):
    target, fields = make(application.token(), application.id)
    refused(attempt(server, target, fields), 400, "invalid_request")


def test_two_authorizations_are_refused(server, application):
    token = application.token()
    assert attempt(server, "/", [bearer(token), bearer(token)]).status in (400, 401)


def test_a_token_without_the_signal_scope_is_403(server):
    application = server.application("Other scopes", scopes=["signal", "other"])
    answer = attempt(server, query(application.token(scope="other")))
    refused(answer, 403, "insufficient_scope")
    assert 'error="insufficient_scope"' in answer.header("WWW-Authenticate")


def test_a_session_token_is_taken_from_the_cookie_alone(server):
    application = server.application(
        "Sessions", scopes=["signal", "session"], origins=["https://app.example"])
    token = application.token(scope="session", subject="ann")
    refused(attempt(server, query(token)), 401, "invalid_token")
    refused(attempt(server, "/", [bearer(token)]), 401, "invalid_token")
    refused(attempt(server, "/", [offered("usher.v1", f"usher.bearer.{token}")]), 401,
            "invalid_token")
    fields = [("Cookie", f"__Host-usher_session={token}"), ("Origin", "https://app.example")]
    assert attempt(server, "/", fields).status == 101


def test_a_disabled_clients_token_is_refused(server):
    from support.waiting import eventually
    application = server.application("Soon disabled")
    token = application.token()
    assert attempt(server, query(token)).status == 101
    server.usher.succeed("client", "disable", application.id)
    eventually(lambda: attempt(server, query(token)).status == 401, "the refusal", within=2)
    refused(attempt(server, query(token)), 401, "invalid_token")


def test_the_token_stands_in_no_answer(server, application):
    token = application.token()
    for target, fields in ((query(token, "nobody"), []), ("/", [bearer(token + "x")]),
                           (f"/?token={token}&token={token}", [])):
        answer = attempt(server, target, fields)
        assert answer.status in (400, 401)
        assert token not in str(answer.fields) + answer.body.decode()


@pytest.mark.parametrize("fields, status", [
    ([("Sec-WebSocket-Version", "8")], 426),
    ([("Sec-WebSocket-Version", None)], 426),
    ([("Sec-WebSocket-Key", "short")], 400),
    ([("Sec-WebSocket-Key", None)], 400),
    ([("Sec-WebSocket-Key", "AAAAAAAAAAAAAAAAAAAAAA==AAAA")], 400),
    ([("Connection", "keep-alive")], None),
    ([("Upgrade", "h2c")], None),
], ids=["version-8", "no-version", "short-key", "no-key", "long-key", "no-connection", "h2c"])
def test_a_wrong_handshake_is_refused(server, application, fields, status):
    answer = attempt(server, query(application.token()), fields)
    assert answer.status == status if status else 400 <= answer.status < 500
    if status == 426:
        assert "13" in answer.header("Sec-WebSocket-Version")


def test_only_get_is_upgraded(server, application):
    answer = http.request(
        server.url, "POST", query(application.token()),
        [("Upgrade", "websocket"), ("Connection", "Upgrade"), ("Sec-WebSocket-Version", "13"),
         ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")], b"")
    assert answer.status in (400, 404, 405)


def test_upgrade_headers_may_have_any_case_and_company(server, application):
    fields = [("Upgrade", "WebSocket"), ("Connection", "keep-alive, Upgrade")]
    assert attempt(server, query(application.token()), fields).status == 101


def test_routes_are_not_the_relay(server, application):
    for path in ("/oauth2/token", "/.well-known/jwks.json", "/edge/viewer-request"):
        assert attempt(server, query(application.token(), path=path)).status != 101, path
    for path in ("/livez", "/"):
        place = type("Operator", (), {"url": server.operator})
        assert attempt(place, query(application.token(), path=path)).status != 101


def test_frames_that_come_with_the_request_are_not_lost(application):
    early = frame(TEXT, b'{"action":"join-room","roomId":"early","id":"a"}')
    with connect(application, early=early) as peer:
        assert peer.expect("first_to_join") == {"roomId": "early"}


def test_half_a_frame_that_comes_with_the_request_is_put_together(application):
    whole = frame(TEXT, b'{"action":"join-room","roomId":"half","id":"a"}')
    with connect(application, early=whole[:9]) as peer:
        peer.send_bytes(whole[9:])
        assert peer.expect("first_to_join") == {"roomId": "half"}


def test_an_early_bad_frame_is_closed_like_a_late_one(application):
    with connect(application, early=frame(BINARY, b"x")) as peer:
        assert peer.closing()[0] == 1003


class TestQueryToken:
    def test_allow_takes_one_token_for_every_reconnect(self, server, application):
        token = application.token()
        assert [attempt(server, query(token)).status for _ in range(3)] == [101] * 3

    def test_one_use_opens_one_connection_for_each_token(self, start):
        server = start("--query-token", "one-use")
        application = server.application()
        token = application.token()
        assert attempt(server, query(token)).status == 101
        refused(attempt(server, query(token)), 401, "invalid_token")
        assert attempt(server, query(application.token())).status == 101
        for _ in range(2):
            assert attempt(server, "/", [offered("usher.v1", f"usher.bearer.{token}")]).status in (
                101, 401)

    def test_one_use_holds_across_a_restart(self, start):
        flags = ["--query-token", "one-use", "--issuer", "http://127.0.0.1:1"]
        server = start(*flags)
        token = server.application().token()
        assert attempt(server, query(token)).status == 101
        assert server.stop() == 0
        again = start(*flags, data=server.data)
        refused(attempt(again, query(token)), 401, "invalid_token")

    def test_deny_takes_none(self, start):
        server = start("--query-token", "deny")
        application = server.application()
        token = application.token()
        assert attempt(server, query(token)).status in (400, 401)
        assert attempt(server, "/", [offered("usher.v1", f"usher.bearer.{token}")]).status == 101
        assert attempt(server, "/", [bearer(application.token())]).status == 101
