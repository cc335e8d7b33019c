"""`usher doctor` of a node of a cluster: all servers of NATS, the bucket, and what an account may
hold (docs/cluster.md)."""

import contextlib
import socket
import threading

import pytest

from support.cluster import Cluster
from support.nats import Nats
from support.usher import Usher, new_folder
from support.waiting import eventually
from test_doctor import FREE, examine, level


@pytest.fixture(scope="module")
def three():
    """Three servers, with a node; what a test stops it starts again."""
    nats = Nats(3)
    cluster = None
    try:
        cluster = Cluster(count=1, nats=nats)
        yield nats
    finally:
        if cluster:
            cluster.kill()
        nats.kill()


def look(*urls):
    usher = Usher(new_folder("doctor"))
    return examine(usher, *FREE, "--node-name", "doctor",
                   *(word for url in urls for word in ("--cluster", url)))


def test_servers_in_order_are_told_with_what_they_hold(three):
    findings = look(*three.urls)
    assert level(findings, "cluster")[0] == "ok"
    assert all(url in level(findings, "cluster")[1] for url in three.urls)
    assert level(findings, "cluster_bucket")[0] == "ok"
    assert "3 servers keep" in level(findings, "cluster_bucket")[1]
    assert "led by n" in level(findings, "cluster_bucket")[1]
    assert level(findings, "cluster_quota")[0] == "ok"
    assert "cluster_server" not in findings
    # What one of them names is looked at as well.
    (found,) = look(three.urls[0])["cluster"]
    assert all(url in found["message"] for url in three.urls)


def test_a_server_that_is_away_is_told_before_the_next_one_fails(three):
    gone = three.servers[2]
    gone.kill()
    try:
        def told():
            findings = look(*three.urls)
            texts = [one["message"] for one in findings["cluster_bucket"]]
            return findings if any("is away" in text for text in texts) else None

        findings = eventually(told, "it is missed at the bucket, too", 60)
        kind, text = level(findings, "cluster")
        assert kind == "warning"
        assert "2 of 3 servers of NATS answer: one more must not fail" in text
        assert gone.url in text
    finally:
        gone.start()
        three.settle()


@contextlib.contextmanager
def server_of(version):
    """It says that it is a server of NATS of that version, and nothing else."""
    with socket.create_server(("127.0.0.1", 0)) as door:
        greeting = ('INFO {"server_id":"N9","server_name":"old","version":"%s","headers":true,'
                    '"max_payload":1048576}\r\n' % version).encode()

        def greet():
            with contextlib.suppress(OSError):
                while True:
                    caller, _ = door.accept()
                    with caller:
                        caller.sendall(greeting)
                        caller.recv(1)

        threading.Thread(target=greet, daemon=True).start()
        yield f"nats://127.0.0.1:{door.getsockname()[1]}"


def test_a_server_that_is_too_old_is_a_problem_however_good_the_others_are(three):
    with server_of("2.9.10") as old:
        findings = look(three.urls[0], old)
        kind, text = level(findings, "cluster_server")
        assert kind == "problem"
        assert "nats_too_old" in text and old in text
        assert level(findings, "cluster")[0] == "ok"


def test_a_server_of_another_cluster_of_nats_is_a_problem(three):
    other = Nats(1)
    try:
        kind, text = level(look(three.urls[0], other.urls[0]), "cluster_server")
        assert kind == "problem" and "not of one cluster of NATS" in text
    finally:
        other.kill()


def test_two_servers_that_stand_alone_are_a_problem():
    servers = [Nats(1), Nats(1)]
    try:
        kind, text = level(look(*(one.urls[0] for one in servers)), "cluster_server")
        assert kind == "problem" and "not of one cluster of NATS" in text
    finally:
        for one in servers:
            one.kill()


def test_one_server_and_a_small_account_are_warnings():
    little = Nats(1, extra="accounts { A { jetstream { max_file: 10M, max_consumers: 1 }\n"
                           "users: [ { user: u, password: p } ] } }\nno_auth_user: u")
    cluster = None
    try:
        assert level(look(*little.urls), "cluster_bucket")[0] == "not_checked"
        cluster = Cluster(count=1, nats=little)
        findings = look(*little.urls)
        kind, text = level(findings, "cluster_bucket")
        assert kind == "warning" and "one server of NATS" in text
        advice = " ".join(f"{one['level']} {one['advice']}" for one in findings["cluster_quota"])
        assert "warning raise max_file" in advice and "warning raise max_consumers" in advice
    finally:
        if cluster:
            cluster.kill()
        little.kill()
