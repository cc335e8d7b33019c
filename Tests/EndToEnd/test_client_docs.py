"""The page that docs/client.md begins with, as it stands there, in two tabs."""

import re

from support import calls
from support.browser import Visit, chromium
from support.usher import CHECKOUT


class Page(calls.Backend):
    """Serves the documented page, and a token at /token."""

    def token(self, request, asked):
        token = self.application.token(rooms="lobby", name="Ada")
        return self.send(request, 200, "text/plain", token.encode())


def test_the_documented_page_makes_a_call(server):
    text = (CHECKOUT / "docs" / "client.md").read_text()
    (page,) = re.findall(r"```html\n(.*?)```", text, re.DOTALL)
    backend = Page(server.application("My page", rooms=["lobby*"]))
    backend.files["call.html"] = page.replace("const client =", "const client = window.client =")
    try:
        with chromium() as browser:
            tabs = [Visit(browser, f"{backend.url}/call.html?server={server.websocket_url}")
                    for _ in range(2)]
            for tab in tabs:
                tab.until("document.querySelector('#others video')?.videoWidth > 0", 30)
                tab.until("document.getElementById('own').videoWidth > 0")
            heard = []
            tabs[1].page.on("console", lambda message: heard.append(message.text))
            tabs[0].until("window.client.broadcast('hello').then((count) => count === 1)")
            tabs[1].page.wait_for_timeout(500)
            assert any(text.endswith("hello") for text in heard)
            tabs[0].page.evaluate("client.close()")
            tabs[1].until("document.querySelectorAll('#others video').length === 0")
            for tab in tabs:
                assert tab.complaints == []
    finally:
        backend.close()
