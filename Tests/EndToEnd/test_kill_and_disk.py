"""`kill -9` at random moments, full disks and read-only ones: what was acknowledged stays."""

import json
import os
import random
import sqlite3
import subprocess
import threading
import time
import urllib.parse
from collections import Counter
from pathlib import Path

import pytest

from support import http, ledger
from support.databases import IS_POSTGRESQL
from support.disk import fill, immutable
from support.server import Application
from support.usher import PATIENCE_SECONDS, binary, environment
from support.waiting import eventually
from support.websocket import Refused, WebSocket

WRITERS = 4
KILLS = int(os.environ.get("USHER_TEST_KILLS") or 200)


class Known:
    """What a writer knows of one of its clients: only what a command has told it."""

    def __init__(self, secret):
        self.secret = secret
        self.is_removed = False  # None: a command to remove it was killed.
        self.is_certain = True  # False: a command to rotate its secret was killed.


class Kills:
    """Counts processes that were killed, and ends the test when there were enough."""

    def __init__(self):
        self.count = 0
        self._lock = threading.Lock()

    def add(self):
        with self._lock:
            self.count += 1

    @property
    def are_enough(self):
        return self.count >= KILLS


class Writer(threading.Thread):
    """Adds, rotates and removes clients of its own; kills every other command on its way."""

    def __init__(self, usher, number, kills):
        super().__init__(name=f"writer-{number}")
        self.usher = usher
        self.kills = kills
        self.random = random.Random(number)
        self.clients = {}
        self.names = set()
        self.acknowledged = []  # (action, client_id) as the audit log has them.
        self.failures = []
        self.usual_seconds = 0.1

    def run(self):
        while not self.kills.are_enough and not self.failures:
            try:
                self.step()
            except Exception as error:
                self.failures.append(repr(error))

    def step(self):
        alive = [one for one, known in self.clients.items() if known.is_removed is False]
        certain = [one for one in alive if self.clients[one].is_certain]
        what = self.random.choice(["add", "rotate-secret", "rotate-secret", "remove"])
        if what == "remove" and len(alive) > 5:
            return self.remove(self.random.choice(alive))
        if what == "rotate-secret" and certain:
            return self.rotate(self.random.choice(certain))
        return self.add()

    def add(self):
        name = f"{self.name} {len(self.names)}"
        self.names.add(name)
        if told := self.command("add", name):
            self.clients[told["client_id"]] = Known(told["client_secret"])

    def rotate(self, client_id):
        known = self.clients[client_id]
        if told := self.command("rotate-secret", client_id):
            known.secret = told["client_secret"]
        else:
            known.is_certain = False

    def remove(self, client_id):
        known = self.clients[client_id]
        known.is_removed = True if self.command("remove", client_id) else None

    def command(self, *arguments):
        """Runs a command and perhaps kills it; returns what it said, or None if it could not."""
        began = time.monotonic()
        process = subprocess.Popen(
            [str(binary()), "client", *arguments, "--json"], stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env=environment(self.usher.home, **self.usher.places()))
        if self.random.random() < 0.6:
            time.sleep(self.random.uniform(0, 1.2 * self.usual_seconds))
            process.kill()
        said, errors = process.communicate(timeout=PATIENCE_SECONDS)
        if process.returncode == -9:
            self.kills.add()
        elif process.returncode == 0:
            self.usual_seconds += (time.monotonic() - began - self.usual_seconds) / 8
        else:
            self.failures.append(f"{arguments}: {process.returncode} {errors}")
        told = json.loads(said) if said.endswith("\n") else None
        if told and "client_secret" in told:
            ledger.remember_client(told["client_id"], told["client_secret"])
        assert told or process.returncode != 0, f"{arguments} succeeded without a word"
        if told:
            action = f"client.{arguments[0].replace('-', '_')}"
            self.acknowledged.append((action, told["client_id"]))
        return told


