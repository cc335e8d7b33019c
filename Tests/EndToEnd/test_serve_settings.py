"""Settings of `usher serve`: flags before variables before the file, and wrong ones by name."""

import json
import pathlib
import re
import socket

import pytest

from support import http
from support.peers import connect
from support.server import Server

DOCUMENT = pathlib.Path(__file__).parents[2] / "docs/configuration.md"
FREE = ["--listen", "127.0.0.1:0", "--operator", "127.0.0.1:0"]


def issuer_of(server):
    return http.get(server.url, "/.well-known/oauth-authorization-server").json["issuer"]


def test_ready_is_said_in_one_line_when_both_listeners_accept(server):
    lines = server.stdout.read_text().splitlines()
    assert len(lines) == 1
    assert set(json.loads(lines[0])) == {"event", "url", "operator"}
    assert http.get(server.operator, "/readyz").status == 200
    assert http.get(server.url, "/.well-known/jwks.json").status == 200


def test_flags_beat_variables_and_variables_beat_the_file(start, tmp_path):
    file = tmp_path / "usher.json"
    file.write_text(json.dumps({"issuer": "http://127.0.0.1:3", "max-rooms": 4}))
    with_file = ["--config", file]
    variable = {"USHER_ISSUER": "http://127.0.0.1:2"}
    assert issuer_of(start(*with_file)) == "http://127.0.0.1:3"
    assert issuer_of(start(*with_file, **variable)) == "http://127.0.0.1:2"
    flag = ["--issuer", "http://127.0.0.1:1"]
    assert issuer_of(start(*with_file, *flag, **variable)) == "http://127.0.0.1:1"


def test_the_listener_may_come_from_the_file(start, tmp_path):
    file = tmp_path / "usher.json"
    file.write_text('{"listen": "127.0.0.1:0", "query-token": "deny"}')
    assert start("--config", file, listen=None).url.startswith("http://127.0.0.1:")


def test_files_may_begin_with_a_byte_order_mark(start, tmp_path):
    file, secret = tmp_path / "usher.json", tmp_path / "turn.secret"
    secret.write_text("0123456789abcdef0123\n", encoding="utf-8-sig")
    file.write_text(json.dumps({
        "issuer": "http://127.0.0.1:3", "turn-server": "turn:turn.example:3478",
        "turn-secret-file": str(secret)}), encoding="utf-8-sig")
    assert issuer_of(start("--config", file)) == "http://127.0.0.1:3"


@pytest.mark.parametrize("flag, value, expected", [
    ("--operator-host", "usher:9090", "without a port"),
    ("--operator-host", "*.example", "host name"),
    ("--listen", "nowhere", "port"),
    ("--listen", "127.0.0.1:65536", "65535"),
    ("--listen", "example.com:80", "address"),
    ("--operator", "127.0.0.1", "port"),
    ("--issuer", "ftp://usher.example", "http"),
    ("--issuer", "http://usher.example", "https"),
    ("--issuer", "https://usher.example/?a=b", "query"),
    ("--query-token", "maybe", "one-use"),
    ("--max-message-bytes", "many", "number"),
    ("--max-message-bytes", "-1", "0"),
    ("--max-rooms", "1.5", "number"),
    ("--max-members", "0x10", "number"),
    ("--messages-per-second", "x", "number"),
    ("--message-burst", "x", "number"),
    ("--max-connections", "x", "number"),
    ("--max-connections-per-address", "x", "number"),
    ("--max-connections-per-client", "x", "number"),
    ("--max-connections-per-subject", "x", "number"),
    ("--connections-per-second", "x", "number"),
    ("--connection-burst", "99999999999999999999", "number"),
    ("--trusted-proxy", "10.0.0.0/33", "CIDR"),
    ("--token-requests-per-second", "x", "number"),
    ("--edge-cookie", "two words", "cookie"),
    ("--signing-algorithm", "none", "ES256"),
    ("--signing-algorithm", "HS256", "ES256"),
    ("--config", "/no/such/file.json", "file"),
])
def test_a_wrong_setting_is_named_with_its_value_and_what_was_expected(
        usher, flag, value, expected):
    flags = [*FREE, f"{flag}={value}"]
    if flag in ("--listen", "--operator"):
        kept = FREE[2:] if flag == "--listen" else FREE[:2]
        flags = [*kept, f"{flag}={value}"]
    message = usher.fail("serve", *flags, status=64)
    assert flag in message, message
    assert value in message, message
    assert expected.lower() in message.lower(), message
    assert not list(usher.data.rglob("*.pem")), "keys were made although nothing could start"


