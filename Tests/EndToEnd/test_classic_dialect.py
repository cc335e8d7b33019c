"""The classic dialect, rule by rule: the contract with clients already deployed."""

import json

import pytest

from support.peers import connect, first_to_join, introduce, meet
from support.waiting import eventually

pytestmark = pytest.mark.homes


@pytest.fixture
def pair(application):
    """Two peers of one client, in no room yet."""
    with connect(application) as older, connect(application) as newer:
        older.home.settle()  # Those of the test before may not have left yet.
        yield older, newer


def marked(sender, receiver, target):
    """Sends a marker and returns what the receiver got up to it: all that came before."""
    sender.home.settle()
    sender.send(target, {"type": "marker"})
    events = []
    while (event := receiver.receive()).type != "marker":
        events.append(event)
    return events


def test_the_first_is_told_so_and_the_others_learn_of_the_newcomer(pair):
    older, newer = pair
    older.join("room-a", id="ann", name="Ann")
    assert older.expect("first_to_join") == {"roomId": "room-a"}
    newer.join("room-a", id="bob", name="Bob")
    data = older.expect("someone_joined")
    connection = data.pop("connectionId")
    assert connection and isinstance(connection, str)
    assert data == {"peerId": "bob", "offererId": "bob", "name": "Bob", "sdp": None, "ownId": "ann"}


def test_sdp_is_carried_through_as_it_is(pair):
    older, newer = pair
    older.join("room-b", id="ann")
    older.expect("first_to_join")
    sdp = '{"type":"offer","sdp":"v=0\\r\\n\\u00e9","n":1.0e+2}'
    newer.say(f'{{"action":"join-room","roomId":"room-b","id":"bob","sdp":{sdp}}}')
    event = older.receive()
    assert f'"sdp":{sdp}' in event.raw
    assert event.data["name"] is None


def test_without_an_id_the_connection_id_stands_in(pair):
    older, newer = pair
    older.join("room-c")
    older.expect("first_to_join")
    newer.join("room-c")
    data = older.expect("someone_joined")
    assert data["peerId"] == data["offererId"] == data["connectionId"]
    assert data["ownId"] == introduce(older, newer, data["connectionId"])


@pytest.mark.parametrize("members", ['"type":"offer","offer":{"type":"offer","sdp":"v=0\\r\\n"}',
                                     '"type":"x","b":1.0e+2,"a":[null,true,{"z":"\\u00e9\\/"}]',
                                     '"b":-0,"type":"ice_candidate","ice":null,"offererId":"ann"'])
def test_payload_members_arrive_in_order_and_byte_for_byte(pair, members):
    older, newer = pair
    sender, target = meet(older, newer, "room-d")
    older.say(f'{{"action":"send-payload","target":"{target}","payload":{{{members}}}}}')
    kind = json.loads(f"{{{members}}}")["type"]
    raw = newer.receive().raw
    assert raw == f'{{"type":"{kind}","data":{{"connectionId":"{sender}",{members}}}}}'


def test_a_payload_without_a_type_is_delivered_as_payload(pair):
    older, newer = pair
    sender, target = meet(older, newer, "room-e")
    older.send(target, {"anything": [1]})
    assert newer.expect("payload") == {"connectionId": sender, "anything": [1]}
    older.send(target, {})
    assert newer.expect("payload") == {"connectionId": sender}


@pytest.mark.parametrize("name", ["connectionId", "connection\\u0049d", "\\u0063onnectionId"])
def test_a_sender_cannot_spoof_its_connection_id(pair, name):
    older, newer = pair
    sender, target = meet(older, newer, "room-f")
    older.say(f'{{"action":"send-payload","target":"{target}",'
              f'"payload":{{"type":"offer","{name}":"{target}","a":1}}}}')
    raw = newer.receive().raw
    assert raw == f'{{"type":"offer","data":{{"connectionId":"{sender}","type":"offer","a":1}}}}'


