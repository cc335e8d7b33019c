"""Camera, microphone and sound of `/demo/`: put on, off and on again, and held back."""

import json
import time

from support.browser import FLAGS, Visit, another
from support.demo import Guest

REFUSE = """() => {
  navigator.mediaDevices.getUserMedia = async () => {
    throw new DOMException('Permission denied', 'NotAllowedError');
  };
}"""
# As a page whose call a reload has interrupted: nobody has clicked in it.
INTERRUPTED = "sessionStorage.setItem('usher-demo-call', {});"


def without(guests, *kinds):
    """Somebody who joins without these."""
    one = guests("Ada", join=False)
    for kind in kinds:
        one.page.uncheck(f"#with-{kind}")
    one.page.click("#join")
    return one


def test_what_was_never_asked_for_can_be_put_on(guests):
    grace = guests("Grace")
    ada = without(guests, "audio", "video")
    grace.sees("Ada")
    ada.sees_pictures(1)
    assert ada.page.get_attribute("#camera", "aria-pressed") == "false"
    grace.tile("Ada").locator(".muted").wait_for(state="visible")
    ada.page.click("#camera")
    grace.sees_pictures(1)
    assert ada.page.get_attribute("#camera", "aria-pressed") == "true"
    assert ada.page.get_attribute("#mic", "aria-pressed") == "false"
    ada.page.click("#mic")
    grace.tile("Ada").locator(".muted").wait_for(state="hidden")
    grace.until("document.querySelector('.tile:not(.own) video')"
                ".srcObject.getTracks().length === 2")
    ada.page.click("#camera")
    grace.until("document.querySelectorAll('.tile:not(.own).dark').length === 1")
    ada.page.click("#camera")
    grace.sees_pictures(1)


def test_a_camera_that_is_chosen_stays_off_until_it_is_put_on(guests):
    ada = without(guests, "video")
    ada.until("!document.getElementById('mic').disabled")
    ada.page.click("#settings")
    ada.page.locator("#dialog").wait_for()
    assert ada.page.locator("#cameras option").count() >= 1
    ada.page.dispatch_event("#cameras", "change")
    ada.page.keyboard.press("Escape")
    ada.page.wait_for_timeout(500)
    assert ada.page.get_attribute("#camera", "aria-pressed") == "false"
    assert ada.page.locator(".tile.own.dark").count() == 1
    ada.page.click("#camera")
    ada.until("document.querySelector('.tile.own:not(.dark) video')?.videoWidth > 0")


def test_what_is_off_is_off_after_a_reload(guests):
    ada, grace = guests("Ada"), guests("Grace")
    grace.sees("Ada")
    grace.sees_pictures(1)
    ada.page.click("#camera")
    grace.until("document.querySelectorAll('.tile:not(.own).dark').length === 1")
    ada.page.reload()
    ada.sees("Grace")
    ada.until("document.getElementById('mic').ariaPressed === 'true'")
    assert ada.page.get_attribute("#camera", "aria-pressed") == "false"
    grace.sees("Ada")
    assert grace.tile("Ada").locator("video").evaluate(
        "(one) => one.closest('.tile').classList.contains('dark')")
    ada.page.click("#camera")
    grace.sees_pictures(1)


def test_whoever_refuses_is_told_how_to_go_on(browser, demo):
    ada = Guest(browser, demo, "Ada", join=False)
    ada.page.evaluate(REFUSE)
    ada.page.click("#join")
    told = ada.page.locator("#call-notice", has_text="told not to give camera and microphone")
    told.wait_for()
    assert "press their buttons" in told.inner_text()
    ada.page.click("#close-notice")
    ada.page.click("#camera")
    ada.page.locator("#call-notice", has_text="told not to give the camera").wait_for()
    assert ada.page.get_attribute("#camera", "aria-pressed") == "false"
    ada.page.evaluate("delete navigator.mediaDevices.getUserMedia")
    ada.page.click("#camera")
    ada.until("document.querySelector('.tile.own:not(.dark) video')?.videoWidth > 0")
    ada.healthy()
    ada.close()


def test_sound_that_the_browser_holds_back_is_begun_with_a_button(guests, demo):
    ada = guests("Ada")
    ada.page.wait_for_selector("#status[data-state=open]")
    call = {"room": "demo-lobby", "name": "Grace", "audio": False, "video": False}
    strict = [*FLAGS, "--autoplay-policy=document-user-activation-required"]
    with another(ada.context.browser, strict) as careful:
        grace = Visit(careful, f"{demo.url}/demo/#demo-lobby",
                      script=INTERRUPTED.format(json.dumps(json.dumps(call))))
        devtools = grace.context.new_cdp_session(grace.page)

        def until(expression):
            # Playwright's own way counts as a click of the user.
            deadline = time.monotonic() + 30
            while not devtools.send("Runtime.evaluate", {
                    "expression": expression, "returnByValue": True})["result"].get("value"):
                assert time.monotonic() < deadline, expression
                time.sleep(0.1)

        grace.page.reload()
        until("document.querySelector('.tile:not(.own) video')?.srcObject"
              " && !document.getElementById('blocked').hidden")
        until("document.querySelector('.tile:not(.own) video').paused")
        grace.page.click("#play")
        until("document.getElementById('blocked').hidden")
        until("!document.querySelector('.tile:not(.own) video').paused")
        assert grace.complaints == []
        grace.close()
