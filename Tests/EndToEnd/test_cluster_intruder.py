"""Another program that speaks on a cluster's subjects (docs/threat-model.md): what it says is bytes
until proven, and where credentials separate it, it is not heard at all."""

import base64
import hashlib
import time

import pytest

from support import chance
from support.cluster import Cluster, is_ready
from support.nats import Nats
from support.natsline import NatsLine
from support.usher import new_folder
from support.v1 import connect, offer
from support.waiting import eventually

BEAT = "usher.usher.beat"
ROUNDS = 300


@pytest.fixture(scope="module")
def cluster():
    """Two nodes that live on, whatever is said to them."""
    two = Cluster(count=2)
    yield two
    assert two.stop() == 0


@pytest.fixture
def pair(cluster):
    """A peer at each node, in one room."""
    application = cluster.application()
    one, two = (connect(application.at(node), application.token()) for node in cluster.nodes)
    one.join("honest", id="one")
    two.join("honest", id="two")
    one.expect("someone_joined")
    yield one, two
    one.finish()
    two.finish()


@pytest.fixture
def intruder(cluster):
    """In the account of the cluster, as it must not be."""
    with NatsLine(cluster.nats.urls[0]) as line:
        yield line


def talk(one, two, numbers):
    """What one says to another arrives, once and in order, and so do the answers."""
    for number in numbers:
        offer(one, two, number)
        assert two.expect("offer")["number"] == number
        offer(two, one, number)
        assert one.expect("offer")["number"] == number


def overheard(intruder, pair):
    """What nodes say, of each kind and to each of them: (subject, bytes)."""
    intruder.subscribe("usher.usher.>")
    intruder.subscribe("$KV.>")
    talk(*pair, range(20))

    def subjects():
        found = list(intruder.heard)
        return found if sum(".to." in each for each in found) == 2 and BEAT in found else None

    eventually(subjects, "both nodes and their heartbeats are heard")
    time.sleep(2.5)  # Keys are renewed every two seconds.
    return [(subject, body) for subject, bodies in intruder.heard.items() for body in bodies[-20:]]


def well(cluster):
    return all(is_ready(node) for node in cluster.nodes)


def meet_anew(cluster):
    """Whoever comes afterwards finds all as it should be."""
    application = cluster.application()
    one, two = (connect(application.at(node), application.token()) for node in cluster.nodes)
    one.join("afterwards", id="one")
    two.join("afterwards", id="two")
    one.expect("someone_joined")
    talk(one, two, range(20))
    one.finish()
    two.finish()


def test_garbage_on_its_subjects_is_nothing_to_a_cluster(cluster, pair, intruder):
    draws = chance.of("garbage on subjects")
    seen = overheard(intruder, pair)
    links = sorted({subject for subject, _ in seen if ".to." in subject})
    for number in range(ROUNDS):
        subject = draws.choice([BEAT, *links])
        magic = draws.choice([b"", b"UL\x01", b"UH\x01", b"UF\x01", b"UR\x01", b"UL\xff"])
        intruder.publish(subject, magic + draws.randbytes(draws.choice([0, 1, 20, 500])))
        if number % 50 == 0:
            intruder.publish(subject, magic + bytes(1_000_000))
            intruder.flush()
            talk(*pair, range(number, number + 3))
    intruder.flush()
    talk(*pair, range(20))
    assert well(cluster)


def test_frames_and_heartbeats_that_come_again_change_nothing(cluster, pair, intruder):
    draws = chance.of("frames that come again")
    seen = [each for each in overheard(intruder, pair) if each[0].startswith("usher.")]
    for number in range(ROUNDS):
        intruder.publish(*draws.choice(seen))
        if number % 50 == 0:
            intruder.flush()
            talk(*pair, range(number, number + 3))
    intruder.flush()
    talk(*pair, range(20))
    assert well(cluster)


def test_forged_frames_and_heartbeats_bring_no_node_down(cluster, pair, intruder):
    """They may take a place in a line, so those who spoke meanwhile can lose messages; nobody who
    comes afterwards does."""
    draws = chance.of("forged frames")
    seen = [each for each in overheard(intruder, pair) if each[0].startswith("usher.")]
    for number in range(ROUNDS):
        subject, body = draws.choice(seen)
        body = bytearray(body)
        for _ in range(draws.randint(1, 4)):
            if body and draws.random() < 0.2:
                del body[draws.randrange(len(body)):]
            elif draws.random() < 0.2:
                body += draws.randbytes(draws.randint(1, 40))
            elif body:
                body[draws.randrange(len(body))] = draws.randrange(256)
        intruder.publish(subject, bytes(body))
    intruder.flush()
    eventually(lambda: well(cluster), "both nodes are well", 20)
    meet_anew(cluster)


POISONS = {"nothing": b"", "no document": b"no document at all",
           "a broken one": b"UR\x01" + bytes(40), "too much": b"UR\x01" + bytes(1_000_001)}


