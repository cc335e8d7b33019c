"""A screen's sound, and sound that the browser blocks, in real Chromium."""

import time

import pytest

from support.browser import FLAGS, another
# One of them is a fixture.
from support.media import call, kinds, sees, VIDEO


def test_the_sound_of_a_screen_goes_beside_the_microphones(call):
    ann, bob = call("ann", video=VIDEO), call("bob", video=VIDEO)
    sees(bob, "ann")
    ann.page.evaluate("""async () => {
        window.shared = new MediaStream([...painted('green').getTracks(), await tone()]);
        return client.shareScreen(shared).then(() => true);
    }""")
    bob.until("events.filter((one) => one.type === 'trackAdded').length === 3")
    heard = """async () => {
        const report = await Object.values(client.peerConnections)[0].getStats();
        return [...report.values()].filter((one) => one.type === 'inbound-rtp'
          && one.kind === 'audio' && one.packetsReceived > 20).length;
    }"""
    bob.until(f"({heard})().then((count) => count === 2)")
    streams = "Object.values(client.peerInfo)[0].streams.map((one) => one.getAudioTracks().length)"
    assert bob.page.evaluate(streams) == [2]
    assert ann.page.evaluate("client.toggleTracks('audio', false)") is False
    assert ann.page.evaluate("shared.getAudioTracks()[0].enabled")
    assert kinds(ann) == "audio,video"
    cid = call("cid")  # Who comes later hears it too.
    cid.until("events.filter((one) => one.type === 'trackAdded'"
              " && one.detail.peerId === 'id-ann').length === 3")
    ann.page.evaluate("client.stopScreenShare()")
    bob.until_event("trackRemoved")
    assert bob.page.evaluate(streams) == [1]
    assert ann.page.evaluate("shared.getTracks().every((one) => one.readyState === 'live')")
    ann.page.evaluate("client.shareScreen(shared).then(() => true)")
    bob.until("events.filter((one) => one.type === 'trackAdded').length >= 4")
    ann.talk_to(bob)
    for page in (ann, bob, cid):
        page.check()


def test_a_tabs_sound_is_asked_for_and_what_was_opened_is_stopped(call):
    ann = call("ann", video=VIDEO)
    ann.until_event("localStream")
    assert ann.page.evaluate("""async () => {
        let wanted;
        const opened = painted('green');
        navigator.mediaDevices.getDisplayMedia = async (one) => { wanted = one; return opened; };
        await client.shareScreen();
        client.stopScreenShare();
        return [wanted, opened.getTracks()[0].readyState];
    }""") == [{"video": True, "audio": True}, "ended"]


# Sound that the browser holds back

SHOW = {
    "autoplay": """window.show = (stream) => {
        if (!window.played) document.body.append(window.played = document.createElement('video'));
        played.autoplay = true;
        played.srcObject = stream;
    };""",
    "attach": """window.show = (stream) => {
        window.played ??= new Audio();
        client.attach(played, stream);
    };""",
}
BUTTON = """addEventListener('load', () => {
    const button = document.createElement('button');
    button.id = 'start';
    button.textContent = 'Hear the others';
    button.onclick = async () => { window.isStarted = await client.startAudio(); };
    document.body.prepend(button);
});"""


@pytest.mark.parametrize("way", SHOW)
def test_sound_that_the_browser_blocks_is_told_and_begun(call, browser, way):
    ann = call("ann", video=VIDEO)
    ann.until("client.state === 'open'")
    strict = [*FLAGS, "--autoplay-policy=document-user-activation-required"]
    with another(browser, strict) as careful:
        bob = call("bob", inside=careful, script=SHOW[way] + BUTTON)
        devtools = bob.context.new_cdp_session(bob.page)

        def value(expression):
            # Playwright's own way counts as a click of the user.
            return devtools.send("Runtime.evaluate", {
                "expression": expression, "awaitPromise": True, "returnByValue": True,
            })["result"].get("value")

        deadline = time.monotonic() + 30
        while not value("count('audioPlaybackBlocked') > 0 && isConnected('id-ann')"):
            assert time.monotonic() < deadline, value("JSON.stringify(events.map((e) => e.type))")
            bob.page.wait_for_timeout(100)
        bob.page.wait_for_timeout(500)
        assert value("played.paused")
        assert value("count('audioPlaybackBlocked')") == 1
        assert value("client.startAudio()") is False
        bob.page.click("#start")
        deadline = time.monotonic() + 20
        while not value("window.isStarted === true && !played.paused"):
            assert time.monotonic() < deadline
            bob.page.wait_for_timeout(100)
        assert ann.events("audioPlaybackBlocked") == []
        bob.close()
