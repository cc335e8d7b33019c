"""A registry that is foreign, damaged, closed or on a full disk."""

import shutil
import sqlite3

import pytest

from support.disk import AS_ROOT, fill
from support.usher import Usher, new_folder

pytestmark = pytest.mark.registry_file("a database has troubles of its own")


def registry_file(usher):
    """The SQLite file, found by looking: its name is the product's own business."""
    usher.add_client("First")
    (path,) = [
        path for path in usher.data.rglob("*")
        if path.is_file() and path.read_bytes()[:15] == b"SQLite format 3"
    ]
    return path


def forget_journal(path):
    for suffix in ("-wal", "-shm", "-journal"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)


def refused_by_all(usher, path, *words):
    """Both a command and the server name the file and say what is wrong with it."""
    before = path.read_bytes()
    for command in (["client", "list"], ["client", "add", "Second"],
                    ["serve", "--listen", "127.0.0.1:0", "--operator", "127.0.0.1:0"]):
        message = usher.fail(*command)
        assert path.name in message, message
        assert any(word in message.lower() for word in words), message
    assert path.read_bytes() == before, "a file that is not ours was changed"


def test_a_foreign_sqlite_file_is_left_alone(usher):
    path = registry_file(usher)
    forget_journal(path)
    path.unlink()
    with sqlite3.connect(path) as foreign:
        foreign.execute("CREATE TABLE recipes (name TEXT)")
    foreign.close()
    refused_by_all(usher, path, "usher", "other", "another", "foreign")


def test_a_registry_of_a_newer_version_is_left_alone(usher):
    path = registry_file(usher)
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 9999")
    connection.close()
    message = usher.fail("client", "add", "Second")
    assert path.name in message and ("newer" in message or "version" in message)


def test_garbage_in_place_of_the_registry_is_named(usher):
    path = registry_file(usher)
    forget_journal(path)
    path.write_bytes(b"This is no database. " * 500)
    refused_by_all(usher, path, "database", "sqlite", "registry")


def test_a_truncated_registry_is_named(usher):
    path = registry_file(usher)
    forget_journal(path)
    path.write_bytes(path.read_bytes()[:1500])
    message = usher.fail("client", "list")
    assert path.name in message


def test_a_folder_in_place_of_the_registry_is_named(usher):
    path = registry_file(usher)
    forget_journal(path)
    path.unlink()
    path.mkdir()
    assert path.name in usher.fail("client", "list")


def test_a_file_in_place_of_the_data_folder_is_named(usher):
    place = usher.home / "file"
    place.write_text("not a folder")
    assert str(place) in usher.fail("client", "add", "A", "--data", place)


@pytest.mark.skipif(not AS_ROOT or not shutil.which("setpriv"), reason="needs root and setpriv")
def test_a_registry_that_may_not_be_read_is_named(usher):
    path = registry_file(usher)
    usher.home.chmod(0o755)
    usher.data.chmod(0o755)
    for locked in (path, path.parent):
        locked.chmod(0o600)
        message = usher.fail("client", "list", as_nobody=True, HOME=str(new_folder("nobody")))
        assert str(usher.data) in message and "ermission" in message, message
        locked.chmod(0o755)


@pytest.mark.skipif(not AS_ROOT or not shutil.which("setpriv"), reason="needs root and setpriv")
def test_a_data_folder_that_cannot_be_made_is_named(usher):
    message = usher.fail("client", "add", "A", "--data", "/usher-data", as_nobody=True)
    assert "/usher-data" in message


def test_a_full_disk_is_named_and_leaves_the_registry_whole(small_disk):
    usher = Usher(small_disk / "data")
    usher.add_client("First")
    fill(small_disk)
    failures = 0
    while failures == 0:  # SQLite may have room left in pages it holds already.
        done = usher.run("client", "add", "Second" + "!" * 200)
        failures += done.returncode != 0
        assert failures or len(usher.json("client", "list")) < 500
    assert "full" in done.stderr.lower() or "space" in done.stderr.lower(), done.stderr
    assert str(small_disk) in done.stderr
    (small_disk / "filler").unlink()
    assert "First" in usher.succeed("client", "list")
    usher.succeed("client", "add", "Third")


def test_a_disk_too_full_for_keys_stops_the_start_and_leaves_no_half_key(small_disk):
    usher = Usher(small_disk / "data")
    usher.add_client("First")
    fill(small_disk)
    message = usher.fail("serve", "--listen", "127.0.0.1:0", "--operator", "127.0.0.1:0")
    assert "full" in message.lower() or "space" in message.lower(), message
    left = [path for path in usher.data.rglob("*.pem")]
    assert left == [], f"half-written keys: {left}"
