"""What `/readyz` says of a node at each turn of its life, and what its log says beside it
(docs/operating.md, "Health")."""

import json
import re
import signal
import subprocess

import pytest

from support import http, ledger, prometheus
from support.cluster import Cluster
from support.nats import Nats
from support.natsline import NatsLine
from support.process import freeze, thaw
from support.proxies import free_port
from support.usher import Usher, binary, environment, new_folder
from support.v1 import connect
from support.waiting import eventually

LOST_SECONDS = 20


def standing(operator):
    """The code of the check `cluster`, or None where nobody answers."""
    try:
        answer = http.get(operator, "/readyz")
    except OSError:
        return None
    if "checks" not in answer.json:
        # The door is open, and nothing is behind it yet.
        assert (answer.status, answer.json["error"]) == (503, "starting")
        return "starting"
    assert (answer.status == 200) == (set(answer.json["checks"].values()) == {"ok"})
    return answer.json["checks"]["cluster"]


def stands(operator, code, within=20):
    eventually(lambda: standing(operator) == code, f"the node says {code}", within)


@pytest.fixture
def nats():
    one = Nats(1)
    yield one
    one.kill()


class Beginner:
    """A node that is not ready, and tells so on a port that is known."""

    def __init__(self, nats):
        folder = new_folder("beginner")
        port = free_port()
        self.operator = f"http://127.0.0.1:{port}"
        self.log = ledger.new_log("beginner")
        with self.log.open("wb") as errors:
            self.process = subprocess.Popen(
                [binary(), "serve", "--data", folder, "--listen", "127.0.0.1:0", "--operator",
                 f"127.0.0.1:{port}", "--issuer", "https://usher.example", "--node-name",
                 "beginner", "--cluster", nats.urls[0]],
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=errors,
                env=environment(folder))

    def logged(self, event):
        """Lines of the log that tell of it."""
        return [line for line in self.log.read_text().splitlines() if event in line]

    def kill(self):
        self.process.kill()
        self.process.wait()


def test_a_node_that_begins_says_how_far_it_has_come(nats):
    nats.servers[0].stop()
    node = Beginner(nats)
    try:
        eventually(lambda: node.logged("bus_waiting"), "it waits for NATS")
        stands(node.operator, "starting")
        nats.servers[0].start()
        seen = set()

        def is_ready():
            seen.add(standing(node.operator))
            seen.discard(None)
            return "ok" in seen

        eventually(is_ready, "it is part of its cluster", 60)
        # A new bucket is opened after five seconds; what comes before takes a moment.
        assert "opening" in seen
        assert seen <= {"starting", "connecting", "registering", "opening", "ok"}
        assert not node.logged("bus_quota_used_up")
    finally:
        node.kill()


def test_a_node_says_that_it_is_cut_off_and_lost_and_well_again_and_that_it_stops(nats):
    cluster = Cluster("--drain-notice-seconds", 15, "--drain-seconds", 1, count=2, nats=nats)
    try:
        node = cluster.nodes[0]
        assert standing(node.operator) == "ok"
        nats.servers[0].freeze()
        stands(node.operator, "cluster_unreachable")
        shown = status(node)
        assert shown.returncode == 1 and "is not part of the cluster now" in shown.stderr
        stands(node.operator, "cluster_lost", LOST_SECONDS + 10)
        nats.servers[0].thaw()
        stands(node.operator, "ok", 60)
        for event in ("cluster_cut_off", "cluster_lost", "cluster_joined"):
            assert event in node.errors
        other = cluster.nodes[1]
        stands(other.operator, "ok", 60)
        node.process.send_signal(signal.SIGTERM)
        stands(node.operator, "draining")
        eventually(lambda: " draining " in status(other).stdout, "the other knows", 14)
        assert node.process.wait(60) == 0
        eventually(lambda: " left " in status(other).stdout, "and that it left")
    finally:
        cluster.kill()


def seconds(node):
    """For how long the other node has not answered."""
    found = prometheus.parse(http.get(node.operator, "/metrics").body.decode())
    return found["usher_cluster_line_seconds"].total()


def status(node):
    return node.usher.run("cluster", "status", "--node", node.name)


def test_status_shows_what_is_behind_and_all_servers_of_nats():
    three = Nats(3)
    cluster = None
    try:
        cluster = Cluster(count=2, nats=three)
        one, two = cluster.nodes

        def asked():
            state = json.loads(one.usher.succeed(
                "cluster", "status", "--node", one.name, "--json"))
            return state if all(each["version"] for each in state["nats"]["servers"]) else None

        state = eventually(asked, "all servers have said their versions", 20)
        assert sorted(each["url"] for each in state["nats"]["servers"]) == sorted(three.urls)
        assert [each["connected"] for each in state["nats"]["servers"]].count(True) == 1
        lines = status(one).stdout.splitlines()
        assert lines[1].split() == ["node", "state", "version", "reads", "connections", "sessions",
                                    "rooms", "behind", "silent", "nats", "incarnation"]
        assert sum("nats-server 2." in line for line in lines) == 3
        application = cluster.application()
        here, there = (connect(application.at(node), application.token())
                       for node in cluster.nodes)
        here.join("behind", id="here")
        there.join("behind", id="there")
        here.expect("someone_joined")
        freeze(two.process)
        try:
            here.send(there.connection, {"type": "offer", "number": 1}, ack="late")
            eventually(lambda: seconds(one) > 1, "what it does not answer is told", 4)
            (row,) = [line for line in status(one).stdout.splitlines()
                      if line.startswith(two.name)]
            assert re.search(r" \d+, \d\.\d s ", row), row
        finally:
            thaw(two.process)
        eventually(lambda: seconds(one) == 0, "and then it is answered")
    finally:
        if cluster:
            cluster.kill()
        three.kill()


def test_the_log_names_a_quota_that_is_used_up_and_the_doctor_before_that():
    """Somebody else fills the account that the cluster is in (docs/cluster.md, "Rights, accounts
    and quotas")."""
    little = Nats(1, extra="accounts { A { jetstream { max_file: 1M }\n"
                           "users: [ { user: u, password: p } ] } }\nno_auth_user: u")
    node = None
    try:
        node = Beginner(little)
        stands(node.operator, "ok", 60)
        usher = Usher(new_folder("doctor"))
        done = usher.run("doctor", "--json", "--listen", "127.0.0.1:0", "--operator",
                         "127.0.0.1:0", "--node-name", "doctor", "--cluster", little.urls[0])
        (quota,) = [one for one in json.loads(done.stdout) if one["check"] == "cluster_quota"]
        assert quota["level"] == "warning" and "max_file" in quota["advice"]
        assert not node.logged("bus_quota_used_up")
        with NatsLine(little.urls[0]) as line:
            line.publish("$JS.API.STREAM.CREATE.FILL", json.dumps(
                {"name": "FILL", "subjects": ["fill"], "storage": "file"}).encode(), "nobody")
            line.flush()
            # Whatever is left is taken up by the little ones.
            for size in (50_000, 1000, 1):
                for _ in range(60):
                    line.publish("fill", b"x" * size)
                line.flush()
            stands(node.operator, "cluster_unreachable", 30)
            (told,) = node.logged("bus_quota_used_up")
            assert "max_file" in told
            line.publish("$JS.API.STREAM.DELETE.FILL", b"", "nobody")
            line.flush()
        stands(node.operator, "ok", 60)
    finally:
        if node:
            node.kill()
        little.kill()
