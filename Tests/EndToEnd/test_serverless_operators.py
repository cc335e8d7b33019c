"""The operator's commands on a relay that runs as a function: `--table`."""

import base64
import hashlib
import json
import secrets
import time

import pytest

from support import ledger
from support.forging import Forger, decode
from support.legacy import Backend
from support.serverless import PATH, Home
from support.usher import Usher
from support.websocket import Closed

NOBODY = "0123456789abcdef"


@pytest.fixture(scope="module")
def home(token_service):
    one = Home(token_service, environments=6, function_seconds=25)
    yield one
    one.stop()


@pytest.fixture(scope="module")
def application(home):
    return home.application()


class Operator:
    """Runs commands with the variables that an operator has set."""

    def __init__(self, home):
        self.usher = Usher()
        self.gateway = home.services + PATH
        self.variables = {
            "AWS_ACCESS_KEY_ID": home.ready["key"], "AWS_SECRET_ACCESS_KEY": home.ready["secret"],
            "AWS_SESSION_TOKEN": home.ready["token"], "AWS_REGION": "eu-central-1",
            "AWS_ENDPOINT_URL_DYNAMODB": home.services}

    def _options(self, options):
        return {**self.variables, **options}

    def succeed(self, *arguments, **options):
        return self.usher.succeed(*arguments, "--table", "usher", **self._options(options))

    def json(self, *arguments, **options):
        return json.loads(self.succeed(*arguments, "--json", **options))

    def fail(self, *arguments, status=1, table="usher", **options):
        said = self.usher.fail(
            *arguments, "--table", table, status=status, **self._options(options))
        assert self.variables["AWS_SECRET_ACCESS_KEY"] not in said
        return said

    def rooms(self, application):
        """By their names: the members' connections."""
        return {room["room"]: [member["connectionId"] for member in room["members"]]
                for room in self.json("room", "list")["rooms"]
                if room["client_id"] == application.id}


@pytest.fixture(scope="module")
def operator(home):
    return Operator(home)


def claims(token):
    return json.loads(decode(token.split(".")[1]))


def kicked(peer, other):
    """That a peer is told of another who was kicked."""
    left = peer.expect("someone_left")
    assert (left["connectionId"], left["reason"]) == (other, "kicked")


def test_rooms_and_members_are_listed_as_by_a_process(home, operator):
    application = home.application("Listed")
    assert operator.rooms(application) == {}
    room = home.room()
    with home.v1(application) as ann, home.classic(application) as bob:
        ann.join(room, "Ann", id="ann")
        bob.join(room, id="bob")
        joined = ann.expect("someone_joined")
        listed = [one for one in operator.json("room", "list")["rooms"]
                  if one["client_id"] == application.id]
        assert listed == [{"client_id": application.id, "room": room, "members": [
            {"connectionId": ann.connection, "peerId": "ann", "name": "Ann", "dialect": "v1"},
            {"connectionId": joined["connectionId"], "peerId": "bob", "name": None,
             "dialect": "classic"}]}]
        table = operator.succeed("room", "list")
        assert table.startswith("client_id") and ann.connection in table and room in table
    home.rest()
    assert operator.rooms(application) == {}


def test_a_kicked_peer_is_closed_for_good_and_the_others_told(home, operator, application):
    room = home.room()
    with home.v1(application) as ann, home.v1(application) as bob:
        ann.join(room)
        bob.join(room)
        ann.expect("someone_joined")
        said = operator.json("peer", "kick", bob.connection, "--gateway", operator.gateway)
        assert said == {"kicked": bob.connection}
        assert bob.end() == (4501, [])
        kicked(ann, bob.connection)
        assert operator.rooms(application)[room] == [ann.connection]
        home.rest()
        with home.v1(application) as again:
            assert again.refused(
                {"action": "resume", "session": bob.session, "seq": bob.seq}) == "resume_failed"
        assert "usher room list --table" in operator.fail(
            "peer", "kick", bob.connection, USHER_MANAGEMENT=operator.gateway)


def test_a_classic_peer_is_kicked_too(home, operator, application):
    room = home.room()
    with home.v1(application) as ann, home.classic(application) as bob:
        ann.join(room)
        bob.join(room, id="bob")
        connection = ann.expect("someone_joined")["connectionId"]
        assert connection in operator.succeed(
            "peer", "kick", connection, USHER_MANAGEMENT=operator.gateway)
        with pytest.raises(Closed):
            bob.receive()
        kicked(ann, connection)