@pytest.mark.parametrize("kind", [
    "first_to_join", "someone_joined", "welcome", "room_state", "resumed", "someone_left",
    "token_expiring", "error", "draining", "ack", "pong", "usher.closing",
    7, None, ["offer"], {"a": 1}, True,
])
def test_a_peer_cannot_speak_as_the_server(pair, kind):
    older, newer = pair
    # A room of its own for each, since those of the test before may just be leaving theirs.
    room = f"room-g-{kind}"
    _, target = meet(older, newer, room)
    older.send(target, {"type": kind, "roomId": room}, is_valid=False)
    assert marked(older, newer, target) == []


def test_an_escaped_type_is_no_way_around_it(pair):
    older, newer = pair
    _, target = meet(older, newer, "room-g")
    older.say(f'{{"action":"send-payload","target":"{target}",'
              '"payload":{"t\\u0079pe":"first_to_\\u006aoin"}}')
    assert marked(older, newer, target) == []


def test_a_target_outside_the_senders_rooms_is_not_reached(application, pair):
    older, newer = pair
    with connect(application) as outsider:
        sender, target = meet(older, newer, "room-h")
        outsider.send(target, {"type": "offer"})  # From no room at all,
        outsider.join("room-i", id="outsider")
        outsider.expect("first_to_join")
        outsider.send(target, {"type": "offer"})  # from another room,
        outsider.send("no-such-connection", {"type": "offer"}, is_valid=False)
        outsider.send(sender + "0", {"type": "offer"}, is_valid=False)
        with connect(application) as friend:
            friend.join("room-i", id="friend")
            outsider.expect("someone_joined")
        assert marked(older, newer, target) == []


def test_rooms_of_other_clients_are_other_rooms(home, application):
    stranger = home.application("Stranger")
    with connect(application) as mine, connect(stranger) as theirs, connect(application) as friend:
        mine.join("lobby-of-two", id="a")
        assert mine.expect("first_to_join") == {"roomId": "lobby-of-two"}
        theirs.join("lobby-of-two", id="a")
        assert theirs.expect("first_to_join") == {"roomId": "lobby-of-two"}
        friend.join("lobby-of-two", id="b")
        target = mine.expect("someone_joined")["connectionId"]
        theirs.send(target, {"type": "offer", "from": "stranger"})
        theirs.settle()
        assert marked(mine, friend, target) == []


def test_only_granted_rooms_can_be_joined(application):
    token = application.token(rooms="team-* desk")
    with connect(application) as owner, connect(application, token) as guest:
        owner.join("secret", id="owner")
        owner.expect("first_to_join")
        for room in ("secret", "team", "desk2", "Desk", "*"):
            guest.join(room, id="guest")
        guest.join("team-1", id="guest")
        assert guest.expect("first_to_join") == {"roomId": "team-1"}
        guest.join("desk", id="guest")
        assert guest.expect("first_to_join") == {"roomId": "desk"}
        with connect(application) as friend:
            friend.join("secret", id="friend")
            assert owner.expect("someone_joined")["peerId"] == "friend"


def test_joining_twice_changes_and_announces_nothing(pair):
    older, newer = pair
    _, target = meet(older, newer, "room-j")
    newer.join("room-j", id="renamed", name="Renamed")
    older.join("room-j", id="older")
    newer.join("room-j-2", id="newer")
    newer.expect("first_to_join")
    assert marked(older, newer, target) == []
    newer.drop()
    older.join("room-j-3", id="older")
    assert older.expect("first_to_join") == {"roomId": "room-j-3"}


def test_a_connection_may_be_in_several_rooms(application, pair):
    older, newer = pair
    meet(older, newer, "room-k-1")
    meet(older, newer, "room-k-2")
    with connect(application) as third:
        third.join("room-k-2", id="third")
        for peer in pair:
            assert peer.expect("someone_joined")["peerId"] == "third"


def test_the_tokens_name_overrides_the_joins(application):
    token = application.token(subject="ann", name="Ann from the token")
    with connect(application) as older, connect(application, token) as newer:
        older.join("room-l", id="older")
        older.expect("first_to_join")
        newer.join("room-l", id="newer", name="Somebody else")
        assert older.expect("someone_joined")["name"] == "Ann from the token"


