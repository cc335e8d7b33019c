"""`@connections`: "Use @connections commands in your backend service", and what the API Gateway
Management API documents of its errors."""

import time
import urllib.parse

from aiohttp import web

from .services import fault
from .settings import MESSAGE_BYTES

# "LimitExceededException": also where "the associated client side buffer is full". Its size is the
# emulator's own.
BUFFER_BYTES = 4 * MESSAGE_BYTES


class Connections:
    def __init__(self, emulator):
        self.emulator = emulator

    def describe(self, request, body):
        path = request.raw_path.partition("?")[0]
        segments = path.split("/")
        # The id is decoded once, and is one segment: an encoded slash would belong to it.
        return {"operation": request.method, "actions": ["execute-api:ManageConnections"],
                "target": urllib.parse.unquote("/".join(segments[3:]))}

    async def carry_out(self, request, body, call):
        known = self.emulator.front.connections.get(call.target)
        if request.method not in ("POST", "GET", "DELETE"):
            return fault("connections", 403, "MissingAuthenticationTokenException")
        if request.method == "POST" and len(body) > MESSAGE_BYTES:
            return fault("connections", 413, "PayloadTooLargeException", "Payload too large")
        # One whose $connect still runs is not there yet.
        if not known or not known.is_open:
            self.emulator.counts["gone"] += 1
            return fault("connections", 410, "GoneException", "Gone")
        match request.method:
            case "GET":
                return web.json_response({
                    "connectedAt": _date(known.connected_at),
                    "identity": {"sourceIp": known.source, "userAgent": known.agent},
                    "lastActiveAt": _date(known.last_active)})
            case "DELETE":
                known.close(1000, "")
                return web.Response(status=204)
        return await self._post(known, body)

    async def _post(self, known, body):
        try:
            text = body.decode()
        except UnicodeDecodeError:
            return fault("connections", 400, "BadRequestException", "not UTF-8")
        if known.buffered > BUFFER_BYTES:
            return fault("connections", 429, "LimitExceededException", "client side buffer is full")
        try:
            await known.send(text)
        except ConnectionError:
            self.emulator.counts["gone"] += 1
            return fault("connections", 410, "GoneException", "Gone")
        self.emulator.counts["posts"] += 1
        self.emulator.count_metered("messages out", len(body))
        return web.Response(status=200)


def _date(milliseconds):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(milliseconds / 1000))
