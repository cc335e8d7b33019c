"""What costs the sender little costs the server little: its CPU time for hostile input against
benign input of the same length."""

import json

import pytest

from support import http
from support.cost import RATIO_MAX, letters, marks, ratio

pytestmark = [
    pytest.mark.one_process("the CPU time of one process is measured"),
    pytest.mark.alone("measures CPU time")]


def request(method, target=b"/", fields=(), body=b""):
    lines = [method + b" " + target + b" HTTP/1.1", b"Host: localhost", b"Connection: close"]
    if body:
        lines.append(b"Content-Length: " + str(len(body)).encode())
    return b"\r\n".join([*lines, *fields, b"", body])


def post(target, kind, body, *fields):
    return request(b"POST", target, [b"Content-Type: " + kind, *fields], body)


def form(body):
    return post(b"/oauth2/token", b"application/x-www-form-urlencoded", body)


def viewer_request(type=b"viewer-request", headers=None, content=""):
    event = {"Records": [{"cf": {
        "config": {"eventType": "TYPE"},
        "request": {"clientIp": "203.0.113.7", "method": "GET", "uri": "/", "querystring": "",
                    "headers": headers or {},
                    "body": {"inputTruncated": False, "action": "read-only", "encoding": "text",
                             "data": content}}}}]}
    body = json.dumps(event, ensure_ascii=False).encode().replace(b"TYPE", type)
    return post(b"/edge/viewer-request", b"application/json", body)


def header(name, value):
    return {name: [{"key": name, "value": value}]}


def many_headers(count, size=0):
    """`count` header fields, or `size` bytes in their place."""
    fields = header("cookie", "__Host-usher_session=abc; a=1")
    for index in range(count):
        fields |= header(f"x-{index:04}", "")
    return viewer_request(headers=fields, content="a" * size)


def names(piece):
    """250 form names that are the same for 48 bytes."""
    return b"&".join(piece(48) + b"%03d=1" % index for index in range(250))


def case(name, make):
    """`make` builds a request out of text of some length in bytes."""
    hostile, benign = (
        make(lambda length, text=text: text(length).encode()) for text in (marks, letters))
    return pytest.param(hostile, benign, id=name)


@pytest.mark.parametrize("hostile, benign", [
    case("event-type", lambda text: viewer_request(type=text(120_000))),
    case("path", lambda text: request(b"GET", b"/" + text(12_000))),
    case("query", lambda text: request(b"GET", b"/?" + text(12_000) + b"=1")),
    case("method", lambda text: request(text(4_000))),
    case("form-value", lambda text: form(b"grant_type=" + text(16_000))),
    case("form-name", lambda text: form(text(16_000) + b"=1")),
    case("form-names", lambda text: form(names(text))),
    case("client-id", lambda text: form(
        b"grant_type=client_credentials&client_secret=x&client_id=" + text(15_000))),
    case("assertion-type", lambda text: form(
        b"grant_type=client_credentials&client_assertion=x&client_assertion_type="
        + text(15_000))),
    case("content-type", lambda text: post(b"/oauth2/token", text(12_000), b"a=1")),
    case("charset", lambda text: post(
        b"/oauth2/token", b"application/x-www-form-urlencoded;" + text(6_000), b"a=1")),
    case("origin", lambda text: request(b"OPTIONS", b"/session", [b"Origin: " + text(12_000)])),
    case("site", lambda text: request(
        b"DELETE", b"/session", [b"Sec-Fetch-Site: " + text(12_000)])),
    case("cookie-name", lambda text: request(
        b"GET", b"/.well-known/jwks.json", [b"Cookie: " + text(6_000) + b"=1"])),
    case("authorization", lambda text: request(
        b"POST", b"/session", [b"Authorization: Bearer " + text(6_000)])),
    case("scheme", lambda text: request(
        b"POST", b"/session", [b"Authorization: " + text(6_000) + b" x"])),
    case("upgrade", lambda text: request(
        b"GET", fields=[b"Connection: Upgrade", b"Upgrade: " + text(12_000)])),
    case("subprotocol", lambda text: request(b"GET", fields=[
        b"Connection: Upgrade", b"Upgrade: websocket", b"Sec-WebSocket-Version: 13",
        b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
        b"Sec-WebSocket-Protocol: " + text(12_000)])),
    pytest.param(many_headers(900), many_headers(0, 37_000), id="viewer-request-headers"),
])
def test_hostile_text_costs_no_more_than_benign_text(server, hostile, benign):
    # The server may refuse what is hostile, but answers both.
    assert 100 <= status(server, hostile) < 500
    assert 100 <= status(server, benign) < 500
    assert ratio(
        server, lambda: http.raw(server.url, hostile),
        lambda: http.raw(server.url, benign)) <= RATIO_MAX


def status(server, sent):
    return int(http.raw(server.url, sent).split(b" ", 2)[1])


def test_a_request_target_or_method_that_is_not_ascii_is_refused(server):
    for sent in (request(b"GET", "/\u00e9".encode()), request(b"GET", "/?\u00e9=1".encode()),
                 request("G\u00c9T".encode())):
        assert status(server, sent) == 400


def test_a_field_value_that_is_no_utf_8_is_nobodys_business(server):
    sent = request(b"GET", b"/.well-known/jwks.json", [b"X-Anything: \xff\xfe", b"Cookie: a=\xe9"])
    assert status(server, sent) == 200


def test_a_field_value_that_is_no_utf_8_is_refused_where_it_is_read(server):
    sent = request(b"POST", b"/session", [b"Authorization: Bearer \xff"])
    assert status(server, sent) in (400, 401)
