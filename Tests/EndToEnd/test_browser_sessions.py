"""Sessions by cookie in real Chromium: for pages that need no token code, and against pages of
other origins."""

import pytest

from support import calls
from support.browser import Visit
from support.server import Application

COOKIE = "__Host-usher_session"


@pytest.fixture
def site(start):
    # The demo's page is there as a page of the service's own origin.
    return start("--demo", "--max-connections-per-address", "0")


@pytest.fixture
def pages(site):
    return Application(site, *site.usher.add_client(
        "Pages", rooms=["lobby", "team-*"], scopes=["signal", "session"]))


def session_token(application, subject="ada"):
    return application.token(scope="session", subject=subject)


BEGIN = """token => fetch('/session', {
  method: 'POST', headers: { Authorization: `Bearer ${token}` } }).then((one) => one.status)"""
CALL = """({ room, id }) => import('/demo/webrtc-client.js').then(({ WebRtcClient }) => {
  window.client = new WebRtcClient({ sessionId: room, name: id, id });
  window.problems = [];
  window.heard = [];
  client.addEventListener('socketError', ({ detail }) => problems.push(detail));
  client.addEventListener('message', ({ detail }) => heard.push(detail.data));
})"""


def own_page(browser, site):
    return Visit(browser, f"{site.url}/demo/")


def test_a_page_needs_no_token_code_at_all(browser, site, pages):
    visits = []
    for name in ("ada", "bob"):
        visit = own_page(browser, site)
        assert visit.page.evaluate(BEGIN, session_token(pages, name)) == 200
        assert visit.page.evaluate("document.cookie") == ""
        [cookie] = [one for one in visit.context.cookies() if one["name"] == COOKIE]
        assert (cookie["httpOnly"], cookie["secure"], cookie["sameSite"], cookie["path"]) == (
            True, True, "Lax", "/")
        visit.page.evaluate(CALL, {"room": "lobby", "id": name})
        visits.append(visit)
    ada, bob = visits
    ada.until("client.peerInfo.bob?.sendChannel?.readyState === 'open'")
    ada.page.evaluate("client.send('bob', 'without a token')")
    bob.until("heard.includes('without a token')")
    for visit in visits:
        assert visit.page.evaluate("problems.length") == 0
        assert visit.complaints == []
        visit.close()


def test_without_a_session_the_client_says_what_to_do(browser, site):
    visit = own_page(browser, site)
    visit.page.evaluate(CALL, {"room": "lobby", "id": "nobody"})
    visit.until("window.problems?.length === 1")
    problem = visit.page.evaluate("problems[0]")
    assert problem["final"] is True
    assert "sign in" in problem["message"]
    assert visit.page.evaluate("client.state") == "closed"
    visit.close()


def test_a_room_outside_the_session_is_told(browser, site, pages):
    visit = own_page(browser, site)
    visit.page.evaluate(BEGIN, session_token(pages))
    visit.page.evaluate(CALL, {"room": "elsewhere", "id": "ada"})
    visit.until("window.problems?.length === 1")
    assert "rooms" in visit.page.evaluate("problems[0].message")
    visit.close()


def test_a_page_of_one_client_leans_on_no_session_of_another(browser, site, pages):
    visit = own_page(browser, site)
    visit.page.evaluate(BEGIN, session_token(pages))
    opened = CALL.replace("name: id, id", "name: id, id: clientId, clientId").replace(
        "room, id }", "room, id, clientId }")
    visit.page.evaluate(opened, {"room": "lobby", "id": "ada", "clientId": pages.id})
    visit.until("window.client?.state === 'open'")
    visit.page.evaluate("client.close()")
    visit.page.evaluate(opened, {"room": "lobby", "id": "ada", "clientId": "c_other"})
    visit.until("window.problems?.length === 1")
    problem = visit.page.evaluate("problems[0]")
    assert problem["final"] is True
    assert "another client" in problem["message"]
    visit.close()


