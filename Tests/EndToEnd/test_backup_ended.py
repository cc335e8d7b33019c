"""`usher backup` and `usher restore`, ended by a signal."""

import os
import signal
import sqlite3
import subprocess

import pytest

from support.keys import import_key
from support.usher import Usher, binary, environment
from support.waiting import eventually

pytestmark = pytest.mark.registry_file("a database is backed up by pg_dump")


@pytest.fixture
def filled(usher):
    """A data folder that no service has been on, with much in it."""
    usher.add_client("A client")
    import_key(usher)
    with sqlite3.connect(usher.data / "usher.sqlite") as file:  # So that it takes its time.
        file.executemany(
            "INSERT INTO audit (at, actor, action, target, details) VALUES (1, 'a', 'b', 'c', ?)",
            [("d" * 1000,)] * 40_000)
    file.close()
    return usher


@pytest.mark.parametrize("by", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_backup_that_is_ended_leaves_nothing(filled, tmp_path, by):
    command = spawned(filled, "backup", tmp_path / "usher.tar")
    eventually(lambda: list(tmp_path.glob(".usher-backup-*")), "the draft")
    command.send_signal(by)
    assert command.wait(timeout=20) == -by, "it was quicker"
    assert os.listdir(tmp_path) == []


def test_a_restore_that_is_ended_leaves_nothing(filled, tmp_path):
    backup = tmp_path / "usher.tar"
    filled.succeed("backup", backup)
    target = Usher()
    command = spawned(target, "restore", "-", stdin=subprocess.PIPE)
    command.stdin.write(backup.read_bytes()[:-1])
    command.stdin.flush()
    eventually(lambda: list(target.data.glob(".usher-restore-*")), "the draft")
    command.send_signal(signal.SIGTERM)
    assert command.wait(timeout=20) == -signal.SIGTERM
    command.stdin.close()
    assert os.listdir(target.data) == []
    target.succeed("restore", backup)


def test_a_signal_that_is_to_be_ignored_ends_no_backup(filled, tmp_path):
    command = subprocess.Popen(
        ["sh", "-c", 'trap "" INT; exec "$0" backup "$1"', str(binary()), tmp_path / "usher.tar"],
        env=environment(filled.home, USHER_DATA=str(filled.data)))
    eventually(lambda: list(tmp_path.glob(".usher-backup-*")), "the draft")
    command.send_signal(signal.SIGINT)
    assert command.wait(timeout=20) == 0
    assert os.listdir(tmp_path) == ["usher.tar"]


def spawned(usher, *arguments, **options):
    # Whoever runs the tests may have signals ignored: behind nohup, or in the background.
    return subprocess.Popen(
        ["env", "--default-signal", str(binary()), *map(str, arguments)],
        env=environment(usher.home, USHER_DATA=str(usher.data)), **options)
