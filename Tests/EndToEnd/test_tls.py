"""https and wss without a proxy: `--tls-cert` and `--tls-key`."""

import signal
import socket
import ssl
import subprocess
import urllib.parse
import warnings

import pytest

from support import http, peers, prometheus
from support.server import Server
from support.usher import Usher, new_folder
from support.waiting import eventually


def make_certificate(folder, name, algorithm=("ec", "ec_paramgen_curve:P-256")):
    """A self-signed certificate for 127.0.0.1; returns the paths of it and of its key."""
    certificate, key = folder / f"{name}.crt", folder / f"{name}.key"
    kind, option = algorithm
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", kind, "-pkeyopt", option, "-nodes", "-days", "2",
         "-keyout", key, "-out", certificate, "-subj", f"/CN={name}",
         "-addext", "subjectAltName=IP:127.0.0.1"],
        check=True, capture_output=True)
    return certificate, key


def context(certificate):
    made = ssl.create_default_context(cafile=certificate)
    made.verify_flags &= ~ssl.VERIFY_X509_STRICT
    return made


def trust(server, certificate):
    http.trusted[urllib.parse.urlsplit(server.url).netloc] = context(certificate)


def presented(server):
    """The certificate that the server answers a handshake with."""
    place = urllib.parse.urlsplit(server.url)
    return ssl.get_server_certificate((place.hostname, place.port), timeout=10)


@pytest.fixture(scope="module")
def secure():
    folder = new_folder("tls")
    certificate, key = make_certificate(folder, "first")
    server = Server("--tls-cert", certificate, "--tls-key", key)
    trust(server, certificate)
    yield server
    assert server.stop() == 0


def test_tokens_are_issued_over_https_in_the_name_of_an_https_issuer(secure):
    assert secure.url.startswith("https://") and secure.issuer == secure.url
    assert secure.application().ask().status == 200


def test_peers_meet_over_wss(secure):
    application = secure.application()
    with peers.connect(application) as older, peers.connect(application) as newer:
        first, second = peers.meet(older, newer, "lobby")
        for size in (10, 20_000, 60_000):
            older.send(second, {"type": "offer", "text": "x" * size})
            assert len(newer.expect("offer")["text"]) == size
        assert newer.close(1000)[0] == 1000


def test_many_messages_cross_in_order(secure):
    application = secure.application()
    with peers.connect(application) as older, peers.connect(application) as newer:
        _, second = peers.meet(older, newer, "lobby")
        for number in range(300):
            older.send(second, {"type": "count", "number": number, "text": "y" * 2000})
        assert [newer.expect("count")["number"] for _ in range(300)] == list(range(300))


def test_connections_that_end_leave_no_descriptor(secure):
    application = secure.application()

    def open_files():
        found = http.get(secure.operator, "/metrics").body.decode()
        (line,) = [line for line in found.splitlines() if line.startswith("process_open_fds ")]
        return int(line.split()[1])

    for _ in range(3):  # What is opened once, for a thread each, is open now.
        peers.connect(application).close(1000)
    before = open_files()
    for end in (lambda peer: peer.close(1000), lambda peer: peer.drop(), lambda peer: peer.reset()):
        for _ in range(5):
            end(peers.connect(application))
    # A connection that is held costs three; the registry may open another file meanwhile.
    eventually(lambda: open_files() < before + 5, "all descriptors to be closed")


def connections_of_http(server):
    """But for the one that asks."""
    found = prometheus.parse(http.get(server.operator, "/metrics").body.decode())
    return found["usher_http_connections"].total() - 1


@pytest.mark.one_process("the proxy before two processes speaks no TLS")
@pytest.mark.parametrize("says_goodbye", [True, False])
def test_half_a_request_whose_sender_is_gone_is_let_go_at_once(start, says_goodbye):
    certificate, key = make_certificate(new_folder("tls"), "first")
    server = start(
        "--tls-cert", certificate, "--tls-key", key, "--request-seconds", "0",
        "--keepalive-seconds", "3600")
    place = urllib.parse.urlsplit(server.url)
    for _ in range(50):
        plain = socket.create_connection((place.hostname, place.port), 10)
        wrapped = context(certificate).wrap_socket(plain, server_hostname=place.hostname)
        wrapped.sendall(b"POST /oauth2/token HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\na")
        if says_goodbye:
            wrapped.settimeout(0)
            try:
                wrapped.unwrap()
            except (ssl.SSLWantReadError, OSError):
                pass
        wrapped.close()
    eventually(lambda: connections_of_http(server) == 0, "they are let go", within=5)


