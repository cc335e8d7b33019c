"""Holds Usher against floors in C: alternating rounds, medians, and ratios of CPU time.

The servers share one processor and the load has another, so that CPU time per operation (user and
system, of all the server's threads) is steady even where rates are not. Compare within a run only.
"""

import argparse
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
CONNECTIONS = 4000
UNLIMITED = [
    "--max-connections-per-address", "0", "--messages-per-second", "0",
    "--token-requests-per-second", "0",
]


def parse_arguments():
    parser = argparse.ArgumentParser(prog="Benchmarks/run", description=__doc__)
    parser.add_argument("--usher", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--tools", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--long", action="store_true", help="more and longer rounds (10 minutes)")
    return parser.parse_args()


class Floor:
    """One of the C programs, on a free port."""

    name = "floor"

    def __init__(self, program):
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.process = subprocess.Popen(pinned(SERVER_CPU, [program, str(self.port)]))
        wait_for_port(self.port)
        self.client, self.token, self.authorization = "c", "a.b.c", ""

    def stop(self):
        self.process.kill()
        self.process.wait()


class Usher:
    """`usher serve` with the limits lifted that the load would run into, and a client of it."""

    name = "usher"

    def __init__(self, binary):
        self.folder = tempfile.TemporaryDirectory(prefix="usher-benchmark-")
        data = ["--data", self.folder.name + "/data"]
        added = json.loads(subprocess.run(
            [binary, "client", "add", "Benchmark", "--json", *data],
            check=True, capture_output=True).stdout)
        self.process = subprocess.Popen(
            pinned(SERVER_CPU, [
                binary, "serve", *data, "--listen", "127.0.0.1:0", "--operator", "127.0.0.1:0",
                "--log-level", "warning", *UNLIMITED]),
            stdout=subprocess.PIPE)
        url = json.loads(self.process.stdout.readline())["url"]
        self.port = urllib.parse.urlsplit(url).port
        self.client = added["client_id"]
        pair = f"{self.client}:{added['client_secret']}".encode()
        self.authorization = "Basic " + base64.b64encode(pair).decode()
        request = urllib.request.Request(
            url + "/oauth2/token", b"grant_type=client_credentials&expires_in=3600",
            {"Authorization": self.authorization})
        with urllib.request.urlopen(request) as answer:
            self.token = json.load(answer)["access_token"]

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()
        self.folder.cleanup()


def pinned(cpu, command):
    return ["taskset", "-c", cpu, *map(str, command)]


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


def load(tools, server, mode, *flags):
    return run_load(server, [
        tools / "load", "--port", server.port, "--server", server.process.pid,
        "--client", server.client, "--mode", mode, *flags])


def load_tokens(tools, server, seconds):
    return run_load(server, [
        tools / "load_http", server.port, "/oauth2/token", "grant_type=client_credentials",
        64, seconds, server.process.pid])


def run_load(server, command):
    secrets = {"LOAD_TOKEN": server.token, "LOAD_AUTHORIZATION": server.authorization}
    done = subprocess.run(
        pinned(LOAD_CPU, command), stdout=subprocess.PIPE, text=True, check=False,
        env={**os.environ, **{name: value for name, value in secrets.items() if value}})
    if done.returncode:
        sys.exit(f"The load on {server.name} failed: {done.stdout}")
    return json.loads(done.stdout)


def alternate(servers, rounds, measure, member="cpu_microseconds"):
    """Measures each server in turn, round by round; the median by name."""
    values = {server.name: [] for server in servers}
    for _ in range(rounds):
        for server in servers:
            values[server.name].append(measure(server)[member])
    return {name: median(list_of) for name, list_of in values.items()}


def show(what, values, unit, target):
    ratio = values["usher"] / values["floor"]
    print(f"{what:<42} usher {values['usher']:>8.2f}  floor {values['floor']:>8.2f} {unit:<3}"
          f"  ratio {ratio:>5.2f}  (target {target})", flush=True)


def compare_relays(usher, tools, rounds, seconds):
    servers = [Floor(tools / "bare_relay"), Usher(usher)]
    try:
        for in_flight, target in ((1, "at most 1.2"), (8, "at most 1.4")):
            values = alternate(servers, rounds, lambda server, n=in_flight: load(
                tools, server, "throughput", "--in-flight", n, "--seconds", seconds))
            show(f"relay, CPU per message, {in_flight} in flight", values, "us", target)
        values = alternate(servers, rounds, lambda server: load(
            tools, server, "connect", "--count", CONNECTIONS))
        show("relay, CPU per connection set up", values, "us", "at most 2")
    finally:
        for server in servers:
            server.stop()


def compare_memory(usher, tools, seconds):
    servers = [Floor(tools / "bare_relay"), Usher(usher)]  # Fresh, so that no memory is reused.
    try:
        values = alternate(servers, 1, lambda server: load(
            tools, server, "idle", "--count", CONNECTIONS, "--seconds", seconds),
            "bytes_per_connection")
        show("relay, memory per idle connection in a room", values, "B", "at most 1024 B")
    finally:
        for server in servers:
            server.stop()


def compare_token_endpoints(usher, tools, rounds, seconds):
    servers = [Floor(tools / "bare_tokens"), Usher(usher)]
    try:
        values = alternate(servers, rounds, lambda server: load_tokens(tools, server, seconds))
        show("token endpoint, CPU per token", values, "us", "at most 1.11: 0.90 of its speed")
    finally:
        for server in servers:
            server.stop()


def main():
    arguments = parse_arguments()
    if os.cpu_count() < 2:
        sys.exit("Two processors are needed: one for the server and one for the load.")
    rounds, seconds = (7, 8) if arguments.long else (3, 2)
    compare_relays(arguments.usher, arguments.tools, rounds, seconds)
    compare_memory(arguments.usher, arguments.tools, seconds)
    compare_token_endpoints(arguments.usher, arguments.tools, rounds, seconds)


if __name__ == "__main__":
    main()
