"""`POST /signal/check`: why a handshake would fail, for pages (docs/protocol.md §1)."""

import pytest

from support import http, ledger, peers, prometheus
from support.browser import Visit, page_server
from support.cost import RATIO_MAX, letters, marks, ratio
from support.forging import Forger, now
from support.waiting import eventually

CHECK = "/signal/check"
FORM = ("Content-Type", "application/x-www-form-urlencoded")
SHARED = "Access-Control-Allow-Origin"
SECRET = "SECRETPARTOFATOKEN"


def check(server, fields=(), **form):
    answer = http.post_form(server.url, CHECK, list(form.items()), fields)
    assert answer.header(SHARED) == "*"
    assert answer.header("Access-Control-Allow-Credentials") is None
    assert answer.header("Cache-Control") == "no-store"
    return answer


def handshake(server, token, client=None):
    offered = ("Sec-WebSocket-Protocol", f"usher.v1, usher.bearer.{token}")
    return peers.attempt(server, peers.query(client=client), [offered])


def expect_same(server, status, error, token, client=None):
    """The check and the handshake give one answer; returns its text."""
    form = {"token": token} if client is None else {"token": token, "client": client}
    asked, tried = check(server, **form), handshake(server, token, client)
    assert (asked.status, asked.error) == (status, error), asked.body
    assert (tried.status, tried.json) == (status, asked.json)
    for name in ("WWW-Authenticate", "Retry-After"):
        assert asked.header(name) == tried.header(name)
    return asked.json["error_description"]


def test_a_good_token_is_told_to_be_good_from_any_origin(server, application):
    token = application.token(rooms="lobby")
    for origin in ("https://elsewhere.example", "null", "https://app.example"):
        answer = check(server, [("Origin", origin)], token=token, client=application.id,
                       room="lobby")
        assert (answer.status, answer.json) == (200, {})
    assert check(server, token=token, room="lobby2").error == "room_forbidden"


def test_refusals_are_those_of_a_handshake(server, application):
    forger = Forger(application)
    good = application.token()
    assert "forged" in expect_same(server, 401, "invalid_token", good[:-8] + "AAAAAAAA")
    assert "expired" in expect_same(
        server, 401, "invalid_token", forger.with_claims(exp=now() - 60))
    assert "not valid yet" in expect_same(
        server, 401, "invalid_token", forger.with_claims(nbf=now() + 600))
    assert "client" in expect_same(server, 401, "invalid_token", good, client="another")
    assert "signal" in expect_same(
        server, 403, "insufficient_scope", forger.with_claims(scope="other"))
    assert "token" in check(server).json["error_description"]
    assert check(server, client=application.id).error == "unauthorized"


def test_a_session_token_is_for_the_cookie_alone(server):
    client = server.application("Sessions", scopes=["signal", "session"])
    token = client.token(scope="session", subject="ada")
    expect_same(server, 401, "invalid_token", token)
    cookie = [("Cookie", f"__Host-usher_session={token}"), ("Origin", server.url)]
    assert check(server, cookie).error == "unauthorized"
    broken = [("Cookie", "__Host-usher_session=a; __Host-usher_session=b")]
    assert check(server, broken, token=client.token()).status == 200


def test_a_disabled_client_and_a_revoked_token_are_told_so(start):
    server = start()
    client = server.application()
    token, other = client.token(), client.token()
    http.post_form(server.url, "/oauth2/revoke", [("token", other)],
                   [http.basic(client.id, client.secret)])
    eventually(lambda: check(server, token=other).status == 401, "the revocation to be known")
    assert "revoked" in expect_same(server, 401, "invalid_token", other)
    server.usher.succeed("client", "disable", client.id)
    eventually(lambda: check(server, token=token).status == 401, "the change to be known")
    assert "disabled" in expect_same(server, 401, "invalid_token", token)


def test_a_one_use_token_is_not_used_up(start):
    server = start("--query-token", "one-use")
    client = server.application()
    token = client.token()
    for _ in range(3):
        assert check(server, token=token).status == 200
    assert peers.attempt(server, peers.query(token)).status == 101
    assert peers.attempt(server, peers.query(token)).status == 401


def test_limits_are_told_and_no_place_is_taken(start):
    server = start("--max-connections-per-client", "1")
    client = server.application()
    token = client.token()
    for _ in range(3):
        assert check(server, token=token).status == 200
    with peers.connect(client):
        expect_same(server, 429, "too_many_connections", token)
        answer = check(server, token=token)
        assert answer.header("Retry-After") == "5"
        assert answer.header("Access-Control-Expose-Headers") == "Retry-After"


def test_the_rate_of_an_address_covers_both(start):
    server = start("--connections-per-second", "1", "--connection-burst", "4")
    client = server.application()
    token = client.token()
    answers = [check(server, token=token).status for _ in range(12)]
    assert answers[:4] == [200] * 4 and 429 in answers[4:]
    assert 429 in [handshake(server, token).status for _ in range(4)]


def test_a_full_room_is_told_to_who_has_no_place_in_it(start):
    server = start("--max-members", "1")
    client = server.application()
    with peers.connect(client) as peer:
        peer.join("lobby", id="a")
        peer.expect("first_to_join")
        answer = check(server, token=client.token(), room="lobby")
        assert (answer.status, answer.error) == (409, "room_full")
        assert check(server, token=client.token(), room="other").status == 200


