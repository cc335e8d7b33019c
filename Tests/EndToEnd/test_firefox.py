"""Calls of the demo between Firefox and Firefox, and between Firefox and Chromium."""

import urllib.parse

import pytest

from support.browser import both
from support.demo import Guest

# Who is there first, and who comes second.
PAIRS = [("firefox", "firefox"), ("firefox", "chromium"), ("chromium", "firefox")]
# Whether every picture of the others moves. (Firefox counts no frames of such a video otherwise.)
MOTION = """(async () => {
  const videos = [...document.querySelectorAll('.tile:not(.own) video')];
  const frames = videos.map(() => 0);
  let isOver = false;
  videos.forEach((one, index) => one.requestVideoFrameCallback(function next() {
    frames[index] += 1;
    if (!isOver) one.requestVideoFrameCallback(next);
  }));
  await new Promise((resolve) => setTimeout(resolve, 500));
  isOver = true;
  return frames.every((count) => count > 2);
})()"""
# What a screen shows is the browser's matter; here it is a picture of our own, and a wide one.
SCREEN = """() => {
  const canvas = document.createElement('canvas');
  canvas.width = 640; canvas.height = 160;
  const paint = canvas.getContext('2d');
  setInterval(() => {
    paint.fillStyle = `hsl(${Date.now() / 20 % 360} 60% 50%)`;
    paint.fillRect(0, 0, 640, 160);
  }, 60);
  navigator.mediaDevices.getDisplayMedia = async () => canvas.captureStream(15);
}"""


@pytest.fixture(scope="module")
def browsers():
    with both() as browsers:
        yield browsers


@pytest.fixture(scope="module")
def browser(browsers):
    return browsers["chromium"]


@pytest.fixture
def let_in(browsers, demo):
    """Lets people into the demo, and sees to it that nobody's console has a word in it."""
    there = []

    def let_in(kind, name):
        there.append(Guest(browsers[kind], demo, name))
        return there[-1]

    yield let_in
    for one in there:
        one.healthy()
        one.close()


@pytest.fixture(params=PAIRS, ids="-".join)
def pair(request, let_in):
    """Two people whose call stands."""
    ada, grace = let_in(request.param[0], "Ada"), let_in(request.param[1], "Grace")
    ada.sees("Grace")
    grace.sees("Ada")
    return ada, grace


def sees_motion(guest, count=1):
    """Pictures of so many others arrive, and go on arriving."""
    guest.sees_pictures(count)
    guest.until(MOTION)


def talk(*guests):
    """Each says something that all the others hear."""
    for one in guests:
        text = f"{one.name} says {one.page.locator('#messages li').count()}"
        one.say(text)
        for other in guests:
            if other is not one:
                other.hears(one.name, text)


def test_pictures_and_words_go_both_ways_until_one_leaves(pair):
    ada, grace = pair
    sees_motion(ada)
    sees_motion(grace)
    talk(ada, grace)
    grace.page.click("#leave")
    ada.until("document.querySelectorAll('.tile').length === 1", 10)
    assert grace.page.is_visible("#join")


def test_a_screen_is_shared_and_the_camera_is_back(pair):
    for one, other in (pair, pair[::-1]):
        one.page.evaluate(SCREEN)
        one.page.click("#share")
        other.until("[...document.querySelectorAll('.tile.sharing:not(.own) video')]"
                    ".some((one) => one.videoWidth / one.videoHeight > 3)", 30)
        one.page.click("#share")
        other.until("!document.querySelector('.tile.sharing')")
        other.until("[...document.querySelectorAll('.tile:not(.own) video')]"
                    ".every((one) => one.videoWidth / one.videoHeight < 2)", 30)
        sees_motion(other)


def test_a_reload_goes_on_with_the_call(pair):
    ada, grace = pair
    grace.page.reload()
    grace.sees("Ada")
    ada.sees("Grace")
    sees_motion(ada)
    sees_motion(grace)
    talk(ada, grace)
    assert ada.page.locator("#messages .note", has_text="left").count() == 0


