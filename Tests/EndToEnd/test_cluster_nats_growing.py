"""A server of NATS that stood alone becomes one of three, under nodes and peers that live on
(docs/cluster.md, "NATS is restarted, and grows")."""

from support.cluster import Cluster, opened_nats
from support.nats import Nats, NatsServer
from support.proxies import free_port
from support.v1 import Refusal, connect
from support.waiting import eventually

BUCKET = "KV_usher-usher"


def test_one_server_of_nats_becomes_three():
    nats = opened_nats()
    cluster = None
    try:
        cluster = Cluster(count=2, nats=nats)
        application = cluster.application()
        one, two = (connect(application.at(node), application.token()) for node in cluster.nodes)
        one.join("room", id="one")
        two.join("room", id="two")
        one.expect("someone_joined")
        grow(nats)
        three = connect(application.at(cluster.nodes[1]), application.token())
        members = eventually(lambda: joined(three), "somebody gets in", 60)
        assert sorted(member["peerId"] for member in members) == ["one", "two"]
        for peer in (one, two):
            assert peer.expect("someone_joined")["peerId"] == "three"
            assert peer.up_to_pong() == []
        assert replicas(nats) == 3
    finally:
        if cluster:
            cluster.kill()
        nats.kill()


def test_a_disk_that_was_not_emptied_costs_nobody_a_place():
    """What the first server had alone goes on there, beside what the others have: that is found,
    and the bucket made anew."""
    nats = Nats(1)
    cluster = None
    try:
        cluster = Cluster(count=2, nats=nats)
        application = cluster.application()
        one = connect(application.at(cluster.nodes[0]), application.token())
        one.join("room", id="one")
        grow(nats, empties=False)
        for node in cluster.nodes:
            cluster.wait(node, 90)
        two = connect(application.at(cluster.nodes[1]), application.token())
        members = eventually(lambda: joined(two), "somebody gets in", 60)
        assert [member["peerId"] for member in members] == ["one"]
        # One that begins is shown what it writes, whichever server it comes to.
        for _ in range(3):
            cluster.start()
        eventually(lambda: replicas(nats) == 3, "three servers keep it", 30)
        assert len(set(last_revisions(nats))) == 1
    finally:
        if cluster:
            cluster.kill()
        nats.kill()


def last_revisions(nats):
    """As each server that keeps the bucket has it, give or take what is on its way."""
    return [stream["state"]["last_seq"] >> 20 for server in nats.servers
            for account in server.ask("/jsz?streams=1").get("account_details", ())
            for stream in account.get("stream_detail", ()) if stream["name"] == BUCKET]


def grow(nats, empties=True):
    """Two more, and the first is started again as one of them."""
    (first,) = nats.servers
    ports = [(free_port(), free_port(), free_port()) for _ in range(2)]
    routes = [f"127.0.0.1:{route}" for route in (first.cluster_port, *(one[1] for one in ports))]
    nats.servers += [NatsServer(f"n{number}", each, routes)
                     for number, each in enumerate(ports, 1)]
    first.configure(routes)
    first.stop()
    if empties:
        first.forget()
    for server in nats.servers:
        server.start()
    nats.settle()


def joined(peer):
    try:
        return peer.join("room", id="three", within=30)["members"]
    except Refusal:  # Until there is a bucket again, for which a join waits ten seconds.
        return None


def replicas(nats):
    """Servers that keep the bucket, as each tells of its own."""
    return sum(any(stream["name"] == BUCKET for account in server.ask("/jsz?streams=1").get(
        "account_details", ()) for stream in account.get("stream_detail", ()))
        for server in nats.servers)