def test_a_socket_over_tls_is_no_connection_of_http(secure):
    application = secure.application()
    with peers.connect(application) as peer:
        eventually(lambda: connections_of_http(secure) == 0, "it has left HTTP")
        peer.join("lobby")
        peer.expect("first_to_join")


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
def test_versions_before_1_2_are_refused(secure, version):
    place = urllib.parse.urlsplit(secure.url)
    warnings.simplefilter("ignore", DeprecationWarning)  # Of these versions, by name.
    old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    old.check_hostname, old.verify_mode = False, ssl.CERT_NONE
    old.set_ciphers("ALL:@SECLEVEL=0")
    old.minimum_version = old.maximum_version = version
    with socket.create_connection((place.hostname, place.port), 10) as plain:
        with pytest.raises((ssl.SSLError, ConnectionResetError)):
            old.wrap_socket(plain)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_versions_1_2_and_1_3_are_spoken(secure, version):
    place = urllib.parse.urlsplit(secure.url)
    modern = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    modern.check_hostname, modern.verify_mode = False, ssl.CERT_NONE
    modern.minimum_version = modern.maximum_version = version
    with socket.create_connection((place.hostname, place.port), 10) as plain:
        with modern.wrap_socket(plain) as wrapped:
            assert wrapped.version() == version.name.replace("_", ".")


def test_plain_http_gets_no_answer_on_the_tls_port(secure):
    answer = http.raw(secure.url, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    assert b"HTTP/1.1" not in answer


@pytest.mark.one_process("the proxy before two processes speaks no TLS")
def test_sighup_replaces_the_certificate_and_no_connection_notices(start):
    folder = new_folder("tls")
    certificate, key = make_certificate(folder, "first")
    server = start("--tls-cert", certificate, "--tls-key", key)
    trust(server, certificate)
    application = server.application()
    with peers.connect(application) as older, peers.connect(application) as newer:
        _, second = peers.meet(older, newer, "lobby")
        before = presented(server)
        other, other_key = make_certificate(folder, "second", ("rsa", "rsa_keygen_bits:2048"))
        other.replace(certificate)
        server.process.send_signal(signal.SIGHUP)
        eventually(lambda: "tls_certificate_not_reloaded" in server.errors, "the refusal")
        assert presented(server) == before
        other_key.replace(key)
        server.process.send_signal(signal.SIGHUP)
        eventually(lambda: presented(server) != before, "the new certificate")
        older.send(second, {"type": "still here"})
        newer.expect("still here")
    trust(server, certificate)
    assert application.ask().status == 200


@pytest.mark.parametrize("flags, named", [
    (["--tls-cert", "{first}"], "--tls-key"),
    (["--tls-key", "{first_key}"], "--tls-cert"),
    (["--tls-cert", "/no/such/file", "--tls-key", "{first_key}"], "--tls-cert"),
    (["--tls-cert", "{first}", "--tls-key", "{second_key}"], "--tls-key"),
    (["--tls-cert", "{first_key}", "--tls-key", "{first_key}"], "--tls-cert"),
    (["--tls-cert", "{first}", "--tls-key", "{first}"], "--tls-key"),
])
def test_files_that_do_not_fit_are_named_and_nothing_starts(flags, named):
    folder = new_folder("tls")
    paths = {}
    for name in ("first", "second"):
        paths[name], paths[f"{name}_key"] = make_certificate(folder, name)
    flags = [flag.format(**paths) for flag in flags]
    failed = Usher().run("serve", "--listen", "127.0.0.1:0", "--operator", "127.0.0.1:0", *flags)
    assert failed.returncode == 64 and named in failed.stderr


def test_a_peer_that_never_ends_its_handshake_holds_up_nobody(secure):
    place = urllib.parse.urlsplit(secure.url)
    idle = [socket.create_connection((place.hostname, place.port), 10) for _ in range(20)]
    assert secure.application().ask().status == 200
    for one in idle:
        one.close()
