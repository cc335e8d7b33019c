"""Many peers at once, and peers that end without a word."""

import json
import os
import select
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from support.peers import Event, connect, first_to_join
from support.waiting import eventually
from support.websocket import PONG

MANY = 50


def joined_at_once(application, room, count):
    """Connects all first, then lets them join from threads of their own at one moment."""
    token = application.token()
    peers = [connect(application, token) for _ in range(count)]
    gate = threading.Barrier(count)

    def join(number):
        gate.wait()
        peers[number].join(room, id=f"peer-{number}")

    threads = [threading.Thread(target=join, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return peers


def events_of(peers, total, within=20):
    """Receives `total` events in all, then closes and takes whatever else was on the way."""
    received = {number: [] for number in range(len(peers))}
    number_of = {peer.socket: number for number, peer in enumerate(peers)}
    deadline = time.monotonic() + within
    while sum(map(len, received.values())) < total and time.monotonic() < deadline:
        for ready in select.select(list(number_of), [], [], 0.2)[0]:
            number = number_of[ready]
            received[number].append(peers[number].receive())
            while peers[number].waiting():
                received[number].append(peers[number].receive())
    for number, peer in enumerate(peers):
        _, texts = peer.close()
        received[number] += [Event.parse(text) for text in texts]
    return received


def test_50_that_join_at_once_form_every_pair_exactly_once(application):
    for attempt in range(2):
        peers = joined_at_once(application, f"crowd-{attempt}", MANY)
        received = events_of(peers, total=1 + MANY * (MANY - 1) // 2)
        kinds = [event.type for events in received.values() for event in events]
        assert kinds.count("first_to_join") == 1
        assert kinds.count("someone_joined") == len(kinds) - 1
        pairs = [
            frozenset((f"peer-{number}", event.data["peerId"]))
            for number, events in received.items() for event in events
            if event.type == "someone_joined"
        ]
        assert len(pairs) == len(set(pairs)) == MANY * (MANY - 1) // 2
        assert all(event.data.get("ownId", f"peer-{number}") == f"peer-{number}"
                   for number, events in received.items() for event in events)


def test_a_room_that_fills_and_empties_without_pause_keeps_no_ghost(application):
    token = application.token()

    def come_and_go(number):
        for turn in range(20):
            peer = connect(application, token)
            peer.join("door", id=f"peer-{number}-{turn}")
            (peer.close, peer.drop, peer.reset)[turn % 3]()

    threads = [threading.Thread(target=come_and_go, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    eventually(lambda: first_to_join(application, "door"), "the room is empty")


def test_a_killed_process_leaves_no_ghost(application):
    holder = subprocess.Popen(
        [sys.executable, "-m", "support.holder"], cwd=Path(__file__).parent,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        json.dump({"url": application.server.url, "token": application.token(),
                   "room": "held", "count": 5}, holder.stdin)
        holder.stdin.write("\n")
        holder.stdin.flush()
        assert holder.stdout.readline() == "joined\n"
        assert not first_to_join(application, "held")
    finally:
        holder.kill()
        holder.communicate()
    eventually(lambda: first_to_join(application, "held"), "no ghost stays", within=5)


def test_a_reset_connection_leaves_no_ghost(application):
    with connect(application) as stays:
        for number in range(10):
            # A room for each: whoever looked into it may not have left yet.
            room = f"reset-{number}"
            peer = connect(application)
            peer.join(room, id="a")
            peer.expect("first_to_join")
            peer.reset()
            eventually(lambda: first_to_join(application, room), "no ghost stays", within=5)
        stays.join("elsewhere", id="b")
        stays.expect("first_to_join")


@pytest.fixture(scope="module")
def watchful():
    """A client of a server that pings every second."""
    from support.split import serve
    server = serve("--ping-interval-seconds", "1")
    yield server.application("Watched")
    assert server.stop() == 0


def test_a_silent_peer_is_closed_with_4408_and_leaves_no_ghost(watchful):
    with connect(watchful) as silent:
        silent.answers_pings = False
        silent.join("silent", id="a")
        silent.expect("first_to_join")
        assert silent.closing()[0] == 4408
        assert silent.pings >= 2
    eventually(lambda: first_to_join(watchful, "silent"), "no ghost stays", within=5)


def test_a_cut_line_leaves_no_ghost(watchful):
    """The socket vanishes without FIN or RST, as when a cable is pulled."""
    peer = connect(watchful)
    peer.join("cut", id="a")
    peer.expect("first_to_join")
    TCP_REPAIR = 19
    try:
        peer.socket.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR, 1)
    except (PermissionError, OSError):
        peer.drop()
        pytest.skip("cutting a line takes the right to administer the network")
    peer.drop()
    assert not first_to_join(watchful, "cut")
    eventually(lambda: first_to_join(watchful, "cut"), "no ghost stays", within=8)


def listen(peer, rounds, seconds, act=lambda: None):
    """Does `act` and listens, in turns; nothing but pings may come."""
    for _ in range(rounds):
        act()
        with pytest.raises(TimeoutError):
            peer.receive_text(within=seconds)


def test_whoever_answers_pings_stays(watchful):
    with connect(watchful) as peer:
        peer.join("stays", id="a")
        peer.expect("first_to_join")
        listen(peer, rounds=4, seconds=1)
        assert peer.pings >= 2
        assert not first_to_join(watchful, "stays")


def test_bytes_of_any_kind_count_as_life(watchful):
    with connect(watchful) as peer:
        peer.answers_pings = False
        peer.join("alive", id="a")
        peer.expect("first_to_join")
        listen(peer, rounds=12, seconds=0.4, act=lambda: peer.send_frame(PONG, b"unasked"))
        assert not first_to_join(watchful, "alive")


def test_sockets_are_freed_when_peers_go(server, application):
    """The server's descriptors are back at their number after a hundred peers of all manners."""
    descriptors = Path(f"/proc/{server.process.pid}/fd")

    def count():
        return len(os.listdir(descriptors))

    before = count()
    for number in range(100):
        peer = connect(application)
        peer.join(f"freed-{number % 7}", id="a")
        (peer.close, peer.drop, peer.reset)[number % 3]()
    eventually(lambda: count() <= before + 5, "descriptors are closed")
