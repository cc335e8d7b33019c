"""Signing keys in the registry, sealed under a master key from a file: `--master-key-file`."""

import base64
import sqlite3
import stat
import time

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from support.keys import audit, is_let_in, kid, kids, pem, stages
from support.postgres import Postgres
from support.server import Server
from support.usher import Usher
from support.waiting import eventually


@pytest.fixture(scope="module")
def postgres():
    server = Postgres()
    yield server
    server.stop("immediate")


@pytest.fixture(params=["sqlite", "postgres"])
def place(request, usher):
    """The flags of a registry that is there."""
    if request.param == "sqlite":
        usher.succeed("registry", "init")
        return []
    postgres = request.getfixturevalue("postgres")
    url = postgres.new_database(f"keys_{time.monotonic_ns()}")
    usher.succeed("registry", "init", "--registry", url)
    return ["--registry", url]


@pytest.fixture
def master(usher):
    path = usher.home / "master.key"
    usher.succeed("key", "master", "new", "--master-key-file", path)
    return path


def serve(usher, master, *flags):
    return Server("--master-key-file", str(master), *flags, data=usher.data)


def test_a_new_master_key_is_private_whole_and_shown_to_nobody(usher):
    path = usher.home / "master.key"
    said = usher.succeed("key", "master", "new", "--master-key-file", path)
    line = path.read_text()
    secret = line.split()[2]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert line == f"usher-master-key {line.split()[1]} {secret}\n" and len(secret) == 64
    assert secret not in said and line.split()[1] in said
    assert usher.json("key", "master", "list", "--master-key-file", path) == [line.split()[1]]
    assert "is there already" in usher.fail("key", "master", "new", "--master-key-file", path)
    assert path.read_text() == line
    assert "--master-key-file" in usher.fail("key", "master", "new")


def test_services_share_the_keys_in_the_registry(usher, master, place):
    sealed = ["--master-key-file", master, *place]
    flags = [*place, "--issuer", "https://auth.example"]
    first = serve(usher, master, *flags)
    second = Server("--master-key-file", str(master), *flags,
                    data=usher.data if not place else None)
    try:
        assert kids(first) == kids(second)
        assert not (usher.data / "keys").exists()
        application = first.application() if not place else None
        new = usher.json("key", "rotate", "--now", *sealed)
        assert new["master_key"] == master.read_text().split()[1]
        for one in (first, second):
            eventually(lambda one=one: kids(one)[0] == new["kid"], "the new key signs")
        if application:
            token = application.token()
            assert kid(token) == new["kid"]
            assert is_let_in(application, token, second)
        assert stages(usher, *sealed) == ["signing", "retired"]
        table = usher.succeed("key", "list", *sealed).splitlines()
        assert table[0].endswith("MASTER KEY") and new["master_key"] in table[1]
        said = usher.json("doctor", *sealed)
        assert {one["check"]: one["level"] for one in said}["master_key"] == "ok"
    finally:
        first.stop()
        second.stop()
    again = serve(usher, master, *place)
    try:
        assert kids(again)[0] == new["kid"]
    finally:
        again.stop()


@pytest.mark.registry_file("its rows are read")
def test_a_row_is_what_another_implementation_opens(usher, master):
    """Decision 0034: AES-256-GCM, bound to form, key, algorithm and master key."""
    usher.succeed("registry", "init")
    key = ed25519.Ed25519PrivateKey.generate()
    usher.succeed("key", "import", "--master-key-file", master, stdin=pem(key))
    with sqlite3.connect(usher.data / "usher.sqlite") as registry:
        ((named, algorithm, master_id, nonce, box),) = registry.execute(
            "SELECT kid, algorithm, master_key_id, nonce, box FROM signing_key")
    bound = "\0".join(["usher signing key 1", named, algorithm, master_id]).encode()
    cipher = AESGCM(bytes.fromhex(master.read_text().split()[2]))
    opened = serialization.load_pem_private_key(cipher.decrypt(nonce, box, bound), None)
    assert opened.private_bytes_raw() == key.private_bytes_raw()
    with pytest.raises(InvalidTag):
        cipher.decrypt(nonce, box, bound.replace(b"EdDSA", b"ES256"))
    raw = (usher.data / "usher.sqlite").read_bytes()
    assert b"PRIVATE KEY" not in raw and key.private_bytes_raw() not in raw
    assert base64.b64encode(key.private_bytes_raw())[:40] not in raw


