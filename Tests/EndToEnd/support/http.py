"""HTTP as raw as a test needs it: exact header lines in, all header lines out."""

import base64
import http.client
import json
import socket
import urllib.parse
from dataclasses import dataclass

PATIENCE_SECONDS = 10
# TLS contexts by host and port, for servers that speak https.
trusted = {}


@dataclass
class Response:
    status: int
    fields: list
    body: bytes

    def header(self, name):
        """The value of the only field of that name, or None."""
        values = [value for key, value in self.fields if key.lower() == name.lower()]
        assert len(values) <= 1, f"{name} occurs {len(values)} times"
        return values[0] if values else None

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def error(self):
        return self.json.get("error")


def request(base, method, target, fields=(), body=None, source=None, patience=PATIENCE_SECONDS):
    """One request on a connection of its own. `fields` is a list of pairs, sent as they are."""
    place = urllib.parse.urlsplit(base)
    options = {"timeout": patience, "source_address": (source, 0) if source else None}
    connection = (
        http.client.HTTPSConnection(
            place.hostname, place.port, context=trusted[place.netloc], **options)
        if place.scheme == "https"
        else http.client.HTTPConnection(place.hostname, place.port, **options))
    names = {name.lower() for name, _ in fields}
    try:
        connection.putrequest(method, target, skip_host="host" in names, skip_accept_encoding=True)
        for name, value in fields:
            connection.putheader(name, value)
        if body is not None and "content-length" not in names:
            connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body)
        answer = connection.getresponse()
        return Response(answer.status, answer.getheaders(), answer.read())
    finally:
        connection.close()


def get(base, target, fields=()):
    return request(base, "GET", target, fields)


def post_form(base, target, pairs, fields=(), source=None, **options):
    """Posts a form; `pairs` is a list, so that a name may be repeated, or the body's bytes."""
    body = pairs if isinstance(pairs, bytes) else urllib.parse.urlencode(pairs).encode()
    kind = ("Content-Type", "application/x-www-form-urlencoded")
    return request(base, "POST", target, [kind, *fields], body, source, **options)


def basic(client_id, secret):
    """The Authorization field of RFC 6749 §2.3.1: both parts form-encoded, then base64."""
    pair = ":".join(urllib.parse.quote_plus(text) for text in (client_id, secret))
    return ("Authorization", "Basic " + base64.b64encode(pair.encode()).decode())


def raw(base, request_bytes):
    """Sends bytes as they are; returns all that comes back until the end of the stream."""
    place = urllib.parse.urlsplit(base)
    with socket.create_connection((place.hostname, place.port), PATIENCE_SECONDS) as connection:
        connection.sendall(request_bytes)
        received = b""
        try:
            while chunk := connection.recv(65536):
                received += chunk
        except ConnectionResetError:
            pass
        return received
