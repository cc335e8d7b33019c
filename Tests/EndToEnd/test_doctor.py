"""`usher doctor`: what is wrong, and what to do about it."""

import json
import os
import socket
import sqlite3
import time

import pytest

from support import chance, forging
from support.usher import Usher

FREE = ["--listen", "127.0.0.1:0", "--operator", "127.0.0.1:0"]
NO_CURL = {"PATH": "/nonexistent"}  # Nor anything else: nobody else's machine is asked.
LEVELS = {"ok", "warning", "problem", "not_checked"}


def examine(usher, *flags, **options):
    """The findings, those of one check together; the exit status must fit them."""
    done = usher.run("doctor", "--json", *flags, **options)
    findings = json.loads(done.stdout)
    assert all(set(finding) == {"check", "level", "message", "advice"} for finding in findings)
    assert {finding["level"] for finding in findings} <= LEVELS
    has_problem = any(finding["level"] == "problem" for finding in findings)
    assert done.returncode == (1 if has_problem else 0), done.stdout
    by_check = {}
    for finding in findings:
        by_check.setdefault(finding["check"], []).append(finding)
    return by_check


def level(findings, check):
    """The level of the only finding of a check, and all that it says."""
    (finding,) = findings[check]
    return finding["level"], f"{finding['message']} {finding['advice']}"


def beside(server):
    """Flags by which the doctor looks at a running server."""
    return ["--listen", server.url.removeprefix("http://"),
            "--operator", server.operator.removeprefix("http://")]


def registry_file(usher):
    (path,) = usher.data.glob("*.sqlite")
    return path


@pytest.fixture
def stopped(start):
    """A data folder with keys and a client, and no server on it."""
    server = start()
    server.application()
    server.stop()
    return server.usher


def test_before_the_first_start_nothing_is_wrong_and_nothing_is_made(usher):
    findings = examine(usher, *FREE)
    for check in ("data_folder", "registry", "keys"):
        assert level(findings, check)[0] == "warning"
    assert level(findings, "issuer")[0] == "not_checked"
    assert not usher.data.exists()


@pytest.mark.registry_file("what the doctor says of it")
def test_a_service_in_order_has_no_warning(stopped):
    findings = examine(stopped, *FREE)
    for check in ("settings", "data_folder", "disk_space", "registry_file", "registry_schema",
                  "registry", "keys", "key", "clock", "listen", "operator", "exposure"):
        assert level(findings, check)[0] == "ok", findings[check]
    assert "signing" in level(findings, "key")[1]


def test_people_get_lines_with_what_to_do_and_a_count(usher):
    printed = usher.succeed("doctor", *FREE)
    assert "→ usher client add" in printed
    assert printed.splitlines()[-1].endswith("not checked")


@pytest.mark.registry_file("what the doctor says of it")
def test_it_leaves_keys_and_registry_as_they_are(stopped):
    def content():
        with sqlite3.connect(registry_file(stopped)) as registry:
            rows = list(registry.iterdump())
        registry.close()
        keys = (stopped.data / "keys").iterdir()
        return rows, {path.name: path.read_bytes() for path in keys}

    before = content()
    examine(stopped, *FREE)
    assert content() == before


# Permissions


@pytest.mark.parametrize("mode, expected", [
    (0o755, "warning"), (0o777, "problem"), (0o700, "ok")])
def test_a_data_folder_open_to_others_is_told_with_its_chmod(stopped, mode, expected):
    stopped.data.chmod(mode)
    found, text = level(examine(stopped, *FREE), "data_folder")
    assert found == expected
    assert ("chmod 700" in text) == (expected != "ok")


@pytest.mark.registry_file("what the doctor says of it")
@pytest.mark.parametrize("mode, expected", [(0o644, "warning"), (0o666, "problem")])
def test_a_registry_open_to_others_is_told_with_its_chmod(stopped, mode, expected):
    registry_file(stopped).chmod(mode)
    found, text = level(examine(stopped, *FREE), "registry_file")
    assert found == expected and "chmod 600" in text


def test_a_key_open_to_others_is_a_problem(stopped):
    (key,) = (stopped.data / "keys").glob("*.pem")
    key.chmod(0o644)
    found, text = level(examine(stopped, *FREE), "keys")
    assert found == "problem" and key.name in text and "chmod 600" in text


