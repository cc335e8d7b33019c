"""The edge step on CloudFront, in both its forms, against the cases of Usher's own."""

import json
import re
import subprocess

import pytest

from support.proxies import DEPLOY
from support.usher import Usher

CASES = json.loads(
    re.sub(r"\{(3584|3585)\}", lambda found: "a" * int(found.group(1)),
           (DEPLOY / "aws" / "cases.json").read_text()))
CLOUDFRONT_BYTES_MAX = 10 * 1024


def lambda_event(case):
    headers = {}
    for name, value in case["headers"]:
        headers.setdefault(name.lower(), []).append({"key": name, "value": value})
    request = {"clientIp": "203.0.113.7", "method": "GET", "uri": "/", "querystring": "",
               "headers": headers}
    return {"Records": [{"cf": {"config": {"eventType": "viewer-request"}, "request": request}}]}


def check(case, outcome):
    """`outcome` is a list of fields, or the text of a refusal."""
    if "refused" in case:
        assert isinstance(outcome, str), outcome
        assert case["refused"] in json.loads(outcome)["error_description"]
        assert "a.b.c" not in outcome
    else:
        wanted = sorted((name.lower(), value) for name, value in case["expected"])
        assert sorted(outcome) == wanted


def lambda_outcome(result):
    if "status" in result:
        assert result["status"] == "400"
        return result["body"]
    return [(name.lower(), one["value"]) for name, entries in result["headers"].items()
            for one in entries]


def node(script, *inputs):
    done = subprocess.run(
        ["node", "--input-type=module", "-e", script], input=json.dumps(inputs),
        capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


READ = "import { readFileSync } from 'node:fs'; const all = JSON.parse(readFileSync(0, 'utf8'));"


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_usher_does_the_step_so(case):
    text = Usher().succeed("edge", "viewer-request", stdin=json.dumps(lambda_event(case)))
    check(case, lambda_outcome(json.loads(text)))


def test_the_lambda_function_does_the_same():
    path = DEPLOY / "aws" / "viewer-request.lambda.mjs"
    results = node(
        f"{READ} const {{ handler }} = await import('{path}');"
        "console.log(JSON.stringify(await Promise.all(all.map(handler))));",
        *map(lambda_event, CASES))
    for case, result in zip(CASES, results, strict=True):
        check(case, lambda_outcome(result))


def cloudfront_event(case):
    """As CloudFront gives it: names in lower case, cookies in a map of their own."""
    headers, cookies = {}, {}
    for name, value in case["headers"]:
        if name.lower() == "cookie":
            for pair in value.split(";"):
                key, text = pair.strip().split("=", 1)
                add(cookies, key, text)
        else:
            add(headers, name.lower(), value)
    return {"version": "1.0", "request": {
        "method": "GET", "uri": "/", "querystring": {}, "headers": headers, "cookies": cookies}}


def add(entries, name, value):
    if name in entries:
        entries[name].setdefault("multiValue", [{"value": entries[name]["value"]}])
        entries[name]["multiValue"].append({"value": value})
    else:
        entries[name] = {"value": value}


def cloudfront_outcome(result):
    if "statusCode" in result:
        assert result["statusCode"] == 400
        return result["body"]
    fields = [(name, value["value"]) for name, one in result["headers"].items()
              for value in one.get("multiValue", [one])]
    pairs = [f"{name}={one['value']}" for name, one in result["cookies"].items()]
    return fields + ([("cookie", "; ".join(pairs))] if pairs else [])


def test_the_cloudfront_function_does_the_same():
    path = DEPLOY / "aws" / "viewer-request.cloudfront.js"
    assert path.stat().st_size <= CLOUDFRONT_BYTES_MAX
    results = node(
        f"{READ} const code = readFileSync('{path}', 'utf8');"
        "const handler = new Function(`${code}; return handler;`)();"
        "console.log(JSON.stringify(all.map((event) => handler(event))));",
        *map(cloudfront_event, CASES))
    for case, result in zip(CASES, results, strict=True):
        check(case, cloudfront_outcome(result))
