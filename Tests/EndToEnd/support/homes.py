"""The homes of the protocol: each has a URL for sockets, issues tokens, and may be set.

Tests that are marked `homes` run in each of those that USHER_TEST_HOMES names. What a home may do
otherwise is said here and nowhere else, as docs/protocol.md ("Homes") says it to people who write
clients.
"""

import json
import os
import time

from . import forging, http, legacy
from .cluster import ClusterHome
from .gateway.settings import Settings
from .server import Application, Server
from .serverless import Home
from .split import serve

PROCESS, FUNCTION, CLUSTER = "process", "function", "cluster"
KINDS = tuple(
    os.environ.get("USHER_TEST_HOMES", f"{PROCESS},{FUNCTION},{CLUSTER}").split(","))

# What a test may need (the mark `needs`) that a home need not give, and why.
CANNOT = {
    PROCESS: {},
    CLUSTER: {
        "no proxy": "one may lose the answer to what nobody reads to its end",
    },
    FUNCTION: {
        "its own closes": "the gateway closes with codes of its own, and classic is told none",
        "its own frames": "frames are the gateway's: what is bad, and what comes too early",
        "its own handshake": "the upgrade is the gateway's: one path, no other routes, its limits",
        "its own pings": "the gateway has none, nor answers the function for a silent client",
        "large messages": "a message holds at most 32,768 bytes",
        "several in flight": "what is sent before the last answer may overtake",
        "an order of classic": "a classic sender is told nothing it could wait for",
        "unprompted closes": "a function sleeps: ages and revocations are seen at the next message",
        "registry": "clients and their secrets are known to it when it is set up",
        "operator": "no process, no operator's address",
    },
}


def missing(item):
    """Why a test is not for the home that it would run in."""
    kind = getattr(item, "callspec", None) and item.callspec.params.get("home")
    for mark in item.iter_markers("needs"):
        (need,) = mark.args
        assert any(need in cannot for cannot in CANNOT.values()), f"no such need: {need}"
        if need in CANNOT.get(kind, {}):
            yield f"{kind}: {need}: {CANNOT[kind][need]}"


def open_home(kind, *flags, **options):
    """A new home of this kind, set by these flags of `usher serve`."""
    make = {PROCESS: serve, FUNCTION: FunctionHome, CLUSTER: ClusterHome}[kind]
    return make(*flags, **options)


# Settings of a process alone, and those that the auth half has.
PROCESS_ONLY = {"--max-connections-per-address", "--ping-interval-seconds"}
AUTH_ONLY = {"--signing-algorithm", "--issuer"}


class FunctionHome:
    """`usher-lambda` in the emulator of AWS, and `usher serve auth`, which issues its tokens.

    Looks like a `Server`, but that its sockets are elsewhere.
    """

    kind = FUNCTION
    may_repeat = True
    shows_refusals = False

    def __init__(self, *flags, **settings):
        pairs = dict(zip(map(str, flags[::2]), map(str, flags[1::2]), strict=True))
        auth = [word for name in AUTH_ONLY & pairs.keys() for word in (name, pairs[name])]
        self.auth = Server(*auth, part="auth")
        self.usher, self.data, self.url = self.auth.usher, self.auth.data, self.auth.url
        self.operator = self.auth.operator
        self.issuer = self.auth.issuer
        variables = {
            "USHER_" + name[2:].upper().replace("-", "_"): value for name, value in pairs.items()
            if name not in PROCESS_ONLY | AUTH_ONLY}
        try:
            self.legacy_client = legacy.registered(self.usher, "Old game")
            self.gateway = Home(self.auth, {
                "USHER_LEGACY_SECRETS": json.dumps({
                    self.legacy_client[0]: self.legacy_client[2]}),
                "USHER_ORIGINS": "https://app.example", **variables},
                **{"function_seconds": 20, **settings})
        except BaseException:
            self.auth.kill()
            raise
        self.socket_url = self.gateway.url
        self._table = self.gateway.client("dynamodb")

    def limits(self, **changed):
        """As `welcome` tells them."""
        return {"maxMessageBytes": 32768, "maxRooms": 16, "pingIntervalSeconds": 240,
                "messagesInFlight": 1, **changed}

    def application(self, name="An application", **grants):
        return Application(self, *self.usher.add_client(name, **grants))

    def private_key_file(self):
        return self.auth.private_key_file()

    def settle(self):
        """Waits until whatever was sent has come to all whom it concerns."""
        self.gateway.rest()

    def prompt(self, peer):
        """A revocation is looked for with each message, and may be a second old by then."""
        time.sleep(1.1)
        peer.say({"action": "ping"})

    # What an operator writes into the table.

    def _put(self, key, **attributes):
        self._table.put_item(TableName=Settings().table, Item={
            "pk": {"S": key}, "sk": {"S": "-"}, **attributes})

    def revoke(self, application, subject):
        self._put(f"V#{application.id}", subjects={
            "M": {f"{application.id}:{subject}": {"N": str(int(time.time()))}}})

    def revoke_token(self, application, token):
        claims = json.loads(forging.decode(token.split(".")[1]))
        self._put(f"J#{claims['jti']}", revoked={"BOOL": True}, ttl={"N": str(claims["exp"])})

    def disable(self, application):
        self._put(f"V#{application.id}", disabled={"BOOL": True})

    def stop(self):
        try:
            self.gateway.stop()
        finally:
            ended = self.auth.stop()
        return ended

    def kill(self):
        if self.gateway.process.poll() is None:
            self.gateway.stop(status=None)
        self.auth.kill()
