"""Verifiers elsewhere, which know the key set of a service and check its tokens."""

import time

import jwt

from . import http
from .keys import KEY_SET, kid


class Following:
    """A verifier as PyJWT documents it: it follows the key set, and refetches for a new `kid`."""

    def __init__(self, server):
        self.issuer = server.issuer
        self.client = jwt.PyJWKClient(server.url + KEY_SET, lifespan=1, cache_keys=False)

    def check(self, token):
        key = self.client.get_signing_key_from_jwt(token)
        return jwt.decode(
            token, key.key, algorithms=["ES256", "RS256", "EdDSA"], audience=self.issuer,
            issuer=self.issuer)


class Patient:
    """A verifier that knows the key set by heart for a while and never asks out of turn."""

    def __init__(self, server, seconds):
        self.server = server
        self.issuer = server.issuer
        self.seconds = seconds
        self.fetched = None

    def check(self, token):
        if self.fetched is None or time.monotonic() - self.fetched > self.seconds:
            answer = http.get(self.server.url, KEY_SET)
            self.keys = jwt.PyJWKSet.from_dict(answer.json)
            self.fetched = time.monotonic()
        return jwt.decode(
            token, self.keys[kid(token)].key, algorithms=["ES256", "RS256", "EdDSA"],
            audience=self.issuer, issuer=self.issuer)
