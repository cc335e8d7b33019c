"""What is said where the registry's database cannot be used, and how it is named
(docs/configuration.md, "Places"; docs/operating.md, "The registry in PostgreSQL")."""

import contextlib
import json
import secrets
from pathlib import Path

import pytest

from support import ledger
from support.postgres import Postgres
from support.proxies import certificate, free_port
from support.server import Server
from support.usher import Usher, new_folder

SERVE = ["serve", "--listen", "127.0.0.1:0", "--operator", "127.0.0.1:0"]
# What is asked of a database by the service, and by commands that read and write.
COMMANDS = [SERVE, ["client", "list"], ["client", "add", "A game"], ["audit"],
            ["token", "revoke", "--client", "c_none", "--all"]]


@pytest.fixture(scope="module")
def database():
    """A server with a certificate for `localhost`, on which the database `secret` asks the role
    `usher` for its password; the registry of it, and of `usher`, belongs to `owner`."""
    folder = new_folder("authority")
    crt, key = certificate(folder)
    one = Postgres(hba="host secret usher all scram-sha-256\nhostssl veiled all all trust\n"
                       "host veiled all all reject")
    one.password = ledger.remember(secrets.token_urlsafe(24), "the password of a role")
    one.authority = crt
    one.psql("CREATE ROLE stranger LOGIN")
    one.psql(f"ALTER ROLE usher PASSWORD '{one.password}'")
    for name in ("secret", "veiled"):
        one.new_database(name)
    for name in ("usher", "secret"):
        Usher(registry=one.url(name, "postgres")).succeed("registry", "init", "--role", "usher")
    one.offer_tls(crt, key)
    yield one
    one.stop("immediate")


def at(database, name="usher", user="usher", host="127.0.0.1", **options):
    query = "&".join(f"{key}={value}" for key, value in options.items())
    return f"postgresql://{user}@{host}:{database.port}/{name}" + (f"?{query}" if query else "")


def refused(registry, *words, commands=COMMANDS, **environment):
    """Each command is refused with all these words, and leaves nothing behind."""
    usher = Usher()
    for command in commands:
        message = usher.fail(*command, "--registry", registry, **environment)
        assert all(word in message for word in words), f"{command}: {message}"
        assert len(message.strip().splitlines()) == 1, message
        assert left_behind(usher) == [], "something was made"
    return usher


def left_behind(usher):
    """Files in the home folder: an empty folder for data does no harm."""
    return [path for path in usher.home.rglob("*") if not path.is_dir()]


