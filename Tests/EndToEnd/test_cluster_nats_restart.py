"""Servers of NATS that are restarted in order, one after the other (lame duck mode): nobody who
uses the cluster may notice."""

import asyncio
import os
import urllib.parse

from support import agreement
from support.agreement import check_acknowledged, check_order
from support.cluster import Cluster
from support.nats import START_SECONDS, Nats
from support.swarm import V1Client, population, until

# With --deep two hundred.
PEERS = int(os.environ.get("USHER_TEST_CLUSTER_PEERS") or 45)


class Steady(V1Client):
    """Stays, and notes who left."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.told = []

    async def _talk(self, line):
        while True:
            await asyncio.sleep(self.chance.uniform(0.3, 1.0))
            line.send({"action": "ping"})
            if self.is_talking and self.members and self.is_joined:
                self._say(line)

    def _hear(self, event, line):
        if event["type"] == "someone_left":
            self.told.append(event)
        super()._hear(event, line)


async def restart_in_turn(servers):
    """Each is told to end, as an operator would, and is back before the next."""
    for server in servers:
        server.drain()
        await asyncio.to_thread(server.process.wait, START_SECONDS)
        server.start()
        await until(server.is_healthy, START_SECONDS, lambda name=server.name: f"{name} is back")


def test_a_rolling_restart_of_nats_is_noticed_by_nobody():
    nats, cluster = Nats(3), None
    try:
        cluster = Cluster("--ping-interval-seconds", "2", nats=nats)
        places = [urllib.parse.urlsplit(node.url) for node in cluster.nodes]
        addresses = [(place.hostname, place.port) for place in places]
        application = cluster.application()

        async def scene():
            # All of them v1: of four in a row the last would be classic.
            clients = [client for client in population(
                addresses, application, PEERS * 4 // 3, 9, v1=Steady) if client.dialect == "v1"]
            try:
                await agreement.begin(clients)
                await restart_in_turn(nats.servers)
                agreement.fall_silent(clients)
                await agreement.come_to_rest(clients)
            finally:
                await agreement.end(clients)
            return clients

        clients = asyncio.run(scene())
        assert [client.name for client in clients if client.told or client.breaks] == []
        check_order(clients)
        said = sum(len(client.said) for client in clients)
        assert sum(len(client.acked) for client in clients) == said > 5 * len(clients)
        assert check_acknowledged(clients) > said
    finally:
        if cluster:
            cluster.kill()
        nats.kill()
