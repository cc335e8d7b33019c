"""Revoking a token, a subject or a client reaches sockets that are open, in either process."""

import sqlite3
import time

import pytest

from support import http
from support.peers import attempt, connect, query
from support.server import Server
from support.waiting import eventually


def revoke(application, **form):
    return http.post_form(
        application.server.url, "/oauth2/revoke", list(form.items()),
        [http.basic(application.id, application.secret)])


def is_active(application, token):
    answer = http.post_form(
        application.server.url, "/oauth2/introspect", [("token", token)],
        [http.basic(application.id, application.secret)])
    assert answer.status == 200, answer.body
    return answer.json["active"]


def closing_of(peer):
    return peer.closing()[0]


def test_a_revoked_token_opens_nothing_and_what_it_opened_is_closed(server):
    application = server.application()
    revoked, other = application.token(subject="ada"), application.token(subject="ada")
    assert is_active(application, revoked)
    with connect(application, revoked) as gone, connect(application, other) as stays:
        assert revoke(application, token=revoked).status == 200
        assert closing_of(gone) == 4501
        assert attempt(server, query(revoked)).status == 401
        assert not is_active(application, revoked)
        assert is_active(application, other)
        stays.join("lobby", id="a")
        assert stays.expect("first_to_join") == {"roomId": "lobby"}


def test_a_revoked_subject_loses_its_sockets_and_others_keep_theirs(server):
    application = server.application()
    tokens = [application.token(subject=name) for name in ("ada", "ada", "grace")]
    peers = [connect(application, token) for token in tokens]
    try:
        assert revoke(application, sub="ada").status == 200
        assert [closing_of(peer) for peer in peers[:2]] == [4501, 4501]
        peers[2].join("lobby", id="g")
        assert peers[2].expect("first_to_join") == {"roomId": "lobby"}
    finally:
        for peer in peers:
            peer.close()


def test_nobody_revokes_another_clients_token(server):
    owner, other = server.application("Owner"), server.application("Other")
    token = owner.token()
    with connect(owner, token) as peer:
        answer = revoke(other, token=token)
        assert answer.status in (200, 400), answer.body
        assert is_active(owner, token)
        peer.join("lobby", id="a")
        assert peer.expect("first_to_join") == {"roomId": "lobby"}


def test_what_the_auth_half_revokes_is_closed_by_the_signal_half(start):
    auth = start(part="auth")
    signal = Server("--issuer", auth.issuer, part="signal", data=auth.data)
    try:
        application = auth.application("Split")
        token = application.token(subject="ada")
        application.server = signal
        with connect(application, token) as peer:
            application.server = auth
            assert revoke(application, token=token).status == 200
            assert closing_of(peer) == 4501
        assert attempt(signal, query(token)).status == 401
    finally:
        signal.kill()


def test_an_operator_revokes_all_of_a_client(server):
    application = server.application()
    token = application.token(subject="ada")
    with connect(application, token) as peer:
        server.usher.succeed("token", "revoke", "--client", application.id, "--all")
        assert closing_of(peer) == 4501
    assert eventually(
        lambda: attempt(server, query(token)).status == 401, "the token is refused")


@pytest.mark.registry_file("rows are written into it")
def test_revoking_less_keeps_nobody_from_revoking_more(server):
    """Where a client's share of single tokens is used up, its sub and all=true, whoever signs out,
    other clients and the operator go on."""
    application = server.application("Much revoked", scopes=["signal", "session"])
    other = server.application("Other")
    with sqlite3.connect(server.data / "usher.sqlite", timeout=30) as registry:
        registry.execute("""
            WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 65536)
            INSERT INTO revocation (kind, name, expires_at, actor, revision, client_id, subject,
                issued_at, share)
            SELECT 'token', 'many' || i, :end, 'client:' || :id, 0, :id, :id || ':u', 0,
                'tokens ' || :id FROM n""", {"id": application.id, "end": int(time.time()) + 60})
    registry.close()
    token = application.token(subject="ada")
    refused = revoke(application, token=token)
    assert (refused.status, refused.error) == (429, "too_many_requests")
    assert "all=true" in refused.json["error_description"]
    assert is_active(application, token)
    assert revoke(other, token=other.token()).status == 200
    session = application.token(scope="session", subject="bob")
    cookie = ("Cookie", f"__Host-usher_session={session}")
    ended = http.request(
        server.url, "DELETE", "/session", [cookie, ("Sec-Fetch-Site", "same-origin")])
    assert ended.status == 204
    assert revoke(application, sub="ada").status == 200
    assert not is_active(application, token)
    server.usher.succeed("token", "revoke", stdin=application.token(subject="carl"))
    assert revoke(application, all="true").status == 200
    assert revoke(application, token=application.token(subject="carl")).status == 200
