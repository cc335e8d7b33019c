"""Sessions that go from node to node of a cluster, on real NATS (docs/protocol.md §3, "Resume";
docs/cluster.md)."""

import asyncio
import os
import signal
import threading
import time

import pytest

from support import http
from support.cluster import Balancer, Cluster
from support.process import freeze, thaw
from support.restart import logged
from support.rolling import Crowd, roll
from support.v1 import connect, is_refused, meet, offer, resumed
from support.waiting import eventually

DEATH_SECONDS = 15
# With --deep two hundred, as a service of some size has.
PEERS = int(os.environ.get("USHER_TEST_CLUSTER_PEERS") or 30)
PER_ROOM = 5
BACK_SECONDS = 3


@pytest.fixture(scope="module")
def shared():
    cluster = Cluster()
    yield cluster
    assert cluster.stop() == 0


def at(cluster, application, index, **claims):
    return application.at(cluster.nodes[index]), application.token(**claims)


def numbers(events):
    return [event.data["number"] for event in events if event.type == "offer"]


# Resumed elsewhere


def test_a_session_is_resumed_at_whatever_node_its_client_comes_to(shared):
    application = shared.application()
    stays, goes = connect(*at(shared, application, 0)), connect(*at(shared, application, 1))
    meet(stays, goes, "around")
    for turn in range(6):
        goes.drop()
        for number in range(3):
            offer(stays, goes, 10 * turn + number)
        again, replay = resumed(application.at(shared.nodes[turn % 3]), goes)
        assert numbers(replay) == [10 * turn + number for number in range(3)]
        (state,) = again.room_states(1).values()
        assert [member["peerId"] for member in state["members"]] == ["older"]
        offer(again, stays, turn)
        (event,) = stays.up_to_pong()
        assert event.data == {
            "connectionId": goes.connection, "type": "offer", "number": turn}
        goes = again
    stays.finish()
    goes.finish()


def test_all_talk_while_one_goes_and_nothing_is_lost_doubled_or_out_of_order(shared):
    application = shared.application()
    goes = connect(*at(shared, application, 0))
    goes.join("crowd", id="goes")
    others = [connect(*at(shared, application, index)) for index in range(3)]
    for index, other in enumerate(others):
        other.join("crowd", id=f"other-{index}")
    goes.up_to_pong()
    count, target = 300, goes.connection

    def talk(other):
        for number in range(count):
            other.send(target, {"type": "offer", "number": number}, ack=number)
            time.sleep(0.002)

    threads = [threading.Thread(target=talk, args=[other]) for other in others]
    for thread in threads:
        thread.start()
    heard = []
    for turn in range(6):
        time.sleep(0.1)
        heard += [event for event in goes.up_to_pong() if event.type == "offer"]
        goes.drop()
        goes, replay = resumed(application.at(shared.nodes[(turn + 1) % 3]), goes)
        heard += [event for event in replay if event.type == "offer"]
        # What others say in that moment may stand before it.
        while (event := goes.receive()).type != "room_state":
            heard.append(event)
    for thread in threads:
        thread.join()
    while len(heard) < count * len(others):
        heard.append(goes.receive())
    for other in others:
        answers = [event for event in other.up_to_pong() if event.type in ("ack", "error")]
        # Receivers at several nodes answer in another order, where they want to.
        assert sorted(event.data.get("ack") for event in answers) == list(range(count))
        assert {event.type for event in answers} == {"ack"}
        assert [event.data["number"] for event in heard
                if event.data["connectionId"] == other.connection] == list(range(count))
        other.finish()
    goes.finish()


def test_what_was_not_acknowledged_did_not_arrive_over_a_resume_elsewhere(shared):
    application = shared.application()
    stays, goes = connect(*at(shared, application, 0)), connect(*at(shared, application, 1))
    meet(stays, goes, "said")
    unanswered, last = [], 0
    for turn in range(6):
        for number in unanswered:
            goes.send(stays.connection, {"type": "offer", "number": number}, ack=number)
        for _ in range(20):
            last += 1
            unanswered.append(last)
            goes.send(stays.connection, {"type": "offer", "number": last}, ack=last)
        goes.drop()
        goes, replay = resumed(application.at(shared.nodes[turn % 3]), goes)
        acked = {event.data["ack"] for event in replay if event.type == "ack"}
        unanswered = [number for number in unanswered if number not in acked]
        goes.room_states(1)
    for number in unanswered:
        offer(goes, stays, number)
    assert numbers(stays.up_to_pong()) == list(range(1, last + 1))
    stays.finish()
    goes.finish()


def test_a_home_that_is_frozen_is_waited_for(start_cluster):
    cluster = start_cluster(count=2)
    application = cluster.application()
    stays, goes = connect(*at(cluster, application, 0)), connect(*at(cluster, application, 1))
    meet(stays, goes)
    goes.drop()
    freeze(cluster.nodes[1].process)
    again = connect(*at(cluster, application, 0))
    again.ask_to_resume(goes.session, goes.seq)
    time.sleep(1.5)
    thaw(cluster.nodes[1].process)
    assert again.expect("resumed")["connectionId"] == goes.connection
    again._become({"connectionId": goes.connection, "session": again.session})
    again.seq = goes.seq
    again.room_states(1)
    assert stays.up_to_pong() == []


def test_a_home_that_is_killed_fails_the_resume_and_the_others_hear_of_it(start_cluster):
    cluster = start_cluster(count=2)
    application = cluster.application()
    stays, goes = connect(*at(cluster, application, 0)), connect(*at(cluster, application, 1))
    meet(stays, goes)
    cluster.nodes[1].kill()
    again = connect(*at(cluster, application, 0))
    again.ask_to_resume(goes.session, goes.seq)
    error = again.expect("error", DEATH_SECONDS)
    assert error["code"] == "resume_failed"
    assert stays.expect("someone_left", DEATH_SECONDS)["reason"] == "lost"
    again.join("room", id="newer")


