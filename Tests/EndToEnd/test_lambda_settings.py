"""What the function is told, and what it says of what it was told wrongly."""

import json
import subprocess

import pytest

from support.proxies import certificate
from support.runtime_api import RuntimeAPI
from support.serverless import Home, binary
from support.usher import new_folder

GOOD = {
    "USHER_TABLE": "usher", "USHER_ISSUER": "https://auth.example",
    "USHER_KEY_SET": "https://auth.example/jwks.json", "USHER_DYNAMODB": "http://127.0.0.1:1",
}


@pytest.mark.parametrize(("name", "value", "words"), [
    ("USHER_TABLE", None, "the name of the table"),
    ("USHER_ISSUER", "http://auth.example", "https URL"),
    ("USHER_KEY_SET", '{"keys":[]}', "key set"),
    ("USHER_QUERY_TOKEN", "maybe", "allow, one-use, deny"),
    ("USHER_MAX_MEMBERS", "97", "0 to 96"),
    ("USHER_MANAGEMENT", "https://api.example", "the stage"),
    ("USHER_CA", "/no/such/file", "cannot be read"),
    ("AWS_REGION", "", "Lambda sets"),
])
def test_a_wrong_setting_is_named_in_init_error(name, value, words):
    variables = {**GOOD, name: value}
    if value is None:
        del variables[name]
    api = RuntimeAPI()
    process = api.start([binary()], variables)
    _, _, body = api.expect("POST /init/error")
    document = json.loads(body)
    assert document["errorType"] == "Usher.Setting"
    assert document["errorMessage"].startswith(name)
    assert words in document["errorMessage"]
    assert process.wait(10) == 1
    line = json.loads(process.log.read_text())
    assert line == {"event": "setting_refused", "reason": document["errorMessage"]}
    assert [call[1] for call in api.calls] == ["POST /init/error"]


def test_a_secret_that_is_wrong_is_not_repeated():
    secret = "not-long-enough"
    api = RuntimeAPI()
    process = api.start([binary()], {
        **GOOD, "USHER_TURN_SERVERS": "turn:turn.example", "USHER_TURN_SECRET": secret})
    _, _, body = api.expect("POST /init/error")
    assert process.wait(10) == 1
    assert b"USHER_TURN_SECRET" in body and secret.encode() not in body
    assert secret not in process.log.read_text()


def test_started_by_hand_it_says_who_starts_it():
    ended = subprocess.run([binary()], env={}, capture_output=True, timeout=20)
    assert ended.returncode == 64
    assert b"AWS Lambda" in ended.stdout


def test_an_event_of_somebody_else_is_answered_with_an_error_and_the_next_is_taken():
    api = RuntimeAPI({"Records": [{"eventSource": "aws:s3"}]}, {"detail-type": "Scheduled Event"})
    process = api.start([binary()], GOOD)
    try:
        for number in range(2):
            _, _, body = api.expect(f"POST /invocation/id-{number}/")
            assert json.loads(body)["errorType"] == "Usher.Event"
    finally:
        process.kill()
        process.wait()


def test_a_key_set_is_followed_by_its_address(token_service):
    home = Home(token_service, {"USHER_KEY_SET": token_service.url + "/.well-known/jwks.json"})
    try:
        application = home.application()
        assert home.status(application.token()) == 101
        assert home.status(application.token()[:-2] + "AA") == 401
    finally:
        home.stop()


def test_without_keys_nobody_is_told_that_a_token_is_bad(token_service):
    home = Home(token_service, {"USHER_KEY_SET": "http://127.0.0.1:1/jwks.json"})
    try:
        assert home.status(home.application().token()) == 503
    finally:
        home.stop()


def test_services_are_spoken_to_over_tls_by_authorities_that_are_named(token_service):
    chain = certificate(new_folder("function-tls"))
    home = Home(token_service, {"USHER_CA": str(chain[0])}, certificate=chain)
    try:
        application = home.application()
        with home.classic(application) as ann, home.classic(application) as bob:
            ann.join("room", id="ann")
            ann.expect("first_to_join")
            bob.join("room", id="bob")
            assert ann.expect("someone_joined")["peerId"] == "bob"
    finally:
        home.stop()


def test_services_whose_authority_is_unknown_are_not_asked(token_service):
    chain = certificate(new_folder("function-tls"))
    home = Home(token_service, certificate=chain)
    try:
        assert home.status(home.application().token()) == 503
        assert not home.items()
    finally:
        home.stop()
