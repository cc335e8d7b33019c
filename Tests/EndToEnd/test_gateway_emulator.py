"""The emulator of API Gateway (support/gateway): its sockets, routes and limits. What AWS documents
is cited by the name of its page."""

import base64
import json
import time

import pytest

from support.gateway.clock import Chance
from support.websocket import BINARY, PING, TEXT, Closed, Refused
from support import http

KB = 1024


def answer(**members):
    return ["answer", json.dumps(members)]


def refusal(toy, *do):
    with pytest.raises(Refused) as refused:
        toy.open(*do)
    return refused.value.response


def hears_nothing(client, seconds=0.2):
    with pytest.raises(TimeoutError):
        client.receive_text(seconds)


def the_end(toy):
    """Code and reason of the only $disconnect."""
    event = toy.until(lambda: toy.events("$disconnect"), "$disconnect")[0]
    context = event["requestContext"]
    return context["disconnectStatusCode"], context["disconnectReason"]


# -- The handshake: "Manage connected users and client apps: $connect and $disconnect routes".


def test_connect_tells_headers_query_and_context(toy):
    client = toy.connect("a=1&a=2&b=%26%20x&token=", [
        ("User-Agent", "Tests"), ("X-Twice", "one"), ("X-Twice", "two"),
        ("X-Forwarded-For", "192.0.2.1"), ("X-Forwarded-Proto", "http")])
    [event] = toy.events()
    assert event["queryStringParameters"] == {"a": "2", "b": "& x", "token": ""}
    assert event["multiValueQueryStringParameters"] == {
        "a": ["1", "2"], "b": ["& x"], "token": [""]}
    assert event["headers"]["X-Twice"] == "two"
    assert event["multiValueHeaders"]["X-Twice"] == ["one", "two"]
    assert event["headers"]["Host"] == toy.url.split("/")[2]
    assert event["headers"]["X-Forwarded-For"] == "192.0.2.1, 127.0.0.1"
    assert event["multiValueHeaders"]["X-Forwarded-Proto"] == ["https"]
    assert "Upgrade" not in event["headers"] and "body" not in event
    context = event["requestContext"]
    assert abs(context["connectedAt"] / 1000 - time.time()) < 30
    assert {name: context[name] for name in (
        "routeKey", "eventType", "messageDirection", "stage", "apiId", "domainName",
        "identity")} == {
            "routeKey": "$connect", "eventType": "CONNECT", "messageDirection": "IN",
            "stage": "prod", "apiId": "a1b2c3d4e5",
            "domainName": "a1b2c3d4e5.execute-api.eu-central-1.amazonaws.com",
            "identity": {"sourceIp": "127.0.0.1", "userAgent": "Tests"}}
    assert context["requestId"] and context["requestTimeEpoch"] >= context["connectedAt"]
    assert [one["id"] for one in toy.connections() if one["isOpen"]][-1] == context["connectionId"]
    assert len(context["connectionId"]) == 16 and context["connectionId"].endswith("=")
    client.close()


def test_an_event_without_a_query_has_no_member_for_it(toy):
    with toy.connect():
        assert "queryStringParameters" not in toy.events("$connect")[0]


@pytest.mark.parametrize("status", [400, 401, 403, 429, 503, 304])
def test_the_status_of_the_integration_refuses_the_handshake(toy, status):
    response = refusal(toy, answer(statusCode=status, body="mine", headers={"X-Mine": "1"}))
    assert (response.status, response.header("X-Mine")) == (status, None)
    assert b"mine" not in response.body and "connectionId" in response.json
    toy.rest()
    assert len(toy.events()) == 1, "no $disconnect of a connection that never was"


@pytest.mark.parametrize("step", [
    ["fail"], ["exit", 1], ["answer", "null"], ["answer", "no JSON"], ["answer", '{"body": ""}'],
    ["answer", '{"statusCode": "200"}'], ["answer", '{"statusCode": 42}']])
def test_a_connect_that_fails_is_refused_with_502(toy, step):
    assert refusal(toy, step).status == 502


def test_the_subprotocol_is_that_of_the_answers_headers(toy):
    """"Set up a $connect route that requires a WebSocket subprotocol"."""
    offer = [("Sec-WebSocket-Protocol", "one, usher.v1")]
    name = "Sec-WebSocket-Protocol"
    with toy.open(answer(statusCode=200, headers={
            "sec-websocket-protocol": "usher.v1", "Set-Cookie": "a=b"}), fields=offer) as client:
        assert client.response.header(name) == "usher.v1"
        assert client.response.header("Set-Cookie") is None
    with toy.open(answer(statusCode=200, multiValueHeaders={name: ["usher.v1"]}),
                  fields=offer) as client:
        assert client.response.header(name) is None
    assert toy.events("$connect")[0]["headers"][name] == "one, usher.v1"


