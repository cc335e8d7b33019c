"""`/demo/` tells people what is so: who is gone, what does not work, and what they can do."""

import urllib.parse

from support.browser import Visit
from support.demo import Guest

AWAY = "document.querySelectorAll('.tile.away').length === 1"
TILES = "document.querySelectorAll('.tile').length"


def meet(*people):
    for one in people:
        one.sees(*(other.name for other in people if other is not one))


def test_a_closed_tab_is_greyed_at_once_and_soon_gone(guests):
    ada, grace = guests("Ada"), guests("Grace")
    meet(ada, grace)
    grace.page.close()
    ada.until(AWAY, 2)
    assert "left" in ada.tile("Grace").locator(".waiting").inner_text()
    ada.until(f"{TILES} === 1", 6)
    ada.page.locator("#messages .note", has_text="Grace left").wait_for()
    assert ada.page.is_visible("#alone")
    ada.say("are you there?")
    ada.page.locator("#messages .note", has_text="nobody has read this").wait_for()


def test_a_closed_tab_is_noticed_without_the_server(browser, start):
    server = start("--demo")
    ada, grace = Guest(browser, server, "Ada"), Guest(browser, server, "Grace")
    meet(ada, grace)
    assert server.stop() == 0
    ada.page.locator("#reconnecting").wait_for()
    grace.page.close()
    ada.until(AWAY, 2)
    ada.until(f"{TILES} === 1", 6)
    for one in (ada, grace):
        one.close()


def test_whoever_comes_back_later_is_shown_again(guests):
    ada, grace = guests("Ada"), guests("Grace")
    meet(ada, grace)
    address = grace.page.url
    grace.page.goto("about:blank")
    ada.until(f"{TILES} === 1", 8)
    grace.page.goto(address)
    grace.page.click("#join")
    meet(ada, grace)
    assert ada.page.locator(".tile.away").count() == 0
    ada.page.locator("#messages .note", has_text="Grace is here").nth(1).wait_for()


def test_without_a_name_others_see_a_guest(guests):
    ada, nobody = guests("Ada"), guests("")
    ada.sees("Guest")
    assert ada.tile("Guest").locator(".name").inner_text() == "Guest"
    nobody.say("hello")
    ada.hears("Guest", "hello")
    assert nobody.page.inner_text(".tile.own .name") == "You"


def test_without_a_server_people_are_told_what_to_do(browser, start):
    server = start("--demo")
    ada = Guest(browser, server, "Ada")
    early = Guest(browser, server, "Grace", join=False)
    ada.page.wait_for_selector("#status[data-state=open]")
    assert ada.page.inner_text("#status") == "connected"
    assert server.stop() == 0
    early.page.click("#join")
    told = early.page.locator("#error")
    told.wait_for()
    assert "does not answer" in told.inner_text() and "press Join again" in told.inner_text()
    ada.page.locator("#reconnecting").wait_for()
    assert ada.page.inner_text("#status") == "reconnecting"
    ada.page.locator("#reconnecting", has_text="usher serve --demo").wait_for()
    assert "do not close or reload it" in ada.page.inner_text("#reconnecting")
    start("--demo", data=server.data, listen=urllib.parse.urlsplit(server.url).netloc)
    early.page.click("#join")
    early.page.wait_for_selector("#status[data-state=open]")
    assert not told.is_visible()
    for one in (ada, early):
        one.close()


def test_keys_of_a_single_letter_can_be_switched_off(guests):
    ada = guests("Ada")
    ada.page.wait_for_selector("#status[data-state=open]")
    # The buttons are pressed in the page's source too, before anything is on.
    are_on = """document.querySelector('.tile.own:not(.dark) video')?.videoWidth > 0
      && ['mic', 'camera'].every((id) => document.getElementById(id).ariaPressed === 'true')"""
    ada.until(are_on)
    ada.page.keyboard.press("?")
    ada.page.uncheck("#shortcuts")
    assert not ada.page.is_visible("#keys")
    ada.page.keyboard.press("Escape")

    def have_no_effect():
        assert ada.page.locator("[aria-keyshortcuts]").count() == 0
        shown = ada.page.get_attribute("#chat", "aria-pressed")
        for key in ("m", "v", "c", "?"):
            ada.page.keyboard.press(key)
        assert ada.page.get_attribute("#mic", "aria-pressed") == "true"
        assert ada.page.get_attribute("#camera", "aria-pressed") == "true"
        assert ada.page.get_attribute("#chat", "aria-pressed") == shown
        assert not ada.page.is_visible("#dialog")

    have_no_effect()
    ada.page.reload()
    ada.until(are_on)
    have_no_effect()
    ada.page.click("#settings")
    ada.page.check("#shortcuts")
    ada.page.keyboard.press("Escape")
    ada.page.keyboard.press("m")
    ada.until("document.getElementById('mic').ariaPressed === 'false'", 2)


def test_what_scripts_hold_on_to_is_there(browser, demo):
    """Ids and classes that tests of others use, in a call of two of whom one shares a screen."""
    people = [Visit(browser, f"{demo.url}/demo/#demo-lobby") for _ in range(2)]
    for one, name in zip(people, ("Ada", "Grace"), strict=True):
        one.page.fill("#name", name)
        assert one.page.input_value("#room") == "demo-lobby"
        one.page.click("#join")
    for one in people:
        one.until("document.getElementById('status').textContent === 'connected'")
        one.until("document.querySelectorAll('.tile:not(.own) .waiting[hidden]').length === 1")
        assert one.page.locator(".tile").count() == 2
        for part in (".name", ".waiting", ".muted", ".quality-text"):
            assert one.page.locator(f".tile {part}").count() == 2, part
        assert sorted(one.page.locator(".tile .name").all_inner_texts()) != ["", ""]
    ada, grace = (one.page for one in people)
    ada.fill("#message", "hello")
    ada.click("#send")
    grace.locator("#messages li", has_text="hello").wait_for()
    people[0].until("!document.getElementById('file').disabled")
    ada.set_input_files("#file-input", {
        "name": "a.txt", "mimeType": "text/plain", "buffer": b"text"})
    grace.get_by_role("button", name="Accept", exact=True).click()
    grace.get_by_role("link", name="a.txt").wait_for()
    ada.click("#mic")
    grace.locator(".tile:not(.own) .muted").wait_for(state="visible")
    ada.click("#camera")
    people[1].until("document.querySelectorAll('.tile:not(.own).dark').length === 1")
    ada.evaluate("""() => {
      const canvas = document.createElement('canvas');
      canvas.getContext('2d');
      navigator.mediaDevices.getDisplayMedia = async () => canvas.captureStream(5);
    }""")
    ada.click("#share")
    grace.locator(".tile.sharing").wait_for()
    ada.click("#leave")
    people[1].until("document.querySelectorAll('.tile').length === 1")
    for one in people:
        assert one.complaints == []
        one.close()
