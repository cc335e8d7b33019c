"""Sixty clients at three nodes over three NATS servers, of which now one, now another is killed, or
frozen, or restarted."""

import asyncio
import os
import signal
import urllib.parse

from support import agreement, chance
from support.agreement import check_acknowledged, check_order, disagreeing
from support.cluster import Balancer, Cluster
from support.nats import Nats
from support.swarm import V1Client, population, until

# With --deep five minutes.
SECONDS = float(os.environ.get("USHER_TEST_CLUSTER_SECONDS") or 25)
CLIENTS, ROOMS = 60, 8
STREAM = "KV_usher-usher"


class NodeClient(V1Client):
    """Joins again where its node could not let it in."""

    def _hear(self, event, line):
        data = event["data"]
        if event["type"] != "error" or data["code"] != "temporarily_unavailable":
            return super()._hear(event, line)
        assert event["seq"] == self.seq + 1, (self.seq, event)
        self.seq = event["seq"]
        asyncio.get_running_loop().call_later(0.5, self._join_again, line)

    def _join_again(self, line):
        if line is self.line and not line.writer.is_closing():
            self._join(line)


class Misfortune:
    """What befalls nodes and servers, one thing at a time, each of which it gets over."""

    def __init__(self, cluster, nats):
        self.cluster, self.nats = cluster, nats
        self.chance = chance.of("misfortunes of a cluster")
        self.befallen = []

    async def rage(self, seconds):
        end = asyncio.get_running_loop().time() + seconds
        kinds = [self.kill_a_node, self.freeze_a_node, self.kill_the_leader, self.restart_nats,
                 self.freeze_a_server, self.leave_a_node_behind]
        number = 0
        while asyncio.get_running_loop().time() < end:
            kind = kinds[number % len(kinds)]
            number += 1
            self.befallen.append(kind.__name__)
            await kind()
            await asyncio.sleep(self.chance.uniform(0.5, 1.5))

    def node(self):
        return self.chance.choice(self.cluster.nodes)

    async def kill_a_node(self):
        node = self.node()
        node.kill()
        self.cluster.nodes.remove(node)
        address = urllib.parse.urlsplit(node.url).netloc
        await asyncio.to_thread(self.cluster.start, name=node.name, listen=address)

    async def freeze_a_node(self):
        """Not for so long that it would be taken for dead."""
        await self._freeze(self.node(), 2)

    async def leave_a_node_behind(self):
        await self._freeze(self.node(), 7)

    async def _freeze(self, node, seconds):
        node.process.send_signal(signal.SIGSTOP)
        await asyncio.sleep(seconds)
        node.process.send_signal(signal.SIGCONT)

    async def kill_the_leader(self):
        leader = self.nats.leader(STREAM)
        if not leader:
            return
        leader.kill()
        await asyncio.sleep(3)
        leader.start()
        await asyncio.to_thread(self.nats.settle)

    async def freeze_a_server(self):
        server = self.chance.choice(self.nats.servers)
        server.freeze()
        await asyncio.sleep(4)
        server.thaw()
        await asyncio.to_thread(self.nats.settle)

    async def restart_nats(self):
        await asyncio.to_thread(self.nats.restart_all)


async def run(clients, misfortune):
    try:
        await agreement.begin(clients)
        await misfortune.rage(SECONDS)
        # Whoever began anew last has said little yet.
        await until(lambda: not disagreeing(clients), 60, lambda: disagreeing(clients))
        await asyncio.sleep(4)
        agreement.fall_silent(clients)
        await agreement.come_to_rest(clients)
    finally:
        await agreement.end(clients)


def test_rooms_agree_whatever_befalls_nodes_and_servers():
    nats = Nats(3)
    cluster = None
    try:
        cluster = Cluster("--ping-interval-seconds", "2", "--resume-grace-seconds", "6", nats=nats)
        balancer = Balancer(cluster.nodes)
        place = urllib.parse.urlsplit(balancer.url)
        application = cluster.application()
        misfortune = Misfortune(cluster, nats)

        async def scene():
            clients = list(population((place.hostname, place.port), application, CLIENTS, ROOMS,
                                      v1=NodeClient))
            await run(clients, misfortune)
            return clients

        clients = asyncio.run(scene())
        check_order(clients)
        arrivals = check_acknowledged(clients)
        speakers = [client for client in clients if client.dialect == "v1"]
        print(f"misfortunes: {misfortune.befallen}; resumed "
              f"{sum(client.resumes for client in speakers)} times, "
              f"{sum(len(client.lives) for client in speakers)} lives of {len(speakers)} clients, "
              f"{arrivals} acknowledged arrivals checked")
        assert arrivals > CLIENTS
        balancer.stop()
    finally:
        if cluster:
            cluster.kill()
        nats.kill()
