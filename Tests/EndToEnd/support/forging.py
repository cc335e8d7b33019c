"""Tokens that the server never issued, signed with its own key or with others."""

import base64
import json
import secrets
import time

from cryptography.hazmat.primitives import hashes, hmac, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils

from . import ledger


def encode(data):
    """base64url without padding (RFC 7515 §2)."""
    data = data if isinstance(data, bytes) else data.encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decode(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def compact(value):
    return value if isinstance(value, (bytes, str)) else json.dumps(value, separators=(",", ":"))


def raw_signature(key, message):
    """A JWS signature in the form of RFC 7518 §3 and RFC 8037 for whatever key this is."""
    if isinstance(key, ec.EllipticCurvePrivateKey):
        r, s = utils.decode_dss_signature(key.sign(message, ec.ECDSA(hashes.SHA256())))
        size = (key.curve.key_size + 7) // 8
        return r.to_bytes(size, "big") + s.to_bytes(size, "big")
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(message, padding.PKCS1v15(), hashes.SHA256())
    if isinstance(key, bytes):
        mac = hmac.HMAC(key, hashes.SHA256())
        mac.update(message)
        return mac.finalize()
    return key.sign(message)


class Forger:
    """Holds a genuine token's header and claims, and the key that the server signs with."""

    def __init__(self, application, **parameters):
        token = application.token(**parameters)
        self.genuine = token
        self.header, self.claims = (json.loads(decode(part)) for part in token.split(".")[:2])
        pem = application.server.private_key_file().read_bytes()
        self.key = serialization.load_pem_private_key(pem, None)

    def public_pem(self):
        return self.key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)

    def sign(self, header=None, claims=None, key=None):
        """Signs any header and claims (values, or the very text of the JSON)."""
        header = compact(self.header if header is None else header)
        claims = compact(self.claims if claims is None else claims)
        signing_input = f"{encode(header)}.{encode(claims)}"
        signature = raw_signature(key or self.key, signing_input.encode())
        return ledger.remember(f"{signing_input}.{encode(signature)}", "a forged token")

    def with_header(self, **changes):
        """The genuine claims, properly signed under an altered header; None takes a member off."""
        return self.sign(header=altered(self.header, changes))

    def with_claims(self, **changes):
        """Altered claims, properly signed; None takes a claim off."""
        return self.sign(claims=altered({**self.claims, "jti": fresh_id()}, changes))

    def with_header_text(self, replace, by):
        return self.sign(header=compact(self.header).replace(replace, by))

    def with_claims_text(self, replace, by):
        text = compact(self.claims)
        assert replace in text
        return self.sign(claims=text.replace(replace, by))

    def with_signature(self, make):
        """A genuine header and claims under a signature that `make(signing input)` returns."""
        signing_input = self.genuine.rsplit(".", 1)[0]
        made = make(signing_input.encode())
        return signing_input + "." + (made if isinstance(made, str) else encode(made))


def altered(members, changes):
    merged = {**members, **changes}
    return {name: value for name, value in merged.items() if value is not None}


def fresh_id():
    return secrets.token_urlsafe(16)


def now():
    return int(time.time())
