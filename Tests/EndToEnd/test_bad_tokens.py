"""Each class of bad token (docs/threat-model.md) is refused at the handshake.

Where it can be, the token is signed with the server's own key, so that nothing but the fault named
can be the reason of the refusal.
"""

import base64
import json

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa

from support import chance
from support.forging import Forger, encode, fresh_id, now, raw_signature
from support.peers import attempt, query

pytestmark = pytest.mark.homes
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551  # of P-256


@pytest.fixture(scope="module")
def forger(application):
    return Forger(application, rooms="lobby")


def with_bearer(server, token):
    return attempt(server, "/", [("Authorization", f"Bearer {token}")])


def test_a_forged_token_without_a_fault_is_let_in(home, forger):
    """Else the refusals below would prove nothing."""
    for token in (forger.sign(), forger.with_claims(), forger.with_claims(aud=[home.issuer]),
                  forger.with_header(typ="application/at+jwt"), forger.with_claims(nbf=now()),
                  forger.with_claims(unheard_of={"of": [1, None]}),
                  forger.with_claims(exp=now() + 60)):
        assert with_bearer(home, token).status == 101, token


def flipped(data, at=5):
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1:]


def own_key_jwk(key):
    numbers = key.public_key().public_numbers()
    return {"kty": "EC", "crv": "P-256", "x": encode(numbers.x.to_bytes(32, "big")),
            "y": encode(numbers.y.to_bytes(32, "big"))}


def signed_by_stranger(forger, **header):
    key = ec.generate_private_key(ec.SECP256R1())
    merged = {**forger.header, **header}
    if "jwk" in header:
        merged["jwk"] = own_key_jwk(key)
    return forger.sign(header=merged, key=key)


def raw_rs(r, s):
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def der_signature(forger):
    return forger.with_signature(lambda data: forger.key.sign(data, ec.ECDSA(hashes.SHA256())))


