"""A steady load for a while: nothing may pile up (ten minutes with USHER_TEST_SOAK_SECONDS)."""

import asyncio
import os
import statistics
import time
import urllib.parse

import pytest

from support.process import Sample
from support.proxy import ChaosProxy, befall
from support.swarm import population, until
from support.waiting import eventually

SECONDS = float(os.environ.get("USHER_TEST_SOAK_SECONDS") or 10)
CLIENTS = 60
# What the memory may grow by between the second quarter of the time and the last.
GROWTH_MAX_KILOBYTES = 4_000


async def break_some(proxy):
    """One connection of all ends each quarter of a second, and its client resumes."""
    while True:
        await asyncio.sleep(0.25)
        proxy.links = [link for link in proxy.links if link.is_open]
        if proxy.links:
            befall(proxy.links[0], "cut")


async def live(server, clients, proxy):
    """Lets the clients talk for the time; returns a sample of each second."""
    samples = []
    breaking = None
    try:
        for client in clients:
            client.start()
        await until(lambda: all(client.is_joined for client in clients), 60,
                    lambda: [client.name for client in clients if not client.is_joined])
        breaking = asyncio.ensure_future(break_some(proxy))
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline:
            await asyncio.sleep(1)
            samples.append(Sample.of(server.process))
            for client in clients:
                client.check()
    finally:
        if breaking:
            breaking.cancel()
        for client in clients:
            if client.is_started:
                await client.stop()
        proxy.stop()
    return samples


def median(samples, first, last):
    part = samples[int(len(samples) * first):int(len(samples) * last)]
    return statistics.median(sample.kilobytes for sample in part)


@pytest.mark.one_process("looks at the memory of one process")
def test_a_steady_load_leaves_memory_descriptors_and_threads_as_they_were(start):
    server = start("--max-connections-per-address", "0", "--resume-grace-seconds", "2")
    application = server.application()
    place = urllib.parse.urlsplit(server.url)

    async def scene():
        proxy = ChaosProxy(place.hostname, place.port)
        clients = list(population([await proxy.start()], application, CLIENTS, rooms=10))
        before = Sample.of(server.process)
        return before, await live(server, clients, proxy), clients

    before, samples, clients = asyncio.run(scene())
    early, late = median(samples, 0.25, 0.5), median(samples, 0.75, 1)
    heard = sum(len(numbers) for client in clients for numbers in client.received.values())
    print(f"{SECONDS:.0f} s: {heard} payloads, {sum(client.breaks for client in clients)} breaks; "
          f"memory {early:.0f} kB, then {late:.0f} kB; {samples[-1].threads} threads")
    assert heard > 10 * SECONDS
    assert late - early < GROWTH_MAX_KILOBYTES
    # What runs now and then does so in the system's pool, which keeps a few threads at hand.
    assert max(sample.threads for sample in samples) <= before.threads + 4
    assert max(sample.descriptors for sample in samples) < before.descriptors + CLIENTS + 20
    eventually(lambda: Sample.of(server.process).descriptors <= before.descriptors,
               "descriptors are closed")
    assert server.stop() == 0
