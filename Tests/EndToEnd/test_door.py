"""The door: who may connect, for how long, and with how much of a header."""

import resource
import socket
import time
import urllib.parse

import pytest

from support import http, peers, prometheus
from support.usher import Usher
from support.waiting import eventually

WHOLE = b"GET /.well-known/jwks.json HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
ONE_DOOR = "two processes have two doors, and a proxy before them"
HALF = b"POST /oauth2/token HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Le"


def connect(url, source="127.0.0.1", sending=b""):
    place = urllib.parse.urlsplit(url)
    one = socket.create_connection(
        (place.hostname, place.port), http.PATIENCE_SECONDS, source_address=(source, 0))
    one.sendall(sending)
    return one


def received(one):
    """What comes until the end, in bytes."""
    got = b""
    try:
        while piece := one.recv(65536):
            got += piece
    except ConnectionResetError:
        pass
    return got


def is_ended(one):
    """Whether the server has closed a connection that it sent nothing on."""
    one.setblocking(False)
    try:
        return one.recv(1) == b""
    except BlockingIOError:
        return False
    except ConnectionResetError:
        return True


def is_turned_away(url):
    """Whether a connection is reset, or closed, before it says anything."""
    try:
        with connect(url) as one:
            return one.recv(1) == b""
    except ConnectionResetError:
        return True


def is_answered(one):
    one.settimeout(http.PATIENCE_SECONDS)
    try:
        one.sendall(WHOLE)
        return one.recv(65536).startswith(b"HTTP/1.1 200")
    except (ConnectionResetError, BrokenPipeError):
        return False


def close(connections):
    for one in connections:
        one.close()


def figures(server):
    return prometheus.parse(http.get(server.operator, "/metrics").body.decode())


def refused(server, reason):
    return figures(server)["usher_http_connections_refused_total"].value(reason=reason)


def open_connections(server):
    """But for the one that asks."""
    return figures(server)["usher_http_connections"].total() - 1


def descriptors(server):
    return figures(server)["process_open_fds"].total()


def cpu_seconds(server):
    with open(f"/proc/{server.process.pid}/stat") as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / 100


# MARK: Places

@pytest.mark.one_process(ONE_DOOR)
def test_an_address_that_holds_its_share_keeps_only_itself_out(start):
    server = start("--max-http-connections-per-address", "20")
    held = [connect(server.url) for _ in range(20)]
    eventually(lambda: open_connections(server) == 20, "all are let in")
    assert is_turned_away(server.url)
    assert refused(server, "address_limit") == 1
    with connect(server.url, "127.0.0.2") as other:
        assert is_answered(other)
    assert all(is_answered(one) for one in held)
    close(held)
    eventually(lambda: open_connections(server) == 0, "the places are free")
    with connect(server.url) as again:
        assert is_answered(again)


@pytest.mark.one_process(ONE_DOOR)
def test_whoever_holds_most_gives_way_once_all_places_are_taken(start):
    server = start("--max-http-connections", "30", "--max-http-connections-per-address", "0")
    greedy = [connect(server.url) for _ in range(30)]
    eventually(lambda: open_connections(server) == 30, "all places are taken")
    others = [connect(server.url, f"127.0.0.{number}") for number in range(2, 12)]
    assert all(is_answered(one) for one in others)
    eventually(lambda: sum(map(is_ended, greedy)) == 10, "ten gave way")
    assert refused(server, "gave_way") == 10
    assert is_turned_away(server.url)
    assert refused(server, "total_limit") == 1
    assert all(is_answered(one) for one in others)
    close(greedy + others)


def test_where_every_place_is_another_addresss_newcomers_wait(start):
    server = start("--max-http-connections", "5")
    held = [connect(server.url, f"127.0.0.{number}") for number in range(2, 7)]
    assert all(is_answered(one) for one in held)
    with connect(server.url, "127.0.0.9", WHOLE) as newcomer:
        newcomer.settimeout(1)
        with pytest.raises(TimeoutError):
            newcomer.recv(1)
        held.pop().close()
        newcomer.settimeout(http.PATIENCE_SECONDS)
        assert newcomer.recv(65536).startswith(b"HTTP/1.1 200")
    close(held)


