"""Services that share a registry and the keys in it, as on hosts of their own: each has a folder
for data, and a copy of the master key."""

import shutil
import time

from . import http, ledger, peers
from .server import Server
from .usher import Usher, new_folder
from .waiting import eventually

ISSUER = "https://usher.example"
ROOMY = ["--max-connections-per-address", "0", "--connections-per-second", "0",
         "--max-http-connections-per-address", "0"]


class Nodes:
    """A `whole` service and the halves `auth` and `signal`; all stand behind one address, as their
    issuer says. `environment` are their variables."""

    def __init__(self, registry, *flags, **environment):
        self.registry = registry
        self.master_key = new_folder("master") / "key"
        self.usher = Usher(registry=registry, master_key=self.master_key)
        self.usher.succeed("key", "master", "new")
        self.all = []
        self._flags = ["--issuer", ISSUER, *ROOMY, *flags]
        self._environment = environment
        try:
            self.whole = self.start("--client-registration")
            self.auth = self.start("--client-registration", part="auth")
            self.signal = self.start(part="signal")
        except BaseException:
            self.kill()
            raise

    def start(self, *flags, **options):
        """One more."""
        copy = new_folder("copy") / "key"
        shutil.copy2(self.master_key, copy)
        self.all.append(Server(
            *self._flags, *flags, registry=self.registry, master_key=copy, **options,
            **self._environment))
        return self.all[-1]

    @property
    def issuing(self):
        return [self.whole, self.auth]

    @property
    def relaying(self):
        return [self.whole, self.signal]

    def stop(self):
        assert [one.stop() for one in self.all] == [0] * len(self.all)

    def kill(self):
        for one in self.all:
            one.kill()

    def refuse(self, application, token):
        """Whether every one of them, at once, refuses a token of the application."""
        return all(not accepts(one, application, token) for one in self.all)

    def accept(self, application, token):
        return all(accepts(one, application, token) for one in self.all)

    def in_force(self, condition, what):
        """Waits until what was done is in force everywhere. How long that took goes to a log: the
        promise is a second, but how fast a machine of tests is promises nobody."""
        began = time.monotonic()
        eventually(condition, what)
        ledger.new_log("in-force").write_text(f"{time.monotonic() - began:.3f} s: {what}\n")


def accepts(node, application, token):
    """Whether a node takes a token for good."""
    if node.part == "signal":
        return peers.attempt(node, peers.query(token, application.id)).status == 101
    answer = http.post_form(node.url, "/oauth2/introspect", [("token", token)],
                            [http.basic(application.id, application.secret)])
    # A client that may not ask is one whose tokens are good for nothing.
    return answer.status == 200 and answer.json["active"]
