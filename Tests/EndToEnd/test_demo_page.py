"""`/demo/` as people use it, in a real browser."""

import hashlib
import re
import urllib.parse

from support import http
from support.browser import FLAGS, Visit, another
from support.demo import Guest

def test_three_people_see_each_other_and_talk(guests):
    ada = guests("Ada")
    ada.page.wait_for_selector("#status[data-state=open]")
    assert ada.page.is_visible("#alone")
    grace, kim = guests("Grace"), guests("Kim")
    for one, others in ((ada, ["Grace", "Kim"]), (grace, ["Ada", "Kim"]), (kim, ["Ada", "Grace"])):
        one.sees(*others)
        one.sees_pictures(2)
    assert not ada.page.is_visible("#alone")
    ada.say("Good morning")
    grace.hears("Ada", "Good morning")
    grace.say("<b>and</b> to you")
    kim.hears("Grace", "<b>and</b> to you")
    ada.hears("You", "Good morning")
    kim.page.click("#leave")
    ada.until("document.querySelectorAll('.tile').length === 2", 10)
    ada.page.locator("#messages .note", has_text="Kim left").wait_for()
    assert kim.page.is_visible("#lobby")
    kim.page.click("#join")
    ada.sees("Grace", "Kim")


def test_what_is_off_is_seen_by_the_others(guests):
    ada, grace = guests("Ada"), guests("Grace")
    grace.sees("Ada")
    ada.sees("Grace")
    grace.sees_pictures(1)
    ada.page.click("#mic")
    assert ada.page.get_attribute("#mic", "aria-pressed") == "false"
    grace.tile("Ada").locator(".muted").wait_for(state="visible")
    ada.page.click("#camera")
    grace.until("document.querySelectorAll('.tile:not(.own).dark').length === 1")
    assert grace.tile("Ada").locator(".avatar").inner_text() == "A"
    ada.page.click("#mic")
    ada.page.click("#camera")
    grace.sees_pictures(1)
    grace.tile("Ada").locator(".muted").wait_for(state="hidden")


def test_a_shared_screen_takes_the_place_of_the_camera(browser, demo):
    flags = [*FLAGS, "--auto-select-desktop-capture-source=Usher", "--auto-accept-this-tab-capture"]
    with another(browser, flags) as sharing:
        ada, grace = Guest(sharing, demo, "Ada"), Guest(browser, demo, "Grace")
        grace.sees("Ada")
        ada.sees("Grace")
        # What a screen shows is the browser's matter; here it is a picture of our own.
        ada.page.evaluate("""() => {
          const canvas = document.createElement('canvas');
          canvas.width = 640; canvas.height = 200;
          const paint = canvas.getContext('2d');
          setInterval(() => {
            paint.fillStyle = `hsl(${Date.now() / 20 % 360} 60% 50%)`;
            paint.fillRect(0, 0, 640, 200);
          }, 60);
          navigator.mediaDevices.getDisplayMedia = async () => canvas.captureStream(15);
        }""")
        ada.page.click("#share")
        grace.tile("Ada").locator(".shares").wait_for(state="visible")
        grace.until("[...document.querySelectorAll('.tile.sharing video')]"
                    ".some((one) => one.videoWidth / one.videoHeight > 3)", 30)
        assert ada.page.get_attribute("#share", "aria-pressed") == "true"
        ada.page.click("#share")
        grace.tile("Ada").locator(".shares").wait_for(state="hidden")
        grace.sees_pictures(1)
        for one in (ada, grace):
            one.healthy()
            one.close()


