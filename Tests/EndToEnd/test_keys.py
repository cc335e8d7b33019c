"""`usher key …`: the signing keys as an operator handles them."""

import json
import os
import random
import re
import subprocess
import time

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwcrypto import jwk

from support.keys import audit, pem, stages
from support.usher import Usher, binary, environment

# Of the form of a thumbprint; it holds an h, as -h asks for help.
DASHED = "-h" + "A" * 41


@pytest.fixture
def keyed(usher):
    """A data folder with one signing key."""
    usher.json("key", "import", stdin=pem(ec.generate_private_key(ec.SECP256R1())))
    return usher


def test_a_new_key_is_published_then_signs_at_once_if_asked(keyed):
    (old,) = keyed.json("key", "list")
    assert (old["algorithm"], old["stage"], old["gone_after"]) == ("ES256", "signing", None)
    made = keyed.json("key", "rotate")
    assert (made["change"], made["stage"]) == ("published", "published")
    promoted = keyed.json("key", "rotate", "--now")
    assert (promoted["change"], promoted["kid"]) == ("promoted", made["kid"])
    listed = keyed.json("key", "list")
    assert [(key["kid"], key["stage"]) for key in listed] == [
        (made["kid"], "signing"), (old["kid"], "retired")]
    assert listed[1]["gone_after"] == listed[1]["since"] + 3900


def test_a_second_rotation_names_the_key_that_waits(keyed):
    made = keyed.json("key", "rotate")
    again = keyed.json("key", "rotate")
    assert (again["change"], again["kid"]) == ("none", made["kid"])
    message = keyed.fail("key", "rotate", "--algorithm", "EdDSA")
    assert made["kid"] in message and "key retire" in message
    assert len(keyed.json("key", "list")) == 2


def test_people_get_a_table_and_sentences(keyed):
    assert "key rotate --now" in keyed.succeed("key", "rotate")
    assert "is next" in keyed.succeed("key", "rotate")
    assert "signs from now on" in keyed.succeed("key", "rotate", "--now")
    table = keyed.succeed("key", "list").splitlines()
    assert table[0].split() == ["KID", "ALGORITHM", "STAGE", "SINCE", "NEXT"]
    assert len(table) == 3
    assert re.search(r"retired +20\d\d-\d\d-\d\dT\S+Z  gone after 20", table[2])


@pytest.mark.parametrize("algorithm", ["ES256", "RS256", "EdDSA"])
def test_the_algorithm_may_change(keyed, algorithm):
    assert keyed.json("key", "rotate", "--algorithm", algorithm)["algorithm"] == algorithm


def test_a_published_key_can_be_retired_and_a_retired_one_removed(keyed):
    made = keyed.json("key", "rotate")["kid"]
    assert keyed.json("key", "retire", made)["stage"] == "retired"
    assert stages(keyed) == ["signing", "retired"]
    assert keyed.json("key", "retire", made, "--now")["change"] == "removed"
    assert stages(keyed) == ["signing"]


@pytest.mark.parametrize("flags", [[], ["--now"]])
def test_the_signing_key_stays_until_it_has_a_successor(keyed, flags):
    (key,) = keyed.json("key", "list")
    message = keyed.fail("key", "retire", key["kid"], *flags)
    assert key["kid"] in message and "usher key rotate --now" in message
    assert stages(keyed) == ["signing"]


@pytest.mark.parametrize("order", [["KID", "--now"], ["--now", "KID"], ["--now", "--", "KID"]])
def test_an_id_that_begins_with_a_dash_is_no_option(keyed, order):
    message = keyed.fail("key", "retire", *[DASHED if word == "KID" else word for word in order])
    assert DASHED in message and "usher key list" in message
    key, kid = key_with_dash()
    keyed.succeed("key", "import", stdin=pem(key))
    said = keyed.succeed("key", "retire", *[kid if word == "KID" else word for word in order])
    assert kid in said and stages(keyed) == ["signing"]


