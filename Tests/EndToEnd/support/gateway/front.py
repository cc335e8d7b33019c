"""The WebSocket front of the API: its sockets, its routes and its limits."""

import asyncio
import base64
import collections
import json
import urllib.parse

from websockets.asyncio.server import ServerConnection, serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.frames import CloseCode
from websockets.http11 import Response

from . import events
from .environment import Outcome
from .function import Throttled, answer_of
from .settings import FRAME_BYTES, MESSAGE_BYTES

REASONS = {1000: "Normal Closure", 1001: "Going away", 1003: "Unsupported data",
           1005: "Client-side close frame status not set", 1006: "Connection closed abnormally",
           1009: "Message too big"}
# How long a client may take to answer a close frame.
CLOSE_SECONDS = 0.5


class Connection:
    """What the API knows of one client."""

    def __init__(self, front, socket, headers):
        emulator = front.emulator
        chance = emulator.chance.next("connection")
        front.count += 1
        self.front = front
        self.number = front.count
        self.socket = socket
        # 11 bytes: 15 letters and a `=`.
        self.id = base64.urlsafe_b64encode(chance.randbytes(11)).decode()
        self.source = socket.remote_address[0]
        self.agent = headers.get("User-Agent")
        self.connected_at = self.last_active = emulator.clock.milliseconds()
        self.is_open = False
        self.is_admitted = False  # $connect was answered with a success
        self.messages = 0
        self._closing = None

    async def send(self, text):
        try:
            await self.socket.send(text)
        except ConnectionClosed:
            raise ConnectionError from None
        self.last_active = self.front.emulator.clock.milliseconds()

    @property
    def buffered(self):
        return self.socket.transport.get_write_buffer_size()

    def close(self, code, reason):
        """Closes from this side; from now on the connection is gone."""
        if self.is_open:
            self.is_open = False
            self._closing = code
            self.front.emulator.spawn(self.socket.close(code, reason))

    @property
    def end(self):
        """Code and reason as $disconnect says them."""
        protocol = self.socket.protocol
        if self._closing:
            return self._closing, REASONS.get(self._closing, "")
        if protocol.close_rcvd:
            code = int(protocol.close_rcvd.code)
            return code, protocol.close_rcvd.reason or REASONS.get(code, "")
        code = int(protocol.close_sent.code) if protocol.close_sent else CloseCode.ABNORMAL_CLOSURE
        return int(code), REASONS.get(code, "")


class Socket(ServerConnection):
    """Tells when it is lost, also where it never came to the end of its handshake."""

    known = None

    def data_received(self, data):
        super().data_received(data)
        if self.protocol.close_expected():
            # A client that goes on after a frame that ended the connection.
            asyncio.get_running_loop().call_later(CLOSE_SECONDS, self.transport.abort)

    def connection_lost(self, error):
        super().connection_lost(error)
        if self.known:
            self.known.front.is_lost(self.known)


