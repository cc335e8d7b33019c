#!/usr/bin/env python3
"""Signs requests with botocore, as an oracle for Core's AWSRequests.

aws_vectors.py      prints the requests below with botocore's answers: what aws_vectors.json holds
aws_vectors.py -    reads a list of requests from stdin and prints them with answers

The keys are nobody's.
"""

import calendar
import datetime
import json
import sys
from unittest import mock
from urllib.parse import quote

import botocore.auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

PLAIN = {
    "method": "GET",
    "host": "example.eu-central-1.amazonaws.com",
    "segments": [],
    "query": [],
    "headers": [],
    "body": "",
    "bodyRepeats": 1,
    "region": "eu-central-1",
    "service": "execute-api",
    "seconds": calendar.timegm((2026, 11, 29, 8, 5, 9)),
    "keyID": "AKIDEXAMPLE",
    "secret": "not-a-secret/only+an=example",
    "token": None,
}


def connection(identifier, **changes):
    """A request about one connection of a WebSocket API."""
    return PLAIN | {"segments": ["prod", "@connections", identifier]} | changes


CASES = {
    "nothing but a method": PLAIN,
    "a session token": PLAIN | {"token": "session//token+of=an==example"},
    "a table's request": PLAIN
    | {
        "method": "POST",
        "service": "dynamodb",
        "headers": [
            ["Content-Type", "application/x-amz-json-1.0"],
            ["X-Amz-Target", "DynamoDB_20120810.UpdateItem"],
        ],
        "body": '{"TableName":"usher"}',
    },
    "a connection's id with =": connection("dGVzdCBjb25uZWN0aW9u="),
    "a connection's id with / and +": connection("a/b+c=", method="DELETE"),
    "a post to a connection": connection("JxYz0fmIFiACFZw=", method="POST", body='{"type":"é"}'),
    "spaces, percent signs and tildes": connection("a b%20c%~-._"),
    "unicode, composed and not": connection("\u00e9 e\u0301 \U0001f600 \u4e2d"),
    "what URLs reserve": connection(":?#[]@!$&'()*,;=\"<>\\^`{|}"),
    "a control character": connection("a\tb\u0001"),
    "a long body": connection("c", method="POST", body="0123456789abcdef", bodyRepeats=12_800),
    "a body of one newline": connection("c", method="POST", body="\n"),
    "query parameters": PLAIN
    | {
        "query": [
            ["b", "2"],
            ["a", "1"],
            ["B", "3"],
            ["a-", ""],
            ["a", "0"],
            ["a b+c", "x&y=z/@"],
            ["\u00fc", "\u00df"],
        ]
    },
    "names that begin alike": PLAIN | {"query": [["a", "~"], ["a!", "x"], ["a1", "x"], ["a", "!"]]},
    "a repeated field": PLAIN
    | {"headers": [["My-Header", "2"], ["other", "x"], ["my-header", " 1\t  0 "]]},
    "blanks in values": PLAIN | {"headers": [["A", "  a   b\t\tc  "], ["Empty", ""]]},
    "fields that are not signed": PLAIN
    | {"headers": [["User-Agent", "x"], ["Connection", "close"], ["X-Amzn-Trace-Id", "Root=1"]]},
    "a host with a port": PLAIN | {"host": "127.0.0.1:8000"},
    "a leap day": PLAIN | {"seconds": calendar.timegm((2028, 2, 29, 23, 59, 59))},
    "the first day": PLAIN | {"seconds": 0},
    "the end of a century": PLAIN | {"seconds": calendar.timegm((2100, 3, 1, 0, 0, 0))},
}


def answer(case):
    """What is on the wire, and what botocore puts into the header."""
    target = "/" + "/".join(quote(segment, safe="") for segment in case["segments"])
    if case["query"]:
        target += "?" + "&".join(
            f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in case["query"]
        )
    body = (case["body"] * case["bodyRepeats"]).encode()
    request = AWSRequest(case["method"], f"https://{case['host']}{target}", data=body)
    for name, value in case["headers"]:
        request.headers[name] = value
    credentials = Credentials(case["keyID"], case["secret"], case.get("token"))
    moment = datetime.datetime.fromtimestamp(case["seconds"], datetime.timezone.utc)
    with mock.patch.object(botocore.auth, "get_current_datetime", lambda: moment):
        botocore.auth.SigV4Auth(credentials, case["service"], case["region"]).add_auth(request)
    return {
        "path": target.partition("?")[0],
        "date": request.headers["X-Amz-Date"],
        "authorization": request.headers["Authorization"],
    }


def main():
    if sys.argv[1:] == ["-"]:
        cases = json.load(sys.stdin)
    else:
        cases = [{"name": name} | case for name, case in CASES.items()]
    json.dump([case | {"answer": answer(case)} for case in cases], sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main()
