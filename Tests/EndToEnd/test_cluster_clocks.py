"""Nodes whose clocks are hours apart (docs/cluster.md): nothing between
nodes is a time of day, and nothing in NATS either."""

import signal
import subprocess
import time
from pathlib import Path

import pytest

from support.cluster import Cluster
from support.usher import new_folder
from support.v1 import connect, offer, resumed
from support.waiting import eventually

SOURCE = Path(__file__).parent / "support/clock.c"
DEATH_SECONDS = 15
HOUR = 3600


@pytest.fixture(scope="module")
def library():
    path = new_folder("clock") / "clock.so"
    subprocess.run(["cc", "-O2", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-o", path,
                    SOURCE], check=True)
    return path


@pytest.fixture
def longer_up():
    """What goes before the command of a node whose host has been running for an hour longer."""
    with subprocess.Popen(
            ["setpriv", "--pdeathsig=KILL", "unshare", "--time", "--monotonic", str(HOUR),
             "--boottime", str(HOUR), "sleep", "infinity"], stdin=subprocess.DEVNULL) as holder:
        before = ["nsenter", f"--time=/proc/{holder.pid}/ns/time_for_children"]
        try:
            # Until then it is a process of the tests' own namespace.
            command = Path(f"/proc/{holder.pid}/comm")
            eventually(lambda: holder.poll() is not None or "sleep" in command.read_text(),
                       "whoever holds the namespace runs")
            tried = subprocess.run([*before, "cat", "/proc/uptime"], capture_output=True, text=True,
                                   check=False)
            if tried.returncode or float(tried.stdout.split()[0]) < HOUR:
                pytest.skip(f"no namespace of time can be made: {tried.stderr}")
            yield before
        finally:
            holder.kill()


def by_a_clock(library, hours):
    """The environment of a node whose clock, but not what it measures time by, is off."""
    return {"LD_PRELOAD": str(library), "USHER_TEST_CLOCK": str(HOUR * hours)}


def test_nodes_of_other_times_are_as_good_as_any(library, longer_up):
    cluster = Cluster("--drain-notice-seconds", 1, "--drain-seconds", 1, count=1)
    try:
        cluster.start(**by_a_clock(library, +1))
        cluster.start(before=longer_up, **by_a_clock(library, -1))
        cluster.start(before=longer_up)
        application = cluster.application()
        # Each with a token of its own node: it is good by that clock alone.
        peers = [connect(each, each.token(subject=f"peer-{number}"))
                 for number, each in enumerate(map(application.at, cluster.nodes))]
        for number, peer in enumerate(peers):
            peer.join("room", id=f"peer-{number}")
            for other in peers[:number]:
                assert other.expect("someone_joined")["peerId"] == f"peer-{number}"
        for number in range(20):
            for one, other in zip(peers, [*peers[1:], peers[0]], strict=True):
                offer(one, other, number)
                assert other.expect("offer")["number"] == number
        for number in (1, 2):
            peers[number] = comes_back(
                application.at(cluster.nodes[number]), peers[number], number, peers[0])
        # Who is ahead, and who is behind, finds out with the others that one is dead.
        cluster.nodes[3].kill()
        for peer in peers[:3]:
            assert gone(peer, DEATH_SECONDS) == ("peer-3", "lost")
        # Sessions go from who is behind, and from who is ahead, to others.
        for number in (2, 1):
            stopping = cluster.nodes[number]
            stopping.process.send_signal(signal.SIGTERM)
            peers[number].expect("draining", DEATH_SECONDS)
            assert peers[number].end() == (1012, [])
            peers[number] = moves(application, peers[number], number)
            assert stopping.stop() == 0
        with connect(application) as last:
            assert [member["peerId"] for member in last.join("room", id="last")["members"]] == [
                "peer-0", "peer-1", "peer-2"]
    finally:
        cluster.kill()


def comes_back(application, lost, number, other):
    """To its session, which is kept as long as ever."""
    lost.drop()
    time.sleep(2)
    offer(other, lost, 100)
    back, missed = resumed(application, lost, application.token(subject=f"peer-{number}"))
    assert [event.data["number"] for event in missed] == [100]
    back.room_states(1)
    return back


def moves(application, lost, number):
    """To another node, by a token of that one's clock."""
    back, missed = resumed(application, lost, application.token(subject=f"peer-{number}"))
    assert missed == []
    back.room_states(1)
    return back


def gone(peer, within):
    data = peer.expect("someone_left", within)
    return data["peerId"], data["reason"]
