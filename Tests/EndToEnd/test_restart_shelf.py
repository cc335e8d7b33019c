"""The file on which sessions lie between two processes of a relay (docs/operating.md)."""

import os
import signal
import socket
import stat
import subprocess
import tarfile
import time
import urllib.parse

import pytest

from support import chance, v1
from support.cluster import opened_nats
from support.disk import fill, immutable
from support.restart import VERSION, Relay, aged, edited, left_behind, logged
from support.usher import binary, environment
from support.waiting import eventually

pytestmark = pytest.mark.one_process("starts again on the same address")


@pytest.fixture
def nats():
    servers = opened_nats()
    yield servers
    servers.kill()


@pytest.fixture
def relay(start, request):
    is_node = getattr(request, "param", None) == "node"
    return Relay(start, nats=request.getfixturevalue("nats") if is_node else None)


# A process of its own, and the only node of a cluster.
in_each_home = pytest.mark.parametrize("relay", ["process", "node"], indirect=True)


def shelved(relay):
    """Stops a relay with one session, whose client is returned."""
    ada = relay.connect("ada")
    ada.join("room", id="ada")
    relay.stop(ada)
    return ada


def goes_on(relay, lost):
    """Whether the session is there, and the room with it."""
    is_first = relay.first("room")
    assert relay.comes_back(lost, "ada") != is_first
    return not is_first


def serve_once(relay, *flags):
    """Another process on the data folder that ends by itself; returns its exit code and log."""
    done = subprocess.run(
        [str(binary()), "serve", "--data", str(relay.data), *relay.home, *flags],
        capture_output=True,
        text=True, env=environment(relay.server.usher.home), timeout=20, check=False)
    return done.returncode, done.stderr


# What lies there, and when


@in_each_home
def test_it_lies_there_between_two_processes_only_and_for_its_owner_alone(relay):
    assert relay.names() == []
    ada = shelved(relay)
    assert relay.names() == [relay.shelf.name]
    for path in (relay.shelf, relay.lock):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    (line,) = relay.logged("sessions_shelved")
    assert line == {"count": "1", "bytes": str(relay.shelf.stat().st_size), "dropped": "0",
                    "dropped_events": "0"}
    relay.start()
    assert relay.names() == []
    (line,) = relay.logged("sessions_put_back")
    assert line == {"count": "1", "revoked": "0", "dropped": "0"}
    assert goes_on(relay, ada)


@in_each_home
def test_without_sessions_there_is_nothing_to_keep(relay):
    idle, old = relay.connect(), relay.classic()
    old.join("room", id="old")
    old.expect("first_to_join")
    relay.restart(idle, old)
    assert relay.names() == []
    assert relay.logged("sessions_put_back") == relay.logged("shelf_ignored") == []


@in_each_home
def test_neither_secrets_nor_tokens_are_in_it(relay):
    token = relay.token("ada")
    ada = v1.connect(relay.application, token)
    ada.join("room", name="Ada", id="ada's id")
    ada.broadcast("room", {"type": "chat"})
    relay.stop(ada)
    content = relay.shelf.read_bytes()
    assert b"ada's id" in content and b"Ada" in content
    for secret in (ada.session, relay.application.secret, token, *token.split(".")):
        assert secret.encode() not in content


@in_each_home
def test_a_start_that_gets_no_port_leaves_it_to_the_next(relay):
    ada = shelved(relay)
    content = relay.shelf.read_bytes()
    host, port = relay.address.split(":")
    with socket.socket() as taken, socket.socket() as other:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind((host, int(port)))
        taken.listen()
        other.bind((host, 0))
        other.listen()
        for flags in (["--listen", relay.address, "--operator", "127.0.0.1:0"],
                      ["--listen", "127.0.0.1:0", "--operator",
                       f"127.0.0.1:{other.getsockname()[1]}"]):
            code, errors = serve_once(relay, *flags)
            assert code == 1 and "in use" in errors
            assert relay.shelf.read_bytes() == content
    relay.start()
    assert goes_on(relay, ada)


@in_each_home
def test_a_start_that_fails_behind_its_ports_leaves_it_to_the_next(relay):
    ada = shelved(relay)
    content = relay.shelf.read_bytes()
    obstacle = relay.operator_pass
    obstacle.mkdir()
    code, errors = serve_once(relay, "--listen", relay.address, "--operator", "127.0.0.1:0")
    assert code == 1 and obstacle.name in errors
    assert relay.shelf.read_bytes() == content
    obstacle.rmdir()
    relay.start()
    assert goes_on(relay, ada)


