"""Fixtures that every test may use, the order of the tests, and the line printed last."""

from collections import Counter
from contextlib import ExitStack

import pytest

from support import chance, databases, disk, homes, ledger, turns
from support.browser import chromium
from support.cluster import Cluster
from support.demo import Guest
from support.server import Server
from support.split import IS_SPLIT, serve
from support.toy_gateway import Toy
from support.usher import Usher, new_folder

pytest_plugins = ["support.pages"]
# Limits that a test of something else would run into, since all peers come from one address.
ROOMY = ["--max-connections-per-address", "0"]
LONGEST = [f"test_{name}.py" for name in (
    # The first six with --deep.
    "serverless_v1", "soak", "kill_and_disk", "openapi_fuzz", "serverless_faults", "chaos",
    "client_compatibility", "firefox", "cluster", "cluster_chaos", "cluster_document",
    "cluster_complaints", "cluster_proxies", "cluster_nats_restart", "cluster_intruder",
    "client_calls", "log_output", "demo_page", "client_package", "client_socket", "shares",
    "deploy_proxies", "gateway_emulator_function", "client_identity",
    "demo_honesty", "demo_looks", "operator_page", "restart_shelf", "key_rotation",
    "registry_postgres_trouble", "registry_nodes", "client_restart")]


def kill(started):
    """All of them, also where one had crashed."""
    with ExitStack() as ending:
        for one in started:
            ending.callback(one.kill)


@pytest.fixture
def usher():
    """The command on a fresh data folder."""
    return Usher()


@pytest.fixture(scope="session")
def server():
    """A server that tests share: none may change its settings or stop it."""
    shared = serve(*ROOMY)
    yield shared
    assert shared.stop() == 0


@pytest.fixture
def start():
    """Starts servers with the flags given, and stops those that a test leaves running."""
    started = []

    def start_server(*flags, **options):
        started.append(serve(*flags, **options))
        return started[-1]

    yield start_server
    kill(started)


@pytest.fixture(scope="session")
def postgres():
    """A PostgreSQL server that tests share: none may change its settings or stop it."""
    return databases.server()


@pytest.fixture
def registry():
    """The URL of an empty registry in that server."""
    return databases.new()


@pytest.fixture(scope="session")
def token_service():
    """An auth half, whose tokens tests of the function take."""
    shared = Server(part="auth")
    yield shared
    assert shared.stop() == 0


@pytest.fixture(scope="session")
def function():
    """`usher-lambda` in the emulator, shared as `server` is."""
    # Whatever takes long here takes long because of the emulator.
    shared = homes.FunctionHome("--resume-grace-seconds", "120")
    yield shared
    assert shared.stop() == 0


@pytest.fixture(scope="session")
def cluster():
    """Three nodes behind one address, shared as `server` is."""
    shared = homes.ClusterHome()
    yield shared
    assert shared.stop() == 0


@pytest.fixture
def start_cluster():
    """Starts clusters that a test may break."""
    started = []

    def start(*flags, **options):
        started.append(Cluster(*flags, **options))
        return started[-1]

    yield start
    kill(started)


@pytest.fixture(scope="module")
def home(request):
    """Where the protocol is spoken: the shared server, and in modules that are marked `homes` each
    of the homes in turn."""
    kind = getattr(request, "param", homes.PROCESS)
    return request.getfixturevalue("server" if kind == homes.PROCESS else kind)


@pytest.fixture
def start_home(home):
    """Starts homes of the kind at hand with the flags given, as `start` starts servers."""
    started = []

    def start_one(*flags, **options):
        started.append(homes.open_home(home.kind, *flags, **options))
        return started[-1]

    yield start_one
    kill(started)


@pytest.fixture(scope="module")
def application(home):
    """A client of the shared home, with every room and one allowed origin."""
    return home.application(
        "Shared application", origins=["https://app.example", "http://localhost:3000"])


@pytest.fixture(scope="module")
def browser():
    """Chromium, for the tests of one module."""
    with chromium() as one:
        yield one


@pytest.fixture
def demo(start):
    return start("--demo", "--max-connections-per-address", "0")


