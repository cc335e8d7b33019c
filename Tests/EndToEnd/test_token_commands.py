"""`usher token …`: tokens by hand, always through stdin and stdout, never as arguments."""

import json
import re
import time

import pytest

from support import forging, http, ledger
from support.waiting import eventually

ISSUER = ["--issuer", "https://meet.example"]
WITHIN_A_SECOND = 1.5  # The promise is a second; the rest is for a busy machine.


@pytest.fixture(scope="module")
def service(server):
    """A data folder with keys and clients; its server runs, as it may."""
    server.usher.issuer = server.issuer
    return server.usher


def issue(usher, client_id, *flags, issuer=None):
    place = ["--issuer", issuer or usher.issuer]
    token = usher.succeed("token", "issue", client_id, *place, *flags)
    assert token.endswith("\n") and token.count("\n") == 1, "the token alone on stdout"
    return ledger.remember(token.strip(), "a token issued by hand")


def verify(usher, token, *flags):
    return usher.run("token", "verify", "--issuer", usher.issuer, *flags, stdin=token)


def code_of(done):
    """The stable code of a rejection."""
    assert done.returncode == 1, done.stdout + done.stderr
    return done.stderr.split("usher: ")[-1].split(":")[0]


def claims_of(token):
    return json.loads(forging.decode(token.split(".")[1]))


def test_a_token_issued_by_hand_is_one_of_the_service(service, server, application):
    token = issue(service, application.id, "--subject", "alice", "--name", "Alice",
                  "--rooms", "lobby", "--rooms", "match-*", "--expires-in", "60")
    claims = claims_of(token)
    assert claims["iss"] == claims["aud"] == server.issuer
    assert claims["sub"] == f"{application.id}:alice"
    assert (claims["client_id"], claims["name"]) == (application.id, "Alice")
    assert claims["rooms"] == ["lobby", "match-*"]
    assert claims["exp"] - claims["iat"] == 60
    verified = verify(service, token, "--json")
    assert verified.returncode == 0, verified.stderr
    assert json.loads(verified.stdout)["claims"] == claims


def test_without_wishes_it_carries_the_whole_grant_but_session(service):
    client_id, _ = service.add_client(
        "Granted", rooms=["a-*", "b"], scopes=["signal", "session", "other"])
    claims = claims_of(issue(service, client_id))
    assert (claims["sub"], claims["scope"]) == (client_id, "signal other")
    assert claims["rooms"] == ["a-*", "b"]
    assert claims["exp"] - claims["iat"] == 600


def test_json_gives_the_members_of_a_token_response(service, application):
    answer = service.json("token", "issue", application.id, "--issuer", service.issuer,
                          "--subject", "bob", "--audience", "https://other.example")
    ledger.remember(answer["access_token"], "a token issued by hand")
    claims = claims_of(answer["access_token"])
    assert (answer["token_type"], answer["expires_in"]) == ("Bearer", 600)
    assert answer["expires_at"] == claims["exp"] and answer["jti"] == claims["jti"]
    assert answer["aud"] == [claims["aud"]] == ["https://other.example"]


def test_the_scope_session_makes_a_session_token_and_needs_a_subject(service):
    client_id, _ = service.add_client("Sessions", scopes=["signal", "session"])
    message = service.fail("token", "issue", client_id, *ISSUER, "--scope", "session", status=64)
    assert "--subject" in message
    token = issue(service, client_id, "--scope", "session", "--subject", "carol")
    assert json.loads(forging.decode(token.split(".")[0]))["typ"] == "usher-session+jwt"


@pytest.mark.parametrize("flag, value, word", [
    ("--rooms", "elsewhere", "own-*"), ("--rooms", "two words", "white space"),
    ("--scope", "session", "signal"), ("--expires-in", "0", "900"),
    ("--expires-in", "901", "900"), ("--expires-in", "soon", "expires-in"),
    ("--subject", "s" * 257, "bytes"), ("--name", "a\nb", "control"),
    ("--issuer", "ftp://meet.example", "https"),
])
def test_what_is_not_granted_is_named_by_its_flag(service, flag, value, word):
    added = service.json("client", "add", "Narrow", "--rooms", "own-*", "--lifetime", "900")
    ledger.remember_client(added["client_id"], added["client_secret"])
    flags = [] if flag == "--issuer" else ISSUER
    message = service.fail("token", "issue", added["client_id"], *flags, f"{flag}={value}",
                           status=64)
    assert flag in message and word in message, message