@pytest.mark.parametrize("join", [
    {"id": "b"}, {"id": "b", "name": None}, {"id": "b", "name": ""}, {"id": "b" * 256},
    {"id": "é" * 128, "name": "n" * 256},
])
def test_names_may_be_missing_null_or_empty_and_ids_256_bytes_long(pair, join):
    older, newer = pair
    older.join("room-m", id="older")
    older.expect("first_to_join")
    newer.join("room-m", **join)
    data = older.expect("someone_joined")
    assert data["peerId"] == join["id"]
    assert data["name"] == join.get("name")


@pytest.mark.parametrize("message", [
    "{}", '{"action":null}', '{"action":"frobnicate"}', '{"action":["join-room"]}',
    '{"action":"join-room"}', '{"action":"join-room","roomId":""}',
    '{"action":"join-room","roomId":7}', '{"action":"join-room","roomId":null,"id":"x"}',
    '{"action":"join-room","roomId":"ok","id":""}', '{"action":"join-room","roomId":"ok","id":7}',
    '{"action":"join-room","roomId":"ok","name":{}}',
    json.dumps({"action": "join-room", "roomId": "r" * 257}),
    json.dumps({"action": "join-room", "roomId": "ok", "id": "i" * 257}),
    json.dumps({"action": "join-room", "roomId": "ok", "name": "n" * 257}),
    '{"action":"send-payload"}', '{"action":"send-payload","target":"TARGET"}',
    '{"action":"send-payload","target":"TARGET","payload":null}',
    '{"action":"send-payload","target":"TARGET","payload":[]}',
    '{"action":"send-payload","target":"TARGET","payload":"offer"}',
    '{"action":"send-payload","target":7,"payload":{}}',
    '{"action":"send-payload","target":"","payload":{}}',
    '{"action":"leave-room","roomId":"room-n"}',
    '{"action":"broadcast","roomId":"room-n","payload":{}}', '{"action":"ping"}',
], ids=range(24))
def test_a_bad_request_is_answered_with_nothing_and_the_connection_stays(pair, message):
    older, newer = pair
    _, target = meet(older, newer, "room-n")
    older.say(message.replace("TARGET", target))
    assert marked(older, newer, target) == []


@pytest.mark.needs("an order of classic")
def test_messages_arrive_in_the_order_they_were_sent(application):
    with connect(application) as one, connect(application) as two, connect(application) as target:
        target.join("room-o", id="target")
        target.expect("first_to_join")
        one.join("room-o", id="one")
        connections = {target.expect("someone_joined")["connectionId"]: one}
        address = introduce(target, one, *connections)
        two.join("room-o", id="two")
        one.expect("someone_joined")
        connections[target.expect("someone_joined")["connectionId"]] = two
        for number in range(500):
            one.send(address, {"type": "offer", "number": number})
            two.send(address, {"type": "offer", "number": number, "filler": "x" * (number * 7)})
        received = {connection: [] for connection in connections}
        for _ in range(1000):
            data = target.expect("offer")
            received[data["connectionId"]].append(data["number"])
        assert all(numbers == list(range(500)) for numbers in received.values())


def test_two_peers_with_one_id_both_stay(application, pair):
    older, newer = pair
    meet(older, newer, "room-p", older_id="twin", newer_id="twin")
    with connect(application) as third:
        third.join("room-p", id="third")
        assert [peer.expect("someone_joined")["ownId"] for peer in pair] == ["twin", "twin"]


@pytest.mark.needs("its own pings")
def test_a_dead_peer_is_dropped_when_its_id_comes_back(application, pair):
    older, newer = pair
    older.answers_pings = False
    older.join("room-q", id="twin")
    older.expect("first_to_join")
    newer.join("room-q", id="twin")
    older.expect("someone_joined")
    code, _ = older.closing(within=8)
    assert (code, older.pings >= 1) == (4408, True)


def test_leaving_by_any_close_empties_the_room(application):
    for number, leave in enumerate(("close", "drop", "reset")):
        room = f"room-r-{number}"
        peer = connect(application)
        peer.join(room, id="a")
        peer.expect("first_to_join")
        getattr(peer, leave)()
        eventually(lambda: first_to_join(application, room), f"{leave} leaves no ghost", within=5)
