"""Clients that are registered over HTTP (RFC 7591), and manage their registration (RFC 7592)."""

import json

import pytest

from support import http
from support.peers import attempt, connect, query
from support.registrar import PATH, Registrar, send
from support.server import Application
from support.split import serve
from support.waiting import eventually

EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"


@pytest.fixture(scope="module")
def registrar():
    server = serve("--client-registration")
    yield Registrar(server)
    assert server.stop() == 0


def audited(server):
    entries = map(json.loads, server.usher.succeed("audit", "--json").splitlines())
    return [(entry["actor"], entry["action"], entry["target"]) for entry in entries]


def test_a_client_is_registered_used_read_replaced_and_removed(registrar):
    server = registrar.server
    client = registrar.register(client_name="Shop", usher_rooms=["ticket-*"])
    assert client.json["registration_client_uri"].startswith(server.issuer)
    application = client.application
    token = application.token(rooms="ticket-1", subject="ada")
    assert application.ask(rooms="lobby").status == 400

    read = client.manage("GET")
    assert (read.status, read.header("Cache-Control")) == (200, "no-store")
    shown = {name: value for name, value in client.json.items() if name != "client_secret"}
    assert read.json == shown

    replaced = client.put(client_name="Shop 2", usher_rooms=["lobby"])
    assert replaced.status == 200, replaced.body
    assert replaced.json == {**shown, "client_name": "Shop 2", "usher_rooms": ["lobby"]}
    assert client.manage("GET").json == replaced.json
    assert application.ask(rooms="ticket-1").status == 400
    lobby = application.token(rooms="lobby", subject="ada")

    with connect(application, token) as one, connect(application, lobby) as other:
        removed = client.manage("DELETE")
        assert (removed.status, removed.body) == (204, b"")
        assert [one.closing()[0], other.closing()[0]] == [4501, 4501]
    assert application.ask(rooms="lobby").error == "invalid_client"
    assert attempt(server, query(lobby)).status == 401
    assert client.manage("GET").status == client.manage("DELETE").status == 401
    assert [entry for entry in audited(server) if entry[2] == client.id] == [
        (f"client:{registrar.id}", "client.register", client.id),
        (f"client:{client.id}", "client.update", client.id),
        (f"client:{client.id}", "client.revoke_tokens", client.id),
        (f"client:{client.id}", "client.remove", client.id)]


def test_what_is_registered_shows_in_the_list_and_survives_a_restart(registrar):
    client = registrar.register(client_name="Listed")
    listed = registrar.server.usher.json("client", "list")
    assert client.id in [one["client_id"] for one in listed]
    show = ["client", "show", client.id]
    assert registrar.server.usher.json(*show)["registrar"] == registrar.id
    assert f"{registrar.id}, over HTTP" in registrar.server.usher.succeed(*show)
    second = serve("--client-registration", "--issuer", registrar.server.issuer,
                    data=registrar.server.data)
    try:
        assert send(second, "GET", client.path, client.token).status == 200
    finally:
        second.kill()


def test_where_it_is_off_there_is_nothing(server):
    assert send(server, "POST", PATH, "x", {}).status == 404
    assert send(server, "GET", PATH + "/c_x", "x").status == 404
    metadata = http.get(server.url, "/.well-known/oauth-authorization-server").json
    assert "registration_endpoint" not in metadata


def test_the_metadata_says_where_to_register(registrar):
    server = registrar.server
    metadata = http.get(server.url, "/.well-known/oauth-authorization-server").json
    assert metadata["registration_endpoint"] == server.issuer + PATH
    assert "client:register" in metadata["scopes_supported"]


def test_only_a_token_for_it_registers(registrar):
    plain = Application(registrar.server, *registrar.server.usher.add_client("Plain"))
    for token, status, error in [
            ("", 401, "unauthorized"), ("a.b.c", 401, "invalid_token"),
            (plain.token(), 403, "insufficient_scope")]:
        answer = registrar.post({}, token)
        assert (answer.status, answer.error) == (status, error)
        assert answer.header("WWW-Authenticate").startswith('Bearer realm="usher"')
        assert ("error=" in answer.header("WWW-Authenticate")) == (error != "unauthorized")


