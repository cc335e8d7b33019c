"""Drivers/DynamoTables by itself, against the emulator's DynamoDB: what it promises, and what it
says of what was done when services fail (Tests/TableProbe is the function)."""

import itertools
import json
import os
from pathlib import Path

import pytest

from support.gateway.rig import Gateway
from support.usher import CHECKOUT

numbers = itertools.count(1)


def binary():
    path = Path(os.environ.get("USHER_TABLE_PROBE", CHECKOUT / ".build" / "debug" / "table-probe"))
    if not path.exists():
        raise RuntimeError(f"{path} is missing: build it first (scripts/test does)")
    return path


@pytest.fixture(scope="module")
def gateway():
    one = Gateway(binary(), variables={
        "PROBE_DYNAMODB": "{services}", "PROBE_TABLE": "usher"}, function_seconds=20)
    yield one
    one.stop()


@pytest.fixture
def probe(gateway):
    gateway.clear()
    gateway.set(function_seconds=20)
    return gateway


def told(probe, do, text=""):
    """What the function says came of it."""
    answer = probe.client("lambda").invoke(
        FunctionName="usher", Payload=json.dumps({"do": do, "text": text}).encode())
    assert "FunctionError" not in answer
    return json.loads(answer["Payload"].read())


def times(probe, text):
    """How often a text stands in the lists of the two items."""
    lists = {item["pk"]["S"]: item["list"]["L"] for item in probe.items() if "list" in item}
    return [lists.get(name, []).count({"S": text}) for name in ("one", "other")]


def calls(probe):
    return [call for call in probe.journal() if call["service"] == "dynamodb"]


def change(probe, do):
    """Makes one change; returns what the function says, how often it was done, how many tries."""
    text, since = f"text-{next(numbers)}", len(calls(probe))
    said = told(probe, do, text)
    probe.rest()
    one, other = times(probe, text)
    if do == "transact":
        assert one == other, "not both"
    return said, one, len(calls(probe)) - since


CHANGES = pytest.mark.parametrize("do", ["append", "transact"])


def test_a_table_keeps_its_contract(probe):
    assert told(probe, "contract") == []


@CHANGES
def test_without_a_fault_a_change_takes_one_call(probe, do):
    assert change(probe, do) == ("done", 1, 1)


@CHANGES
@pytest.mark.parametrize("action", ["throttle", "conflict"])
def test_what_was_surely_not_done_is_tried_again(probe, do, action):
    probe.fault(action, times=3)
    assert change(probe, do) == ("done", 1, 4)


@CHANGES
@pytest.mark.parametrize("action", ["throttle", "conflict"])
def test_until_there_is_no_time(probe, do, action):
    probe.set(function_seconds=4)
    probe.fault(action, times=0)
    said, count, tries = change(probe, do)
    assert (said, count) == ("unavailable", 0)
    # Pauses are by chance and grow: 50 ms at most, then 100, up to a second.
    assert 4 <= tries <= 20


@pytest.mark.parametrize(("action", "when", "count"), [
    ("lose", "before", 0), ("lose", "after", 1), ("answer", "before", 0)])
def test_an_update_of_unknown_outcome_is_told_so_and_not_repeated(probe, action, when, count):
    probe.fault(action, when=when)
    assert change(probe, "append") == ("unknown", count, 1)


@pytest.mark.parametrize(("action", "when"), [
    ("lose", "before"), ("lose", "after"), ("answer", "before")])
def test_a_transaction_of_unknown_outcome_is_repeated_and_done_once(probe, action, when):
    probe.fault(action, when=when, times=2)
    said, count, _ = change(probe, "transact")
    assert (said, count) == ("done", 1)


@pytest.mark.parametrize(("when", "count"), [("before", 0), ("after", 1)])
def test_a_transaction_that_never_got_an_answer_is_unknown(probe, when, count):
    probe.set(function_seconds=4)
    probe.fault("lose", when=when, times=0)
    said, done, tries = change(probe, "transact")
    assert (said, done) == ("unknown", count)
    assert tries > 3


def test_a_transaction_lost_once_and_throttled_since_may_have_been_done(probe):
    probe.set(function_seconds=4)
    probe.fault("lose", when="after")
    probe.fault("throttle", at=2, times=0)
    assert change(probe, "transact")[:2] == ("unknown", 1)


@CHANGES
def test_a_silent_table_is_not_waited_for_all_the_time_there_is(probe, do):
    probe.fault("delay", when="after", seconds=3.0)
    said, count, tries = change(probe, do)
    # Two seconds are what one call may take.
    assert (said, count) == {"append": ("unknown", 1), "transact": ("done", 1)}[do]
    assert tries == (1 if do == "append" else 2)


@pytest.mark.parametrize("do", ["get", "query"])
@pytest.mark.parametrize(("action", "when"), [
    ("lose", "before"), ("lose", "after"), ("answer", "before"), ("throttle", "before")])
def test_a_read_is_repeated_whatever_befell_it(probe, do, action, when):
    told(probe, "append", "read")
    probe.fault(action, when=when, times=2)
    assert told(probe, do, "one") == {"get": "some", "query": "1"}[do]


def test_a_read_that_never_succeeds_was_not_done(probe):
    probe.set(function_seconds=4)
    probe.fault("lose", times=0)
    assert told(probe, "get", "one") == "unavailable"


def test_what_a_deployment_must_not_do_is_named(probe):
    probe.fault("answer", status=400, type="AccessDeniedException", times=0)
    assert told(probe, "get", "one").startswith("invalid: AccessDeniedException")
