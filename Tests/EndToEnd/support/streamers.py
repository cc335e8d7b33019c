"""Clients of a swarm that talk all the while, each to a partner of its own."""

import asyncio

from . import swarm


class Streamer(swarm.V1Client):
    """Says numbers to its partner, one after the other, each until it is acknowledged."""

    def __init__(self, *arguments, gate):
        super().__init__(*arguments)
        self.gate = gate
        self.partner = None
        self.left = []
        self.polite = {}

    async def _connect(self):
        await self.gate.wait()
        return await super()._connect()

    async def _talk(self, line):
        while True:
            await asyncio.sleep(self.chance.uniform(0.2, 0.6))
            for _ in range(3):
                if self.is_talking and self.is_joined and self.partner in self.members:
                    self._say(line)

    def _say(self, line):
        number = next(self.numbers)
        message = {"action": "send-payload", "target": self.partner, "ack": number,
                   "payload": {"type": "chat", "n": number, "at": 0}}
        self.unanswered[number] = message
        self.said[number] = self.partner
        line.send(message)

    def _hear(self, event, line):
        kind, data = event["type"], event["data"]
        assert kind != "error", data
        assert kind != "first_to_join" or self.resumes == 0, data
        if kind == "someone_left":
            self.left.append((data["peerId"], data["reason"]))
        if kind == "room_state":
            for member in data["members"]:
                known = self.polite.setdefault(member["connectionId"], member["polite"])
                assert known == member["polite"], "their order has changed"
        super()._hear(event, line)
