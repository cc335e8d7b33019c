"""Starting and stopping `usher serve`, and the keys that it makes and guards."""

import json
import signal
import stat

import pytest

from support import http, ledger
from support.peers import connect, meet
from support.usher import Usher
from support.websocket import Closed

PEM_OF_NOTHING = "-----BEGIN {0}-----\nAAAA\n-----END {0}-----\n".format("PRIVATE KEY").encode()


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize("by", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_closes_sockets_with_1012_and_exits_0(start, by):
    server = start()
    application = server.application()
    with connect(application) as older, connect(application) as newer, connect(application) as idle:
        meet(older, newer, "lobby")
        assert server.process.poll() is None
        server.process.send_signal(by)
        for peer in (older, newer, idle):
            assert peer.closing()[0] == 1012
    assert server.stop(by) == 0


def test_messages_sent_before_the_stop_still_arrive(start):
    server = start()
    application = server.application()
    with connect(application) as older, connect(application) as newer:
        _, target = meet(older, newer, "lobby")
        for number in range(200):
            older.send(target, {"type": "offer", "number": number})
        assert newer.expect("offer")["number"] == 0
        older.send_frame(0x9, b"all sent")
        assert older.receive_pong() == b"all sent"
        server.process.send_signal(signal.SIGTERM)
        received = 1
        with pytest.raises(Closed) as closed:
            while newer.expect("offer")["number"] == received:
                received += 1
        assert (received, closed.value.code) == (200, 1012)


def test_keys_are_made_at_first_start_closed_to_others_and_kept(start):
    server = start()
    folder = server.data / "keys"
    key = server.private_key_file()
    assert (mode(folder), mode(key)) == (0o700, 0o600)
    published = http.get(server.url, "/.well-known/jwks.json").json
    assert key.name.split(".")[0] == published["keys"][0]["kid"]
    assert server.stop() == 0
    again = start(data=server.data)
    assert http.get(again.url, "/.well-known/jwks.json").json == published


def test_keys_may_lie_elsewhere(start, tmp_path):
    folder = tmp_path / "keys"
    folder.mkdir(mode=0o700)
    (folder / "README.md").write_text("Keys live here.")
    server = start("--keys", folder)
    assert len(list(folder.glob("*.signing.pem"))) == 1
    assert not (server.data / "keys").exists()


@pytest.mark.parametrize("what", ["file", "folder"])
def test_a_key_that_others_may_read_is_refused_with_the_remedy(start, what):
    server = start()
    path = server.private_key_file()
    path = path if what == "file" else path.parent
    assert server.stop() == 0
    path.chmod(0o644 if what == "file" else 0o755)
    message = refusal_to_start(server)
    assert str(path) in message and "chmod" in message


@pytest.mark.registry_file("its mode on such a volume")
def test_a_volume_with_fs_group_is_taken_where_that_was_said(start):
    server = start()
    key = server.private_key_file()
    assert server.stop() == 0
    mount_with_group(server.data)
    assert "--keys-group-access" in refusal_to_start(server)
    again = start(data=server.data, USHER_KEYS_GROUP_ACCESS="1")
    assert http.get(again.url, "/.well-known/jwks.json").json["keys"][0]["kid"] in key.name
    usher = again.usher
    rotated = usher.json("key", "rotate", "--keys-group-access")
    usher.fail("key", "list")
    # What is made there is as private as ever.
    (new,) = (server.data / "keys").glob(f"{rotated['kid']}.*")
    assert (mode(new), mode(server.data / "operator.json")) == (0o600, 0o600)
    findings = usher.json("doctor", USHER_KEYS_GROUP_ACCESS="true")
    about = {finding["check"]: finding for finding in findings}
    for check in ("data_folder", "registry_file", "keys"):
        assert about[check]["level"] == "ok", about[check]
    assert "keys-group-access" in about["keys"]["message"]
    assert again.stop() == 0
    (server.data / "keys").chmod(0o2771)
    message = Usher(server.data).fail(
        "serve", "--listen", "127.0.0.1:0", "--operator", "127.0.0.1:0",
        USHER_KEYS_GROUP_ACCESS="true")
    assert "chmod" in message


def mount_with_group(folder):
    """What Kubernetes does with a volume and fsGroup."""
    for path in [folder, *folder.rglob("*")]:
        path.chmod(0o2770 if path.is_dir() else 0o660)


@pytest.mark.parametrize("content", [b"", b"no key", PEM_OF_NOTHING])
def test_a_damaged_key_is_named(start, content):
    server = start()
    path = server.private_key_file()
    assert server.stop() == 0
    path.write_bytes(content)
    assert path.name in refusal_to_start(server)


def refusal_to_start(server):
    return Usher(server.data).fail(
        "serve", "--listen", "127.0.0.1:0", "--operator", "127.0.0.1:0")


def test_the_demo_is_off_unless_asked_for(server, start):
    assert http.get(server.url, "/demo/").status == 404
    assert http.request(server.url, "POST", "/demo/token", [], b"").status == 404
    demo = start("--demo")
    page = http.get(demo.url, "/demo/")
    assert page.status == 200
    assert page.header("Content-Type").startswith("text/html")
    assert http.get(demo.url, "/demo/app.js").status == 200
    assert http.get(demo.url, "/demo/style.css").status == 200


def test_the_demo_checks_the_host_it_is_asked_by(start):
    demo = start("--demo")
    rebound = http.get(demo.url, "/demo/", [("Host", "evil.example")])
    assert rebound.status in (400, 403, 421)


def test_demo_tokens_are_limited_by_address(start):
    demo = start("--demo")
    answers = [ask_demo(demo) for _ in range(31)]
    assert [answer.status for answer in answers[:30]] == [200] * 30
    assert answers[0].json["expires_in"] == 300
    assert answers[30].status == 429
    assert int(answers[30].header("Retry-After")) > 0
    assert ask_demo(demo, source="127.0.0.2").status == 200


def ask_demo(server, room="demo-lobby", source=None):
    answer = http.request(
        server.url, "POST", "/demo/token", [("Content-Type", "application/json")],
        json.dumps({"room": room, "name": "Ada"}).encode(), source=source)
    if answer.status == 200:
        ledger.remember(answer.json["access_token"], "a demo token")
    return answer


def test_the_demo_gives_tokens_for_demo_rooms_alone(start):
    demo = start("--demo")
    for room in ("lobby", "*", "demo-*", "", "demo-a b", 7, None):
        answer = ask_demo(demo, room)
        assert answer.status == 400, (room, answer.body)
        assert "room" in answer.json["error_description"]
    assert ask_demo(demo).header("Access-Control-Allow-Origin") is None


def test_the_demo_off_loopback_wants_a_word_for_it(usher):
    message = usher.fail(
        "serve", "--demo", "--listen", "0.0.0.0:0", "--operator", "127.0.0.1:0",
        "--allow-plain-http", status=64)
    assert "--demo-public" in message


def test_livez_and_readyz_are_the_operators_alone(server):
    for path in ("/livez", "/readyz"):
        assert http.get(server.operator, path).status == 200
        assert http.get(server.url, path).status == 404
    for path in ("/oauth2/token", "/.well-known/jwks.json", "/demo/"):
        assert http.get(server.operator, path).status == 404


def test_help_names_every_setting(usher):
    text = usher.succeed("serve", "--help")
    for flag in ("data", "listen", "operator", "issuer", "config", "demo", "keys", "query-token",
                 "max-message-bytes", "max-rooms", "max-members", "messages-per-second",
                 "message-burst", "max-connections", "max-connections-per-address",
                 "max-connections-per-client", "max-connections-per-subject",
                 "connections-per-second", "connection-burst", "trusted-proxy",
                 "allow-plain-http", "token-requests-per-second", "edge-cookie",
                 "signing-algorithm", "ping-interval-seconds"):
        assert f"--{flag}" in text, flag
