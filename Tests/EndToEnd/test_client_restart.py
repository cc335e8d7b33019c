"""Calls over a restart of the server: sessions go on, and nothing else is begun anew."""

import urllib.parse

import pytest

from support import calls
from support.demo import Guest
from support.restart import Relay

pytestmark = pytest.mark.one_process("starts again on the same address")

NAMES = ("ann", "bob", "cid")
VIDEO = {"audio": True, "video": True}
# What tells that a page began anything anew, with whomever.
BEGINNINGS = ("first_to_join", "someone_joined", "someone_left", "trackAdded", "sendChannelOpen",
              "receiveChannelOpen", "peerConnectionStateChange", "negotiationFailed")
CONNECTIONS = "Object.values(client.peerConnections)"
# Every RTCPeerConnection of a page, and each status that the demo has shown.
WATCH = """
window.made = 0;
window.RTCPeerConnection = class extends RTCPeerConnection {
  constructor(...args) { super(...args); window.made += 1; }
};
window.shown = [];
addEventListener('DOMContentLoaded', () => {
  const status = document.getElementById('status');
  new MutationObserver(() => {
    if (shown.at(-1) !== status.textContent) shown.push(status.textContent);
  }).observe(status, { childList: true, characterData: true, subtree: true });
});
"""


@pytest.fixture
def relay(start):
    return Relay(start)


@pytest.fixture
def page(browser, relay):
    """Opens pages that go to the relay, and sees to it that only the network was complained of."""
    pages = []
    with calls.backend(relay.application) as backend:

        def open_page(name, **options):
            pages.append(calls.Caller(browser, backend, relay.server.websocket_url, name,
                                      sessionId="room", **options))
            return pages[-1]

        open_page.backend = backend
        yield open_page
        for one in pages:
            one.close_page(ignoring_network=True)


def others(page):
    return [name for name in NAMES if name != page.name]


def remember(page):
    page.page.evaluate(f"""() => {{
        window.own = client.connectionId;
        window.before = {CONNECTIONS};
        window.sdp = before.map((one) => one.localDescription.sdp);
        window.frames = framesDecoded();
    }}""")
    return {type: len(page.events(type)) for type in BEGINNINGS}


def is_untouched(page, counts):
    """It is who it was, with the connections that it had, and nobody was told of anything."""
    [resumed] = page.events("resumed")
    assert resumed["detail"]["connectionId"] == page.page.evaluate("own")
    assert page.page.evaluate("client.connectionId === own")
    assert page.page.evaluate(f"{CONNECTIONS}.length === before.length"
                              f" && before.every((one) => {CONNECTIONS}.includes(one))")
    assert page.page.evaluate("before.every((one, at) => one.localDescription.sdp === sdp[at])")
    assert {type: len(page.events(type)) for type in BEGINNINGS} == counts
    told = [one["detail"]["code"] for one in page.events("socketError")]
    # Tokens come from the same process.
    assert told[0] == "server_restarting" and {*told[1:]} <= {"unreachable", "token_unavailable"}


def notes(page):
    return [one["detail"]["payload"]["text"] for one in page.events("signal")]


def test_a_call_is_not_touched_and_what_is_said_meanwhile_comes_once(page, relay):
    pages = [page(name, video=VIDEO) for name in NAMES]
    for one in pages:
        one.until_connected(*others(one))
    counts = {one: remember(one) for one in pages}
    relay.stop()
    for one in pages:
        one.until("client.state === 'reconnecting'")
        for number in range(3):
            for other in others(one):
                one.page.evaluate("([id, text]) => client.signal(id, { type: 'note', text })",
                                  [f"id-{other}", f"{one.name} {number}"])
    pages[0].talk_to(pages[1])
    relay.start()
    for one in pages:
        one.until_event("resumed")
        one.until(f"count('signal') >= {3 * len(others(one))}")
        one.until("(async () => { const [was, is] = [await frames, await framesDecoded()];"
                  " return Object.keys(was).every((id) => is[id] > was[id]); })()")
    pages[1].talk_to(pages[2])
    for one in pages:
        is_untouched(one, counts[one])
        for other in others(one):
            heard = [text for text in notes(one) if text.startswith(other)]
            assert heard == [f"{other} {number}" for number in range(3)]
    newcomer = page("dan")
    newcomer.until_connected(*NAMES)


def test_two_restarts_before_anybody_is_back_are_as_one(page, relay):
    ann, bob = page("ann"), page("bob")
    ann.until_connected("bob")
    bob.until_connected("ann")
    counts = {one: remember(one) for one in (ann, bob)}
    page.backend.fails = True  # Nobody gets a token, and so nobody comes back.
    relay.stop()
    for one in (ann, bob):
        one.until("events.some((e) => e.detail.code === 'token_unavailable')")
    relay.start()
    relay.restart()
    page.backend.fails = False
    for one in (ann, bob):
        one.until_event("resumed")
    ann.talk_to(bob)
    for one in (ann, bob):
        is_untouched(one, counts[one])


def test_a_page_that_is_reloaded_meanwhile_is_who_it_was(page, relay):
    ann, bob = page("ann", video=VIDEO), page("bob", video=VIDEO, keepSession=True)
    ann.until_connected("bob")
    bob.until_connected("ann")
    own = bob.page.evaluate("client.connectionId")
    joined = ann.events("someone_joined")
    relay.stop()
    bob.until("client.state === 'reconnecting'")
    bob.page.reload()
    bob.until_event("reconnecting")
    relay.start()
    assert bob.until_event("resumed")[0]["detail"]["connectionId"] == own
    for one, other in ((ann, bob), (bob, ann)):
        one.until_connected(other.name)
    ann.talk_to(bob)
    assert ann.events("someone_left") == []
    assert ann.events("someone_joined") == joined


def test_the_demo_says_that_it_reconnects_and_goes_on(browser, start):
    server = start("--demo", "--max-connections-per-address", "0")
    guests = [Guest(browser, server, name, script=WATCH) for name in ("Ada", "Grace")]
    ada, grace = guests
    for one, other in ((ada, grace), (grace, ada)):
        one.sees(other.name)
    assert server.stop() == 0
    for one in guests:
        one.page.locator("#status", has_text="reconnecting").wait_for()
    ada.say("said meanwhile")
    start("--demo", "--max-connections-per-address", "0", data=server.data,
          listen=urllib.parse.urlsplit(server.url).netloc)
    for one in guests:
        one.page.locator("#status", has_text="connected").wait_for(timeout=60_000)
    grace.say("said afterwards")
    for one, other, text in ((ada, grace, "said afterwards"), (grace, ada, "said meanwhile")):
        one.sees(other.name)
        one.hears(other.name, text)
        assert one.page.locator("#messages li", has_text=text).count() == 1
        assert one.page.locator("#messages .note", has_text="left").count() == 0
        assert one.page.evaluate("shown.slice(-2)") == ["reconnecting", "connected"]
        assert one.page.evaluate("made") == 1
    for one in guests:
        one.close()