def test_a_trusted_proxy_may_hold_any_number(start):
    server = start(
        "--max-http-connections-per-address", "5", "--trusted-proxy", "127.0.0.3/32")
    held = [connect(server.url, "127.0.0.3") for _ in range(50)]
    assert all(is_answered(one) for one in held)
    assert refused(server, "address_limit") == 0
    close(held)


def test_a_socket_is_no_connection_of_http(start):
    server = start("--max-http-connections-per-address", "10")
    application = server.application()
    held = [peers.connect(application) for _ in range(12)]
    eventually(lambda: open_connections(server) == 0, "all have left HTTP")
    held[0].join("lobby")
    held[0].expect("first_to_join")
    close(held)


@pytest.mark.one_process(ONE_DOOR)
def test_without_descriptors_it_waits_without_spinning_and_comes_back(start):
    server = start("--max-http-connections-per-address", "0")
    few = int(descriptors(server)) + 20
    resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE, (few, few))
    crowd = [connect(server.url) for _ in range(60)]
    time.sleep(0.5)
    before = cpu_seconds(server)
    time.sleep(3)
    assert cpu_seconds(server) - before < 1, "it spins"
    # The crowd's address gives way to others, though there are no descriptors either.
    with connect(server.url, "127.0.0.2") as other:
        assert is_answered(other)
    close(crowd)
    eventually(lambda: is_answered(connect(server.url)), "it lets people in again")
    assert refused(server, "no_descriptor") > 1
    told = [line for line in server.errors.splitlines()
            if "connections_wait" in line and "--listen" in line]
    assert len(told) == 1 and "LimitNOFILE" in told[0], told


# MARK: Ends

@pytest.mark.parametrize("start_of_request", [
    b"G", HALF, b"POST /oauth2/token HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 90\r\n\r\na",
], ids=["a byte", "half a header", "half a body"])
def test_half_a_request_whose_sender_is_gone_is_let_go_at_once(start, start_of_request):
    server = start(
        "--request-seconds", "0", "--keepalive-seconds", "3600",
        "--max-http-connections-per-address", "0")
    before = descriptors(server)
    for _ in range(300):
        connect(server.url, sending=start_of_request).close()
    eventually(lambda: open_connections(server) == 0, "they are let go", within=5)
    assert descriptors(server) <= before + 3


def test_who_says_everything_and_ends_still_hears_the_answer(server):
    application = server.application()
    filling = b"filling=" + b"a" * 15_000
    body = b"grant_type=client_credentials&" + filling
    name, value = http.basic(application.id, application.secret)
    head = (f"POST /oauth2/token HTTP/1.1\r\nHost: 127.0.0.1\r\n{name}: {value}\r\n"
            "Content-Type: application/x-www-form-urlencoded\r\n"
            f"Content-Length: {len(body)}\r\n\r\n").encode()
    for request in (WHOLE, head + body):
        with connect(server.url) as one:
            one.sendall(request)
            one.shutdown(socket.SHUT_WR)
            began = time.monotonic()
            assert received(one).startswith(b"HTTP/1.1 200")
            assert time.monotonic() - began < 5, "the connection is closed behind it"


def test_a_silent_connection_is_kept_for_as_long_as_was_said(start):
    server = start("--keepalive-seconds", "3", "--request-seconds", "1")
    with connect(server.url) as one:
        assert is_answered(one)
        time.sleep(2)
        assert is_answered(one)
        began = time.monotonic()
        assert one.recv(1) == b""
        assert 2 < time.monotonic() - began < 6


@pytest.mark.parametrize("chunks", [
    b"3\r\na=b\r\n0\r\n\r\n", b"3\na=b\n0\n\n", b"3\r\na=b\r\n0\r\nHost: other\r\n\r\n",
], ids=["strict", "bare LF", "a trailer"])
def test_nothing_is_read_behind_a_chunked_request(server, chunks):
    request = (b"POST /oauth2/token HTTP/1.1\r\nHost: 127.0.0.1\r\n"
               b"Content-Type: application/x-www-form-urlencoded\r\n"
               b"Transfer-Encoding: chunked\r\n\r\n" + chunks)
    answers = http.raw(server.url, request + WHOLE)
    assert answers.count(b"HTTP/1.1 ") == 1
    assert b"\r\nConnection: close\r\n" in answers


