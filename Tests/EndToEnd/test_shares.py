"""Budgets that clients share: whoever holds most gives way, and nobody who holds less."""

import json

import pytest

from support import chance, http, peers, prometheus
from support.v1 import connect, meet, resumed
from support.waiting import eventually
from support.websocket import Closed, Refused

# Nobody comes back within the test but those who are told to.
PATIENT = ("--resume-grace-seconds", "300", "--max-connections-per-address", "0")


def metric(server, name, **labels):
    text = http.get(server.relay_operator, "/metrics").body.decode()
    return prometheus.parse(text)[name].value(**labels)


def away(peer):
    """Breaks the connection; its session stays."""
    peer.drop()
    return peer


# What is kept for those who are away

def test_events_for_ghosts_of_one_client_take_nothing_from_another(start):
    """1.2 MB, sent to rooms full of ghosts, is 75 MB to keep: more than there is for all."""
    server = start(*PATIENT)
    honest, hostile = server.application("Honest"), server.application("Hostile")
    token = hostile.token()
    with connect(honest) as stays, connect(hostile, token) as sender:
        goes = connect(honest)
        meet(stays, goes, "lobby")
        away(goes)
        for room in range(5):
            sender.join(f"ghosts-{room}", id="sender")
            for ghost in range(63):
                peer = connect(hostile, token)
                peer.join(f"ghosts-{room}", id=f"ghost-{ghost}")
                away(peer)
        eventually(lambda: metric(server, "usher_sessions_away") == 316, "all ghosts are away")
        for room in range(5):
            for _ in range(2):
                sender.request({
                    "action": "broadcast", "roomId": f"ghosts-{room}",
                    "payload": {"type": "x", "filler": "x" * 120_000}})
        for number in range(12):
            stays.request({
                "action": "send-payload", "target": goes.connection,
                "payload": {"type": "offer", "number": number, "filler": "x" * 20_000}})
        again, replay = resumed(honest, goes)
        with again:
            assert [event.data["number"] for event in replay] == list(range(12))
        ended = metric(server, "usher_sessions_away_ended_total", short_of="client-bytes")
        assert ended > 100
        assert metric(server, "usher_sessions_away_ended_total", short_of="bytes") == 0


# Places

def reconnect(application, token):
    """Connects as soon as the server has noticed that a connection is gone."""
    def tried():
        try:
            return connect(application, token)
        except Refused as refused:
            assert refused.response.status == 429
            return None
    return eventually(tried, "a place becomes free")


def test_ghosts_of_a_subject_do_not_fill_a_room(start):
    server = start(*PATIENT, "--max-connections-per-subject", "2")
    application = server.application()
    token = application.token(subject="eve")
    for ghost in range(64):
        peer = reconnect(application, token)
        peer.join("lobby", id=f"ghost-{ghost}")
        away(peer)
    with connect(application, application.token(subject="ann")) as peer:
        state = peer.join("lobby", id="ann")
        assert len(state["members"]) <= 2
    ended = metric(server, "usher_sessions_away_ended_total", short_of="connections")
    assert ended >= 61


def test_a_reload_at_the_limit_comes_in_and_finds_its_session(start):
    server = start(*PATIENT, "--max-connections-per-subject", "1")
    application = server.application()
    token = application.token(subject="ann")
    with connect(application, application.token(subject="bob")) as bob:
        bob.join("lobby", id="bob")
        peer = connect(application, token)
        peer.join("lobby", id="ann")
        bob.expect("someone_joined")
        for _ in range(5):
            lost = away(peer)
            peer = reconnect(application, token)
            peer.resume(lost)
            peer.room_states(1)
        assert bob.up_to_pong() == []
        # One that remembers nothing takes the place of the session it left.
        away(peer)
        fresh = reconnect(application, token)
        state = fresh.join("lobby", id="ann-again")
        assert [member["peerId"] for member in state["members"]] == ["bob"]
        assert bob.expect("someone_left")["reason"] == "lost"
        fresh.finish()


# What waits to be sent

FILLER = "x" * 120_000


def fill(sender, target, count):
    for number in range(count):
        sender.send(target, {"type": "offer", "number": number, "filler": FILLER})


def readers(application, room, count):
    """A sender, and some who don't read; returns their ids as well."""
    sender = peers.connect(application)
    sender.join(room, id="sender")
    sender.expect("first_to_join")
    slow, targets = [], []
    for number in range(count):
        peer = peers.connect(application, receive_buffer=4096)
        peer.join(room, id=f"slow-{number}")
        targets.append(sender.expect("someone_joined")["connectionId"])
        slow.append(peer)
    return sender, slow, targets


def settled(sender):
    sender.send_frame(0x9, b"through")
    assert sender.receive_pong() == b"through"


def offers(peer, count):
    """Reads on until so many offers have come; what comes before them is of no interest."""
    numbers = []
    while len(numbers) < count:
        event = peer.receive()
        numbers += [event.data["number"]] if event.type == "offer" else []
    return numbers


@pytest.mark.one_process("a proxy holds back what the reader is too slow for")
@pytest.mark.parametrize("flags, short_of", [
    (("--max-outbound-bytes-per-client", "12000000"), "client-bytes"),
    (("--max-outbound-bytes-per-client", "0", "--max-outbound-bytes-in-all", "16000000"),
     "bytes"),
])
def test_readers_of_one_client_that_are_too_slow_take_nothing_from_another(
        start, flags, short_of):
    server = start("--max-outbound-bytes", "0", *flags)
    honest, hostile = server.application("Honest"), server.application("Hostile")
    friend, (patient,), (target,) = readers(honest, "lobby", 1)
    fill(friend, target, 50)
    settled(friend)
    sender, slow, targets = readers(hostile, "lobby", 8)
    for one in targets:
        fill(sender, one, 60)
        settled(sender)
    closed = eventually(
        lambda: metric(server, "usher_overload_closes_total", short_of=short_of),
        "some are closed")
    assert closed < len(slow)
    assert metric(server, "usher_outbound_queue_bytes") < 20_000_000
    assert offers(patient, 50) == list(range(50))
    codes = []
    for peer in slow:
        try:
            offers(peer, 60)
        except Closed as end:
            codes.append(end.code)
    assert closed <= len(codes) < len(slow)
    assert set(codes) <= {1013, None}  # Who reads nothing for long does not read this either.
    for peer in [friend, patient, sender, *slow]:
        peer.drop()


@pytest.mark.one_process("a proxy holds back what comes slowly")
def test_messages_that_come_in_part_count_as_well(start):
    """Nine tenths of a message, and then silence, on many connections."""
    server = start("--max-outbound-bytes-per-client", "2000000")
    honest, hostile = server.application("Honest"), server.application("Hostile")
    message = json.dumps({"action": "frobnicate", "filler": FILLER}).encode()
    length = len(message).to_bytes(8, "big")
    mask = chance.of("a mask").randbytes(4)
    masked = bytes(byte ^ mask[place % 4] for place, byte in enumerate(message))
    whole = b"\x81\xff" + length + mask + masked
    patient = peers.connect(honest)
    patient.send_bytes(whole[:100_000])
    trickling = [peers.connect(hostile) for _ in range(40)]
    for peer in trickling:
        peer.send_bytes(whole[:100_000])
    eventually(lambda: metric(
        server, "usher_overload_closes_total", short_of="client-bytes") >= 20, "some are closed")
    patient.send_bytes(whole[100_000:])
    settled(patient)
    for peer in [patient, *trickling]:
        peer.drop()