def test_a_folders_keys_move_into_the_registry_once(usher, master, place):
    sealed = ["--master-key-file", master, *place]
    usher.succeed("key", "import", stdin=pem(ed25519.Ed25519PrivateKey.generate()))
    usher.succeed("key", "rotate")
    folder = usher.json("key", "list")
    keys = usher.data / "keys"
    assert "--master-key-file" in usher.fail("key", "import", "--from-folder", keys)
    said = usher.succeed("key", "import", "--from-folder", keys, *sealed)
    assert "2 keys" in said and "destroy the folder" in said
    moved = usher.json("key", "list", *sealed)
    for one, other in zip(folder, moved, strict=True):
        assert one | {"master_key": None} == other | {"master_key": None}
        assert other["master_key"]
    assert "already" in usher.succeed("key", "import", "--from-folder", keys, *sealed)
    usher.succeed("key", "rotate", "--now", *sealed)
    assert "other keys already" in usher.fail("key", "import", "--from-folder", keys, *sealed)
    if not place:
        assert [entry["action"] for entry in audit(usher)][-3:] == [
            "key.import", "key.import", "key.rotate"]


def test_keys_and_a_master_key_together_are_refused_by_name(usher, master):
    message = usher.fail("key", "list", "--keys", "/k", "--master-key-file", master, status=64)
    assert "--keys" in message and "--master-key-file" in message
    message = usher.fail("serve", "--keys", "/k", "--master-key-file", master, status=64)
    assert "--keys" in message and "--master-key-file" in message


def test_the_master_key_is_replaced_while_a_service_runs(usher, master, place):
    sealed = ["--master-key-file", master, *place]
    server = serve(usher, master, *place)
    try:
        old = master.read_text()
        said = usher.succeed("key", "master", "rotate", *sealed)
        assert "--finish" in said and str(master) in said
        assert master.read_text().endswith(old) and len(master.read_text().splitlines()) == 2
        assert "already" in usher.succeed("key", "master", "rotate", *sealed)
        done = usher.json("key", "master", "rotate", "--finish", *sealed)
        assert (done["change"], done["keys"]) == ("finished", 1)
        assert master.read_text().split()[1] == done["master_key"] != old.split()[1]
        assert len(master.read_text().splitlines()) == 1
        again = usher.json("key", "master", "rotate", "--finish", *sealed)
        assert (again["change"], again["keys"]) == ("none", 0)
        new = usher.json("key", "rotate", "--now", *sealed)
        assert new["master_key"] == done["master_key"]
        eventually(lambda: kids(server)[0] == new["kid"], "the service follows")
        if not place:
            lines = usher.succeed("audit", "--json")
            assert '"master_key.rotate"' in lines and '"master_key.finish"' in lines
        for secret in (old.split()[2], master.read_text().split()[2]):
            assert secret not in server.errors
    finally:
        server.stop()


def test_another_master_key_starts_nothing_and_is_named(usher, master, place):
    sealed = ["--master-key-file", master, *place]
    server = serve(usher, master, *place)
    server.stop()
    other = usher.home / "other.key"
    usher.succeed("key", "master", "new", "--master-key-file", other)
    for command in (["serve"], ["key", "list"], ["key", "rotate"], ["key", "master", "rotate"]):
        message = usher.fail(*command, "--master-key-file", other, *place)
        assert master.read_text().split()[1] in message and str(other) in message
    (usher.home / "gone.key").symlink_to("nowhere")
    assert "usher key master new" in usher.fail(
        "serve", "--master-key-file", usher.home / "gone.key", *place)
    master.chmod(0o644)
    assert "chmod 600" in usher.fail("key", "list", *sealed)


@pytest.mark.registry_file("a database is backed up by pg_dump")
def test_a_backup_holds_sealed_keys_and_no_others(usher, master):
    server = serve(usher, master)
    signing = kids(server)
    server.stop()
    archive = usher.home / "usher.tar"
    said = usher.succeed("backup", archive, "--master-key-file", master)
    assert "sealed" in said
    assert b"PRIVATE KEY" not in archive.read_bytes()
    other = Usher()
    other.succeed("restore", archive, "--master-key-file", master)
    again = serve(other, master)
    try:
        assert kids(again) == signing
    finally:
        again.stop()
