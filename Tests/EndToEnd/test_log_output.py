"""Logs that nobody reads or takes, and output into pipes that are closed: neither may hold the
service up nor end it, and what is lost is counted and told."""

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import time
import urllib.parse

import pytest

from support import http as raw_http
from support import prometheus
from support.keys import import_key
from support.server import Server
from support.usher import Usher, binary, environment
from support.waiting import eventually

REFUSALS = 12_000
METRIC = "usher_log_lines_dropped_total"
HANDSHAKE = {
    "Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}


def cause_lines(server, count=REFUSALS):
    """Refused handshakes, each of which logs a line; the service answers every one."""
    place = urllib.parse.urlsplit(server.url)
    connection = http.client.HTTPConnection(place.hostname, place.port, timeout=10)
    for _ in range(count):
        connection.request("GET", "/", headers=HANDSHAKE)
        answer = connection.getresponse()
        answer.read()
        assert answer.status in (401, 429), answer.status
    connection.close()


def dropped(server):
    text = raw_http.get(server.operator, "/metrics").body.decode()
    return int(prometheus.parse(text)[METRIC].value())


class Sink:
    """A pipe for the service's stderr, read when the test says so."""

    def __init__(self):
        self.reader, self.writer = os.pipe()

    def close(self):
        os.close(self.reader)

    def read_until(self, found, within=15):
        """All that comes until `found(text)`."""
        os.set_blocking(self.reader, False)
        text, deadline = b"", time.monotonic() + within
        while not found(text.decode(errors="replace")):
            assert time.monotonic() < deadline, text[-500:]
            try:
                text += os.read(self.reader, 1 << 20)
            except BlockingIOError:
                time.sleep(0.02)
        return text.decode()


@pytest.fixture
def served():
    """Starts servers whose stderr is what the test says."""
    started = []

    def start(*flags, **options):
        started.append(Server(*flags, **options))
        return started[-1]

    yield start
    for one in started:
        one.kill()


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_log_that_nobody_reads_stops_nothing_and_tells_later_what_is_missing(served, form):
    sink = Sink()
    server = served("--log-format", form, log_to=sink.writer)
    os.close(sink.writer)
    cause_lines(server)
    assert raw_http.get(server.operator, "/livez").status == 200
    missing = dropped(server)
    assert missing > 0
    text = sink.read_until(lambda text: "log_lines_dropped" in text)
    told = [line for line in text.splitlines() if "log_lines_dropped" in line]
    if form == "json":
        line = json.loads(told[0])
        assert (line["level"], int(line["count"])) == ("warning", missing)
        assert all(json.loads(one)["event"] for one in text.splitlines())
    else:
        assert re.fullmatch(rf"\S+ warning log_lines_dropped count={missing}", told[0])
    cause_lines(server, 1)
    sink.read_until(lambda text: "connection_refused" in text)
    assert dropped(server) == missing
    sink.close()
    cause_lines(server, 100)  # EPIPE
    assert server.stop() == 0


@pytest.mark.parametrize("form", ["text", "json"])
@pytest.mark.parametrize("redirection", ["2>&-", "2>/dev/full", ">&- 2>&-"])
def test_a_log_that_cannot_be_written_ends_nothing(served, form, redirection):
    port = free_port()
    server = served(
        "--log-format", form, "--operator", f"127.0.0.1:{port[0]}", listen=f"127.0.0.1:{port[1]}",
        redirection=redirection, log_to=subprocess.DEVNULL)
    cause_lines(server)
    assert dropped(server) > 0
    assert server.stop() == 0
    # No file of the service had the number of a closed descriptor.
    files = [path for path in server.data.rglob("*") if path.is_file()]
    assert files and not [path for path in files if b"connection_refused" in path.read_bytes()]


@pytest.mark.parametrize("redirection", [">&-", ">/dev/full"])
def test_a_ready_line_that_cannot_be_written_ends_nothing(served, redirection):
    port = free_port()
    server = served(
        "--operator", f"127.0.0.1:{port[0]}", listen=f"127.0.0.1:{port[1]}",
        redirection=redirection)
    assert raw_http.get(server.url, "/.well-known/jwks.json").status == 200
    assert server.stop() == 0


def test_a_full_pipe_as_stdout_does_not_hang_the_start(served):
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    with pytest.raises(BlockingIOError):
        while True:
            os.write(writer, b"x" * 4096)
    os.set_blocking(writer, True)
    port = free_port()
    server = served(
        "--operator", f"127.0.0.1:{port[0]}", listen=f"127.0.0.1:{port[1]}", stdout=writer)
    os.close(writer)
    assert raw_http.get(server.url, "/.well-known/jwks.json").status == 200
    assert server.stop() == 0
    os.close(reader)


def test_what_strangers_send_forges_no_line(served):
    sink = Sink()
    server = served(log_to=sink.writer)
    os.close(sink.writer)
    place = urllib.parse.urlsplit(server.url)
    head = "".join(f"{name}: {value}\r\n" for name, value in HANDSHAKE.items())
    forged = "https://x\x1b[2K\x9b1A" + " level=critical\u2028forged"
    with socket.create_connection((place.hostname, place.port), 10) as connection:
        connection.sendall(
            f"GET /?token=x HTTP/1.1\r\nHost: x\r\n{head}Origin: {forged}\r\n\r\n".encode())
        connection.recv(4096)
    server.stop()
    text = sink.read_until(lambda text: "stopped" in text)
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028-\u202e]", text)
    sink.close()