def key_with_dash():
    """A key whose thumbprint (RFC 7638) begins with a dash, and that thumbprint."""
    while True:
        key = ed25519.Ed25519PrivateKey.generate()
        kid = jwk.JWK.from_pyca(key).thumbprint()
        if kid.startswith("-"):
            return key, kid


def test_an_unknown_key_is_named(keyed):
    message = keyed.fail("key", "retire", "no-such-key")
    assert "no-such-key" in message and "usher key list" in message


@pytest.mark.parametrize("make, algorithm", [
    (lambda: ec.generate_private_key(ec.SECP256R1()), "ES256"),
    (lambda: rsa.generate_private_key(65537, 2048), "RS256"),
    (ed25519.Ed25519PrivateKey.generate, "EdDSA"),
])
def test_keys_are_imported_from_stdin_or_a_file(keyed, tmp_path, make, algorithm):
    added = keyed.json("key", "import", stdin=pem(make()))
    assert (added["algorithm"], added["stage"]) == (algorithm, "published")
    file = tmp_path / "key.pem"
    file.write_text(pem(make()))
    assert keyed.json("key", "import", file)["algorithm"] == algorithm
    assert len(keyed.json("key", "list")) == 3


@pytest.mark.parametrize("content, hint", [
    ("", "nothing"), ("rubbish", "PEM"), ("x" * 20_000, "longer"),
    (pem(ec.generate_private_key(ec.SECP384R1())), "P-256"),
    (pem(rsa.generate_private_key(65537, 1024)), "2048"),
    (ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(b"password")).decode(), "password"),
    (ec.generate_private_key(ec.SECP256R1()).public_key().public_bytes(
        serialization.Encoding.PEM,
        serialization.PublicFormat.SubjectPublicKeyInfo).decode(), "private"),
])
def test_what_cannot_be_imported_is_explained(keyed, content, hint):
    message = keyed.fail("key", "import", stdin=content)
    assert hint in message, message
    assert stages(keyed) == ["signing"]


def test_a_key_is_imported_once_and_a_missing_file_is_named(keyed, tmp_path):
    key = pem(ed25519.Ed25519PrivateKey.generate())
    added = keyed.json("key", "import", stdin=key)
    assert added["kid"] in keyed.fail("key", "import", stdin=key)
    assert "nowhere.pem" in keyed.fail("key", "import", tmp_path / "nowhere.pem")


def test_no_key_material_is_ever_printed(keyed, tmp_path):
    secrets = []

    def run(*arguments, **options):
        done = keyed.run("key", *arguments, **options)
        for path in keyed.data.glob("keys/*.pem"):
            secrets.extend(line for line in path.read_text().splitlines() if "-" not in line)
        assert not [line for line in secrets if line in done.stdout + done.stderr], arguments

    for flags in ([], ["--json"]):
        run("import", *flags, stdin=pem(ed25519.Ed25519PrivateKey.generate()))
        run("rotate", "--now", *flags)
        run("rotate", *flags)
        run("list", *flags)
        run("retire", keyed.json("key", "list")[-1]["kid"], "--now", *flags)
    assert secrets


def test_keys_are_found_by_flag_and_variable(keyed, tmp_path):
    folder = keyed.data / "keys"
    elsewhere = Usher(tmp_path / "data")
    assert stages(elsewhere, "--keys", folder) == ["signing"]
    assert stages(elsewhere, "--data", keyed.data) == ["signing"]
    assert len(elsewhere.json("key", "list", USHER_KEYS=str(folder))) == 1


@pytest.mark.parametrize("command", [["list"], ["rotate"], ["retire", "some-key"]])
def test_a_missing_folder_is_named_and_not_made(usher, command):
    message = usher.fail("key", *command)
    assert str(usher.data / "keys") in message and "--keys" in message
    assert not usher.data.exists()


