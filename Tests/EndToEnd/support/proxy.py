"""A proxy that delays, cuts and half-opens what goes through it."""

import asyncio
import itertools
import socket
import struct

from . import chance

FATES = ("cut", "lost by the client", "frozen", "slow")


class Link:
    """One connection through the proxy: two pumps, and what befalls them."""

    def __init__(self, client, server, chance):
        self.client, self.server = client, server
        self.chance = chance
        self.flows = asyncio.Event()
        self.flows.set()
        self.delay_seconds = 0.0
        self.pumps = [asyncio.ensure_future(self._pump(client[0], server[1])),
                      asyncio.ensure_future(self._pump(server[0], client[1]))]

    async def _pump(self, reader, writer):
        try:
            while chunk := await reader.read(65536):
                if self.delay_seconds:
                    await asyncio.sleep(self.chance.uniform(0, self.delay_seconds))
                await self.flows.wait()
                writer.write(chunk)
                await writer.drain()
            writer.write_eof()
        except (OSError, RuntimeError):
            pass
        finally:
            if self.flows.is_set():
                self.cut()

    @property
    def is_open(self):
        return not all(pump.done() for pump in self.pumps)

    def cut(self):
        """Ends both halves, at times with a reset."""
        for _, writer in (self.client, self.server):
            if self.chance.random() < 0.5:
                reset(writer)
            writer.transport.abort()

    def lose_client(self):
        """The client sees the end, the server sees nothing."""
        self.flows.clear()
        reset(self.client[1])
        self.client[1].transport.abort()

    def freeze(self):
        """Nobody sees anything any more: bytes are taken and go nowhere."""
        self.flows.clear()

    def end(self):
        for pump in self.pumps:
            pump.cancel()
        self.cut()


def reset(writer):
    plug = writer.get_extra_info("socket")
    if plug is not None and plug.fileno() >= 0:
        plug.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


class ChaosProxy:
    """Listens on a free port of the loopback address, in front of one server."""

    def __init__(self, host, port):
        self.target = (host, port)
        self.links = []
        self.chance = chance.of("proxy")
        self._numbers = itertools.count()
        self.befallen = dict.fromkeys(FATES, 0)
        self._listener = None

    async def start(self):
        self._listener = await asyncio.start_server(self._accept, "127.0.0.1", 0, backlog=1000)
        return self._listener.sockets[0].getsockname()

    async def _accept(self, *client):
        try:
            server = await asyncio.open_connection(*self.target)
        except OSError:
            client[1].transport.abort()
            return
        self.links.append(Link(client, server, chance.of("link", next(self._numbers))))

    async def rage(self, seconds, each_second):
        """Lets misfortunes befall open links, so many a second."""
        for _ in range(int(seconds * each_second)):
            await asyncio.sleep(1 / each_second)
            self.links = [link for link in self.links if link.is_open]
            flowing = [link for link in self.links if link.flows.is_set()]
            if flowing:
                fate = self.chance.choice(FATES)
                self.befallen[fate] += 1
                befall(self.chance.choice(flowing), fate)

    def calm(self):
        """From now on all is well; what was half-open ends."""
        for link in self.links:
            link.delay_seconds = 0
            if not link.flows.is_set():
                link.end()

    def stop(self):
        self._listener.close()
        for link in self.links:
            link.end()


def befall(link, fate):
    if fate == "cut":
        link.cut()
    elif fate == "lost by the client":
        link.lose_client()
    elif fate == "frozen":
        link.freeze()
    else:
        link.delay_seconds = 0.2
