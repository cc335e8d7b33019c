"""`usher client …`: the registry as an operator handles it."""

import json
import re

import pytest

from support import http, ledger
from support.server import Application
from support.usher import Usher, secret_in
from support.waiting import eventually

WITHIN_A_SECOND = 1.5  # The promise is a second; the rest is for a busy machine.


def names(usher):
    return [client["name"] for client in usher.json("client", "list")]


def test_a_new_client_gets_every_room_of_its_own_and_the_signal_scope(usher):
    client_id, secret = usher.add_client("Chess")
    assert re.fullmatch(r"[A-Za-z0-9_-]{43}", secret)
    shown = usher.json("client", "show", client_id)
    assert (shown["client_id"], shown["name"]) == (client_id, "Chess")
    assert (shown["rooms"], shown["scope"], shown["origins"]) == (["*"], "signal", [])
    assert shown["enabled"]
    assert [secret["expires_at"] for secret in shown["secrets"]] == [None]


def test_grants_may_be_given_several_times(usher):
    client_id, _ = usher.add_client(
        "Chess", rooms=["game-*", "lobby"], scopes=["signal", "session"],
        origins=["https://chess.example", "http://localhost:3000"])
    shown = usher.json("client", "show", client_id)
    assert shown["rooms"] == ["game-*", "lobby"]
    assert shown["scope"] == "signal session"
    assert shown["origins"] == ["https://chess.example", "http://localhost:3000"]


def test_people_get_a_table_and_the_secret_once(usher):
    printed = usher.succeed("client", "add", "Chess")
    secret = secret_in(printed)
    assert re.search(r"client_id\W+\S+", printed)
    table = usher.succeed("client", "list")
    assert "Chess" in table
    client_id = usher.json("client", "list")[0]["client_id"]
    assert "Chess" in usher.succeed("client", "show", client_id)
    for later in (table, usher.succeed("client", "show", client_id),
                  usher.succeed("client", "show", client_id, "--json")):
        assert secret not in later


def test_the_registry_stores_no_secret(usher):
    _, secret = usher.add_client("Chess")
    for path in usher.data.rglob("*"):
        if path.is_file():
            assert secret.encode() not in path.read_bytes(), path


@pytest.mark.registry_file("a folder in which it lies")
def test_the_data_folder_is_closed_to_others(usher):
    usher.add_client("Chess")
    assert usher.data.stat().st_mode & 0o077 == 0


def test_data_may_be_named_by_flag_or_variable_and_the_flag_wins(usher, tmp_path):
    usher.succeed("client", "add", "By flag", "--data", tmp_path / "flag")
    usher.succeed("client", "add", "By variable", USHER_DATA=str(tmp_path / "variable"))
    for place in ("flag", "variable"):
        assert names(Usher(tmp_path / place)) == [f"By {place}"]
    listed = usher.json(
        "client", "list", "--data", tmp_path / "flag", USHER_DATA=str(tmp_path / "variable"))
    assert [client["name"] for client in listed] == ["By flag"]


@pytest.mark.registry_file("a folder in which it lies")
def test_without_either_the_data_lies_in_the_home_folder(usher):
    usher.succeed("client", "add", "Chess", USHER_DATA="")
    assert names(Usher(usher.home / ".local" / "share" / "usher")) == ["Chess"]


@pytest.mark.parametrize("flag, value", [
    ("--rooms", "a*b"), ("--rooms", "two words"), ("--rooms", ""), ("--rooms", "r" * 257),
    ("--origin", "https://app.example/path"), ("--origin", "null"), ("--origin", "app.example"),
    ("--origin", "*"), ("--origin", "https://"), ("--scope", 'sig"nal'), ("--scope", ""),
])
def test_a_bad_grant_is_named_and_nothing_is_registered(usher, flag, value):
    usher.add_client("Draughts")
    message = usher.fail("client", "add", "Chess", flag, value, status=64)
    assert flag.strip("-") in message
    assert value in message
    assert names(usher) == ["Draughts"]