def test_a_file_arrives_as_it_was_sent(guests, tmp_path):
    ada, grace = guests("Ada"), guests("Grace")
    ada.sees("Grace")
    grace.sees("Ada")
    ada.until("!document.getElementById('file').disabled")
    content = bytes(range(256)) * 4096 * 3
    ada.page.set_input_files(
        "#file-input", {"name": "table.bin", "mimeType": "text/html", "buffer": content})
    grace.page.get_by_role("button", name="Accept").click()
    link = grace.page.get_by_role("link", name="Save table.bin")
    link.wait_for(timeout=60_000)
    with grace.page.expect_download() as download:
        link.click()
    path = tmp_path / "table.bin"
    download.value.save_as(path)
    assert hashlib.sha256(path.read_bytes()).digest() == hashlib.sha256(content).digest()
    ada.page.locator(".parcel .state", has_text="sent to 1 person").wait_for()
    grace.page.set_input_files(
        "#file-input", {"name": "other.txt", "mimeType": "text/plain", "buffer": b"no"})
    ada.page.get_by_role("button", name="Decline").click()
    grace.page.locator(".parcel .state", has_text="does not want it").wait_for()


def test_the_quality_of_each_connection_is_told(guests):
    ada, grace = guests("Ada"), guests("Grace")
    ada.sees("Grace")
    grace.sees("Ada")
    text = ada.tile("Grace").locator(".quality-text")
    text.wait_for(timeout=15_000)
    assert re.fullmatch(r"good · \d+ ms · direct", text.inner_text())


def test_an_invite_link_leads_into_the_room(browser, demo):
    """That it is copied is said for a moment, and stands in nobody's way after that."""
    context = {"permissions": ["clipboard-read", "clipboard-write"]}
    ada = Guest(browser, demo, "Ada", room="demo-garden", **context)
    ada.page.wait_for_selector("#status[data-state=open]")
    ada.page.click("#invite")
    ada.page.locator("#toast", has_text="copied").wait_for()
    assert not ada.page.is_visible("#call-notice")
    ada.until("document.getElementById('toast').textContent === ''", 8)
    link = ada.page.evaluate("navigator.clipboard.readText()")
    visit = Visit(browser, link)
    assert visit.page.input_value("#room") == "demo-garden"
    visit.page.click("#join")
    ada.until("document.querySelectorAll('.tile').length === 2", 30)
    visit.close()
    ada.healthy()
    ada.close()


def test_two_tabs_of_one_browser_open_the_same_room(browser, demo):
    context = browser.new_context()
    tabs = [context.new_page() for _ in range(2)]
    for tab in tabs:
        tab.goto(f"{demo.url}/demo/")
    for tab in tabs:
        tab.click("#join")
    for tab in tabs:
        tab.locator(".tile:not(.own)").wait_for(timeout=30_000)
    room = tabs[0].inner_text("#room-name")
    context.close()
    other = Visit(browser, f"{demo.url}/demo/")
    assert other.page.input_value("#room") != room
    other.close()


def test_any_address_leads_to_a_room(browser, demo):
    broken = Visit(browser, f"{demo.url}/demo/#%")
    assert broken.page.input_value("#room").startswith("demo-")
    broken.page.fill("#room", "demo-100%-ä")
    broken.page.click("#join")
    broken.page.wait_for_selector("#status[data-state=open]")
    broken.page.reload()
    broken.page.wait_for_selector("#status[data-state=open]")
    assert broken.page.inner_text("#room-name") == "demo-100%-ä"
    assert broken.complaints == []
    broken.close()


def test_a_reload_goes_on_with_the_call(guests):
    ada, grace = guests("Ada"), guests("Grace")
    ada.sees("Grace")
    grace.sees("Ada")
    ada.page.evaluate("document.querySelector('.tile:not(.own)').dataset.mark = 'the same'")
    grace.page.reload()
    grace.sees("Ada")
    ada.sees("Grace")
    assert ada.page.locator(".tile:not(.own):not(.away)").get_attribute("data-mark") == "the same"
    grace.say("back again")
    ada.hears("Grace", "back again")
    assert ada.page.locator("#messages .note", has_text="left").count() == 0


