"""Where somebody runs scripts/deploy-aws, with an `aws` command that plays an account."""

import json
import os
import stat
import subprocess

from .usher import CHECKOUT, environment, new_folder

SCRIPT = CHECKOUT / "scripts" / "deploy-aws"
# Answers by the beginnings of what is asked for; whatever else is asked for is done, and says
# nothing. An answer with a status above 0 is an error's text. Those below "after" and a beginning
# come first once that was asked for.
ACCOUNT = {
    "sts get-caller-identity": "123456789012",
    "cloudformation describe-stacks": [254, "An error occurred (ValidationError) when calling the "
                                       "DescribeStacks operation: Stack usher does not exist"],
    "s3api head-bucket": [254, "An error occurred (404) when calling the HeadBucket operation: Not "
                          "Found"],
    "s3api head-object": [254, "An error occurred (404) when calling the HeadObject operation: Not "
                          "Found"],
}
STACK = "cloudformation describe-stacks --stack-name usher --query Stacks[0]"
BUCKET = "usher-code-123456789012-eu-central-1"
# What a stack has been told, which is asked for by name.
PARAMETERS = {f"{STACK}.Parameters[?ParameterKey=='CodeBucket']": BUCKET,
              f"{STACK}.Parameters[?ParameterKey=='AccessLog']": "no"}
FORBIDDEN = [254, "An error occurred (403) when calling the HeadBucket operation: Forbidden"]
AWS = """#!/usr/bin/env python3
import json, os, sys
folder = os.environ["FOLDER"]
words = sys.argv[1:]
while words and words[0].startswith("--"):
    del words[:2]
line = " ".join(words)
open(folder + "/asked", "a").write(line + "\\n")
answers = json.load(open(folder + "/answers"))
asked = open(folder + "/asked").read().splitlines()
for event, others in answers.pop("after", {}).items():
    if any(one.startswith(event) for one in asked):
        answers = {**others, **{name: answers[name] for name in answers if name not in others}}
for name, answer in answers.items():
    if line.startswith(name):
        status, text = answer if isinstance(answer, list) else (0, answer)
        print(text, file=sys.stderr if status else sys.stdout)
        sys.exit(status)
"""
# The answer to a handshake; curl has the token on its stdin, and asks for other things by names.
CURL = """#!/bin/sh
case "$*" in
*"Upgrade: websocket"*)
    cat >"$FOLDER/handshake" && echo "$*" >"$FOLDER/curl" && cat "$FOLDER/status" ;;
*) exec /usr/bin/curl "$@" ;;
esac
"""
ISSUER = ("--issuer", "https://auth.example")
DEPLOYED = {"cloudformation describe-stacks": "CREATE_COMPLETE", "s3api head-bucket": ""}


class Desk:
    """Where somebody runs the script."""

    def __init__(self):
        self.home = new_folder("desk")
        self.bin = self.home / "bin"
        self.bin.mkdir()
        self.aws = self._put("aws", AWS)
        self._put("curl", CURL)
        self.package = self.home / "usher-lambda.zip"
        self.package.write_bytes(b"a package")

    def _put(self, name, script):
        path = self.bin / name
        path.write_text(script)
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        return path

    def answered(self, answer, **places):
        """Deploys; a handshake is answered so."""
        (self.home / "status").write_text(answer)
        account = {
            f"{STACK}.StackStatus": "CREATE_COMPLETE", **{
                f"{STACK}.Outputs[?{key}": value for key, value in {
                    "OutputKey=='SignallingServer'": "wss://api.example/live",
                    "OutputKey=='Management'": "https://api.example/live",
                    "OutputKey=='NameTarget'": "", "OutputKey=='TableName'": "usher-Table",
                    "OutputKey=='LogGroup'": "/logs"}.items()},
            "cloudformation describe-stacks": "https://auth.example"}
        good = answer == ("101" if "USHER_TOKEN" in places else "401")
        return self.run(status=0 if good else 1, account=account, **places)

    def run(self, *arguments, status=1, account=None, region="eu-central-1", path=None,
            **more):
        account = account or {}
        answers = {**PARAMETERS, **account}
        if "cloudformation describe-stacks" not in account:
            answers = dict(account)
        answers.update((name, one) for name, one in ACCOUNT.items() if name not in answers)
        (self.home / "answers").write_text(json.dumps(answers))
        places = {"AWS_REGION": region} if region else {}
        ended = subprocess.run(
            ["bash", SCRIPT, "--package", self.package, *arguments], capture_output=True, text=True,
            timeout=60, check=False,
            env={**environment(self.home), **places, **more, "FOLDER": str(self.home),
                 "USHER_DEPLOY_POLL_SECONDS": "0.1",
                 "PATH": path or f"{self.bin}:{os.environ['PATH']}"})
        assert ended.returncode == status, ended.stderr
        return ended.stderr if status else ended.stdout + ended.stderr

    def dry(self, *arguments, **options):
        return self.run(*ISSUER, "--dry-run", *arguments, status=0, **options)

    @property
    def asked(self):
        return (self.home / "asked").read_text().splitlines()
