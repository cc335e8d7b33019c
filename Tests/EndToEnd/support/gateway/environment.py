"""One execution environment: the function's process, its Runtime API, and what it may reach."""

import asyncio
import ctypes
import json
import os
import signal
import ssl
import time
from dataclasses import dataclass, field

from aiohttp import web

from .faults import Call
from .settings import REGION

RUNTIME = "/2018-06-01/runtime"
# "Lambda quotas": invocation payload, synchronous.
ANSWER_BYTES = 6 * 1024 * 1024
LIBC = ctypes.CDLL(None)


@dataclass
class Outcome:
    """What became of an invocation: the function's answer, or the error's document."""

    payload: bytes
    error: str = None  # `Unhandled` as in X-Amz-Function-Error

    @staticmethod
    def failed(kind, message):
        document = {"errorType": kind, "errorMessage": message}
        return Outcome(json.dumps(document).encode(), "Unhandled")


@dataclass
class Invocation:
    id: str
    payload: bytes
    route: str
    outcome: asyncio.Future = field(default_factory=lambda: asyncio.Future())
    steps: int = 0
    answer: Outcome = None  # as posted, where it has not gone on yet

    def settle(self, outcome):
        if not self.outcome.done():
            self.outcome.set_result(outcome)


class InitFailed(Exception):
    """The init phase failed; holds the outcome of the invocation that it was for."""

    def __init__(self, outcome):
        super().__init__(outcome.payload)
        self.outcome = outcome


def die_with_the_emulator():
    """PR_SET_PDEATHSIG: nothing else ends a frozen process whose emulator was killed."""
    LIBC.prctl(1, signal.SIGKILL)


async def listen(handler, certificate=None):
    """Serves HTTP on a free port; returns its runner and its `host:port`."""
    application = web.Application(client_max_size=ANSWER_BYTES + 1024)
    application.router.add_route("*", "/{anything:.*}", handler)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    context = None
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate)
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context)
    await site.start()
    host, port = runner.addresses[0][:2]
    return runner, f"{host}:{port}"


