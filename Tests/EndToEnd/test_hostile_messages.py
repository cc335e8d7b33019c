"""Tokens and messages that are made to cost much cost the server little, and an error says which
message failed: CPU time of the process for hostile input against benign input of the same length
and the same outcome."""

import base64
import json

import pytest

from support import http
from support.cost import RATIO_MAX, letters, marks, ratio
from support.v1 import connect

pytestmark = pytest.mark.one_process("the CPU time of one process is measured")


def token(text, header=None, payload=None):
    """A token that nobody signed; `text` is in one member of its header or payload."""
    parts = [header or {"alg": "ES256", "typ": "at+jwt", "kid": "k"}, payload or {}]
    written = [json.dumps(part, ensure_ascii=False).replace("TEXT", text) for part in parts]
    return ".".join(
        base64.urlsafe_b64encode(part).rstrip(b"=").decode()
        for part in [written[0].encode(), written[1].encode(), b"0" * 32])


def handshake(text, header=None, payload=None):
    lines = ["GET / HTTP/1.1", "Host: localhost", "Connection: Upgrade, close",
             "Upgrade: websocket", "Sec-WebSocket-Version: 13",
             "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
             "Authorization: Bearer " + token(text, header, payload), "", ""]
    return "\r\n".join(lines).encode()


LEGACY = {"alg": "HS256", "typ": "JWT"}


@pytest.mark.parametrize("header, payload", [
    pytest.param({"alg": "ES256", "typ": "TEXT"}, None, id="typ"),
    pytest.param({"alg": "HS256", "typ": "TEXT"}, None, id="legacy-typ"),
    pytest.param({"alg": "TEXT", "typ": "at+jwt"}, None, id="alg"),
    pytest.param({"alg": "ES256", "typ": "at+jwt", "kid": "TEXT"}, None, id="kid"),
    pytest.param({"alg": "ES256", "typ": "at+jwt", "kid": "k", "TEXT": 1}, None, id="name"),
    pytest.param(LEGACY, {"client": "TEXT", "expiresAt": 4e9}, id="legacy-client"),
    pytest.param(LEGACY, {"client": "c", "expiresAt": 4e9, "aud": "TEXT"}, id="legacy-audience"),
])
def test_a_token_that_nobody_signed_costs_what_its_length_does(server, header, payload):
    requests = [handshake(text(4800), header, payload) for text in (marks, letters)]
    for request in requests:
        assert http.raw(server.url, request).startswith(b"HTTP/1.1 401")
    hostile, benign = requests
    assert ratio(
        server, lambda: http.raw(server.url, hostile),
        lambda: http.raw(server.url, benign)) <= RATIO_MAX


def members(name):
    """250 of them, each of 500 bytes."""
    return ",".join(f'"{name}{number}":1' for number in range(1000, 1250))


def ping(more):
    return '{"action":"ping",' + more + "}"


def join(**names):
    """A join of a room that the token does not grant."""
    return json.dumps({"action": "join-room", "roomId": "r", "name": "n", **names})


DOUBLED = '"\\u0061":1,"a":2,'

# Each with how it is answered, as is a text of letters of the same length.
MESSAGES = {
    "escaped-names": ("pong", ping('"payload":{' + members("\\u0061" * 80) + "}")),
    "escaped-outer-names": ("pong", ping(members("\\u0061" * 80))),
    "names-alike": ("pong", ping('"payload":{' + members("a" * 490) + "}")),
    "names-of-marks": ("pong", ping(members(marks(480)))),
    "many-members": ("error", ping(",".join(['"":1'] * 20_000))),
    "many-escaped-members": ("error", ping(",".join(['"\\u0062":1'] * 11_000))),
    "doubled-name": ("error", ping(DOUBLED + members("\\u0061" * 80))),
    "depth": ("error", ping('"a":' + "[" * 60_000 + "]" * 60_000)),
    "surrogates": ("error", ping('"a":"' + "\\ud800" * 20_000 + '"')),
    "room": ("error", join(roomId=marks(256))),
    "peer-id": ("error", join(id=marks(256))),
    "display-name": ("error", join(name=marks(256))),
    "type": ("error", json.dumps({
        "action": "send-payload", "target": "0" * 16, "payload": {"type": marks(256)}})),
    "action": ("error", json.dumps({"action": marks(60_000)}, ensure_ascii=False)),
    "session": ("error", json.dumps(
        {"action": "resume", "session": marks(60_000), "seq": 1}, ensure_ascii=False)),
}


@pytest.mark.parametrize("name", MESSAGES)
def test_a_message_costs_what_its_length_does(server, application, name):
    answer, hostile = MESSAGES[name]
    length = len(hostile.encode())
    if answer == "pong":
        benign = ping('"a":"' + letters(length - 24) + '"')
    else:
        benign = '{"action":"nothing","a":"' + letters(length - 27) + '"}'
    assert abs(len(benign) - length) < 8
    with connect(application, application.token(rooms="granted")) as peer:
        def say(text):
            peer.say(text)
            assert peer.receive().type == answer
        assert ratio(server, lambda: say(hostile), lambda: say(benign)) <= RATIO_MAX


@pytest.mark.parametrize("more", [
    '"payload":{"a":"\\ud800"}', '"payload":{"type":"a","type":"b"}', '"a":1,"\\u0061":2',
    '"a":' + "[" * 40 + "]" * 40, ",".join(f'"{number}":1' for number in range(300)),
])
def test_an_error_says_which_message_broke_a_rule_of_json(application, more):
    with connect(application) as peer:
        for text in ('{"action":"send-payload","ack":7,' + more + "}",
                     "{" + more + ',"\\u0061ck":7,"action":"send-payload"}'):
            peer.say(text)
            data = peer.expect("error")
            assert (data["code"], data["action"], data["ack"]) == (
                "bad_request", "send-payload", 7)


@pytest.mark.parametrize("text, action, ack", [
    ('{"action":"ping","ack":1,"ack":2}', "ping", None),
    ('{"action":"ping","action":"ping","ack":"a"}', None, "a"),
    ('{"action":"\\ud800","ack":1}', None, 1),
    ('{"action":"ping","ack":"\\udc00"}', "ping", None),
    ('{"action":"ping","ack":1.5,"a":"\\ud800"}', "ping", None),
    ('{"action":{"action":"ping"},"ack":[1],"a":"\\ud800"}', None, None),
    ('{"action":"' + "p" * 65 + '","ack":1,"a":"\\ud800"}', None, 1),
    ('{"a":"\\ud800","action":"ping","ack":1', None, None),
])
def test_what_cannot_be_known_of_a_refused_message_is_null(application, text, action, ack):
    with connect(application) as peer:
        peer.say(text)
        data = peer.expect("error")
        assert (data["code"], data["action"], data["ack"]) == ("bad_request", action, ack)


def test_two_spellings_of_a_name_are_two_rooms(application):
    with connect(application) as one, connect(application) as other:
        assert one.join("caf\u00e9")["first"]
        assert other.join("cafe\u0301")["first"]
