"""What a test says to the emulator and asks of it."""

import asyncio
import json

from aiohttp import web

# Long enough at rest that nothing stands between a socket's buffer and its task.
REST_SECONDS = 0.05


class Control:
    def __init__(self, emulator):
        self.emulator = emulator

    async def handle(self, request):
        """Each is a POST of a JSON object, to the path that names it; the answer is JSON."""
        action = getattr(self, "do_" + request.path.strip("/"), None)
        if not action or request.method != "POST":
            return web.json_response({"error": "no such thing"}, status=404)
        try:
            return web.json_response(await action(**json.loads(await request.read() or b"{}")))
        except (ValueError, TypeError) as error:
            return web.json_response({"error": str(error)}, status=400)

    async def do_settings(self, **values):
        self.emulator.settings.change(values)

    async def do_fault(self, **values):
        return self.emulator.faults.add(values)

    async def do_faults(self):
        return self.emulator.faults.described()

    async def do_clear(self):
        """No fault any more, and an empty journal."""
        self.emulator.faults.rules.clear()
        self.emulator.faults.journal.clear()

    async def do_journal(self, since=0):
        return self.emulator.faults.calls(since)

    async def do_figures(self):
        return {**self.emulator.counts, **self.emulator.function.figures(),
                "connections": len(self.emulator.front.connections)}

    async def do_connections(self):
        return [{"id": one.id, "number": one.number, "isOpen": one.is_open}
                for one in self.emulator.front.connections.values()]

    async def do_clock(self, forward=0):
        await self.emulator.clock.forward(forward)
        return self.emulator.clock.now()

    async def do_recycle(self):
        """Ends the idle environments."""
        return await self.emulator.function.recycle()

    async def do_cut(self):
        for one in list(self.emulator.function.environments):
            one.cut()

    async def do_items(self):
        return self.emulator.tables.items()

    async def do_expire(self):
        return self.emulator.tables.expire()

    async def do_rest(self, within=10):
        """Waits until nothing is under way; says whether it came to that."""
        deadline = asyncio.get_running_loop().time() + within
        since = None
        while True:
            now = asyncio.get_running_loop().time()
            since = (since or now) if self.emulator.is_at_rest() else None
            if since and now - since >= REST_SECONDS:
                return True
            if now > deadline:
                return False
            await asyncio.sleep(0.005)