class Environment:
    """Starts as `starting`, is `idle` once it asked for an event, `busy` from an event to the
    next question (what is done after an answer belongs to the invocation), and in the end `dead`.
    """

    def __init__(self, function, number):
        self.function = function
        self.settings = function.settings
        self.number = number
        self.state = "starting"
        self.invocation = None
        self.credentials = function.new_credentials()
        self.cold_start = None  # seconds from the start of the process to its first question
        self._ready = asyncio.Future()
        self._event = None
        self._timer = None
        self._runners = []
        self._process = None

    async def start(self):
        """Returns once the runtime asked for its first event; raises `InitFailed`."""
        await asyncio.sleep(self.settings.cold_start_seconds)
        runner, runtime = await listen(self._runtime_api)
        self._runners.append(runner)
        certificate = self.function.certificate
        runner, services = await listen(
            lambda request: self.function.services.handle(request, self), certificate)
        self._runners.append(runner)
        services = f"{'https' if certificate else 'http'}://{services}"
        if self.state == "dead":
            raise InitFailed(Outcome.failed("Runtime.ExitError", "ended before it began"))
        started = time.monotonic()
        with open(self.function.log, "ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *self.function.command, env=self._variables(runtime, services),
                stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
                preexec_fn=die_with_the_emulator)
        if self.state == "dead":
            self.kill()
        watcher = self.function.spawn(self._watch())
        try:
            async with asyncio.timeout(self.settings.init_seconds):
                await asyncio.shield(self._ready)
        except TimeoutError:
            self.kill()
            await watcher
            self._ready.exception()
            raise InitFailed(Outcome.failed(
                "Sandbox.Timedout", f"init took over {self.settings.init_seconds} s")) from None
        self.cold_start = time.monotonic() - started

    def _variables(self, runtime, services):
        """As "Using Lambda environment variables" lists them for OS-only runtimes."""
        settings = self.settings
        variables = {
            "PATH": "/usr/local/bin:/usr/bin/:/bin:/opt/bin",
            "LANG": "en_US.UTF-8", "TZ": ":UTC",
            "LAMBDA_TASK_ROOT": "/var/task", "LAMBDA_RUNTIME_DIR": "/var/runtime",
            "_HANDLER": "bootstrap",
            "AWS_REGION": REGION, "AWS_DEFAULT_REGION": REGION,
            "AWS_LAMBDA_RUNTIME_API": runtime,
            "AWS_LAMBDA_FUNCTION_NAME": settings.function,
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
            "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
            "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{settings.function}",
            "AWS_LAMBDA_LOG_STREAM_NAME": f"[$LATEST]{self.number:032x}",
            "AWS_ACCESS_KEY_ID": self.credentials.key,
            "AWS_SECRET_ACCESS_KEY": self.credentials.secret,
            "AWS_SESSION_TOKEN": self.credentials.token,
        }
        for name, value in self.function.variables.items():
            variables[name] = value.replace("{services}", services)
        return variables

    # -- What the function sees.

    async def _runtime_api(self, request):
        """"Using the Lambda runtime API for custom runtimes"."""
        body = await request.read()
        path = request.path.removeprefix(RUNTIME)
        if request.method == "GET" and path == "/invocation/next":
            return await self._next()
        if request.method == "POST" and path == "/init/error":
            return self._init_error(body)
        match path.split("/"):
            case ["", "invocation", id, "response" | "error" as kind] if request.method == "POST":
                return await self._answer(request, id, kind, body)
        return web.json_response({"errorType": "NotFound"}, status=404)

    async def _next(self):
        if self.state == "busy" and self.invocation.answer is None:
            return web.json_response(
                {"errorType": "InvalidStateTransition", "errorMessage": "no answer yet"},
                status=403)
        if self.state not in ("starting", "busy"):
            return web.json_response({"errorType": "InvalidStateTransition"}, status=403)
        self._event = asyncio.Future()
        if self.state == "starting":
            self.state = "idle"
            self._ready.set_result(None)
        else:
            self._cancel_timer()
            self.invocation.settle(self.invocation.answer)
            self.invocation = None
            self.state = "idle"
            self.function.is_free(self)
        if self.settings.freeze and self.state == "idle":
            self._signal(signal.SIGSTOP)
        invocation = await self._event
        self._signal(signal.SIGCONT)
        deadline = time.time() + self.settings.function_seconds
        self._timer = asyncio.get_running_loop().call_later(
            self.settings.function_seconds, self._time_out)
        return web.Response(body=invocation.payload, content_type="application/json", headers={
            "Lambda-Runtime-Aws-Request-Id": invocation.id,
            "Lambda-Runtime-Deadline-Ms": str(int(deadline * 1000)),
            "Lambda-Runtime-Invoked-Function-Arn": self.settings.function_arn,
            "Lambda-Runtime-Trace-Id":
                f"Root=1-{int(time.time()):08x}-{invocation.id[-12:]:0>24};Sampled=0"})

    async def _answer(self, request, id, kind, body):
        invocation = self.invocation
        if not invocation or invocation.id != id or invocation.answer:
            return web.json_response(
                {"errorType": "InvalidRequestID", "errorMessage": "Invalid request ID"}, status=400)

        async def carry_out():
            if len(body) > ANSWER_BYTES:
                invocation.answer = Outcome.failed(
                    "Function.ResponseSizeTooLarge", f"over {ANSWER_BYTES} bytes")
                status = 413
            else:
                invocation.answer = Outcome(body, "Unhandled" if kind == "error" else None)
                status = 202
            if self.settings.answer_on == "response":
                invocation.settle(invocation.answer)
            return web.json_response({"status": "OK"}, status=status)

        return await self.function.services.step(
            request, self, Call("runtime", kind), carry_out)

    def _init_error(self, body):
        if not self._ready.done():
            self._ready.set_exception(InitFailed(Outcome(body, "Unhandled")))
        return web.json_response({"status": "OK"}, status=202)

    # -- What is done with it.

    def take(self, invocation):
        """Hands the event to the runtime, which waits for one."""
        self.state = "busy"
        self.invocation = invocation
        self._event.set_result(invocation)

    def cut(self):
        """Ends the connections that the function keeps open to services, as services do with those
        that are idle for long."""
        if len(self._runners) == 2:
            for connection in self._runners[1].server.connections:
                connection.force_close()

    @property
    def has_process(self):
        return self._process is not None

    def kill(self):
        self._signal(signal.SIGKILL)

    def _signal(self, which):
        if self._process and self._process.returncode is None:
            try:
                os.killpg(self._process.pid, which)
            except ProcessLookupError:
                pass

    def _cancel_timer(self):
        if self._timer:
            self._timer.cancel()
            self._timer = None

    def _time_out(self):
        seconds = self.settings.function_seconds
        self.function.counts["timeouts"] += 1
        self.invocation.settle(Outcome.failed(
            "Sandbox.Timedout",
            f"RequestId: {self.invocation.id} Error: Task timed out after {seconds:.2f} seconds"))
        self.kill()

    async def _watch(self):
        """Waits for the end of the process, and with it of the environment."""
        status = await self._process.wait()
        was_told = self._ready.done()
        self.state = "dead"
        self._cancel_timer()
        why = f"signal: {signal.Signals(-status).name}" if status < 0 else f"exit status {status}"
        outcome = Outcome.failed(
            "Runtime.ExitError", f"Error: Runtime exited with error: {why}")
        if not was_told:
            self._ready.set_exception(InitFailed(outcome))
        if self.invocation:
            self.invocation.settle(outcome)
        if self._event and not self._event.done():
            self._event.cancel()
        self.function.is_gone(self)
        for runner in self._runners:
            await runner.cleanup()
