"""Limits of the relay: each is kept, each can be set, and nobody else suffers."""

import time

import pytest

from support.peers import attempt, connect, meet, query
from support.waiting import eventually
from support.websocket import Closed


def too_many(answer):
    assert answer.status in (429, 503), (answer.status, answer.body)
    assert int(answer.header("Retry-After")) > 0
    assert answer.error
    return True


@pytest.fixture(scope="module")
def tight():
    """A client of a server with small limits."""
    from support.split import serve
    server = serve("--max-message-bytes", "2000", "--max-rooms", "2", "--max-members", "3",
                    "--messages-per-second", "20", "--message-burst", "20",
                    "--max-connections-per-address", "0")
    yield server.application("Limited")
    assert server.stop() == 0


def test_a_message_over_the_limit_closes_with_1009(tight):
    with connect(tight) as peer:
        peer.send_text('{"action":"frobnicate","filler":"' + "x" * 1965 + '"}')  # 2,000 bytes
        peer.join("small", id="a")
        peer.expect("first_to_join")
        peer.send_text('{"action":"frobnicate","filler":"' + "x" * 1966 + '"}')
        assert peer.closing() == (1009, [])


def test_rooms_of_a_connection_are_limited(tight):
    with connect(tight) as peer:
        for room in ("one", "two", "three", "four"):
            peer.join(room, id="a")
        assert [peer.expect("first_to_join")["roomId"] for _ in range(2)] == ["one", "two"]
        with connect(tight) as other:
            other.join("three", id="b")
            assert other.expect("first_to_join") == {"roomId": "three"}
            other.join("two", id="b")
            assert peer.expect("someone_joined")["peerId"] == "b"


def test_members_of_a_room_are_limited_and_a_place_is_given_on(tight):
    with connect(tight) as first, connect(tight) as late:
        others = [connect(tight) for _ in range(2)]
        first.join("full", id="first")
        first.expect("first_to_join")
        for number, peer in enumerate(others):
            peer.join("full", id=f"other-{number}")
            first.expect("someone_joined")
        late.join("full", id="late")
        late.join("late-alone", id="late")
        late.expect("first_to_join")
        others[0].close()

        def let_in():
            late.join("full", id="late")
            try:
                return first.receive(within=0.5).data["peerId"] == "late"
            except TimeoutError:
                return False
        eventually(let_in, "the place that became free is taken")
        others[1].drop()


def test_over_the_message_rate_reading_pauses_and_nothing_is_lost(tight):
    with connect(tight) as sender, connect(tight) as receiver:
        _, target = meet(sender, receiver, "paused")
        began = time.monotonic()
        for number in range(60):
            sender.send(target, {"type": "offer", "number": number})
        assert [receiver.expect("offer")["number"] for _ in range(60)] == list(range(60))
        # 60 messages against a burst of 20 and 20 a second take two seconds, less the refill.
        assert time.monotonic() - began > 1.0


def test_a_paused_sender_does_not_slow_others(tight):
    with connect(tight) as flood, connect(tight) as victim:
        _, target = meet(flood, victim, "flooded")
        for _ in range(200):
            flood.send(target, {"type": "offer"})
        with connect(tight) as one, connect(tight) as two:
            meet(one, two, "beside")
        assert victim.expect("offer")


def test_connections_of_an_address_are_limited(start):
    server = start("--max-connections-per-address", "3")
    application = server.application()
    token = application.token()
    held = [connect(application, token) for _ in range(3)]
    too_many(attempt(server, query(token)))
    assert attempt(server, query(token), source="127.0.0.2").status == 101
    held.pop().close()
    eventually(lambda: attempt(server, query(token)).status == 101, "a place becomes free")
    for peer in held:
        peer.drop()


def test_new_connections_of_an_address_are_limited_in_rate(start):
    server = start("--connections-per-second", "1", "--connection-burst", "2")
    token = server.application().token()
    answers = [attempt(server, query(token)) for _ in range(6)]
    assert [answer.status for answer in answers[:2]] == [101, 101]
    too_many(answers[-1])
    assert attempt(server, query(token), source="127.0.0.2").status == 101
    eventually(lambda: attempt(server, query(token)).status == 101, "a second later it goes on")


@pytest.mark.parametrize("flag", [
    "--max-connections", "--max-connections-per-client", "--max-connections-per-subject"])
def test_connections_are_limited_in_all_and_by_client_and_subject(start, flag):
    server = start(flag, "2", "--max-connections-per-address", "0")
    application, other = server.application("One"), server.application("Other")
    ann = application.token(subject="ann")
    with connect(application, ann), connect(application, ann):
        too_many(attempt(server, query(ann)))
        bob = attempt(server, query(application.token(subject="bob"))).status
        elsewhere = attempt(server, query(other.token(subject="ann"))).status
    assert (bob == 101) == (flag == "--max-connections-per-subject")
    assert (elsewhere == 101) == (flag != "--max-connections")
    eventually(lambda: attempt(server, query(ann)).status == 101, "places become free")