@pytest.mark.skipif(os.geteuid() != 0, reason="takes another user's place")
def test_a_folder_of_another_user_is_a_problem(stopped):
    stopped.home.chmod(0o755)
    stopped.data.chmod(0o755)
    found, text = level(examine(stopped, *FREE, as_nobody=True), "data_folder")
    assert found == "problem" and "may not write" in text


@pytest.mark.registry_file("what the doctor says of it")
@pytest.mark.skipif(os.geteuid() != 0, reason="gives a file away")
def test_a_registry_that_root_has_made_its_own_is_a_warning(stopped):
    os.chown(registry_file(stopped), 65534, 65534)
    found, text = level(examine(stopped, *FREE), "registry_file")
    assert found == "warning" and "chown" in text


# The registry


@pytest.mark.registry_file("what the doctor says of it")
def test_a_damaged_registry_is_a_problem(stopped):
    stopped.succeed("client", "list")  # Takes the journal in.
    path = registry_file(stopped)
    content = bytearray(path.read_bytes())
    assert len(content) > 5 * 4096
    content[2 * 4096:] = chance.of("a registry").randbytes(len(content) - 2 * 4096)
    path.write_bytes(content)
    findings = examine(stopped, *FREE)
    assert "problem" in {finding["level"] for check, found in findings.items()
                         if check.startswith("registry") for finding in found}


@pytest.mark.registry_file("what the doctor says of it")
def test_a_row_that_belongs_to_nothing_is_a_problem_of_integrity(stopped):
    with sqlite3.connect(registry_file(stopped)) as registry:
        registry.execute("PRAGMA foreign_keys = OFF")
        registry.execute("INSERT INTO client_grant VALUES ('c_gone', 'room', 0, 'lobby')")
    registry.close()
    found, text = level(examine(stopped, *FREE), "registry_integrity")
    assert found == "problem" and "client_grant" in text and "backup" in text


@pytest.mark.registry_file("what the doctor says of it")
def test_garbage_in_place_of_the_registry_is_a_problem(stopped):
    path = registry_file(stopped)
    path.write_bytes(b"This is no database. " * 500)
    found, text = level(examine(stopped, *FREE), "registry")
    assert found == "problem" and path.name in text


# Keys and clock


def test_key_stages_and_ages_are_told(stopped):
    stopped.succeed("key", "rotate")
    texts = [finding["message"] for finding in examine(stopped, *FREE)["key"]]
    assert len(texts) == 2
    assert any("signing for" in text for text in texts)
    assert any("published for" in text for text in texts)


def test_a_folder_without_a_signing_key_is_a_warning(stopped):
    for key in (stopped.data / "keys").glob("*.pem"):
        key.unlink()
    found, text = level(examine(stopped, *FREE), "keys")
    assert found == "warning" and "signs" in text


@pytest.mark.registry_file("what the doctor says of it")
def test_a_clock_behind_what_is_dated_here_is_a_problem(stopped):
    with sqlite3.connect(registry_file(stopped)) as registry:
        registry.execute("UPDATE client SET created_at = ?", [int(time.time()) + 86_400])
    registry.close()
    found, text = level(examine(stopped, *FREE), "clock")
    assert found == "problem" and "c_" in text and "yet to come" in text


# Ports


def test_a_running_usher_answers_on_its_ports_and_names_its_issuer(server):
    findings = examine(server.usher, *beside(server))
    for check in ("listen", "operator", "issuer"):
        found, text = level(findings, check)
        assert found == "ok", text
    assert "an usher answers" in level(findings, "operator")[1]
    assert "publishes our signing key" in level(findings, "issuer")[1]


def test_a_free_port_is_told(usher):
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    findings = examine(usher, "--listen", f"127.0.0.1:{port}", *FREE[2:])
    assert level(findings, "listen") == ("ok", f"127.0.0.1:{port} is free None")


