"""Many of everything on one server: nothing may pile up with the number of requests or peers."""

import socket
import urllib.parse
from pathlib import Path

from support.peers import connect, meet, query
from support.waiting import eventually
from support.websocket import WebSocket

GROWTH_MAX_KILOBYTES = 40_000


def memory(server):
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0])


def get_often(server, count, at_once=200):
    """Sends `count` pipelined requests on one connection; returns how many were answered 200."""
    place = urllib.parse.urlsplit(server.url)
    request = f"GET /.well-known/jwks.json HTTP/1.1\r\nHost: {place.netloc}\r\n\r\n".encode()
    answered = 0
    with socket.create_connection((place.hostname, place.port), 20) as connection:
        for _ in range(count // at_once):
            connection.sendall(request * at_once)
            received = b""
            while received.count(b'"keys"') < at_once:
                chunk = connection.recv(1 << 18)
                assert chunk, "the server closed a connection"
                received += chunk
            answered += received.count(b"HTTP/1.1 200")
    return answered


def test_30000_requests_leave_the_server_as_it_was(start):
    server = start()
    assert get_often(server, 2_000) == 2_000
    before = memory(server)
    assert get_often(server, 30_000) == 30_000
    assert memory(server) - before < GROWTH_MAX_KILOBYTES
    assert server.stop() == 0


def test_1000_peers_one_after_another_leave_the_server_as_it_was(start):
    server = start("--max-connections-per-address", "0")
    application = server.application()
    target = query(application.token())

    def come_and_go(count):
        for number in range(count):
            with WebSocket(server.url, target) as peer:
                peer.send_text(f'{{"action":"join-room","roomId":"r-{number % 5}"}}')

    come_and_go(100)
    before = memory(server)
    come_and_go(1000)
    assert memory(server) - before < GROWTH_MAX_KILOBYTES
    with connect(application) as older, connect(application) as newer:
        meet(older, newer, "afterwards")
    descriptors = Path(f"/proc/{server.process.pid}/fd")
    eventually(lambda: len(list(descriptors.iterdir())) < 100, "descriptors are closed")
    assert server.stop() == 0