def test_signing_out_ends_what_the_session_opened(browser, site, pages):
    visit = own_page(browser, site)
    visit.page.evaluate(BEGIN, session_token(pages))
    visit.page.evaluate("""() => new Promise((resolve) => {
      window.socket = new WebSocket(`ws://${location.host}/`);
      socket.onopen = resolve;
      socket.onclose = ({ code }) => { window.ended = code; };
    })""")
    assert visit.page.evaluate(
        "fetch('/session', { method: 'DELETE' }).then((one) => one.status)") == 204
    visit.until("window.ended === 4501")
    assert [one for one in visit.context.cookies() if one["name"] == COOKIE] == []
    visit.close()


class Elsewhere:
    """Somebody with a session, and a page of another origin of the same site: the browser sends
    the cookie along, since cookies know no ports."""

    def __init__(self, browser, site, pages, backend):
        self.visit = own_page(browser, site)
        assert self.visit.page.evaluate(BEGIN, session_token(pages)) == 200
        self.visit.page.goto(f"{backend.url}/empty.html")
        self.site = site

    def ask(self, method, path, **headers):
        return self.visit.page.evaluate("""({ url, method, headers }) => fetch(
          url, { method, headers, credentials: 'include' })
          .then((one) => one.status, () => 'refused')""",
          {"url": self.site.url + path, "method": method, "headers": headers})

    def connect(self):
        return self.visit.page.evaluate("""(url) => new Promise((resolve) => {
          const socket = new WebSocket(url);
          socket.onopen = () => { resolve('open'); socket.close(); };
          socket.onclose = ({ code }) => resolve(code);
        })""", self.site.websocket_url + "/")

    def is_signed_in_as(self, pages):
        self.visit.page.goto(f"{self.site.url}/demo/")
        return self.visit.page.evaluate(
            "fetch('/session/token', { method: 'POST' }).then((one) => one.json())"
            ".then((one) => one.client_id)") == pages.id


@pytest.fixture
def elsewhere(browser, site, pages):
    with calls.backend(pages) as backend:
        backend.files["empty.html"] = "<!doctype html><title>Elsewhere</title>"
        one = Elsewhere(browser, site, pages, backend)
        yield one
        one.visit.close()


def test_another_origins_page_hijacks_no_websocket(elsewhere, pages):
    assert elsewhere.connect() == 1006
    assert elsewhere.is_signed_in_as(pages)


def test_another_origins_page_gets_no_token_and_signs_nobody_out(elsewhere, pages):
    assert elsewhere.ask("POST", "/session/token") == "refused"
    assert elsewhere.ask("GET", "/ice-servers") == "refused"
    assert elsewhere.ask("DELETE", "/session") == "refused"
    elsewhere.visit.page.evaluate("""url => {
      const form = document.createElement('form');
      Object.assign(form, { method: 'POST', action: url });
      document.body.append(form);
      setTimeout(() => form.submit());
    }""", elsewhere.site.url + "/session/token")
    elsewhere.visit.page.get_by_text("origin_not_allowed").wait_for()
    assert elsewhere.is_signed_in_as(pages)


def test_another_origins_page_signs_nobody_in(elsewhere, site, pages):
    """Login CSRF: the visitor would go on as somebody else without noticing."""
    attacker = Application(site, *site.usher.add_client(
        "Attacker", scopes=["signal", "session"]))
    token = session_token(attacker, "mallory")
    assert elsewhere.ask("POST", "/session", Authorization=f"Bearer {token}") == "refused"
    assert elsewhere.is_signed_in_as(pages)


def test_a_listed_origin_may_lean_on_the_session(browser, site):
    with calls.backend(None) as backend:
        backend.files["empty.html"] = "<!doctype html><title>Listed</title>"
        listed = Application(site, *site.usher.add_client(
            "Listed", scopes=["signal", "session"], origins=[backend.url]))
        page = Elsewhere(browser, site, listed, backend)
        assert page.ask("POST", "/session/token") == 200
        assert page.connect() == "open"
        page.visit.page.evaluate("""(server) => import('/webrtc-client.js').then(
          ({ WebRtcClient }) => {
            window.client = new WebRtcClient({ sessionId: 'lobby', signallingServer: server });
          })""", site.url)
        page.visit.until("window.client?.state === 'open'")
        assert page.visit.complaints == []
        assert page.ask("DELETE", "/session") == 204
        page.visit.close()
