"""Commands on a registry in PostgreSQL, which need no data folder (docs/operating.md, "The registry
in PostgreSQL")."""

import json
import subprocess

import pytest

from support import http, keys, ledger
from support.postgres import OWNER
from support.server import Application, Server
from support.usher import Usher, binary, environment
from support.waiting import eventually

FREE = ["--listen", "127.0.0.1:0", "--operator", "127.0.0.1:0"]


class OnRegistry(Usher):
    """Every command gets `--registry`, and finds no folder for data: only one for keys."""

    def __init__(self, url):
        super().__init__()
        self.url = url
        self.keys = self.home / "keys"

    def run(self, *arguments, **options):
        return super().run(*arguments, "--registry", self.url, USHER_DATA="",
                           USHER_KEYS=str(self.keys), **options)


@pytest.fixture
def remote(registry):
    one = OnRegistry(registry)
    yield one
    left = {path.name for path in one.home.rglob("*") if one.keys not in [path, *path.parents]}
    assert left == set(), "a folder for data was made"


def actions(usher):
    return [json.loads(line)["action"]
            for line in usher.succeed("audit", "--json", "--limit", "0").splitlines()]


def test_clients_are_added_seen_changed_and_removed(remote):
    client_id, _ = remote.add_client("Chess", rooms=["chess-*"])
    assert "Chess" in remote.succeed("client", "list")
    remote.succeed("client", "update", client_id, "--name", "Go")
    rotated = remote.json("client", "rotate-secret", client_id)
    ledger.remember_client(client_id, rotated["client_secret"])
    remote.succeed("client", "disable", client_id)
    shown = remote.json("client", "show", client_id)
    assert (shown["name"], shown["enabled"], shown["rooms"]) == ("Go", False, ["chess-*"])
    remote.succeed("client", "enable", client_id)
    remote.succeed("client", "remove", client_id)
    assert remote.json("client", "list") == []
    assert actions(remote) == [f"client.{verb}" for verb in (
        "add", "update", "rotate_secret", "disable", "enable", "remove")]


def test_tokens_are_issued_verified_and_revoked_by_hand(remote):
    remote.keys.mkdir(mode=0o700)
    keys.import_key(remote)
    client_id, _ = remote.add_client("Chess")
    issuer = ["--issuer", "https://usher.example"]
    remote.succeed("key", "rotate", "--now")
    token = ledger.remember(remote.succeed("token", "issue", client_id, *issuer).strip(), "a token")
    told = json.loads(remote.succeed("token", "verify", *issuer, "--json", stdin=token))
    assert (told["valid"], told["revocation_checked"]) == (True, True)
    remote.succeed("token", "revoke", stdin=token)
    assert "revoked" in remote.fail("token", "verify", *issuer, stdin=token)
    assert {"key.import", "key.rotate", "token.issue", "token.revoke"} <= set(actions(remote))


def test_keys_lie_in_their_folder_and_are_logged_in_the_registry(remote):
    remote.keys.mkdir(mode=0o700)
    kid = keys.import_key(remote)
    assert [key["kid"] for key in remote.json("key", "list")] == [kid]
    assert keys.stages(remote) == ["signing"]
    made = remote.json("key", "rotate")["kid"]
    remote.succeed("key", "retire", made, "--now")
    assert actions(remote) == ["key.import", "key.rotate", "key.remove"]


def test_following_the_audit_log_shows_what_other_hosts_add(remote, registry, tmp_path):
    shown = tmp_path / "shown"
    with shown.open("w") as output:
        follower = subprocess.Popen(
            [binary(), "audit", "--follow", "--json", "--registry", registry], stdout=output,
            env=environment(remote.home))
    try:
        for number in range(1, 4):
            Usher(registry=registry).add_client(f"Client {number}")
            eventually(lambda count=number: shown.read_text().count("\n") == count, "it is shown")
    finally:
        follower.terminate()
        follower.wait(timeout=10)


def test_the_state_of_a_registry_is_shown_and_its_tables_are_made_once(remote, registry):
    remote.add_client("Chess")
    before = remote.json("registry", "status")
    assert (before["clients"], before["revocations"], before["audit_entries"]) == (1, 0, 1)
    for command in ("init", "migrate"):
        assert remote.json("registry", command) == before
    assert registry.removeprefix("postgresql://") in remote.succeed("registry", "status")