def test_a_client_without_the_scope_is_issued_no_initial_token(registrar):
    client_id, _ = registrar.server.usher.add_client("Plain")
    message = registrar.server.usher.fail(
        "token", "issue", client_id, "--scope", "client:register", "--issuer",
        registrar.server.issuer, status=64)
    assert "--scope" in message and "client:register" in message


def test_an_initial_token_is_taken_back_by_revocation(registrar):
    token = registrar.issue()
    assert registrar.post({}, token).status == 201
    registrar.server.usher.succeed("token", "revoke", stdin=token)
    assert eventually(
        lambda: registrar.post({}, token).error == "invalid_token", "the token is refused")


def test_a_disabled_registrar_registers_nobody(registrar):
    other = Registrar(registrar.server)
    client = other.register(scope="signal")
    other.server.usher.succeed("client", "disable", other.id)
    assert eventually(lambda: other.post({}).error == "invalid_token", "the token is refused")
    assert client.put(scope="signal").status == 200
    assert client.put(scope="signal session").error == "invalid_client_metadata"


@pytest.mark.parametrize("metadata, member", [
    ({"client_id": "c_mine"}, "client_id"), ({"client_secret": "mine"}, "client_secret"),
    ({"scope": "admin"}, "scope"), ({"scope": "client:register"}, "scope"),
    ({"grant_types": ["authorization_code"]}, "grant_types"),
    ({"response_types": ["code"]}, "response_types"),
    ({"token_endpoint_auth_method": "none"}, "token_endpoint_auth_method"),
    ({"token_endpoint_auth_method": "private_key_jwt"}, "jwks"),
    ({"jwks": {"keys": [{"kty": "oct", "k": "A" * 64}]}}, "jwks"),
    ({"jwks_uri": "https://a.example/keys"}, "jwks_uri"),
    ({"jwks_uri": "https://a.example/keys", "jwks": {"keys": []}}, "exclude each other"),
    ({"usher_rooms": []}, "usher_rooms"), ({"usher_origins": ["*"]}, "usher_origins"),
    ({"usher_token_lifetime": 3601}, "usher_token_lifetime"),
])
def test_metadata_that_cannot_be_is_refused_by_name(registrar, metadata, member):
    answer = registrar.post(metadata)
    assert (answer.status, answer.error) == (400, "invalid_client_metadata")
    assert member in answer.json["error_description"]


@pytest.mark.parametrize("body", [
    b"", b"[]", b'{"scope": "a", "scope": "b"}', b"{", b'{"client_name": "\xff"}'])
def test_a_body_that_is_no_strict_json_object_is_refused(registrar, body):
    assert registrar.post(body).error == "invalid_request"


def test_a_body_of_more_than_16_kib_is_refused(registrar):
    assert registrar.post(b"{" + b" " * 16_383 + b"}").status == 413
    assert registrar.post(b"{" + b" " * 16_382 + b"}").status == 201


def test_metadata_of_other_flows_is_ignored(registrar):
    client = registrar.register(
        redirect_uris=["https://a.example/back"], contacts=["a@a.example"], logo_uri="x")
    assert not {"redirect_uris", "contacts", "logo_uri"} & set(client.json)


def test_a_client_asks_for_the_grants_that_it_registered(registrar):
    application = registrar.register(grant_types=[EXCHANGE]).application
    assert application.ask().error == "unauthorized_client"


def test_unknown_client_and_wrong_token_look_the_same(registrar):
    client, other = registrar.register(), registrar.register()
    for method in ("GET", "PUT", "DELETE"):
        wrong = client.manage(method, token=other.token)
        unknown = send(registrar.server, method, PATH + "/c_unknown", client.token)
        assert wrong.status == unknown.status == 401
        assert wrong.body == unknown.body
        drop = {"date"}
        assert ([f for f in wrong.fields if f[0].lower() not in drop]
                == [f for f in unknown.fields if f[0].lower() not in drop])
    assert client.manage("GET").status == 200


def test_wrong_tokens_are_slowed_down(registrar):
    client = registrar.register()
    statuses = [client.manage("GET", token="rt_wrong").status for _ in range(11)]
    assert statuses == [401] * 10 + [429]
    assert int(client.manage("GET", token="rt_wrong").header("Retry-After")) >= 1
    assert client.manage("GET").status == 200
    assert client.application.ask().status == 200