def test_the_lifetime_is_the_clients_where_that_is_shorter(service):
    added = service.json("client", "add", "Short", "--lifetime", "90")
    ledger.remember_client(added["client_id"], added["client_secret"])
    claims = claims_of(issue(service, added["client_id"]))
    assert claims["exp"] - claims["iat"] == 90


def test_no_token_for_an_unknown_or_disabled_client(service):
    client_id, _ = service.add_client("Out")
    service.succeed("client", "disable", client_id)
    assert "disabled" in service.fail("token", "issue", client_id, *ISSUER)
    assert "c_nobody" in service.fail("token", "issue", "c_nobody", *ISSUER)


def test_issuing_makes_no_key(usher):
    client_id, _ = usher.add_client("Early")
    message = usher.fail("token", "issue", client_id, *ISSUER)
    assert "key" in message
    assert not list(usher.data.rglob("*.pem"))


def test_the_issuer_comes_from_the_settings_of_the_service(service, application):
    token = service.succeed(
        "token", "issue", application.id, USHER_ISSUER="https://variable.example",
        USHER_AUDIENCE="https://audience.example").strip()
    ledger.remember(token, "a token issued by hand")
    claims = claims_of(token)
    assert (claims["iss"], claims["aud"]) == ("https://variable.example",
                                              "https://audience.example")


def test_issuing_is_noted_in_the_audit_log_without_the_token(service, application):
    token = issue(service, application.id, "--subject", "dora")
    entry = json.loads(service.succeed("audit", "--json", "--limit", "1"))
    assert (entry["action"], entry["target"]) == ("token.issue", application.id)
    assert claims_of(token)["jti"] in entry["details"] and "dora" in entry["details"]
    assert token.split(".")[2] not in json.dumps(entry)


# Inspecting


def test_inspecting_says_that_nothing_is_verified(service, application):
    token = issue(service, application.id, "--subject", "erik")
    printed = service.succeed("token", "inspect", stdin=token + "\n")
    assert printed.startswith("NOT VERIFIED")
    assert f"{application.id}:erik" in printed and "at+jwt" in printed
    moment = time.strftime("%Y-%m-%dT%H:%M", time.gmtime(claims_of(token)["exp"]))
    assert moment in printed and re.search(r"in (9|10) min", printed)
    seen = service.json("token", "inspect", stdin=token)
    assert seen["verified"] is False
    assert seen["claims"] == claims_of(token) and seen["header"]["typ"] == "at+jwt"


def test_inspecting_needs_neither_registry_nor_keys_nor_a_true_signature(usher):
    forged = ".".join([forging.encode('{"alg":"none"}'), forging.encode('{"exp":1}'), "AAAA"])
    assert "1970-01-01T00:00:01Z" in usher.succeed("token", "inspect", stdin=forged)


def test_what_a_token_says_cannot_move_the_cursor(usher):
    claims = json.dumps({"name": "\u001b[2J\u202e\u009b", "a\u009bb": 1}, ensure_ascii=False)
    forged = f"{forging.encode('{}')}.{forging.encode(claims)}.AAAA"
    printed = usher.succeed("token", "inspect", stdin=forged)
    assert not {"\u001b", "\u202e", "\u009b"} & set(printed)


@pytest.mark.parametrize("text, word", [
    ("", "stdin"), ("abc", "three parts"), ("e30.e30=.AAAA", "base64url"),
    ("e30.W10.AAAA", "JSON object"), ("e30.eyJhIjoxLCJhIjoyfQ.AAAA", "JSON object"),
    ("A" * 9000, "8192"),
])
def test_what_is_no_token_is_refused_with_the_reason(usher, text, word):
    assert word in usher.fail("token", "inspect", stdin=text)


def test_a_token_in_the_arguments_is_refused(usher):
    for command in ("inspect", "verify", "revoke"):
        usher.fail("token", command, "e30.e30.AAAA", status=64)


# Verifying


@pytest.fixture(scope="module")
def forger(application):
    return forging.Forger(application)


def test_each_rejection_has_its_code(service, forger):
    past = forging.now() - 1000
    for token, code in [
        (forger.with_claims(exp=past), "token_expired"),
        (forger.with_claims(iss="https://other.example"), "token_issuer"),
        (forger.with_claims(aud="https://other.example"), "token_audience"),
        (forger.with_claims(jti=None), "token_claim_missing"),
        (forger.with_header(typ="JWT"), "token_type"),
        (forger.with_header(kid="other"), "token_key_unknown"),
        (forger.with_signature(lambda _: bytes(64)), "token_signature"),
        ("a.b", "token_not_compact"),
        ("A" * 8300, "token_too_long"),
    ]:
        assert code_of(verify(service, token)) == code
    rejected = verify(service, forger.with_claims(exp=past), "--json")
    assert json.loads(rejected.stdout) == {"valid": False, "code": "token_expired"}


