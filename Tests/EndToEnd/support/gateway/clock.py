"""The emulator's time, which can be set forward, and its chance, which comes from a seed."""

import asyncio
import heapq
import itertools
import random
import time


class Clock:
    """Runs as the wall's does, ahead of it by what it was set forward.

    Functions have clocks of their own: what is theirs to measure, such as the time left to an
    invocation, is no business of this one.
    """

    def __init__(self):
        self._ahead = time.time() - time.monotonic()
        self._sleepers = []
        self._numbers = itertools.count()
        self._timer = None

    def now(self):
        return time.monotonic() + self._ahead

    def milliseconds(self):
        return int(self.now() * 1000)

    async def sleep(self, seconds):
        if seconds > 0:
            await self.until(self.now() + seconds)

    async def until(self, due):
        woken = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (due, next(self._numbers), woken))
        self._arm()
        await woken

    async def forward(self, seconds):
        """Sets the clock forward by way of every moment for which something waits, in order."""
        end = self.now() + seconds
        while self._next() is not None and self._next() <= end:
            self._ahead += max(0, self._next() - self.now())
            self._wake()
            # What was woken goes before what is due later.
            for _ in range(5):
                await asyncio.sleep(0)
        self._ahead += max(0, end - self.now())
        self._arm()

    def _next(self):
        while self._sleepers and self._sleepers[0][2].done():
            heapq.heappop(self._sleepers)
        return self._sleepers[0][0] if self._sleepers else None

    def _arm(self):
        if self._timer:
            self._timer.cancel()
            self._timer = None
        if self._next() is not None:
            self._timer = asyncio.get_running_loop().call_later(
                max(0, self._next() - self.now()), self._wake)

    def _wake(self):
        while self._next() is not None and self._next() <= self.now():
            heapq.heappop(self._sleepers)[2].set_result(None)
        self._arm()


class Chance:
    """Draws that depend on the seed and on what they are for alone, never on the order in which
    concurrent things happen to ask."""

    def __init__(self, seed):
        self.seed = seed
        self._counters = {}

    def of(self, *purpose):
        return random.Random("/".join(map(str, (self.seed, *purpose))))

    def next(self, *purpose):
        """As `of`, for the next of many of one kind."""
        counter = self._counters.setdefault(purpose, itertools.count(1))
        return self.of(*purpose, next(counter))
