"""The samples of deploy/ behind the real nginx, HAProxy and Caddy: Usher and an application as one
https origin, and what pages elsewhere cannot do."""

import json

import pytest

from support import http, ledger, peers
from support.browser import Visit
from support.proxies import DEPLOY, Application, ReverseProxy, certificate, free_port
from support.server import Server
from support.usher import CHECKOUT, new_folder

COOKIE = "__Host-usher_session"
OWN = ("Sec-Fetch-Site", "same-origin")
PAGE = b"""<!doctype html><title>A page</title><link rel="icon" href="data:,"><script>
  async function ask(method, url, headers, body) {
    try {
      const answer = await fetch(url, { method, headers, body, credentials: 'include' });
      return { status: answer.status, body: await answer.text() };
    } catch (error) {
      return { status: 0, body: String(error) };
    }
  }
  function open(url, protocols) {
    return new Promise((resolve) => {
      const socket = new WebSocket(url, protocols);
      socket.onmessage = () => { socket.close(); resolve('open'); };
      socket.onopen = () => socket.send(JSON.stringify(
        { action: 'join-room', roomId: 'lobby', name: 'n', id: String(Math.random()) }));
      socket.onclose = ({ code }) => resolve(`closed ${code}`);
    });
  }
</script>"""
CLIENT = (CHECKOUT / "client" / "dist" / "webrtc-client.iife.js").read_bytes()
CALL = b"""<script>
  function call(options) {
    window.heard = [];
    window.client = new WebRtcClient({ sessionId: 'lobby', name: 'Ada', ...options });
    for (const type of ['socketOpen', 'socketError', 'receiveChannelOpen']) {
      client.addEventListener(type, () => heard.push(type));
    }
  }
</script>"""


class Site:
    """A proxy, what is behind it, and a page of another origin beside it."""

    def __init__(self, kind, start):
        self.tls = certificate(new_folder("tls"))
        port = free_port()
        self.application = Application(page=PAGE + b"<script>" + CLIENT + b"</script>" + CALL)
        self.elsewhere = Application(tls=self.tls, page=PAGE)
        self.server = start(
            "--issuer", f"https://localhost:{port}", "--trusted-proxy", "127.0.0.1/32",
            "--signal-path", "/signal")
        self.proxy = ReverseProxy(kind, self.server, self.application, port, self.tls)
        self.url = self.proxy.url
        self.client = self.server.application("Pages", scopes=["signal", "session"])

    def token(self, **form):
        answer = http.post_form(
            self.url, "/oauth2/token", [("grant_type", "client_credentials"), *form.items()],
            [http.basic(self.client.id, self.client.secret)])
        assert answer.status == 200, answer.body
        return ledger.remember(answer.json["access_token"], "a token through a proxy")

    def session(self):
        return self.token(scope="session", subject="ada")

    def close(self):
        self.proxy.stop()
        self.application.close()
        self.elsewhere.close()


@pytest.fixture(scope="module", params=["nginx", "haproxy", "caddy"])
def site(request):
    started = []

    def start(*flags):
        started.append(Server(*flags))
        return started[-1]

    one = Site(request.param, start)
    yield one
    one.close()
    for server in started:
        server.kill()


def fields_of(answer):
    assert answer.status == 200, (answer.status, answer.body)
    fields = {}
    for name, value in json.loads(answer.body):
        fields.setdefault(name, []).append(value)
    return fields


def test_the_application_gets_the_token_and_never_the_cookie(site):
    token = site.session()
    answer = http.get(site.url, "/api?x=1", [
        ("Cookie", f"a=1; {COOKIE}={token}; b=2"), ("Authorization", "Bearer forged"),
        ("X-Forwarded-For", "198.51.100.9"), ("X-Forwarded-Proto", "http")])
    fields = fields_of(answer)
    assert fields["authorization"] == [f"Bearer {token}"]
    assert fields["cookie"] == ["a=1; b=2"]
    assert fields["x-forwarded-proto"] == ["https"]
    assert "198.51.100.9" not in str(fields)
    alone = fields_of(http.get(site.url, "/api", [("Cookie", f"{COOKIE}={token}")]))
    assert alone["authorization"] == [f"Bearer {token}"]
    assert not any(alone.get("cookie", []))


