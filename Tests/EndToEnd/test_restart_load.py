"""A relay that is restarted again and again while everybody talks."""

import asyncio

import pytest

from support.restart import Relay
from support.streamers import Streamer
from support.swarm import LIFE_SECONDS, ClassicClient, Line, until

pytestmark = pytest.mark.one_process("starts again on the same address")

ROOMS, PER_ROOM, RESTARTS = 25, 8, 3


class Old(ClassicClient):
    def __init__(self, *arguments, gate):
        super().__init__(*arguments)
        self.gate, self.firsts = gate, 0

    async def _connect(self):
        await self.gate.wait()
        return await super()._connect()

    def _hear(self, event, line):
        self.firsts += event["type"] == "first_to_join"
        super()._hear(event, line)


def population(relay, gate):
    addresses = [relay.address.split(":")]
    token = relay.application.token
    for number in range(ROOMS * PER_ROOM):
        yield Streamer(number, f"room-{number % ROOMS}", addresses,
                       token(subject=f"user-{number}", expires_in=str(LIFE_SECONDS)), gate=gate)
    for number in range(ROOMS):
        yield Old(number, f"room-{number}", addresses,
                  token(subject=f"old-{number}", expires_in=str(LIFE_SECONDS)), gate=gate)


async def visit(relay, members):
    """Newcomers of both dialects, before anybody is back: in no room is one of them the first."""
    address = relay.address.split(":")
    token = await asyncio.to_thread(relay.application.token)
    for room in range(0, ROOMS, 5):
        line = await Line.open("v1", address, "/", f"usher.v1, usher.bearer.{token}")
        line.send({"action": "join-room", "roomId": f"room-{room}", "name": "New", "id": "new"})
        events = [await line.receive() for _ in range(2)]
        assert [event["type"] for event in events] == ["welcome", "room_state"]
        found = {member["connectionId"] for member in events[1]["data"]["members"]}
        assert found == members[f"room-{room}"]
        old = await Line.open("classic", address, f"/?token={token}")
        old.send({"action": "join-room", "roomId": f"room-{room}", "id": "new classic"})
        joined = await line.receive()
        assert (joined["type"], joined["data"]["peerId"]) == ("someone_joined", "new classic")
        line.send({"action": "leave-room", "roomId": f"room-{room}", "ack": "left"})
        assert (await line.receive())["type"] == "ack"
        old.drop()


async def restart(relay, clients, gate):
    gate.clear()
    await asyncio.to_thread(relay.stop)
    await asyncio.to_thread(relay.start)
    streamers = [client for client in clients if isinstance(client, Streamer)]
    await visit(relay, {
        room: {one.connection for one in streamers if one.room == room}
        for room in {one.room for one in streamers}})
    resumes = sum(one.resumes for one in streamers)
    gate.set()
    await until(lambda: sum(one.resumes for one in streamers) == resumes + len(streamers), 25,
                lambda: f"{[one.name for one in streamers if not one.is_joined]} are not back")


async def scenario(relay):
    gate = asyncio.Event()
    gate.set()
    clients = list(await asyncio.to_thread(lambda: list(population(relay, gate))))
    streamers = [one for one in clients if isinstance(one, Streamer)]
    for one in streamers:
        one.start()
    await until(lambda: all(one.is_joined for one in streamers), 20, lambda: "not all have joined")
    for index, one in enumerate(streamers):
        one.partner = streamers[(index + ROOMS) % len(streamers)].connection
    for one in clients[len(streamers):]:
        one.start()
    for _ in range(RESTARTS):
        await asyncio.sleep(3)  # The load is the test.
        for one in clients:
            one.check()
        await restart(relay, clients, gate)
    await asyncio.sleep(1)
    for one in clients:
        one.is_talking = False
    await until(lambda: not any(one.unanswered for one in streamers), 10, lambda: "unanswered")
    await asyncio.sleep(1)
    for one in clients:
        one.check()
        await one.stop()
    return streamers, clients[len(streamers):]


def test_nothing_is_lost_doubled_or_reordered_over_restarts_under_load(start):
    relay = Relay(start, "--ping-interval-seconds", "2")
    streamers, old = asyncio.run(scenario(relay))
    for index, one in enumerate(streamers):
        assert (one.resumes, one.losses, len(one.lives)) == (RESTARTS, 0, 1), one.name
        count = len(one.said)
        assert count > 10 * RESTARTS
        assert one.acked == list(range(1, count + 1))
        partner = streamers[(index + ROOMS) % len(streamers)]
        assert partner.received[(one.connection, partner.connection)] == one.acked
        # Nobody leaves but those who can't come back, and who said so.
        of_old = [reason for peer, reason in one.left if peer.startswith("classic-")]
        assert of_old == ["lost"] * RESTARTS
        others = {left for left in one.left if not left[0].startswith("classic-")}
        assert others <= {("new", "left"), ("new classic", "lost")}
    assert sum(one.firsts for one in old) == 0
    assert relay.server.stop() == 0
