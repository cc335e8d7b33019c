"""What befalls the nodes of a cluster and servers of NATS, one thing at a time, each of which they
get over."""

import asyncio
import contextlib
import urllib.parse

from . import chance
from .process import freeze, thaw

STREAM = "KV_usher-usher"


class Misfortunes:
    """What takes more than `longest` seconds is left out."""

    def __init__(self, network, cluster, nats, longest):
        self.network, self.cluster, self.nats = network, cluster, nats
        self.chance = chance.of("misfortunes of a cluster")
        self.befallen = []
        # Addresses of nodes that can't be expected to know anything now.
        self.troubled = set()
        self.kinds = [
            ("a node is killed", 0, self._kill_a_node),
            ("a node is frozen", 2, self._freeze_a_node),
            ("a node is cut from NATS", 2, self._cut_a_node),
            ("the leader is killed", 4, self._kill_the_leader),
            ("a node is frozen", 7, self._freeze_a_node),
            ("a node hears NATS, and is not heard", 7, self._silence_a_node),
            ("all of NATS restarts", 1, self._restart_nats),
            ("a node is cut from a server", 7, self._cut_a_node_from_a_server),
            ("a server is frozen", 4, self._freeze_a_server),
            ("a server is cut from the others", 7, self._cut_a_server),
            ("a node is heard by NATS, and hears nothing", 7, self._deafen_a_node),
            ("a node is cut from NATS", 7, self._cut_a_node),
            ("a node is cut from NATS", 25, self._cut_a_node),
            ("a node is frozen", 30, self._freeze_a_node),
            ("two servers are cut from each other", 7, self._part_two_servers),
        ]
        self.kinds = [kind for kind in self.kinds if kind[1] <= longest]

    async def rage(self, seconds):
        """Each in turn, from where chance has it begin."""
        end = asyncio.get_running_loop().time() + seconds
        number = self.chance.randrange(len(self.kinds))
        while asyncio.get_running_loop().time() < end:
            name, lasts, kind = self.kinds[number % len(self.kinds)]
            number += 1
            self.befallen.append(f"{name} ({lasts} s)" if lasts else name)
            await kind(lasts)
            await asyncio.sleep(self.chance.uniform(0.5, 1.5))

    def _node(self):
        return self.chance.choice(self.cluster.nodes)

    @contextlib.contextmanager
    def _trouble(self, *nodes):
        """Without any: that of all."""
        self.troubled = {node.host.address for node in nodes or self.cluster.nodes}
        yield
        self.troubled = set()

    def _server(self):
        return self.chance.choice(self.nats.servers)

    @property
    def _servers(self):
        return [server.host for server in self.nats.servers]

    async def _kill_a_node(self, _):
        node = self._node()
        node.kill()
        self.cluster.nodes.remove(node)
        address = urllib.parse.urlsplit(node.url).netloc
        with self._trouble(node):
            await asyncio.to_thread(
                self.cluster.start, name=node.name, listen=address, host=node.host)

    async def _freeze_a_node(self, seconds):
        node = self._node()
        with self._trouble(node):
            await asyncio.to_thread(freeze, node.process)
            await asyncio.sleep(seconds)
            thaw(node.process)

    # NATS

    async def _kill_the_leader(self, seconds):
        leader = await asyncio.to_thread(self.nats.leader, STREAM) or self._server()
        with self._trouble():
            leader.kill()
            await asyncio.sleep(seconds)
            leader.start()
            await asyncio.to_thread(self.nats.settle)

    async def _freeze_a_server(self, seconds):
        server = self._server()
        with self._trouble():
            await asyncio.to_thread(server.freeze)
            await asyncio.sleep(seconds)
            server.thaw()
            await asyncio.to_thread(self.nats.settle)

    async def _restart_nats(self, _):
        with self._trouble():
            await asyncio.to_thread(self.nats.restart_all)

    # Cuts

    async def _part(self, some, others, seconds):
        self.network.part(some, others)
        await asyncio.sleep(seconds)
        self.network.unite(some, others)

    async def _cut_a_node(self, seconds):
        node = self._node()
        with self._trouble(node):
            await self._part([node.host], self._servers, seconds)

    async def _cut_a_node_from_a_server(self, seconds):
        node = self._node()
        with self._trouble(node):
            await self._part([node.host], [self._server().host], seconds)

    async def _silence_a_node(self, seconds):
        node = self._node()
        with self._trouble(node):
            self.network.cut(node.host, self._servers)
            await asyncio.sleep(seconds)
            self.network.mend(node.host, self._servers)

    async def _deafen_a_node(self, seconds):
        node = self._node()
        with self._trouble(node):
            for server in self._servers:
                self.network.cut(server, [node.host])
            await asyncio.sleep(seconds)
            for server in self._servers:
                self.network.mend(server, [node.host])

    async def _cut_a_server(self, seconds):
        """One is alone: nodes that are its clients have to go."""
        one = self._server().host
        with self._trouble():
            await self._part([one], [other for other in self._servers if other is not one], seconds)
            await asyncio.to_thread(self.nats.settle)

    async def _part_two_servers(self, seconds):
        """The third hears both."""
        one, other = self.chance.sample(self._servers, 2)
        with self._trouble():
            await self._part([one], [other], seconds)
            await asyncio.to_thread(self.nats.settle)
