"""`usher client update`, and what `client add` takes beside grants."""

import json

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from support import forging, ledger
from support.waiting import eventually

WITHIN_A_SECOND = 1.5  # The promise is a second; the rest is for a busy machine.


def number(value):
    return forging.encode(value.to_bytes(32, "big"))


def p256_key(**more):
    point = ec.generate_private_key(ec.SECP256R1()).public_key().public_numbers()
    return {"kty": "EC", "crv": "P-256", "x": number(point.x), "y": number(point.y), **more}


def ed25519_key(**more):
    raw = ed25519.Ed25519PrivateKey.generate().public_key().public_bytes_raw()
    return {"kty": "OKP", "crv": "Ed25519", "x": forging.encode(raw), **more}


def key_set(folder, *keys):
    file = folder / "backend-jwks.json"
    file.write_text(json.dumps({"keys": keys}))
    return file


def add(usher, *flags):
    added = usher.json("client", "add", "Chess", *flags)
    ledger.remember_client(added["client_id"], added["client_secret"])
    return added


def test_what_is_not_named_stays(usher):
    added = add(usher, "--rooms", "a", "--origin", "https://a.example", "--scope", "signal")
    before = usher.json("client", "show", added["client_id"])
    after = usher.json("client", "update", added["client_id"], "--name", "Draughts")
    assert after == {**before, "name": "Draughts"} == usher.json(
        "client", "show", added["client_id"])


def test_each_list_is_replaced_as_a_whole(usher):
    client_id = add(usher, "--rooms", "a", "--origin", "https://a.example")["client_id"]
    after = usher.json(
        "client", "update", client_id, "--rooms", "b", "--rooms", "c-*", "--origin",
        "https://b.example", "--scope", "signal", "--scope", "session", "--lifetime", "120")
    assert (after["rooms"], after["origins"]) == (["b", "c-*"], ["https://b.example"])
    assert (after["scope"], after["lifetime_seconds_max"]) == ("signal session", 120)
    assert usher.json("client", "update", client_id, "--no-origins")["origins"] == []


def test_the_secret_stays_good(server):
    application = server.application("Updated")
    server.usher.succeed("client", "update", application.id, "--name", "Renamed")
    assert application.ask().status == 200


def test_a_running_service_follows_a_narrower_grant(server):
    application = server.application("Narrowed")
    assert application.ask(rooms="lobby").status == 200
    server.usher.succeed("client", "update", application.id, "--rooms", "own-*")
    eventually(lambda: application.ask(rooms="lobby").error == "invalid_scope",
               "the room is no longer granted", WITHIN_A_SECOND)


def test_lifetime_defaults_to_an_hour_and_is_shown(usher):
    assert add(usher)["lifetime_seconds_max"] == 3600
    client_id = add(usher, "--lifetime", "300")["client_id"]
    assert usher.json("client", "show", client_id)["lifetime_seconds_max"] == 300
    assert "300 s" in usher.succeed("client", "show", client_id)
    listed = {client["client_id"]: client for client in usher.json("client", "list")}
    assert listed[client_id]["lifetime_seconds_max"] == 300


def test_assertion_keys_are_read_shown_replaced_and_dropped(usher, tmp_path):
    first, second = p256_key(kid="one", alg="ES256", use="sig"), ed25519_key(kid="two")
    client_id = add(usher, "--assertion-keys", key_set(tmp_path, first, second))["client_id"]
    shown = usher.json("client", "show", client_id)["assertion_keys"]
    assert [(key["kid"], key["alg"]) for key in shown] == [("one", "ES256"), ("two", "EdDSA")]
    assert shown[0]["x"] == first["x"] and "d" not in shown[0]
    assert "EdDSA two" in usher.succeed("client", "show", client_id)
    after = usher.json("client", "update", client_id, "--assertion-keys",
                       key_set(tmp_path, second))
    assert [key["kid"] for key in after["assertion_keys"]] == ["two"]
    assert usher.json("client", "update", client_id, "--no-assertion-keys")["assertion_keys"] == []


def test_a_key_without_kid_goes_by_its_thumbprint(usher, tmp_path):
    (key,) = add(usher, "--assertion-keys", key_set(tmp_path, p256_key()))["assertion_keys"]
    assert len(key["kid"]) == 43


@pytest.mark.parametrize("keys, word", [
    ([], "at least one"),
    ([{"kty": "oct", "k": "A" * 43, "kid": "s"}], "`k`"),
    ([p256_key(d="A" * 43)], "`d`"),
    ([p256_key(use="enc")], "number 1"),
    ([ed25519_key(kid="good"), {"kty": "EC", "crv": "P-521", "kid": "other"}], "number 2"),
    ([p256_key(kid="same"), ed25519_key(kid="same")], "same"),
    ([p256_key(x=number(1), y=number(1))], "numbers"),
])
def test_unfit_assertion_keys_are_named_and_nothing_is_registered(usher, tmp_path, keys, word):
    add(usher)
    file = key_set(tmp_path, *keys)
    message = usher.fail("client", "add", "Go", "--assertion-keys", file, status=64)
    assert "--assertion-keys" in message and file.name in message
    assert word in message.lower(), message
    assert len(usher.json("client", "list")) == 1


@pytest.mark.parametrize("content", [None, "", "{", "[]", "x" * 70_000])
def test_a_file_that_is_no_key_set_is_named(usher, tmp_path, content):
    file = tmp_path / "backend-jwks.json"
    if content is not None:
        file.write_text(content)
    client_id = add(usher)["client_id"]
    message = usher.fail("client", "update", client_id, "--assertion-keys", file, status=64)
    assert "--assertion-keys" in message and file.name in message


@pytest.mark.parametrize("flags, word", [
    ([], "--rooms"),
    (["--lifetime", "0"], "--lifetime"), (["--lifetime", "3601"], "3600"),
    (["--lifetime", "long"], "lifetime"), (["--name", ""], "--name"),
    (["--rooms", "a*b"], "--rooms"), (["--origin", "null"], "--origin"),
    (["--scope", 'sig"nal'], "--scope"),
    (["--no-origins", "--origin", "https://a.example"], "--no-origins"),
    (["--no-assertion-keys", "--assertion-keys", "x"], "--no-assertion-keys"),
])
def test_a_bad_change_is_named_and_changes_nothing(usher, flags, word):
    client_id = add(usher)["client_id"]
    before = usher.json("client", "show", client_id)
    assert word in usher.fail("client", "update", client_id, *flags, status=64)
    assert usher.json("client", "show", client_id) == before


def test_an_unknown_client_is_named(usher):
    add(usher)
    assert "c_nobody" in usher.fail("client", "update", "c_nobody", "--name", "x")
