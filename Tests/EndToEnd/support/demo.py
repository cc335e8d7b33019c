"""People in the demo's video room."""

import os
import urllib.parse
from pathlib import Path

from .browser import Visit
from .usher import CHECKOUT

SCREENSHOTS = Path(os.environ.get("USHER_SCREENSHOTS") or CHECKOUT / ".build" / "screenshots")


class Guest(Visit):
    """Somebody who opens the demo, and joins a room with a click unless told otherwise."""

    def __init__(self, browser, demo, name, room="demo-lobby", join=True, **context):
        self.demo = demo
        self.name = name
        super().__init__(browser, f"{demo.url}/demo/#{room}", **context)
        self.page.fill("#name", name)
        if join:
            self.page.click("#join")

    def tile(self, name):
        return self.page.locator(".tile", has=self.page.locator(".name", has_text=name))

    def sees(self, *names):
        """Their tiles, and that each connection stands."""
        connected = ("[...document.querySelectorAll('.tile:not(.own)')]"
                     ".filter((one) => one.querySelector('.waiting').hidden).length")
        self.until(f"{connected} === {len(names)}", 40)
        for name in names:
            self.tile(name).wait_for()

    def sees_pictures(self, count):
        self.until("[...document.querySelectorAll('.tile:not(.own):not(.dark) video')]"
                   f".filter((one) => one.videoWidth > 0).length === {count}", 40)

    def say(self, text):
        self.page.fill("#message", text)
        self.page.press("#message", "Enter")

    def hears(self, author, text):
        line = self.page.locator("#messages li:not(.note)", has_text=text)
        line.first.wait_for()
        assert line.first.locator(".who").inner_text() == author

    def shoot(self, name):
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=SCREENSHOTS / f"{name}.png")

    def healthy(self):
        """Nothing in the console, and no request to anybody else."""
        assert self.complaints == []
        assert self.hosts == {urllib.parse.urlsplit(self.demo.url).netloc}
