"""The built client in real Chromium: calls, and what may happen to them."""

import time

import pytest

from support import calls
from support.browser import FLAGS, another

VIDEO = {"audio": True, "video": True}


def test_four_pages_see_and_hear_each_other(call, backend):
    names = ["ann", "bob", "cid", "dan"]
    pages = []
    for number, name in enumerate(names):
        # Both builds meet, as pages of different age may.
        backend.is_minified = number % 2 == 1
        pages.append(call(name, video=VIDEO))
    for page in pages:
        page.until_connected(*[name for name in names if name != page.name])
    for page in pages:
        page.until("(async () => { const f = await framesDecoded();"
                   " return Object.values(f).filter((n) => n > 5).length === 3; })()", 40)
        assert len(page.events("trackAdded")) == 6
    assert sum(len(page.events("first_to_join")) for page in pages) == 1
    for one in pages:
        for other in pages:
            if one is not other:
                one.talk_to(other)
    for page in pages:
        page.check()


def test_who_leaves_is_gone_at_once(call):
    ann, bob = call("ann"), call("bob")
    ann.until_connected("bob")
    bob.page.evaluate("client.close()")
    left = ann.until_event("someone_left", within=5)
    assert left[0]["detail"]["reason"] == "closed"
    assert ann.page.evaluate("Object.keys(client.peerConnections).length") == 0
    assert bob.page.evaluate("client.state") == "closed"
    before = bob.page.evaluate("events.length")
    bob.page.wait_for_timeout(300)
    assert bob.page.evaluate("events.length") == before
    ann.check()
    bob.check()


def test_binary_data_and_whom_a_broadcast_reaches(call):
    ann, bob = call("ann"), call("bob")
    ann.until_connected("bob")
    assert ann.page.evaluate("client.send('id-bob', new Uint8Array([1, 2, 255]))") is True
    bob.until("events.some((e) => e.type === 'message' && e.detail.data[2] === 255)")
    assert ann.page.evaluate("client.broadcast('hello')") == 1
    bob.until_heard("ann", "hello")
    ann.check()


@pytest.mark.parametrize("build", ["readable", "minified"])
def test_a_page_that_reloads_in_a_call_resumes(call, backend, build):
    backend.is_minified = build == "minified"
    ann = call("ann", video=VIDEO)
    bob = call("bob", video=VIDEO, keepSession=True)
    ann.until_connected("bob")
    connection = bob.page.evaluate("client.connectionId")
    bob.page.reload()
    bob.until("window.client && client.state === 'open'")
    assert bob.until_event("resumed")[0]["detail"]["connectionId"] == connection
    bob.until_connected("ann")
    ann.until_connected("bob")
    ann.talk_to(bob)
    assert ann.events("someone_left") == []
    bob.until("(async () => (await framesDecoded())['id-ann'] > 5)()")
    ann.until("(async () => (await framesDecoded())['id-bob'] > 5)()")
    ann.check()
    bob.check()


def test_a_socket_cut_for_ten_seconds_changes_nothing_between_pages(call, server):
    with calls.Wire(server.url) as wire:
        ann = call("ann")
        bob = call("bob", at=wire.url)
        ann.until_connected("bob")
        bob.until_connected("ann")
        wire.cut()
        bob.until("client.state === 'reconnecting'")
        end = time.monotonic() + 10
        while time.monotonic() < end:
            ann.talk_to(bob)
            bob.page.wait_for_timeout(500)
        assert bob.page.evaluate("client.state") == "reconnecting"
        wire.mend()
        bob.until_event("resumed", within=20)
        bob.until("client.state === 'open'")
        ann.talk_to(bob)
        cid = call("cid")
        cid.until_connected("ann", "bob")
        assert ann.events("someone_left") == []
        ann.check()
        bob.check(ignoring_network=True)


def test_offers_of_both_at_once_are_settled(call):
    ann, bob = call("ann"), call("bob")
    ann.until_connected("bob")
    bob.until_connected("ann")
    for round_ in range(6):
        for page in (ann, bob):
            page.page.evaluate(
                "setTimeout(() => { const [c] = Object.values(client.peerConnections);"
                " c.addTransceiver('audio'); c.restartIce(); }, 30)")
        for page in (ann, bob):
            page.until("Object.values(client.peerConnections)[0].signalingState === 'stable'"
                       " && Object.values(client.peerConnections)[0].getTransceivers()"
                       f".filter((t) => t.mid !== null).length >= {round_ + 1}")
        ann.talk_to(bob)
    ann.until_connected("bob")
    assert ann.events("negotiationFailed") == bob.events("negotiationFailed") == []
    ann.check()
    bob.check()


