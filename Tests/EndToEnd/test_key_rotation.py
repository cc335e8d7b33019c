"""Signing keys change while the service runs, and nobody notices."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from support import ledger
from support.keys import audit, is_let_in, kid, kids, stages
from support.verifiers import Following, Patient
from support.waiting import eventually

PUBLISH_SECONDS = 4


def test_keys_without_dates_as_older_versions_made_them_keep_working(start):
    server = start()
    server.stop()
    file = server.private_key_file()
    undated = file.rename(file.parent / f"{file.name.split('.')[0]}.signing.pem")
    again = start("--key-publish-seconds", PUBLISH_SECONDS, data=server.data)
    application = again.application("Undated")
    old = kid(application.token())
    assert undated.name.startswith(old)
    new = again.usher.json("key", "rotate")["kid"]
    eventually(lambda: kid(application.token()) == new, "the new key signs")
    assert kids(again) == [new, old]
    assert not undated.exists()


def test_a_running_server_takes_the_key_through_its_stages(start):
    server = start("--key-publish-seconds", PUBLISH_SECONDS)
    application = server.application("Staged")
    old = kid(application.token())
    new = server.usher.json("key", "rotate")["kid"]
    eventually(lambda: kids(server) == [old, new], "the new key is published", within=3)
    published = time.monotonic()
    assert kid(application.token()) == old
    eventually(lambda: kid(application.token()) == new, "the new key signs")
    assert time.monotonic() - published > PUBLISH_SECONDS - 3, "it was not published long enough"
    assert kids(server) == [new, old]
    assert stages(server.usher) == ["signing", "retired"]
    promoted = audit(server.usher)[-1]
    assert (promoted["action"], promoted["target"], promoted["actor"]) == (
        "key.promote", new, "server")
    server.usher.succeed("key", "retire", old, "--now")
    eventually(lambda: kids(server) == [new], "the old key is gone", within=3)


def test_a_retired_key_is_gone_when_its_tokens_have_run_out(start):
    server = start()
    application = server.application("Swept")
    old = kid(application.token())
    server.usher.succeed("key", "rotate", "--now")
    (retired,) = (server.data / "keys").glob("*.retired.pem")
    assert retired.name.startswith(old)
    assert old in kids(server)
    retired.rename(retired.parent / f"{old}.20200101T000000Z.retired.pem")
    eventually(lambda: old not in kids(server), "the retired key is gone", within=3)
    assert stages(server.usher) == ["signing"]


def test_tokens_of_the_old_key_let_peers_in_until_it_is_removed(start):
    server = start()
    application = server.application("Old tokens")
    old = application.token(rooms="lobby")
    server.usher.succeed("key", "rotate", "--now")
    eventually(lambda: kid(application.token()) != kid(old), "the new key signs", within=3)
    assert is_let_in(application, application.token(rooms="lobby"))
    assert is_let_in(application, old)
    server.usher.succeed("key", "retire", kid(old), "--now")
    eventually(lambda: not is_let_in(application, old), "the old token is refused", within=3)
    assert is_let_in(application, application.token(rooms="lobby"))


def test_a_spoiled_folder_changes_nothing_and_is_told_once(start):
    server = start()
    application = server.application("Spoiled")
    before = kids(server)
    folder = server.data / "keys"
    folder.chmod(0o755)
    eventually(lambda: "keys_not_followed" in server.errors, "the trouble is logged", within=3)
    time.sleep(2.2)  # Two looks more.
    assert server.errors.count("keys_not_followed") == len(server.halves)
    assert kids(server) == before
    application.token()
    folder.chmod(0o700)
    eventually(lambda: "keys_followed" in server.errors, "the end is logged", within=3)
    new = server.usher.json("key", "rotate", "--now")["kid"]
    eventually(lambda: kid(application.token()) == new, "changes are followed again", within=3)


def test_a_rotation_under_load_loses_no_request_and_no_verifier_refuses_a_good_token(start):
    server = start(
        "--key-publish-seconds", PUBLISH_SECONDS, "--connections-per-second", 0,
        "--max-connections-per-address", 0)
    application = server.application("Loaded")
    is_over = threading.Event()
    kept = [application.token()]

    def load(verifier, seen):
        while not is_over.is_set():
            token = application.token(rooms="lobby")
            verifier.check(token)
            verifier.check(kept[0])  # One of the first key, all the time.
            seen.add(kid(token))

    def connect():
        count = 0
        while not is_over.is_set():
            assert is_let_in(application, application.token(rooms="lobby"))
            count += 1
        return count

    verifiers = [Following(server), Following(server), Patient(server, PUBLISH_SECONDS - 2)]
    seen = [set() for _ in verifiers]
    with ThreadPoolExecutor(len(verifiers) + 1) as pool:
        loads = [pool.submit(load, *pair) for pair in zip(verifiers, seen)]
        loads.append(pool.submit(connect))
        try:
            rotated = [kid(kept[0])]
            for algorithm in ("EdDSA", "ES256"):
                made = server.usher.json("key", "rotate", "--algorithm", algorithm)["kid"]
                rotated.append(made)
                eventually(
                    lambda: all(made in one for one in seen) or any(
                        one.done() for one in loads),
                    f"every load met the key that signs {algorithm}", within=PUBLISH_SECONDS + 10)
        finally:
            is_over.set()
        results = [load.result() for load in loads]
    for one in seen:
        assert one == set(rotated), "every load went on through all keys"
    assert results[-1] > 0
    assert stages(server.usher) == ["signing", "retired", "retired"]


def test_halves_that_run_apart_agree_when_a_key_signs_at_once(start):
    auth = start(part="auth")
    signal = start("--issuer", auth.issuer, part="signal", data=auth.data)
    application = auth.application("Apart")
    for _ in range(5):
        new = auth.usher.json("key", "rotate", "--now")["kid"]
        token = eventually(
            lambda: next((t for t in [application.token(rooms="lobby")] if kid(t) == new), None),
            "the new key signs", within=3)
        assert is_let_in(application, token, signal)


def test_the_log_of_a_rotation_holds_no_key_material(start):
    server = start("--key-publish-seconds", 1)
    server.usher.succeed("key", "rotate")
    eventually(lambda: "key_promoted" in server.errors, "the promotion is logged")
    for path in (server.data / "keys").glob("*.pem"):
        for line in path.read_text().splitlines():
            assert "-" in line or line not in server.errors
    ledger.remember(server.private_key_file().read_text().splitlines()[1], "a private key")


@pytest.mark.parametrize("value", ["0", "-1", "soon", "2592001"])
def test_a_bad_time_to_publish_is_named(usher, value):
    message = usher.fail("serve", f"--key-publish-seconds={value}", status=64)
    assert "--key-publish-seconds" in message and value in message and "2592000" in message
