"""Frames by RFC 6455 and the close codes of docs/protocol.md."""

import struct

import pytest

from support.peers import connect, meet
from support.websocket import BINARY, CLOSE, PING, TEXT, Closed, frame

JOIN = b'{"action":"join-room","roomId":"frames","id":"a"}'


@pytest.fixture
def peer(application):
    with connect(application) as one:
        yield one


@pytest.mark.parametrize("data, code", [
    (frame(BINARY, b"x"), 1003),
    (frame(BINARY, b""), 1003),
    (frame(TEXT, b"\xff"), 1007),
    (frame(TEXT, b"\xed\xa0\x80"), 1007),
    (frame(TEXT, b'{"a":"\xc0\xaf"}'), 1007),
    (frame(TEXT, b"no JSON"), 1007),
    (frame(TEXT, b""), 1007),
    (frame(TEXT, b"[]"), 1007),
    (frame(TEXT, b"null"), 1007),
    (frame(TEXT, b'{"a":1'), 1007),
    (frame(TEXT, b'{"a":1} {}'), 1007),
    (frame(TEXT, b"[" * 100_000), 1007),
    (frame(TEXT, JOIN, masked=False), 1002),
    (frame(TEXT, JOIN, reserved=4), 1002),
    (frame(TEXT, JOIN, reserved=1), 1002),
    (frame(0x3, b""), 1002),
    (frame(0xB, b""), 1002),
    (frame(0x0, b"continues nothing"), 1002),
    (frame(TEXT, b"{", fin=False) + frame(TEXT, b"}"), 1002),
    (frame(PING, b"x" * 126), 1002),
    (frame(PING, b"x", fin=False), 1002),
    (frame(CLOSE, b"x"), 1002),
    (frame(CLOSE, struct.pack("!H", 1005)), 1002),
    (frame(CLOSE, struct.pack("!H", 1006)), 1002),
    (frame(CLOSE, struct.pack("!H", 999)), 1002),
    (frame(CLOSE, struct.pack("!H", 5000)), 1002),
    (frame(CLOSE, struct.pack("!H", 1000) + b"\xff"), 1007),
    (frame(TEXT, b"x" * 131_073), 1009),
    (frame(TEXT, claimed_length=2**40), 1009),
    (frame(TEXT, claimed_length=2**63), 1002),
    (frame(TEXT, b"x" * 70_000, fin=False) + frame(0x0, b"x" * 70_000), 1009),
], ids=range(31))
def test_a_bad_frame_is_closed_with_its_code(peer, data, code):
    peer.send_bytes(data)
    assert peer.closing() == (code, [])


def test_a_length_in_more_bytes_than_it_needs_is_refused_or_read(peer):
    mask = b"\0\0\0\0"
    peer.send_bytes(bytes([0x81, 0x80 | 126]) + struct.pack("!H", len(JOIN)) + mask + JOIN)
    try:
        assert peer.receive().type == "first_to_join"
    except Closed as closed:
        assert closed.code == 1002


def test_a_message_of_just_the_limit_is_taken(application):
    with connect(application) as older, connect(application) as newer:
        _, target = meet(older, newer, "limit")
        head = f'{{"action":"send-payload","target":"{target}","payload":{{"a":"'
        older.send_text(head + "x" * (131_072 - len(head) - 3) + '"}}')
        assert len(newer.expect("payload")["a"]) == 131_072 - len(head) - 3


def test_fragments_are_put_together_around_control_frames(peer):
    for data in (frame(TEXT, JOIN[:7], fin=False), frame(PING, b"between"),
                 frame(0x0, b"", fin=False), frame(0x0, JOIN[7:20], fin=False),
                 frame(0x0, JOIN[20:])):
        peer.send_bytes(data)
    assert peer.receive_pong() == b"between"
    assert peer.expect("first_to_join") == {"roomId": "frames"}


def test_a_letter_split_between_fragments_is_whole_again(application):
    with connect(application) as older, connect(application) as newer:
        older.join("split", id="older")
        older.expect("first_to_join")
        text = '{"action":"join-room","roomId":"split","id":"Ø€😀"}'.encode()
        for at in range(len(text)):
            newer.send_frame(TEXT if at == 0 else 0x0, text[at:at + 1], fin=at == len(text) - 1)
        assert older.expect("someone_joined")["peerId"] == "Ø€😀"


def test_bytes_may_trickle_in(peer):
    for byte in frame(TEXT, JOIN):
        peer.send_bytes(bytes([byte]))
    peer.expect("first_to_join")


def test_many_frames_may_come_in_one_packet(peer):
    peer.send_bytes(b"".join(
        frame(TEXT, f'{{"action":"join-room","roomId":"many-{n}"}}'.encode()) for n in range(10)))
    assert [peer.expect("first_to_join")["roomId"] for _ in range(10)] == [
        f"many-{n}" for n in range(10)]


@pytest.mark.parametrize("payload", [b"", b"x" * 125, b"\x00\xff"])
def test_a_ping_is_answered_with_its_payload(peer, payload):
    peer.send_frame(PING, payload)
    assert peer.receive_pong() == payload


def test_an_unasked_pong_is_ignored(peer):
    peer.send_frame(0xA, b"unasked")
    peer.join("pong", id="a")
    peer.expect("first_to_join")


@pytest.mark.parametrize("code", [1000, 1001, 1011, 3000, 4999])
def test_a_close_is_echoed(application, code):
    assert connect(application).close(code) == (code, [])


def test_a_close_without_a_code_is_answered(application):
    with connect(application) as one:
        one.send_frame(CLOSE)
        assert one.closing()[0] in (None, 1000)


def test_frames_after_a_close_are_ignored(application):
    with connect(application) as one:
        one.send_bytes(frame(CLOSE, struct.pack("!H", 1000)) + frame(TEXT, JOIN))
        assert one.closing() == (1000, [])


def test_an_independent_client_library_gets_along(application):
    from websockets.sync.client import connect as library_connect
    url = application.server.websocket_url + "/?token=" + application.token()
    with library_connect(url, proxy=None) as socket:
        assert socket.ping().wait(5)
        socket.send(['{"action":"join', '-room","roomId":"library"}'])
        assert "first_to_join" in socket.recv(timeout=5)
