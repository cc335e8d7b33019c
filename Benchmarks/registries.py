"""A token and a change where the registry is in PostgreSQL: beside the registry in a file, two
nodes beside one, and beside Glewlwyd on PostgreSQL."""

import http.client
import json
import random
import secrets
import subprocess
import sys
import tempfile
import time
import urllib.parse
from concurrent.futures import ThreadPoolExecutor
from statistics import mean, median, quantiles

from glewlwyd import ON_POSTGRES, Glewlwyd
from postgres import Postgres
from servers import SERVER_CPU, Usher, alternate, run_load, show
from token_endpoints import CONNECTIONS, load

# One issuer, or a node would not take the tokens of another.
AUTH = ["auth", "--issuer", "https://usher.example"]
CHANGES, NOTIFICATIONS = 100, 2000  # In a round.
PAUSE_SECONDS_MAX = 0.2  # As long as a node waits until it asks for changes.
ASKING_SECONDS = 0.0002  # Asked without a pause, a node is busy with nothing but answers.
PATIENCE_SECONDS = 10


def compare(usher, tools, rounds, seconds):
    if not Postgres.is_installed():
        print("SKIPPED: there is no PostgreSQL server (Debian package postgresql)", flush=True)
        return
    postgres = Postgres()
    try:
        compare_files(usher, tools, postgres, rounds + 2, seconds)
        compare_nodes(usher, tools, postgres, rounds + 2, seconds)
        compare_glewlwyd(usher, tools, postgres, rounds + 2, seconds)
        compare_changes(usher, tools, postgres, rounds)
    finally:
        postgres.stop()


def new_registry(usher, postgres, name):
    url = postgres.new_database(name)
    subprocess.run(
        [usher, "registry", "init", "--registry", url], check=True, stdout=subprocess.DEVNULL)
    return url


class Second(Usher):
    """A node beside another: on its registry, with its keys and its client."""

    def __init__(self, first):
        self.binary, self.name = first.binary, "second"
        self.client, self.authorization = first.client, first.authorization
        self.folder = tempfile.TemporaryDirectory(prefix="usher-benchmark-")
        self.registry = first.registry
        self.data = self.folder.name + "/data" if self.registry else first.data
        self.serve(SERVER_CPU, [*AUTH, "--keys", first.data + "/keys"])


def compare_files(usher, tools, postgres, rounds, seconds):
    """What a token costs a node, wherever its registry is: both answer from what they know."""
    registry = new_registry(usher, postgres, "tokens")
    servers = []
    try:
        servers.append(Usher(usher, flags=AUTH, registry=registry))
        servers.append(Usher(usher, flags=AUTH, name="sqlite"))
        values = alternate(servers, rounds, lambda server: load(tools, server, seconds))
    finally:
        for server in servers:
            server.stop()
    show("tokens per CPU second, against SQLite", values, "sqlite", "us", "at least 0.95",
         inverse=True)


def compare_nodes(usher, tools, postgres, rounds, seconds):
    """Two nodes under load at once against each of them alone."""
    registry = new_registry(usher, postgres, "nodes")
    servers = []
    alone, at_once = [], []
    try:
        servers.append(Usher(usher, flags=AUTH, registry=registry))
        servers.append(Second(servers[0]))

        def cost(server):
            return load(tools, server, seconds)["cpu_microseconds"]

        for _ in range(rounds):
            alone.append(mean(map(cost, servers)))
            with ThreadPoolExecutor(len(servers)) as loads:
                at_once.append(mean(loads.map(cost, servers)))
    finally:
        for server in reversed(servers):
            server.stop()
    ratios = [2 * one / two for one, two in zip(alone, at_once)]
    print(f"CPU per token: one node {median(alone):.2f} us, two nodes {median(at_once):.2f} us: "
          f"two issue {median(ratios):.2f} times as many (target at least 1.9)", flush=True)


