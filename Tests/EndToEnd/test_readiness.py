"""What /readyz tells: each thing that the service follows, by name."""

import pytest

from support import http
from support.readiness import readiness
from support.waiting import eventually

READY = {"status": "ok", "checks": {"service": "ok", "registry": "ok", "keys": "ok"}}


def becomes(server, status, checks):
    expected = {"status": "ok" if status == 200 else "not_ready", "checks": checks}
    eventually(lambda: readiness(server) == (status, expected), f"{status} {checks}")


@pytest.mark.parametrize("part", [None, "auth", "signal"])
def test_a_ready_service_names_what_it_follows(start, part):
    flags = ["--issuer", "https://usher.example"] if part == "signal" else []
    server = start(*flags, part=part)
    assert readiness(server) == (200, READY)
    assert http.request(server.operator, "HEAD", "/readyz").status == 200


@pytest.mark.registry_file("it is moved or replaced")
def test_a_registry_that_is_moved_away_is_named_and_the_rest_goes_on(start):
    server = start()
    application = server.application()
    token = application.token(rooms="lobby")
    (path,) = server.data.glob("*.sqlite")
    away = path.with_name("away")
    path.rename(away)
    becomes(server, 503, {**READY["checks"], "registry": "registry_not_found"})
    assert http.get(server.operator, "/livez").status == 200
    assert application.token(rooms="lobby") != token
    away.rename(path)
    becomes(server, 200, READY["checks"])


@pytest.mark.registry_file("it is moved or replaced")
def test_a_registry_that_is_replaced_is_named(start):
    server = start()
    (path,) = server.data.glob("*.sqlite")
    path.rename(path.with_name("away"))
    path.write_bytes(b"This is no database. " * 500)
    becomes(server, 503, {**READY["checks"], "registry": "registry_failed"})


def test_keys_that_cannot_be_followed_are_named_without_their_place(start):
    server = start()
    application = server.application()
    folder = server.data / "keys"
    folder.chmod(0o755)
    becomes(server, 503, {**READY["checks"], "keys": "key_folder_permissions"})
    assert str(folder) not in http.get(server.operator, "/readyz").body.decode()
    assert application.token()
    folder.chmod(0o700)
    becomes(server, 200, READY["checks"])


def test_a_service_without_a_signing_key_says_so(start):
    server = start()
    application = server.application()
    key = server.private_key_file()
    pem = key.read_bytes()
    key.unlink()
    becomes(server, 503, {**READY["checks"], "keys": "key_folder_without_signing"})
    assert application.token()
    key.touch(mode=0o600)
    key.write_bytes(pem)
    becomes(server, 200, READY["checks"])


def test_the_doctor_passes_on_what_is_not_ready(start):
    server = start()
    (server.data / "keys").chmod(0o755)
    becomes(server, 503, {**READY["checks"], "keys": "key_folder_permissions"})
    port = server.operator.rsplit(":", 1)[1]
    told = server.usher.run(
        "doctor", "--operator", f"127.0.0.1:{port}", "--listen", "127.0.0.1:0")
    assert "keys (key_folder_permissions)" in told.stdout + told.stderr