def with_trailing_bits(token):
    """The same 64 octets of signature, spelled with the unused bits of the last letter set."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return token[:-1] + alphabet[alphabet.index(token[-1]) | 1]


def parts(forger):
    return forger.genuine.split(".")


SIGNATURES = {
    "alg none": lambda f: f.sign(header={**f.header, "alg": "none"}).rsplit(".", 1)[0] + ".",
    "alg nOnE with a signature": lambda f: f.with_header(alg="nOnE"),
    "alg missing": lambda f: f.with_header(alg=None),
    "alg in lower case": lambda f: f.with_header(alg="es256"),
    "alg of another family": lambda f: f.with_header(alg="RS256"),
    "alg of another curve": lambda f: f.with_header(alg="ES384"),
    "alg no string": lambda f: f.with_header(alg=["ES256"]),
    "empty signature": lambda f: f.with_signature(lambda _: b""),
    "missing signature": lambda f: f.genuine.rsplit(".", 1)[0],
    "HS256 with the public PEM": lambda f: f.sign(
        header={**f.header, "alg": "HS256"}, key=f.public_pem()),
    "HS256 with an empty key": lambda f: f.sign(header={**f.header, "alg": "HS256"}, key=b"\0"),
    "flipped bit": lambda f: f.with_signature(lambda data: flipped(raw_signature(f.key, data))),
    "signed by a stranger": signed_by_stranger,
    "key in the header": lambda f: signed_by_stranger(f, jwk=True),
    "key by URL": lambda f: signed_by_stranger(f, jku="http://127.0.0.1:1/jwks.json"),
    "certificate by URL": lambda f: signed_by_stranger(f, x5u="http://127.0.0.1:1/cert"),
    "certificate in the header": lambda f: signed_by_stranger(f, x5c=["MAo="]),
    "psychic signature": lambda f: f.with_signature(lambda _: bytes(64)),
    "r is zero": lambda f: f.with_signature(
        lambda data: bytes(32) + raw_signature(f.key, data)[32:]),
    "s is zero": lambda f: f.with_signature(
        lambda data: raw_signature(f.key, data)[:32] + bytes(32)),
    "r is the order": lambda f: f.with_signature(lambda _: raw_rs(ORDER, 1)),
    "r and s are the order": lambda f: f.with_signature(lambda _: raw_rs(ORDER, ORDER)),
    "DER signature": der_signature,
    "65 bytes of signature": lambda f: f.with_signature(
        lambda data: raw_signature(f.key, data) + b"\0"),
    "63 bytes of signature": lambda f: f.with_signature(
        lambda data: raw_signature(f.key, data)[:63]),
}

FORMS = {
    "padding": lambda f: f.genuine + "==",
    "padding inside": lambda f: f.genuine.replace(".", "=.", 1),
    "trailing bits": lambda f: with_trailing_bits(f.genuine),
    "plain base64": lambda f: f.with_signature(
        lambda data: base64.b64encode(b"\xfb\xff" + raw_signature(f.key, data)[2:]).decode()
        .rstrip("=")),
    "one letter too many": lambda f: f.genuine + "A",
    "two parts": lambda f: ".".join(parts(f)[:2]),
    "four parts": lambda f: f.genuine + "." + parts(f)[2],
    "five parts": lambda f: ".".join([*parts(f), "AA", "AA"]),
    "many dots": lambda f: "." * 7000,
    "huge": lambda f: f.with_claims(filler="x" * 7000),
    "empty parts": lambda f: "..",
    "empty header": lambda f: "." + ".".join(parts(f)[1:]),
    "empty payload": lambda f: f.sign(claims=""),
    "nested": lambda f: f.sign(claims=f.genuine, header={**f.header, "cty": "JWT"}),
    "detached payload": lambda f: f.genuine.replace(parts(f)[1], ""),
}

HEADERS = {
    "no typ": lambda f: f.with_header(typ=None),
    "typ JWT": lambda f: f.with_header(typ="JWT"),
    "session token": lambda f: f.with_header(typ="usher-session+jwt"),
    "client assertion": lambda f: f.with_header(typ="client-authentication+jwt"),
    "crit": lambda f: f.with_header(crit=["exp"], exp=1),
    "crit unknown": lambda f: f.with_header(crit=["http://example.invalid"]),
    "crit empty": lambda f: f.with_header(crit=[]),
    "b64 false": lambda f: f.with_header(b64=False, crit=["b64"]),
    "b64 false without crit": lambda f: f.with_header(b64=False),
    "zip": lambda f: f.with_header(zip="DEF"),
    "duplicate alg": lambda f: f.with_header_text('"alg":', '"alg":"none","alg":'),
    "duplicate kid, escaped": lambda f: f.with_header_text('"kid":', '"k\\u0069d":"a","kid":'),
    "no kid": lambda f: f.with_header(kid=None),
    "unknown kid": lambda f: f.with_header(kid=fresh_id()),
    "empty kid": lambda f: f.with_header(kid=""),
    "kid a path": lambda f: f.with_header(kid="../../../../dev/null"),
    "kid SQL": lambda f: f.with_header(kid="' OR 1=1 --"),
    "kid with NUL": lambda f: f.with_header(kid=f.header["kid"] + "\0"),
    "kid long": lambda f: f.with_header(kid="k" * 4000),
    "kid a number": lambda f: f.with_header(kid=1),
    "header an array": lambda f: f.sign(header="[]"),
    "header with trailing bytes": lambda f: f.sign(header=json.dumps(f.header) + "{}"),
    "header with a BOM": lambda f: f.sign(header="\ufeff" + json.dumps(f.header)),
    "header no UTF-8": lambda f: f.sign(
        header=json.dumps(f.header).encode()[:-1] + b',"a":"\xff"}'),
    "header with a lone surrogate": lambda f: f.with_header_text('"typ":', '"a":"\\ud800","typ":'),
    "header deep": lambda f: f.with_header_text(
        '"typ":', '"a":' + "[" * 900 + "]" * 900 + ',"typ":'),
}

CLAIMS = {
    "expired": lambda f: f.with_claims(exp=now() - 120),
    "no exp": lambda f: f.with_claims(exp=None),
    "exp a string": lambda f: f.with_claims(exp=str(now() + 60)),
    "exp endless": lambda f: f.with_claims_text(f'"exp":{f.claims["exp"]}', '"exp":1e400'),
    "exp too large": lambda f: f.with_claims(exp=2**63),
    "exp negative": lambda f: f.with_claims(exp=-1),
    "exp null": lambda f: f.with_claims_text(f'"exp":{f.claims["exp"]}', '"exp":null'),
    "exp true": lambda f: f.with_claims(exp=True),
    "nbf to come": lambda f: f.with_claims(nbf=now() + 300),
    "nbf a string": lambda f: f.with_claims(nbf="0"),
    "iat to come": lambda f: f.with_claims(iat=now() + 300),
    "no iat": lambda f: f.with_claims(iat=None),
    "wrong issuer": lambda f: f.with_claims(iss="http://127.0.0.1:1"),
    "issuer's prefix": lambda f: f.with_claims(iss=f.claims["iss"][:-1]),
    "issuer with a tail": lambda f: f.with_claims(iss=f.claims["iss"] + "/"),
    "issuer a list": lambda f: f.with_claims(iss=[f.claims["iss"]]),
    "no issuer": lambda f: f.with_claims(iss=None),
    "wrong audience": lambda f: f.with_claims(aud="http://127.0.0.1:1"),
    "audience's part": lambda f: f.with_claims(aud=f.claims["iss"][:-1]),
    "audience in a longer text": lambda f: f.with_claims(aud=f.claims["iss"] + " other"),
    "audience empty": lambda f: f.with_claims(aud=[]),
    "no audience": lambda f: f.with_claims(aud=None),
    "no subject": lambda f: f.with_claims(sub=None),
    "no client": lambda f: f.with_claims(client_id=None),
    "unknown client": lambda f: f.with_claims(client_id="nobody", sub="nobody"),
    "no jti": lambda f: f.with_claims(jti=None),
    "bound to a key (RFC 9449 §7.2)": lambda f: f.with_claims(cnf={"jkt": fresh_id()}),
    "rooms a string": lambda f: f.with_claims(rooms="lobby"),
    "rooms of a wrong form": lambda f: f.with_claims(rooms=["a*b"]),
    "scope a list": lambda f: f.with_claims(scope=["signal"]),
    "duplicate exp": lambda f: f.with_claims_text('"exp":', '"exp":1,"exp":'),
    "duplicate sub, escaped": lambda f: f.with_claims_text('"sub":', '"s\\u0075b":"x","sub":'),
    "claims an array": lambda f: f.sign(claims="[]"),
    "claims with trailing bytes": lambda f: f.sign(claims=json.dumps(f.claims) + " {}"),
    "claims no UTF-8": lambda f: f.sign(
        claims=json.dumps(f.claims).encode()[:-1] + b',"a":"\xff"}'),
    "claims altered after signing": lambda f: ".".join(
        [parts(f)[0], encode(json.dumps({**f.claims, "rooms": ["*"]})), parts(f)[2]]),
}


NEEDS = {"unknown client": "registry", "huge": "its own handshake"}


def named(*faults):
    return [pytest.param(fault, marks=[pytest.mark.needs(NEEDS[fault])] if fault in NEEDS else [])
            for fault in faults]


@pytest.mark.parametrize("fault", named(*SIGNATURES, *FORMS, *HEADERS, *CLAIMS))
def test_a_token_with_this_fault_is_refused(home, forger, fault):
    token = {**SIGNATURES, **FORMS, **HEADERS, **CLAIMS}[fault](forger)
    answer = with_bearer(home, token)
    assert answer.status == 401, (answer.status, answer.body)
    if home.shows_refusals:
        assert answer.error == "invalid_token"
        assert 'error="invalid_token"' in answer.header("WWW-Authenticate")
    assert token not in answer.body.decode()


def test_what_no_bearer_can_look_like_is_a_bad_request(home, forger):
    header, payload, signature = parts(forger)
    json_form = {"protected": header, "payload": payload, "signature": signature}
    for text in (f"{header}. {payload}.{signature}", json.dumps(json_form)):
        answer = with_bearer(home, text)
        assert answer.status == 400
        assert not home.shows_refusals or answer.error == "invalid_request", answer.body


@pytest.mark.parametrize("fault", named("alg none", "expired", "signed by a stranger", "huge"))
def test_the_query_and_the_subprotocol_are_no_side_doors(home, forger, fault):
    token = {**SIGNATURES, **FORMS, **CLAIMS}[fault](forger)
    assert attempt(home, query(token)).status == 401
    offer = ("Sec-WebSocket-Protocol", f"usher.v1, usher.bearer.{token}")
    assert attempt(home, "/", [offer]).status == 401


@pytest.mark.one_process("a proxy may lose the answer to a header that nobody reads to its end")
@pytest.mark.needs("no proxy")
@pytest.mark.needs("its own handshake")
def test_a_token_larger_than_any_header_is_refused(home, forger):
    answer = with_bearer(home, forger.with_claims(filler="x" * 100_000))
    assert answer.status in (400, 401, 413, 431)


def test_another_servers_token_is_refused(home, start):
    elsewhere = start().application()
    assert with_bearer(home, elsewhere.token()).status == 401


def test_rsa_signatures_are_checked_strictly(start_home):
    server = start_home("--signing-algorithm", "RS256")
    forger = Forger(server.application())
    assert with_bearer(server, forger.with_claims()).status == 101
    stranger = rsa.generate_private_key(65537, 2048)
    pss = padding.PSS(padding.MGF1(hashes.SHA256()), 32)
    for token in (
        forger.sign(key=stranger),
        forger.with_signature(lambda data: forger.key.sign(data, pss, hashes.SHA256())),
        forger.with_signature(
            lambda data: forger.key.sign(data, padding.PKCS1v15(), hashes.SHA512())),
        forger.with_signature(lambda data: b"\0" + raw_signature(forger.key, data)),
        forger.with_signature(lambda data: chance.of("a signature").randbytes(256)),
        forger.sign(header={**forger.header, "alg": "HS256"}, key=forger.public_pem()),
        forger.sign(header={**forger.header, "alg": "PS256"}),
    ):
        assert with_bearer(server, token).status == 401


def test_eddsa_signatures_are_checked_strictly(start_home):
    server = start_home("--signing-algorithm", "EdDSA")
    forger = Forger(server.application())
    assert with_bearer(server, forger.with_claims()).status == 101
    group_order = 2**252 + 27742317777372353535851937790883648493

    def with_larger_s(data):
        signature = raw_signature(forger.key, data)
        s = int.from_bytes(signature[32:], "little") + group_order
        return signature[:32] + s.to_bytes(32, "little")

    for token in (
        forger.sign(key=ed25519.Ed25519PrivateKey.generate()),
        forger.with_signature(with_larger_s),
        forger.with_signature(lambda data: bytes([1]) + bytes(63)),
        forger.with_signature(lambda data: raw_signature(forger.key, data)[:63]),
        forger.sign(header={**forger.header, "alg": "Ed25519"}),
    ):
        assert with_bearer(server, token).status == 401
