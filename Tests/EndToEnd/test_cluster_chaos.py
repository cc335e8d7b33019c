"""Sixty clients at three nodes over three NATS servers, of which now one, now another is killed, or
frozen, or restarted, or cut from others."""

import asyncio
import collections
import os
import time

import pytest

from support import agreement, chance
from support.agreement import check_acknowledged, check_order, disagreeing
from support.cluster import Cluster
from support.misfortunes import Misfortunes
from support.nats import Nats
from support.network import network, why_not
from support.swarm import V1Client, population, until

# With --deep five minutes.
SECONDS = float(os.environ.get("USHER_TEST_CLUSTER_SECONDS") or 25)
# Of one misfortune.
LONGEST_SECONDS = 30 if SECONDS > 100 else 7
CLIENTS, ROOMS = 60, 8
CUTS = chance.of("lines that are cut")
# So long the others may take somebody who is gone for a member.
GHOST_SECONDS = 15


class NodeClient(V1Client):
    """Goes to any of the nodes, again and again, and joins again where it could not be let in."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        # Of each life that is over: when that was known here.
        self.ended = {}
        # When a life was let in first, and when it was told that nobody was there.
        self.let_in, self.was_first = {}, {}
        # Who left, by the life that was told.
        self.gone = collections.defaultdict(set)

    @property
    def address(self):
        self.at = super().address
        return self.at

    def _forget(self):
        if self.connection:
            self.ended.setdefault(self.connection, time.monotonic())
        super()._forget()

    def _hear(self, event, line):
        kind, data = event["type"], event["data"]
        if kind == "error" and data["code"] == "temporarily_unavailable":
            assert event["seq"] == self.seq + 1, (self.seq, event)
            self.seq = event["seq"]
            asyncio.get_running_loop().call_later(0.5, self._join_again, line)
            return
        if kind == "first_to_join":
            assert self.connection not in self.was_first, "first twice"
            self.was_first[self.connection] = time.monotonic()
        elif kind == "room_state":
            self.let_in.setdefault(self.connection, time.monotonic())
        elif kind == "someone_left":
            self.gone[self.connection].add(data["connectionId"])
        super()._hear(event, line)

    def _join_again(self, line):
        if line is self.line and not line.writer.is_closing():
            self._join(line)


class Ghosts:
    """Looks, all the time, for members that are none any more, and counts for how long a node that
    is in no trouble itself has shown them."""

    def __init__(self, clients, misfortunes):
        self.speakers = [client for client in clients if client.dialect == "v1"]
        self.misfortunes = misfortunes
        # Seconds by (life, node).
        self.shown = collections.Counter()

    async def watch(self):
        while True:
            began = time.monotonic()
            await asyncio.sleep(0.25)
            over = {life for client in self.speakers for life in client.ended}
            seen = {(life, client.at[0]) for client in self.speakers if client.is_joined
                    for life in client.members.keys() & over}
            for life, node in seen:
                if node not in self.misfortunes.troubled:
                    self.shown[life, node] += time.monotonic() - began

    def check(self):
        assert all(seconds < GHOST_SECONDS for seconds in self.shown.values()), (
            self.shown.most_common(5))


def check_nobody_was_first_beside_another(speakers):
    """Who was told to be the first joined a room in which nobody was who stayed."""
    for one in speakers:
        for life, at in one.was_first.items():
            for other in speakers:
                if other is one or other.room != one.room:
                    continue
                for member, since in other.let_in.items():
                    until_then = other.ended.get(member, float("inf"))
                    assert not since < at < until_then - GHOST_SECONDS - LONGEST_SECONDS, (
                        one.name, life, "first beside", other.name, member, at - since)


def check_losses_are_told(speakers):
    """What was acknowledged and is lost was for somebody who died, as the sender was told."""
    heard = collections.defaultdict(set)
    for client in speakers:
        for pair, numbers in client.received.items():
            heard[pair].update(numbers)
    # Classic clients don't know who they are.
    lives = {life for client in speakers for life in client.lives}
    lost = 0
    for client in speakers:
        for number in client.acked:
            life, receivers = client.said[number]
            if life != client.connection:
                continue
            for receiver in receivers:
                if number not in heard[(life, receiver)] and receiver in lives:
                    assert receiver in client.gone[life], (client.name, number, receiver)
                    lost += 1
    return lost


async def cut_lines(clients):
    """Connections are lost, now this one, now that."""
    while True:
        await asyncio.sleep(CUTS.uniform(0.2, 0.8))
        line = CUTS.choice(clients).line
        if line:
            line.drop()


def stop(task):
    """What ended before has failed: nobody looked for ghosts any more, or cut a line."""
    if task.done():
        task.result()
    task.cancel()


async def run(clients, misfortunes):
    ghosts = Ghosts(clients, misfortunes)
    try:
        await agreement.begin(clients)
        watch = asyncio.ensure_future(ghosts.watch())
        cuts = asyncio.ensure_future(cut_lines(clients))
        await misfortunes.rage(SECONDS)
        stop(cuts)
        # Whoever began anew last has said little yet.
        await until(lambda: not disagreeing(clients), 60, lambda: disagreeing(clients))
        await asyncio.sleep(4)
        agreement.fall_silent(clients)
        await agreement.come_to_rest(clients)
        stop(watch)
        ghosts.check()
        print(f"ghosts were shown for {max(ghosts.shown.values(), default=0):.1f} s at most")
    finally:
        await agreement.end(clients)


def test_rooms_agree_whatever_befalls_nodes_and_servers():
    if reason := why_not():
        pytest.skip(reason)
    with network(6) as places:
        print(brave(places))


def brave(places):
    """Returns what happened."""
    nats, cluster = Nats(hosts=places.hosts[3:]), None
    try:
        cluster = Cluster("--ping-interval-seconds", "2", "--resume-grace-seconds", "6", nats=nats,
                          hosts=places.hosts[:3])
        application = cluster.application()
        nodes = [(node.host.address, int(node.url.rpartition(":")[2])) for node in cluster.nodes]
        misfortunes = Misfortunes(places, cluster, nats, LONGEST_SECONDS)

        async def scene():
            clients = list(population(nodes, application, CLIENTS, ROOMS, v1=NodeClient))
            await run(clients, misfortunes)
            return clients

        clients = asyncio.run(scene())
        check_order(clients)
        arrivals = check_acknowledged(clients)
        speakers = [client for client in clients if client.dialect == "v1"]
        check_nobody_was_first_beside_another(speakers)
        lost = check_losses_are_told(speakers)
        assert arrivals > CLIENTS
        return (f"misfortunes: {misfortunes.befallen}; resumed "
                f"{sum(client.resumes for client in speakers)} times, "
                f"{sum(len(client.lives) for client in speakers)} lives of {len(speakers)} "
                f"clients, {arrivals} acknowledged arrivals checked, {lost} told to be lost")
    finally:
        if cluster:
            cluster.kill()
        nats.kill()
