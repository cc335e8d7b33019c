"""The emulator as tests use it: a process of its own, and what is said to it."""

import json
import signal
import subprocess
import sys
import time
import urllib.parse
from pathlib import Path

from .. import http, ledger
from ..waiting import eventually
from ..websocket import WebSocket

FOLDER = Path(__file__).parents[2]
START_SECONDS = 30
# What it holds by then, of hundreds of tests, takes its time to be given back.
STOP_SECONDS = 90


class Gateway:
    """An emulator around `command`, with these settings (as `settings.Settings` names them).

    Its end comes with `stop`, or with that of the process that started it.
    """

    def __init__(self, *command, variables=None, certificate=None, **settings):
        self.log = ledger.new_log("gateway-function")
        self.errors = ledger.new_log("gateway")
        flags = ["--until-stdin-ends", "--log", str(self.log)]
        for name, value in (variables or {}).items():
            flags += ["--variable", f"{name}={value}"]
        if certificate:
            flags += ["--tls-certificate", str(certificate[0]), "--tls-key", str(certificate[1])]
        for name, value in settings.items():
            flags += ["--" + name.replace("_", "-"), str(value)]
        output = ledger.new_log("gateway-ready")
        with output.open("wb") as out, self.errors.open("wb") as errors:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "support.gateway", *flags, "--", *map(str, command)],
                cwd=FOLDER, stdin=subprocess.PIPE, stdout=out, stderr=errors,
                start_new_session=True)
        try:
            self.ready = json.loads(eventually(
                lambda: self._first_line(output), "the ready line", START_SECONDS))
        except AssertionError:
            self.stop(status=None)
            raise
        self.url = self.ready["url"]
        self.services = self.ready["services"]

    def _first_line(self, output):
        text = output.read_text()
        if self.process.poll() is not None:
            raise AssertionError(f"the emulator ended: {self.errors.read_text()}")
        return text.split("\n")[0] if "\n" in text else None

    def stop(self, status=0):
        """Ends it and every process that it started; nothing may have gone wrong in it."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            ended = self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            ended = self.process.wait()
        self.process.stdin.close()
        if status is not None:
            assert (ended, self.errors.read_text()) == (status, "")

    def connect(self, query="", fields=(), **options):
        """A client of the API, as raw as `WebSocket` is."""
        place = urllib.parse.urlsplit(self.url)
        target = place.path + ("?" + query if query else "")
        return WebSocket(f"http://{place.netloc}", target, fields, **options)

    def client(self, service, **options):
        """botocore's client of one of the services, with credentials of its own. Its calls meet no
        faults and stand in no journal."""
        import boto3
        from botocore.config import Config

        address = self.services
        if service == "apigatewaymanagementapi":
            address += urllib.parse.urlsplit(self.url).path
        secret = {"aws_access_key_id": self.ready["key"], "aws_session_token": self.ready["token"],
                  "aws_secret_access_key": self.ready["secret"], **options}
        return boto3.client(service, region_name="eu-central-1", endpoint_url=address,
                            config=Config(retries={"max_attempts": 0}), **secret)

    # -- The control address.

    def _ask(self, name, **values):
        answer = http.request(
            self.ready["control"], "POST", "/" + name, body=json.dumps(values).encode())
        assert answer.status == 200, answer.body
        return answer.json

    def set(self, **values):
        self._ask("settings", **values)

    def fault(self, action, **values):
        """Adds a `faults.Rule`; returns its number."""
        return self._ask("fault", action=action, **values)

    def faults(self):
        """The rules by their numbers, with how often each matched and fired."""
        return {one["number"]: one for one in self._ask("faults")}

    def clear(self):
        self._ask("clear")

    def journal(self, since=0):
        """The calls of the function, as `faults.Call` has them."""
        return self._ask("journal", since=since)

    def figures(self):
        return self._ask("figures")

    def connections(self):
        """Those that there are, the newest last: `id`, `number` (from 1) and `isOpen`."""
        return self._ask("connections")

    def forward(self, seconds):
        """Sets the emulator's clock forward; returns its time."""
        return self._ask("clock", forward=seconds)

    def now(self):
        return self._ask("clock")

    def recycle(self):
        """Ends the idle environments; returns how many there were."""
        return self._ask("recycle")

    def cut(self):
        """Ends the connections that the functions keep open to the services."""
        self._ask("cut")

    def items(self):
        return self._ask("items")

    def expire(self):
        return self._ask("expire")

    def rest(self, within=8):
        """Waits until nothing is under way but what waits for the emulator's clock."""
        end = time.monotonic() + within
        # One question waits no longer than an answer is waited for.
        while not self._ask("rest", within=max(0, min(8, end - time.monotonic()))):
            assert time.monotonic() < end, "not at rest"
