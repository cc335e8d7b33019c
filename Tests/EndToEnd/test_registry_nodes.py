"""Services on several hosts with one registry (docs/operating.md, "Several hosts")."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from support import assertions, chance, databases, http, keys, ledger, peers
from support.nodes import Nodes, accepts
from support.registrar import Registrar
from support.server import Application
from support.verifiers import Following, Patient
from support.waiting import eventually

WRITERS = 16
# What each of them changes, and how many tokens it leaves alone.
REVOKED, REGISTERED, REMOVED, KEPT = 125, 15, 10, 15
TOKENS, CONNECTIONS = 200, 16
PUBLISH_SECONDS = 4


@pytest.fixture(scope="module")
def nodes():
    three = Nodes(databases.new())
    yield three
    three.stop()


@pytest.fixture
def application(nodes):
    return nodes.whole.application(scopes=["signal", "session"])


def revoke(application, **form):
    answer = http.post_form(application.server.url, "/oauth2/revoke", list(form.items()),
                            [http.basic(application.id, application.secret)])
    assert answer.status == 200, answer.body


def test_a_client_that_a_command_adds_is_known_everywhere_at_once(nodes):
    for node in nodes.issuing:
        application = Application(node, *nodes.usher.add_client("Just added"))
        token = application.token()
        nodes.in_force(lambda: nodes.accept(application, token), "a client is added")


def test_a_client_that_is_disabled_is_so_everywhere_and_again_when_it_is_enabled(
        nodes, application):
    token = application.token()
    assert nodes.accept(application, token)
    with peers.connect(application.at(nodes.signal), token) as peer:
        nodes.usher.succeed("client", "disable", application.id)
        nodes.in_force(lambda: nodes.refuse(application, token), "a client is disabled")
        assert peer.closing()[0] == 4501
    assert {application.at(node).ask().error for node in nodes.issuing} == {"invalid_client"}
    nodes.usher.succeed("client", "enable", application.id)
    nodes.in_force(lambda: nodes.accept(application, token), "a client is enabled")


def test_a_secret_that_is_rotated_is_another_everywhere(nodes, application):
    rotated = nodes.usher.json("client", "rotate-secret", application.id, "--grace", "0")
    ledger.remember_client(application.id, rotated["client_secret"])
    nodes.in_force(
        lambda: all(application.at(node).ask().status == 401 for node in nodes.issuing),
        "a secret is rotated")
    new = Application(nodes.auth, application.id, rotated["client_secret"])
    assert all(new.at(node).ask().status == 200 for node in nodes.issuing)


@pytest.mark.parametrize("what", ["token", "sub", "all"])
def test_what_one_node_revokes_all_refuse_and_no_more(nodes, application, what):
    gone, other = application.token(subject="ada"), application.token(subject="grace")
    form = {"token": gone} if what == "token" else {
        "sub": {"sub": "ada"}, "all": {"all": "true"}}[what]
    with peers.connect(application.at(nodes.signal), gone) as peer:
        revoke(application.at(nodes.auth), **form)
        assert not accepts(nodes.auth, application, gone), "who took it back knows at once"
        nodes.in_force(lambda: nodes.refuse(application, gone), f"{what} is revoked by HTTP")
        assert peer.closing()[0] == 4501
    assert nodes.accept(application, other) == (what != "all")


def test_what_a_command_revokes_all_refuse(nodes, application):
    gone, other = application.token(subject="ada"), application.token(subject="grace")
    nodes.usher.succeed("token", "revoke", "--client", application.id, "--subject", "ada")
    nodes.in_force(lambda: nodes.refuse(application, gone), "a subject is revoked by command")
    assert nodes.accept(application, other)


def test_a_client_that_is_removed_is_unknown_everywhere(nodes, application):
    token = application.token()
    nodes.usher.succeed("client", "remove", application.id)
    nodes.in_force(lambda: nodes.refuse(application, token), "a client is removed")


def test_an_assertion_is_used_once_wherever_that_is(nodes):
    """RFC 7523 §3: its `jti` is marked before anybody gets anything for it."""
    application, private = assertions.signer(nodes.whole, ["ES256"])
    for first, second in (nodes.issuing, nodes.issuing[::-1]):
        signed = assertions.assertion(application, private["ES256"])
        assert assertions.present(application.at(first), signed).status == 200
        again = assertions.present(application.at(second), signed)
        assert (again.status, again.error) == (401, "invalid_client")
        assert "jti" in again.json["error_description"]


def test_a_client_is_registered_on_one_node_and_used_changed_and_removed_on_another(nodes):
    """RFC 7591 and RFC 7592 (docs/backend.md §11)."""
    first, second = nodes.issuing
    registered = Registrar(first).register(client_name="Somewhere")
    there = registered.application.at(second)
    token = there.token()
    nodes.in_force(lambda: nodes.accept(there, token), "a client is registered")
    registered.server = second
    assert registered.put(client_name="Elsewhere").status == 200
    registered.server = first
    nodes.in_force(
        lambda: registered.manage("GET").json["client_name"] == "Elsewhere",
        "a registration is replaced")
    assert registered.manage("DELETE").status == 204
    nodes.in_force(lambda: nodes.refuse(there, token), "a registration is removed")


def test_16_writers_make_2400_changes_and_no_node_misses_one(nodes):
    """Tokens are taken back, clients are registered and some removed again; all else stays good."""
    registrars = [Registrar(nodes.whole) for _ in range(WRITERS)]
    nodes.in_force(lambda: accepts(nodes.auth, registrars[-1].application, registrars[-1].token),
                   "registrars are known")

    def write(registrar):
        """Returns who has which token, and whether it is good in the end."""
        draw = chance.of("writers", registrars.index(registrar))

        def somewhere(what):
            what.server = draw.choice(nodes.issuing)
            return what

        own = registrar.application
        tokens = [(own, somewhere(own).token(subject=f"s{number % 7}"), number < KEPT)
                  for number in range(REVOKED + KEPT)]
        todo = [token for _, token, is_kept in tokens if not is_kept] + [None] * REGISTERED
        draw.shuffle(todo)
        there = []
        for token in todo:
            if token:
                revoke(somewhere(own), token=token)
                continue
            there.append(somewhere(registrar).register(client_name=f"Client {len(there)}"))
            client = there[-1].application
            is_kept = len(there) > REMOVED
            tokens.append((client, somewhere(client).token(), is_kept))
            if not is_kept:
                assert somewhere(there[-1]).manage("DELETE").status == 204
        return tokens

    with ThreadPoolExecutor(WRITERS) as pool:
        written = [one for some in pool.map(write, registrars) for one in some]
        # Of what comes one after the other, whoever knows the last knows all.
        own = registrars[0].application
        last = own.token()
        revoke(own.at(nodes.auth), token=last)
        nodes.in_force(lambda: nodes.refuse(own, last), "the last of 2400 changes")
        for node in nodes.all:
            wrong = [(application.id, is_kept) for (application, token, is_kept), is_accepted
                     in zip(written, pool.map(lambda one: accepts(node, *one[:2]), written))
                     if is_accepted != is_kept]
            assert wrong == [], f"{node.part or 'whole'} has missed something"
    ids = list(map(int, databases.psql(nodes.registry, "SELECT id FROM usher.audit ORDER BY id")))
    assert len(ids) > WRITERS * (REVOKED + REGISTERED + REMOVED) == 2400
    assert ids == list(range(1, len(ids) + 1)), "the log has a gap"


def test_a_rotation_under_load_on_three_nodes_loses_no_request_and_no_good_token(registry):
    """The stages of a key are the registry's: docs/operating.md, "Signing keys"."""
    nodes = Nodes(registry, "--key-publish-seconds", PUBLISH_SECONDS)
    application = nodes.whole.application("Loaded")
    first = application.token()
    is_over = threading.Event()

    def load(issuing, verifier, seen):
        """Takes tokens of one node, which a verifier that knows another's key set checks."""
        there = application.at(issuing)
        while not is_over.is_set():
            token = there.token()
            verifier.check(token)
            verifier.check(first)
            assert all(keys.is_let_in(application, token, node) for node in nodes.relaying)
            seen.add(keys.kid(token))

    verifiers = [(nodes.whole, Following(nodes.auth)), (nodes.auth, Following(nodes.whole)),
                 (nodes.auth, Patient(nodes.whole, PUBLISH_SECONDS - 2))]
    seen = [set() for _ in verifiers]
    rotated = [keys.kid(first)]
    try:
        with ThreadPoolExecutor(len(verifiers)) as pool:
            loads = [pool.submit(load, *pair, one) for pair, one in zip(verifiers, seen)]
            try:
                for algorithm in ("EdDSA", "ES256"):
                    rotated.append(
                        nodes.usher.json("key", "rotate", "--algorithm", algorithm)["kid"])
                    eventually(
                        lambda: all(rotated[-1] in one for one in seen) or any(
                            one.done() for one in loads),
                        f"every load met the key that signs {algorithm}", PUBLISH_SECONDS + 10)
            finally:
                is_over.set()
            for one in loads:
                one.result()
        assert seen == [set(rotated)] * len(seen), "every load went on through all keys"
        assert keys.stages(nodes.usher) == ["signing", "retired", "retired"]
        assert {tuple(sorted(keys.kids(node))) for node in nodes.issuing} == {
            tuple(sorted(rotated))}
        assert not any((node.data / "keys").exists() for node in nodes.all)
        nodes.usher.succeed("key", "retire", rotated[0], "--now")
        nodes.in_force(lambda: nodes.refuse(application, first), "a key is removed")
    finally:
        nodes.kill()


def test_200_one_use_tokens_open_200_connections_wherever_they_are_tried(registry):
    nodes = Nodes(registry, "--query-token", "one-use")
    try:
        application = nodes.whole.application("Once")
        places = [nodes.whole, nodes.signal, nodes.start(part="signal")]
        tries = [(node, token) for token in (application.token() for _ in range(TOKENS))
                 for node in places]
        chance.of("one-use").shuffle(tries)

        def let_in(pair):
            node, token = pair
            return peers.attempt(node, peers.query(token, application.id)).status, token

        with ThreadPoolExecutor(CONNECTIONS) as pool:
            outcomes = list(pool.map(let_in, tries))
        assert {status for status, _ in outcomes} == {101, 401}
        fresh = [token for status, token in outcomes if status == 101]
        assert len(fresh) == len(set(fresh)) == TOKENS
    finally:
        nodes.kill()
