"""The client's socket in real Chromium: what it sends again, why it gives up, and whom it asks."""

import json
import secrets
import signal
import time

import pytest

from support import calls, v1
from support.front import Front

PAGE = """<!doctype html><meta charset="utf-8"><title>A page</title>
<video id="own"></video><div id="others"></div><script type="module" src="/client.js"></script>"""


def problem(page, within=20):
    return page.until_event("socketError", within=within)[0]["detail"]


def texts(page):
    return [event["detail"]["payload"].get("text") for event in page.events("signal")]


def test_what_a_page_signals_meanwhile_comes_once_and_in_its_order(call, server):
    with calls.Wire(server.url) as wire:
        ann, bob = call("ann"), call("bob", at=wire.url)
        ann.until_connected("bob")
        bob.page.evaluate("""() => {
            window.tell = (text) => client.signal('id-ann', { type: 'note', text });
            client.addEventListener('resumed', () => tell('third'));
        }""")
        wire.cut()
        bob.until("client.state === 'reconnecting'")
        bob.page.evaluate("tell('first'); tell('second')")
        wire.mend()
        bob.until_event("resumed")
        bob.page.evaluate("tell('fourth')")
        ann.until("events.some((e) => e.type === 'signal' && e.detail.payload.text === 'fourth')")
        assert texts(ann) == ["first", "second", "third", "fourth"]
        assert bob.events("socketError") == []
        bob.check(ignoring_network=True)


def test_a_session_that_is_over_is_followed_by_another(call, start):
    server = start("--resume-grace-seconds", "4")
    with calls.backend(server.application()) as backend, calls.Wire(server.url) as wire:
        ann = call("ann", at=server.websocket_url, of=backend)
        bob = call("bob", at=wire.url, of=backend)
        ann.until_connected("bob")
        wire.cut()
        ann.until_event("someone_left")
        before = bob.page.evaluate("client.connectionId")
        wire.mend()
        bob.until(f"client.state === 'open' && client.connectionId !== '{before}'")
        assert bob.events("resumed") == []
        ann.until_connected("bob")
        ann.talk_to(bob)
        wire.cut()
        wire.mend()
        bob.until_event("resumed")
        assert len(ann.events("someone_joined")) + len(ann.events("first_to_join")) == 3
        ann.talk_to(bob)


def test_a_restart_is_told_once_and_the_page_comes_back(browser, start):
    server = start()
    port = server.url.rsplit(":", 1)[1]
    with calls.backend(server.application()) as backend:
        ann = calls.Caller(browser, backend, server.websocket_url, "ann")
        ann.until("window.entered")
        ann.page.evaluate(
            "token => { client.close(); events.length = 0; make({ getToken: () => token }); }",
            backend.application.token(subject="ann"))
        ann.until_event("room_state")
        assert server.stop(signal.SIGTERM) == 0
        told = problem(ann)
        assert (told["code"], told["final"], told["closeCode"]) == (
            "server_restarting", False, 1012)
        ann.until("events.some((e) => e.detail.code === 'unreachable')")
        start(data=server.data, listen=f"127.0.0.1:{port}")
        ann.until_event("resumed", within=60)
        ann.until_event("room_state", 2)
        assert [one["detail"]["code"] for one in ann.events("socketError")] == [
            "server_restarting", "unreachable"]
        ann.close_page(ignoring_network=True)


def test_a_wrong_token_is_told_by_the_servers_word(call, backend):
    token = f"no.good.{secrets.token_urlsafe(24)}"
    page = given(call, backend, token)
    told = problem(page)
    assert (told["code"], told["final"]) == ("invalid_token", False)
    page.until_event("reconnecting", 2)
    assert len(page.events("socketError")) == 1
    assert token not in json.dumps(page.events("socketError"))


def given(call, backend, text, **options):
    """A page whose `getToken` gives this text."""
    page = call("ann")
    page.page.evaluate("""([text, more]) => {
        client.close();
        events.length = 0;
        make({ getToken: () => text, ...more });
    }""", [text, options])
    return page


def test_space_around_a_token_does_not_matter(call, backend):
    page = given(call, backend, f" {backend.application.token(subject='ann')}\n")
    page.until_event("first_to_join")
    assert page.events("socketError") == []


@pytest.mark.parametrize("text, word", [
    ("<!doctype html><title>Sign in</title>", "HTML"), ("two secrets", "a text"),
    ('{"access_token": "secret"}', "JSON")])
def test_what_is_no_token_is_named_and_not_repeated(call, backend, text, word):
    page = given(call, backend, text)
    told = problem(page)
    assert (told["code"], told["final"]) == ("token_malformed", True)
    assert word in told["message"] and "secret" not in json.dumps(told)
    page.until("refusal === 'token_malformed'")