def test_calls_outlive_the_server(browser, start):
    server = start("--demo")
    ada, grace = Guest(browser, server, "Ada"), Guest(browser, server, "Grace")
    ada.sees("Grace")
    grace.sees("Ada")
    assert server.stop() == 0
    for one in (ada, grace):
        one.page.locator("#reconnecting").wait_for()
        assert "The call goes on" in one.page.inner_text("#reconnecting")
    ada.say("still here")
    grace.hears("Ada", "still here")
    again = start("--demo", data=server.data, listen=urllib.parse.urlsplit(server.url).netloc)
    assert again.url == server.url
    for one in (ada, grace):
        one.page.locator("#reconnecting").wait_for(state="hidden", timeout=60_000)
    ada.sees("Grace")
    ada.say("and still")
    grace.hears("Ada", "and still")
    kim = Guest(browser, again, "Kim")
    kim.sees("Ada", "Grace")
    for one in (ada, grace, kim):
        one.close()


def test_whoever_is_kicked_is_told_and_out(guests, demo):
    ada, grace = guests("Ada"), guests("Grace")
    ada.sees("Grace")
    rooms = demo.usher.json("room", "list")["rooms"]
    [connection] = [one["connectionId"] for one in rooms[0]["members"] if one["name"] == "Grace"]
    demo.usher.succeed("peer", "kick", connection)
    grace.page.locator("#error").wait_for()
    assert "operator" in grace.page.inner_text("#error")
    assert grace.page.is_visible("#lobby")
    ada.page.locator("#messages .note", has_text="Grace was removed").wait_for()


def test_without_a_camera_people_still_meet(browser, demo):
    flags = [flag for flag in FLAGS if "fake-device" not in flag]
    with another(browser, flags) as bare:
        ada, grace = Guest(bare, demo, "Ada"), Guest(browser, demo, "Grace")
        ada.page.locator("#call-notice", has_text="No camera or microphone").wait_for()
        ada.sees("Grace")
        ada.sees_pictures(1)
        grace.sees("Ada")
        ada.say("I am only writing")
        grace.hears("Ada", "I am only writing")
        assert ada.page.is_disabled("#mic")
        for one in (ada, grace):
            one.healthy()
            one.close()


def test_other_rooms_are_other_conversations(guests):
    ada, eve = guests("Ada", room="demo-one"), guests("Eve", room="demo-two")
    for one in (ada, eve):
        one.page.wait_for_selector("#status[data-state=open]")
        assert one.page.locator(".tile").count() == 1


def test_it_is_used_by_keyboard_alone(guests):
    ada = guests("Ada")
    grace = guests("Grace", join=False)
    grace.page.focus("#name")
    for wanted in ("room", "with-audio", "with-video", "join"):
        grace.page.keyboard.press("Tab")
        assert grace.page.evaluate("document.activeElement.id") == wanted
    grace.page.keyboard.press("Enter")
    grace.sees("Ada")
    grace.page.keyboard.press("m")
    assert grace.page.get_attribute("#mic", "aria-pressed") == "false"
    grace.page.keyboard.press("?")
    grace.page.locator("#dialog").wait_for()
    grace.page.keyboard.press("Escape")
    grace.page.locator("#dialog").wait_for(state="hidden")
    grace.until("!document.getElementById('file').disabled")
    order = []
    for _ in range(30):
        grace.page.keyboard.press("Tab")
        order.append(grace.page.evaluate("document.activeElement.id"))
    wanted = ["message", "mic", "camera", "share", "file", "chat", "settings", "leave"]
    assert [one for one in order if one in wanted][:len(wanted)] == wanted
    grace.page.focus("#message")
    grace.page.keyboard.type("mvs are letters here")
    grace.page.keyboard.press("Enter")
    ada.hears("Grace", "mvs are letters here")


def test_the_page_may_load_nothing_from_elsewhere(browser, demo):
    visit = Visit(browser, f"{demo.url}/demo/")
    policy = http.get(demo.url, "/demo/").header("Content-Security-Policy")
    assert "default-src 'none'" in policy and "connect-src 'self'" in policy
    assert "unsafe" not in policy
    reached = "fetch('http://localhost:1/').then(() => true, () => false)"
    assert visit.page.evaluate(reached) is False
    assert any("Content Security Policy" in complaint for complaint in visit.complaints)
    visit.close()
