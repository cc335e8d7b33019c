"""Camera and microphone of the built client, in real Chromium."""

# One of them is a fixture.
from support.media import call, kinds, problems, sees, states, VIDEO


def test_one_device_that_fails_is_told_while_the_other_works(call):
    ann = call("ann", "(k) => k.video ? no('NotReadableError') : undefined", video=VIDEO)
    ann.until_event("localStream")
    assert kinds(ann) == "audio"
    assert problems(ann) == [("video", "NotReadableError", False)]
    assert ann.events("noMedia") == []
    ann.check()


def test_whoever_refuses_is_asked_once(call):
    ann = call("ann", "() => no('NotAllowedError')", video=VIDEO)
    ann.until("client.state === 'open'")
    assert ann.page.evaluate("asked.length") == 1
    assert len(ann.events("noMedia")) == 1
    assert problems(ann) == [(kind, "NotAllowedError", False) for kind in ("audio", "video")]
    ann.check()


def test_a_device_that_is_gone_gives_way_to_the_default_one(call):
    gone = {"audio": True, "video": {"deviceId": {"exact": "gone"}}}
    ann = call("ann", video=gone)
    ann.until_event("localStream")
    assert kinds(ann) == "audio,video"
    assert problems(ann) == [("video", "OverconstrainedError", True)]
    ann.check()


def test_the_room_is_joined_while_the_prompt_is_open(call):
    bob = call("bob", video=VIDEO)
    ann = call("ann", "() => new Promise((resolve) => { window.allow = resolve; })",
               video=VIDEO, joinWithoutMediaAfterMs=300)
    ann.until_connected("bob", within=20)
    sees(ann, "bob")
    assert ann.page.evaluate("client.localStream === undefined")
    ann.page.evaluate("async () => allow(await ask({ audio: true, video: true }))")
    sees(bob, "ann")
    assert kinds(ann) == "audio,video"
    ann.talk_to(bob)
    ann.check()
    bob.check()


def test_media_that_comes_late_reaches_who_came_first_and_who_came_later(call):
    slow = "() => new Promise((resolve) => { window.allow = resolve; })"
    ann = call("ann", slow, video=VIDEO, joinWithoutMediaAfterMs=0)
    ann.until("client.state === 'open'")
    bob = call("bob", slow, video=VIDEO, joinWithoutMediaAfterMs=0)
    ann.until_connected("bob")
    for page in (ann, bob):  # Both at once: their offers cross.
        page.page.evaluate(
            "ask({ audio: true, video: true }).then((one) => setTimeout(() => allow(one), 50))")
    sees(ann, "bob")
    sees(bob, "ann")
    ann.check()
    bob.check()


def test_who_wants_to_waits_for_the_answer_without_end(call):
    ann = call("ann", "() => new Promise((resolve) => { window.allow = resolve; })", video=VIDEO)
    ann.page.evaluate("""() => {
        client.close();
        events.length = 0;
        make({ joinWithoutMediaAfterMs: Infinity });
    }""")
    ann.page.wait_for_timeout(1000)
    assert ann.page.evaluate("client.state") == "idle"
    ann.page.evaluate("async () => allow(await ask({ audio: true, video: true }))")
    ann.until("client.state === 'open'")


def test_whoever_closes_at_once_is_asked_for_nothing(call):
    ann = call("ann")
    assert ann.page.evaluate("""async () => {
        await client.ready;
        client.close();
        make({ video: { audio: true, video: true } }).close();
        await new Promise((resolve) => setTimeout(resolve, 300));
        return asked.length;
    }""") == 0
    ann.check()


def test_an_answer_after_the_end_lights_no_camera(call):
    ann = call("ann", "() => new Promise((resolve) => { window.allow = resolve; })", video=VIDEO)
    ann.until("asked.length === 1")
    ann.page.evaluate("""async () => {
        client.close();
        allow(await ask({ audio: true, video: true }));
    }""")
    ann.until("opened.length === 2 && opened.every((one) => one.readyState === 'ended')")


