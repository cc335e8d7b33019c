"""`usher backup` and `usher restore`: what a service knows, in one file and back again."""

import io
import os
import sqlite3
import stat
import subprocess
import tarfile
import threading

import pytest

from support import chance, disk, ledger
from support.keys import import_key
from support.server import Application
from support.usher import Usher, binary, environment, new_folder
from support.waiting import eventually

pytestmark = pytest.mark.registry_file("a database is backed up by pg_dump")

BLOCK = 512


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def backed_up(usher, tmp_path):
    """A data folder that no service has been on, and its backup."""
    usher.add_client("A client")
    import_key(usher)
    path = tmp_path / "usher.tar"
    usher.succeed("backup", path)
    return path


def restore(path, *flags, data=None, **options):
    target = Usher(data)
    return target, target.run("restore", path, *flags, **options)


def refused(content, tmp_path, part=""):
    """The archive is refused, and leaves nothing."""
    path = tmp_path / "bad.tar"
    path.write_bytes(content)
    target, done = restore(path)
    assert done.returncode == 1, done.stdout
    assert "nothing was restored" in done.stderr and part in done.stderr, done.stderr
    assert not target.data.exists()


def test_after_a_stop_everything_is_in_the_one_file(start, tmp_path):
    server = start()
    application = server.application("Kept")
    assert server.stop() == 0
    (tmp_path / "usher.sqlite").write_bytes((server.data / "usher.sqlite").read_bytes())
    assert [client["client_id"] for client in Usher(tmp_path).json("client", "list")] == [
        application.id]


def test_a_stop_is_clean_while_another_process_reads_the_registry(start):
    server = start()
    server.application()
    other = sqlite3.connect(server.data / "usher.sqlite")
    other.execute("BEGIN")
    assert other.execute("SELECT count(*) FROM client").fetchone() == (1,)
    assert server.stop() == 0
    assert other.execute("SELECT count(*) FROM client").fetchone() == (1,)
    other.close()
    assert len(Usher(server.data).json("client", "list")) == 1


def test_a_service_is_backed_up_while_it_serves_and_goes_on_from_the_backup(start, tmp_path):
    server = start("--issuer", "http://127.0.0.1:1")
    application = server.application("Before", rooms=["lobby"])
    token = application.token()
    halt = threading.Event()

    def write():
        while not halt.is_set():
            server.usher.succeed("client", "update", application.id, "--name", "Before")

    writer = threading.Thread(target=write)
    writer.start()
    path = tmp_path / "usher.tar"
    try:
        told = server.usher.json("backup", path)
    finally:
        halt.set()
        writer.join()
    assert (told["keys"], told["bytes"]) == (1, path.stat().st_size)
    assert mode(path) == 0o600
    assert sorted(os.listdir(tmp_path)) == ["usher.tar"]
    after = server.application("After")
    server.usher.succeed("token", "revoke", stdin=token)
    assert server.stop() == 0

    target, done = restore(path)
    assert done.returncode == 0, done.stderr
    assert "1 clients and 1 keys" in done.stdout
    assert (mode(target.data), mode(target.data / "keys")) == (0o700, 0o700)
    assert sorted(os.listdir(target.data)) == ["keys", "usher.sqlite"]
    assert {mode(file) for file in target.data.rglob("*") if file.is_file()} == {0o600}
    again = start("--issuer", "http://127.0.0.1:1", data=target.data)
    same = Application(again, application.id, application.secret)
    assert same.token()
    # As it was then: the token is not revoked, and who came later is unknown.
    target.succeed("token", "verify", "--issuer", "http://127.0.0.1:1", stdin=token)
    assert Application(again, after.id, after.secret).ask().status == 401
    actions = [line.split()[2] for line in target.succeed("audit").splitlines()]
    assert actions[-1] == "registry.restore"


def test_everything_counts_as_new_after_a_restore(backed_up, usher):
    def revisions(data):
        with sqlite3.connect(data / "usher.sqlite") as file:
            (registry,) = file.execute("SELECT revision, removal_revision FROM registry")
            return registry, {row[0] for row in file.execute("SELECT revision FROM client")}

    (before, _), _ = revisions(usher.data)
    target, done = restore(backed_up)
    assert done.returncode == 0
    (revision, removal), clients = revisions(target.data)
    assert revision > before + 1_000_000
    assert removal == revision and clients == {revision}


def test_a_backup_is_an_archive_that_tar_reads(backed_up, usher):
    with tarfile.open(backed_up) as archive:
        members = archive.getmembers()
        assert [member.name for member in members[:2]] == ["usher.sqlite", "keys"]
        assert {member.mode for member in members if member.isfile()} == {0o600}
        (key,) = [member for member in members[2:]]
        assert archive.extractfile(key).read() == next((usher.data / "keys").glob("*")).read_bytes()