def test_a_revoked_token_ends_with_the_next_message(home, operator, application):
    token = Forger(application).with_claims()
    with home.v1(application, token) as peer, home.v1(application) as other:
        peer.join(home.room())
        said = operator.json("token", "revoke", stdin=token)
        assert said == {"jti": claims(token)["jti"], "state": "revoked"}
        time.sleep(1.2)
        peer.say({"action": "ping"})
        assert peer.end() == (4501, [])
        assert other.up_to_pong() == []
    assert home.status(token) == 401


def test_what_a_revoked_token_opened_is_closed_at_once(home, operator, application):
    room, token = home.room(), Forger(application).with_claims()
    with home.v1(application) as ann, home.v1(application, token) as bob:
        ann.join(room)
        bob.join(room)
        ann.expect("someone_joined")
        said = operator.succeed("token", "revoke", "--gateway", operator.gateway, stdin=token)
        assert "is revoked" in said and "1 connection was closed" in said
        assert bob.end() == (4501, [])
        kicked(ann, bob.connection)
        assert home.status(token) == 401


def test_a_legacy_token_is_revoked_by_its_text(token_service):
    secret = ledger.remember(secrets.token_urlsafe(48), "a legacy secret")
    home = Home(token_service, {"USHER_LEGACY_SECRETS": json.dumps({"old-game": secret})},
                function_seconds=25)
    try:
        backend = Backend(home, client=("old-game", None, secret))
        revoked, other = backend.token(), backend.token(nonce=1)
        assert [home.status(token, "old-game") for token in (revoked, other)] == [101, 101]
        said = Operator(home).json("token", "revoke", stdin=revoked)
        digest = base64.urlsafe_b64encode(hashlib.sha256(revoked.encode()).digest()).decode()
        assert said == {"jti": f"legacy.{digest.rstrip('=')}", "state": "revoked"}
        assert [home.status(token, "old-game") for token in (revoked, other)] == [401, 101]
    finally:
        home.stop()


def test_a_token_that_has_ended_need_not_be_revoked(operator, application):
    past = int(time.time()) - 1000
    token = Forger(application).with_claims(iat=past - 60, exp=past)
    assert operator.json("token", "revoke", stdin=token) == {"state": "expired"}


@pytest.mark.parametrize("text", ["", "x", "a.b.c"])
def test_what_is_no_token_revokes_nothing(operator, text):
    operator.fail("token", "revoke", stdin=text)


def test_a_users_tokens_are_revoked_and_those_of_others_stay(home, operator, application):
    ann = home.v1(application, application.token(subject="ann"))
    with ann, home.v1(application, application.token(subject="bob")) as bob:
        said = operator.json("token", "revoke", "--client", application.id, "--subject", "ann",
                             "--gateway", operator.gateway)
        assert (said["sub"], said["closed"]) == (f"{application.id}:ann", 1)
        assert ann.end() == (4501, [])
        assert bob.up_to_pong() == []


def test_all_of_a_client_is_revoked_and_what_is_issued_later_is_good(home, operator):
    application = home.application("Revoked")
    token = application.token()
    with home.v1(application, token) as peer:
        said = operator.json("token", "revoke", "--client", application.id, "--all",
                             "--gateway", operator.gateway)
        assert (said["client_id"], said["closed"]) == (application.id, 1)
        assert peer.end() == (4501, [])
    assert home.status(token) == 401
    time.sleep(1.1)
    assert home.status(Forger(application).with_claims(iat=int(time.time()))) == 101


def test_a_disabled_client_is_out_until_it_is_enabled(home, operator):
    application, other = home.application("Disabled"), home.application("Other")
    token = application.token()
    with home.v1(application, token) as ann, home.classic(application, token) as bob, \
            home.v1(other) as stays:
        said = operator.json("client", "disable", application.id, "--gateway", operator.gateway)
        assert said == {"client_id": application.id, "state": "disabled", "closed": 2}
        assert ann.end() == (4501, [])
        with pytest.raises(Closed):
            bob.receive()
        assert stays.up_to_pong() == []
        assert home.status(token) == 401 and home.status(other.token()) == 101
    said = operator.json("client", "enable", application.id)
    assert said == {"client_id": application.id, "state": "enabled"}
    assert home.status(token) == 101


