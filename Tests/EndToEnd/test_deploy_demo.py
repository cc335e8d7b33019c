"""deploy/aws/demo.Caddyfile, by the command that the documentation shows."""

import subprocess

import pytest

from support import http
from support.proxies import DEPLOY, Application, DemoProxy, demo_command
from support.usher import CHECKOUT, environment, new_folder


@pytest.fixture(scope="module")
def places():
    relay, auth = Application(), Application()
    proxy = DemoProxy(f"http://127.0.0.1:{relay.port}", f"http://127.0.0.1:{auth.port}")
    yield proxy, relay, auth
    proxy.stop()
    relay.close()
    auth.close()


def test_the_socket_goes_to_the_stage_under_the_gateways_own_name(places):
    proxy, relay, auth = places
    offered = ("Sec-WebSocket-Protocol", "usher.v1, usher.bearer.a.b.c")
    assert http.get(proxy.url, "/signal?client=c", [offered]).status == 200
    method, path, fields = relay.seen[-1]
    assert (method, path) == ("GET", "/live?client=c")
    fields = dict(fields)
    assert fields["host"] == f"127.0.0.1:{relay.port}"
    assert fields["sec-websocket-protocol"] == offered[1]
    assert not auth.seen


def test_all_else_goes_to_the_auth_half_as_it_is(places):
    proxy, relay, auth = places
    before = len(relay.seen)
    for path in ("/demo/", "/demo/token?room=a", "/ice-servers", "/signal/check"):
        assert http.get(proxy.url, path).status == 200
        assert auth.seen[-1][1] == path
    assert len(relay.seen) == before


def test_the_command_is_good_for_a_gateway():
    variables, command = demo_command()
    assert variables["USHER_RELAY"].startswith("https://")
    assert command[:2] == ["caddy", "run"]
    ended = subprocess.run(
        ["caddy", "validate", *command[2:]], cwd=CHECKOUT, capture_output=True, text=True,
        timeout=60, check=False, env=environment(new_folder("caddy"), **variables))
    assert ended.returncode == 0, ended.stderr


@pytest.mark.parametrize("path", [
    DEPLOY / "aws" / "demo.Caddyfile", CHECKOUT / "scripts" / "deploy-aws"],
    ids=lambda path: path.name)
def test_it_is_shown_elsewhere_in_the_same_words(path):
    assert " ".join(demo_command()[1]) in path.read_text()
