"""docs/cluster.md: three machines, each in a namespace of its own, are set up as it says, with the
samples of deploy/nats and deploy/cluster, and what it promises of NATS holds there."""

import json
import re

import pytest

from support import http, ledger
from support.machines import Machines
from support.natsline import NatsLine
from support.network import network, why_not
from support.server import Application, Server
from support.usher import new_folder
from support.v1 import Refusal, connect, offer, resumed
from support.waiting import eventually

# As a proxy says it, of whom each is one to these nodes.
FORWARDED = [("X-Forwarded-For", "192.0.2.7"), ("X-Forwarded-Proto", "https")]
PEOPLE = "    # For people, with `nats --user admin`.\n"
LITTLE = "jetstream: { max_file: 100K, max_streams: 1, max_consumers: 8 }"
# Another account, for a cluster that has little room.
ACCOUNT = f"    LITTLE: {{\n {LITTLE}\n users: [{{ user: little, password: $USHER_PASSWORD }}] }}\n"


class Node:
    """One of a machine, as peers see it."""

    may_repeat = False

    def __init__(self, machine):
        self.url = self.socket_url = f"http://{machine.address}:8080"


class Known(Application):
    """A client, which asks as one behind a proxy."""

    def at(self, machine):
        return Known(Node(machine), self.id, self.secret)

    def token(self, **form):
        answer = http.post_form(
            self.server.url, "/oauth2/token", [("grant_type", "client_credentials"), *form.items()],
            [http.basic(self.id, self.secret), *FORWARDED])
        assert answer.status == 200, answer.body
        return ledger.remember(answer.json["access_token"], "a token")

    def peer(self, machine):
        return connect(self.at(machine), self.at(machine).token(), fields=FORWARDED)


@pytest.fixture(scope="module")
def machines():
    if reason := why_not():
        pytest.skip(reason)
    with network(3) as net:
        three = Machines(net, {PEOPLE: ACCOUNT + PEOPLE})
        try:
            three.do("db")
            three.do("desk")
            for one in three.all:
                three.do("each", one)
            yield three
        finally:
            three.close()


@pytest.fixture(scope="module")
def application(machines):
    """What the document's last step makes, once all three are there."""
    said = machines.do("usher1")
    assert "usher_cluster_nodes 3" in said
    found = dict(re.findall(r"(client_id|client_secret): +(\S+)", said))
    ledger.remember_client(found["client_id"], found["client_secret"])
    return Known(None, found["client_id"], found["client_secret"])


def test_three_machines_are_one_cluster(machines, application):
    peers = [application.peer(machine) for machine in machines.all]
    for number, peer in enumerate(peers):
        assert len(peer.join("room", id=f"id-{number}")["members"]) == number
    # Each hears of those who come behind it.
    for number, peer in enumerate(peers):
        assert [peer.expect("someone_joined")["peerId"] for _ in peers[number + 1:]] == [
            f"id-{later}" for later in range(number + 1, len(peers))]
    for number, (one, other) in enumerate(zip(peers, [*peers[1:], peers[0]], strict=True)):
        offer(one, other, number)
        assert other.expect("offer")["number"] == number
    for peer in peers:
        peer.finish()


def test_a_node_is_restarted_as_the_document_says(machines, application):
    stays, goes = (application.peer(machines.named(name)) for name in ("usher1", "usher2"))
    stays.join("restarted", id="stays")
    goes.join("restarted", id="goes")
    assert stays.expect("someone_joined")["peerId"] == "goes"
    machines.do("usher2")
    assert goes.end()[0] == 1012
    home = application.at(machines.named("usher1"))
    again, _ = resumed(home, goes, home.token(), fields=FORWARDED)
    offer(stays, again, 1)
    # Nobody was told that it was away.
    assert stays.up_to_pong() == []
    again.finish()
    stays.finish()


def test_the_doctor_finds_nothing_wrong_but_that_no_proxy_is_there(machines, application):
    said = machines.all[0].run(
        "set -a; . /etc/usher/usher.env; set +a; usher doctor --json || true")
    found = {(each["check"], each["level"]) for each in json.loads(said) if each["level"] != "ok"}
    assert found == {("issuer", "problem"), ("exposure", "warning")}


