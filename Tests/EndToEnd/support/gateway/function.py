"""Lambda as those see it who invoke: environments on demand, each with one event at a time."""

import asyncio
import collections
import json
import time

from .environment import Environment, InitFailed, Invocation, Outcome
from .signatures import Credentials

# "How Lambda handles errors and retries with asynchronous invocation": twice more, after these.
RETRY_SECONDS = (60, 120)


class Throttled(Exception):
    """All environments are busy, and there may be no more."""


class Function:
    def __init__(self, emulator, command, variables, log, certificate):
        self.emulator = emulator
        self.settings = emulator.settings
        self.command = command
        self.variables = variables
        self.log = log
        self.certificate = certificate
        self.services = None  # set by the emulator
        self.environments = set()
        self.counts = collections.Counter()
        self.cold_starts = []
        self.durations = []
        self.credentials = {}
        self._started = 0
        self._idle = []
        self._waiting = collections.deque()

    def spawn(self, work):
        return self.emulator.spawn(work)

    def new_credentials(self):
        made = Credentials.drawn(self.emulator.chance.next("credentials"))
        self.credentials[made.key] = made
        return made

    async def invoke(self, payload, route):
        """The outcome of one invocation with this payload (bytes)."""
        try:
            environment = await self._environment()
        except InitFailed as failure:
            self.counts["failed inits"] += 1
            return failure.outcome
        invocation = Invocation(self.emulator.new_uuid(), payload, route)
        self.counts["invocations"] += 1
        self.counts[f"invocations of {route}"] += 1
        started = time.monotonic()
        environment.take(invocation)
        outcome = await invocation.outcome
        self.durations.append(time.monotonic() - started)
        self.counts["errors"] += outcome.error is not None
        return outcome

    async def invoke_later(self, payload):
        """An asynchronous invocation: in the background, and again where it fails."""
        for pause in (*RETRY_SECONDS, None):
            with self.emulator.at_work():
                try:
                    outcome = await self.invoke(payload, "event")
                except Throttled:
                    outcome = Outcome.failed("TooManyRequestsException", "Rate Exceeded.")
            if not outcome.error or pause is None:
                return
            await self.emulator.clock.sleep(pause)

    async def _environment(self):
        """One that is idle: the one used last, or a new one, or the first to become free."""
        while True:
            while self._idle:
                environment = self._idle.pop()
                if environment.state == "idle":
                    return environment
            if len(self.environments) < self.settings.environments:
                environment = await self._new()
                if environment.state == "idle":
                    return environment
                continue
            if self.settings.when_full == "refuse":
                self.counts["throttled"] += 1
                raise Throttled
            free = asyncio.Future()
            self._waiting.append(free)
            environment = await free
            if environment and environment.state == "idle":
                return environment

    async def _new(self):
        self._started += 1
        environment = Environment(self, self._started)
        self.environments.add(environment)
        self.counts["cold starts"] += 1
        try:
            await environment.start()
        except InitFailed:
            environment.kill()
            if not environment.has_process:
                self.is_gone(environment)
            raise
        self.cold_starts.append(environment.cold_start)
        return environment

    def is_free(self, environment):
        """It may take an event; called before it is frozen."""
        if waiting := self._next_waiting():
            waiting.set_result(environment)
        else:
            self._idle.append(environment)

    def is_gone(self, environment):
        self.environments.discard(environment)
        if environment in self._idle:
            self._idle.remove(environment)
        if waiting := self._next_waiting():
            waiting.set_result(None)

    def _next_waiting(self):
        while self._waiting:
            waiting = self._waiting.popleft()
            if not waiting.done():
                return waiting
        return None

    def is_busy(self):
        return any(one.state in ("starting", "busy") for one in self.environments)

    async def recycle(self):
        """Ends the idle environments: what comes next starts cold."""
        ended = [one for one in self.environments if one.state == "idle"]
        await self._end(ended)
        return len(ended)

    async def end_all(self):
        await self._end(list(self.environments))

    async def _end(self, environments):
        for one in environments:
            one.state = "dead"
            one.kill()
        while any(one in self.environments for one in environments):
            await asyncio.sleep(0.005)

    def figures(self):
        return {**self.counts, "environments": len(self.environments),
                "seconds of cold starts": self.cold_starts,
                "seconds of invocations": self.durations}


def answer_of(outcome):
    """The answer of a proxy integration, or None where there is none: "Set up a Lambda proxy
    integration": a document with a status."""
    if outcome.error:
        return None
    try:
        answer = json.loads(outcome.payload)
    except ValueError:
        return None
    status = answer.get("statusCode") if isinstance(answer, dict) else None
    if type(status) is not int or not 100 <= status <= 599:
        return None
    return answer
