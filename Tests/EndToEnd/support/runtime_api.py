"""Lambda's Runtime API for one process that is started beside it: what it asks, and when."""

import http.server
import json
import subprocess
import threading
import time

from . import ledger

RUNTIME = "/2018-06-01/runtime"


class RuntimeAPI(http.server.ThreadingHTTPServer):
    """Hands out the events given, each with `seconds` of time, and then keeps whoever asks
    waiting. `calls` are (seconds since the start, method and path, body)."""

    daemon_threads = True

    def __init__(self, *events, seconds=6):
        super().__init__(("127.0.0.1", 0), Handler)
        self.events, self.seconds = list(events), seconds
        self.calls, self.changed = [], threading.Condition()
        self.started = time.monotonic()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def address(self):
        return f"127.0.0.1:{self.server_port}"

    def start(self, command, variables):
        """The process, with these variables and those that Lambda sets."""
        log = ledger.new_log("function")
        self.started = time.monotonic()
        with log.open("wb") as file:
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=file, stderr=file, env={
                    "AWS_LAMBDA_RUNTIME_API": self.address, "AWS_REGION": "eu-central-1",
                    "AWS_ACCESS_KEY_ID": "ASIAEXAMPLE", "AWS_SESSION_TOKEN": "token",
                    "AWS_SECRET_ACCESS_KEY": "secret", **variables})
        process.log = log
        return process

    def note(self, line, body):
        with self.changed:
            self.calls.append((time.monotonic() - self.started, line, body))
            self.changed.notify_all()

    def expect(self, line, within=10):
        """The first call whose method and path begin so, once there is one."""
        def found():
            return next((call for call in self.calls if call[1].startswith(line)), None)

        with self.changed:
            assert self.changed.wait_for(found, within), f"no {line} in {self.calls}"
            return found()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, status, body=b"", fields=()):
        self.send_response(status)
        for name, value in [*fields, ("Content-Length", str(len(body)))]:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        number = sum(call[1] == "GET /invocation/next" for call in self.server.calls)
        self.server.note("GET " + self.path.removeprefix(RUNTIME), b"")
        if number >= len(self.server.events):
            threading.Event().wait()
        self.answer(200, json.dumps(self.server.events[number]).encode(), [
            ("Lambda-Runtime-Aws-Request-Id", f"id-{number}"),
            ("Lambda-Runtime-Deadline-Ms", str(int((time.time() + self.server.seconds) * 1000)))])

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.note("POST " + self.path.removeprefix(RUNTIME), body)
        self.answer(202)
