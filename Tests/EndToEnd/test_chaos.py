"""Two hundred clients behind a proxy that delays, cuts and half-opens their connections."""

import asyncio
import collections
import os
import urllib.parse

import pytest

from support.proxy import ChaosProxy
from support.swarm import population, until
from support.v1 import connect

SECONDS = float(os.environ.get("USHER_TEST_CHAOS_SECONDS") or 12)
CLIENTS = 200
ROOMS = 20
MISFORTUNES_A_SECOND = 15


def names_by_room(clients):
    rooms = collections.defaultdict(list)
    for client in clients:
        rooms[client.room].append(client.name)
    return {room: sorted(names) for room, names in rooms.items()}


def disagreeing(clients):
    """v1 clients whose list of the room is not who is there."""
    rooms = names_by_room(clients)
    return [client.name for client in clients if client.dialect == "v1" and (
        not client.is_joined
        or sorted([*client.members.values(), client.name]) != rooms[client.room])]


def unanswered(clients):
    return [client.name for client in clients if client.dialect == "v1" and client.unanswered]


async def run(server, clients, proxy):
    try:
        for client in clients:
            client.start()
            await asyncio.sleep(0.02)
        await until(lambda: not disagreeing(clients), 60, lambda: disagreeing(clients))
        await proxy.rage(SECONDS, MISFORTUNES_A_SECOND)
        for client in clients:
            client.check()
            client.is_talking = False
        proxy.calm()
        await until(lambda: not disagreeing(clients) and not unanswered(clients), 60,
                    lambda: (disagreeing(clients), unanswered(clients)))
        await asyncio.sleep(0.5)  # What is still on its way to a client arrives.
        for client in clients:
            client.check()
        assert not disagreeing(clients)
    finally:
        for client in clients:
            if client.is_started:
                await client.stop()
        proxy.stop()


def check_order(clients):
    """From one life to another, numbers grow: nothing comes twice or out of order."""
    for client in clients:
        for numbers in client.received.values():
            assert all(one < other for one, other in zip(numbers, numbers[1:])), client.name


def check_acknowledged(clients):
    """What was acknowledged reached everybody who was there and stayed; returns how often."""
    speakers = [client for client in clients if client.dialect == "v1"]
    by_life = {client.connection: client for client in speakers}
    arrivals = 0
    for client in speakers:
        for number in client.acked:
            life, receivers = client.said[number]
            for receiver in receivers & by_life.keys():
                heard = by_life[receiver].received[(life, receiver)]
                assert heard.count(number) == 1, (client.name, number, by_life[receiver].name)
                arrivals += 1
    return arrivals


@pytest.mark.one_process("puts a proxy of its own before the relay")
def test_rooms_agree_and_nothing_acknowledged_is_lost_in_chaos(start):
    server = start(
        "--max-connections-per-address", "0", "--ping-interval-seconds", "2",
        "--resume-grace-seconds", "6", "--resume-events", "5000", "--resume-bytes", "0")
    application = server.application()
    place = urllib.parse.urlsplit(server.url)

    async def scene():
        proxy = ChaosProxy(place.hostname, place.port)
        clients = list(population(await proxy.start(), application, CLIENTS, ROOMS))
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