def key_of(application, room):
    """Under which a room lies in the bucket, whatever goes before it."""
    digest = hashlib.sha256(application.id.encode() + b"\xff" + room.encode()).digest()
    return ".room." + base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


@pytest.fixture
def poison(cluster, pair, intruder):
    """Puts bytes in the place of a document, with a peer of each node in its room."""
    application = cluster.application()
    intruder.subscribe("$KV.>")
    peers = [connect(application.at(node), application.token()) for node in cluster.nodes]

    def poison_one(body):
        one, two = peers
        one.join("poisoned", id="one")
        two.join("poisoned", id="two")
        one.expect("someone_joined")
        (subject,) = [subject for subject in intruder.heard
                      if subject.endswith(key_of(application, "poisoned"))]
        intruder.publish(subject, body)
        intruder.flush()
        # Who is in the room goes on talking, and other rooms know nothing of it.
        talk(one, two, range(10))
        talk(*pair, range(10))
        return application, one, two

    yield poison_one
    for peer in peers:
        peer.finish()


@pytest.mark.parametrize("kind", POISONS)
def test_a_poisoned_document_is_written_anew(kind, cluster, pair, poison):
    application, one, two = poison(POISONS[kind])
    with connect(application.at(cluster.nodes[0])) as third:
        state = third.join("poisoned", id="three")
        assert sorted(member["peerId"] for member in state["members"]) == ["one", "two"]
        for peer in (one, two):
            assert peer.expect("someone_joined")["peerId"] == "three"
        talk(third, two, range(3))
    for peer in (one, two):
        assert peer.expect("someone_left")["peerId"] == "three"
    assert well(cluster)


def test_a_document_of_a_later_version_holds_nobody(cluster, pair, poison):
    """It may be another's word, so it is left as it is; whoever wants in is told to come later."""
    application, one, two = poison(b"UR\x02" + bytes(40))
    with connect(application.at(cluster.nodes[0])) as third:
        assert third.refused({"action": "join-room", "roomId": "poisoned", "name": "Three",
                              "id": "three"}) == "temporarily_unavailable"
        third.join("another", id="three")
    one.leave("poisoned")
    talk(*pair, range(3))
    assert well(cluster)


def test_poisoned_keys_of_nodes_bring_no_node_down(cluster, pair, intruder):
    overheard(intruder, pair)
    keys = [subject for subject in intruder.heard if ".node." in subject]
    assert len(keys) == 2
    for body in (b"", b"UN\x01", b"UN\x01" + bytes(30), b"no record at all"):
        for key in keys:
            intruder.publish(key, body)
        intruder.flush()
        talk(*pair, range(3))
        time.sleep(2.5)  # Until the next renewal.
    eventually(lambda: well(cluster), "both nodes are well", 20)
    talk(*pair, range(20))
    meet_anew(cluster)


# Where credentials separate it

ACCOUNTS = """
accounts {
    RELAY: { jetstream: enabled, users: [
        { user: usher, password: mine },
        { user: other, password: theirs, permissions: {
            publish: [ "app.>" ], subscribe: [ "app.>", "_INBOX.>" ] } } ] }
    APPLICATION: { jetstream: enabled, users: [ { user: stranger, password: yours } ] }
}
"""


def test_a_program_with_other_credentials_is_not_heard():
    """In another account it speaks to itself; in the same one it is refused."""
    nats, cluster = Nats(1, extra=ACCOUNTS), None
    path = new_folder("credentials") / "usher"
    path.write_text("usher:mine\n")
    path.chmod(0o600)
    try:
        cluster = Cluster("--cluster-credentials", path, count=2, nats=nats)
        application = cluster.application()
        one, two = (connect(application.at(node), application.token()) for node in cluster.nodes)
        one.join("room", id="one")
        two.join("room", id="two")
        one.expect("someone_joined")
        with NatsLine(nats.urls[0], "usher", "mine") as spy:
            spy.subscribe(">")
            talk(one, two, range(5))
            eventually(lambda: BEAT in spy.heard, "a heartbeat")
            subjects = [each for each in spy.heard if not each.startswith("_INBOX")]
            for user, password in (("other", "theirs"), ("stranger", "yours")):
                with NatsLine(nats.urls[0], user, password) as line:
                    for subject in [*subjects, "$JS.API.STREAM.DELETE.KV_usher-usher",
                                    "$JS.API.STREAM.PURGE.KV_usher-usher"]:
                        line.publish(subject, b"poison")
                    line.flush()
                    line.flush()
                    denied = [error for error in line.errors if "Permissions Violation" in error]
                    assert len(denied) == (len(subjects) + 2 if user == "other" else 0)
            spy.flush()
            assert all(body != b"poison" for bodies in spy.heard.values() for body in bodies)
        talk(one, two, range(5))
        with connect(application) as third:
            assert len(third.join("room", id="three")["members"]) == 2
    finally:
        if cluster:
            cluster.kill()
        nats.kill()
