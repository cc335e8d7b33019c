"""What the operator sees of peers and does to them: `usher room list` and `usher peer kick`."""

import json
import os
import stat
import subprocess

import pytest

from support import http, ledger, peers
from support.usher import binary, environment
from support.waiting import eventually


def pass_of(server):
    content = json.loads((server.data / "operator.json").read_text())
    ledger.remember(content["token"], "the operator's token")
    return content


def bearer(server):
    return ("Authorization", f"Bearer {pass_of(server)['token']}")


def rooms(server):
    return server.usher.json("room", "list")["rooms"]


@pytest.fixture
def running(start):
    return start()


def test_the_pass_is_for_its_owner_alone_and_goes_with_the_service(running):
    path = running.data / "operator.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert set(pass_of(running)) == {"url", "token"}
    assert pass_of(running)["url"] == running.relay_operator
    assert running.stop() == 0
    assert not path.exists()


def test_each_start_makes_another_token(start):
    first = start()
    token = pass_of(first)["token"]
    first.kill()
    second = start(data=first.data)
    assert pass_of(second)["token"] != token
    answer = http.get(second.relay_operator, "/rooms", [("Authorization", f"Bearer {token}")])
    assert answer.status == 401


@pytest.mark.parametrize(
    "method, target", [("GET", "/rooms"), ("DELETE", "/peers/0123456789abcdef")])
def test_without_the_token_nothing_is_shown_or_done(running, method, target):
    for fields in ([], [("Authorization", "Bearer wrong")], [("Authorization", "Basic eDp5")]):
        answer = http.request(running.relay_operator, method, target, fields)
        assert answer.status == 401 and answer.error == "unauthorized"
        assert answer.header("WWW-Authenticate").startswith("Bearer")


def test_a_page_may_not_ask_even_with_the_token(running):
    foreign = [bearer(running), ("Origin", "https://evil.example")]
    assert http.get(running.relay_operator, "/rooms", foreign).status == 403
    rebound = [bearer(running), ("Host", "evil.example")]
    assert http.get(running.relay_operator, "/rooms", rebound).status == 403


def test_the_routes_say_which_methods_they_take(running):
    answer = http.request(running.relay_operator, "POST", "/rooms", [bearer(running)], b"")
    assert answer.status == 405 and answer.header("Allow") == "GET"
    assert http.request(running.url, "GET", "/rooms").status == 404


def test_rooms_and_members_are_listed(running):
    application = running.application()
    assert rooms(running) == []
    assert "nobody" in running.usher.succeed("room", "list")
    with peers.connect(application) as older, peers.connect(application) as newer:
        first, second = peers.meet(older, newer, "lobby", "ada", "bob")
        (room,) = rooms(running)
        assert (room["client_id"], room["room"]) == (application.id, "lobby")
        members = {member["connectionId"]: member for member in room["members"]}
        assert set(members) == {first, second}
        assert members[first]["peerId"] == "ada" and members[first]["dialect"] == "classic"
        table = running.usher.succeed("room", "list")
        assert first in table and "lobby" in table


def test_a_kicked_peer_is_closed_for_good_and_noted(running):
    application = running.application()
    with peers.connect(application) as older, peers.connect(application) as newer:
        first, second = peers.meet(older, newer, "lobby")
        assert second in running.usher.succeed("peer", "kick", second)
        assert newer.closing()[0] == 4501
        eventually(lambda: len(rooms(running)[0]["members"]) == 1, "the room to be told")
        older.send(first, {"type": "still here"})
    entries = [json.loads(line) for line in running.usher.succeed("audit", "--json").splitlines()]
    assert entries[-1]["action"] == "peer.kick" and entries[-1]["target"] == second


def test_who_is_not_there_cannot_be_kicked(running):
    failed = running.usher.run("peer", "kick", "0123456789abcdef")
    assert failed.returncode == 1 and "usher room list" in failed.stderr
    assert running.usher.run("peer", "kick", "bob").returncode == 64


def test_without_a_service_the_commands_say_so(usher):
    for command in (["room", "list"], ["peer", "kick", "0123456789abcdef"]):
        failed = usher.run(*command)
        assert failed.returncode == 1 and "no relay runs on" in failed.stderr


def test_a_watched_list_is_shown_again_when_it_changes(running):
    application = running.application()
    command = [str(binary()), "room", "list", "--watch", "--json", "--data", str(running.data)]
    shown = ledger.new_log("room-list")
    with shown.open("wb") as out:
        watching = subprocess.Popen(command, stdout=out, env=environment(running.usher.home))

    def lists():
        return [[room["room"] for room in json.loads(line)["rooms"]]
                for line in shown.read_text().splitlines()]

    try:
        eventually(lambda: lists() == [[]], "the empty list")
        with peers.connect(application) as peer:
            peer.join("lobby")
            eventually(lambda: lists() == [[], ["lobby"]], "the room")
        eventually(lambda: lists() == [[], ["lobby"], []], "the empty list again")
    finally:
        watching.terminate()
        watching.wait()


def test_the_port_is_asked_by_the_names_that_were_given(start):
    server = start("--operator-host", "usher", "--operator-host", "metrics.internal")
    for path in ("/livez", "/readyz", "/metrics"):
        for host in ("usher:9090", "metrics.internal", "127.0.0.1:9090", "localhost"):
            assert http.get(server.operator, path, [("Host", host)]).status == 200, host
        for host in ("evil.example", "usher.evil.example", "xusher"):
            answer = http.get(server.operator, path, [("Host", host)])
            assert (answer.status, answer.error) == (403, "host_not_allowed"), host
    # A name opens no door to pages.
    fields = [("Host", "usher:9090"), ("Origin", "http://evil.example")]
    assert http.get(server.operator, "/metrics", fields).status == 403


def test_logs_can_be_json(start):
    server = start("--log-format", "json")
    peers.attempt(server, "/")
    assert server.stop() == 0
    lines = [json.loads(line) for line in server.errors.splitlines()]
    (refused,) = [line for line in lines if line["event"] == "connection_refused"]
    assert refused["reason"] == "no_token" and refused["level"] == "info"
    assert refused["time"].endswith("Z")
    assert lines[-1]["event"] == "stopped"
    assert os.linesep not in refused["address"]
