"""Fixtures: an application's backend, and pages of the built client that it serves."""

import time

import pytest

from . import calls


@pytest.fixture
def backend(application):
    with calls.backend(application) as one:
        yield one


@pytest.fixture
def call(browser, backend, server):
    """Opens pages in a room of their own, which is `call.room`, and closes them.

    `at` is the URL of a server that is not the shared one, `of` the backend, `inside` the browser.
    """
    pages = []

    def open_page(name, at=server.websocket_url, of=backend, inside=browser, **options):
        options = {"sessionId": open_page.room, **options}
        pages.append(calls.Caller(inside, of, at, name, **options))
        return pages[-1]

    open_page.room = f"room-{time.monotonic_ns()}"
    yield open_page
    for page in pages:
        page.close()