def test_another_stage_and_plain_http_reach_no_function(toy):
    base = toy.url.replace("ws:", "http:").removesuffix("/prod")
    upgrade = [("Upgrade", "websocket"), ("Connection", "Upgrade"),
               ("Sec-WebSocket-Version", "13"), ("Sec-WebSocket-Key", "A" * 22 + "==")]
    assert http.get(base, "/dev", upgrade).status == 403
    assert http.get(base, "/prod").status == 426
    assert toy.events() == []


def test_more_connections_per_second_than_allowed_are_429(toy):
    toy.set(connections_per_second=2)
    toy.forward(1)
    with toy.open(), toy.open():
        assert refusal(toy).status == 429
    toy.forward(1)
    toy.open().drop()


# -- Messages: "Develop routes for WebSocket APIs", "Amazon API Gateway quotas".


@pytest.mark.parametrize("message, route", [
    ('{"action":"named"}', "named"), ('{"action":"other"}', "$default"), ("no JSON", "$default"),
    ('["action"]', "$default"), ('{"action":["named"]}', "$default"),
    ('{"action":"$connect"}', "$default"), ('{"action":"$disconnect"}', "$default")])
def test_routes_are_chosen_by_the_action_of_the_body(toy, message, route):
    with toy.open() as client:
        client.send_text(message)
        [_, event] = toy.until(lambda: toy.events()[1:] and toy.events(), "the message")
        assert event["body"] == message and event["isBase64Encoded"] is False
        context = event["requestContext"]
        assert (context["routeKey"], context["eventType"]) == (route, "MESSAGE")
        assert context["messageId"] and "headers" not in event
        connected = toy.events()[0]["requestContext"]
        for name in ("connectionId", "connectedAt"):
            assert context[name] == connected[name]
        assert context["requestId"] != connected["requestId"]


def test_answers_of_the_integration_are_not_sent_back(toy):
    with toy.open() as client:
        for status in (200, 400, 500):
            toy.tell(client, answer(statusCode=status, body="mine"))
        toy.rest()
        hears_nothing(client)


def test_that_the_integration_failed_is_told(toy):
    with toy.open() as client:
        for step in (["fail"], ["exit", 3], ["answer", "null"]):
            toy.tell(client, step)
            told = json.loads(client.receive_text())
            assert told["message"] == "Internal server error"
            assert told["connectionId"] == toy.events("$connect")[0]["requestContext"][
                "connectionId"]


def test_a_mock_route_costs_no_invocation(toy):
    with toy.open() as client:
        client.send_text('{"action":"quiet"}')
        client.send_text('{"action":"ping"}')
        assert client.receive_text() == '{"action":"pong"}'
    toy.rest()
    assert [one["requestContext"]["routeKey"] for one in toy.events()] == [
        "$connect", "$disconnect"]


def test_binary_messages_are_refused_or_handed_on_in_base64(toy):
    """"Binary media types for WebSocket APIs in API Gateway": refused with 1003."""
    client = toy.open()
    client.send_frame(BINARY, b"\x00\xff")
    assert client.closing() == (1003, [])
    assert the_end(toy)[0] == 1003
    toy.set(binary="base64")
    with toy.open() as client:
        client.send_frame(BINARY, b"\x00\xff")
        event = toy.until(lambda: toy.events("$default"), "the message")[0]
        assert event["isBase64Encoded"] and base64.b64decode(event["body"]) == b"\x00\xff"


def pieces(client, sizes):
    """One message in frames of these sizes."""
    for number, size in enumerate(sizes):
        client.send_frame(TEXT if number == 0 else 0, b"x" * size, fin=number == len(sizes) - 1)


@pytest.mark.parametrize("sizes", [[32 * KB], [32 * KB] * 4])
def test_messages_up_to_128_kb_in_frames_up_to_32_kb(toy, sizes):
    with toy.open() as client:
        pieces(client, sizes)
        event = toy.until(lambda: toy.events("$default"), "the message")[0]
        assert len(event["body"]) == sum(sizes)


@pytest.mark.parametrize("sizes", [[32 * KB + 1], [1, 32 * KB + 1], [32 * KB] * 4 + [1]])
def test_larger_messages_and_frames_end_the_connection_with_1009(toy, sizes):
    client = toy.open()
    pieces(client, sizes)
    assert client.closing()[0] == 1009
    assert the_end(toy)[0] == 1009
    assert toy.events("$default") == []