def test_an_access_token_of_a_program_passes(site):
    token = site.token()
    fields = fields_of(http.get(site.url, "/api", [("Authorization", f"Bearer {token}")]))
    assert fields["authorization"] == [f"Bearer {token}"]


def test_nothing_else_reaches_the_application(site):
    token = site.session()
    other = token[:-6] + ("AAAAAA" if token[-6:] != "AAAAAA" else "BBBBBB")
    before = len(site.application.seen)
    for fields in [
        [], [("Cookie", f"{COOKIE}={other}")], [("Cookie", f"{COOKIE}=")],
        [("Cookie", f"{COOKIE}={token}; {COOKIE}={token}")], [("Authorization", "Basic YTpi")],
        [("Authorization", f"Bearer {token}")], [("Cookie", f"{COOKIE}=a.b.c")],
        [("Cookie", f"{COOKIE}=" + "a" * 3600)],
    ]:
        assert http.get(site.url, "/api", fields).status == 401, fields
    assert len(site.application.seen) == before


def test_a_change_needs_a_page_of_this_origin(site):
    cookie = ("Cookie", f"{COOKIE}={site.session()}")
    before = len(site.application.seen)
    for fields in [[], [("Origin", "https://evil.example")], [("Origin", "null")],
                   [("Sec-Fetch-Site", "same-site")]]:
        assert http.request(site.url, "POST", "/api", [cookie, *fields], b"").status == 403
    foreign = http.get(site.url, "/api", [cookie, ("Origin", "https://evil.example")])
    assert foreign.status == 403
    assert len(site.application.seen) == before
    for fields in [[OWN], [("Origin", site.url)]]:
        assert http.request(site.url, "POST", "/api", [cookie, *fields], b"").status == 200


def test_the_edge_and_the_operator_are_not_reached_from_outside(site):
    cookie = ("Cookie", f"{COOKIE}={site.session()}")
    for path in ["/edge/auth", "/_usher_edge", "/metrics", "/events"]:
        answer = http.get(site.url, path, [cookie])
        # Of the application, which answers anything, or of nobody.
        assert answer.header("Authorization") is None
        assert answer.status == 404 or json.loads(answer.body)[0]


def test_the_relay_is_reached_with_tls_ended_in_front(site):
    token = site.token()
    offered = ("Sec-WebSocket-Protocol", f"usher.v1, usher.bearer.{token}")
    assert peers.attempt(site.proxy, "/signal", [offered]).status == 101
    cookie = ("Cookie", f"{COOKIE}={site.session()}")
    assert peers.attempt(site.proxy, "/signal", [cookie, ("Origin", site.url)]).status == 101
    for origin in ["https://evil.example", site.url + "0", "null"]:
        answer = peers.attempt(site.proxy, "/signal", [cookie, ("Origin", origin)])
        assert answer.status == 403
    assert peers.attempt(site.proxy, "/signal", [cookie]).status == 403


def visit(browser, url):
    return Visit(browser, url, ignore_https_errors=True)


def signed_in(browser, site):
    page = visit(browser, f"{site.url}/.well-known/jwks.json")
    page.context.add_cookies([{
        "name": COOKIE, "value": site.session(), "url": site.url, "secure": True,
        "httpOnly": True, "sameSite": "Lax"}])
    page.page.goto(f"{site.url}/page")
    return page


def test_a_session_lives_from_sign_in_to_sign_out_in_a_browser(browser, site):
    # The page itself needs a session, as everything of the application does.
    page = signed_in(browser, site)
    ask = page.page.evaluate
    begun = ask("token => ask('POST', '/session', { Authorization: `Bearer ${token}` })",
                site.session())
    assert begun["status"] == 200
    assert ask("document.cookie") == ""
    fields = dict(map(tuple, json.loads(ask("ask('GET', '/api')")["body"])))
    assert fields["authorization"].startswith("Bearer ")
    assert ask("ask('POST', '/session/token')")["status"] == 200
    assert ask("open(`wss://${location.host}/signal`)") == "open"
    assert ask("ask('DELETE', '/session')")["status"] == 204
    assert ask("ask('POST', '/session/token')")["status"] == 401
    page.close()


