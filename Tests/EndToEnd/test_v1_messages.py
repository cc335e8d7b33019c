"""What v1 clients say and hear, message by message (docs/protocol.md §3)."""

import json
import time

import pytest

from support import homes, peers
from support.v1 import connect, connected, meet
from support.websocket import BINARY

pytestmark = pytest.mark.homes
OWN_FRAMES = pytest.mark.needs("its own frames")


@pytest.fixture
def pair(application):
    with connected(application, 2) as two:
        yield two


def welcome_is_right(peer, home, token_seconds=600):
    data = peer.welcome
    assert abs(data["serverTime"] - time.time()) < 5
    assert abs(data["expiresAt"] - data["serverTime"] - token_seconds) < 5
    assert data["limits"] == home.limits()
    return data


def test_every_connection_is_welcomed_with_what_its_client_needs(home, pair):
    one, other = (welcome_is_right(peer, home) for peer in pair)
    assert one["connectionId"] != other["connectionId"]
    assert one["session"] != other["session"]
    assert one["iceServers"] == []


def test_the_token_may_come_in_the_query_too(application):
    with connect(application, in_query=True) as peer:
        assert peer.join("query")["first"]


def test_the_answer_selects_the_dialect_and_never_repeats_the_token(application):
    token = application.token()
    with connect(application, token) as peer:
        assert peer.response.header("Sec-WebSocket-Protocol") == "usher.v1"
        assert all(token not in value for _, value in peer.response.fields)


def test_a_joiner_learns_who_is_there_and_the_others_of_the_joiner(application):
    with connected(application, 3) as (ann, bob, eve):
        assert ann.join("states", name="Ann", id="ann") == {
            "roomId": "states", "polite": True, "members": [], "first": True}
        assert bob.join("states", name="Bob", id="bob")["members"] == [
            {"connectionId": ann.connection, "peerId": "ann", "name": "Ann", "polite": True}]
        assert ann.expect("someone_joined") == {
            "connectionId": bob.connection, "peerId": "bob", "offererId": "bob", "name": "Bob",
            "sdp": None, "ownId": "ann"}
        state = eve.join("states", name="Eve")
        assert state["polite"]
        assert sorted(member["name"] for member in state["members"]) == ["Ann", "Bob"]
        for peer, own in ((ann, "ann"), (bob, "bob")):
            data = peer.expect("someone_joined")
            assert data["ownId"] == own
            assert data["peerId"] == data["connectionId"] == eve.connection


def test_first_to_join_comes_before_the_state_and_both_before_the_ack(application):
    with connect(application) as peer:
        peer.say({"action": "join-room", "roomId": "in order", "name": "Ann", "ack": "a"})
        assert [peer.receive().type for _ in range(3)] == ["first_to_join", "room_state", "ack"]
        assert [event.seq for event in peer.history] == [1, 2, 3]


@pytest.mark.parametrize("ack", [0, 1, -7, 2**53, -2**53, "a", "é" * 128, "\u2028\"\\/"])
def test_an_ack_comes_back_as_it_was_sent(application, ack):
    with connect(application) as peer:
        peer.say({"action": "ping", "ack": ack})
        assert peer.expect("pong") == {}
        assert peer.expect("ack") == {"ack": ack}


def test_an_ack_comes_back_byte_for_byte(application):
    with connect(application) as peer:
        peer.say('{"action":"leave-room","roomId":"none","ack":"\\u0061\\/"}')
        assert '"data":{"ack":"\\u0061\\/"}' in peer.receive().raw
        peer.say('{"action":"frobnicate","ack":-0}')
        assert '"ack":-0' in peer.receive().raw


@pytest.mark.needs("several in flight")
def test_without_an_ack_nothing_but_refusals_is_answered(pair):
    older, newer = pair
    meet(older, newer, "silent")
    older.send(newer.connection, {"type": "offer"})
    older.broadcast("silent", {"type": "chat"})
    older.say({"action": "leave-room", "roomId": "silent"})
    assert older.up_to_pong() == []
    older.send(newer.connection, {"type": "offer"})
    (error,) = older.up_to_pong()
    assert (error.type, error.data["code"], error.data["ack"]) == ("error", "unknown_target", None)


