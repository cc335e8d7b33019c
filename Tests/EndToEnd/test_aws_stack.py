"""The template and scripts/deploy-aws on an emulator of AWS: created, used, updated, deleted.

Wants a Python that has ministack and the aws command (USHER_MINISTACK), and a network of its own:
`scripts/test --deep` has both.
"""

import json
import os
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest

from support import ledger, ministack, peers, v1
from support.browser import chromium
from support.demo import Guest
from support.legacy import Backend
from support.proxies import DemoProxy
from support.server import Server
from support.serverless import binary
from support.usher import CHECKOUT, environment, new_folder

pytestmark = pytest.mark.skipif(
    not ministack.PYTHON, reason="USHER_MINISTACK names no Python that has ministack")
PACKAGE = os.environ.get("USHER_LAMBDA_PACKAGE")
OFFER = {"type": "offer", "offer": {}}


@pytest.fixture(scope="module")
def cloud():
    assert ministack.is_alone(), "ministack listens on all addresses: run this by `unshare --net`"
    one = ministack.Cloud()
    yield one
    one.stop()


@pytest.fixture(scope="module")
def auth():
    one = Server("--demo", "--signal-path", "/signal", part="auth")
    yield one
    assert one.stop() == 0


@pytest.fixture(scope="module")
def package():
    if PACKAGE:
        return Path(PACKAGE) / "usher-lambda.zip"
    folder = new_folder("function")
    shutil.copy(binary(), folder / "bootstrap")
    subprocess.run(["strip", folder / "bootstrap"], check=True)
    with zipfile.ZipFile(folder / "usher-lambda.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(folder / "bootstrap", "bootstrap")
    return folder / "usher-lambda.zip"


@pytest.fixture(scope="module")
def deploy(cloud, package):
    """Runs the script; returns what it said on stdout and on stderr."""
    home = new_folder("home")
    path = f"{Path(ministack.PYTHON).parent}:{os.environ['PATH']}"

    def run(*arguments, status=0, **more):
        ended = subprocess.run(
            [CHECKOUT / "scripts" / "deploy-aws", "--package", package, *arguments],
            capture_output=True, text=True, timeout=300, check=False,
            env={**environment(home), **cloud.environment, "PATH": path,
                 "USHER_DEPLOY_POLL_SECONDS": "1", **more})
        ledger.new_log("deploy-aws").write_text(ended.stderr)
        assert ended.returncode == status, ended.stderr
        return ended.stdout, ended.stderr

    return run


class Relay:
    """The deployed relay, as `support.peers` asks for a server."""

    legacy_client = True

    def __init__(self, url, application):
        self.server = self
        self.url = self.socket_url = url.replace("ws", "http", 1)
        self.application = application
        self.id = application.id

    def settle(self):
        pass

    def classic(self):
        return peers.connect(self, self.application.token())

    def v1(self):
        offered = f"usher.v1, usher.bearer.{self.application.token()}"
        return v1.V1Peer(
            self.url, peers.query(None, self.id), may_repeat=True,
            fields=[("Sec-WebSocket-Protocol", offered)])


@pytest.fixture(scope="module")
def application(auth):
    return auth.application()


@pytest.fixture(scope="module")
def relay(deploy, auth, application):
    stdout, stderr = deploy("--issuer", auth.issuer, "--set", "ResumeGraceSeconds=2")
    assert "CREATE_COMPLETE" in stderr and "answers" in stderr
    return Relay(stdout.strip(), application)


def test_a_dry_run_changes_nothing(deploy, cloud, auth):
    _, stderr = deploy("--issuer", auth.issuer, "--stack", "dry", "--dry-run")
    assert "would run: aws cloudformation deploy" in stderr
    assert "Nothing was changed." in stderr
    names = {one["StackName"] for one in cloud.client("cloudformation").list_stacks()[
        "StackSummaries"]}
    assert "dry" not in names


def test_classic_peers_meet_and_talk(relay):
    with relay.classic() as ann, relay.classic() as bob:
        ann.join("classic", id="ann")
        ann.expect("first_to_join")
        bob.join("classic", id="bob")
        joined = ann.expect("someone_joined")
        assert joined["peerId"] == "bob"
        ann.send(joined["connectionId"], OFFER)
        assert bob.expect("offer")["connectionId"] != joined["connectionId"]


def test_v1_peers_meet_talk_and_resume(relay):
    with relay.v1() as ann:
        bob = relay.v1()
        assert ann.join("v1", id="ann")["first"]
        assert [one["peerId"] for one in bob.join("v1", id="bob")["members"]] == ["ann"]
        ann.expect("someone_joined")
        ann.request({"action": "send-payload", "target": bob.connection, "payload": OFFER})
        assert bob.expect("offer")["connectionId"] == ann.connection
        bob.drop()
        again = relay.v1()
        again.resume(bob)
        again.request({"action": "send-payload", "target": ann.connection, "payload": OFFER})
        assert ann.expect("offer")["connectionId"] == bob.connection
        again.finish()
        # The emulator says 1006 for every close.
        assert ann.expect("someone_left", within=60)["reason"] in ("closed", "lost")


def test_a_timer_ends_a_place_that_nobody_comes_back_to(relay):
    with relay.v1() as ann:
        bob = relay.v1()
        ann.join("timers", id="ann")
        bob.join("timers", id="bob")
        ann.expect("someone_joined")
        bob.drop()
        left = ann.expect("someone_left", within=60)
        assert (left["peerId"], left["reason"]) == ("bob", "lost")


def test_a_token_that_is_given_has_to_be_let_in(deploy, application):
    _, stderr = deploy(USHER_TOKEN=application.token())
    assert "lets USHER_TOKEN in" in stderr
    _, stderr = deploy(USHER_TOKEN=application.token()[:-4] + "AAAA", status=1)
    assert "should not" in stderr or "refuses" in stderr


def test_two_tabs_of_the_demo_meet_on_it(relay, auth):
    proxy = DemoProxy(relay.url.rpartition("/")[0], auth.url)
    try:
        with chromium() as browser:
            ann, bob = Guest(browser, proxy, "Ann"), Guest(browser, proxy, "Bob")
            ann.sees("Bob")
            bob.sees("Ann")
            ann.sees_pictures(1)
            bob.say("over the function")
            ann.hears("Bob", "over the function")
            for one in (ann, bob):
                one.healthy()
                one.close()
    finally:
        proxy.stop()


def test_an_update_takes_effect_and_keeps_what_it_does_not_name(deploy, relay):
    stdout, stderr = deploy("--set", "MaxMembers=2")
    assert stdout.strip().replace("ws", "http", 1) == relay.url
    assert "UPDATE_COMPLETE" in stderr
    with relay.v1() as ann, relay.v1() as bob, relay.v1() as cem:
        for one, name in ((ann, "ann"), (bob, "bob")):
            one.join("small", id=name)
        assert cem.refused({"action": "join-room", "roomId": "small", "name": "Cem"}) == "room_full"


def test_a_secret_comes_by_its_reference(deploy, cloud, relay, auth):
    backend = Backend(auth)
    cloud.client("ssm").put_parameter(
        Name="/usher/legacy", Type="String", Value=json.dumps({backend.id: backend.secret}))
    deploy("--set", "LegacySecrets={{resolve:ssm:/usher/legacy}}")
    with backend.connect(server=relay) as ann:
        ann.join("legacy", id="ann")
        ann.expect("first_to_join")


def test_what_does_not_fit_is_refused_before_anything_is_made(deploy):
    _, stderr = deploy("--set", "DomainName=rtc.meet.example", status=1)
    assert "CertificateArn" in stderr


def test_in_the_end_nothing_is_left(deploy, cloud, relay):
    _, stderr = deploy("--delete")
    assert "DELETE_COMPLETE" in stderr
    assert cloud.client("dynamodb").list_tables()["TableNames"] == []
    assert cloud.client("sqs").list_queues().get("QueueUrls", []) == []
    assert cloud.client("s3").list_buckets()["Buckets"] == []
    _, stderr = deploy("--delete")
    assert "There is no stack usher" in stderr
