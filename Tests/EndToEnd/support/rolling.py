"""Nodes of a cluster that are replaced one after the other, while many peers talk."""

import asyncio
import time
import urllib.parse

from .streamers import Streamer
from .swarm import LIFE_SECONDS, until


class Returning(Streamer):
    """Notes for how long it was gone."""

    def __init__(self, *arguments):
        gate = asyncio.Event()
        gate.set()
        super().__init__(*arguments, gate=gate)
        self.gone_at = None
        self.absences = []

    async def _converse(self, line):
        try:
            await super()._converse(line)
        finally:
            self.gone_at = self.gone_at or time.monotonic()

    def _hear(self, event, line):
        super()._hear(event, line)
        if event["type"] == "room_state" and self.gone_at:
            self.absences.append(time.monotonic() - self.gone_at)
            self.gone_at = None


class Crowd:
    """`count` peers in rooms of `per_room`, who come by one address and talk all the while, each to
    another of its room. To be made outside of the loop in which it then lives: `async with`."""

    def __init__(self, application, url, count, per_room=5):
        place = urllib.parse.urlsplit(url)
        self.rooms = max(1, count // per_room)
        tokens = [application.token(subject=f"user-{number}", expires_in=str(LIFE_SECONDS))
                  for number in range(count)]
        self._clients = lambda: [
            Returning(number, f"room-{number % self.rooms}", [(place.hostname, place.port)], token)
            for number, token in enumerate(tokens)]
        self.clients = []

    async def __aenter__(self):
        self.clients = self._clients()
        for one in self.clients:
            one.start()
            await asyncio.sleep(0.01)
        await until(lambda: all(one.is_joined for one in self.clients), 30,
                    lambda: "not all have joined")
        for index, one in enumerate(self.clients):
            one.partner = self.partner(index).connection
        return self

    async def __aexit__(self, *_):
        for one in self.clients:
            await one.stop()

    def partner(self, index):
        return self.clients[(index + self.rooms) % len(self.clients)]

    def check(self):
        for one in self.clients:
            one.check()

    async def be_quiet(self):
        """Returns once all that was said is answered, and has come."""
        await asyncio.sleep(1)
        for one in self.clients:
            one.is_talking = False
        await until(lambda: not any(one.unanswered for one in self.clients), 10,
                    lambda: [one.name for one in self.clients if one.unanswered])
        await asyncio.sleep(0.5)
        self.check()

    def check_whole(self):
        """Nobody lost a place or a message, nor was told that somebody left."""
        for index, one in enumerate(self.clients):
            assert (one.losses, len(one.lives), one.left) == (0, 1, []), one.name
            assert one.acked == sorted(one.said), one.name
            partner = self.partner(index)
            assert partner.received[(one.connection, partner.connection)] == one.acked

    @property
    def absences(self):
        return [absence for one in self.clients for absence in one.absences]

    @property
    def said(self):
        return sum(len(one.said) for one in self.clients)


def replace(cluster, node, **environment):
    """Stops a node and starts another on its addresses, of its name."""
    assert node.stop() == 0
    return start_again(cluster, node, **environment)


def start_again(cluster, node, **environment):
    """Starts another in place of one that has ended."""
    cluster.nodes.remove(node)
    listen, operator = (urllib.parse.urlsplit(url).netloc for url in (node.url, node.operator))
    return cluster.start("--operator", operator, name=node.name, listen=listen, **environment)


async def roll(cluster, nodes, crowd, **environment):
    """Replaces these, one after the other, while others talk."""
    for node in list(nodes):
        await asyncio.sleep(1)  # The load is the test.
        crowd.check()
        await asyncio.to_thread(replace, cluster, node, **environment)
