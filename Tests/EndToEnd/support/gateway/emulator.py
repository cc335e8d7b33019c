"""All parts of the emulator, wired."""

import asyncio
import base64
import collections
import contextlib
import sys
import traceback
import uuid

from .clock import Chance, Clock
from .connections import Connections
from .control import Control
from .environment import listen
from .faults import Faults
from .front import Front
from .function import Function
from .queues import Invoke, Queue
from .services import Services
from .signatures import Credentials
from .tables import Tables

# "Amazon API Gateway pricing": messages are metered in pieces of 32 kB.
METER_BYTES = 32 * 1024


class Emulator:
    def __init__(self, settings, command, variables=None, log="/dev/null", certificate=None):
        self.settings = settings
        self.clock = Clock()
        self.chance = Chance(settings.seed)
        self.counts = collections.Counter()
        self.faults = Faults(self.chance)
        self.function = Function(self, command, variables or {}, log, certificate)
        self.tables = Tables(self)
        self.front = Front(self)
        self.services = self.function.services = Services(self, {
            "dynamodb": self.tables, "connections": Connections(self), "queue": Queue(self),
            "lambda": Invoke(self)})
        # For whoever looks in from outside; signatures by it meet no faults.
        self.visitor = Credentials.drawn(self.chance.of("visitor"))
        self.function.credentials[self.visitor.key] = self.visitor
        self._tasks = set()
        self._runners = []
        self._working = 0

    async def start(self, port=0):
        """Returns what the ready line says."""
        url = await self.front.start(port)
        runner, services = await listen(self.services.handle)
        self._runners.append(runner)
        runner, control = await listen(Control(self).handle)
        self._runners.append(runner)
        return {
            "event": "ready", "url": url, "services": f"http://{services}",
            "control": f"http://{control}", "key": self.visitor.key,
            "secret": self.visitor.secret, "token": self.visitor.token}

    async def stop(self):
        await self.front.stop()
        await self.function.end_all()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for runner in self._runners:
            await runner.cleanup()

    def spawn(self, work):
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._is_done)
        return task

    def _is_done(self, task):
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            self.counts["failures"] += 1
            traceback.print_exception(error, file=sys.stderr)

    @contextlib.contextmanager
    def at_work(self):
        """While something is under way that ends by itself, without the clock being set."""
        self._working += 1
        try:
            yield
        finally:
            self._working -= 1

    def is_at_rest(self):
        return self._working == 0 and not self.function.is_busy()

    def deliveries(self, kind):
        """How often the next message of this kind comes: "Amazon SQS at-least-once delivery",
        "Invoking a Lambda function asynchronously"."""
        return 1 + (self.chance.next("duplicate", kind).random() < self.settings.duplicates)

    def new_uuid(self):
        return str(uuid.UUID(bytes=self.chance.next("uuid").randbytes(16), version=4))

    def new_request_id(self):
        return base64.urlsafe_b64encode(self.chance.next("request").randbytes(11)).decode()

    def count_metered(self, what, size):
        self.counts[what] += 1
        self.counts[f"metered {what}"] += max(1, -(-size // METER_BYTES))
