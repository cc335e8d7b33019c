"""Honest peers beside attackers: they hardly notice.

With USHER_TEST_ATTACK_SECONDS for that long, and held to their latency of a quiet run. That needs a
release build: in others a byte costs tens of times as much, for friend and foe.
"""

import asyncio
import contextlib
import itertools
import json
import os
import statistics
import subprocess
import sys
import threading
import time
import urllib.parse
from pathlib import Path

import pytest

from support.process import Sample
from support.registrar import Registrar
from support.swarm import population, until
from support.waiting import eventually

pytestmark = pytest.mark.alone("takes all that there is, and measures what is left")

IS_LONG = bool(os.environ.get("USHER_TEST_ATTACK_SECONDS"))
SECONDS = float(os.environ.get("USHER_TEST_ATTACK_SECONDS") or 10)
PEERS = 200
ATTACKERS = "127.0.0.9"
GRACE_SECONDS = 5
SLOWER_MAX = 5
# Below this a quiet run's own noise decides, seconds.
QUIET_MIN = 0.002
# What pools and caches may hold in the end that they did not before.
GROWTH_MAX_KILOBYTES = 64_000


class SlowPipe:
    """A pipe for a server's log whose reader takes little at a time."""

    def __init__(self):
        self.read_end, self.write_end = os.pipe()
        self.pause_seconds = 0.5
        self.text = b""
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()

    def _read(self):
        while chunk := os.read(self.read_end, 4096):
            self.text += chunk
            time.sleep(self.pause_seconds)

    def finish(self, log):
        """Reads the rest, so that what was logged can be looked at."""
        self.pause_seconds = 0
        self.thread.join(10)
        os.close(self.read_end)
        log.write_bytes(self.text)


@contextlib.contextmanager
def siege(plan):
    """The attackers at work; afterwards `outcomes` tells what they met."""
    process = subprocess.Popen(
        [sys.executable, "-m", "support.siege"], cwd=Path(__file__).parent, text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        process.stdin.write(json.dumps(plan) + "\n")
        process.stdin.flush()
        process.outcomes = None
        yield process
        process.outcomes = json.loads(process.communicate(timeout=60)[0])
    finally:
        process.kill()
        process.wait()


class Honest:
    """The peers, and a backend that asks for tokens beside them."""

    def __init__(self, server, application):
        place = urllib.parse.urlsplit(server.url)
        sources = [f"127.0.1.{number}" for number in range(1, 21)]
        self.application = application
        self.peers = list(population(
            [(place.hostname, place.port)], application, PEERS, rooms=50, sources=sources))
        self.statuses = []

    async def begin(self):
        for peer in self.peers:
            peer.start()
            await asyncio.sleep(0.01)
        await until(lambda: all(peer.is_joined for peer in self.peers), 60,
                    lambda: [peer.name for peer in self.peers if not peer.is_joined])

    async def live(self, seconds):
        """Seconds that 99 of 100 payloads took at most."""
        for peer in self.peers:
            peer.delays.clear()
        deadline = time.monotonic() + seconds
        speakers = [peer for peer in self.peers if peer.dialect == "v1"]
        for peer in itertools.cycle(speakers):
            if time.monotonic() > deadline:
                break
            await asyncio.sleep(1)
            if peer.is_joined:
                peer.line.drop()  # Its session waits, and it comes back.
            answer = await asyncio.to_thread(self.application.ask)
            self.statuses.append(answer.status)
            for one in self.peers:
                one.check()
        delays = [delay for peer in self.peers for delay in peer.delays]
        assert len(delays) > 20 * seconds
        return statistics.quantiles(delays, n=100)[98]

    async def end(self):
        for peer in self.peers:
            if peer.is_started:
                await peer.stop()


async def scene(server, honest, plan):
    """The latencies of a quiet run and under attack, and what the attackers met."""
    try:
        await honest.begin()
        quiet = await honest.live(max(10, SECONDS / 5) if IS_LONG else 3)
        before = Sample.of(server.process)
        with siege(plan) as attackers:
            attacked = await honest.live(SECONDS)
            assert attackers.poll() is None, "the attackers fell"
        return quiet, attacked, before, attackers.outcomes
    finally:
        await honest.end()


@pytest.mark.one_process("looks at the memory of one process")
def test_attackers_take_little_from_honest_peers_and_leave_nothing_behind(start):
    pipe = SlowPipe()
    server = start("--client-registration", "--resume-grace-seconds", str(GRACE_SECONDS),
                   log_to=pipe.write_end)
    os.close(pipe.write_end)
    idle = Sample.of(server.process)
    honest = Honest(server, server.application("Honest"))
    attacker = server.application("Attacker")
    registered = Registrar(server).register(client_name="Customer", usher_rooms=["siege"])
    place = urllib.parse.urlsplit(server.url)
    plan = {
        "address": [place.hostname, place.port], "source": ATTACKERS,
        "client": [attacker.id, attacker.secret], "victim": honest.application.id,
        "token": attacker.token(expires_in="3600"),
        "registration": [registered.path, registered.token, {
            "client_id": registered.id, "client_name": "Customer", "usher_rooms": ["siege"]}]}
    quiet, attacked, before, outcomes = asyncio.run(scene(server, honest, plan))
    print(f"{SECONDS:.0f} s: p99 {quiet * 1000:.1f} ms quiet, {attacked * 1000:.1f} ms attacked; "
          f"{outcomes}")
    speakers = [peer for peer in honest.peers if peer.dialect == "v1"]
    assert sum(peer.losses for peer in speakers) == 0
    assert sum(peer.breaks for peer in honest.peers if peer.dialect == "classic") == 0
    assert set(honest.statuses) == {200}
    assert not IS_LONG or attacked <= SLOWER_MAX * max(quiet, QUIET_MIN)
    # What is opened at first need, of the registry, stays open.
    eventually(lambda: Sample.of(server.process).descriptors <= idle.descriptors + 10,
               "descriptors are closed", GRACE_SECONDS + 60)
    after = Sample.of(server.process)
    print(f"memory {before.kilobytes} kB before, {after.kilobytes} kB after")
    assert after.kilobytes - before.kilobytes < GROWTH_MAX_KILOBYTES
    assert server.stop() == 0
    pipe.finish(server.stderr)
