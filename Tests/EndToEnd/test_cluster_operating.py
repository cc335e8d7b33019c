"""What an operator sees of a cluster, and does in it (docs/cluster.md)."""

import json
import os
import signal
import subprocess
import threading
import time
from pathlib import Path

import pytest

from support import http, ledger, prometheus
from support.cluster import Cluster
from support.process import freeze, thaw
from support.proxies import free_port
from support.server import Server
from support.usher import binary, environment, new_folder
from support.v1 import connect, offer, resumed
from support.waiting import eventually
from test_metrics import documented

NOBODY = "00000000000000ff"


@pytest.fixture(scope="module")
def pair():
    """Two nodes that live on."""
    cluster = Cluster(count=2)
    yield cluster
    cluster.kill()


# Kicks


def test_nobody_is_said_to_be_nowhere_before_all_nodes_have_said_so(pair):
    one, two = pair.nodes
    done = one.usher.run("peer", "kick", NOBODY, "--node", one.name)
    assert done.returncode == 1
    assert "no peer in a room" in done.stderr
    freeze(two.process)
    try:
        done = one.usher.run("peer", "kick", NOBODY, "--node", one.name)
    finally:
        thaw(two.process)
    assert done.returncode == 1
    assert two.name in done.stderr, done.stderr


def test_who_asks_after_a_nodes_health_does_not_wait_for_other_nodes(pair):
    one, two = pair.nodes
    answers = 0
    freeze(two.process)
    try:
        kick = threading.Thread(target=lambda: one.usher.run(
            "peer", "kick", NOBODY, "--node", one.name))
        kick.start()
        while kick.is_alive():
            assert http.get(one.operator, "/livez").status == 200
            answers += 1
            time.sleep(0.05)
    finally:
        thaw(two.process)
    # The kick waits for two seconds: an answer that waited with it would be among the last.
    assert answers > 15


# Who may be a node


def test_a_node_with_another_registry_is_refused_and_told_what_to_do(pair):
    with pytest.raises(AssertionError, match="registry is not that of the node node-") as refused:
        Server("--issuer", "https://usher.example", "--node-name", "stranger",
               "--cluster", pair.nats.urls[0])
    assert "--cluster-name" in str(refused.value)


@pytest.mark.parametrize("flags", [
    ("--max-members", 3), ("--max-message-bytes", 1000)], ids=lambda flags: flags[0])
def test_limits_that_hold_across_nodes_are_alike(pair, flags):
    with pytest.raises(AssertionError, match=f"{flags[0]} is not what it is at the node node-"):
        pair.start(*flags)


def test_a_process_1_that_waits_for_its_cluster_stops_when_it_is_told_to():
    folder, port, operator = new_folder("process-1"), free_port(), free_port()
    log = ledger.new_log("process-1")
    with log.open("wb") as errors:
        # What is process 1 there is kept from signals that it does not handle.
        outer = subprocess.Popen(
            ["unshare", "--pid", "--fork", "--kill-child", binary(), "serve", "--data", folder,
             "--listen", "127.0.0.1:0", "--operator", f"127.0.0.1:{operator}",
             "--cluster", f"nats://127.0.0.1:{port}"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=errors,
            env=environment(folder))
    try:
        eventually(lambda: "bus_waiting" in log.read_text(), "it waits for NATS")
        waiting = http.get(f"http://127.0.0.1:{operator}", "/readyz")
        assert (waiting.status, waiting.json["checks"]["service"]) == (503, "starting")
        children = Path(f"/proc/{outer.pid}/task/{outer.pid}/children").read_text().split()
        os.kill(int(children[0]), signal.SIGTERM)
        # By itself it would give up after a minute, and end with 1.
        assert outer.wait(50) == 128 + signal.SIGTERM
    finally:
        outer.kill()
        outer.wait()


# Figures


def test_each_metric_of_a_cluster_is_documented_and_counts(pair):
    application = pair.application()
    one, two = (connect(application.at(node), application.token()) for node in pair.nodes)
    one.join("counted", id="one")
    two.join("counted", id="two")
    one.expect("someone_joined")
    for number in range(3):
        offer(one, two, number)
        two.expect("offer")

    def metrics():
        return prometheus.parse(http.get(pair.nodes[0].operator, "/metrics").body.decode())

    # They are published once a second, and those who were refused before are silent soon.
    found = eventually(
        lambda: (all_of := metrics())["usher_cluster_payloads_total"].value(direction="out") >= 3
        and all_of["usher_cluster_nodes"].value() == 2 and all_of, "a second's figures", 20)
    names = {name for name, family in found.items() if family.kind != "sample"}
    assert names == documented(of_a_cluster=True)
    assert found["usher_cluster_standing"].value(**{"is": "member"}) == 1
    assert found["usher_cluster_standing"].total() == 1
    assert found["usher_cluster_writes_total"].value(result="accepted") > 1
    assert found["usher_check_ok"].value(check="cluster") == 1
    one.drop()
    one = resumed(application.at(pair.nodes[1]), one)[0]
    eventually(lambda: metrics()["usher_cluster_hand_overs_total"].value(direction="out") == 1,
               "a session that went is counted")
    one.finish()
    two.finish()


def test_any_node_tells_of_all_nodes_and_of_nats(pair):
    one, two = pair.nodes
    with connect(pair.application().at(two)) as peer:
        peer.join("told", id="told")

        def told():
            state = json.loads(
                one.usher.succeed("cluster", "status", "--node", one.name, "--json"))
            nodes = {node["name"]: node for node in state["nodes"] if node["state"] == "alive"}
            return (set(nodes) == {one.name, two.name} and nodes[two.name]["rooms"] == 1
                    and state["nats"]["answerMilliseconds"] is not None
                    and all(node["storeMilliseconds"] is not None for node in nodes.values())
                    and (state, nodes))

        state, nodes = eventually(told, "what the other node has", 20)
    assert nodes[one.name]["self"] and not nodes[two.name]["self"]
    assert nodes[one.name]["version"] == nodes[two.name]["version"] != ""
    assert state["documentFormat"] == 1
    for node in nodes.values():
        assert (node["standing"], node["draining"], node["reads"]) == ("member", False, 1)
        assert f"nats://{node['natsServer']}" in pair.nats.urls
    assert nodes[two.name]["messages"] >= 1
    waiting = ("mailsWaiting", "bytesWaiting", "oldestMilliseconds")
    assert [nodes[one.name][what] for what in waiting] == [None, None, None]
    assert nodes[two.name]["oldestMilliseconds"] < 2000
    assert state["nats"]["server"] == pair.nats.urls[0]
    assert two.name in one.usher.succeed("cluster", "status")


def test_a_service_that_is_alone_says_so(start):
    done = start().usher.run("cluster", "status")
    assert done.returncode == 1
    assert "--cluster" in done.stderr


def test_the_operators_page_is_that_of_the_node_that_is_named_or_of_any(pair):
    for node in pair.nodes:
        link = node.usher.succeed("operator", "link", "--node", node.name)
        assert node.operator in link
    link = pair.nodes[0].usher.succeed("operator", "link")
    assert any(node.operator in link for node in pair.nodes)