def compare_glewlwyd(usher, tools, postgres, rounds, seconds):
    """By the CPU time of service and database together, since Glewlwyd asks it for every token, and
    by that of the service alone."""
    if not Glewlwyd.is_installed(ON_POSTGRES):
        print("SKIPPED: there is no glewlwyd (Debian package glewlwyd)", flush=True)
        return

    def costs(server):
        before = postgres.cpu_seconds()
        result = load(tools, server, seconds)
        # What was under way at the load's end is answered to nobody.
        database = (postgres.cpu_seconds_at_rest() - before) / (result["answers"] + CONNECTIONS)
        service = result["cpu_microseconds"]
        return {"costs": (service + database * 1e6, service)}

    registry = new_registry(usher, postgres, "peers")
    servers = []
    try:
        servers.append(Usher(usher, flags=AUTH, registry=registry))
        servers.append(Glewlwyd(
            "c_" + secrets.token_urlsafe(16), secrets.token_urlsafe(32), postgres))
        values = alternate(servers, rounds, costs, "costs")
    finally:
        for server in servers:
            server.stop()
    for place, (what, target) in enumerate((
            ("tokens per CPU second, with the database's", "at least 20"),
            ("tokens per CPU second of the service alone", "none"))):
        show(what, {name: [cost[place] for cost in values[name]] for name in values}, "glewlwyd",
             "us", target, inverse=True)


def compare_changes(usher, tools, postgres, rounds):
    """How long a change made through one node is not in force on another."""
    registry = new_registry(usher, postgres, "changes")
    servers = []
    delays = {"usher": [], "sqlite": []}
    notifications = []
    pauses = random.Random(1)
    try:
        for place in (registry, None):
            servers.append(Usher(usher, flags=AUTH, registry=place))
            servers.append(Second(servers[-1]))
        pairs = {"usher": servers[:2], "sqlite": servers[2:]}
        for _ in range(rounds):
            notifications.append(run_load(
                servers[0], [tools / "bare_notify", registry, NOTIFICATIONS]))
            for name, pair in pairs.items():
                delays[name] += measure_changes(*map(Caller, pair), pauses)
    finally:
        for server in reversed(servers):
            server.stop()
    for number, target in ((50, ""), (99, "  (target at most 100 ms)")):
        usher_delay, sqlite_delay = (
            quantiles(delays[name], n=100)[number - 1] for name in ("usher", "sqlite"))
        notify_delay = median(result[f"p{number}"] for result in notifications) / 1000
        print(f"{f'a change at another node, p{number}':<42} usher {usher_delay:>8.2f}  notify "
              f"{notify_delay:>8.2f}  sqlite {sqlite_delay:>8.2f} ms{target}", flush=True)


class Caller:
    """A node's client, on one connection that is kept alive."""

    def __init__(self, server):
        self.connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
        self.headers = {"Authorization": server.authorization,
                        "Content-Type": "application/x-www-form-urlencoded"}

    def post(self, path, **form):
        self.connection.request("POST", path, urllib.parse.urlencode(form), self.headers)
        with self.connection.getresponse() as answer:
            text = answer.read()
        if answer.status != 200:
            sys.exit(f"{path} failed: {answer.status} {text.decode(errors='replace')}")
        return json.loads(text or "{}")

    def takes(self, token):
        return self.post("/oauth2/introspect", token=token)["active"]


def measure_changes(first, second, pauses):
    """Milliseconds from a revocation's answer to the other's answer that knows of it."""
    delays = []
    for _ in range(CHANGES):
        token = first.post(Usher.path, grant_type="client_credentials")["access_token"]
        if not second.takes(token):
            sys.exit("A node does not take the tokens of the other.")
        time.sleep(pauses.uniform(0, PAUSE_SECONDS_MAX))  # Not in step with what asks for changes.
        first.post("/oauth2/revoke", token=token)
        began = time.perf_counter()
        while second.takes(token):
            if time.perf_counter() - began > PATIENCE_SECONDS:
                sys.exit(f"A revocation is not in force after {PATIENCE_SECONDS} s.")
            time.sleep(ASKING_SECONDS)
        delays.append((time.perf_counter() - began) * 1000)
    first.connection.close()
    second.connection.close()
    return delays