def test_a_page_that_may_not_connect_is_told(browser, backend, server):
    csp = "default-src 'self'; style-src 'self' 'unsafe-inline'; connect-src 'self'"
    backend.files["strict.html"] = PAGE.replace(
        "<title>", f'<meta http-equiv="Content-Security-Policy" content="{csp}"><title>')
    page = calls.Caller(browser, backend, server.websocket_url, "ann", page="strict.html")
    told = problem(page, within=5)
    assert (told["code"], told["final"]) == ("blocked_by_page", True)
    page.until("client.state === 'closed' && refusal === 'blocked_by_page'")
    assert len(page.events("socketError")) == 1
    page.close()


def test_one_path_is_put_before_every_route(call, backend, server):
    with Front(server.url, "/rtc") as front:
        page = call("ann", at=f"{front.url}/rtc")
        page.until_event("first_to_join")
        page = given(call, backend, "no.good.token", signallingServer=f"{front.url}/rtc")
        assert problem(page)["code"] == "invalid_token"
        page.page.evaluate("""url => {
            client.close();
            make({ getToken: undefined, signallingServer: url });
        }""", f"{front.url}/rtc")
        # This page's origin is not registered, so that it is not told that there is no session.
        page.until("events.some((e) => e.detail.code === 'unreachable')")
        assert front.asked("/rtc/signal/check") and front.asked("/rtc/session/token")
        assert [line for line in front.seen if " /rtc" not in line] == []


@pytest.mark.parametrize("status", [404, 502, 503])
def test_no_failure_puts_a_token_into_a_url(call, backend, server, status):
    with Front(server.url) as front:
        front.status = status
        page = call("ann", at=front.url, dialect="auto")
        page.hasten("count('reconnecting') >= 3")
        assert problem(page)["code"] == "unreachable"
        front.status = None
        page.hasten("count('first_to_join') > 0")
        assert page.page.evaluate("client.dialect") == "v1"
        assert front.asked("token=") == []


def test_a_page_comes_back_no_sooner_than_it_is_told(call, server):
    with Front(server.url) as front:
        front.status, front.retry_after = 503, 4
        page = call("ann", at=front.url)
        waits = [event["detail"]["delayMs"] for event in page.until_event("reconnecting")]
        assert waits[0] >= 4000
        asked = len(front.seen)
        page.page.evaluate("dispatchEvent(new Event('online'))")
        front.status = None
        time.sleep(2)
        assert len(front.seen) == asked
        page.until_event("first_to_join")


def test_a_get_token_that_does_not_answer_is_given_up_and_asked_again(call, backend):
    page = given(call, backend, "")
    page.page.evaluate("""token => {
        client.close();
        events.length = 0;
        window.asked = 0;
        make({ getToken: () => {
            asked += 1;
            return asked > 1 ? token
                : new Promise((resolve) => { window.late = () => resolve('too.late.now'); });
        } });
    }""", backend.application.token(subject="ann"))
    told = problem(page)
    assert (told["code"], told["final"]) == ("token_unavailable", False)
    assert "10 seconds" in told["message"]
    page.page.evaluate("late()")
    page.until_event("first_to_join")
    assert page.page.evaluate("asked") == 2
    assert len(page.events("socketError")) == 1


def test_a_page_takes_its_place_back_from_a_session_of_its_own_that_was_lost(call, start):
    server = start("--resume-grace-seconds", "5")
    application = server.application()
    with calls.backend(application) as backend:
        before = v1.connect(application, application.token())
        before.join("room", id="id-ann")
        before.drop()
        page = call("ann", at=server.websocket_url, of=backend, sessionId="room")
        page.until("window.entered", 20)
        assert page.events("socketError") == []


def test_a_refused_join_is_final(call, start):
    server = start()
    application = server.application(rooms=["lobby"])
    with calls.backend(application) as backend:
        page = call("ann", at=server.websocket_url, of=backend, sessionId="elsewhere")
        told = problem(page)
        assert (told["code"], told["final"]) == ("room_forbidden", True)
        page.until("client.state === 'closed' && refusal === 'room_forbidden'")
        page.check()


def test_ready_is_broken_by_close_and_nobody_need_wait_for_it(call):
    page = call("ann")
    page.until("window.entered")
    page.page.evaluate("""() => {
        window.unhandled = 0;
        addEventListener('unhandledrejection', () => { unhandled += 1; });
        make({ id: 'another' }).close();
    }""")
    page.until("refusal === 'closed'")
    page.page.evaluate("""async () => {
        const { WebRtcClient } = await import('/webrtc-client.js');
        new WebRtcClient({ sessionId: 'x', getToken: () => 'x' }).close();
        await new Promise((resolve) => setTimeout(resolve, 100));
    }""")
    assert page.page.evaluate("unhandled") == 0


def test_who_gives_no_name_is_a_guest_whatever_its_id(call):
    ann = call("ann")
    ann.until("window.entered")
    bob = call("bob", id="player-\U0001f600-17")
    bob.page.evaluate("client.close(); make({ name: undefined })")
    ann.until("events.some((e) => e.type === 'someone_joined' && e.detail.name === 'Guest')")
    assert ann.events("someone_joined")[-1]["detail"]["peerId"] == "player-\U0001f600-17"