def test_a_limit_by_client_keeps_places_for_other_clients(start):
    server = start("--max-connections", "6", "--max-connections-per-client", "4",
                   "--max-connections-per-address", "0")
    greedy, other = server.application("Greedy"), server.application("Other")
    held = [connect(greedy, greedy.token(subject=f"s{number}")) for number in range(4)]
    too_many(attempt(server, query(greedy.token(subject="one-more"))))
    held += [connect(other, other.token(subject=name)) for name in ("ann", "bob")]
    assert attempt(server, query(other.token(subject="eve"))).status == 503
    for peer in held:
        peer.drop()


def test_zero_means_no_limit(start):
    server = start("--max-connections-per-address", "0", "--connections-per-second", "1",
                   "--connection-burst", "1", "--max-rooms", "0", "--messages-per-second", "0")
    application = server.application()
    token = application.token()
    assert [attempt(server, query(token)).status for _ in range(10)] == [101] * 10
    with connect(application) as peer:
        for number in range(40):
            peer.join(f"room-{number}", id="a")
        for number in range(40):
            assert peer.expect("first_to_join") == {"roomId": f"room-{number}"}


def forwarded(*addresses):
    return [("X-Forwarded-For", ", ".join(addresses)), ("X-Forwarded-Proto", "https")]


def test_behind_a_trusted_proxy_the_real_address_counts(start):
    server = start("--max-connections-per-address", "1", "--trusted-proxy", "127.0.0.0/8")
    application = server.application()
    token = application.token()

    def from_address(*addresses):
        return attempt(server, query(token), forwarded(*addresses))

    held = connect(application, token, fields=forwarded("203.0.113.7"))
    too_many(from_address("203.0.113.7"))
    too_many(from_address("198.51.100.1", "203.0.113.7"))  # What the client sent itself is moot.
    assert from_address("203.0.113.8").status == 101
    unprotected = attempt(server, query(token), [("X-Forwarded-For", "203.0.113.9")])
    assert unprotected.status == 400 and "https" in unprotected.json["error_description"]
    held.drop()


def test_without_a_trusted_proxy_forwarded_addresses_are_moot(start):
    server = start("--max-connections-per-address", "1")
    application = server.application()
    token = application.token()
    with connect(application, token):
        too_many(attempt(server, query(token), forwarded("203.0.113.9")))


@pytest.mark.one_process("a proxy holds back what the reader is too slow for")
def test_a_reader_that_is_too_slow_is_let_go_and_the_sender_is_not(application):
    slow = connect(application, receive_buffer=4096)
    with connect(application) as sender, connect(application) as bystander:
        _, target = meet(sender, slow, "slow")
        bystander.join("slow", id="bystander")
        sender.expect("someone_joined")
        slow.expect("someone_joined")
        for _ in range(100):  # 10 MB against a queue of 1 MiB and the system's buffers
            sender.send(target, {"type": "offer", "filler": "x" * 100_000})
        sender.send_frame(0x9, b"through")
        assert sender.receive_pong() == b"through"
        try:
            while slow.receive(within=20).type == "offer":
                pass
        except Closed as closed:
            assert closed.code in (1013, None)


def test_sockets_of_a_disabled_client_are_closed_with_4501_within_two_seconds(server):
    application, other = server.application("To be disabled"), server.application("Other")
    with connect(application) as one, connect(application) as two, connect(other) as bystander:
        meet(one, two, "lobby")
        bystander.join("lobby", id="bystander")
        bystander.expect("first_to_join")
        server.usher.succeed("client", "disable", application.id)
        for peer in (one, two):
            assert peer.closing(within=2) == (4501, [])
        bystander.join("still here", id="bystander")
        assert bystander.expect("first_to_join") == {"roomId": "still here"}


def test_sockets_of_a_removed_client_are_closed_with_4501(server):
    application = server.application("To be removed")
    with connect(application) as one:
        one.join("lobby", id="one")
        one.expect("first_to_join")
        server.usher.succeed("client", "remove", application.id)
        assert one.closing(within=2) == (4501, [])


def test_sockets_stay_when_a_token_expires(application):
    with connect(application, application.token(expires_in="1")) as peer:
        time.sleep(1.2)  # The wait is the test: the token's time passes.
        peer.join("outlives", id="a")
        assert peer.expect("first_to_join") == {"roomId": "outlives"}
