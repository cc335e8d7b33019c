"""`/metrics` on the operator's port, and what is made of it."""

import json
import re
from pathlib import Path

import pytest

from support import http, peers, prometheus
from support.waiting import eventually

PROJECT = Path(__file__).parents[2]
DASHBOARD = PROJECT / "deploy/grafana/usher.json"
OPERATING = PROJECT / "docs/operating.md"


def metrics(server):
    answer = http.get(server.relay_operator, "/metrics")
    assert answer.status == 200
    assert answer.header("Content-Type") == "text/plain; version=0.0.4; charset=utf-8"
    return prometheus.parse(answer.body.decode())


def documented(of_a_cluster=False):
    """The metrics of the table in docs/operating.md."""
    section = OPERATING.read_text().split("\n## Metrics\n")[1].split("\n## ")[0]
    names = set(re.findall(r"^\| `([a-z_]+)`", section, re.MULTILINE))
    return {name for name in names if of_a_cluster or not name.startswith("usher_cluster_")}


def test_metrics_are_never_on_the_public_port(server):
    assert http.get(server.url, "/metrics").status == 404


def test_each_metric_is_documented_and_each_documented_one_is_there(start):
    server = start()
    with peers.connect(server.application()) as peer:
        peer.join("lobby")
        peer.expect("first_to_join")
        found = {name for name, family in metrics(server).items() if family.kind != "sample"}
    assert found == documented()


def test_the_dashboard_shows_only_what_is_there():
    text = DASHBOARD.read_text()
    json.loads(text)
    queries = re.findall(r'"expr": "((?:[^"\\]|\\.)*)"', text)
    assert queries
    names = {name for query in queries
             for name in re.findall(r"\b((?:usher|process)_[a-z_]+)\b", query)}
    suffixes = re.compile("_(bucket|sum|count)$")
    known = documented(of_a_cluster=True)
    assert {name for name in names if suffixes.sub("", name) not in known} == set()


def test_peers_and_what_they_say_are_counted(start):
    server = start()
    application = server.application()
    with peers.connect(application) as older, peers.connect(application) as newer:
        peers.meet(older, newer, "lobby")
        peers.introduce(newer, older, peers.introduce(older, newer, _connection(older, newer)))
        older.send_text('{"action":"dance"}')
        # The loops publish what they count once a second, each at a time of its own.
        found = eventually(lambda: counted(server), "a second's figures of all loops")
        assert found["usher_rooms"].value() == 2
        assert found["usher_messages_received_total"].value(action="send-payload") >= 2
        assert found["usher_messages_refused_total"].value(code="unknown_action") == 1
        assert found["usher_message_latency_seconds_count"].total() >= 4
        assert found["usher_socket_bytes_total"].value(direction="in") > 100
    eventually(lambda: metrics(server)["usher_connections"].total() == 0, "both to be gone")
    found = metrics(server)
    assert found["usher_rooms"].value() == 0
    assert found["usher_connections_opened_total"].value(dialect="classic") == 2
    assert found["usher_connections_closed_total"].total() == 2


def counted(server):
    """The metrics, once both peers and all that they have said are in them."""
    found = metrics(server)
    is_whole = (found["usher_connections"].value(dialect="classic") == 2
                and found["usher_messages_received_total"].value(action="join-room") == 4
                and found["usher_messages_refused_total"].total())
    return found if is_whole else None


def _connection(sender, receiver):
    """The receiver's connection id, which the sender learns by its answer."""
    sender.join("aside", id="a")
    sender.expect("first_to_join")
    receiver.join("aside", id="b")
    return sender.expect("someone_joined")["connectionId"]


@pytest.mark.one_process("counts what both halves do")
def test_requests_tokens_and_refusals_are_counted(start):
    server = start()
    application = server.application()
    token = application.token()
    http.get(server.url, "/no/such/path")
    assert peers.attempt(server, peers.query(token[:-8] + "AAAAAAAA")).status == 401
    for _ in range(2):
        assert peers.attempt(server, peers.query(token)).status == 101
    found = metrics(server)
    requests = found["usher_http_requests_total"]
    assert requests.value(route="/oauth2/token", code="200") == 1
    assert requests.value(route="other", code="404") == 1
    assert requests.value(route="other", code="101") == 2
    assert found["usher_handshakes_refused_total"].total() == 1
    assert found["usher_token_checks_total"].value(result="refused") == 1
    assert found["usher_token_checks_total"].value(result="accepted") == 2
    assert found["usher_token_cache_hits_total"].value() == 1
    assert found["usher_check_ok"].value(check="registry") == 1
    assert found["process_open_fds"].value() > 5


def test_what_peers_send_makes_no_labels(start):
    server = start()
    application = server.application()
    for code in range(3000, 3040):
        with peers.connect(application) as peer:
            peer.close(code)
    for word in ("a", "b", "c"):
        http.get(server.url, f"/{word}")
    found = metrics(server)
    assert len(found["usher_connections_closed_total"].samples) == 1
    assert len(found["usher_http_requests_total"].samples) <= 3


def test_a_label_holds_a_code_and_names_no_file(start):
    server = start()
    (key,) = (server.data / "keys").glob("*.signing.pem")
    key.chmod(0o644)

    def reported():
        text = http.get(server.relay_operator, "/metrics").body.decode()
        return text if 'event="keys_not_followed"' in text else None

    text = eventually(reported, "the report of the keys")
    assert str(server.data) not in text
    labels = [dict(key) for key in prometheus.parse(text)["usher_reports_total"].samples]
    (reason,) = [one["reason"] for one in labels if one["event"] == "keys_not_followed"]
    assert re.fullmatch("key_[a-z_]+", reason)
