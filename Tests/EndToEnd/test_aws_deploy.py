"""What scripts/deploy-aws says and does, with an `aws` command that plays an account."""

import json
import re
import shlex
import subprocess

import pytest

from support.desk import DEPLOYED, FORBIDDEN, ISSUER, SCRIPT, STACK, Desk
from support.documents import shell_blocks
from support.forging import decode


@pytest.fixture
def desk():
    return Desk()


def denied(operation, right):
    return [254, f"An error occurred (AccessDenied) when calling the {operation} operation: User: "
            f"arn:aws:iam::123456789012:user/a is not authorized to perform: {right} on resource: "
            "* because no identity-based policy allows it"]


def test_help_shows_how_it_is_used(desk):
    text = desk.run("--help", status=0)
    assert "scripts/deploy-aws --issuer https://auth.meet.example --region eu-central-1" in text
    for option in ("--set", "--dry-run", "--delete", "--package", "--stack", "--bucket"):
        assert option in text


def documented():
    text = "".join(block.script for block in shell_blocks() if "deploy-aws" in block.script)
    text += subprocess.run([SCRIPT, "--help"], capture_output=True, text=True, check=True).stdout
    lines = text.replace("\\\n", " ").splitlines()
    for line in lines:
        if found := re.match(r" *scripts/deploy-aws (--[^[]*)$", line):
            yield " ".join(found[1].split())


@pytest.mark.parametrize("command", sorted(set(documented())))
def test_every_command_that_is_shown_works(desk, token_service, command):
    words = [token_service.issuer if word == "http://127.0.0.1:8080" else word
             for word in shlex.split(command)]
    account = {"cloudformation describe-stacks": "UPDATE_COMPLETE", "s3api head-bucket": ""}
    text = desk.run(*words, "--dry-run", status=0, account=account)
    assert "would run: aws cloudformation" in text


@pytest.mark.parametrize("arguments", [["--what"], ["usher"]])
def test_what_it_does_not_know_has_it_show_the_help(desk, arguments):
    assert "scripts/deploy-aws --issuer" in desk.run(*arguments, status=64)


@pytest.mark.parametrize(("arguments", "words"), [
    (["--set"], "--set needs a value"), (["--set", "MaxMembers"], "NAME=VALUE"),
    (["--set", "MaxMember=3"], "--set MaxMember: deploy/aws/template.yaml has no parameter"),
    (["--stack", "-x"], "letters, digits and hyphens"),
    (["--stack", "s" * 39], "at most 38 characters (it has 39)")])
def test_a_wrong_option_is_named(desk, arguments, words):
    assert words in desk.run(*arguments)


def test_another_issuer_takes_the_keys_of_the_one_before_with_it(desk):
    account = {"cloudformation describe-stacks": "UPDATE_COMPLETE", "s3api head-bucket": ""}
    deploy = ["--issuer", "https://auth.example", "--dry-run"]
    assert " KeySet= " in desk.run(*deploy, status=0, account=account)
    text = desk.run(*deploy, "--set", "KeySet=https://keys.example", status=0, account=account)
    assert " KeySet=https://keys.example " in text and " KeySet= " not in text
    assert "KeySet=" not in desk.run("--dry-run", status=0, account=account)


def test_a_dry_run_says_what_would_be_done_and_does_none_of_it(desk):
    text = desk.dry("--set", "MaxMembers=16", "--set", "TurnSecret=a-secret-of-the-servers")
    for words in ("Account 123456789012, region eu-central-1, stack usher",
                  "aws s3api create-bucket --bucket usher-code-123456789012-eu-central-1",
                  "LocationConstraint=eu-central-1", "would run: aws s3 cp",
                  "would run: aws cloudformation deploy", "MaxMembers=16",
                  "Issuer=https://auth.example", "Nothing was changed."):
        assert words in text, text
    assert "a-secret-of-the-servers" not in text
    reads = ("sts get-caller-identity", "cloudformation describe-stacks", "s3api head-",
             "configure get")
    assert [line for line in desk.asked if not line.startswith(reads)] == []


def test_other_code_has_another_key(desk):
    first = desk.dry()
    desk.package.write_bytes(b"another package")
    keys = [line for text in (first, desk.dry()) for line in text.splitlines()
            if line.startswith("s3://")]
    assert len(set(keys)) == 2
    assert all(key.startswith("s3://usher-code-123456789012-eu-central-1/usher/") for key in keys)


def test_us_east_1_has_no_constraint_of_its_name(desk):
    assert "LocationConstraint" not in desk.dry(region="us-east-1")


def test_an_update_uses_the_bucket_of_before(desk):
    account = {**DEPLOYED, f"{STACK}.Parameters[?ParameterKey=='CodeBucket']": "mine"}
    assert "s3://mine/usher/" in desk.run("--dry-run", status=0, account=account)


def test_without_the_aws_command_it_says_where_to_get_it(desk):
    desk.aws.unlink()
    for name in ("bash", "dirname", "mktemp", "rm", "basename"):
        (desk.bin / name).symlink_to(f"/usr/bin/{name}")
    assert "apt-get install awscli" in desk.run(*ISSUER, path=str(desk.bin))


def test_without_a_region_it_says_how_to_name_one(desk):
    text = desk.run(*ISSUER, region=None, account={"configure get region": [1, ""]})
    assert "--region eu-central-1" in text


def test_a_new_stack_needs_an_issuer(desk):
    assert "needs --issuer" in desk.run()


def test_an_update_needs_none(desk):
    account = {"cloudformation describe-stacks": "UPDATE_COMPLETE"}
    text = desk.run("--dry-run", status=0, account=account)
    assert "Updating the stack" in text and "Issuer=" not in text


