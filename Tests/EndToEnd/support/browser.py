"""Chromium and Firefox, and the pages that the tests serve to them."""

import functools
import http.server
import os
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import sync_playwright

from .site import QuietHandler, Site

CHROMIUM = "/usr/bin/chromium"
FIREFOX = Path(__file__).with_name("firefox.py")
PAGES = Path(__file__).resolve().parents[1] / "pages"
FLAGS = [
    "--no-sandbox",
    "--allow-loopback-in-peer-connection",
    "--disable-features=WebRtcHideLocalIpsWithMdns",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
    "--disable-background-networking",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
]
# Firefox asks for news when it starts: it may look up no name, and the loudest are switched off.
PREFERENCES = {
    "media.navigator.permission.disabled": True,
    "media.navigator.streams.fake": True,
    "media.peerconnection.ice.loopback": True,
    "media.peerconnection.ice.obfuscate_host_addresses": False,
    "app.normandy.enabled": False,
    "browser.region.network.url": "",
    "browser.region.update.enabled": False,
    "dom.push.connection.enabled": False,
    "extensions.systemAddon.update.enabled": False,
    "messaging-system.rsexperimentloader.enabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "network.dns.disabled": True,
    "services.settings.server": "data:,#remote-settings-dummy/v1",
    "toolkit.telemetry.enabled": False,
    "toolkit.telemetry.server": "",
    "toolkit.telemetry.unified": False,
}


@contextmanager
def chromium():
    with sync_playwright() as playwright, launched(playwright.chromium) as browser:
        yield browser


@contextmanager
def both():
    """The two browsers, by their names."""
    with sync_playwright() as playwright, launched(playwright.chromium) as one:
        with launched(playwright.firefox) as other:
            yield {"chromium": one, "firefox": other}


@contextmanager
def launched(kind):
    browser = launch_firefox(kind) if kind.name == "firefox" else kind.launch(
        executable_path=CHROMIUM, args=FLAGS)
    try:
        yield browser
    finally:
        browser.close()


def launch_firefox(kind):
    # The script that stands for Firefox wants the Python of these tests, and their packages.
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    return kind.launch(
        channel="moz-firefox", executable_path=FIREFOX, firefox_user_prefs=PREFERENCES,
        env={**os.environ, "PATH": path}, timeout=60_000)


@contextmanager
def another(browser, flags):
    """A Chromium with other flags beside one that runs."""
    bare = browser.browser_type.launch(executable_path=CHROMIUM, args=flags)
    try:
        yield bare
    finally:
        bare.close()


class Visit:
    """A page in a context of its own, with what it complained of and whom it asked.

    `script` runs before the page's own.
    """

    def __init__(self, browser, url, script="", **context):
        self.complaints = []
        self.hosts = set()
        self.context = browser.new_context(**context)
        self.page = self.context.new_page()
        if script:
            self.page.add_init_script(script)
        self.page.on("console", self._console)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda request: self._asked(request.url))
        self.page.on("websocket", lambda socket: self._asked(socket.url))
        self.page.goto(url)

    def _console(self, message):
        if message.type in ("error", "warning"):
            self.complaints.append(self._told(message))

    def _told(self, message):
        return message.text

    def _asked(self, url):
        place = urlsplit(url)
        if place.scheme not in ("data", "blob"):
            self.hosts.add(place.netloc)

    def until(self, expression, within=20, tell=None):
        """Waits until a JavaScript expression is true in the page; a failure says what `tell` is.

        Asks again and again: Playwright's own way needs `eval`, which the demo's policy forbids.
        """
        deadline = time.monotonic() + within
        while not self.page.evaluate(expression):
            assert time.monotonic() < deadline, f"not within {within} s: {expression}" + (
                f"\n{tell}: {self.page.evaluate(tell)}" if tell else "")
            self.page.wait_for_timeout(50)

    def close(self):
        self.context.close()


@contextmanager
def page_server():
    """Serves pages/ on a free port of the loopback address; yields its URL."""
    site = Site(functools.partial(PageHandler, directory=PAGES))
    try:
        yield f"http://127.0.0.1:{site.server_port}"
    finally:
        site.close()


class PageHandler(QuietHandler, http.server.SimpleHTTPRequestHandler):
    pass