# Whose tracks

def test_only_what_the_client_opened_is_stopped(call):
    ann = call("ann", video=VIDEO)
    ann.until_event("localStream")
    given = ann.page.evaluate("""async () => {
        const first = painted('red'), second = painted('blue');
        client.setStream(first);
        const own = opened.map((one) => one.readyState);
        client.setStream(second);
        const screen = await client.shareScreen(painted('green'));
        client.stopScreenShare();
        client.close();
        return [own, [first, second, screen].map((one) => one.getTracks()[0].readyState)];
    }""")
    assert given == [["ended", "ended"], ["live", "live", "live"]]


def test_a_given_stream_keeps_its_tracks_and_is_only_disabled(call):
    bob = call("bob", video=VIDEO)
    ann = call("ann")
    assert ann.page.evaluate("""async () => {
        client.close();
        const given = window.given = await ask({ audio: true, video: true });
        make({ stream: given });
        const turn = async (on) =>
          [await client.setCameraEnabled(on), await client.setMicrophoneEnabled(on)];
        const off = await turn(false);
        const tracks = given.getTracks();
        const seen = tracks.map((one) => [one.enabled, one.readyState]);
        const on = await turn(true);
        return [off, seen, on, tracks.every((one) => one.enabled), asked.length];
    }""") == [[False, False], [[False, "live"], [False, "live"]], [True, True], True, 0]
    sees(bob, "ann")
    ann.page.evaluate("client.shareScreen(painted('green'))")
    assert ann.page.evaluate("given.getTracks().length") == 2
    ann.page.evaluate("client.close()")
    assert ann.page.evaluate("given.getTracks().every((one) => one.readyState === 'live')")


# Off and on

BRIGHTNESS = """(() => {
  const video = document.querySelector('#others video');
  const canvas = document.createElement('canvas');
  canvas.width = canvas.height = 20;
  const paint = canvas.getContext('2d');
  paint.drawImage(video, 0, 0, 20, 20);
  return Math.max(...paint.getImageData(0, 0, 20, 20).data.filter((_, i) => i % 4 < 3));
})()"""


def test_a_camera_that_is_off_is_let_go_of_and_opened_again(call):
    ann, bob = call("ann", video=VIDEO), call("bob", video=VIDEO)
    sees(bob, "ann")
    bob.until(f"{BRIGHTNESS} > 100")
    assert ann.page.evaluate("client.setCameraEnabled(false)") is False
    assert states(ann) == ["audio live", "video ended"]
    assert kinds(ann) == "audio"
    assert ann.page.evaluate("document.getElementById('own').srcObject") is None
    sender = "Object.values(client.peerConnections)[0].getTransceivers()[1].sender"
    ann.until(f"{sender}.track === null")
    bob.until(f"{BRIGHTNESS} < 40")  # Not the last picture, for as long as it is off.
    before = bob.page.evaluate("framesDecoded()")["id-ann"]
    assert ann.page.evaluate("client.setCameraEnabled(true)") is True
    assert kinds(ann) == "audio,video"
    sees(bob, "ann", before + 5)
    bob.until(f"{BRIGHTNESS} > 100")
    ann.talk_to(bob)
    ann.check()
    bob.check()


def test_a_microphone_that_is_off_is_muted(call):
    ann = call("ann", video=VIDEO)
    ann.until_event("localStream")
    track = "client.localStream.getAudioTracks()[0]"
    assert ann.page.evaluate("client.setMicrophoneEnabled(false)") is False
    assert ann.page.evaluate(f"[{track}.enabled, {track}.readyState]") == [False, "live"]
    assert ann.page.evaluate("client.setMicrophoneEnabled(true)") is True
    assert ann.page.evaluate(f"{track}.enabled") is True
    assert ann.page.evaluate("asked.length") == 1