WRONG = {
    "port": (lambda it: f"postgresql://usher@127.0.0.1:{free_port()}/usher",
             ["cannot be reached", "host and port"]),
    "host": (lambda it: f"postgresql://usher@nowhere.invalid:{it.port}/usher",
             ["nowhere.invalid", "host"]),
    "database": (lambda it: at(it, "nothing"), ["nothing", "createdb"]),
    "role": (lambda it: at(it, user="nobody_known"), ["nobody_known", "role"]),
    "password": (lambda it: at(it, "secret"), ["password"]),
    "file of the authority": (
        lambda it: at(it, sslmode="verify-full", sslrootcert="/nonexistent/root.crt"),
        ["/nonexistent/root.crt", "sslrootcert"]),
    "name in the certificate": (
        lambda it: at(it, host="db.example", hostaddr="127.0.0.1", sslmode="verify-full",
                      sslrootcert=it.authority), ["db.example", "sslmode"]),
    "authority": (
        lambda it: at(it, host="localhost", sslmode="verify-full",
                      sslrootcert=certificate(new_folder("other"))[0]), ["certificate"]),
    "plain connection": (lambda it: at(it, "veiled", sslmode="disable"), ["pg_hba.conf"]),
    "rights": (lambda it: at(it, user="stranger"), ["right", "usher registry init --role"]),
    "tables": (lambda it: at(it, "veiled"), ["usher registry init"]),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_is_wrong_with_a_database_is_named_with_what_to_do(database, what):
    make, words = WRONG[what]
    refused(make(database), *words)


def test_tls_that_is_wanted_and_not_offered_is_named(postgres):
    refused(postgres.url("postgres") + "?sslmode=require", "TLS", "sslmode")


@pytest.mark.parametrize("schema, word", [(0, "registry migrate"), (9999, "newer usher")])
def test_a_registry_of_another_version_is_left_alone(postgres, registry, schema, word):
    name = registry.rpartition("/")[2]
    postgres.psql(f"UPDATE usher.registry SET schema = {schema}", name)
    refused(registry, word)
    assert postgres.psql("SELECT schema FROM usher.registry", name) == [str(schema)]
    assert postgres.psql("SELECT count(*) FROM usher.client", name) == ["0"]


def test_a_certificate_of_the_named_host_will_do(database):
    Usher(registry=at(database, host="localhost", sslmode="verify-full",
                      sslrootcert=database.authority)).succeed("client", "list")


@pytest.mark.parametrize("value", [
    "postgresql://usher@127.0.0.1/usher?no_such_option=1", "postgresql://[::1/usher",
    "host='unfinished", "/nonexistent/file-with-the-url"])
def test_what_names_no_database_is_a_wrong_setting(value):
    usher = Usher()
    for command in ([*SERVE, "--registry", value], ["client", "list", "--registry", value]):
        message = usher.fail(*command, status=64)
        assert "--registry" in message and "postgresql://" in message, message
    assert left_behind(usher) == []


@pytest.mark.parametrize("content", ["", "one\ntwo\n", "mysql://usher@127.0.0.1/usher\n",
                                     "postgresql://a/b\npostgresql://c/d\n"])
def test_a_file_that_holds_no_url_is_a_wrong_setting(tmp_path, content):
    path = tmp_path / "registry"
    path.write_text(content)
    message = Usher().fail("client", "list", "--registry", path, status=64)
    assert str(path) in message and "only line" in message, message


# How a database is named, with the password where one may stand: flags and variables.

def named_by_variable(database, folder, password):
    return [], {"USHER_REGISTRY": with_password(database, password)}


def named_by_file(database, folder, password):
    return ["--registry", written(folder / "url", with_password(database, password) + "\n")], {}


def named_by_file_in_a_variable(database, folder, password):
    return [], {"USHER_REGISTRY": str(written(
        folder / "url", with_password(database, password)))}


def named_beside_a_password_file(database, folder, password):
    file = written(folder / "pgpass", f"127.0.0.1:{database.port}:secret:usher:{password}\n")
    return ["--registry", at(database, "secret")], {"PGPASSFILE": str(file)}


def named_as_a_service(database, folder, password):
    file = written(folder / "pg_service.conf", (
        f"[usher]\nhost=127.0.0.1\nport={database.port}\ndbname=secret\nuser=usher\n"
        f"password={password}\n"))
    return ["--registry", "service=usher"], {"PGSERVICEFILE": str(file)}


NAMED = [named_by_variable, named_by_file, named_by_file_in_a_variable,
         named_beside_a_password_file, named_as_a_service]


def with_password(database, password):
    return at(database, "secret", f"usher:{password}")


def written(path, text):
    path.touch(mode=0o600)
    path.write_text(text)
    return path


@pytest.mark.parametrize("way", NAMED)
def test_a_database_is_named_in_every_way_and_its_password_is_told_to_nobody(
        database, tmp_path, way):
    flags, variables = way(database, tmp_path, database.password)
    usher = Usher()
    usher.succeed("client", "add", way.__name__, *flags, **variables)
    done = usher.run("registry", "status", *flags, **variables)
    assert done.returncode == 0, done.stderr
    shown = [done.stdout, done.stderr]
    done = usher.run("doctor", "--listen", "127.0.0.1:0", "--operator", "127.0.0.1:0", *flags,
                     **variables)
    shown += [done.stdout, done.stderr]
    with served(*flags, **variables) as server:
        assert server.usher.run("client", "list", *flags, **variables).stdout.count(way.__name__)
        shown += [server.errors, command_line(server.process.pid), json.dumps(server.ready)]
    assert not any(database.password in text for text in shown)


@contextlib.contextmanager
def served(*flags, **variables):
    server = Server(*flags, **variables)
    try:
        yield server
    finally:
        assert server.stop() == 0


def command_line(process):
    return Path(f"/proc/{process}/cmdline").read_bytes().decode()


def test_a_configuration_file_names_the_database(database, tmp_path):
    file = written(tmp_path / "usher.json", json.dumps({
        "registry": with_password(database, database.password)}))
    with served("--config", file) as server:
        assert not (server.data / "usher.sqlite").exists()
        assert database.password not in server.errors


@pytest.mark.parametrize("way", NAMED)
def test_a_wrong_password_is_named_and_not_repeated(database, tmp_path, way):
    wrong = ledger.remember(secrets.token_urlsafe(24), "a wrong password")
    flags, variables = way(database, tmp_path, wrong)
    usher = Usher()
    for command in COMMANDS:
        message = usher.fail(*command, *flags, **variables)
        assert "password" in message and wrong not in message, message
        assert left_behind(usher) == []


def test_a_password_in_a_flag_is_refused_since_others_see_it(database):
    usher = Usher()
    for command in COMMANDS:
        message = usher.fail(
            *command, "--registry", with_password(database, database.password), status=64)
        assert "PGPASSFILE" in message and database.password not in message, message
