"""The edge step as a Lambda@Edge viewer-request function: as a route and as a command."""

import copy
import json

import pytest

from support import http, ledger

COOKIE = "__Host-usher_session"
VALUE = ledger.remember(
    "cookie-part-one.cookie-part-two-long-enough.cookie-part-three-long", "cookie")


def event(**headers):
    fields = {
        "host": [{"key": "Host", "value": "d1.cloudfront.net"}],
        "user-agent": [{"key": "User-Agent", "value": "Test"}],
    }
    for name, values in headers.items():
        fields[name] = [{"key": name.title(), "value": value} for value in values]
    return {"Records": [{"cf": {
        "config": {"distributionDomainName": "d1.cloudfront.net", "distributionId": "E1",
                   "eventType": "viewer-request", "requestId": "r1"},
        "request": {"clientIp": "203.0.113.7", "method": "GET", "uri": "/any",
                    "querystring": "a=1&b=2", "headers": fields},
    }}]}


def by_route(server, usher, body):
    answer = http.request(
        server.url, "POST", "/edge/viewer-request", [("Content-Type", "application/json")], body)
    return answer.status == 200, answer.body


def by_command(server, usher, body):
    done = usher.run("edge", "viewer-request", stdin=body)
    return done.returncode == 0, done.stdout if done.returncode == 0 else done.stderr


@pytest.fixture(params=[by_route, by_command], ids=["route", "command"])
def rewrite(request, server, usher):
    def run(value):
        body = value if isinstance(value, bytes) else json.dumps(value).encode()
        return request.param(server, usher, body)
    return run


def request_of(value):
    return copy.deepcopy(value["Records"][0]["cf"]["request"])


def test_the_cookie_becomes_the_authorization_header(rewrite):
    given = event(cookie=[f"{COOKIE}={VALUE}"])
    worked, output = rewrite(given)
    assert worked, output
    expected = request_of(given)
    del expected["headers"]["cookie"]
    answer = json.loads(output)
    authorization = answer["headers"].pop("authorization")
    assert [entry["value"] for entry in authorization] == [f"Bearer {VALUE}"]
    assert answer == expected


def test_other_cookies_stay(rewrite):
    given = event(cookie=[f"theme=dark; {COOKIE}={VALUE}; b=2", "c=3"],
                  authorization=["Basic abc", "Bearer abc"])
    answer = json.loads(rewrite(given)[1])
    left = "; ".join(entry["value"] for entry in answer["headers"]["cookie"])
    assert left == "theme=dark; b=2; c=3"
    assert [entry["value"] for entry in answer["headers"]["authorization"]] == [f"Bearer {VALUE}"]


def test_without_the_cookie_the_request_passes_unchanged(rewrite):
    given = event(cookie=["theme=dark"], authorization=["Basic abc"])
    assert json.loads(rewrite(given)[1]) == request_of(given)


@pytest.mark.parametrize("cookies", [
    [f"{COOKIE}={VALUE}", f"{COOKIE}={VALUE}"], [f"{COOKIE}={VALUE}; {COOKIE}=b"],
    [f"{COOKIE}=" + "a" * 3585],
], ids=["two-fields", "two-in-one", "oversized"])
def test_a_refusal_is_an_answer_that_the_edge_sends(rewrite, cookies):
    worked, output = rewrite(event(cookie=cookies))
    assert worked, output
    answer = json.loads(output)
    assert str(answer["status"]) == "400"
    assert COOKIE in json.dumps(answer)
    assert VALUE not in json.dumps(answer)


def spoilt(spoil):
    """An event with one fault in its `cf` member."""
    value = event()
    spoil(value["Records"][0]["cf"])
    return json.dumps(value).encode()


@pytest.mark.parametrize("body, member", [
    (b"", ""), (b"no JSON", ""), (b"[]", ""), (b"\xff\xfe{}", ""), (b"{}", "Records"),
    (b'{"Records":[]}', "Records"), (b'{"Records":[{}]}', "cf"),
    (b'{"Records":[{"cf":{}}]}', "config"), (b'{"Records":1,"Records":2}', "twice"),
    (spoilt(lambda cf: cf.pop("request")), "request"),
    (spoilt(lambda cf: cf["config"].update(eventType="origin-request")), "eventType"),
    (spoilt(lambda cf: cf["request"].pop("headers")), "headers"),
    (spoilt(lambda cf: cf["request"].update(headers=[])), "headers"),
    (spoilt(lambda cf: cf["request"]["headers"].update(cookie="x")), "cookie"),
    (spoilt(lambda cf: cf["request"]["headers"].update(cookie=[{"key": "Cookie"}])), "value"),
    (spoilt(lambda cf: cf["request"]["headers"].update(cookie=[{"value": 7}])), "value"),
], ids=range(16))
def test_a_malformed_event_is_refused_with_the_member_named(rewrite, body, member):
    worked, output = rewrite(body)
    assert not worked
    text = output.decode() if isinstance(output, bytes) else output
    assert text.strip()
    assert member in text


def test_other_methods_than_post_are_refused(server):
    assert http.get(server.url, "/edge/viewer-request").status == 405


def test_the_command_takes_the_name_of_the_cookie(usher):
    given = event(cookie=[f"mine={VALUE}"])
    output = usher.succeed(
        "edge", "viewer-request", "--edge-cookie", "mine", stdin=json.dumps(given))
    assert json.loads(output)["headers"]["authorization"][0]["value"] == f"Bearer {VALUE}"