@pytest.mark.parametrize("body, named", [
    (b"token=a&token=b", "token"), (b"client=a&client=a", "client"), (b"room=a&room=b", "room"),
    (b"token=%zz", "token"), (b"room=%ff", "room"), (b"x=1&x=2", "x"), (b"\xff=1", "body"),
    (b"room=" + b"r" * 257, "room"), (b"&".join(b"a%d=1" % i for i in range(300)), "256")])
def test_what_is_no_good_form_is_400_and_names_the_member(server, body, named):
    answer = http.post_form(server.url, CHECK, body)
    assert (answer.status, answer.error) == (400, "invalid_request")
    assert named in answer.json["error_description"]
    assert answer.header(SHARED) == "*"


def test_unknown_and_empty_members_count_for_nothing(server, application):
    form = [("token", application.token()), ("token", ""), ("client", ""), ("x", "1")]
    assert http.post_form(server.url, CHECK, form).status == 200


def test_methods_types_and_sizes(server, application):
    token = application.token()
    body = f"token={token}".encode()
    for method in ("GET", "HEAD", "PUT", "DELETE", "OPTIONS"):
        answer = http.request(server.url, method, CHECK, [FORM])
        assert (answer.status, answer.header("Allow")) == (405, "POST")
        assert answer.header(SHARED) == "*"
    for fields in ([], [("Content-Type", "application/json")], [FORM, FORM],
                   [("Content-Type", "text/plain")]):
        assert http.request(server.url, "POST", CHECK, fields, body).status == 400
    long = http.request(server.url, "POST", CHECK, [FORM], body + b"&x=" + b"x" * 16_384)
    assert long.status == 413
    assert http.request(server.url, "POST", CHECK, [FORM], b"token=" + b"a" * 9_000).status == 401
    inURI = http.request(server.url, "POST", f"{CHECK}?token=a.b.c", [FORM], body)
    assert inURI.status == 400 and "token" in inURI.json["error_description"]
    upgrade = peers.attempt(server, CHECK + f"?token={token}")
    assert upgrade.status == 405


def test_it_is_counted_as_a_route(start):
    server = start()
    check(server, token="a.b.c")
    http.get(server.url, CHECK)
    text = http.get(server.relay_operator, "/metrics").body.decode()
    requests = prometheus.parse(text)["usher_http_requests_total"]
    assert requests.value(route=CHECK, code="401") == 1
    assert requests.value(route=CHECK, code="405") == 1


def test_no_token_is_in_log_or_answer(start):
    server = start("--log-level", "debug", "--connections-per-second", "1",
                   "--connection-burst", "3")
    secret = ledger.remember(".".join([SECRET * 2] * 3), "a token that was asked about")
    bodies = [f"token={secret}", f"token={secret}&token={secret}", f"token={secret}%zz",
              f"token={secret}", f"{SECRET}%20=1&{SECRET}%20=2"]
    for body in bodies:
        answer = http.post_form(server.url, CHECK, body.encode())
        assert answer.status >= 400
        assert SECRET.encode() not in answer.body and SECRET not in str(answer.fields)
    assert server.stop() == 0
    assert SECRET not in server.errors


def post(body):
    lines = [b"POST /signal/check HTTP/1.1", b"Host: localhost", b"Connection: close",
             b"Content-Type: " + FORM[1].encode(), b"Content-Length: %d" % len(body), b"", body]
    return b"\r\n".join(lines)


@pytest.mark.one_process("the CPU time of one process is measured")
@pytest.mark.parametrize("make", [
    lambda text: b"token=" + text(16_000), lambda text: text(16_000) + b"=1",
    lambda text: b"token=a.b.c&client=" + text(15_000),
    lambda text: b"&".join(text(48) + b"%03d=1" % index for index in range(250))],
    ids=["token", "name", "client", "names"])
def test_hostile_forms_cost_no_more_than_benign_ones(server, make):
    hostile, benign = (
        post(make(lambda length, text=text: text(length).encode())) for text in (marks, letters))
    for sent in (hostile, benign):
        assert 400 <= int(http.raw(server.url, sent).split(b" ", 2)[1]) < 500
    assert ratio(server, lambda: http.raw(server.url, hostile),
                 lambda: http.raw(server.url, benign)) <= RATIO_MAX


def test_a_page_of_any_origin_asks_without_a_preflight(browser, server, application):
    # Which would be answered with 405.
    with page_server() as pages:
        visit = Visit(browser, f"{pages}/classic.html")
        answers = visit.page.evaluate("""async ([url, tokens]) => {
          const answers = [];
          for (const token of tokens) {
            const answer = await fetch(url, { method: 'POST', credentials: 'omit',
                                              body: new URLSearchParams({ token }) });
            answers.push([answer.status, await answer.json()]);
          }
          return answers;
        }""", [server.url + CHECK, [application.token(), "a.b.c"]])
        assert answers[0] == [200, {}]
        assert answers[1][0] == 401 and answers[1][1]["error"] == "invalid_token"
        visit.close()
