"""AWS by `ministack`, an emulator from PyPI, with what it lacks of a WebSocket API in front.

`python -m support.ministack --port 4566`, in this folder's parent, runs it for people; its Python
is named by USHER_MINISTACK (`scripts/test --deep` installs one in .build-ministack). It listens on
all addresses of its network, so it runs in one of its own (`unshare --net`) or not at all.

What it lacks, and the front adds: the subprotocol in the answer to a handshake, and `@connections`
at an address whose path is the stage alone.
"""

import argparse
import asyncio
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import aiohttp
from aiohttp import web

from . import ledger
from .gateway.settings import FRAME_BYTES, REGION
from .proxies import free_port
from .waiting import eventually

FOLDER = Path(__file__).parents[1]
PYTHON = os.environ.get("USHER_MINISTACK", "")
STAGE = "live"
START_SECONDS = 60
# By this the emulator knows which service is asked, and where; it looks at no signature.
ASKED = {"Authorization": "AWS4-HMAC-SHA256 "
         f"Credential=test/20200101/{REGION}/apigateway/aws4_request, "
         "SignedHeaders=host, Signature=0"}
HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "upgrade", "content-length", "host",
              "expect", "te", "trailer"}


def is_alone():
    """Whether this network has nothing but the loopback interface."""
    return [name for _, name in socket.if_nameindex()] == ["lo"]


class Cloud:
    """The emulator as tests use it."""

    def __init__(self):
        output, errors = ledger.new_log("ministack-ready"), ledger.new_log("ministack")
        with output.open("wb") as out, errors.open("wb") as err:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "support.ministack"], cwd=FOLDER, stdout=out, stderr=err,
                stdin=subprocess.DEVNULL, start_new_session=True)
        self.url = json.loads(eventually(
            lambda: output.read_text() or self._check(errors), "ministack", START_SECONDS))["url"]
        self.environment = {
            "AWS_ENDPOINT_URL": self.url, "AWS_REGION": REGION, "AWS_DEFAULT_REGION": REGION,
            "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_EC2_METADATA_DISABLED": "true"}

    def _check(self, errors):
        assert self.process.poll() is None, errors.read_text()[-2000:]

    def client(self, service):
        import boto3

        return boto3.client(
            service, region_name=REGION, endpoint_url=self.url, aws_access_key_id="test",
            aws_secret_access_key="test")

    def stop(self):
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGTERM)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


class Front:
    def __init__(self, upstream, http):
        self.upstream = upstream
        self.http = http

    async def api(self):
        async with self.http.get(f"{self.upstream}/v2/apis", headers=ASKED) as answer:
            items = (await answer.json(content_type=None)).get("items", [])
        if not items:
            raise web.HTTPBadGateway
        return f"{self.upstream}/_aws/execute-api/{items[-1]['apiId']}"

    async def handle(self, request):
        if request.path.strip("/") == STAGE and "Upgrade" in request.headers:
            return await self.socket(request)
        place = self.upstream
        if request.path.startswith(f"/{STAGE}/@connections/"):
            place = await self.api()
        body = await request.read()
        fields = [(name, value) for name, value in request.headers.items()
                  if name.lower() not in HOP_BY_HOP]
        async with self.http.request(
                request.method, place + request.raw_path, headers=[*fields, ("Host", request.host)],
                data=body, allow_redirects=False) as answer:
            kept = [(name, value) for name, value in answer.headers.items()
                    if name.lower() not in HOP_BY_HOP]
            return web.Response(
                status=answer.status, headers=kept, body=await answer.read())

    async def socket(self, request):
        offered = [one.strip() for one in
                   request.headers.get("Sec-WebSocket-Protocol", "").split(",") if one.strip()]
        passed = {name: request.headers[name] for name in ("Authorization", "Cookie", "Origin")
                  if name in request.headers}
        api = (await self.api()).replace("http", "ws", 1)
        target = f"{api}/{STAGE}?{request.query_string}"
        try:
            upstream = await self.http.ws_connect(
                target, protocols=offered, headers=passed, max_msg_size=4 * FRAME_BYTES)
        except aiohttp.WSServerHandshakeError as refusal:
            return web.Response(status=refusal.status)
        # The function chooses it, or nothing.
        chosen = ["usher.v1"] if "usher.v1" in offered else []
        own = web.WebSocketResponse(protocols=chosen, max_msg_size=4 * FRAME_BYTES)
        await own.prepare(request)
        ends = [asyncio.create_task(_pass(one, other))
                for one, other in ((own, upstream), (upstream, own))]
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        await asyncio.gather(
            upstream.close(code=own.close_code or 1000), own.close(), return_exceptions=True)
        return own


async def _pass(source, target):
    async for message in source:
        if message.type is aiohttp.WSMsgType.TEXT:
            await target.send_str(message.data)


async def serve(port):
    inner = free_port()
    emulator = await asyncio.create_subprocess_exec(
        PYTHON, "-m", "ministack", stdout=sys.stderr, env={
            "PATH": os.environ["PATH"], "GATEWAY_PORT": str(inner), "LAMBDA_EXECUTOR": "local",
            "BIND_HOST": "127.0.0.1"})
    upstream = f"http://127.0.0.1:{inner}"
    try:
        async with aiohttp.ClientSession(auto_decompress=False) as http:
            await _ready(http, upstream, emulator)
            application = web.Application(client_max_size=256 << 20)
            application.router.add_route("*", "/{path:.*}", Front(upstream, http).handle)
            runner = web.AppRunner(application)
            await runner.setup()
            site = web.TCPSite(runner, "127.0.0.1", port)
            await site.start()
            host, bound = site._server.sockets[0].getsockname()[:2]
            print(json.dumps({"event": "ready", "url": f"http://{host}:{bound}"}), flush=True)
            stopped = asyncio.Event()
            for one in (signal.SIGTERM, signal.SIGINT):
                asyncio.get_running_loop().add_signal_handler(one, stopped.set)
            await stopped.wait()
            await runner.cleanup()
    finally:
        with contextlib.suppress(ProcessLookupError):
            emulator.terminate()
        await emulator.wait()


async def _ready(http, upstream, emulator):
    for _ in range(START_SECONDS * 4):
        assert emulator.returncode is None, "ministack ended"
        with contextlib.suppress(aiohttp.ClientError):
            async with http.get(f"{upstream}/_ministack/health") as answer:
                if answer.status == 200:
                    return
        await asyncio.sleep(0.25)
    raise AssertionError("ministack does not answer")


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--port", type=int, default=0, help="on 127.0.0.1; 0: any")
    options = parser.parse_args()
    if not PYTHON:
        parser.error("USHER_MINISTACK names no Python that has ministack")
    if not is_alone():
        parser.error("not in a network of its own: run it by `unshare --net`")
    asyncio.run(serve(options.port))


if __name__ == "__main__":
    main()