def kill_servers(usher, kills):
    """Starts servers on the same data, and kills each before or after it is ready."""
    chance = random.Random(0)
    while not kills.are_enough:
        process = subprocess.Popen(
            [str(binary()), "serve", "--listen", "127.0.0.1:0", "--operator", "127.0.0.1:0"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            env=environment(usher.home, **usher.places()))
        time.sleep(chance.uniform(0, 0.5))
        process.kill()
        if process.wait() == -9:
            kills.add()


def check_integrity(usher):
    if IS_POSTGRESQL:  # Which sees to that itself.
        return
    with sqlite3.connect(usher.data / "usher.sqlite") as registry:
        assert registry.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert registry.execute("PRAGMA foreign_key_check").fetchall() == []
    registry.close()


def check_acknowledged(usher, writers):
    """Every change that a command acknowledged is there; whatever else is there was tried."""
    listed = {one["client_id"]: one for one in usher.json("client", "list")}
    for writer in writers:
        for client_id, known in writer.clients.items():
            if known.is_removed is not None:
                assert (client_id in listed) != known.is_removed, f"{writer.name}: {client_id}"
    told = {client_id for writer in writers for client_id in writer.clients}
    tried = {name for writer in writers for name in writer.names}
    for client_id in listed.keys() - told:
        assert listed[client_id]["name"] in tried, "nobody asked for this client"
    return listed


def check_audit(usher, writers):
    """Each acknowledged change is in the audit log, as often as it was made."""
    lines = usher.succeed("audit", "--json", "--limit", "0").splitlines()
    entries = [json.loads(line) for line in lines]
    logged = Counter((entry["action"], entry["target"]) for entry in entries)
    acknowledged = Counter(change for writer in writers for change in writer.acknowledged)
    assert acknowledged - logged == Counter()


def check_secrets(server, writers, listed):
    """The last secret that each client was told of is good; those of removed ones are not."""
    alive, removed = [], []
    for writer in writers:
        for client_id, known in writer.clients.items():
            application = Application(server, client_id, known.secret)
            (alive if client_id in listed else removed).append(application)
    assert alive
    for application in alive:
        assert application.ask().status == 200, application.id
    for application in removed[:5]:
        assert application.ask().status == 401, application.id


@pytest.mark.registry_file("its pages are killed half written")
def test_a_registry_whose_making_was_killed_is_made_anew(usher):
    half = usher.home / "half.sqlite"
    maker = sqlite3.connect(half, isolation_level=None)
    maker.execute("PRAGMA cache_size = 1")  # So that what is not committed is written already.
    maker.execute("BEGIN")
    maker.execute("CREATE TABLE begun (bytes)")
    for _ in range(200):
        maker.execute("INSERT INTO begun VALUES (randomblob(4000))")
    usher.data.mkdir(mode=0o700)
    journal = Path(f"{half}-journal").read_bytes()
    maker.execute("COMMIT")
    maker.close()
    # As it is when all is written, and the journal that would undo it not yet gone.
    for end, content in (("", half.read_bytes()), ("-journal", journal)):
        (usher.data / f"usher.sqlite{end}").write_bytes(content)
        (usher.data / f"usher.sqlite{end}").chmod(0o600)
    usher.succeed("client", "add", "After all")
    check_integrity(usher)


def test_what_was_acknowledged_survives_kills_at_random_moments(usher, start):
    kills = Kills()
    writers = [Writer(usher, number, kills) for number in range(WRITERS)]
    servers = threading.Thread(target=kill_servers, args=(usher, kills))
    for thread in (*writers, servers):
        thread.start()
    for thread in (*writers, servers):
        thread.join()
    assert [failure for writer in writers for failure in writer.failures] == []
    assert kills.count >= KILLS
    listed = check_acknowledged(usher, writers)
    check_audit(usher, writers)
    check_integrity(usher)
    server = start(data=usher.data)
    check_secrets(server, writers, listed)
    assert server.stop() == 0
    check_integrity(usher)


# A server that must write: it notes every token that opened a connection.
ONE_USE = ["--query-token", "one-use"]


def connect_once(server, application):
    """Uses one token once; None, or the refusal."""
    token = urllib.parse.quote(application.token())
    try:
        WebSocket(server.websocket_url, f"/?token={token}").close()
    except Refused as refused:
        return refused.response
    return None


def refused(write, server, application):
    """Writes until one is refused: SQLite may have room left in pages that it holds already."""
    for _ in range(500):
        if refusal := write(server, application):
            return refusal
    raise AssertionError("nothing was refused")


def revoke(server, application):
    """Revokes a token; None, or the refusal."""
    answer = http.post_form(
        server.url, "/oauth2/revoke", [("token", application.token())],
        [http.basic(application.id, application.secret)])
    return None if answer.status == 200 else answer


def check_writes_are_refused(server, application):
    for write in (connect_once, revoke):
        check_refusal(refused(write, server, application))
    eventually(lambda: "used_tokens_unavailable" in server.errors, "it is logged")
    assert application.ask().status == 200, "tokens are issued all the same"


def check_refusal(refusal):
    assert refusal.status == 503, refusal.body
    assert refusal.json["error"] == "temporarily_unavailable"
    assert refusal.json["error_description"].strip()
    assert int(refusal.header("Retry-After")) > 0


@pytest.mark.registry_file("the disk that it lies on")
def test_a_full_disk_refuses_writes_with_503_while_tokens_are_issued(small_disk, start):
    server = start(*ONE_USE, data=small_disk / "data")
    application = server.application()
    assert connect_once(server, application) is None
    fill(small_disk)
    check_writes_are_refused(server, application)
    message = server.usher.fail("client", "add", "Too many" + "!" * 200)
    assert "space" in message or "full" in message, message
    (small_disk / "filler").unlink()
    assert connect_once(server, application) is None, "room was made, and nothing restarted"
    check_integrity(server.usher)


@pytest.mark.registry_file("the disk that it lies on")
def test_a_read_only_registry_refuses_writes_with_503_while_tokens_are_issued(start):
    server = start(*ONE_USE)
    application = server.application()
    assert connect_once(server, application) is None
    registry = server.data / "usher.sqlite"
    # Not `-shm`: that is mapped memory, of which SQLite writes to no disk.
    with immutable(registry, registry.with_name("usher.sqlite-wal")):
        check_writes_are_refused(server, application)
        before = registry.read_bytes()
        for change in (["add", "Too late"], ["rotate-secret", application.id],
                       ["remove", application.id]):
            message = server.usher.fail("client", *change)
            assert str(registry) in message and "writ" in message, message
        assert registry.read_bytes() == before
        assert application.ask().status == 200
    assert connect_once(server, application) is None, "it is writable again"


@pytest.mark.registry_file("the disk that it lies on")
def test_a_server_says_at_its_start_that_the_registry_is_read_only(usher):
    usher.add_client("First")
    with immutable(usher.data / "usher.sqlite"):
        message = usher.fail("serve", "--listen", "127.0.0.1:0", "--operator", "127.0.0.1:0")
    assert "usher.sqlite" in message and "writ" in message, message
