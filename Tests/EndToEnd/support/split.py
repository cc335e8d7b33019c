"""`serve auth` and `serve signal` on one data folder behind one address, in place of one process.

With USHER_TEST_SPLIT in the environment every test runs against the two (scripts/test --deep).
"""

import contextlib
import json
import os
import subprocess
import sys
import urllib.parse
from pathlib import Path

from .server import Server

# Settings that the signal half refuses, since they belong to the other.
AUTH_ONLY = {"--client-registration"}
IS_SPLIT = bool(os.environ.get("USHER_TEST_SPLIT"))


def serve(*flags, part=None, **options):
    """A service as the run wants it: one process, or two."""
    return SplitServer(*flags, **options) if IS_SPLIT and part is None else Server(
        *flags, part=part, **options)


class SplitServer(Server):
    """Looks like one server. `process` is the half that holds the sockets, `operator` the other's,
    which holds the keys."""

    def __init__(self, *flags, data=None, listen="127.0.0.1:0", **options):
        self.router = Router(listen or "127.0.0.1:0")
        self.url = self.router.url
        if not sets_issuer(flags, options):
            flags = [*flags, "--issuer", self.url]
        inner = {"listen": listen and "127.0.0.1:0", **options}
        self.halves = []
        try:
            self.auth = self._start(*flags, part="auth", data=data, **inner)
            shared = [flag for flag in flags if flag not in AUTH_ONLY]
            self.signal = self._start(*shared, part="signal", data=self.auth.data, **inner)
        except BaseException:
            self.kill()
            raise
        self.router.lead_to(self.auth, self.signal)
        self.usher, self.data = self.auth.usher, self.auth.data
        self.operator, self.ready = self.auth.operator, self.auth.ready
        self.relay_operator = self.signal.operator
        self.stdout, self.stderr = self.auth.stdout, self.auth.stderr
        self.process = self.signal.process

    def _start(self, *flags, **options):
        self.halves.append(Server(*flags, **options))
        return self.halves[-1]

    @property
    def errors(self):
        return "".join(one.errors for one in self.halves)

    def stop(self, *by):
        try:
            return max([one.stop(*by) for one in reversed(self.halves)])
        finally:
            self.router.stop()

    def kill(self):
        with contextlib.ExitStack() as ending:
            ending.callback(self.router.stop)
            for one in self.halves:
                ending.callback(one.kill)


class Router:
    """`support.router` as a process of its own."""

    def __init__(self, listen):
        place = urllib.parse.urlsplit(f"//{listen}")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "support.router", place.hostname, str(place.port)],
            cwd=Path(__file__).parents[1], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        host = listen.rsplit(":", 1)[0]
        self.url = f"http://{host}:{int(self.process.stdout.readline())}"

    def lead_to(self, auth, signal):
        places = {
            name: [place.hostname, place.port] for name, place in (
                ("auth", urllib.parse.urlsplit(auth.url)),
                ("signal", urllib.parse.urlsplit(signal.url)))}
        self.process.stdin.write(json.dumps(places) + "\n")
        self.process.stdin.flush()

    def stop(self):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()


def sets_issuer(flags, environment):
    """Whether the issuer comes from a flag, a variable or the file; else it is the router's URL."""
    words = [str(flag) for flag in flags]
    files = [words[index + 1] for index, word in enumerate(words[:-1]) if word == "--config"]
    return any(word.split("=")[0] == "--issuer" for word in words) or (
        "USHER_ISSUER" in environment) or any(
        '"issuer"' in Path(file).read_text() for file in files)
