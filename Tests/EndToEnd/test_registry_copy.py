"""`usher registry copy`: docs/operating.md, "Moving from SQLite to PostgreSQL, and back"."""

import json
import os
import signal
import sqlite3
import subprocess
import time

import pytest

from support import ledger
from support.postgres import Postgres
from support.server import Application
from support.usher import Usher, binary, environment, new_folder
from support.waiting import eventually

pytestmark = pytest.mark.registry_file("one is copied into a database, and back")

TABLES = ["revocation", "used_token", "client", "client_registration", "client_secret",
          "client_grant", "signing_key", "audit"]
LINES = 60_000


@pytest.fixture(scope="module")
def postgres():
    one = Postgres()
    yield one
    one.stop("immediate")


@pytest.fixture
def database(postgres, usher):
    """A database with an empty registry in it."""
    database.count = getattr(database, "count", 0) + 1
    url = postgres.new_database(f"copied{database.count}")
    usher.succeed("registry", "init", "--registry", url)
    return url


def filled(usher, lines=LINES):
    """A registry that takes a while to be copied."""
    for index in range(3):
        usher.add_client(f"Client {index}", rooms=["lobby", "é"],
                         origins=[f"https://{index}.example"])
    with sqlite3.connect(usher.data / "usher.sqlite") as file:
        file.executemany("INSERT INTO audit (at, actor, action, target, details) "
                         "VALUES (?, 'cli:root', 'key.rotate', 'k', ?)",
                         ((index, f"line {index} ' é") for index in range(lines)))
        file.executemany("INSERT INTO used_token VALUES (?, ?)",
                         ((f"token {index}", 4_000_000_000 + index)
                          for index in range(lines // 10)))


def rows(folder):
    with sqlite3.connect(folder / "usher.sqlite") as file:
        return {table: sorted(file.execute(f"SELECT * FROM {table}"))
                for table in [*TABLES, "registry", "revocation_share"]}


def copy(usher, *places, **options):
    return usher.run("registry", "copy", *places, **options)


def started(usher, *places):
    """A copy that goes on by itself."""
    with ledger.new_log("registry-copy").open("wb") as log:
        return subprocess.Popen(
            [str(binary()), "registry", "copy", *map(str, places)], stdout=log, stderr=log,
            stdin=subprocess.DEVNULL, env=environment(usher.home))


def test_there_and_back_is_equal_and_serves(usher, postgres, database, start):
    filled(usher, lines=3_000)
    client_id, secret = usher.add_client("Kept", rooms=["lobby"])
    before = rows(usher.data)
    told = usher.json("registry", "copy", usher.data, database)
    assert told["rows"] == {table: len(before[table]) for table in TABLES}
    assert (told["resumed"], told["written"]) == (False, sum(told["rows"].values()))
    back = new_folder("back") / "data"
    words = usher.succeed("registry", "copy", database, back)
    assert "both were read again and are the same" in words
    assert rows(back) == before

    assert len(usher.json("client", "list", "--registry", database)) == 4
    for server in (start("--registry", database), start(data=back)):
        assert Application(server, client_id, secret).token()
    # Lines of the log are counted on.
    usher.succeed("client", "disable", client_id, "--registry", database)
    last = json.loads(usher.succeed("audit", "--json", "--registry", database).splitlines()[-1])
    assert last["id"] == len(before["audit"]) + 1


def test_killed_on_the_way_it_is_refused_to_all_and_gone_on_with(usher, postgres, database):
    filled(usher)
    before = rows(usher.data)
    name = database.rpartition("/")[2]
    for threshold in (5_000, 20_000, 45_000):
        process = started(usher, usher.data, database)
        eventually(
            lambda: process.poll() is not None
            or int(postgres.psql("SELECT count(*) FROM usher.audit", name)[0]) > threshold,
            "part of it is there")
        assert process.poll() is None, "it was done too soon"
        process.kill()
        process.wait()
        for command in (["client", "list"], ["registry", "status"], ["client", "add", "x"],
                        ["token", "issue", "c_x"], ["serve", "auth"]):
            message = usher.fail(*command, "--registry", database)
            assert "a copy into" in message and "usher registry copy again" in message, message
        other = Usher()
        other.add_client("Other")
        assert "part of another one" in other.fail("registry", "copy", other.data, database)
    told = usher.json("registry", "copy", usher.data, database)
    assert told["resumed"] and told["written"] < 20_000
    back = new_folder("back") / "data"
    process = started(usher, database, back)
    eventually(lambda: (back / "usher.sqlite").exists() and process.poll() is None
               and audit_count(back) > 5_000, "part of it is there")
    process.kill()
    process.wait()
    assert "usher registry copy again" in usher.fail("client", "list", "--data", back)
    usher.succeed("registry", "copy", database, back)
    assert rows(back) == before


def audit_count(folder):
    try:
        with sqlite3.connect(folder / "usher.sqlite") as file:
            return file.execute("SELECT count(*) FROM audit").fetchone()[0]
    except sqlite3.OperationalError:
        return 0


def test_a_server_that_ends_on_the_way_is_named_and_the_copy_gone_on_with(usher):
    own = Postgres()
    try:
        url = own.url()
        usher.succeed("registry", "init", "--registry", url)
        filled(usher)
        process = started(usher, usher.data, url)
        eventually(lambda: int(own.psql("SELECT count(*) FROM usher.audit", "usher")[0]) > 5_000,
                   "part of it is there")
        own.kill()
        assert process.wait(30) == 1
        own.start()
        assert usher.json("registry", "copy", usher.data, url)["resumed"]
        assert len(usher.json("client", "list", "--registry", url)) == 3
    finally:
        own.stop("immediate")


def test_progress_is_told_on_stderr_once_a_second_at_most(usher, database):
    filled(usher)
    begun = time.monotonic()
    done = copy(usher, usher.data, database)
    assert done.returncode == 0, done.stderr
    lines = done.stderr.splitlines()
    assert 1 <= len(lines) <= time.monotonic() - begun + 1
    assert all(" of 66" in line and " rows are " in line for line in lines), lines


def test_what_is_refused_is_named_and_stays_as_it_is(usher, postgres, database, start):
    usher.add_client("One")
    full = Usher()
    full.add_client("Two")
    before = rows(full.data)
    assert "has a client already" in usher.fail("registry", "copy", usher.data, full.data)
    assert rows(full.data) == before
    assert "both are one registry" in usher.fail("registry", "copy", usher.data, usher.data)
    assert "no registry" in usher.fail("registry", "copy", new_folder("empty"), full.data)
    bare = postgres.new_database("bare")
    assert "usher registry init" in usher.fail("registry", "copy", usher.data, bare)
    served = start()
    assert "a service runs on" in usher.fail("registry", "copy", usher.data, served.data)
    used = start("--registry", database)
    assert "somebody is connected" in usher.fail("registry", "copy", usher.data, database)
    assert used.stop() == 0
    usher.succeed("registry", "copy", usher.data, database)


def test_a_source_that_is_served_is_noticed_when_it_changes(usher, database, start):
    server = start()
    filled(server.usher, lines=20_000)
    process = started(usher, server.data, database)
    while process.poll() is None:
        server.usher.succeed("client", "add", "More")
    assert process.returncode == 1
    assert "usher registry copy again" in usher.fail("client", "list", "--registry", database)
    assert server.stop() == 0
    usher.succeed("registry", "copy", server.data, database)
    assert (len(usher.json("client", "list", "--registry", database))
            == len(server.usher.json("client", "list")))


def test_no_password_is_taken_from_an_argument_or_shown(usher, postgres):
    usher.add_client("One")
    name, port = "usher", postgres.port
    url = f"postgresql://usher:s3cret-w0rd@127.0.0.1:{port}/{name}"
    message = usher.fail("registry", "copy", usher.data, url, status=64)
    assert "s3cret" not in message and "TO is" in message
    file = usher.home / "url"
    file.write_text(url + "\n")
    file.chmod(0o600)
    usher.succeed("registry", "init", "--registry", file)
    done = copy(usher, usher.data, file)
    assert done.returncode == 0, done.stderr
    assert "s3cret" not in done.stdout + done.stderr
