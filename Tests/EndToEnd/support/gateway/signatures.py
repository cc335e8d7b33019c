"""Checks signatures of AWS's version 4, as "Create a signed AWS API request" (IAM User Guide)
describes them, for services other than S3: a path's segments are encoded once more."""

import base64
import calendar
import hashlib
import hmac
import re
import time
import urllib.parse
from dataclasses import dataclass

from .settings import REGION

SKEW_SECONDS = 300
ALGORITHM = "AWS4-HMAC-SHA256"
FIELDS = re.compile(
    r"AWS4-HMAC-SHA256 Credential=([^, ]+), ?SignedHeaders=([^, ]+), ?Signature=([0-9a-f]{64})")


@dataclass(frozen=True)
class Credentials:
    key: str
    secret: str
    token: str

    @staticmethod
    def drawn(chance):
        """Of the kind that an environment has of its role: temporary, with a session token."""
        letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
        return Credentials(
            "ASIA" + "".join(chance.choices(letters, k=16)),
            base64.b64encode(chance.randbytes(30)).decode(),
            base64.b64encode(chance.randbytes(521)).decode())


class Refused(Exception):
    """Why a signature doesn't hold: `kind` is `missing`, `unknown`, `expired` or `wrong`."""

    def __init__(self, kind, message):
        super().__init__(message)
        self.kind = kind


def quoted(text):
    return urllib.parse.quote(text, safe="-._~/")


def is_well_spelt(path):
    """Whether each segment is percent-encoded exactly once; `@` may stand as it is."""
    return all(
        urllib.parse.quote(urllib.parse.unquote_to_bytes(segment), safe="-._~@")
        == segment.replace("%40", "@") for segment in path.split("/"))


def check(method, target, headers, body, service, credentials_by_key):
    """Returns the credentials that signed this request, or raises `Refused`. `headers` are pairs
    as they came, `target` is the request's as it stood on the wire."""
    values = {}
    for name, value in headers:
        values.setdefault(name.lower(), []).append(" ".join(value.split()))
    authorization = values.get("authorization", [""])[0]
    if not authorization:
        raise Refused("missing", "Missing Authentication Token")
    parts = FIELDS.fullmatch(authorization)
    if not parts or len(values["authorization"]) > 1:
        raise Refused("wrong", "Authorization is not a signature of version 4")
    scope, signed, signature = parts.groups()
    key, *scope = scope.split("/")
    known = credentials_by_key.get(key)
    if not known or (known.token and values.get("x-amz-security-token") != [known.token]):
        raise Refused("unknown", "The security token included in the request is invalid.")
    date = _checked_date(values, scope)
    if scope != [date[:8], REGION, service, "aws4_request"]:
        raise Refused("wrong", f"Credential should be scoped to {service} in {REGION}")
    names = signed.split(";")
    must = {"host"} | {name for name in values if name.startswith("x-amz-")}
    if names != sorted(set(names)) or not must <= set(names) or not set(names) <= set(values):
        raise Refused("wrong", f"SignedHeaders must be sorted and name {sorted(must)}")
    digest = hashlib.sha256(body).hexdigest()
    if values.get("x-amz-content-sha256", [digest]) != [digest]:
        raise Refused("wrong", "The body has another digest")
    path, _, query = target.partition("?")
    if not is_well_spelt(path):
        raise Refused("wrong", "The path must be percent-encoded once")
    canonical = "\n".join([
        method, quoted(path), "&".join(sorted(query.split("&"))),
        *(f"{name}:{','.join(values[name])}" for name in names), "", signed, digest])
    text = "\n".join([
        ALGORITHM, date, "/".join(scope), hashlib.sha256(canonical.encode()).hexdigest()])
    secret = ("AWS4" + known.secret).encode()
    for part in scope:
        secret = _mac(secret, part)
    if not hmac.compare_digest(_mac(secret, text).hex(), signature):
        raise Refused(
            "wrong", "The request signature we calculated does not match the signature you "
            "provided. Check your AWS Secret Access Key and signing method.")
    return known


def _mac(key, text):
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


def _checked_date(values, scope):
    """The request's date by the wall's clock: it is the function's own that made it."""
    date = values.get("x-amz-date", [""])[0]
    try:
        then = calendar.timegm(time.strptime(date, "%Y%m%dT%H%M%SZ"))
    except ValueError:
        raise Refused("wrong", "X-Amz-Date is missing or no date") from None
    if abs(time.time() - then) > SKEW_SECONDS:
        raise Refused("expired", f"Signature expired: {date} is too far from now")
    return date
