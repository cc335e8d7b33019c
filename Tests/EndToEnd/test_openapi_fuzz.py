"""The server against its own description: schemathesis makes requests out of /openapi.json, good
and bad ones, and looks at every answer.

USHER_TEST_OPENAPI_EXAMPLES says how many for each operation (default: 60).
"""

import pytest
import requests

from support import http, openapi
from support.split import serve
from support.usher import CHECKOUT

RELAYS = ("/", "/signal/check")
description = openapi.description()


@pytest.fixture(scope="module")
def fuzzed():
    server = serve(*openapi.FLAGS)
    yield openapi.Fuzzed(server)
    assert server.stop() == 0


@pytest.fixture(scope="module")
def session():
    with requests.Session() as connections:
        yield connections


def test_what_is_fuzzed_is_what_is_served(fuzzed):
    served = http.get(fuzzed.url, "/openapi.json").body
    assert served == (CHECKOUT / "docs" / "openapi.json").read_bytes()


@description.parametrize()
def test_every_answer_is_as_described(case, fuzzed, session):
    fields = fuzzed.equip(case)
    case.call_and_validate(
        # A connection that became a WebSocket is none to use again, and one to the tokens' half
        # does not lead to the relay's.
        base_url=fuzzed.url, session=None if case.path in RELAYS else session, headers=fields,
        additional_checks=[openapi.a_token_is_no_more_than_asked_for])