def test_a_genuine_token_is_good_and_its_end_is_shown(service, application):
    done = verify(service, application.token(subject="frida"))
    assert done.returncode == 0 and "is good for another" in done.stdout
    assert done.stderr == ""


def test_a_token_of_a_disabled_client_is_rejected(service, server):
    application = server.application("Disabled later")
    token = application.token()
    service.succeed("client", "disable", application.id)
    assert code_of(verify(service, token)) == "client_not_enabled"


@pytest.mark.registry_file("a folder without one")
def test_without_a_registry_it_says_that_revocation_was_not_checked(service, application, tmp_path):
    done = verify(service, application.token(), "--data", tmp_path, "--keys",
                  service.data / "keys", "--json")
    assert done.returncode == 0
    assert json.loads(done.stdout)["revocation_checked"] is False
    assert "revocation was not checked" in done.stderr


# Revoking


def test_a_revoked_token_is_rejected_and_no_other(service, application):
    token, other = application.token(subject="gerd"), application.token(subject="gerd")
    printed = service.succeed("token", "revoke", stdin=token)
    assert claims_of(token)["jti"] in printed and token not in printed
    assert code_of(verify(service, token)) == "token_revoked"
    assert verify(service, other).returncode == 0
    service.succeed("token", "revoke", stdin=token)  # Once more does no harm.


def test_the_tokens_of_one_user_are_revoked(service, server):
    application = server.application("Users")
    hers, his = application.token(subject="ida"), application.token(subject="jan")
    answer = service.json("token", "revoke", "--client", application.id, "--subject", "ida")
    assert (answer["state"], answer["sub"]) == ("revoked", f"{application.id}:ida")
    assert code_of(verify(service, hers)) == "token_revoked"
    assert verify(service, his).returncode == 0


def test_all_tokens_of_a_client_are_revoked_and_later_ones_are_good(service, server):
    application = server.application("All")
    tokens = [application.token(), application.token(subject="kai")]
    service.succeed("token", "revoke", "--client", application.id, "--all")
    assert {code_of(verify(service, token)) for token in tokens} == {"token_revoked"}

    def a_new_one_is_good():
        return verify(service, application.token()).returncode == 0

    eventually(a_new_one_is_good, "tokens of the next second are good", within=5)


def test_only_tokens_of_our_own_keys_can_be_revoked(service, forger):
    forged = forger.with_signature(lambda _: bytes(64))
    assert "token_signature" in service.fail("token", "revoke", stdin=forged)


def test_an_expired_token_needs_no_revoking(service, forger):
    expired = forger.with_claims(exp=forging.now() - 1000)
    assert "ended already" in service.succeed("token", "revoke", stdin=expired)


@pytest.mark.parametrize("flags", [
    ["--subject", "ida"], ["--all"], ["--client", "c_x"],
    ["--client", "c_x", "--subject", "ida", "--all"],
])
def test_half_a_wish_revokes_nothing(usher, flags):
    message = usher.fail("token", "revoke", *flags, status=64)
    assert "--client" in message


def test_an_unknown_client_has_nothing_to_revoke(service):
    assert "c_nobody" in service.fail("token", "revoke", "--client", "c_nobody", "--all")


def test_revocations_are_noted_with_who_made_them(service, server):
    application = server.application("Audited")
    token = application.token()
    service.succeed("token", "revoke", stdin=token)
    service.succeed("token", "revoke", "--client", application.id, "--subject", "lea")
    service.succeed("token", "revoke", "--client", application.id, "--all")
    entries = [json.loads(line) for line in
               service.succeed("audit", "--json", "--limit", "3").splitlines()]
    assert [entry["action"] for entry in entries] == [
        "token.revoke", "subject.revoke", "client.revoke_tokens"]
    assert [entry["target"] for entry in entries] == [
        claims_of(token)["jti"], f"{application.id}:lea", application.id]
    assert all(entry["actor"].startswith("cli:") for entry in entries)


def test_the_service_still_answers(server):
    assert http.get(server.operator, "/readyz").status == 200