def test_a_data_folder_beside_a_database_holds_what_is_the_hosts_own(registry):
    server = Server(registry=registry)
    try:
        assert sorted(path.name for path in server.data.iterdir()) == [
                "keys", "operator.json", "relay.lock"]
    finally:
        assert server.stop() == 0


# Roles


def test_the_services_role_can_do_all_but_change_what_the_audit_log_says(postgres):
    """With `registry init --role`, by a role that owns the tables."""
    postgres.psql("CREATE DATABASE governed")
    owner = OnRegistry(postgres.url("governed", OWNER))
    owner.succeed("registry", "init", "--role", "usher")
    server = Server("--client-registration", registry=postgres.url("governed"))
    try:
        application = server.application()
        token = application.token()
        server.revoke_token(application, token)
        server.revoke(application, "ada")
        server.disable(application)
    finally:
        assert server.stop() == 0
    for statement in ("DELETE FROM usher.audit", "UPDATE usher.audit SET actor = 'nobody'",
                      "TRUNCATE usher.audit", "DROP TABLE usher.audit",
                      "ALTER TABLE usher.audit DISABLE TRIGGER ALL"):
        with pytest.raises(AssertionError, match="permission denied|must be owner"):
            postgres.psql(statement, "governed", "usher")
        # The table's owner is stopped by the table itself.
        if not statement.startswith(("DROP", "ALTER")):
            with pytest.raises(AssertionError, match="append-only"):
                postgres.psql(statement, "governed")
    assert len(actions(owner)) == 4
    found = findings(OnRegistry(postgres.url("governed")))
    assert [found[check] for check in ("registry_database", "registry_schema", "registry")] == [
        "ok"] * 3
    assert "registry_role" not in found


def findings(usher, *flags):
    """The worst level of each check."""
    levels = ["ok", "not_checked", "warning", "problem"]
    worst = {}
    for finding in json.loads(usher.run("doctor", "--json", *FREE, *flags).stdout):
        worst[finding["check"]] = max(
            worst.get(finding["check"], "ok"), finding["level"], key=levels.index)
    return worst


def test_the_doctor_warns_of_a_role_that_may_do_more_and_of_a_file_that_others_read(
        registry, tmp_path):
    assert findings(OnRegistry(registry))["registry_role"] == "warning"
    file = tmp_path / "url"
    file.write_text(registry)
    file.chmod(0o644)
    assert findings(OnRegistry(file))["registry_file"] == "warning"
    file.chmod(0o600)
    assert "registry_file" not in findings(OnRegistry(file))


def test_the_doctor_names_a_database_that_is_not_there_and_one_without_tables(postgres):
    assert findings(OnRegistry(postgres.url("nothing")))["registry"] == "problem"
    assert findings(OnRegistry(postgres.url("postgres")))["registry_schema"] == "problem"


# Backup


def test_a_backup_is_the_databases_own(remote, tmp_path):
    assert "pg_dump" in remote.fail("backup", tmp_path / "usher.tar")
    assert "registry copy" in remote.fail("restore", tmp_path / "usher.tar")
    assert list(tmp_path.iterdir()) == []


def test_what_pg_dump_wrote_is_a_registry_wherever_pg_restore_puts_it(
        postgres, registry, tmp_path):
    server = Server(registry=registry)
    application = server.application("Chess")
    gone, good = application.token(), application.token()
    server.revoke_token(application, gone)
    dump = tmp_path / "usher.dump"
    postgres.run("pg_dump", "--schema=usher", "--format=custom", f"--file={dump}", registry)
    later = server.application("Added later")
    assert server.stop() == 0

    restored = postgres.new_database(f"{registry.rpartition('/')[2]}_restored")
    postgres.run("pg_restore", f"--dbname={restored}", dump)
    again = Server(registry=restored, data=server.data, listen=server.url.removeprefix("http://"))
    try:
        known = application.at(again)
        assert is_active(known, good) and not is_active(known, gone)
        assert later.at(again).ask().error == "invalid_client"
        new = Application(again, *again.usher.add_client("New"))
        assert new.token()
        assert actions(again.usher) == ["client.add", "token.revoke", "client.add"]
    finally:
        assert again.stop() == 0


def is_active(application, token):
    answer = http.post_form(application.server.url, "/oauth2/introspect", [("token", token)],
                            [http.basic(application.id, application.secret)])
    return answer.json["active"]