def line(machine, user, password):
    """A connection to a machine's server of NATS."""
    return NatsLine(f"nats://{machine.address}:4222", user, password,
                    tls=(machine.root / "etc/nats/ca.crt", f"{machine.name}.example"))


def test_another_account_sees_nothing_of_a_cluster(machines, application):
    one, two = (application.peer(machine) for machine in machines.all[:2])
    one.join("private", id="one")
    two.join("private", id="two")
    one.expect("someone_joined")
    secret = machines.secret("USHER_PASSWORD")
    with line(machines.all[0], "little", secret) as stranger:
        stranger.subscribe(">")
        stranger.publish("$JS.API.STREAM.DELETE.KV_usher-usher", b"")
        for number in range(10):
            offer(one, two, number)
            assert two.expect("offer")["number"] == number
        stranger.flush()
        assert [subject for subject in stranger.heard if subject.startswith("usher.")] == []
    # The user of nodes may no more than nodes need.
    with line(machines.all[0], "usher", secret) as node:
        node.subscribe("_INBOX.>")
        node.publish("$JS.API.STREAM.DELETE.KV_usher-other", b"")
        node.flush()
        assert len(node.errors) == 2
    one.finish()
    two.finish()


def test_a_quota_that_is_used_up_is_told_and_mended(machines, application):
    """The account of another cluster, which stands in the same file (docs/cluster.md, "Rights,
    accounts and quotas")."""
    machine = machines.all[0]
    credentials = new_folder("little") / "credentials"
    credentials.write_text(f"little:{machines.secret('USHER_PASSWORD')}\n")
    credentials.chmod(0o600)
    node = Server(
        "--operator", f"{machine.address}:0", "--allow-plain-http", "--cluster-name", "little",
        "--issuer", "https://usher.example", "--cluster-ca", machine.root / "etc/nats/ca.crt",
        "--cluster-credentials", credentials, "--max-rooms", 0,
        "--messages-per-second", 0, *(word for each in machines.all for word in (
            "--cluster", f"tls://{each.name}.example")),
        listen=f"{machine.address}:0", before=machine.command)
    try:
        with connect(node.application()) as peer:
            assert fill(peer) == "temporarily_unavailable"
            readiness = eventually(lambda: not_ready(node), "it says so", 30)
            assert readiness["cluster"] == "cluster_unreachable"
            assert "bus_quota_used_up" in node.errors
            for each in machines.all:
                each.run("sed -i 's/max_file: 100K/max_file: 1G/' /etc/nats/nats.conf; "
                         "systemctl reload nats")
            eventually(lambda: not not_ready(node), "it is part of its cluster again", 60)
        with connect(node.application()) as peer:
            peer.join("after all")
    finally:
        node.kill()


def fill(peer):
    """Joins rooms until that is refused, for which it waits ten seconds; returns the code."""
    for number in range(2000):
        try:
            peer.join(f"room-{number}", name="a name of some length " * 3, within=30)
        except Refusal as refusal:
            return refusal.code
    raise AssertionError("all of these have found room")


def not_ready(node):
    answer = http.get(node.operator, "/readyz")
    return answer.status != 200 and answer.json["checks"]


def test_a_server_of_nats_is_replaced_by_one_with_an_empty_disk(machines, application):
    """docs/cluster.md, "Growing, shrinking, replacing"."""
    stays = application.peer(machines.all[0])
    stays.join("replaced", id="stays")
    gone = machines.named("usher3")
    gone.run("kill -9 $(cat /var/lib/nats.pid); while [ -e /proc/$(cat /var/lib/nats.pid) ]; "
             "do sleep 0.1; done; rm -rf /var/lib/nats/*; systemctl start nats")
    gone.run("until curl -fs http://127.0.0.1:8222/healthz; do sleep 0.2; done")
    detail = json.loads(gone.run("curl -fs 'http://127.0.0.1:8222/jsz?accounts=1&streams=1'"))
    (bucket,) = [stream for account in detail["account_details"]
                 for stream in account.get("stream_detail", ())
                 if stream["name"] == "KV_usher-usher"]
    assert bucket["state"]["messages"] > 0
    comes = application.peer(gone)
    assert [member["peerId"] for member in comes.join("replaced", id="comes")["members"]] == [
        "stays"]
    assert [event.type for event in stays.up_to_pong()] == ["someone_joined"]
    stays.finish()
    comes.finish()
