"""Two hundred clients behind a proxy that delays, cuts and half-opens their connections."""

import asyncio
import os
import urllib.parse

import pytest

from support import agreement
from support.agreement import check_acknowledged, check_order, names_by_room
from support.proxy import ChaosProxy
from support.swarm import population
from support.v1 import connect

SECONDS = float(os.environ.get("USHER_TEST_CHAOS_SECONDS") or 12)
CLIENTS = 200
ROOMS = 20
MISFORTUNES_A_SECOND = 15


async def run(server, clients, proxy):
    try:
        await agreement.begin(clients)
        await proxy.rage(SECONDS, MISFORTUNES_A_SECOND)
        agreement.fall_silent(clients)
        proxy.calm()
        await agreement.come_to_rest(clients)
    finally:
        await agreement.end(clients)
        proxy.stop()


@pytest.mark.one_process("puts a proxy of its own before the relay")
def test_rooms_agree_and_nothing_acknowledged_is_lost_in_chaos(start):
    server = start(
        "--max-connections-per-address", "0", "--ping-interval-seconds", "2",
        "--resume-grace-seconds", "6", "--resume-events", "5000", "--resume-bytes", "0")
    application = server.application()
    place = urllib.parse.urlsplit(server.url)

    async def scene():
        proxy = ChaosProxy(place.hostname, place.port)
        clients = list(population([await proxy.start()], application, CLIENTS, ROOMS))
        await run(server, clients, proxy)
        return clients, proxy

    clients, proxy = asyncio.run(scene())
    check_order(clients)
    arrivals = check_acknowledged(clients)
    speakers = [client for client in clients if client.dialect == "v1"]
    resumes = sum(client.resumes for client in speakers)
    print(f"misfortunes: {proxy.befallen}; resumed {resumes} times, "
          f"{sum(len(client.lives) for client in speakers)} lives of {len(speakers)} clients, "
          f"{arrivals} acknowledged arrivals checked")
    assert arrivals > 3 * CLIENTS
    assert resumes > SECONDS
    with connect(application) as visitor:
        members = visitor.join("room-0", id="visitor")["members"]
        # All are gone by now, but those who were cut off keep their places for a while.
        assert {member["peerId"] for member in members} <= set(names_by_room(clients)["room-0"])
    assert server.stop() == 0
