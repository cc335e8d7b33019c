"""A database that is gone, silent, full or another one (docs/operating.md, "When the database is
away" and "Failover"), while clients write."""

import contextlib
import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from support import http, ledger
from support.disk import fill, mounted
from support.nodes import Nodes
from support.postgres import Postgres
from support.readiness import readiness
from support.server import Application
from support.usher import Usher, new_folder
from support.waiting import eventually
from support.writers import Writers

# Connections are tried again every two seconds at least, and requests wait for five.
PATIENCE = 20


@pytest.fixture
def database():
    one = Postgres()
    yield one
    one.stop("immediate")


@pytest.fixture
def start_nodes():
    """Three services on a fresh registry at this URL."""
    started = []

    def start(url):
        Usher(registry=url).succeed("registry", "init")
        started.append(Nodes(url))
        return started[-1]

    yield start
    for nodes in started:
        nodes.kill()


def revoking(application, token):
    return http.post_form(application.server.url, "/oauth2/revoke", [("token", token)],
                          [http.basic(application.id, application.secret)], patience=PATIENCE)


def revoke(application, token):
    answer = revoking(application, token)
    assert answer.status == 200, answer.body


def registry_check(node):
    return readiness(node)[1]["checks"]["registry"]


def are_ready(nodes):
    return all(readiness(node)[0] == 200 for node in nodes.all)


def unknown_outcomes(nodes):
    return sum(node.errors.count("registry_outcome_unknown") for node in nodes.all)


def killed(database):
    database.kill()
    return database.start


def stopped(database):
    database.stop()
    return database.start


def frozen(database):
    database.freeze()
    return database.thaw


AWAY = {"registry_unreachable", "registry_timed_out", "registry_starting"}


@pytest.mark.parametrize("trouble", [killed, stopped, frozen])
def test_while_the_database_is_away_what_is_known_goes_on_and_then_nothing_is_lost(
        database, start_nodes, trouble):
    nodes = start_nodes(database.url())
    application = nodes.whole.application("Known")
    strange = nodes.whole.application("Never seen")
    good, gone = application.token(), application.token()
    revoke(application.at(nodes.auth), gone)
    eventually(lambda: nodes.accept(application, good) and nodes.refuse(application, gone),
               "all know of it")
    assert all(application.at(node).token() for node in nodes.issuing)
    with Writers(nodes) as writers:
        writers.go_on()
        mend = trouble(database)
        eventually(lambda: all(registry_check(node) in AWAY for node in nodes.all),
                   "/readyz says so", PATIENCE)
        assert not any(readiness(node)[0] == 200 for node in nodes.all)
        assert nodes.accept(application, good) and nodes.refuse(application, gone)
        for node in nodes.issuing:
            assert application.at(node).token()
            assert is_refused(strange.at(node).ask()), "it has not met that client yet"
        time.sleep(1)  # The writers meet it as well.
        began = time.monotonic()
        mend()
        eventually(lambda: are_ready(nodes), "all is well", PATIENCE)
        note(f"{trouble.__name__}: ready {time.monotonic() - began:.2f} s after it was mended")
        writers.go_on()
    assert writers.told["refused"] > 0
    eventually(lambda: are_ready(nodes), "all is well", PATIENCE)
    unasked = writers.check(lambda sql: database.psql(sql, "usher"))
    note(f"{trouble.__name__}: {unasked} made though answered 503, "
         f"{unknown_outcomes(nodes)} of unknown outcome")
    assert unasked <= unknown_outcomes(nodes), "made, though it was known not to be"


def test_who_waits_for_a_silent_database_keeps_nobody_from_a_token(database, start):
    """docs/architecture.md §3: there are more threads than a few that wait."""
    Usher(registry=database.url()).succeed("registry", "init")
    server = start(registry=database.url())
    known = server.application()
    waiting = [(one, one.token()) for one in (server.application() for _ in range(8))]
    assert known.token()
    with ThreadPoolExecutor(len(waiting)) as pool:
        database.freeze()
        pending = [pool.submit(revoking, *one) for one in waiting]
        time.sleep(0.5)
        for _ in range(20):
            assert known.token()
        assert not any(one.done() for one in pending), "they were answered first"
        database.thaw()
        assert all(one.result().status == 200 or is_refused(one.result()) for one in pending)


def is_refused(answer):
    return (answer.status, answer.error) == (503, "temporarily_unavailable") and bool(
        answer.header("Retry-After"))


def note(text):
    ledger.new_log("trouble").write_text(text + "\n")


def test_a_full_disk_takes_no_change_and_is_written_to_again_when_there_is_room(start_nodes):
    place = new_folder("full")
    with mounted(place, "256m"), contextlib.ExitStack() as stack:
        place.chmod(0o755)
        (place / "cluster").mkdir()
        database = Postgres(folder=place / "cluster", max_wal_size="32MB", min_wal_size="32MB")
        stack.callback(lambda: database.stop("immediate"))
        nodes = start_nodes(database.url())
        application = nodes.whole.application("Known")
        token = application.token()
        eventually(lambda: nodes.accept(application, token), "it is known")
        with Writers(nodes) as writers:
            writers.go_on()
            fill(place)
            eventually(lambda: writers.told["refused"] > 20, "writes are refused", PATIENCE)
            assert nodes.accept(application, token)
            assert all(application.at(node).token() for node in nodes.issuing)
            (place / "filler").unlink()
            if database.process.poll() is not None:
                database.start()
            eventually(lambda: are_ready(nodes), "all is well", PATIENCE)
            writers.go_on()
        eventually(lambda: are_ready(nodes), "all is well", PATIENCE)
        unasked = writers.check(lambda sql: database.psql(sql, "usher"))
        assert unasked <= unknown_outcomes(nodes)
        assert any("registry_disk_full" in node.errors for node in nodes.all)