def test_a_payload_arrives_byte_for_byte_before_its_ack_is_sent(pair):
    older, newer = pair
    meet(older, newer, "payloads")
    members = '"type":"x","b":1.0e+2,"a":[null,true,{"z":"\\u00e9\\/"}]'
    older.say(f'{{"action":"send-payload","target":"{newer.connection}",'
              f'"payload":{{"connectionId":"0",{members}}},"ack":1}}')
    assert older.expect("ack") == {"ack": 1}
    event = newer.receive(within=2)
    assert event.raw == (f'{{"type":"x","data":{{"connectionId":"{older.connection}",{members}}},'
                         f'"seq":{event.seq}}}')


def test_a_payload_without_a_type_is_delivered_as_payload(pair):
    older, newer = pair
    meet(older, newer, "untyped")
    older.send(newer.connection, {})
    assert newer.expect("payload") == {"connectionId": older.connection}


def test_a_payload_to_oneself_arrives_like_any_other(application):
    with connect(application) as peer:
        peer.join("alone")
        (event,) = peer.request({
            "action": "send-payload", "target": peer.connection, "payload": {"type": "echo"}})
        assert event.data == {"connectionId": peer.connection, "type": "echo"}


@pytest.mark.parametrize("waits", [
    True, pytest.param(False, marks=pytest.mark.needs("several in flight"))])
def test_a_broadcast_reaches_every_other_member_and_nobody_else(application, waits):
    with connected(application, 4) as (sender, one, two, outsider):
        for peer in (sender, one, two):
            peer.join("all", id=f"peer-{peer.connection}")
        outsider.join("elsewhere")
        for peer in (sender, one, two):
            peer.up_to_pong()
        for number in range(50):
            message = {"action": "broadcast", "roomId": "all",
                       "payload": {"type": "chat", "number": number}}
            sender.request(message) if waits else sender.say(message)
        assert sender.up_to_pong() == []
        for peer in (one, two):
            assert [peer.expect("chat") for _ in range(50)] == [
                {"connectionId": sender.connection, "type": "chat", "number": number}
                for number in range(50)]
        assert outsider.up_to_pong() == []


def test_a_broadcast_of_the_only_member_is_acknowledged(application):
    with connect(application) as peer:
        peer.join("lonely")
        assert peer.request({"action": "broadcast", "roomId": "lonely", "payload": {}}) == []


def test_who_leaves_a_room_is_gone_from_it_and_may_come_back(pair):
    older, newer = pair
    meet(older, newer, "doors")
    assert newer.leave("doors") == []
    assert older.expect("someone_left") == {
        "roomId": "doors", "connectionId": newer.connection, "peerId": "newer", "reason": "left"}
    for one, other in ((older, newer), (newer, older)):
        assert one.refused({"action": "send-payload", "target": other.connection,
                            "payload": {}}) == "unknown_target"
    assert older.leave("doors") == []
    assert newer.join("doors", id="newer")["first"]
    assert [member["peerId"] for member in older.join("doors", id="again")["members"]] == ["newer"]
    assert newer.expect("someone_joined")["peerId"] == "again"


def test_leaving_a_room_one_is_not_in_changes_nothing(pair):
    older, newer = pair
    meet(older, newer, "kept")
    assert older.leave("never joined") == []
    assert newer.up_to_pong() == []
    assert older.request({"action": "broadcast", "roomId": "kept", "payload": {}}) == []


def test_joining_twice_is_acknowledged_and_announces_nothing(pair):
    older, newer = pair
    meet(older, newer, "twice")
    assert newer.request({
        "action": "join-room", "roomId": "twice", "name": "Renamed", "id": "other"}) == []
    assert older.up_to_pong() == []


def test_other_members_are_ignored(application):
    with connect(application) as peer:
        peer.say('{"action":"ping","session":7,"future":{"a":1}}')
        peer.expect("pong")


# Refusals

LONG = "x" * 257