@pytest.mark.parametrize(("error", "words"), [
    ("Unable to locate credentials. You can configure credentials by running \"aws configure\".",
     "There are no credentials"),
    ("The config profile (other) could not be found", "AWS_PROFILE"),
    ("An error occurred (ExpiredToken) when calling the GetCallerIdentity operation: The security "
     "token included in the request is expired", "have expired"),
    ("An error occurred (InvalidClientTokenId) when calling the GetCallerIdentity operation: The "
     "security token included in the request is invalid.", "not valid"),
    ("Could not connect to the endpoint URL: \"https://sts.eu-nowhere-1.amazonaws.com/\"",
     "was not reached"),
])
def test_who_cannot_ask_is_told_what_to_do(desk, error, words):
    text = desk.run(*ISSUER, account={"sts": [254, error]})
    assert words in text and error in text
    assert len(desk.asked) == 1


@pytest.mark.parametrize(("command", "operation", "right"), [
    ("cloudformation describe-stacks", "DescribeStacks", "cloudformation:DescribeStacks"),
    ("s3api create-bucket", "CreateBucket", "s3:CreateBucket"),
    ("s3 cp", "PutObject", "s3:PutObject"),
    ("cloudformation deploy", "CreateChangeSet", "cloudformation:CreateChangeSet"),
])
def test_a_right_that_is_missing_is_named(desk, command, operation, right):
    text = desk.run(*ISSUER, account={command: denied(operation, right)})
    assert f"The right {right} is missing" in text


def test_a_bucket_of_somebody_else_is_not_used(desk):
    text = desk.run(*ISSUER, account={"s3api head-bucket": FORBIDDEN})
    assert "somebody else's" in text and "--bucket" in text
    assert not any(line.startswith("s3 cp") for line in desk.asked)


@pytest.mark.parametrize(("state", "words"), [
    ("ROLLBACK_COMPLETE", "scripts/deploy-aws --delete --stack usher --region eu-central-1"),
    ("UPDATE_IN_PROGRESS", "wait until that is over"),
    ("UPDATE_ROLLBACK_FAILED", "continue-update-rollback"),
])
def test_a_stack_that_cannot_be_updated_is_left_alone(desk, state, words):
    text = desk.run(
        *ISSUER, account={"cloudformation describe-stacks": state})
    assert words in text and state in text
    assert not any(line.startswith(("cloudformation deploy", "s3 cp")) for line in desk.asked)


@pytest.mark.parametrize(("reason", "words"), [
    ("Specified ReservedConcurrentExecutions for function decreases account's "
     "UnreservedConcurrentExecution below its minimum value of [100].", "ReservedConcurrency=0"),
    ("Resource limit exceeded: ServiceQuotaExceededException", "servicequotas"),
    ("User: arn:aws:iam::1:user/ann is not authorized to perform: iam:CreateRole on resource: x",
     "The right iam:CreateRole is missing"),
])
def test_the_reason_why_a_resource_could_not_be_made_is_told(desk, reason, words):
    events = "\n".join(["2\tusher\tROLLBACK_IN_PROGRESS\tNone",
                        f"1\tFunction\tCREATE_FAILED\t{reason}"])
    text = desk.run(*ISSUER, account={
        "cloudformation describe-stack-events": events,
        "cloudformation deploy": [255, "Failed to create/update the stack."]})
    assert reason in text and words in text


def test_a_deployment_is_proven_by_one_connection(desk):
    text = desk.answered("401")
    assert "wss://api.example/live answers" in text
    assert text.startswith("wss://api.example/live\n")
    for words in ("aws logs tail /logs", "--table usher-Table", "USHER_RELAY=https://api.example "):
        assert words in text
    head, claims, _ = (desk.home / "handshake").read_text().partition("usher.bearer.")[2].split(".")
    assert json.loads(decode(head)) == {"alg": "ES256", "typ": "at+jwt", "kid": "deploy-aws"}
    claims = json.loads(decode(claims))
    assert claims["iss"] == claims["aud"] == "https://auth.example"
    assert claims["exp"] == claims["iat"] + 60


def test_a_token_of_ones_own_is_shown_to_nobody(desk):
    text = desk.answered("101", USHER_TOKEN="a.secret.token")
    assert "lets USHER_TOKEN in" in text and "a.secret.token" not in text
    assert "usher.bearer.a.secret.token" in (desk.home / "handshake").read_text()
    assert "a.secret.token" not in (desk.home / "curl").read_text()
    assert "a.secret.token" not in "\n".join(desk.asked)


@pytest.mark.parametrize(("status", "words"), [
    ("503", "the keys of https://auth.example"), ("502", "one of its settings is wrong"),
    ("403", "refuses all that comes"), ("000", "nobody answers"), ("101", "which it should not")])
def test_what_its_answer_means_is_told(desk, status, words):
    text = desk.answered(status)
    assert words in text
    if status in ("503", "502"):
        assert "aws logs tail /logs --region eu-central-1" in text


def test_a_key_set_that_cannot_be_read_is_named(desk):
    text = desk.run("--issuer", "http://127.0.0.1:1")
    assert "usher serve auth" in text and "http://127.0.0.1:1/.well-known/jwks.json" in text
    assert "cannot be read" in desk.run(*ISSUER, "--key-set", "/no/such/file")


def test_keys_of_a_loopback_issuer_are_handed_over(desk, token_service):
    text = desk.run("--issuer", token_service.issuer, "--dry-run",
                    status=0)
    assert "KeySet=" in text and "kty" in text
