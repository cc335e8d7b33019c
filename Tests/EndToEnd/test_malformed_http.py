"""Requests that are no HTTP, too large, too slow or for nobody."""

import socket
import urllib.parse

import pytest

from support import http
from support.waiting import eventually


def still_serves(server):
    return http.get(server.operator, "/livez").status == 200 and (
        http.get(server.url, "/.well-known/jwks.json").status == 200)


@pytest.mark.parametrize("request_bytes", [
    b"\r\n\r\n", b"GET\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 300,
    b"GET / HTTP/9.9\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n",
    b"POST /oauth2/token HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n",
    b"POST /oauth2/token HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    b"POST /oauth2/token HTTP/1.1\r\nHost: a\r\nContent-Length: 50\r\n\r\nshort",
    b"GET /%zz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    b"GET /%00 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    b"GET /../../etc/passwd HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    b"GET /" + b"a" * 40_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 40_000 + b"\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: a\r\n" + b"X: a\r\n" * 5000 + b"\r\n",
], ids=range(16))
def test_a_malformed_request_is_refused_and_harms_nobody(server, request_bytes):
    place = urllib.parse.urlsplit(server.url)
    with socket.create_connection((place.hostname, place.port), 2) as connection:
        try:
            connection.sendall(request_bytes)
            connection.shutdown(socket.SHUT_WR)
            answer = connection.recv(65536)
        except OSError:  # Reset; or the server waits for the rest until it loses patience.
            answer = b""
    if answer:
        status = int(answer.split(b" ", 2)[1])
        assert 400 <= status < 600, answer[:100]
    assert still_serves(server)


def test_unknown_paths_are_answered_with_404(server):
    for path in ("/", "/oauth2", "/oauth2/token/", "/metrics", "/.well-known/other"):
        assert http.get(server.url, path).status == 404, path


def test_requests_on_one_connection_are_answered_one_after_another(server):
    one = b"GET /.well-known/jwks.json HTTP/1.1\r\nHost: a\r\n"
    answer = http.raw(server.url, one + b"\r\n" + one + b"Connection: close\r\n\r\n")
    assert answer.count(b"HTTP/1.1 200") == 2


def test_half_open_requests_do_not_keep_others_out(server):
    place = urllib.parse.urlsplit(server.url)
    slow = [socket.create_connection((place.hostname, place.port)) for _ in range(50)]
    try:
        for connection in slow:
            connection.sendall(b"POST /oauth2/token HTTP/1.1\r\nHost: a\r\nContent-")
        assert eventually(lambda: still_serves(server), "others are served")
    finally:
        for connection in slow:
            connection.close()