def test_without_a_gateway_a_disabled_client_is_out_with_its_next_message(home, operator):
    application = home.application("Disabled later")
    with home.v1(application) as peer:
        done = operator.usher.run(
            "client", "disable", application.id, "--table", "usher", **operator.variables)
        assert done.returncode == 0 and "--gateway" in done.stderr
        time.sleep(1.2)
        peer.say({"action": "ping"})
        assert peer.end() == (4501, [])


def test_a_gateway_that_does_not_do_its_part_is_told(home, operator, application):
    room = home.room()
    with home.v1(application) as peer:
        peer.join(room)
        said = operator.fail(
            "peer", "kick", peer.connection, "--gateway", home.services + "/other")
        assert "--gateway" in said and "403" in said
        assert room not in operator.rooms(application)
        peer.say({"action": "ping"})
        with pytest.raises(Closed):
            peer.receive()


def test_credentials_may_stand_in_files(home, operator, application):
    folder = operator.usher.home / ".aws"
    folder.mkdir(exist_ok=True)
    names = {"aws_access_key_id": "key", "aws_secret_access_key": "secret",
             "aws_session_token": "token"}
    pairs = "".join(f"{name} = {home.ready[key]}\n" for name, key in names.items())
    (folder / "credentials").write_text(f"# mine\n[default]\nx = y\n\n[ops]\n{pairs}")
    (folder / "config").write_text(
        "[profile ops]\nregion = eu-central-1\n[profile sso]\nsso_session = a\n")
    bare = {"AWS_ENDPOINT_URL": home.services}

    def run(*arguments, **more):
        return operator.usher.run(*arguments, "--table", "usher", **bare, **more)

    assert run("room", "list", AWS_PROFILE="ops").returncode == 0
    for profile, words in (("sso", "export-credentials"), ("none", "no profile"),
                           ("default", "no credentials")):
        failed = run("room", "list", "--region", "eu-central-1", AWS_PROFILE=profile)
        assert failed.returncode == 64 and words in failed.stderr, profile
    (folder / "config").write_text("[profile ops\n")
    failed = run("room", "list", AWS_PROFILE="ops")
    assert failed.returncode == 64 and "config, line 1" in failed.stderr


def test_what_aws_refuses_is_explained(operator):
    assert "no table" in operator.fail("room", "list", table="other")
    said = operator.fail("room", "list", AWS_SECRET_ACCESS_KEY="wrong")
    assert "are refused" in said and "wrong" not in said
    said = operator.fail("room", "list", AWS_ENDPOINT_URL_DYNAMODB="https://127.0.0.1:1")
    assert "no DynamoDB answers at https://127.0.0.1:1" in said


@pytest.mark.parametrize("arguments", [
    ["peer", "kick", NOBODY], ["peer", "kick", "bob"],
    ["peer", "kick", NOBODY, "--gateway", "http://a.example/prod"],
    ["room", "list", "--watch"], ["room", "list", "--data", "x"],
    ["room", "list", "--region", "EU"], ["client", "disable", "caf\u00e9"],
    ["client", "disable", "c_x", "--data", "x"], ["token", "revoke", "--keys", "x"],
    ["token", "revoke", "--client", "c_x", "--subject", "a\nb"]])
def test_wrong_arguments_are_named(operator, arguments):
    operator.fail(*arguments, status=64)


@pytest.mark.parametrize("arguments", [
    ["room", "list", "--region", "eu-central-1"],
    ["client", "enable", "c_x", "--region", "eu-central-1"],
    ["peer", "kick", NOBODY, "--gateway", "https://a.example/prod"],
    ["token", "revoke", "--gateway", "https://a.example/prod"]])
def test_what_means_a_table_needs_one(operator, arguments):
    assert "--table" in operator.usher.fail(*arguments, status=64)


def test_a_large_table_is_looked_at_part_after_part(home, operator):
    application = home.application("Crowded")
    with home.v1(application) as peer:
        peer.join(home.room())
        client = home.client("dynamodb")
        for start in range(0, 2000, 25):
            client.batch_write_item(RequestItems={"usher": [
                {"PutRequest": {"Item": {"pk": {"S": f"J#crowd-{number}"}, "sk": {"S": "-"},
                                         "ttl": {"N": "1"}}}}
                for number in range(start, start + 25)]})
        assert list(operator.rooms(application).values()) == [[peer.connection]]
        said = operator.json("client", "disable", application.id, "--gateway", operator.gateway)
        assert said["closed"] == 1
    home.expire()