@pytest.mark.parametrize(("message", "action"), [
    ({}, None), ({"action": None}, None), ({"action": 7}, None), ({"action": {}}, None),
    ({"action": "join-room", "name": "n"}, "join-room"),
    ({"action": "join-room", "roomId": "", "name": "n"}, "join-room"),
    ({"action": "join-room", "roomId": 7, "name": "n"}, "join-room"),
    ({"action": "join-room", "roomId": LONG, "name": "n"}, "join-room"),
    ({"action": "join-room", "roomId": "r", "name": "n", "id": ""}, "join-room"),
    ({"action": "join-room", "roomId": "r", "name": "n", "id": None}, "join-room"),
    ({"action": "join-room", "roomId": "r", "name": "n", "id": LONG}, "join-room"),
    ({"action": "join-room", "roomId": "r"}, "join-room"),
    ({"action": "join-room", "roomId": "r", "name": None}, "join-room"),
    ({"action": "join-room", "roomId": "r", "name": ""}, "join-room"),
    ({"action": "join-room", "roomId": "r", "name": LONG}, "join-room"),
    ({"action": "send-payload", "payload": {}}, "send-payload"),
    ({"action": "send-payload", "target": 7, "payload": {}}, "send-payload"),
    ({"action": "send-payload", "target": "0" * 16}, "send-payload"),
    ({"action": "send-payload", "target": "0" * 16, "payload": []}, "send-payload"),
    ({"action": "send-payload", "target": "0" * 16, "payload": {"type": 7}}, "send-payload"),
    ({"action": "send-payload", "target": "0" * 16, "payload": {"type": "ack"}}, "send-payload"),
    ({"action": "send-payload", "target": "0" * 16, "payload": {"type": "usher.closing"}},
     "send-payload"),
    ({"action": "leave-room"}, "leave-room"),
    ({"action": "leave-room", "roomId": ""}, "leave-room"),
    ({"action": "broadcast", "payload": {}}, "broadcast"),
    ({"action": "broadcast", "roomId": "r"}, "broadcast"),
    ({"action": "broadcast", "roomId": "r", "payload": None}, "broadcast"),
    ({"action": "broadcast", "roomId": "r", "payload": {"type": "welcome"}}, "broadcast"),
    ({"action": "broadcast", "roomId": "r", "payload": {"type": "usher.closing"}}, "broadcast"),
    ({"action": "refresh-token"}, "refresh-token"),
    ({"action": "refresh-token", "token": 7}, "refresh-token"),
    ({"action": "refresh-token", "token": ""}, "refresh-token"),
    ({"action": "resume", "session": "x" * 22}, "resume"),
    ({"action": "resume", "seq": 1}, "resume"),
    ({"action": "resume", "session": "x" * 22, "seq": -1}, "resume"),
    ({"action": "resume", "session": "x" * 22, "seq": "1"}, "resume"),
], ids=range(36))
def test_what_breaks_a_schema_is_a_bad_request_and_the_connection_stays(
        application, message, action):
    with connect(application) as peer:
        peer.say({**message, "ack": 5}, is_valid=False)
        data = peer.expect("error")
        assert data.pop("message")
        assert data == {"code": "bad_request", "action": action, "ack": 5}
        peer.join("still here")


@pytest.mark.parametrize(("message", "member"), [
    ({"action": 7}, "action"), ({"action": "ping", "ack": 1.5}, "ack"),
    ({"action": "join-room", "name": "n"}, "roomId"),
    ({"action": "join-room", "roomId": "r", "name": "n", "id": ""}, "id"),
    ({"action": "join-room", "roomId": "r", "name": LONG}, "name"),
    ({"action": "send-payload", "target": 7, "payload": {}}, "target"),
    ({"action": "send-payload", "target": "0" * 16, "payload": []}, "payload"),
    ({"action": "broadcast", "roomId": "r", "payload": {"type": "welcome"}}, "payload.type"),
    ({"action": "refresh-token", "token": ""}, "token"),
    ({"action": "resume", "session": "x" * 22, "seq": -1}, "seq"),
], ids=lambda value: value if isinstance(value, str) else "")
def test_a_bad_request_says_which_member_is_at_fault(application, message, member):
    with connect(application) as peer:
        peer.say(message, is_valid=False)
        assert peer.expect("error")["message"].split(":")[0] == member


@pytest.mark.parametrize("ack", ["null", "true", "1.5", "1e3", '""', f'"{LONG}"', "{}", "[1]",
                                 str(2**53 + 1), "12345678901234567890123"])
def test_an_ack_that_is_none_is_a_bad_request(application, ack):
    with connect(application) as peer:
        peer.say(f'{{"action":"join-room","roomId":"r","name":"n","ack":{ack}}}')
        data = peer.expect("error")
        assert (data["code"], data["action"], data["ack"]) == ("bad_request", "join-room", None)