def test_who_was_replaced_or_thrown_out_or_revoked_meanwhile_does_not_come_back(shared):
    application = shared.application()
    stays = connect(*at(shared, application, 0))
    stays.join("out", id="stays")

    def left(peer_id, subject):
        goes = connect(*at(shared, application, 1, subject=subject))
        goes.join("out", id=peer_id)
        assert stays.expect("someone_joined")["peerId"] == peer_id
        goes.drop()
        return goes

    goes = left("ann", "ann")
    newer = connect(*at(shared, application, 0, subject="ann"))
    newer.join("out", id="ann")
    assert stays.expect("someone_left")["reason"] == "replaced"
    stays.expect("someone_joined")
    assert is_refused(application.at(shared.nodes[2]), goes, application.token(subject="ann"))
    goes = left("bob", "bob")
    shared.nodes[2].usher.succeed("peer", "kick", goes.connection)
    assert stays.expect("someone_left")["reason"] == "kicked"
    assert is_refused(application.at(shared.nodes[2]), goes, application.token(subject="bob"))
    goes = left("cid", "cid")
    shared.nodes[0].revoke(application, "cid")
    assert stays.expect("someone_left")["reason"] == "kicked"
    time.sleep(1.1)  # A token of the same second is revoked, too.
    assert is_refused(application.at(shared.nodes[2]), goes, application.token(subject="cid"))
    stays.finish()
    newer.finish()


def test_made_up_secrets_keep_no_peer_of_the_same_client_from_resuming(shared):
    application = shared.application()
    stays, goes = connect(*at(shared, application, 0)), connect(*at(shared, application, 1))
    meet(stays, goes, "claimed")
    # No token names a subject. Each claims a home of its own that nobody has ever heard of, for
    # which a node waits a while.
    thieves = [connect(*at(shared, application, 2)) for _ in range(20)]
    for number, thief in enumerate(thieves):
        home = f"{0x0123456789abcdef + number:016x}"
        thief.ask_to_resume(home + goes.connection + goes.session[-22:], 0)
    again, replay = resumed(application.at(shared.nodes[2]), goes)
    assert replay == [] and len(again.room_states(1)) == 1
    assert stays.up_to_pong() == []
    for thief in thieves:
        assert thief.expect("error")["code"] == "resume_failed"
        thief.finish()
    again.finish()
    stays.finish()


def test_nobody_resumes_the_session_of_his_own_connection(shared):
    application = shared.application()
    peer = connect(*at(shared, application, 0))
    code = peer.refused({"action": "resume", "session": peer.session, "seq": 0})
    assert code == "resume_failed"
    peer.join("own")
    peer.finish()


# Nodes that end in order


def test_a_node_that_stops_says_so_before_it_lets_nobody_in(start_cluster):
    cluster = start_cluster("--drain-notice-seconds", 60, count=2)
    application = cluster.application()
    stays, goes = connect(*at(cluster, application, 0)), connect(*at(cluster, application, 1))
    meet(stays, goes)
    node = cluster.nodes[1]
    node.process.send_signal(signal.SIGTERM)
    eventually(lambda: http.get(node.operator, "/readyz").status == 503, "/readyz says no")
    assert http.get(node.operator, "/readyz").json["checks"]["cluster"] == "draining"
    late = connect(*at(cluster, application, 1))
    late.join("late", id="late")
    node.process.send_signal(signal.SIGTERM)  # It has waited long enough.
    for peer in (goes, late):
        assert peer.expect("draining", 10)["reconnectWithinSeconds"] == 2
        assert peer.end() == (1012, [])
    again, replay = resumed(application, goes)
    assert replay == [] and len(again.room_states(1)) == 1
    again.finish()
    assert resumed(application, late)[1] == []
    assert node.stop() == 0
    (drained,) = logged(node, "cluster_drained")
    assert drained["sessions_left"] == "0"
    assert stays.expect("someone_left")["reason"] == "closed"


def test_a_second_signal_ends_the_notice_and_the_last_node_has_none(start_cluster):
    cluster = start_cluster("--drain-notice-seconds", 60, "--drain-seconds", 1, count=2)
    application = cluster.application()
    stays, goes = connect(*at(cluster, application, 0)), connect(*at(cluster, application, 1))
    meet(stays, goes)
    node = cluster.nodes[1]
    node.process.send_signal(signal.SIGTERM)
    eventually(lambda: http.get(node.operator, "/readyz").status == 503, "/readyz says no")
    assert node.stop() == 0
    again, replay = resumed(application, goes)
    assert [event.type for event in replay] == ["draining"]
    again.room_states(1)
    assert cluster.nodes[0].stop() == 0


async def restart_all(cluster, crowd):
    async with crowd:
        await roll(cluster, cluster.nodes, crowd)
        await crowd.be_quiet()


def test_a_rolling_restart_costs_no_message_and_nobody_a_place(start_cluster):
    cluster = start_cluster(
        "--ping-interval-seconds", 2, "--drain-notice-seconds", 1, "--drain-seconds", 1)
    balancer = Balancer(cluster.nodes)
    try:
        crowd = Crowd(cluster.application(), balancer.url, PEERS, PER_ROOM)
        asyncio.run(restart_all(cluster, crowd))
    finally:
        balancer.stop()
    print(f"{PEERS} peers, {crowd.said} messages, {len(crowd.absences)} times gone, "
          f"for at most {max(crowd.absences):.2f} s")
    crowd.check_whole()
    # Each node had some, and gave them away.
    assert len(crowd.absences) >= PEERS and max(crowd.absences) < BACK_SECONDS
