"""Pages in Chromium whose relay is the function: the built client, and a classic one beside it."""

import urllib.parse

import pytest

from support import calls
from support.browser import Visit, page_server
from support.serverless import Home

NAMES = ["ann", "bob", "cem"]


@pytest.fixture(scope="module")
def home(token_service):
    one = Home(token_service, environments=6)
    yield one
    one.stop()


@pytest.fixture(scope="module")
def application(home):
    return home.application(origins=["http://localhost:3000"])


@pytest.fixture(scope="module")
def server(home):
    """What `call` asks for; every page here says where it goes."""
    class Elsewhere:
        websocket_url = home.url

    return Elsewhere


def test_three_pages_form_a_mesh_and_one_resumes(call, home):
    with calls.Wire(home.url) as wire:
        ann, bob = call("ann"), call("bob")
        cem = call("cem", at=f"{wire.url}/prod")
        pages = [ann, bob, cem]
        for page in pages:
            page.until_connected(*[f"{name}" for name in NAMES if name != page.name])
        for one, other in ((ann, bob), (bob, cem), (cem, ann)):
            one.talk_to(other)
        wire.cut()
        cem.until("client.state === 'reconnecting'")
        wire.mend()
        cem.until_event("resumed", within=30)
        cem.until("client.state === 'open'")
        home.rest(30)
        for one, other in ((ann, bob), (bob, cem), (cem, ann)):
            one.talk_to(other)
        assert ann.events("someone_left") == bob.events("someone_left") == []
        for page in pages:
            page.check(ignoring_network=True)


def test_three_classic_pages_form_a_mesh(browser, home, application):
    with page_server() as url:
        visits = {name: classic(browser, url, home, application, name) for name in NAMES}
        try:
            for one in visits.values():
                one.until("state.open.length === 2", 30)
                one.until("Object.keys(state.received).length === 2")
            states = [one.page.evaluate("state") for one in visits.values()]
            assert sum(state["firstToJoin"] for state in states) == 1
            # What a classic page sends has no order in this home: a candidate may come before its
            # offer.
            errors = [error for state in states for error in state["errors"]]
            assert [error for error in errors if not error.startswith("ice_candidate")] == []
        finally:
            for one in visits.values():
                one.close()


def classic(browser, url, home, application, name):
    settings = urllib.parse.urlencode({
        "url": home.url, "token": application.token(subject=name), "client": application.id,
        "room": "classic mesh", "id": name, "name": name.title()})
    return Visit(browser, f"{url}/classic.html?{settings}")