@pytest.mark.parametrize("flag", ["--listen", "--operator"])
def test_another_program_on_a_port_is_a_problem(usher, server, flag):
    flags = dict(zip(FREE[::2], FREE[1::2]))
    # The other usher's port is another program's too, where it speaks no HTTP.
    with socket.create_server(("127.0.0.1", 0)) as taken:
        taken.listen()
        flags[flag] = f"127.0.0.1:{taken.getsockname()[1]}"
        findings = examine(usher, *[word for pair in flags.items() for word in pair])
    found, text = level(findings, flag.strip("-"))
    assert found == "problem" and flag in text


def test_an_address_of_another_machine_is_a_problem(usher):
    findings = examine(
        usher, "--listen", "192.0.2.1:8080", "--trusted-proxy", "10.0.0.0/8", "--issuer",
        "https://meet.example", *FREE[2:], **NO_CURL)
    assert level(findings, "listen")[0] == "problem"


# The issuer


def test_a_service_that_calls_itself_otherwise_is_a_problem(start):
    server = start("--issuer", "http://127.0.0.1:9/other")
    findings = examine(server.usher, *beside(server), "--issuer", server.url)
    found, text = level(findings, "issuer")
    assert found == "problem" and "http://127.0.0.1:9/other" in text and "--issuer" in text


def test_a_service_on_other_keys_is_a_problem(server, start):
    other = start()
    findings = examine(server.usher, *beside(server), "--keys", other.data / "keys")
    found, text = level(findings, "issuer")
    assert found == "problem" and "--keys" in text


def test_an_issuer_that_cannot_be_reached_is_a_problem_beside_a_running_service(server):
    findings = examine(server.usher, *beside(server), "--issuer", "http://127.0.0.1:9")
    found, text = level(findings, "issuer")
    assert found == "problem" and "cannot be reached" in text


def test_an_issuer_is_not_judged_while_nothing_runs(usher):
    found, text = level(examine(usher, *FREE, "--issuer", "http://127.0.0.1:9"), "issuer")
    assert found == "not_checked" and "127.0.0.1:9" in text


def test_https_is_not_checked_without_curl_and_says_so(usher):
    findings = examine(usher, *FREE, "--issuer", "https://meet.example", **NO_CURL)
    found, text = level(findings, "issuer")
    assert found == "not_checked" and "curl" in text


def test_an_issuer_behind_https_that_speaks_no_tls_is_a_problem(server):
    issuer = server.url.replace("http:", "https:")
    found, text = level(examine(server.usher, *beside(server), "--issuer", issuer), "issuer")
    assert found in ("problem", "not_checked")  # The latter where curl is not installed.
    assert issuer in text


# Settings and exposure


def test_a_wrong_setting_is_a_problem_and_the_rest_is_looked_at(stopped):
    findings = examine(stopped, USHER_MAX_ROOMS="x")
    found, text = level(findings, "settings")
    assert found == "problem" and "USHER_MAX_ROOMS" in text
    assert level(findings, "registry")[0] == "ok"
    assert level(findings, "listen")[0] == "not_checked"


@pytest.mark.parametrize("rule, expected", [
    ("allow", "warning"), ("one-use", "ok"), ("deny", "ok")])
def test_tokens_in_urls_of_a_public_service_are_a_warning(usher, rule, expected):
    findings = examine(
        usher, "--listen", "0.0.0.0:0", "--trusted-proxy", "10.0.0.0/8", "--issuer",
        "https://meet.example", "--query-token", rule, *FREE[2:], **NO_CURL)
    assert level(findings, "exposure")[0] == expected


def test_tokens_in_the_clear_are_a_warning(usher):
    findings = examine(
        usher, "--listen", "0.0.0.0:0", "--allow-plain-http", *FREE[2:], **NO_CURL)
    found, text = level(findings, "exposure")
    assert found == "warning" and "TLS" in text


def test_no_finding_holds_a_secret(server):
    application = server.application("Looked at")
    token = application.token()
    printed = server.usher.run("doctor", *beside(server)).stdout
    assert application.secret not in printed and token not in printed
    assert forging.decode(token.split(".")[2]) not in printed.encode()


def test_the_folder_of_another_service_can_be_named(usher, server):
    findings = examine(Usher(usher.data), *beside(server), "--data", server.data)
    assert str(server.data) in level(findings, "data_folder")[1]