def test_messages_overtake_each_other_where_that_is_set(toy):
    toy.set(shuffle_seconds=0.5, environments=1)
    toy.recycle()
    with toy.open() as client:
        number = next(iter(reversed(toy.connections())))["number"]
        for count in range(1, 9):
            toy.tell(client, ["log", count])
        toy.rest()
    waits = {count: Chance(1).of("shuffle", number, count).random() for count in range(1, 9)}
    said = toy.said()
    assert sorted(said) == list(waits) != said
    # As the seed has it, but for those that came at almost the same time.
    assert all(waits[one] < waits[other] + 0.2 for place, one in enumerate(said)
               for other in said[place:])


def test_a_function_that_takes_too_long_for_the_gateway_runs_on(toy):
    """"Amazon API Gateway quotas": the integration timeout is not the function's."""
    toy.set(integration_seconds=0.2)
    with toy.open() as client:
        toy.tell(client, ["sleep", 0.5], ["log", "done"])
        assert "Internal server error" in client.receive_text()
        assert toy.said() == []
        toy.until(lambda: toy.said() == ["done"], "the end of the invocation")
        toy.set(environments=1)
        toy.recycle()
        toy.tell(client, ["sleep", 0.5])
        toy.tell(client, ["log", "late"])
        toy.until(lambda: toy.said() == ["done", "late"], "one that waited for its environment")


# -- The end.


@pytest.mark.parametrize("code", [1000, 1001, 4000])
def test_disconnect_says_the_clients_code(toy, code):
    toy.open().close(code)
    assert the_end(toy)[0] == code
    event = toy.events("$disconnect")[0]
    assert event["requestContext"]["eventType"] == "DISCONNECT" and "body" not in event


def test_a_client_that_vanishes_is_1006(toy):
    toy.open().drop()
    assert the_end(toy)[0] == 1006


def test_a_client_that_leaves_during_connect_is_told_of_afterwards(toy):
    toy.invoke()
    with pytest.raises(TimeoutError):
        client = toy.connecting([["sleep", 0.4]])
        client.settimeout(0.1)
        client.recv(1)
    client.close()
    assert the_end(toy)[0] == 1006
    [connected], [event] = toy.events("$connect"), toy.events("$disconnect")
    assert event["requestContext"]["requestTimeEpoch"] >= 400 + (
        connected["requestContext"]["requestTimeEpoch"])


def test_a_client_that_leaves_before_it_is_refused_is_not_told_of(toy):
    client = toy.connecting([["sleep", 0.2], answer(statusCode=401)])
    toy.until(lambda: toy.events(), "$connect")
    client.close()
    toy.rest()
    assert len(toy.events()) == 1 and toy.connections() == []


def test_silent_and_old_connections_end(toy):
    """"Amazon API Gateway quotas": 10 minutes idle, 2 hours in all."""
    before = toy.figures().get("messages in", 0)
    with toy.open() as client:
        toy.forward(590)
        client.send_text('{"action":"quiet"}')
        toy.until(lambda: toy.figures()["messages in"] > before, "the message")
        toy.forward(590)
        toy.client("apigatewaymanagementapi").post_to_connection(
            ConnectionId=toy.connections()[-1]["id"], Data=b"x")
        assert client.receive_text() == "x"
        toy.forward(590)
        client.send_frame(PING, b"no activity")
        client.receive_pong()
        toy.forward(11)
        with pytest.raises(Closed) as closed:
            client.receive_text()
        assert closed.value.code == 1001
    assert the_end(toy) == (1001, "Going away")
    toy.fresh()
    with toy.open() as client:
        for _ in range(14):
            toy.forward(500)
            client.send_text('{"action":"ping"}')
            client.receive_text()
        toy.forward(201)
        assert client.closing() == (1001, [])


def test_disconnects_are_lost_and_late_as_the_seed_has_it(toy):
    """"$disconnect is a best-effort event"."""
    toy.set(lose_disconnects=0.6, late_disconnects=0.7, late_disconnect_seconds=100)
    expected = {}
    for _ in range(12):
        client = toy.open()
        one = next(iter(reversed(toy.connections())))
        draw = Chance(1).of("disconnect", one["number"])
        if draw.random() >= 0.6:
            expected[one["id"]] = draw.random() * 100 if draw.random() < 0.7 else 0
        client.close(4001)
    late = {id for id, seconds in expected.items() if seconds}
    assert 0 < len(late) < len(expected) < 12
    toy.until(lambda: toy.connections() == [], "the end of all")
    toy.rest()
    assert {one["requestContext"]["connectionId"] for one in toy.events("$disconnect")} == (
        set(expected) - late)
    for _ in range(101):
        toy.forward(1)
    toy.rest()
    came = [one["requestContext"] for one in toy.events("$disconnect")]
    assert {one["connectionId"] for one in came} == set(expected)
    assert {one["disconnectStatusCode"] for one in came} == {4001}
    times = sorted((one["requestTimeEpoch"], one["connectionId"]) for one in came)
    assert [id for _, id in times if id in late] == sorted(late, key=expected.get)
