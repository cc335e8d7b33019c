"""The emulator by itself: see `settings.parser`."""

import asyncio
import gc
import json
import signal
import sys

from .emulator import Emulator
from .settings import parser, settings_of


async def main():
    options = parser().parse_args()
    variables = dict(one.split("=", 1) for one in options.variable)
    certificate = options.tls_certificate and (options.tls_certificate, options.tls_key)
    emulator = Emulator(
        settings_of(options), options.command, variables, options.log or "/dev/null", certificate)
    loop, stopped = asyncio.get_running_loop(), asyncio.Event()
    for one in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(one, stopped.set)
    if options.until_stdin_ends:
        loop.add_reader(sys.stdin, lambda: sys.stdin.buffer.raw.read(4096) or stopped.set())
    ready = await emulator.start(options.port)
    # Else the collector, which looks through all that there is, holds up the function's requests.
    gc.freeze()
    print(json.dumps(ready), flush=True)
    await stopped.wait()
    if options.until_stdin_ends:
        loop.remove_reader(sys.stdin)
    await emulator.stop()


asyncio.run(main())
