#!/usr/bin/env -S python3 -P
"""Starts Debian's Firefox for Playwright, which runs this in its place with Firefox's arguments.

They speak WebDriver BiDi. Firefox does not know all of it yet: what it lacks to look like another
device is answered here as done. It ends with the line to Playwright, and after LIFETIME seconds.
"""

import asyncio
import json
import re
import sys

from websockets.asyncio.client import connect
from websockets.asyncio.server import serve
from websockets.exceptions import ConnectionClosed

FIREFOX = "/usr/bin/firefox-esr"
LISTENING = "WebDriver BiDi listening on "
LIFETIME = 600


class Line:
    """Carries messages between Playwright and Firefox."""

    def __init__(self, firefox):
        self.firefox = firefox
        self.target = None
        self.asked = {}

    async def carry(self, client):
        try:
            async with connect(f"{self.target}/session", max_size=None) as browser:
                there = asyncio.create_task(self._there(client, browser))
                back = asyncio.create_task(self._back(browser, client))
                await asyncio.wait({there, back}, return_when=asyncio.FIRST_COMPLETED)
                await client.close()
        finally:
            end(self.firefox)

    async def _there(self, client, browser):
        try:
            async for text in client:
                command = json.loads(text)
                self.asked[command["id"]] = command["method"]
                await browser.send(text)
        except ConnectionClosed:
            pass

    async def _back(self, browser, client):
        try:
            async for text in browser:
                message = json.loads(text)
                method = self.asked.pop(message.get("id"), "")
                if message.get("error") == "unknown command" and method.startswith("emulation."):
                    text = json.dumps({"type": "success", "id": message["id"], "result": {}})
                await client.send(text)
        except ConnectionClosed:
            pass


def end(process):
    if process.returncode is None:
        process.kill()


async def run(firefox):
    line = Line(firefox)
    async with serve(line.carry, "127.0.0.1", 0, max_size=None) as server:
        async for text in firefox.stderr:
            if found := re.match(rf"{LISTENING}(\S+)", text.decode(errors="replace")):
                line.target = found[1]
                address = "ws://{}:{}".format(*server.sockets[0].getsockname())
                text = f"{LISTENING}{address}\n".encode()
            sys.stderr.buffer.write(text)
            sys.stderr.flush()


async def main():
    firefox = await asyncio.create_subprocess_exec(
        FIREFOX, *sys.argv[1:], stderr=asyncio.subprocess.PIPE)
    try:
        await asyncio.wait_for(run(firefox), LIFETIME)
    finally:
        end(firefox)
        await firefox.wait()


if __name__ == "__main__":
    asyncio.run(main())
