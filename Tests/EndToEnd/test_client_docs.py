"""The pages that README.md and docs/client.md show, copied into files and opened in a browser, with
the backends and commands that they show."""

import re

import pytest

from support import http
from support.browser import Visit
from support.walkthrough import Walkthrough

pytestmark = pytest.mark.takes("documented ports")
# Which page each tab opens: by the port at which the document shows it.
PLACES = {"README.md": [3000, 3000], "docs/client.md": [3000, 3001]}
# The one thing that browsers ask for by themselves, and that these pages do not have.
NO_ICON = "Failed to load resource: the server responded with a status of 404 (File not found)"
SHOWN = "[...document.querySelectorAll('video')].filter((one) => one.videoWidth > 0).length"


@pytest.mark.parametrize("document", PLACES)
def test_the_documented_page_makes_a_call(document, browser):
    with Walkthrough(document, before="stop") as walk:
        tabs = [Visit(browser, walk.url(port) + "/") for port in PLACES[document]]
        for tab in tabs:
            tab.until(f"{SHOWN} === 2", 30)
        says_hello = lambda message: message.text.endswith(" hello")
        with tabs[1].page.expect_console_message(says_hello, timeout=10_000):
            tabs[0].until("Promise.resolve(client.broadcast('hello')).then((count) => count === 1)")
        if document == "docs/client.md":  # README's shorter page keeps the last picture.
            tabs[0].page.evaluate("client.close()")
            tabs[1].until("document.querySelectorAll('#others video').length === 0")
        for tab in tabs:
            assert [text for text in tab.complaints if text != NO_ICON] == []
            tab.close()


def test_the_documented_backends_keep_the_secret():
    with Walkthrough("docs/client.md", before="stop") as walk:
        secret = re.search(r"client_secret\W+(\S+)", (walk.home / "my-page.txt").read_text())[1]
        for port in PLACES["docs/client.md"]:
            keeps(secret, walk.url(port))


def keeps(secret, url):
    token = http.get(url, "/token")
    assert re.fullmatch(r"eyJ[\w-]+\.[\w-]+\.[\w-]+", token.body.decode())
    assert token.header("Cache-Control") == "no-store"
    assert "WebRtcClient" in http.get(url, "/webrtc-client.js").body.decode()
    for place in ["/", "/token", "/webrtc-client.js", "/backend.py", "/../my-page.txt",
                  "/%2e%2e/my-page.txt", "/../backend.mjs"]:
        assert secret.encode() not in http.get(url, place).body, place
