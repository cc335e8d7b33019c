"""What peers are told of STUN and TURN servers."""

import base64
import hashlib
import hmac
import time

import pytest

from support import http, v1
from support.usher import Usher
from support.waiting import eventually

SECRETS = ["first-secret-of-the-turn-server", "other-secret-of-the-turn-server"]
STUN = "stun:stun.example:3478"
TURN = ["turn:turn.example:3478?transport=udp", "turns:turn.example:5349"]
FLAGS = ["--stun-server", STUN, "--turn-server", TURN[0], "--turn-server", TURN[1]]


def credential(secret, user_name):
    return base64.b64encode(
        hmac.new(secret.encode(), user_name.encode(), hashlib.sha1).digest()).decode()


@pytest.fixture
def secret_file(tmp_path):
    path = tmp_path / "turn.secret"
    path.write_text(SECRETS[0] + "\n")
    return path


@pytest.fixture
def turn_server(start, secret_file):
    return start(*FLAGS, "--turn-secret-file", secret_file, "--turn-credential-seconds", "120")


def ask(server, token):
    return http.request(
        server.url, "GET", "/ice-servers", [("Authorization", f"Bearer {token}")])


def check(servers, expires_at, application, secret=SECRETS[0]):
    assert servers[0] == {"urls": [STUN]}
    assert servers[1]["urls"] == TURN
    user_name = servers[1]["username"]
    assert user_name == f"{expires_at}:{application.id}:ada"
    assert servers[1]["credential"] == credential(secret, user_name)


def test_credentials_are_for_the_subject_and_end(turn_server):
    application = turn_server.application()
    before = int(time.time())
    answer = ask(turn_server, application.token(subject="ada"))
    assert answer.status == 200
    assert answer.header("Cache-Control") == "no-store"
    assert before + 120 <= answer.json["expiresAt"] <= int(time.time()) + 120
    check(answer.json["iceServers"], answer.json["expiresAt"], application)


def test_welcome_tells_the_same(turn_server):
    application = turn_server.application()
    with v1.connect(application, application.token(subject="ada")) as peer:
        welcome = peer.welcome
        check(welcome["iceServers"], welcome["iceServersExpireAt"], application)


@pytest.mark.one_process("each process must be told")
def test_another_secret_is_taken_without_a_restart(turn_server, secret_file):
    application = turn_server.application()
    secret_file.write_text(f"{SECRETS[1]}\n{SECRETS[0]}\n")
    turn_server.process.send_signal(1)
    eventually(lambda: "turn_secret_reloaded" in turn_server.errors, "the new secret")
    answer = ask(turn_server, application.token(subject="ada"))
    check(answer.json["iceServers"], answer.json["expiresAt"], application, SECRETS[1])
    secret_file.write_text("short")
    turn_server.process.send_signal(1)
    eventually(lambda: "turn_secret_not_reloaded" in turn_server.errors, "the complaint")
    answer = ask(turn_server, application.token(subject="ada"))
    check(answer.json["iceServers"], answer.json["expiresAt"], application, SECRETS[1])
    for secret in SECRETS:
        assert secret not in turn_server.errors


def test_nobody_without_a_good_token_is_told_anything(turn_server):
    assert http.get(turn_server.url, "/ice-servers").status == 401
    answer = ask(turn_server, "no.good.token")
    assert (answer.status, answer.error) == (401, "invalid_token")


def test_without_servers_the_list_is_empty(server):
    answer = ask(server, server.application().token())
    assert answer.json == {"iceServers": []}


@pytest.mark.parametrize("flags, named", [
    (["--turn-server", "turn:t.example"], "--turn-secret-file"),
    (["--turn-server", "http://t.example", "--turn-secret-file", "FILE"], "--turn-server"),
    (["--stun-server", "turn:t.example"], "--stun-server"),
    (["--turn-secret-file", "FILE"], "--turn-server"),
    (["--turn-server", "turn:t.example", "--turn-secret-file", "/nowhere/secret"],
     "--turn-secret-file"),
    (["--turn-server", "turn:t.example", "--turn-secret-file", "FILE",
      "--turn-credential-seconds", "86401"], "--turn-credential-seconds"),
])
def test_a_wrong_setting_is_named(flags, named, secret_file):
    flags = [str(secret_file) if flag == "FILE" else flag for flag in flags]
    message = Usher().fail(
        "serve", "--listen", "127.0.0.1:0", "--operator", "127.0.0.1:0", *flags, status=64)
    assert named in message
