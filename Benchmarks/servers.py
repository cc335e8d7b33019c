"""The servers that are measured, each on one processor, and the load that comes from another."""

import base64
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request
from pathlib import Path
from statistics import median

SERVER_CPU, LOAD_CPU = "0", "1"
# Limits that the load would run into, as one address and one client.
LIMITS = [
    "--max-connections-per-address", "--max-http-connections-per-address",
    "--max-outbound-bytes-per-client", "--messages-per-second", "--token-requests-per-second",
]
BEFORE = "before"


def unlimited(binary):
    """Lifts those limits that this build knows of."""
    known = subprocess.run(
        [binary, "serve", "--help"], check=True, capture_output=True, text=True).stdout.split()
    return [word for limit in LIMITS if limit in known for word in (limit, "0")]


class Program:
    """A floor or a peer: a program that is told a free port on its command line."""

    token = "a.b.c"
    path, form = "/oauth2/token", "grant_type=client_credentials"

    def __init__(self, name, command, client="c", secret=None):
        self.name, self.client = name, client
        self.authorization = basic(client, secret) if secret else ""
        self.port = free_port()
        credentials = [client, secret] if secret else []
        self.process = subprocess.Popen(pinned(SERVER_CPU, [*command, self.port, *credentials]))
        wait_for_port(self.port)

    def stop(self):
        self.process.kill()
        self.process.wait()


class Usher:
    """`usher serve` with the limits lifted that the load would run into, and a client of it, which
    is in the data folder or in the registry of this URL."""

    path, form = "/oauth2/token", "grant_type=client_credentials"

    def __init__(self, binary, cpus=SERVER_CPU, name="usher", flags=(), registry=None):
        self.binary, self.name = binary, name
        self.folder = tempfile.TemporaryDirectory(prefix="usher-benchmark-")
        self.data = self.folder.name + "/data"
        self.registry = ["--registry", registry] if registry else []
        added = json.loads(subprocess.run(
            [binary, "client", "add", "Benchmark", "--json", *self.places()],
            check=True, capture_output=True).stdout)
        self.client = added["client_id"]
        self.authorization = basic(self.client, added["client_secret"])
        self.serve(cpus, flags)

    def places(self):
        return ["--data", self.data, *self.registry]

    def serve(self, cpus, flags):
        self.process = subprocess.Popen(
            pinned(cpus, [
                self.binary, "serve", *self.places(), "--listen", "127.0.0.1:0", "--operator",
                "127.0.0.1:0", "--log-level", "warning", *unlimited(self.binary), *flags]),
            stdout=subprocess.PIPE)
        self.ready = json.loads(self.process.stdout.readline())
        url = self.ready["url"]
        self.port = urllib.parse.urlsplit(url).port
        request = urllib.request.Request(
            url + Usher.path, b"grant_type=client_credentials&expires_in=3600",
            {"Authorization": self.authorization})
        with urllib.request.urlopen(request) as answer:
            self.token = json.load(answer)["access_token"]

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()
        self.folder.cleanup()


def basic(client, secret):
    return "Basic " + base64.b64encode(f"{client}:{secret}".encode()).decode()


def pinned(cpu, command):
    return ["taskset", "-c", cpu, *map(str, command)]


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as free:
        return free.getsockname()[1]


def wait_for_port(port):
    deadline = time.monotonic() + 10
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return
        except ConnectionRefusedError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.01)


def run_load(server, command):
    secrets = {"LOAD_TOKEN": server.token, "LOAD_AUTHORIZATION": server.authorization,
               "LOAD_COOKIE": getattr(server, "cookie", None)}
    done = subprocess.run(
        pinned(LOAD_CPU, command), stdout=subprocess.PIPE, text=True, check=False,
        env={**os.environ, **{name: value for name, value in secrets.items() if value}})
    if done.returncode:
        sys.exit(f"The load on {server.name} failed: {done.stdout}")
    return json.loads(done.stdout)


def resident_kilobytes(server):
    for line in Path(f"/proc/{server.process.pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    raise LookupError("VmRSS")


def alternate(servers, rounds, measure, member="cpu_microseconds"):
    """Measures each server in turn, round by round; the values by name, a round in each place.
    Without a member these are all that a run tells."""
    values = {server.name: [] for server in servers}
    for _ in range(rounds):
        for server in servers:
            run = measure(server)
            values[server.name].append(run[member] if member else run)
    return values


def show(what, values, other, unit, target, inverse=False):
    """Prints two medians and the median of the rounds' ratios, since a clock drifts."""
    ratios = [
        theirs / ours if inverse else ours / theirs
        for ours, theirs in zip(values["usher"], values[other])]
    print(f"{what:<42} usher {median(values['usher']):>8.2f}  {other} {median(values[other]):>8.2f}"
          f" {unit:<3}  ratio {median(ratios):>6.2f}  (target {target})", flush=True)
