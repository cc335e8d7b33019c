"""`/demo/` as two people use it, in a real browser."""

import urllib.parse

import pytest

from support.browser import Visit, chromium


@pytest.fixture(scope="module")
def browser():
    with chromium() as one:
        yield one


@pytest.fixture
def demo(start):
    return start("--demo")


def enter(browser, demo, name, room="demo-lobby"):
    visit = Visit(browser, f"{demo.url}/demo/#{room}")
    visit.page.fill("#name", name)
    visit.page.click("#join")
    return visit


def connected_to(visit, count):
    connected = "document.querySelectorAll('#peers li[data-state=connected]')"
    visit.until(f"{connected}.length === {count}")
    visit.page.wait_for_selector("#status[data-state=connected]")


def say(visit, text):
    visit.page.fill("#message", text)
    visit.page.click("#send")


def heard(visit, author, text):
    line = visit.page.locator("#messages li[data-kind=peer]", has_text=text)
    line.wait_for()
    assert line.locator(".author").inner_text() == author
    assert line.locator(".text").inner_text() == text


def healthy(demo, *visits):
    """Nothing in the console, and no request to anybody else."""
    place = urllib.parse.urlsplit(demo.url).netloc
    for visit in visits:
        assert visit.complaints == []
        assert visit.hosts == {place}


def test_two_tabs_meet_and_talk(browser, demo):
    ada = enter(browser, demo, "Ada")
    ada.page.wait_for_selector("#status[data-state=waiting]")
    assert ada.page.is_visible("#nobody")
    grace = enter(browser, demo, "Grace")
    connected_to(ada, 1)
    connected_to(grace, 1)
    assert ada.page.locator("#peers .name").inner_text() == "Grace"
    assert grace.page.locator("#peers .name").inner_text() == "Ada"
    say(ada, "Good morning")
    heard(grace, "Ada", "Good morning")
    say(grace, "<b>and</b> to you")
    heard(ada, "Grace", "<b>and</b> to you")
    healthy(demo, ada, grace)

    grace.close()
    ada.until("document.querySelectorAll('#peers li').length === 0")
    healthy(demo, ada)
    ada.close()


def test_three_tabs_all_see_each_other_and_one_may_leave(browser, demo):
    visits = [enter(browser, demo, name, "demo-three") for name in ("Ada", "Bob", "Cem")]
    for visit in visits:
        connected_to(visit, 2)
    say(visits[0], "to both")
    for visit in visits[1:]:
        heard(visit, "Ada", "to both")
    visits[2].page.click("#leave")
    for visit in visits[:2]:
        connected_to(visit, 1)
    visits[2].page.click("#join")
    for visit in visits:
        connected_to(visit, 2)
    healthy(demo, *visits)
    for visit in visits:
        visit.close()


def test_other_rooms_are_other_conversations(browser, demo):
    ada = enter(browser, demo, "Ada", "demo-one")
    eve = enter(browser, demo, "Eve", "demo-two")
    for visit in (ada, eve):
        visit.page.wait_for_selector("#status[data-state=waiting]")
        assert visit.page.locator("#peers li").count() == 0
    for visit in (ada, eve):
        visit.close()


def test_the_page_may_load_nothing_from_elsewhere(browser, demo):
    visit = Visit(browser, f"{demo.url}/demo/")
    answer = visit.page.request.get(f"{demo.url}/demo/")
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy and "connect-src 'self'" in policy
    reached = "fetch('http://localhost:1/').then(() => true, () => false)"
    assert visit.page.evaluate(reached) is False
    assert any("Content Security Policy" in complaint for complaint in visit.complaints)
    visit.close()


def test_conversations_outlive_the_server(browser, start):
    server = start("--demo")
    ada = enter(browser, server, "Ada")
    grace = enter(browser, server, "Grace")
    connected_to(ada, 1)
    connected_to(grace, 1)
    assert server.stop() == 0
    for visit in (ada, grace):
        visit.page.wait_for_selector("#status[data-state=reconnecting]")
    say(ada, "still here")
    heard(grace, "Ada", "still here")
    again = start("--demo", data=server.data, listen=urllib.parse.urlsplit(server.url).netloc)
    assert again.url == server.url
    for visit in (ada, grace):
        connected_to(visit, 1)
    ada.close()
    grace.close()