@pytest.mark.parametrize("options", [
    "{}", "{ signallingServer: location.origin }", "{ signallingServer: '/signal' }",
    "{ signallingServer: location.origin + '/rtc' }"],
    ids=["defaults", "origin", "signal", "prefix"])
def test_pages_meet_with_the_clients_defaults(browser, site, options):
    tabs = [signed_in(browser, site) for _ in range(2)]
    for tab in tabs:
        tab.page.evaluate(f"void call({options})")
        tab.until("heard.includes('socketOpen')")
    for tab in tabs:
        tab.until("heard.includes('receiveChannelOpen')")
    # Only then, or the other may never hear of its own.
    for tab in tabs:
        assert not tab.page.evaluate("heard.includes('socketError')")
        tab.page.evaluate("void client.close()")
        tab.close()


@pytest.mark.parametrize("prefix", ["", "/rtc"])
def test_what_the_client_asks_is_routed_to_usher(browser, site, prefix):
    page = signed_in(browser, site)
    ask = page.page.evaluate
    why = ask(f"""ask('POST', '{prefix}/signal/check',
        {{ 'Content-Type': 'application/x-www-form-urlencoded' }}, 'token=a.b.c')""")
    assert why["status"] == 401 and json.loads(why["body"])["error"] == "invalid_token"
    token = ask(f"ask('POST', '{prefix}/session/token')")
    assert token["status"] == 200
    token = ledger.remember(json.loads(token["body"])["access_token"], "a page's token")
    servers = ask(f"token => ask('GET', '{prefix}/ice-servers',"
                  " { Authorization: `Bearer ${token}` })", token)
    assert servers["status"] == 200 and "iceServers" in json.loads(servers["body"])
    page.close()


def test_sockets_on_other_paths_are_the_applications(site):
    before = len(site.application.seen)
    fields = [("Cookie", f"{COOKIE}={site.session()}"), ("Origin", site.url)]
    assert peers.attempt(site.proxy, "/page/socket", fields).status == 200
    assert len(site.application.seen) == before + 1
    plain = http.get(site.url, "/", fields)
    assert plain.status == 200 and len(site.application.seen) == before + 2


def test_a_page_of_another_origin_is_refused_though_its_site_is_the_same(browser, site):
    """Cookies know no ports: the browser sends the cookie along, so only Origin tells."""
    page = visit(browser, f"{site.url}/.well-known/jwks.json")
    page.context.add_cookies([{
        "name": COOKIE, "value": site.session(), "url": site.url, "secure": True,
        "httpOnly": True, "sameSite": "Lax"}])
    page.page.goto(f"https://localhost:{site.elsewhere.port}/page")
    place = site.url.removeprefix("https://")
    ask = page.page.evaluate
    before = len(site.application.seen)
    assert ask(f"open('wss://{place}/signal')").startswith("closed")
    for method, path in [("POST", "/api"), ("GET", "/api"), ("POST", "/session/token"),
                         ("DELETE", "/session")]:
        answer = ask(f"ask('{method}', 'https://{place}{path}')")
        assert answer["status"] == 0, (method, path)
    login = ask(f"token => ask('POST', 'https://{place}/session',"
                " { Authorization: `Bearer ${token}` })", site.session())
    assert login["status"] == 0
    ask("""url => new Promise((resolve) => {
      const frame = document.createElement('iframe');
      frame.name = 'target';
      document.body.append(frame);
      const form = document.createElement('form');
      Object.assign(form, { method: 'POST', action: url, target: 'target' });
      document.body.append(form);
      form.submit();
      setTimeout(resolve, 1500);
    })""", f"https://{place}/api")
    assert len(site.application.seen) == before
    page.page.goto(f"{site.url}/page")
    assert ask("ask('POST', '/session/token')")["status"] == 200
    page.close()


def test_the_form_for_traefik_asks_as_the_others_do():
    """Traefik is not among Debian's packages: what is in the sample is all that can be checked."""
    text = (DEPLOY / "traefik.yml").read_text()
    for wanted in ["/edge/auth", "authResponseHeaders: [Authorization, Cookie]", "`/session/token`",
                   "trustForwardHeader: false", "`/signal`", "middlewares: [usher-edge]",
                   "`/signal/check`", "`/ice-servers`", "HeaderRegexp(`Upgrade`", "path: /signal"]:
        assert wanted in text
