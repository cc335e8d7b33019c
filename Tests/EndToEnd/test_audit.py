"""`usher audit`: who did what to which client, token or key."""

import json
import sqlite3
import subprocess

import pytest

from support import ledger
from support.usher import binary, environment
from support.waiting import eventually


def entries(usher, *flags):
    lines = usher.succeed("audit", "--json", *flags).splitlines()
    return [json.loads(line) for line in lines]


def test_each_change_of_a_client_is_an_entry(usher):
    client_id, _ = usher.add_client("Chess", rooms=["match-*"])
    rotated = usher.json("client", "rotate-secret", client_id)
    ledger.remember_client(client_id, rotated["client_secret"])
    for command in ("disable", "enable"):
        usher.succeed("client", command, client_id)
    usher.succeed("client", "update", client_id, "--name", "Draughts")
    usher.succeed("client", "remove", client_id)
    found = entries(usher)
    assert [entry["action"] for entry in found] == [
        "client.add", "client.rotate_secret", "client.disable", "client.enable",
        "client.update", "client.remove"]
    assert {entry["target"] for entry in found} == {client_id}
    assert all(entry["actor"].startswith("cli:") for entry in found)
    assert [entry["id"] for entry in found] == sorted({entry["id"] for entry in found})
    assert all(set(entry) == {"id", "at", "actor", "action", "target", "details"}
               for entry in found)
    assert "match-*" in found[0]["details"] and "Draughts" in found[4]["details"]


def test_the_actor_tells_who_asked_by_sudo(usher):
    usher.add_client("Chess")
    (client,) = usher.json("client", "list")
    usher.succeed("client", "disable", client["client_id"], SUDO_USER="alice")
    assert entries(usher)[-1]["actor"].startswith("cli:alice as ")


def test_people_get_one_line_for_each_entry(usher):
    client_id, secret = usher.add_client("Chess")
    printed = usher.succeed("audit")
    assert printed.count("\n") == 1
    assert "client.add" in printed and client_id in printed and "Z  cli:" in printed
    assert secret not in printed


def test_a_name_cannot_forge_a_line_or_move_the_cursor(usher):
    client_id, _ = usher.add_client("Chess")
    usher.succeed("client", "disable", client_id, SUDO_USER="mallory\n2026\u001b[2J")
    printed = usher.succeed("audit")
    assert printed.count("\n") == 2 and "\u001b" not in printed


def test_the_limit_keeps_the_last_ones_in_their_order(usher):
    client_id, _ = usher.add_client("Chess")
    for command in ("disable", "enable", "disable"):
        usher.succeed("client", command, client_id)
    assert [entry["action"] for entry in entries(usher, "--limit", "2")] == [
        "client.enable", "client.disable"]
    assert len(entries(usher, "--limit", "0")) == 4


@pytest.mark.parametrize("limit", ["-1", "10001", "many"])
def test_a_wrong_limit_is_named(usher, limit):
    assert "limit" in usher.fail("audit", f"--limit={limit}", status=64)


@pytest.mark.registry_file("a folder without one")
def test_a_data_folder_without_a_registry_is_named(usher):
    assert "client add" in usher.fail("audit")
    assert not usher.data.exists()


def test_following_shows_what_is_added(usher, tmp_path):
    client_id, _ = usher.add_client("Chess")
    shown = tmp_path / "shown"
    with shown.open("w") as output, ledger.new_log("audit-follow").open("w") as errors:
        follower = subprocess.Popen(
            [str(binary()), "audit", "--follow", "--json", "--limit", "1"], stdout=output,
            stderr=errors, env=environment(usher.home, **usher.places()))
    try:
        eventually(lambda: shown.read_text().count("\n") == 1, "the last entry is shown")
        for number, command in enumerate(("disable", "enable"), start=2):
            usher.succeed("client", command, client_id)
            eventually(
                lambda lines=number: shown.read_text().count("\n") == lines, f"{command} is shown")
        assert follower.poll() is None
    finally:
        follower.terminate()
        follower.wait(timeout=10)
    actions = [json.loads(line)["action"] for line in shown.read_text().splitlines()]
    assert actions == ["client.add", "client.disable", "client.enable"]


@pytest.mark.registry_file("test_registry_commands.py does the same to a database")
def test_entries_can_be_neither_changed_nor_dropped(usher):
    usher.add_client("Chess")
    (path,) = usher.data.glob("*.sqlite")
    with sqlite3.connect(path) as registry:
        for statement in ("DELETE FROM audit", "UPDATE audit SET actor = 'nobody'"):
            with pytest.raises(sqlite3.Error):
                registry.execute(statement)
    registry.close()
    assert len(entries(usher)) == 1
