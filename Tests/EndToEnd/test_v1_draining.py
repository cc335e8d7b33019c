"""A server that stops, and one that is started in its place (docs/protocol.md §3, §4)."""

import signal
import threading
import time
import urllib.parse

import pytest

from support import chance, peers
from support.peers import attempt, query
from support.v1 import connect, connected
from support.websocket import Closed

ROOMY = ["--max-connections-per-address", "0", "--messages-per-second", "0"]


def terminate(server):
    assert server.process.poll() is None
    server.process.send_signal(signal.SIGTERM)


def draining(peer):
    """Reads up to the end; returns the window that was told, and the events before it."""
    code, events = peer.end()
    assert code == 1012
    kinds = [event.type for event in events]
    assert kinds.count("draining") == 1
    at = kinds.index("draining")
    return events[at].data["reconnectWithinSeconds"], events[:at] + events[at + 1:]


def test_v1_is_told_before_the_close_and_classic_is_closed_alike(start):
    server = start(*ROOMY)
    application = server.application()
    with connected(application, 2) as (one, idle), peers.connect(application) as old:
        one.join("stopping", id="one")
        old.join("stopping", id="old")
        one.expect("someone_joined")
        old.send(one.connection, {"type": "greeting"})
        terminate(server)
        window, events = draining(one)
        assert window >= 1
        assert [event.type for event in events] == ["greeting"]
        assert draining(idle) == (window, [])
        assert old.closing() == (1012, [])
    assert server.stop() == 0


@pytest.mark.one_process("a proxy holds back what the reader is too slow for")
def test_new_connections_are_turned_away_while_the_rest_is_delivered(start):
    """One that reads slowly keeps the server; meanwhile newcomers get 503 with Retry-After."""
    server = start(*ROOMY, "--drain-seconds", "8", "--max-outbound-bytes", "0",
                   "--resume-bytes", "0", "--resume-events", "0")
    application = server.application()
    token = application.token()
    with connect(application) as sender, connect(application, receive_buffer=4096) as slow:
        sender.join("slow", id="sender")
        slow.join("slow", id="slow")
        sender.expect("someone_joined")
        for number in range(100):  # 10 MB, far more than the system's buffers hold.
            sender.request({"action": "send-payload", "target": slow.connection,
                            "payload": {"type": "offer", "n": number, "filler": "x" * 100_000}})
        terminate(server)
        answer = None
        for _ in range(50):
            try:
                answer = attempt(server, query(token))
            except (OSError, Closed):
                break
            if answer.status != 101:
                break
        assert answer is not None and answer.status == 503
        assert int(answer.header("Retry-After")) > 0
        numbers = []
        with pytest.raises(Closed) as closed:
            while True:
                event = slow.receive()
                numbers += [event.data["n"]] if event.type == "offer" else []
        assert numbers == list(range(100))
        assert closed.value.code == 1012
    assert server.stop() == 0


def test_every_acknowledged_message_arrives_under_load(start):
    """Ten pairs talk as fast as they can when the server is told to stop."""
    server = start(*ROOMY)
    application = server.application()
    token = application.token()
    sent, received = {}, {}
    with connected(application, 10, token=token) as senders, \
            connected(application, 10, token=token) as receivers:
        for pair, (sender, receiver) in enumerate(zip(senders, receivers)):
            sender.join(f"pair-{pair}", id="sender")
            receiver.join(f"pair-{pair}", id="receiver")
            sender.expect("someone_joined")

        def speak(pair):
            sender, target = senders[pair], receivers[pair].connection
            acknowledged = sent[pair] = []
            number = 0
            try:
                while True:
                    for _ in range(8):
                        sender.send(target, {"type": "offer", "n": number}, ack=number)
                        number += 1
                    while sender.waiting() or len(acknowledged) < number - 32:
                        event = sender.receive()
                        if event.type == "ack":
                            acknowledged.append(event.data["ack"])
            except (Closed, OSError):
                acknowledged += [event.data["ack"] for event in rest(sender) if event.type == "ack"]

        def listen(pair):
            received[pair] = [
                event.data["n"] for event in rest(receivers[pair]) if event.type == "offer"]

        threads = [threading.Thread(target=act, args=(pair,))
                   for pair in range(10) for act in (speak, listen)]
        for thread in threads:
            thread.start()
        time.sleep(2)  # The load is the test.
        terminate(server)
        for thread in threads:
            thread.join()
    for pair in range(10):
        assert received[pair] == list(range(len(received[pair])))
        assert sent[pair] == list(range(len(sent[pair])))
        assert 100 < len(sent[pair]) <= len(received[pair])
    assert server.stop() == 0


def rest(peer):
    """What comes until the connection ends."""
    try:
        return peer.end()[1]
    except OSError:
        return []


@pytest.mark.one_process("starts again on the same address")
@pytest.mark.parametrize("resumes", [True, False], ids=["resume", "forget their session"])
def test_clients_are_back_in_their_rooms_after_a_restart(start, resumes):
    server = start(*ROOMY)
    application = server.application()
    token = application.token()
    count = 40
    clients = [connect(application, token) for _ in range(count)]
    for number, peer in enumerate(clients):
        peer.join(f"room-{number % 4}", id=f"peer-{number}")
    address = urllib.parse.urlsplit(server.url).netloc
    terminate(server)
    window = {draining(peer)[0] for peer in clients}.pop()
    assert server.stop() == 0
    again = start(*ROOMY, data=server.data, listen=address)
    assert again.url == server.url
    began, back = time.monotonic(), []

    def come_back(number, lost):
        time.sleep(chance.of("comes back", number).uniform(0, min(window, 3)))
        peer = connect(application, token)
        if resumes:
            peer.resume(lost)
            (state,) = peer.room_states(1).values()
        else:
            state = peer.join(f"room-{number % 4}", id=f"peer-{number}")
        assert len(state["members"]) == count // 4 - 1
        back.append(peer)

    threads = [threading.Thread(target=come_back, args=(number, lost))
               for number, lost in enumerate(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(back) == count
    assert time.monotonic() - began < window + 5
    with connect(application, token) as visitor:
        for number in range(4):
            members = visitor.join(f"room-{number}", id="visitor")["members"]
            assert sorted(member["peerId"] for member in members) == sorted(
                f"peer-{peer}" for peer in range(count) if peer % 4 == number)
    for peer in back:
        peer.drop()


def test_a_server_without_peers_stops_at_once(start):
    server = start("--drain-seconds", "20")
    began = time.monotonic()
    assert server.stop() == 0
    assert time.monotonic() - began < 10
