"""The operator's page: live, read-only, and for who has the token alone."""

import itertools
import json

import pytest

from support import http, peers, v1
from support.browser import Visit
from support.demo import SCREENSHOTS

pytestmark = pytest.mark.one_process("the page belongs to a process that runs both halves")

HOSTILE = "<img src=x onerror=alert(1)>\u200fabc"


@pytest.fixture
def watched(start):
    return start("--max-connections-per-address", "0")


@pytest.fixture
def look(browser, watched):
    """Opens the page by the link that the command prints."""
    visits = []

    def open_page(**context):
        link = watched.usher.succeed("operator", "link").strip()
        visits.append(Visit(browser, link, **context))
        visits[-1].page.locator("#line[data-state=live]").wait_for()
        return visits[-1]

    yield open_page
    for visit in visits:
        assert visit.complaints == []
        visit.close()


def token_of(server):
    return json.loads((server.data / "operator.json").read_text())["token"]


def test_rooms_and_peers_come_and_go(watched, look):
    visit = look()
    assert "#" not in visit.page.url
    assert visit.page.is_visible("#no-rooms")
    application = watched.application()
    with v1.connect(application) as ann, peers.connect(application) as bob:
        ann.join("lobby", name="Ann")
        bob.join("lobby", name=HOSTILE, id="bob")
        visit.page.locator("#rooms tr", has_text="lobby").wait_for()
        visit.page.locator("#rooms", has_text=HOSTILE).wait_for()
        assert visit.page.locator("#rooms li").count() == 2
        assert visit.page.locator("#rooms img").count() == 0
        assert visit.page.locator("#rooms .tag").inner_text() == "classic"
        assert visit.page.locator("#rooms", has_text=application.id).count() == 1
        visit.page.fill("#filter", "nothing is called so")
        visit.page.locator("#rooms tr").wait_for(state="detached")
        visit.page.fill("#filter", "ann")
        visit.page.locator("#rooms tr").wait_for()
    visit.page.fill("#filter", "")
    visit.until("document.querySelectorAll('#rooms tr').length === 0")


def test_rates_refusals_and_keys_are_shown(watched, look):
    visit = look()
    application = watched.application()
    assert peers.attempt(watched, "/?token=no.good.token").status == 401
    assert http.post_form(watched.url, "/oauth2/token", []).status == 400
    tokens = "document.querySelector('#figure-tokens .total').textContent"
    application.token()
    visit.until(f"parseInt({tokens}) >= 1")
    reason = visit.page.locator("#refusals tr", has_text="token_encoding")
    reason.wait_for()
    assert reason.locator(".number").inner_text() == "1"
    visit.page.locator("#refusals tr", has_text="/oauth2/token 400").wait_for()
    watched.usher.succeed("key", "rotate")
    visit.page.locator("#keys .signing").wait_for()
    visit.page.locator("#keys .published").wait_for()
    label = visit.page.locator("#figure-messages svg").get_attribute("aria-label")
    assert label.startswith("Messages: ")


def test_nobody_without_the_token_sees_anything(browser, watched):
    for path in ["/events", "/rooms"]:
        assert http.get(watched.operator, path).status == 401
    wrong = http.get(watched.operator, "/events", [("Authorization", "Bearer wrong")])
    assert wrong.status == 401
    for path in ["/", "/operator.js", "/operator.css"]:
        answer = http.get(watched.operator, path)
        assert answer.status == 200
        assert token_of(watched).encode() not in answer.body
        policy = answer.header("Content-Security-Policy")
        assert "frame-ancestors 'none'" in policy and "unsafe" not in policy
    foreign = http.get(watched.operator, "/", [("Origin", "https://evil.example")])
    assert foreign.status == 403
    renamed = http.get(watched.operator, "/", [("Host", "evil.example")])
    assert renamed.status == 403
    visit = Visit(browser, watched.operator + "/")
    visit.page.locator("#door").wait_for()
    visit.page.fill("#token", "wrong")
    visit.page.click("#door button")
    visit.page.locator("#refused").wait_for()
    assert not visit.page.is_visible("#board")
    visit.page.fill("#token", token_of(watched))
    visit.page.click("#door button")
    visit.page.locator("#board").wait_for()
    visit.close()


def test_the_page_says_when_the_service_is_gone_and_asks_anew(browser, start):
    server = start()
    visit = Visit(browser, server.usher.succeed("operator", "link").strip())
    visit.page.locator("#line[data-state=live]").wait_for()
    address = server.operator.removeprefix("http://")
    assert server.stop() == 0
    visit.page.locator("#line[data-state=lost]").wait_for(timeout=20_000)
    assert "last heard" in visit.page.inner_text("#line")
    start("--operator", address, data=server.data)
    visit.page.locator("#door").wait_for(timeout=40_000)
    visit.page.fill("#token", token_of(server))
    visit.page.click("#door button")
    visit.page.locator("#line[data-state=live]").wait_for()
    visit.close()


def test_another_link_in_the_same_tab_takes_the_place_of_the_first(watched, look):
    visit = look()
    asked, ended = [], []
    visit.page.on("request", lambda one: asked.append(one) if "/events" in one.url else None)
    for kind in ("requestfinished", "requestfailed"):
        visit.page.on(kind, lambda one: ended.append(one) if "/events" in one.url else None)
    link = watched.usher.succeed("operator", "link").strip()
    visit.page.evaluate("link => { location.href = link; }", link)
    visit.page.wait_for_timeout(4000)
    assert len(asked) == 1 and len(ended) == 1, "the first stream has ended, and one goes on"
    assert "#" not in visit.page.url
    visit.page.locator("#line[data-state=live]").wait_for()


def test_many_pages_may_look_and_health_is_answered_beside_them(watched, look):
    for _ in range(4):
        look()
    assert http.get(watched.operator, "/livez").status == 200
    answer = watched.usher.succeed("operator", "link", "--json")
    assert json.loads(answer)["link"].startswith(watched.operator)


def test_without_a_service_there_is_no_link(usher):
    assert "usher serve" in usher.fail("operator", "link")


SIZES = {"desktop": {"width": 1280, "height": 900}, "phone": {"width": 360, "height": 780}}


def test_it_is_shown_in_pictures(watched, look):
    """Kept with what the tests build, for people to look at."""
    application = watched.application("Table games")
    with v1.connected(application, 5) as several:
        names = ["Ada", "Grace", "Katherine", "Mary", "Joan"]
        for number, (peer, who) in enumerate(zip(several, names)):
            peer.join(f"table-{number % 2}", name=who)
        peers.attempt(watched, "/?token=no.good.token")
        visit = look()
        visit.page.locator("#rooms tr", has_text="table-1").wait_for()
        for _ in range(3):
            several[0].broadcast("table-0", {"type": "chat", "text": "hello"})
            visit.page.wait_for_timeout(1000)
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        for (name, size), scheme in itertools.product(SIZES.items(), ["light", "dark"]):
            visit.page.set_viewport_size(size)
            visit.page.emulate_media(color_scheme=scheme)
            visit.until("document.documentElement.scrollWidth <= innerWidth", 5)
            visit.page.screenshot(path=SCREENSHOTS / f"operator-{name}-{scheme}.png")