@pytest.mark.parametrize("metadata, member", [
    ({"client_id": "c_other"}, "client_id"), ({"client_id": None}, "client_id"),
    ({"client_secret": "chosen"}, "client_secret"),
    ({"registration_access_token": "x"}, "registration_access_token"),
    ({"client_id_issued_at": 1}, "client_id_issued_at"), ({"scope": "admin"}, "scope"),
])
def test_a_replacement_that_cannot_be_is_refused_by_name(registrar, metadata, member):
    client = registrar.register()
    answer = client.put(**metadata)
    assert (answer.status, answer.error) == (400, "invalid_client_metadata")
    assert member in answer.json["error_description"]
    assert client.manage("GET").json["scope"] == "signal"


def test_the_current_secret_may_stand_in_a_replacement(registrar):
    client = registrar.register()
    assert client.put(client_secret=client.json["client_secret"]).status == 200
    assert client.application.ask().status == 200


def test_a_disabled_client_manages_nothing(registrar):
    client = registrar.register()
    registrar.server.usher.succeed("client", "disable", client.id)
    for method in ("GET", "DELETE"):
        assert client.manage(method).error == "access_denied"
    registrar.server.usher.succeed("client", "enable", client.id)
    assert client.manage("DELETE").status == 204


def test_a_client_that_an_operator_added_has_no_registration(registrar):
    client_id, secret = registrar.server.usher.add_client("Plain")
    for token in (secret, registrar.token, "rt_"):
        answer = send(registrar.server, "GET", f"{PATH}/{client_id}", token)
        assert (answer.status, answer.error) == (401, "invalid_token")


def test_an_address_has_its_rate(start):
    server = start("--client-registration", "--address-requests-per-second", "1")
    answers = [send(server, "POST", PATH, "x", {}).status for _ in range(20)]
    assert 429 in answers


def test_the_signal_half_registers_nobody(usher):
    message = usher.fail(
        "serve", "signal", "--issuer", "http://127.0.0.1:8080", "--client-registration", status=64)
    assert "client-registration" in message


def test_an_origin_is_the_operators_to_give(registrar):
    server = registrar.server
    server.usher.add_client("Shop", origins=["https://shop.example"])
    for origin in ["https://shop.example", server.issuer]:
        refused = registrar.post({"usher_origins": [origin]})
        assert (refused.status, refused.error) == (400, "invalid_client_metadata")
        assert "usher_origins" in refused.json["error_description"]
        assert origin in refused.json["error_description"]
    squatter = registrar.register(usher_origins=["https://new.example", "https://other.example"])
    taken = registrar.register()
    refused = taken.put(usher_origins=["https://new.example"])
    assert (refused.status, refused.error) == (400, "invalid_client_metadata")
    server.usher.add_client("Newcomer", origins=["https://new.example"])
    assert squatter.manage("GET").json["usher_origins"] == ["https://other.example"]
    assert "origin https://new.example taken for" in server.usher.succeed("audit")


def test_the_issuers_origin_is_taken_from_whoever_had_it_before(start):
    first = start("--client-registration", "--issuer", "https://old.example")
    squatter = Registrar(first).register(
        usher_origins=["https://new.example", "wss://new.example", "https://shop.example"])
    assert first.stop() == 0
    second = start("--client-registration", "--issuer", "https://new.example", data=first.data)
    shown = second.usher.json("client", "show", squatter.id)
    assert shown["origins"] == ["https://shop.example"]
    assert "origin wss://new.example taken for the service" in second.usher.succeed("audit")


def test_a_client_that_changes_nothing_writes_nothing_and_others_write_so_often(registrar):
    client = registrar.register(client_name="Quiet")
    lines = len(registrar.server.usher.succeed("audit", "--limit", "0").splitlines())
    answers = [client.put(client_name="Quiet") for _ in range(120)]
    assert {answer.status for answer in answers} == {200, 429}
    refused = next(answer for answer in answers if answer.status == 429)
    assert refused.error == "too_many_requests" and refused.header("Retry-After") == "1"
    after = len(registrar.server.usher.succeed("audit", "--limit", "0").splitlines())
    assert after == lines
