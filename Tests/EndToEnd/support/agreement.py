"""What has to be true of a swarm's clients, whatever befell them."""

import asyncio
import collections

from .swarm import until


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


async def begin(clients):
    """Has all come, and waits until they agree."""
    for client in clients:
        client.start()
        await asyncio.sleep(0.02)
    await until(lambda: not disagreeing(clients), 60, lambda: disagreeing(clients))


def fall_silent(clients):
    """Nobody says anything new from now on."""
    for client in clients:
        client.check()
        client.is_talking = False


async def come_to_rest(clients):
    """Waits until all agree and are answered, and what is on its way to them has arrived."""
    await until(lambda: not disagreeing(clients) and not unanswered(clients), 60,
                lambda: (disagreeing(clients), unanswered(clients)))
    await asyncio.sleep(0.5)
    for client in clients:
        client.check()
    assert not disagreeing(clients)


async def end(clients):
    for client in clients:
        if client.is_started:
            await client.stop()


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