def test_no_camera_is_told_and_the_call_goes_on(browser, backend, server):
    flags = [flag for flag in FLAGS if "fake-device" not in flag]
    with another(browser, flags) as bare:
        ann = calls.Caller(bare, backend, server.websocket_url, "ann", video=VIDEO,
                           sessionId="bare")
        bob = calls.Caller(bare, backend, server.websocket_url, "bob", sessionId="bare")
        assert "NotFound" in ann.until_event("noMedia")[0]["detail"]["err"]
        ann.until_connected("bob")
        bob.until_connected("ann")
        ann.talk_to(bob)
        ann.check()
        bob.check()


def test_the_microphone_alone_is_taken_where_there_is_no_camera(call):
    page = call("ann")
    page.page.evaluate("""() => {
        const ask = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
        navigator.mediaDevices.getUserMedia = (wanted) => wanted.video
          ? Promise.reject(new DOMException('no camera', 'NotFoundError')) : ask(wanted);
        client.close();
        make({ id: 'id-ann', video: { audio: true, video: true } });
    }""")
    page.until_event("localStream")
    assert page.page.evaluate("client.localStream.getTracks().map((t) => t.kind).join()") == "audio"
    assert page.events("noMedia") == []


def test_a_token_is_renewed_before_it_ends(call, backend):
    backend.lifetime = 6
    ann, bob = call("ann"), call("bob")
    ann.until_connected("bob")
    connection = ann.page.evaluate("client.connectionId")
    ann.page.wait_for_timeout(9000)
    assert ann.page.evaluate("tokensAsked") >= 3
    assert ann.page.evaluate("client.connectionId") == connection
    assert ann.events("socketClosed") == []
    ann.talk_to(bob)
    ann.check()


def test_a_token_that_ends_costs_the_socket_and_not_the_call(call, backend):
    backend.lifetime = 4
    ann, bob = call("ann"), call("bob")
    ann.until_connected("bob")
    backend.fails = True
    closed = ann.until_event("socketClosed", within=40)
    assert closed[0]["detail"]["code"] == 4401
    assert closed[0]["detail"]["willReconnect"]
    assert not any(event["detail"]["final"] for event in ann.events("socketError"))
    ann.talk_to(bob)
    backend.fails = False
    ann.until("client.state === 'open'", 40)
    ann.talk_to(bob)
    ann.check()


def test_a_kicked_peer_is_told_and_stays_away(call, server):
    ann, bob = call("ann"), call("bob")
    ann.until_connected("bob")
    server.usher.succeed("peer", "kick", bob.page.evaluate("client.connectionId"))
    problem = bob.until_event("socketError")[0]["detail"]
    assert (problem["code"], problem["closeCode"], problem["final"]) == ("kicked", 4501, True)
    assert "operator" in problem["message"]
    assert bob.events("socketClosed")[0]["detail"]["willReconnect"] is False
    bob.until("client.state === 'closed'")
    assert ann.until_event("someone_left")[0]["detail"]["reason"] == "kicked"
    bob.page.wait_for_timeout(1500)
    assert bob.events("reconnecting") == []
    ann.check()
    bob.check()


def test_a_crash_of_the_server_leaves_the_call_alone(browser, start):
    server = start()
    port = server.url.rsplit(":", 1)[1]
    with calls.backend(server.application()) as backend:
        pages = [calls.Caller(browser, backend, server.websocket_url, name, sessionId="crash",
                              video=VIDEO) for name in ("ann", "bob", "cid")]
        for page in pages:
            page.until_connected(*({"ann", "bob", "cid"} - {page.name}))
            page.page.evaluate("window.before = Object.values(client.peerConnections)")
        server.kill()
        for page in pages:
            page.until("client.state === 'reconnecting'")
        pages[0].talk_to(pages[1])
        start(data=server.data, listen=f"127.0.0.1:{port}")
        for page in pages:
            page.until("client.state === 'open'", 60)
            assert page.events("resumed") == []
        for page in pages:
            page.until("Object.keys(client.peerConnections).length === 2", 60)
            page.until_connected(*({"ann", "bob", "cid"} - {page.name}))
            assert page.page.evaluate(
                "before.every((c) => Object.values(client.peerConnections).includes(c))")
            # Whoever knows pictures by connection id is told of the new one.
            page.until(
                "Object.keys(client.peerInfo).every((id) => events.filter((one) =>"
                " one.type === 'trackAdded' && one.detail.connectionId === id).length === 2)")
        pages[0].talk_to(pages[2])
        pages[1].talk_to(pages[2])
        for page in pages:
            page.close_page(ignoring_network=True)


def test_a_page_loaded_anew_without_its_session_is_connected_anew(call):
    ann, bob = call("ann"), call("bob")
    ann.until_connected("bob")
    bob.page.reload()
    bob.until("window.client && client.state === 'open'", 60)
    bob.until_connected("ann", within=60)
    ann.until_connected("bob", within=60)
    ann.talk_to(bob)
    ann.check()