@pytest.fixture
def pair(database):
    """A primary and its replica, with the URL that names both."""
    replica = Postgres(replica_of=database)
    url = f"postgresql://usher@127.0.0.1:{database.port},127.0.0.1:{replica.port}/usher"
    yield database, replica, url
    replica.stop("immediate")


def test_a_replica_alone_is_refused_by_name(pair, usher):
    primary, replica, _ = pair
    Usher(registry=primary.url()).succeed("registry", "init")
    follows(replica, primary)
    for command in (["client", "list"], ["registry", "status"],
                    ["serve", "--listen", "127.0.0.1:0", "--operator", "127.0.0.1:0"]):
        message = usher.fail(*command, "--registry", replica.url())
        assert "replica" in message and "primary" in message, message


def follows(replica, primary):
    """Waits until the replica has all that the primary has."""
    (end,) = primary.psql("SELECT pg_current_wal_lsn()")
    eventually(lambda: replica.psql(f"SELECT pg_last_wal_replay_lsn() >= '{end}'") == ["t"],
               "the replica follows")


def test_a_failover_to_a_synchronous_replica_loses_nothing(pair, start_nodes):
    primary, replica, url = pair
    primary.set(synchronous_standby_names="*")
    eventually(lambda: primary.psql("SELECT sync_state FROM pg_stat_replication") == ["sync"],
               "the replica is synchronous")
    nodes = start_nodes(url)
    with Writers(nodes) as writers:
        writers.go_on()
        # Commits wait for the replica: what becomes of them nobody is told by the primary.
        replica.freeze()
        time.sleep(0.5)
        primary.kill()
        replica.thaw()
        began = time.monotonic()
        replica.promote()
        before = writers.told["made"]
        eventually(lambda: writers.told["made"] > before, "the new primary is found", PATIENCE)
        note(f"failover: written to {time.monotonic() - began:.2f} s after the promotion")
        writers.go_on()
    eventually(lambda: are_ready(nodes), "all is well", PATIENCE)
    unasked = writers.check(lambda sql: replica.psql(sql, "usher"))
    note(f"failover: {unasked} made though answered 503, "
         f"{unknown_outcomes(nodes)} of unknown outcome")
    assert unasked <= unknown_outcomes(nodes)


def test_after_a_failover_to_an_asynchronous_replica_all_say_what_it_had(pair, start_nodes):
    """What it had not got is lost, and new changes are made before any node looks: so many that
    the revision is one that the nodes have seen, of another history."""
    primary, replica, url = pair
    nodes = start_nodes(url)
    kept = nodes.whole.application("Kept")
    never, before, lost, after = (
        kept.token(subject=name) for name in ("never", "before", "lost", "after"))
    revoke(kept, before)
    follows(replica, primary)
    replica.set(primary_conninfo="")
    eventually(lambda: not primary.psql("SELECT 1 FROM pg_stat_replication"), "it follows no more")
    gone = nodes.whole.application("Lost")
    ghost = gone.token()
    revoke(kept, lost)
    eventually(lambda: nodes.accept(gone, ghost) and nodes.refuse(kept, lost), "all know of it")
    seen = revision(primary)

    with all_frozen(nodes):
        primary.kill()
        replica.promote()
        alone = Usher(registry=replica.url())
        new = Application(nodes.auth, *alone.add_client("New"))
        alone.succeed("token", "revoke", "--client", kept.id, "--subject", "after")
        while revision(replica) <= seen:
            alone.add_client("Another")
    eventually(lambda: nodes.refuse(gone, ghost), "its client is gone", PATIENCE)
    # Until a node has read all anew it refuses everything.
    eventually(lambda: nodes.accept(kept, never), "the new primary is read", PATIENCE)
    assert nodes.refuse(kept, before) and nodes.refuse(kept, after) and nodes.refuse(gone, ghost)
    assert nodes.accept(kept, lost), "the database knows nothing of it"
    assert nodes.accept(new, new.token())
    assert are_ready(nodes)


def test_while_a_database_is_gone_no_token_is_good_and_then_all_say_what_was_restored(
        database, start_nodes, tmp_path):
    """Its backup is put back under services that run: docs/operating.md, "Backup of a database"."""
    nodes = start_nodes(database.url())
    application = nodes.whole.application("Known")
    good, before, later = (application.token() for _ in range(3))
    revoke(application, before)
    dump = tmp_path / "usher.dump"
    database.run("pg_dump", "--schema=usher", "--format=custom", f"--file={dump}", database.url())
    revoke(application, later)
    eventually(lambda: nodes.refuse(application, later), "all know of it")
    database.psql("DROP DATABASE usher WITH (FORCE)")
    eventually(lambda: {registry_check(node) for node in nodes.all} == {"registry_no_database"},
               "/readyz says so", PATIENCE)
    assert nodes.refuse(application, good), "nobody knows what was revoked"
    database.new_database("usher")
    database.run("pg_restore", f"--dbname={database.url()}", dump)
    eventually(lambda: are_ready(nodes), "all is well", PATIENCE)
    assert nodes.accept(application, good) and nodes.refuse(application, before)
    assert nodes.accept(application, later), "the backup is older"


def revision(database):
    return int(database.psql("SELECT revision FROM usher.registry", "usher")[0])


@contextlib.contextmanager
def all_frozen(nodes):
    """While none of them can look."""
    for node in nodes.all:
        os.kill(node.process.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for node in nodes.all:
            os.kill(node.process.pid, signal.SIGCONT)
