"""A cold start of the relay as a function: from the start of its process to its first question for
an event, and to its first answer (a token verified, a session stored), beside the least that a
handler in Python with boto3 does for the same."""

import contextlib
import json
import os
import socket
import subprocess
import tempfile
import threading
import time
import urllib.request
from pathlib import Path
from statistics import median

from servers import Usher, show

HANDLER = Path(__file__).parent / "lambda" / "handler.py"
STEPS = ("GET", "POST")
LATEST = 20  # seconds


class Answering:
    """A server of HTTP that answers each request with what `answer` gives for it: as little work of
    its own as there can be in Python."""

    def __init__(self, answer):
        self.answer = answer
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self.converse, args=(connection,), daemon=True).start()

    def converse(self, connection):
        with connection, contextlib.suppress(ConnectionError):  # A process that was ended.
            pending = b""
            while True:
                while b"\r\n\r\n" not in pending:
                    piece = connection.recv(65536)
                    if not piece:
                        return
                    pending += piece
                head, _, rest = pending.partition(b"\r\n\r\n")
                length = 0
                for line in head.lower().split(b"\r\n"):
                    if line.startswith(b"content-length:"):
                        length = int(line.partition(b":")[2])
                while len(rest) < length:
                    piece = connection.recv(65536)
                    if not piece:
                        return
                    rest += piece
                pending = rest[length:]
                answer = self.answer(head)
                if answer is None:
                    return
                connection.sendall(answer)

    def close(self):
        self.listener.close()


def response(body, status="200 OK", fields=()):
    lines = [f"HTTP/1.1 {status}", *fields, "Content-Type: application/json",
             f"Content-Length: {len(body)}", "", ""]
    return "\r\n".join(lines).encode() + body


class Runtime(Answering):
    """Lambda's Runtime API with one event, which notes when it is asked."""

    def __init__(self, event):
        self.event, self.times, self.answered = event, {}, threading.Event()
        self.status = None
        super().__init__(self.take)

    def take(self, head):
        now = time.monotonic()
        method, path = head.split(b" ", 2)[:2]
        if method.decode() not in self.times:
            self.times[method.decode()] = now
            if method == b"GET":
                deadline = int((time.time() + 6) * 1000)
                return response(self.event, fields=(
                    "Lambda-Runtime-Aws-Request-Id: id-1",
                    f"Lambda-Runtime-Deadline-Ms: {deadline}"))
            self.status = path
            self.answered.set()
        elif method == b"GET":
            threading.Event().wait(LATEST)
            return None
        return response(b"", "202 Accepted")


def connect_event(token):
    return json.dumps({
        "headers": {"Host": "api.example", "Sec-WebSocket-Protocol":
                    f"usher.v1, usher.bearer.{token}"},
        "requestContext": {
            "routeKey": "$connect", "eventType": "CONNECT", "stage": "prod", "apiId": "api",
            "domainName": "api.example", "connectionId": "L0SM9cOFvHcCIhw=",
            "requestId": "r", "identity": {"sourceIp": "192.0.2.1"},
            "connectedAt": int(time.time() * 1000), "requestTimeEpoch": int(time.time() * 1000)},
        "isBase64Encoded": False}).encode()


def start_once(command, variables, event):
    """(milliseconds to the first question, to the first answer, most kB in memory)."""
    runtime = Runtime(event)
    services = Answering(lambda head: response(b"{}"))
    address = f"http://127.0.0.1:{services.port}"
    environment = {
        "PATH": os.environ["PATH"], "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{runtime.port}",
        "AWS_REGION": "eu-central-1", "AWS_ACCESS_KEY_ID": "ASIAEXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "secret", "AWS_SESSION_TOKEN": "token", "USHER_TABLE": "usher",
        "USHER_DYNAMODB": address, "USHER_MANAGEMENT": address + "/prod", **variables}
    with tempfile.TemporaryFile() as output:
        started = time.monotonic()
        pid = os.posix_spawn(command[0], command, environment, file_actions=[
            (os.POSIX_SPAWN_DUP2, output.fileno(), descriptor) for descriptor in (1, 2)])
        try:
            if not runtime.answered.wait(LATEST) or not runtime.status.endswith(b"/response"):
                output.seek(0)
                raise SystemExit(f"{command} has not answered: {output.read()[-2000:]}")
            memory = next(
                int(line.split()[1]) for line in Path(f"/proc/{pid}/status").read_text().split("\n")
                if line.startswith("VmHWM:"))
        finally:
            os.kill(pid, 9)
            os.waitpid(pid, 0)
            runtime.close()
            services.close()
    return [(runtime.times[step] - started) * 1000 for step in STEPS] + [memory]


def compare(usher, package, python, rounds):
    if not (package / "bootstrap").exists():
        print("SKIPPED: there is no package of the function (scripts/build-lambda)", flush=True)
        return
    commands = {"usher": [str(package / "bootstrap")]}
    if subprocess.run(
            [python, "-c", "import boto3, jwt, cryptography"], capture_output=True).returncode:
        print(f"SKIPPED: {python} has no boto3 and PyJWT (scripts/test installs them)", flush=True)
    else:
        commands["python"] = [str(python), str(HANDLER)]
    server = Usher(usher)
    try:
        with urllib.request.urlopen(server.ready["url"] + "/.well-known/jwks.json") as answer:
            keys = answer.read().decode()
        issuer = server.ready["url"]
        variables = {"USHER_ISSUER": issuer, "USHER_AUDIENCE": issuer, "USHER_KEY_SET": keys}
        event = connect_event(server.token)
    finally:
        server.stop()
    values = {name: [] for name in commands}
    for command in commands.values():
        start_once(command, variables, event)  # Reads the files from the disk.
    for _ in range(rounds):
        for name, command in commands.items():
            values[name].append(start_once(command, variables, event))
    for place, (what, unit, target) in enumerate((
            ("from the start to the first question", "ms", "at most 10 ms, 0.1"),
            ("from the start to the first answer", "ms", "at most 20 ms, 0.1"),
            ("memory at the first answer", "kB", "none"))):
        these = {name: [one[place] for one in all] for name, all in values.items()}
        if "python" in these:
            show(what, these, "python", unit, target)
        else:
            print(f"{what:<42} usher {median(these['usher']):>8.2f} {unit}", flush=True)
        print(f"{'':<42} usher, the slowest {max(these['usher']):.2f} {unit}", flush=True)
