"""Revoking a token, a subject or a client reaches sockets that are open, in either process."""

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