def test_the_help_shows_the_documented_settings_with_their_defaults(usher):
    text = usher.run("serve", "--help").stdout
    shown = dict(re.findall(r"^  --([a-z0-9-]+)(.*(?:\n    .*)*)", text, re.M))
    tables = DOCUMENT.read_text().partition("## The function")[0]
    documented = dict(re.findall(r"^\| `([a-z0-9-]+)`[^|]* \| ([^|]*) \|", tables, re.M))
    others = {"config", "version", "tls-key"}
    assert set(shown) - others == set(documented)
    for name, default in documented.items():
        default = default.replace("`", "")
        if default not in ("none", "no"):
            assert f"(default: {default})" in " ".join(shown[name].split()), name


@pytest.mark.parametrize("flags, value", [
    (["--max-rooms", "x", "--max-rooms", "y"], "y"),
    (["--trusted-proxy", "10.0.0.0/8", "--trusted-proxy", "y"], "y"),
    (["--trusted-proxy", "y", "--trusted-proxy", "10.0.0.0/8"], "y"),
])
def test_of_a_flag_that_is_given_twice_the_last_counts_and_all_of_a_list(usher, flags, value):
    message = usher.fail("serve", *FREE, *flags, status=64)
    assert flags[0] in message and f'"{value}"' in message, message


@pytest.mark.parametrize("variable, value", [
    ("USHER_LISTEN", "nowhere"), ("USHER_MAX_ROOMS", "x"), ("USHER_QUERY_TOKEN", "maybe"),
    ("USHER_TRUSTED_PROXY", "10.0.0.0/33"), ("USHER_ALLOW_PLAIN_HTTP", "perhaps"),
])
def test_a_wrong_variable_is_named(usher, variable, value):
    flags = FREE[2:] if variable == "USHER_LISTEN" else FREE
    message = usher.fail("serve", *flags, status=64, **{variable: value})
    assert variable in message and value in message


@pytest.mark.parametrize("content, word", [
    ('{"max-rooms": "x"}', "max-rooms"),
    ('{"max-rooms": -3}', "max-rooms"),
    ('{"max-roms": 3}', "max-roms"),
    ('{"max-rooms": 3, "max-rooms": 4}', "max-rooms"),
    ('{"max-rooms": 3', "JSON"),
    ("[]", "object"),
    ("", "JSON"),
    ('{"query-token": ["deny"]}', "query-token"),
])
def test_a_wrong_configuration_file_is_named_with_its_member(usher, tmp_path, content, word):
    file = tmp_path / "usher.json"
    file.write_text(content)
    message = usher.fail("serve", *FREE, "--config", file, status=64)
    assert "usher.json" in message, message
    assert word in message, message


def test_a_port_in_use_is_named_with_what_to_do(usher):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        for flag, other in (("--listen", "--operator"), ("--operator", "--listen")):
            message = usher.fail("serve", flag, address, other, "127.0.0.1:0")
            assert address in message and flag in message, message


def test_plain_http_off_loopback_needs_a_word_for_it(usher, start):
    message = usher.fail(
        "serve", "--listen", "0.0.0.0:0", "--operator", "127.0.0.1:0", status=64)
    assert "--allow-plain-http" in message and "--trusted-proxy" in message, message
    start("--issuer", "https://usher.example", "--trusted-proxy", "10.0.0.0/8",
          listen="0.0.0.0:0")


def test_the_halves_run_as_two_processes_on_one_data_folder(start):
    auth = start(part="auth")
    issuer = issuer_of(auth)
    signal = Server("--issuer", issuer, part="signal", data=auth.data)
    try:
        application = auth.application("Split")
        token = application.token(rooms="lobby")
        assert http.get(signal.url, "/.well-known/jwks.json").status == 404
        application.server = signal
        with connect(application, token) as peer:
            peer.join("lobby", id="a")
            assert peer.expect("first_to_join") == {"roomId": "lobby"}
        assert signal.stop() == 0
    finally:
        signal.kill()


def test_the_signal_half_names_the_setting_that_it_lacks(usher):
    message = usher.fail("serve", "signal", *FREE, status=64)
    assert "--issuer" in message