# The pair of candidates that is sent over: which one, and the local fragment where that is told.
PATH = """Object.values(client.peerConnections)[0].getStats().then((report) => {
  const [id] = [...report.values()].flatMap((one) => one.selectedCandidatePairId ?? []);
  const fragment = report.get(report.get(id)?.localCandidateId)?.usernameFragment;
  return window.path = { id, fragment };
})"""


def restart_ice(ann, bob):
    """The first page looks for another path; both descriptions of both are of it, and it is sent
    over, before anything else happens.
    """
    credentials = """() => {
      const { localDescription, remoteDescription } = Object.values(client.peerConnections)[0];
      return [localDescription, remoteDescription]
        .map((one) => one.sdp.match(/^a=ice-ufrag:(.*)$/m)[1]).join();
    }"""
    before = {page: page.page.evaluate(credentials) for page in (ann, bob)}
    paths = {page: page.page.evaluate(PATH)["id"] for page in (ann, bob)}
    ann.page.evaluate("client.restartIce()")
    for page, other in ((ann, bob), (bob, ann)):
        old = before[page].split(",")
        page.until(f"!({credentials})().split(',').some((one) => {old}.includes(one))")
        page.until_connected(other.name)
        page.until("Object.values(client.peerConnections)[0].signalingState === 'stable'")
    for page in (ann, bob):
        page.until(f"""{PATH}.then(({{ id, fragment = '' }}) => id && id !== '{paths[page]}'
            && ({credentials})().includes(fragment))""", 30, tell="path")


@pytest.mark.parametrize("kinds", PAIRS, ids="-".join)
def test_a_call_is_measured_after_its_path_was_looked_for_anew(call, browsers, kinds):
    ann, bob = (call(name, inside=browsers[kind], video={"audio": True, "video": True})
                for name, kind in zip(("ann", "bob"), kinds, strict=True))
    ann.until_connected("bob")
    # Chromium tries its new candidates with the other page's old ones until it has the answer. On
    # a slow machine it then stays with these, and Firefox hears nothing any more.
    restarting = [page for page, kind in zip((ann, bob), kinds) if kind == "firefox"][0]
    for _ in range(2):
        restart_ice(restarting, bob if restarting is ann else ann)
    for page, other in ((ann, bob), (bob, ann)):
        # Rates are since the last time, so these are of the new path.
        page.page.evaluate(f"client.stats('id-{other.name}')")
        page.page.wait_for_timeout(2000)
        page.until(f"""client.stats('id-{other.name}').then((stats) => {{
            window.measured = stats;
            // On one more path rates are counted anew.
            return stats.rttMs >= 0 && stats.quality !== 'unknown'
                && stats.bitrateInKbps > 0 && stats.bitrateOutKbps > 0;
        }})""", 15, tell="measured")
        measured = page.page.evaluate("measured")
        assert measured["rttMs"] < 1000 and measured["relayed"] is False, measured
        assert measured["bitrateInKbps"] > 0 and measured["bitrateOutKbps"] > 0, measured
        assert measured["packetsReceived"] > 0 and measured["jitterMs"] >= 0, measured
        page.check()


def test_calls_outlive_the_server(browsers, start):
    server = start("--demo")
    kinds = {"Ada": "firefox", "Grace": "chromium", "Kim": "firefox"}
    guests = [Guest(browsers[kind], server, name) for name, kind in kinds.items()]

    def everybody_sees_everybody():
        for one in guests:
            one.sees(*({*kinds} - {one.name}))

    everybody_sees_everybody()
    assert server.stop() == 0
    for one in guests:
        one.page.locator("#status", has_text="reconnecting").wait_for()
    talk(*guests)
    for one in guests:
        sees_motion(one, 2)
    again = start("--demo", data=server.data, listen=urllib.parse.urlsplit(server.url).netloc)
    assert again.url == server.url
    for one in guests:
        one.page.locator("#status", has_text="connected").wait_for(timeout=60_000)
    everybody_sees_everybody()
    talk(*guests)
    for one in guests:
        sees_motion(one, 2)
    for one in guests:
        one.close()