@pytest.mark.parametrize("text", [
    '{"action":"ping","ack":1,"ack":2}', '{"action":"ping","action":"ping"}',
    json.dumps({f"m{number}": 0 for number in range(257)}),
    '{"a":' + '{"a":' * 40 + "1" + "}" * 41,
], ids=["same ack", "same action", "many members", "deep"])
def test_json_that_breaks_a_rule_of_ours_is_a_bad_request(application, text):
    with connect(application) as peer:
        peer.say(text)
        assert peer.expect("error")["code"] == "bad_request"


def test_an_unknown_action_is_named_unless_it_is_long(application):
    with connect(application) as peer:
        for action, shown in (("frobnicate", "frobnicate"), ("x" * 64, "x" * 64), ("x" * 65, None)):
            peer.say({"action": action, "ack": 1}, is_valid=False)
            data = peer.expect("error")
            assert (data["code"], data["action"]) == ("unknown_action", shown)


def test_targets_outside_ones_rooms_are_unknown(application, pair):
    older, newer = pair
    meet(older, newer, "inside")
    with connect(application) as outsider, peers.connect(application) as classic:
        outsider.join("outside")
        classic.join("inside", id="classic")
        target = older.expect("someone_joined")["connectionId"]
        newer.expect("someone_joined")
        for unknown in (older.connection, target, "f" * 16):
            assert outsider.refused({"action": "send-payload", "target": unknown,
                                     "payload": {"type": "offer"}}) == "unknown_target"
        assert outsider.refused({"action": "broadcast", "roomId": "inside",
                                 "payload": {"type": "chat"}}) == "unknown_target"
        assert older.up_to_pong() == newer.up_to_pong() == []
        classic.close()
        assert older.expect("someone_left")["reason"] == "closed"
        assert older.refused({"action": "send-payload", "target": target,
                              "payload": {"type": "offer"}}) == "unknown_target"


def test_rooms_that_the_token_does_not_grant_are_forbidden(application):
    with connect(application, application.token(rooms="team-* desk")) as peer:
        assert peer.refused({"action": "join-room", "roomId": "team", "name": "n"}) == (
            "room_forbidden")
        peer.join("team-1")
        peer.join("desk")


@pytest.fixture(scope="module")
def tight(home):
    """A client of a home with small limits."""
    small = homes.open_home(
        home.kind, "--max-rooms", "2", "--max-members", "2", "--max-message-bytes", "2000",
        "--max-connections-per-address", "0")
    yield small.application("Limited")
    assert small.stop() == 0


def test_rooms_and_members_are_limited_and_the_limits_are_told(tight):
    with connected(tight, 3) as (one, two, three):
        assert one.welcome["limits"]["maxRooms"] == 2
        assert one.welcome["limits"]["maxMessageBytes"] == 2000
        one.join("a", id="one")
        one.join("b", id="one")
        assert one.refused({"action": "join-room", "roomId": "c", "name": "n"}) == "too_many_rooms"
        two.join("a", id="two")
        assert three.refused({"action": "join-room", "roomId": "a", "name": "n"}) == "room_full"
        one.leave("a")
        three.join("a", id="three")
        one.join("c", id="one")


def test_a_message_over_the_limit_closes_with_1009_for_good(tight):
    with connected(tight, 2) as (breaks, stays):
        breaks.join("big", id="a")
        stays.join("big", id="b")
        breaks.send_text('{"action":"ping","filler":"' + "x" * 2000 + '"}')
        assert breaks.end()[0] == 1009
        assert stays.expect("someone_left")["reason"] == "closed"


@pytest.mark.parametrize(("send", "code"), [
    (lambda peer: peer.send_text("[1]"), 1007), (lambda peer: peer.send_text('{"action":'), 1007),
    pytest.param(lambda peer: peer.send_frame(0x1, b"\xff"), 1007, marks=OWN_FRAMES),
    pytest.param(lambda peer: peer.send_frame(BINARY, b"{}"), 1003, marks=OWN_FRAMES),
    pytest.param(lambda peer: peer.send_frame(0x1, b"{}", masked=False), 1002, marks=OWN_FRAMES),
], ids=["array", "half", "not UTF-8", "binary", "unmasked"])
def test_who_breaks_the_rules_of_the_wire_is_closed_for_good(pair, send, code):
    older, newer = pair
    meet(older, newer, "wire")
    send(newer)
    assert newer.end()[0] == code
    assert older.expect("someone_left") == {
        "roomId": "wire", "connectionId": newer.connection, "peerId": "newer", "reason": "closed"}