def test_off_counts_while_the_prompt_is_open(call):
    ann = call("ann", "() => new Promise((resolve) => { window.allow = resolve; })", video=VIDEO)
    ann.until("asked.length === 1")
    ann.page.evaluate("""async () => {
        await client.setCameraEnabled(false);
        await client.setMicrophoneEnabled(false);
        allow(await ask({ audio: true, video: true }));
    }""")
    ann.until_event("localStream")
    assert states(ann) == ["audio live", "video ended"]
    assert ann.page.evaluate("client.localStream.getTracks().map((one) => one.enabled)") == [False]


def test_a_camera_that_cannot_be_turned_on_is_told(call):
    ann = call("ann", video=VIDEO)
    ann.until_event("localStream")
    assert ann.page.evaluate("""async () => {
        await client.setCameraEnabled(false);
        window.answer = () => no('NotReadableError');
        return client.setCameraEnabled(true);
    }""") is False
    assert problems(ann) == [("video", "NotReadableError", False)]


# Tracks that end by themselves, and other devices

def test_a_track_that_ends_is_told_and_replaced(call):
    ann, bob = call("ann", video=VIDEO), call("bob", video=VIDEO)
    sees(bob, "ann")
    ann.page.evaluate("client.toggleTracks('audio', false)")
    for kind in ("audio", "video"):
        ann.page.evaluate("""kind => {
            const track = client.localStream.getTracks().find((one) => one.kind === kind);
            track.stop();  // It fires no event itself.
            track.dispatchEvent(new Event('ended'));
        }""", kind)
        ann.until(f"client.localStream.getTracks().some((one) => one.kind === '{kind}'"
                  " && one.readyState === 'live')")
    assert problems(ann) == [("audio", "Error", True), ("video", "Error", True)]
    assert ann.page.evaluate("client.localStream.getAudioTracks()[0].enabled") is False
    before = bob.page.evaluate("framesDecoded()")["id-ann"]
    sees(bob, "ann", before + 5)
    ann.check()
    bob.check()


def test_permission_that_is_withdrawn_in_a_call_is_told(call, backend):
    ann = call("ann", video=VIDEO)
    ann.context.grant_permissions(["camera", "microphone"], origin=backend.url)
    ann.until_event("localStream")
    ann.page.evaluate("void (window.answer = () => no('NotAllowedError'))")
    cdp = ann.context.new_cdp_session(ann.page)
    where = cdp.send("Target.getTargetInfo")["targetInfo"]["browserContextId"]
    for name in ("camera", "microphone"):
        cdp.send("Browser.setPermission", {
            "permission": {"name": name}, "setting": "denied", "origin": backend.url,
            "browserContextId": where})
    ann.until_event("mediaProblem", count=4)
    told = problems(ann)
    for kind in ("audio", "video"):
        assert (kind, "Error", True) in told
        assert (kind, "NotAllowedError", False) in told
    assert kinds(ann) == ""


def test_a_device_that_does_not_open_beside_the_old_one_is_switched(call):
    ann, bob = call("ann", video=VIDEO), call("bob", video=VIDEO)
    sees(bob, "ann")
    # One camera at a time, as phones have it; one of the two does not work.
    ann.page.evaluate("""() => {
        window.answer = ({ audio, video }) => {
          const isBusy = opened.some((one) => one.kind === 'video' && one.readyState === 'live');
          const id = video.deviceId.exact ?? video.deviceId;
          return isBusy || id === 'broken' ? no('NotReadableError') : ask({ video: true });
        };
    }""")
    assert ann.page.evaluate("client.setDevices({ videoDeviceId: 'back' }).then(() => 'done')") \
        == "done"
    assert states(ann) == ["audio live", "video ended", "video live"]
    failed = ann.page.evaluate(
        "client.setDevices({ videoDeviceId: 'broken' }).catch((error) => error.name)")
    assert failed == "NotReadableError"
    assert states(ann) == ["audio live", "video ended", "video ended", "video live"]
    before = bob.page.evaluate("framesDecoded()")["id-ann"]
    sees(bob, "ann", before + 5)
    assert problems(ann) == []
    ann.check()


# Screens
