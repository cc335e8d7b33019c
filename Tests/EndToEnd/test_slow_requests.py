"""Connections that take for ever to say what they want (slow loris)."""

import socket
import time
import urllib.parse

import pytest

from support import http, peers
from support.waiting import eventually


def connection(server):
    place = urllib.parse.urlsplit(server.url)
    return socket.create_connection((place.hostname, place.port), 10)


def trickle(connections, text, seconds):
    """Sends a byte of `text` on each, again and again; returns those that were cut."""
    ended, open_ones = [], list(connections)
    deadline = time.monotonic() + seconds
    position = 0
    while open_ones and time.monotonic() < deadline:
        for one in list(open_ones):
            try:
                one.send(text[position:position + 1])
                one.setblocking(False)
                if one.recv(1024) == b"":
                    raise ConnectionResetError
            except BlockingIOError:
                pass
            except (ConnectionResetError, BrokenPipeError):
                ended.append(one)
                open_ones.remove(one)
        position = (position + 1) % len(text)
        time.sleep(0.1)
    return ended


@pytest.mark.parametrize("start_of_request", [
    b"",
    b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n",
    b"POST /oauth2/token HTTP/1.1\r\nHost: a\r\nContent-Length: 9000\r\n\r\n",
])
def test_a_request_that_trickles_in_is_cut_and_others_are_served(start, start_of_request):
    server = start("--request-seconds", "2")
    slow = [connection(server) for _ in range(30)]
    for one in slow:
        one.sendall(start_of_request)
    ended = trickle(slow, b"X-a: b\r\n", 8)
    assert len(ended) == len(slow)
    assert server.application().ask().status == 200


def test_a_later_request_that_trickles_in_is_cut_too(start):
    server = start("--request-seconds", "2", "--keepalive-seconds", "3600")
    slow = [connection(server) for _ in range(10)]
    for one in slow:
        one.sendall(b"GET /livez HTTP/1.1\r\nHost: a\r\n\r\n")
        assert one.recv(65536).startswith(b"HTTP/1.1 404")
    time.sleep(4)
    ended = trickle(slow, b"GET / HTTP/1.1\r\nX-a: b\r\n", 8)
    assert len(ended) == len(slow)


def test_a_connection_kept_for_the_next_request_is_not_cut(start):
    server = start("--request-seconds", "1")
    request = b"GET /openapi.json HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    with connection(server) as kept:
        for _ in range(2):
            kept.sendall(request)
            received = b""
            while not received.endswith(b"}") or b"HTTP/1.1 200" not in received:
                received += kept.recv(65536)
                if received.count(b"{") and received.count(b"{") == received.count(b"}"):
                    break
            time.sleep(3)


def test_peers_are_no_requests(start):
    server = start("--request-seconds", "1")
    with peers.connect(server.application()) as peer:
        time.sleep(3)
        peer.join("lobby")
        peer.expect("first_to_join")
    eventually(lambda: http.get(server.operator, "/livez").status == 200, "the server")