@pytest.mark.registry_file("a database is backed up by pg_dump")
def test_a_backup_has_no_part_of_it_and_nothing_is_restored_beside_it(relay, usher):
    shelved(relay)
    backup = relay.server.usher.home / "backup.tar"
    relay.server.usher.succeed("backup", backup)
    with tarfile.open(backup) as archive:
        assert {name.split("/")[0] for name in archive.getnames()} == {"usher.sqlite", "keys"}
    usher.data.mkdir(mode=0o700)
    (usher.data / "sessions.shelf").write_bytes(relay.shelf.read_bytes())
    assert "sessions.shelf" in usher.fail("restore", backup)


# What is not used


def flipped(place):
    def flip(content):
        spoiled = bytearray(content)
        spoiled[place] ^= 1
        return bytes(spoiled)
    return flip


SPOILED = {
    "empty": ("torn", lambda content: b""),
    "half": ("torn", lambda content: content[:len(content) // 2]),
    "a byte short": ("torn", lambda content: content[:-1]),
    "a byte long": ("torn", lambda content: content + b"\0"),
    "another file": ("torn", lambda content: b"This is no shelf. " * 100),
    "a bit of the mark": ("torn", flipped(3)),
    "a bit of the stamp": ("torn", flipped(17)),
    "a bit of the sessions": ("torn", flipped(60)),
    "a bit of the digest": ("torn", flipped(-1)),
    "newer": ("version", lambda content: edited(content, VERSION, (99).to_bytes(2, "big"))),
    "newer in all": (
        "version",
        lambda content: content[:8] + b"\0\2" + chance.of("a shelf").randbytes(300)),
    "too old": ("too_old", lambda content: aged(content, 615)),
    "from a clock ahead": ("clock", lambda content: aged(content, -60)),
    "too large": ("too_large", None),
}


@pytest.mark.parametrize("how", SPOILED)
def test_what_is_not_as_it_was_left_is_dropped_and_the_start_goes_on(relay, how):
    ada = shelved(relay)
    reason, spoil = SPOILED[how]
    if spoil:
        relay.shelf.write_bytes(spoil(relay.shelf.read_bytes()))
    else:
        os.truncate(relay.shelf, 3 << 30)  # Of which next to nothing is on the disk.
    relay.start()
    assert relay.names() == []
    assert [line["code"] for line in relay.logged("shelf_ignored")] == [reason]
    assert not goes_on(relay, ada)
    assert relay.logged("sessions_put_back") == []


@pytest.mark.parametrize("seconds", [580, -5], ids=["nearly too old", "from a clock a bit ahead"])
def test_what_is_fresh_enough_is_used(relay, seconds):
    ada = shelved(relay)
    relay.shelf.write_bytes(aged(relay.shelf.read_bytes(), seconds))
    relay.start()
    assert goes_on(relay, ada)


def link(path):
    target = path.with_name("elsewhere")
    path.rename(target)
    path.symlink_to(target)


def foreign(path):
    if os.geteuid() != 0:
        pytest.skip("only root gives files away")
    os.chown(path, 65534, 65534)


@pytest.mark.parametrize(
    "spoil", [link, foreign, lambda path: path.chmod(0o620), lambda path: path.chmod(0o602)],
    ids=["link", "foreign", "of the group", "of all"])
def test_what_others_may_have_written_is_dropped(relay, spoil):
    ada = shelved(relay)
    spoil(relay.shelf)
    relay.start()
    assert relay.names() == []
    assert [line["code"] for line in relay.logged("shelf_ignored")] == ["unreadable"]
    assert not goes_on(relay, ada)


def test_the_group_may_write_to_it_where_it_may_to_the_keys(start):
    relay = Relay(start, "--keys-group-access")
    ada = shelved(relay)
    relay.shelf.chmod(0o660)
    relay.start()
    assert goes_on(relay, ada)


def test_what_cannot_be_taken_away_is_not_used(relay):
    ada = shelved(relay)
    with immutable(relay.shelf):
        relay.start()
        assert [line["code"] for line in relay.logged("shelf_ignored")] == ["unreadable"]
        assert not goes_on(relay, ada)
        shelved(relay)
        assert len(relay.logged("shelf_failed")) == 1
    assert relay.names() == [relay.shelf.name]


def test_what_a_writer_that_was_killed_has_left_is_swept(relay):
    ada = shelved(relay)
    draft = relay.data / ".sessions.shelf.new"
    draft.write_bytes(relay.shelf.read_bytes()[:100])
    relay.start()
    assert relay.names() == []
    assert goes_on(relay, ada)


# Disks


@pytest.mark.parametrize("bytes_left", [0, 8192])
def test_a_full_disk_costs_the_sessions_and_not_the_stop(small_disk, start, bytes_left):
    relay = Relay(start, data=small_disk / "data")
    ada = relay.connect("ada")
    ada.join("room", id="ada")
    grace = relay.connect("grace")
    grace.join("room", id="grace")
    for _ in range(10):
        ada.broadcast("room", {"type": "chat", "text": "x" * 4000})
    ada.up_to_pong()
    fill(small_disk)
    filler = small_disk / "filler"
    os.truncate(filler, filler.stat().st_size - bytes_left)
    relay.stop(ada, grace)
    (line,) = relay.logged("shelf_failed")
    assert line["code"] == "shelf_unwritable" and "make room" in line["reason"]
    assert relay.logged("sessions_shelved") == []
    assert relay.names() == []
    filler.unlink()
    relay.start()
    assert not goes_on(relay, ada)


# Several processes


def test_a_second_relay_neither_reads_nor_writes_it_and_says_so(relay, start):
    lying = b"whoever has the lock has put this here"
    relay.shelf.write_bytes(lying)
    relay.shelf.chmod(0o600)
    other = start("--issuer", relay.server.url, part="signal", data=relay.data)
    application = relay.server.application()
    (line,) = eventually(lambda: logged(other, "shelf_ignored"), "the other tells of it")
    assert line["code"] == "locked"
    token = application.token(subject="eve")
    application.server = other
    eve = v1.connect(application, token)
    eve.join("room", id="eve")
    other.process.send_signal(signal.SIGTERM)
    left_behind(eve)
    assert other.stop() == 0
    assert relay.shelf.read_bytes() == lying
    assert logged(other, "sessions_shelved") == []
    # The first one has noticed nothing.
    ada = shelved(relay)
    relay.start()
    assert goes_on(relay, ada)


@in_each_home
def test_the_lock_goes_with_its_holder_however_that_ends(relay):
    relay.server.kill()
    relay.start()
    ada = shelved(relay)
    relay.start()
    assert relay.logged("shelf_ignored") == []
    assert goes_on(relay, ada)


@in_each_home
def test_whoever_waits_for_the_port_gets_the_sessions_as_well(relay):
    """As a shell would that tries again until the port is free."""
    ada = relay.connect("ada")
    ada.join("room", id="ada")
    old = relay.server
    old.process.send_signal(signal.SIGTERM)
    left_behind(ada)
    ada.drop()
    deadline = time.monotonic() + 20
    while True:
        try:
            relay.start()
            break
        except AssertionError:
            assert time.monotonic() < deadline
    assert relay.logged("shelf_ignored") == []
    assert goes_on(relay, ada)
    assert old.stop() == 0


def test_the_auth_half_has_nothing_to_do_with_it(relay, start):
    ada = shelved(relay)
    content = relay.shelf.read_bytes()
    auth = start("--issuer", relay.server.url, part="auth", data=relay.data)
    # It does not hold the lock either.
    relay.start()
    assert relay.logged("shelf_ignored") == []
    assert auth.stop() == 0
    assert goes_on(relay, ada)
    relay.stop()
    relay.shelf.write_bytes(content)
    auth = start("--issuer", relay.server.url, part="auth", data=relay.data)
    assert auth.stop() == 0
    assert relay.shelf.read_bytes() == content


def test_an_auth_half_alone_makes_no_lock(start):
    auth = start("--issuer", "https://usher.example", part="auth")
    assert auth.stop() == 0
    assert [path.name for path in auth.data.iterdir() if "relay" in path.name] == []


def test_the_signal_half_keeps_its_sessions_while_the_other_goes_on(start):
    auth = start(part="auth")
    application = auth.application()
    token = application.token(subject="ada")
    half = start("--issuer", auth.url, part="signal", data=auth.data)
    address = urllib.parse.urlsplit(half.url).netloc
    application.server = half
    ada = v1.connect(application, token)
    ada.join("room", id="ada")
    half.process.send_signal(signal.SIGTERM)
    left_behind(ada)
    assert half.stop() == 0
    application.server = start(
        "--issuer", auth.url, part="signal", data=auth.data, listen=address)
    again, replay = v1.resumed(application, ada, token)
    assert replay == []
    again.room_states(1)