@pytest.fixture
def guests(browser, demo):
    """Lets people in, and sees to it that nobody's console has a word in it."""
    there = []

    def let_in(name, **options):
        there.append(Guest(browser, demo, name, **options))
        return there[-1]

    yield let_in
    for one in there:
        one.healthy()
        one.close()


@pytest.fixture
def small_disk():
    """A file system of 512 KiB, as good as full once `disk.fill(small_disk)` was called."""
    with disk.mounted(new_folder("disk")) as place:
        yield place


@pytest.fixture
def start_toy():
    """Starts emulated gateways around the toy function, and ends what a test leaves running."""
    started = []

    def start_one(**settings):
        started.append(Toy(**settings))
        return started[-1]

    yield start_one
    for one in started:
        one.stop()


@pytest.fixture(scope="module")
def shared_toy():
    toy = Toy()
    yield toy
    toy.stop()


@pytest.fixture
def toy(shared_toy):
    """A gateway that the tests of one module share; what one sets is gone for the next."""
    shared_toy.fresh()
    return shared_toy


def pytest_configure(config):
    if is_leader(config):
        return
    turns.begin()
    if databases.IS_POSTGRESQL and not config.option.collectonly:
        databases.take_the_place_of_files()


def is_leader(config):
    """Whether this process only leads workers, which run the tests (pytest-xdist)."""
    return bool(getattr(config.option, "tx", None)) and not hasattr(config, "workerinput")


def pytest_generate_tests(metafunc):
    if "home" in metafunc.fixturenames and metafunc.definition.get_closest_marker("homes"):
        metafunc.parametrize("home", homes.KINDS, indirect=True, scope="module")


def pytest_collection_modifyitems(items):
    """What only one process does is left out where there are two, what a home may do otherwise, in
    that home, and what concerns a file, where registries are databases."""
    for item in items:
        for reason in homes.missing(item):
            item.add_marker(pytest.mark.skip(reason=reason))
        mark = item.get_closest_marker("one_process")
        if IS_SPLIT and mark:
            item.add_marker(pytest.mark.skip(reason=mark.args[0]))
        mark = item.get_closest_marker("registry_file")
        if databases.IS_POSTGRESQL and mark:
            item.add_marker(pytest.mark.skip(reason=f"a registry's file: {mark.args[0]}"))
        if operation := getattr(item, "operation_label", None):
            item._id = item.id.with_params(operation)  # schemathesis names the function alone.
    items.sort(key=place)
    # Workers are told by these names what to run: of two that are the same, one would not be.
    assert len({item.nodeid for item in items}) == len(items), "two tests have one name"


def place(item):
    """The longest modules begin first, lest one goes on when all others are done."""
    name = item.path.name
    return is_last(item), LONGEST.index(name) if name in LONGEST else len(LONGEST)


def is_last(item):
    """Logs are read when everything else has written to them."""
    return item.path.name == "test_logs_hold_no_secret.py"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item, nextitem):
    if is_last(item):
        turns.wait_for_the_others()
    is_kept = is_alone(item) and nextitem and is_alone(nextitem) and not takes(nextitem)
    with turns.turn(is_alone(item), takes(item), is_kept):
        return (yield)


def is_alone(item):
    return bool(item.get_closest_marker("alone"))


def takes(item):
    return {what for mark in item.iter_markers("takes") for what in mark.args}


def pytest_sessionfinish():
    turns.finish()


outcomes = Counter()
shown = set()


def pytest_runtest_logreport(report):
    if report.failed and report.nodeid not in shown:
        shown.add(report.nodeid)
        outcomes["failed"] += 1
    elif report.skipped:
        outcomes["skipped"] += 1
    elif report.when == "call" and report.passed:
        outcomes["passed"] += 1


def pytest_collectreport(report):
    if report.failed:
        outcomes["failed"] += 1


def pytest_unconfigure(config):
    if config.option.collectonly or hasattr(config, "workerinput"):
        return
    ledger.forget()
    turns.forget()
    print(f"Logs: {ledger.LOGS}")
    print(f"Seed of what happened by chance: USHER_TEST_SEED={chance.SEED}")
    skipped = f", {outcomes['skipped']} skipped" if outcomes["skipped"] else ""
    print(f"{outcomes['passed']} passed, {outcomes['failed']} failed{skipped}", flush=True)