@pytest.mark.registry_file("a folder in which it lies")
def test_a_data_folder_without_a_registry_is_named(usher):
    message = usher.fail("client", "list")
    assert str(usher.data) in message and "client add" in message
    assert not usher.data.exists(), "looking must not make a registry"


@pytest.mark.parametrize("command", ["show", "rotate-secret", "disable", "enable", "remove"])
def test_an_unknown_client_is_named(usher, command):
    usher.add_client("Chess")
    assert "no-such-client" in usher.fail("client", command, "no-such-client")


def test_a_wrong_command_line_is_refused_with_the_usage(usher):
    for arguments in (["client", "frobnicate"], ["client", "add"], ["frobnicate"],
                      ["client", "add", "A", "--frob"]):
        done = usher.run(*arguments)
        assert done.returncode == 64, arguments
        assert "usage" in done.stderr.lower(), arguments


def test_disable_enable_and_remove_are_shown(usher):
    client_id, _ = usher.add_client("Chess")
    for command, enabled in (("disable", False), ("disable", False), ("enable", True)):
        assert client_id in usher.succeed("client", command, client_id)
        assert usher.json("client", "show", client_id)["enabled"] is enabled
    usher.succeed("client", "remove", client_id)
    assert names(usher) == []
    usher.fail("client", "show", client_id)


def test_a_running_server_sees_each_change_within_a_second(server):
    application = server.application("Followed")
    assert application.ask().status == 200  # Added: at once.

    def answers(status):
        return lambda: application.ask().status == status

    for command, status in (("disable", 401), ("enable", 200), ("remove", 401)):
        server.usher.succeed("client", command, application.id)
        eventually(answers(status), f"{command} takes effect", within=WITHIN_A_SECOND)
    refused = application.ask()
    assert refused.error == "invalid_client"
    assert refused.header("WWW-Authenticate").startswith("Basic")


def test_two_secrets_live_until_the_grace_of_the_older_ends(server):
    application = server.application("Rotated")
    rotated = server.usher.json("client", "rotate-secret", application.id)
    ledger.remember_client(application.id, rotated["client_secret"])
    newer = Application(server, application.id, rotated["client_secret"])
    assert newer.ask().status == 200
    assert application.ask().status == 200


def test_a_grace_of_zero_ends_the_older_secret(server):
    application = server.application("Rotated at once")
    printed = server.usher.succeed("client", "rotate-secret", application.id, "--grace", "0")
    newer = Application(server, application.id, secret_in(printed))
    ledger.remember_client(newer.id, newer.secret)
    eventually(lambda: application.ask().status == 401, "the old secret ends", WITHIN_A_SECOND)
    assert newer.ask().status == 200


def test_a_third_rotation_leaves_two_secrets_at_most(server):
    first = server.application("Rotated twice")
    for _ in range(2):
        rotated = server.usher.json("client", "rotate-secret", first.id)
        ledger.remember_client(first.id, rotated["client_secret"])
    eventually(lambda: first.ask().status == 401, "the oldest secret ends", WITHIN_A_SECOND)


@pytest.mark.parametrize("grace", ["-1", "soon", "1.5"])
def test_a_bad_grace_is_named(usher, grace):
    client_id, _ = usher.add_client("Chess")
    message = usher.fail(
        "client", "rotate-secret", client_id, f"--grace={grace}", status=64)
    assert "grace" in message and grace in message


def test_json_output_is_one_document_and_nothing_else(usher):
    client_id, _ = usher.add_client("Chess")
    for arguments in (["list"], ["show", client_id], ["disable", client_id],
                      ["enable", client_id], ["remove", client_id]):
        json.loads(usher.succeed("client", *arguments, "--json"))


def test_secrets_are_compared_exactly(server):
    application = server.application("Exact")
    for wrong in (application.secret[:-1], application.secret + "A", application.secret.swapcase(),
                  ""):
        refused = http.post_form(
            server.url, "/oauth2/token", [("grant_type", "client_credentials")],
            [http.basic(application.id, wrong)])
        assert (refused.status, refused.error) == (401, "invalid_client"), wrong