@pytest.mark.parametrize("command", [["list"], ["rotate"], ["rotate", "--now"], ["retire", "k"]])
@pytest.mark.parametrize("what", ["folder", "file"])
def test_a_folder_or_key_open_to_others_is_refused_with_the_remedy(keyed, command, what):
    (file,) = (keyed.data / "keys").glob("*.pem")
    path, wrong = (file.parent, 0o755) if what == "folder" else (file, 0o644)
    path.chmod(wrong)
    message = keyed.fail("key", *command)
    assert f'chmod {"700" if what == "folder" else "600"} "{path}"' in message
    assert [file] == list(file.parent.glob("*.pem"))


@pytest.mark.parametrize("arguments", [
    ["rotate", "--algorithm", "HS256"], ["rotate", "--algorithm", "none"], ["retire"],
    ["rotate", "--frob"], ["frobnicate"],
])
def test_a_wrong_command_line_is_refused_with_the_usage(keyed, arguments):
    assert "usage" in keyed.fail("key", *arguments, status=64).lower()


def test_help_has_examples(usher):
    for command in ([], ["rotate"], ["retire"], ["import"]):
        assert "EXAMPLES" in usher.succeed("key", *command, "--help")


def test_rotations_by_several_processes_at_once_leave_one_key_signing(keyed):
    commands = [
        subprocess.Popen(
            [str(binary()), "key", "rotate", "--now", "--json"], stdout=subprocess.PIPE,
            env=environment(keyed.home, USHER_DATA=str(keyed.data)))
        for _ in range(8)]
    made = {json.loads(command.communicate()[0])["kid"] for command in commands}
    assert len(made) == 8
    assert stages(keyed) == ["signing"] + 8 * ["retired"]


def test_waiting_rotations_by_several_processes_at_once_make_one_key(keyed):
    commands = [
        subprocess.Popen(
            [str(binary()), "key", "rotate", "--json"], stdout=subprocess.PIPE,
            env=environment(keyed.home, USHER_DATA=str(keyed.data)))
        for _ in range(8)]
    made = {json.loads(command.communicate()[0])["kid"] for command in commands}
    assert len(made) == 1
    assert stages(keyed) == ["signing", "published"]


def test_rotations_killed_at_any_moment_leave_one_key_signing_and_nothing_broken(keyed):
    chance = random.Random(3)
    for _ in range(40):
        command = subprocess.Popen(
            [str(binary()), "key", "rotate", "--now"], stdout=subprocess.DEVNULL,
            env=environment(keyed.home, USHER_DATA=str(keyed.data)))
        time.sleep(chance.uniform(0, 0.04))
        command.kill()
        command.wait()
        assert stages(keyed).count("signing") == 1
    keyed.succeed("key", "rotate", "--now")
    folder = keyed.data / "keys"
    assert len(list(folder.glob("*.signing.pem"))) == 1
    assert not list(folder.glob(".new-*")), "a half-written key was left"


def test_root_makes_keys_for_whom_the_folder_belongs(keyed):
    if os.geteuid() != 0:
        pytest.skip("only root can hand files over")
    folder = keyed.data / "keys"
    for path in (folder, *folder.iterdir()):
        os.chown(path, 65534, 65534)
    keyed.succeed("key", "rotate", "--now")
    assert {path.stat().st_uid for path in folder.iterdir()} == {65534}


@pytest.mark.registry_file("there is none when the first key is made")
def test_each_change_of_a_key_is_in_the_audit_log_where_there_is_a_registry(keyed):
    keyed.add_client("Chess")
    made = keyed.json("key", "rotate")["kid"]
    keyed.json("key", "rotate")  # Changes nothing.
    keyed.json("key", "retire", made)
    keyed.json("key", "retire", made, "--now")
    found = audit(keyed)
    assert [entry["action"] for entry in found] == ["key.rotate", "key.retire", "key.remove"]
    assert {entry["target"] for entry in found} == {made}
    assert all(entry["actor"].startswith("cli:") for entry in found)