def free_port():
    """Two ports that are free now: without a ready line nobody tells which were picked."""
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(
            ("127.0.0.1", 0)) as two:
        return one.getsockname()[1], two.getsockname()[1]


# Commands.


@pytest.mark.parametrize("restore", [True, False], ids=["SIGPIPE", "EPIPE"])
@pytest.mark.parametrize("arguments", [
    ("audit", "--follow"), ("client", "list"), ("key", "list", "--json")])
def test_a_command_whose_reader_has_gone_ends_quietly(usher, arguments, restore):
    usher.add_client("A client")
    import_key(usher)
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [str(binary()), *arguments], stdout=writer, stderr=subprocess.PIPE, timeout=20,
        env=environment(usher.home, **usher.places()), restore_signals=restore,
        check=False)
    os.close(writer)
    assert (done.returncode, done.stderr) == (-signal.SIGPIPE, b"")


def test_following_the_audit_log_ends_when_its_reader_goes(usher):
    usher.add_client("A client")
    with subprocess.Popen(
            [str(binary()), "audit", "--follow"], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env=environment(usher.home, **usher.places())) as following:
        assert b"client.add" in following.stdout.readline()
        assert following.poll() is None
        following.stdout.close()
        assert following.wait(timeout=10) == -signal.SIGPIPE
        assert following.stderr.read() == b""


@pytest.mark.parametrize("redirection", [">&-", ">/dev/full"])
def test_a_command_that_cannot_print_says_so(usher, redirection):
    usher.add_client("A client")
    done = subprocess.run(
        ["sh", "-c", f'exec "$0" client list {redirection}', str(binary())],
        stderr=subprocess.PIPE, timeout=20, text=True,
        env=environment(usher.home, **usher.places()), check=False)
    assert done.returncode == 1
    assert "cannot write to stdout" in done.stderr


def test_a_command_with_closed_descriptors_leaves_its_files_alone():
    usher = Usher()
    done = subprocess.run(
        ["sh", "-c", 'exec "$0" client add "A client" <&- >&- 2>&-', str(binary())], timeout=20,
        env=environment(usher.home, **usher.places()), check=False)
    assert done.returncode == 1
    assert [client["name"] for client in usher.json("client", "list")] == ["A client"]
    assert usher.json("doctor") or True
    eventually(lambda: usher.succeed("audit"), "the audit log can be read")