def test_a_backup_goes_to_stdout_and_comes_from_stdin(usher, tmp_path):
    usher.add_client("A client")
    import_key(usher)
    usher.fail("backup", "-", TMPDIR="/nowhere")
    piped = subprocess.run(
        [str(binary()), "backup", "-"], capture_output=True, check=True, timeout=20,
        env=environment(usher.home, USHER_DATA=str(usher.data), TMPDIR=str(tmp_path)))
    assert piped.stderr == b"" and os.listdir(tmp_path) == []
    target, done = restore("-", stdin=piped.stdout)
    assert done.returncode == 0, done.stderr
    assert [client["name"] for client in target.json("client", "list")] == ["A client"]


def test_nothing_is_overwritten_unless_that_was_said(backed_up, usher):
    before = backed_up.read_bytes()
    assert "--overwrite" in usher.fail("backup", backed_up)
    assert backed_up.read_bytes() == before
    usher.add_client("Another")
    usher.succeed("backup", backed_up, "--overwrite")
    target, done = restore(backed_up)
    assert done.returncode == 0 and len(target.json("client", "list")) == 2
    assert os.listdir(backed_up.parent) == [backed_up.name]


def test_without_registry_or_keys_there_is_nothing_to_back_up(usher, tmp_path):
    path = tmp_path / "usher.tar"
    assert "usher client add" in usher.fail("backup", path)
    usher.add_client("A client")
    assert "key folder" in usher.fail("backup", path)
    assert os.listdir(tmp_path) == []


def test_a_full_disk_leaves_no_half_of_a_backup(small_disk, usher):
    usher.add_client("A client")
    import_key(usher)
    disk.fill(small_disk)
    before = set(os.listdir(small_disk))
    message = usher.fail("backup", small_disk / "usher.tar").lower()
    assert "space" in message or "full" in message, message
    assert set(os.listdir(small_disk)) == before


def test_a_full_disk_leaves_no_half_of_what_was_restored(small_disk, backed_up):
    disk.fill(small_disk)
    before = set(os.listdir(small_disk))
    target, done = restore(backed_up, data=small_disk / "data")
    assert done.returncode == 1, target
    assert set(os.listdir(small_disk)) == before


def test_a_folder_that_is_not_empty_is_left_alone(backed_up, usher):
    before = (usher.data / "usher.sqlite").read_bytes()
    assert "usher.sqlite" in usher.fail("restore", backed_up)
    assert (usher.data / "usher.sqlite").read_bytes() == before
    folder = new_folder("other")
    (folder / "precious").write_text("mine")
    _, done = restore(backed_up, data=folder)
    assert done.returncode == 1 and "precious" in done.stderr
    assert os.listdir(folder) == ["precious"]


def test_an_empty_volume_will_do_and_keys_may_lie_elsewhere(backed_up):
    folder, keys = new_folder("volume"), new_folder("keys")
    (folder / "lost+found").mkdir()
    (folder / "keys").mkdir()
    keys.chmod(0o700)
    target, done = restore(backed_up, "--keys", keys, data=folder)
    assert done.returncode == 0, done.stderr
    assert len(os.listdir(keys)) == 1 and os.listdir(folder / "keys") == []
    # There are keys now: these stay as they are, and nothing comes beside them.
    other, done = restore(backed_up, "--keys", keys)
    assert done.returncode == 1 and not other.data.exists()
    assert len(target.json("client", "list")) == 1 and len(os.listdir(keys)) == 1