def test_no_socket_is_opened_behind_chunks(server):
    request = (b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
               b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
               b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n")
    answer = http.raw(server.url, request)
    assert b" 101 " not in answer and b"\r\nConnection: close\r\n" in answer


# MARK: Headers

def cookies(size):
    """Of about so many bytes, small ones and large ones, as sites set them."""
    parts, number = [f"prefs={'x' * (size // 2)}"], 0
    while sum(map(len, parts)) + 2 * len(parts) < size:
        parts.append(f"c{number}=value-{number}")
        number += 1
    return "; ".join(parts)


@pytest.fixture(scope="module")
def session(server):
    return server.application("Door", scopes=["signal", "session"])


@pytest.mark.parametrize("size", [1000, 5000, 8000, 12_000])
def test_the_edge_answers_beside_other_sites_cookies(server, session, size):
    token = session.token(scope="session", subject="ada")
    others = cookies(size)
    answer = http.get(server.operator, "/edge/auth", [
        ("Cookie", f"{others}; __Host-usher_session={token}"), ("X-Forwarded-Method", "GET")])
    assert answer.status == 200
    assert answer.header("Cookie") == others
    assert answer.header("Authorization") == f"Bearer {token}"


@pytest.mark.parametrize("size", [8000, 12_000])
def test_a_socket_opens_beside_large_cookies(server, session, size):
    target = peers.query(session.token(scope="signal", subject="ada"))
    with peers.Peer(server.url, target, fields=[("Cookie", cookies(size))]) as peer:
        peer.join("lobby")
        peer.expect("first_to_join")


def test_header_bytes_is_the_longest_header_and_what_is_longer_hears_why(start):
    server = start("--header-bytes", "65536", "--max-http-connections", "8192")
    assert http.get(server.url, "/openapi.json", [("X", "a" * 60_000)]).status == 200
    long = http.get(server.url, "/openapi.json", [("X", "a" * 65_536)])
    assert long.status == 431
    assert long.json["error_description"] == "the request's header is over 65536 bytes"
    target = http.get(server.url, "/" + "a" * 66_000)
    assert target.status == 414 and "65536 bytes" in target.json["error_description"]
    many = http.get(server.url, "/", [("X", "a")] * 600)
    assert many.status == 431 and "512 header fields" in many.json["error_description"]


def test_an_answer_without_room_for_its_header_hears_why(start):
    server = start("--header-bytes", "4096", "--edge-cookie", "session")
    token = server.application(scopes=["signal", "session"]).token(
        scope="session", subject="ada")
    many = [(f"X{number}", "") for number in range(28)]
    answer = http.get(server.operator, "/edge/auth", [
        ("Cookie", f"a={'x' * (3500 - len(token))}; session={token}"), *many])
    assert answer.status == 431
    assert "header of the answer" in answer.json["error_description"]


def test_a_query_of_many_parts_is_answered_once(server):
    query = "&".join(f"a{number}" for number in range(2000))
    answers = http.raw(
        server.url,
        f"GET /openapi.json?{query} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode())
    assert answers.count(b"HTTP/1.1 ") == 1 and answers.startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize("request_bytes", [
    b"GET / HTTP/1.1\r\nHost\r\n\r\n", b"GET /\r\nHost: a\r\n\r\n",
    b"GET / HTTP/3.0\r\nHost: a\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 20_000 + b"\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 40_000 + b"\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: a\r\n" + b"X:\r\n" * 200 + b"\r\n",
    b"GET / HTTP/1.1\r\nHost: a\r\n" + b"X:\r\n" * 1000 + b"\r\n",
], ids=range(8))
def test_what_is_malformed_hears_so_once_with_a_reason(server, request_bytes):
    answer = http.raw(server.url, request_bytes)
    assert answer.count(b"HTTP/1.1 ") == 1
    head, _, body = answer.partition(b"\r\n\r\n")
    assert int(head.split(b" ")[1]) in (400, 431, 505) and len(body) > 60


def test_the_memory_of_headers_is_bounded_in_all():
    for flags in [("--header-bytes", "65536"), ("--max-http-connections", "40000")]:
        errors = Usher().fail("serve", *flags, status=64)
        assert "--max-http-connections" in errors and "1 GiB" in errors