def test_tracks_are_toggled_and_the_screen_is_shared(call):
    ann, bob = call("ann", video=VIDEO), call("bob", video=VIDEO)
    bob.until("(async () => (await framesDecoded())['id-ann'] > 3)()")
    assert ann.page.evaluate("client.toggleTracks('audio')") is False
    assert ann.page.evaluate("client.localStream.getAudioTracks()[0].enabled") is False
    assert ann.page.evaluate("client.toggleTracks('audio', true)") is True
    ann.page.evaluate("""() => {
        const canvas = document.createElement('canvas');
        canvas.width = 321; canvas.height = 123;
        const paint = canvas.getContext('2d');
        window.painter = setInterval(() => {
          paint.fillStyle = `hsl(${Date.now() / 10 % 360} 50% 50%)`;
          paint.fillRect(0, 0, 321, 123);
        }, 50);
        return client.shareScreen(canvas.captureStream(20)).then(() => true);
    }""")
    bob.until("Math.abs([...document.querySelectorAll('#others video')]"
              ".map((v) => v.videoWidth / v.videoHeight).find((r) => r > 2) - 321 / 123) < 0.1", 30)
    ann.page.evaluate("client.stopScreenShare()")
    bob.until("[...document.querySelectorAll('#others video')]"
              ".every((v) => v.videoWidth / v.videoHeight < 2)", 30)
    assert ann.page.evaluate("client.isSharing") is False
    ann.check()
    bob.check()


def test_statistics_tell_how_the_connection_is(call):
    ann, bob = call("ann", video=VIDEO), call("bob", video=VIDEO)
    ann.until_connected("bob")
    bob.until("(async () => (await framesDecoded())['id-ann'] > 3)()")
    ann.until("(async () => (await client.stats('id-bob'))?.rttMs !== undefined)()")
    ann.page.wait_for_timeout(1000)
    stats = ann.page.evaluate("client.stats('id-bob')")
    assert stats["relayed"] is False
    assert stats["quality"] == "good"
    assert stats["bitrateOutKbps"] > 0
    assert ann.page.evaluate("client.stats('nobody')") is None


def test_a_wrong_token_is_told_and_tried_again(call, backend):
    backend.application, good = Refused(backend.application), backend.application
    ann = call("ann")
    problem = ann.until_event("socketError")[0]["detail"]
    assert problem["final"] is False
    assert "token" in problem["message"]
    backend.application = good
    ann.until("client.state === 'open'", 30)
    ann.check(ignoring_network=True)


class Refused:
    """A backend that gives tokens which the relay does not take."""

    def __init__(self, application):
        self.id = application.id

    def token(self, **_):
        return "no.good.token"


def test_a_device_that_is_pulled_out_is_replaced(call):
    ann, bob = call("ann", video=VIDEO), call("bob", video=VIDEO)
    bob.until("(async () => (await framesDecoded())['id-ann'] > 3)()")
    changed = ann.page.evaluate("""async () => {
        const [old] = client.localStream.getVideoTracks();
        const told = new Promise((resolve) => client.addEventListener('localStream', resolve));
        old.stop();  // As when the camera is gone: its track has ended.
        navigator.mediaDevices.dispatchEvent(new Event('devicechange'));
        await told;
        const [now] = client.localStream.getVideoTracks();
        return now !== old && now.readyState === 'live';
    }""")
    assert changed
    before = bob.page.evaluate("framesDecoded()")["id-ann"]
    bob.until(f"(async () => (await framesDecoded())['id-ann'] > {before + 5})()")
    ann.check()
    bob.check()


def test_another_device_is_chosen_or_given_up_in_a_call(call):
    ann, bob = call("ann", video=VIDEO), call("bob", video=VIDEO)
    ann.until_connected("bob")
    assert ann.page.evaluate("""async () => {
        const devices = await navigator.mediaDevices.enumerateDevices();
        const [camera] = devices.filter((one) => one.kind === 'videoinput');
        await client.setDevices({ videoDeviceId: camera.deviceId });
        const [track] = client.localStream.getVideoTracks();
        return track.getSettings().deviceId === camera.deviceId;
    }""")
    ann.page.evaluate("client.setDevices({ audioDeviceId: null })")
    assert ann.page.evaluate("client.localStream.getAudioTracks().length") == 0
    ann.talk_to(bob)
    ann.check()
    bob.check()


def test_wrong_options_are_named(call):
    ann = call("ann")
    for options, name in [("{ sessionId: '' }", "sessionId"), ("{ getToken: 'x' }", "getToken"),
                          ("{ id: '' }", "id"), ("{ signallingServer: 'ftp://x' }",
                                                 "signallingServer")]:
        message = ann.page.evaluate(
            f"(() => {{ try {{ make({options}); }} catch (error) {{"
            " return `${error.name}: ${error.message}`; } })()")
        assert message.startswith("TypeError: ") and name in message