def test_nothing_is_restored_under_a_running_service(backed_up, start):
    server = start()
    for path in sorted(server.data.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    assert "a service runs" in server.usher.fail("restore", backed_up)
    assert list(server.data.iterdir()) == []
    assert server.stop() == 0


# What is no backup.


def archive(*members):
    """A tar archive of (name, content or None for a folder, further attributes)."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name, content, *rest in members:
            info = tarfile.TarInfo(name)
            info.mode = 0o600
            for key, value in (rest[0] if rest else {}).items():
                setattr(info, key, value)
            info.size = len(content or b"")
            tar.addfile(info, io.BytesIO(content or b""))
    return out.getvalue()


def parts(path):
    """The members of a backup: each its head and its content, filled up."""
    content, found = path.read_bytes(), []
    while any(content[:BLOCK]):
        size = int(content[124:135], 8)
        whole = BLOCK + -(-size // BLOCK) * BLOCK
        found.append(content[:whole])
        content = content[whole:]
    return found


def renamed(part, name):
    head = bytearray(part[:BLOCK])
    head[:100] = name.ljust(100, b"\0")
    head[148:156] = b" " * 8
    head[148:156] = b"%06o\0 " % sum(head)
    return bytes(head) + part[BLOCK:]


END = bytes(2 * BLOCK)


def test_hostile_archives_are_refused_and_leave_nothing(backed_up, tmp_path):
    registry, folder, key = parts(backed_up)
    for name in (b"../usher.sqlite", b"/tmp/x", b"keys/../../x", b"keys/a/b.signing.pem", b"keys/",
                 b"keys/.hidden", b"usher.sqlite-wal", b"operator.json", b"./usher.sqlite"):
        refused(registry + folder + renamed(key, name) + END, tmp_path)
    refused(registry + registry + END, tmp_path, "twice")
    refused(registry + folder + key + key + END, tmp_path, "twice")
    refused(folder + key + END, tmp_path, "usher.sqlite")
    refused(registry + folder + renamed(key, b"keys/" + b"A" * 43 + b".signing.pem") + END,
            tmp_path)
    refused(registry + folder + key + END + b"x", tmp_path, "follows its end")
    refused(b"", tmp_path, "too early")
    refused(chance.of("an archive").randbytes(4096), tmp_path)
    refused(archive(("usher.sqlite", b"x", {"type": tarfile.SYMTYPE, "linkname": "/etc"})),
            tmp_path)
    refused(archive(("usher.sqlite", None, {"type": tarfile.LNKTYPE, "linkname": "a"})), tmp_path)
    refused(archive(("usher.sqlite", None, {"type": tarfile.FIFOTYPE})), tmp_path)


def test_an_archive_that_was_cut_off_is_refused_wherever_that_was(backed_up, tmp_path):
    content = backed_up.read_bytes()
    for length in (1, 511, 512, 513, 5000, len(content) - 1025, len(content) - 1024,
                   len(content) - 1):
        refused(content[:length], tmp_path, "too early")


def test_a_registry_that_is_damaged_or_anothers_is_refused(backed_up, tmp_path):
    registry, folder, key = parts(backed_up)

    def with_registry(content):
        head = bytearray(registry[:BLOCK])
        head[124:136] = b"%011o\0" % len(content)
        filled = content + bytes(-len(content) % BLOCK)
        return renamed(bytes(head) + filled, b"usher.sqlite") + folder + key + END

    def database(*statements):
        path = new_folder("database") / "file"
        path.write_bytes(registry[BLOCK:])
        with sqlite3.connect(path) as file:
            for statement in statements:
                file.execute(statement)
        file.close()
        return path.read_bytes()

    damaged = bytearray(registry[BLOCK:])
    damaged[4096:8192] = chance.of("a page").randbytes(4096)
    refused(with_registry(bytes(damaged)), tmp_path)
    refused(with_registry(b"no database" * 100), tmp_path, "no SQLite database")
    refused(with_registry(database("PRAGMA user_version = 99")), tmp_path, "newer usher")
    refused(with_registry(database("PRAGMA application_id = 7")), tmp_path, "another program")
    path = tmp_path / "good.tar"
    path.write_bytes(with_registry(database("UPDATE client SET name = 'Mine'")))
    target, done = restore(path)
    assert done.returncode == 0, done.stderr
    assert [client["name"] for client in target.json("client", "list")] == ["Mine"]


def test_a_registry_that_does_not_get_into_one_file_is_not_restored(backed_up):
    """Somebody reads what is being restored, so that its last change stays beside it."""
    registry, folder, key = parts(backed_up)
    path = new_folder("database") / "file"
    path.write_bytes(registry[BLOCK:])
    with sqlite3.connect(path) as file:
        file.execute("PRAGMA journal_mode = WAL")
    file.close()
    content = registry[:BLOCK] + path.read_bytes() + folder + key + END
    target = Usher()
    command = subprocess.Popen(
        [str(binary()), "restore", "-", "--data", str(target.data)], stdin=subprocess.PIPE,
        stderr=subprocess.PIPE, env=environment(target.home))
    command.stdin.write(content[:-1])
    command.stdin.flush()
    draft = eventually(lambda: whole_draft(target.data, path.stat().st_size), "the draft")
    with sqlite3.connect(draft) as reader:
        reader.execute("BEGIN")
        assert reader.execute("SELECT count(*) FROM client").fetchone() == (1,)
        _, message = command.communicate(content[-1:], timeout=20)
    reader.close()
    assert command.returncode == 1
    assert b"nothing was restored" in message and b"registry_busy" in message
    assert not target.data.exists()


def whole_draft(folder, size):
    drafts = list(folder.glob(".usher-restore-*"))
    return drafts[0] if drafts and drafts[0].stat().st_size == size else None


def test_no_private_key_is_printed(backed_up):
    with tarfile.open(backed_up) as file:
        (key,) = [member for member in file.getmembers() if member.name.endswith(".pem")]
        lines = file.extractfile(key).read().decode().splitlines()[1:-1]
    for line in lines:
        ledger.remember(line, "a line of a private key")
    _, done = restore(backed_up, "--json")
    assert not [line for line in lines if line in done.stdout + done.stderr]
