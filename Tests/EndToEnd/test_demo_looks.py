"""How `/demo/` looks, on small and large screens, in light and dark, and to a screen reader."""

import pytest

PHONE = {"viewport": {"width": 320, "height": 640}}
DESKTOP = {"viewport": {"width": 1280, "height": 800}}

# What lies partly beside the window, or shows less than all of a text. Labels for the mouse, and
# texts for screen readers alone, are none of it.
CUT = """(width) => [...document.querySelectorAll('body *')]
  .filter((one) => one.checkVisibility({ visibilityProperty: true })
    && !one.closest('.unseen, .skip, .label, svg, video'))
  .filter((one) => {
    const { left, right } = one.getBoundingClientRect();
    const isText = [...one.childNodes].some(({ nodeType, data }) => nodeType === 3 && data.trim());
    return left < -0.5 || right > width + 0.5
      || (isText && getComputedStyle(one).overflowX === 'hidden'
        && (one.scrollWidth > one.clientWidth + 1 || one.scrollHeight > one.clientHeight + 1));
  }).map((one) => one.outerHTML.slice(0, 80))"""


def test_nothing_is_cut_on_a_narrow_phone(guests, demo):
    mobile = {**PHONE, "is_mobile": True, "has_touch": True}
    ada = guests("Augusta Ada King, Countess of Lovelace", join=False, **mobile)
    assert ada.page.evaluate(CUT, 320) == []
    ada.page.click("#join")
    grace = guests("Grace")
    ada.sees("Grace")
    assert ada.page.evaluate(CUT, 320) == []
    assert ada.page.evaluate("[scrollY, document.documentElement.scrollHeight]") == [0, 640]
    ada.page.click("#chat")
    grace.page.set_input_files("#file-input", {
        "name": f"{'long' * 12}.txt", "mimeType": "text/plain", "buffer": b"text"})
    ada.page.get_by_role("button", name="Accept").wait_for()
    assert ada.page.evaluate(CUT, 320) == []
    ada.page.click("#settings")
    assert ada.page.evaluate(CUT, 320) == []
    ada.page.keyboard.press("Escape")
    demo.stop()
    ada.page.locator("#reconnecting", has_text="does not answer").wait_for()
    assert ada.page.evaluate(CUT, 320) == []
    for one in (ada, grace):
        one.complaints.clear()  # Of a server that is gone.


def test_a_phone_held_sideways_shows_what_matters(guests):
    sideways = {"viewport": {"width": 740, "height": 360}, "is_mobile": True, "has_touch": True}
    ada = guests("Ada", join=False, room="kitchen", **sideways)
    ada.page.click("#join")
    ada.page.locator("#error").wait_for()
    box = ada.page.locator("#error").bounding_box()
    assert box["y"] >= 0 and box["y"] + box["height"] <= 360, "why it did not work"
    ada.page.fill("#room", "demo-lobby")
    ada.page.click("#join")
    ada.page.wait_for_selector("#status[data-state=open]")
    assert not ada.page.is_visible("#panel"), "the people come first"
    ada.page.click("#chat")
    ada.page.click("#invite")
    ada.page.locator("#toast:not(:empty)").wait_for()
    box = ada.page.locator("#toast").bounding_box()
    assert box["y"] + box["height"] <= ada.page.locator("#message").bounding_box()["y"]


@pytest.mark.parametrize("shape", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_everything_is_reached_without_scrolling_sideways(guests, shape):
    ada, grace = guests("Ada", **shape), guests("Grace", **shape)
    ada.sees("Grace")
    assert ada.page.evaluate("document.documentElement.scrollWidth") <= shape["viewport"]["width"]
    for button in ("mic", "camera", "share", "file", "chat", "settings", "leave", "invite"):
        box = ada.page.locator(f"#{button}").bounding_box()
        assert box["x"] >= 0 and box["x"] + box["width"] <= shape["viewport"]["width"], button
        assert box["y"] + box["height"] <= shape["viewport"]["height"], button
        assert min(box["width"], box["height"]) >= 40, button
    if shape is PHONE:
        grace.page.click("#chat")
    grace.say("hello")
    if shape is PHONE:
        ada.page.locator("#unread").wait_for()
        ada.page.click("#chat")
    ada.hears("Grace", "hello")


def test_a_screen_reader_finds_a_name_for_everything(guests):
    ada, grace = guests("Ada"), guests("Grace")
    ada.sees("Grace")
    nameless = ada.page.evaluate("""() =>
      [...document.querySelectorAll('button, input, select, a, [role=log], main, aside')]
        .filter((one) => one.checkVisibility())
        .filter((one) => !(one.ariaLabel || one.getAttribute('aria-labelledby')
          || one.labels?.length || one.textContent.trim()))
        .map((one) => one.outerHTML)""")
    assert nameless == []
    ids = ada.page.evaluate("[...document.querySelectorAll('[id]')].map((one) => one.id)")
    assert len(ids) == len(set(ids))
    assert ada.page.locator("[role=log][aria-live=polite]").count() == 1
    assert ada.page.locator("html[lang=en]").count() == 1


CONTRAST = """() => {
  const channel = (value) => {
    const part = value / 255;
    return part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  };
  const parse = (text) => text.match(/[0-9.]+/g).map(Number);
  const light = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
  const ground = (one) => {
    for (let at = one; at; at = at.parentElement) {
      const [r, g, b, a = 1] = parse(getComputedStyle(at).backgroundColor);
      if (a === 1) return [r, g, b];
    }
    return [255, 255, 255];
  };
  return [...document.querySelectorAll('h1, h2, p, label, button, .text, .who, .note, code')]
    .filter((one) => one.checkVisibility() && one.textContent.trim() && !one.closest('.tile')
      && !one.disabled)
    .map((one) => {
      const a = light(parse(getComputedStyle(one).color));
      const b = light(ground(one));
      return [(Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05), one.outerHTML.slice(0, 80)];
    })
    .filter(([ratio]) => ratio < 4.5);
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_texts_are_read_in_light_and_dark(guests, scheme):
    ada = guests("Ada", join=False, color_scheme=scheme)
    assert ada.page.evaluate(CONTRAST) == []
    ada.page.click("#join")
    ada.page.wait_for_selector("#status[data-state=open]")
    ada.say("words")
    assert ada.page.evaluate(CONTRAST) == []


def test_it_is_shown_in_pictures(guests):
    """Kept with what the tests build, for people to look at."""
    ada = guests("Ada Lovelace", **DESKTOP)
    grace = guests("Grace Hopper", **DESKTOP)
    phone = guests("Katherine Johnson", **PHONE)
    for one, others in ((ada, ["Grace", "Katherine"]), (phone, ["Ada", "Grace"])):
        one.sees(*others)
        one.sees_pictures(2)
    grace.say("Shall we look at the table together?")
    ada.hears("Grace Hopper", "Shall we look at the table together?")
    phone.page.click("#mic")
    ada.tile("Katherine").locator(".muted").wait_for(state="visible")
    ada.tile("Grace").locator(".quality-text").wait_for(timeout=15_000)
    for scheme in ("light", "dark"):
        for one, name in ((ada, "desktop"), (phone, "phone")):
            one.page.emulate_media(color_scheme=scheme)
            one.shoot(f"demo-{name}-{scheme}")
