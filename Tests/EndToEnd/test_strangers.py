"""What a stranger can cause without credentials, in CPU time beside benign requests."""

import http.client
import secrets
import sqlite3
import urllib.parse
from pathlib import Path

import pytest

from support import http as usher_http
from support.waiting import eventually

pytestmark = pytest.mark.alone("measures CPU time")

CLIENTS = 10_000
ORIGINS = 16


def cpu_ticks(server):
    """CPU time used so far by the half that serves tokens, in clock ticks (proc(5))."""
    text = Path(f"/proc/{server.process.pid}/stat").read_text()
    fields = text.rsplit(")", 1)[1].split()
    return int(fields[11]) + int(fields[12])


def cost(server, requests):
    """CPU time of these requests on one connection; each is a method, a path, fields and a body."""
    place = urllib.parse.urlsplit(server.url)
    connection = http.client.HTTPConnection(place.hostname, place.port, timeout=60)
    before = cpu_ticks(server)
    for method, path, fields, body in requests:
        connection.request(method, path, body, fields)
        connection.getresponse().read()
    connection.close()
    return cpu_ticks(server) - before


@pytest.fixture
def crowded(start):
    """A server with very many clients, each with as many origins as some have."""
    server = start()
    with sqlite3.connect(server.data / "usher.sqlite", timeout=30) as registry:
        revision = registry.execute("SELECT revision FROM registry").fetchone()[0] + 1
        columns = "id, name, created_at, is_enabled, revision"
        registry.executemany(
            f"INSERT INTO client ({columns}) VALUES (?, 'n', 1, 1, ?)",
            ((f"c_{index}", revision) for index in range(CLIENTS)))
        registry.executemany(
            "INSERT INTO client_grant VALUES (?, 'origin', ?, ?)",
            ((f"c_{index}", place, f"https://{index}-{place}.example")
             for index in range(CLIENTS) for place in range(ORIGINS)))
        registry.execute("UPDATE registry SET revision = ?", (revision,))
    registry.close()

    def is_listed():
        fields = [("Origin", f"https://{CLIENTS - 1}-{ORIGINS - 1}.example")]
        return usher_http.request(server.url, "OPTIONS", "/session", fields).status == 204

    eventually(is_listed, "the origins of all clients", 60)
    return server


@pytest.mark.registry_file("rows are written into it")
def test_an_origin_costs_no_query(crowded):
    def preflights(origins):
        return [("OPTIONS", "/session", {"Origin": origin}, None) for origin in origins]

    plain = cost(crowded, [("GET", "/.well-known/jwks.json", {}, None)] * 1_000)
    unknown = cost(crowded, preflights(f"https://{index}.evil.example" for index in range(1_000)))
    assert unknown <= 25 * max(plain, 1)


@pytest.mark.registry_file("an unknown id has a database asked, up to 200 times a second")
@pytest.mark.one_process("the CPU time is the tokens' half's alone")
def test_an_unknown_client_costs_what_a_wrong_secret_does(start):
    server = start()
    application = server.application("Known")

    def guesses(ids):
        body = "grant_type=client_credentials"
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        return [
            ("POST", "/oauth2/token", kind | dict([usher_http.basic(name, "x" * 43)]), body)
            for name in ids]

    def random_ids():
        return ["c_" + secrets.token_urlsafe(16) for _ in range(1_500)]

    cost(server, guesses([application.id] * 100 + random_ids()[:100]))
    known = unknown = 0
    for _ in range(2):
        known += cost(server, guesses([application.id] * 1_500))
        unknown += cost(server, guesses(random_ids()))
    assert known > 10 and unknown > 10
    assert unknown <= 1.4 * known and known <= 1.4 * unknown, (known, unknown)


def test_wrong_secrets_lock_out_nobody_who_knows_the_right_one(start):
    server = start()
    attacked = server.application("Attacked")
    other = server.application("Other")
    grant = [("grant_type", "client_credentials")]

    def guess(application):
        wrong = [usher_http.basic(application.id, "x" * 43)]
        return usher_http.post_form(server.url, "/oauth2/token", grant, wrong).status

    assert [guess(attacked) for _ in range(12)] == [401] * 10 + [429] * 2
    assert attacked.ask().status == 200
    for _ in range(100):
        guess(attacked)
    assert attacked.ask().status == 429
    assert guess(other) == 429
    assert other.ask().status == 200
