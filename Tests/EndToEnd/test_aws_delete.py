"""What scripts/deploy-aws takes away, and what it leaves."""

import pytest

from support.desk import ACCOUNT, BUCKET, DEPLOYED, FORBIDDEN, ISSUER, STACK, Desk


@pytest.fixture
def desk():
    return Desk()


@pytest.mark.parametrize(("named", "words"), [
    ([], f"would remove the bucket {BUCKET} if it is empty"),
    (["--bucket", "mine"], "The bucket mine itself stays")])
def test_a_dry_run_of_a_deletion_deletes_nothing(desk, named, words):
    text = desk.run("--delete", "--dry-run", *named, status=0, account=DEPLOYED)
    assert "would run: aws cloudformation delete-stack --stack-name usher" in text and words in text
    assert not [line for line in desk.asked if "delete" in line or line.startswith("s3 rm")]


def removed(desk):
    """What was taken away, in order."""
    verbs = ("cloudformation delete", "s3 rm", "s3api delete")
    return [line for line in desk.asked if line.startswith(verbs)]


AWAY = "cloudformation delete-stack --stack-name usher"


def test_the_scripts_own_bucket_goes_when_nothing_is_left_in_it(desk):
    account = {**DEPLOYED, "s3api list-objects-v2": "0"}
    assert "Nothing of the stack usher is left." in desk.run("--delete", status=0, account=account)
    assert removed(desk) == [AWAY, f"s3 rm --recursive --quiet s3://{BUCKET}/usher/",
                             f"s3api delete-bucket --bucket {BUCKET}"]


def test_it_stays_while_the_code_of_another_stack_is_in_it(desk):
    desk.run("--delete", status=0, account={**DEPLOYED, "s3api list-objects-v2": "1"})
    assert removed(desk) == [AWAY, f"s3 rm --recursive --quiet s3://{BUCKET}/usher/"]


@pytest.mark.parametrize(("arguments", "account"), [
    (["--bucket", "mine"], {}),
    ([], {f"{STACK}.Parameters[?ParameterKey=='CodeBucket']": "mine"}),
    (["--bucket", "mine"], {"cloudformation describe-stacks": ACCOUNT[
        "cloudformation describe-stacks"]})])
def test_a_bucket_that_was_named_is_cleaned_and_stays(desk, arguments, account):
    text = desk.run("--delete", *arguments, status=0, account={
        **DEPLOYED, "s3api list-objects-v2": "0", **account})
    assert "The bucket mine itself stays" in text
    away = [AWAY] if "There is no stack" not in text else []
    assert removed(desk) == [*away, "s3 rm --recursive --quiet s3://mine/usher/"]


def test_a_bucket_that_may_not_be_looked_at_is_not_taken_for_none(desk):
    account = {**DEPLOYED, "s3api head-bucket": FORBIDDEN,
               f"{STACK}.Parameters[?ParameterKey=='CodeBucket']": "mine"}
    text = desk.run("--delete", account=account)
    assert "s3:ListBucket" in text and "is left." not in text
    assert "scripts/deploy-aws --delete --stack usher --region eu-central-1 --bucket mine" in text
    assert removed(desk) == [AWAY]


def test_a_bucket_that_there_is_not_is_no_trouble(desk):
    assert "is left." in desk.run("--delete", status=0, account={
        "cloudformation describe-stacks": "CREATE_COMPLETE"})
    assert removed(desk) == [AWAY]


def test_the_role_that_stays_with_the_account_is_named(desk):
    account = {**DEPLOYED, "s3api list-objects-v2": "1",
               f"{STACK}.Parameters[?ParameterKey=='AccessLog']": "yes"}
    text = desk.run("--delete", status=0, account=account)
    assert "left but its role for logs, which is now the account's in eu-central-1" in text


@pytest.mark.parametrize(("named", "hint"), [
    ([], "--region eu-central-1`"), (["--bucket", "mine"], "--region eu-central-1 --bucket mine`")])
def test_after_a_failed_creation_it_says_how_to_clear_it(desk, named, hint):
    text = desk.run(*ISSUER, *named, account={
        "cloudformation deploy": [255, "Failed to create/update the stack."],
        "after": {"cloudformation deploy": {
            "cloudformation describe-stacks": "ROLLBACK_COMPLETE"}}})
    assert f"scripts/deploy-aws --delete --stack usher {hint}" in text
