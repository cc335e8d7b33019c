"""Pages in a real browser, with a client written from the protocol's description alone."""

import urllib.parse

import pytest

from support.browser import Visit, page_server
from support.peers import first_to_join
from support.waiting import eventually

NAMES = ["ann", "bob", "cem"]


@pytest.fixture(scope="module")
def pages():
    with page_server() as url:
        yield url


def visit(browser, pages, application, room, name):
    settings = urllib.parse.urlencode({
        "url": application.server.websocket_url, "token": application.token(subject=name),
        "client": application.id, "room": room, "id": name, "name": name.title()})
    return Visit(browser, f"{pages}/classic.html?{settings}")


def others(name):
    return sorted(set(NAMES) - {name})


def test_three_pages_form_a_full_mesh_and_talk(browser, pages, application):
    visits = {name: visit(browser, pages, application, "mesh", name) for name in NAMES}
    try:
        for one in visits.values():
            one.until("state.open.length === 2")
            one.until("Object.keys(state.received).length === 2")
        states = {name: one.page.evaluate("state") for name, one in visits.items()}
        for name, state in states.items():
            assert sorted(state["open"]) == others(name)
            assert state["received"] == {
                other: [f"hello {name}, here is {other}"] for other in others(name)}
            assert state["errors"] == []
        assert sum(state["firstToJoin"] for state in states.values()) == 1
        pairs = [frozenset((name, other)) for name in NAMES for other in states[name]["joined"]]
        assert len(pairs) == len(set(pairs)) == 3

        visits["ann"].page.evaluate("broadcast('to all')")
        for name in others("ann"):
            visits[name].until("state.received.ann?.includes('to all')")

        visits["cem"].close()
        for name in ("ann", "bob"):
            visits[name].until("state.open.length === 1")
        visits["ann"].page.evaluate("broadcast('to the rest')")
        visits["bob"].until("state.received.ann.includes('to the rest')")

        visits["cem"] = visit(browser, pages, application, "mesh", "cem")
        for one in visits.values():
            one.until("state.open.length === 2")
        assert visits["cem"].page.evaluate("state.firstToJoin") == 0
        assert [one.complaints for one in visits.values()] == [[], [], []]
    finally:
        for one in visits.values():
            one.close()
    eventually(lambda: first_to_join(application, "mesh"), "the room is empty", within=5)


def test_three_pages_that_load_at_once_still_form_one_mesh(browser, pages, application):
    """All three tabs of one window navigate without waiting for each other."""
    context = browser.new_context()
    tabs = {name: context.new_page() for name in NAMES}
    try:
        for name, tab in tabs.items():
            settings = urllib.parse.urlencode({
                "url": application.server.websocket_url, "token": application.token(),
                "client": application.id, "room": "at-once", "id": name, "name": name})
            tab.goto(f"{pages}/classic.html?{settings}", wait_until="commit")
        for tab in tabs.values():
            tab.wait_for_function("state.open.length === 2", timeout=20_000)
        assert sum(tab.evaluate("state.firstToJoin") for tab in tabs.values()) == 1
    finally:
        context.close()