class Front:
    def __init__(self, emulator):
        self.emulator = emulator
        self.settings = emulator.settings
        self.connections = {}
        self.count = 0
        self._recent = collections.deque()
        self._server = None

    async def start(self, port):
        """"Amazon API Gateway quotas": the sizes; larger ones are closed with 1009. No pings."""
        self._server = await serve(
            self._serve, "127.0.0.1", port, process_request=self._admit,
            process_response=self._select, create_connection=Socket, compression=None,
            server_header=None, open_timeout=None, ping_interval=None,
            # `Connections` bounds what waits for a client, and a post waits for none.
            close_timeout=CLOSE_SECONDS, write_limit=1 << 30, max_size=(MESSAGE_BYTES, FRAME_BYTES))
        host, port = self._server.sockets[0].getsockname()[:2]
        return f"ws://{host}:{port}/{self.settings.stage}"

    async def stop(self):
        self._server.close(code=1001)
        await self._server.wait_closed()

    # -- The handshake.

    async def _admit(self, socket, request):
        place = urllib.parse.urlsplit(request.path)
        if place.path.strip("/") != self.settings.stage:
            return _refusal(403, {"message": "Forbidden"})
        response = socket.protocol.accept(request)
        if response.status_code != 101:
            return response
        if self._is_too_fast():
            return _refusal(429, {"message": "Too Many Requests"})
        known = Connection(self, socket, request.headers)
        self.connections[known.id] = socket.known = known
        event = events.connect(
            self.emulator, known, list(request.headers.raw_items()), place.query)
        with self.emulator.at_work():
            answer = await self._invoke(event)
        status = answer["statusCode"] if answer else 502
        if not 200 <= status < 300:
            self.connections.pop(known.id, None)
            socket.known = None
            # The body is the gateway's own, whatever the integration's was.
            return _refusal(status, {
                "message": "Internal server error" if status >= 500 else "Forbidden",
                "connectionId": known.id, "requestId": event["requestContext"]["requestId"]})
        fields = answer.get("headers") or {}
        socket.chosen = [
            value for name, value in fields.items() if name.lower() == "sec-websocket-protocol"]
        known.is_admitted = True
        if self.settings.open_seconds:
            await asyncio.sleep(self.settings.open_seconds)
        if socket.protocol.state.name == "CLOSED":
            self.is_lost(known)
        return None

    def _select(self, socket, request, response):
        """"$connect routes that require a WebSocket subprotocol": of the integration's answer only
        this one header goes on."""
        if response.status_code == 101:
            for value in socket.chosen[:1]:
                response.headers["Sec-WebSocket-Protocol"] = value

    def _is_too_fast(self):
        limit, now = self.settings.connections_per_second, self.emulator.clock.now()
        while self._recent and self._recent[0] <= now - 1:
            self._recent.popleft()
        if limit and len(self._recent) >= limit:
            return True
        self._recent.append(now)
        return False

    # -- The connection.

    async def _serve(self, socket):
        known = socket.known
        known.is_open = True
        limits = self.emulator.spawn(self._limit(known))
        try:
            async for message in socket:
                known.last_active = self.emulator.clock.milliseconds()
                known.messages += 1
                if isinstance(message, bytes) and self.settings.binary == "refuse":
                    # "Binary media types for WebSocket APIs".
                    await socket.close(1003)
                    return
                self.emulator.spawn(self._message(known, message, known.messages))
        except ConnectionClosed:
            pass
        finally:
            known.is_open = False
            limits.cancel()

    async def _limit(self, known):
        """Closes what is silent or old. Control frames are no activity."""
        clock = self.emulator.clock
        while known.is_open:
            now = clock.now()
            end = min(known.last_active / 1000 + self.settings.idle_seconds,
                      known.connected_at / 1000 + self.settings.connection_seconds)
            if end <= now:
                known.close(1001, "Going away")
                return
            await clock.until(end)

    def _route(self, message):
        """`$request.body.action`: "Non-JSON messages are directed to a $default route"."""
        try:
            document = json.loads(message)
        except ValueError:
            return "$default"
        action = document.get("action") if isinstance(document, dict) else None
        known = [*self.settings.route_names, *self.settings.mocks]
        return action if isinstance(action, str) and action in known else "$default"

    async def _message(self, known, message, number):
        with self.emulator.at_work():
            size = len(message.encode() if isinstance(message, str) else message)
            self.emulator.count_metered("messages in", size)
            if self.settings.shuffle_seconds:
                draw = self.emulator.chance.of("shuffle", known.number, number).random()
                await asyncio.sleep(draw * self.settings.shuffle_seconds)
            route = self._route(message)
            if route in self.settings.mocks:
                if self.settings.mocks[route]:
                    await self._tell(known, self.settings.mocks[route])
                return
            event = events.message(self.emulator, known, route, message)
            if await self._invoke(event) is None:
                # What the integration answers goes nowhere; that it failed is told.
                await self._tell(known, json.dumps({
                    "message": "Internal server error", "connectionId": known.id,
                    "requestId": event["requestContext"]["requestId"]}))

    async def _tell(self, known, text):
        try:
            await known.send(text)
        except ConnectionError:
            return
        self.emulator.count_metered("messages out", len(text))

    async def _invoke(self, event):
        """The integration's answer, or None where it failed or took too long. A function that
        takes too long runs on."""
        work = self.emulator.spawn(self._outcome(event))
        try:
            async with asyncio.timeout(self.settings.integration_seconds):
                return answer_of(await asyncio.shield(work))
        except TimeoutError:
            self.emulator.counts["integration timeouts"] += 1
            return None

    async def _outcome(self, event):
        try:
            return await self.emulator.function.invoke(
                json.dumps(event).encode(), event["requestContext"]["routeKey"])
        except Throttled:
            return Outcome.failed("TooManyRequestsException", "Rate Exceeded.")

    def is_lost(self, known):
        """After the end of its socket: $disconnect, which "is a best-effort event"."""
        if not known.is_admitted or self.connections.pop(known.id, None) is None:
            return
        known.is_open = False
        self.emulator.spawn(self._disconnect(known))

    async def _disconnect(self, known):
        draw = self.emulator.chance.of("disconnect", known.number)
        if draw.random() < self.settings.lose_disconnects:
            self.emulator.counts["lost disconnects"] += 1
            return
        # The code is that of the end, the time that of the event.
        code, reason = known.end
        if draw.random() < self.settings.late_disconnects:
            await self.emulator.clock.sleep(draw.random() * self.settings.late_disconnect_seconds)
        with self.emulator.at_work():
            await self._invoke(events.disconnect(self.emulator, known, code, reason))


def _refusal(status, document):
    body = json.dumps(document).encode()
    return Response(status, "", Headers([
        ("Content-Type", "application/json"), ("Content-Length", str(len(body))),
        ("Connection", "close")]), body)
