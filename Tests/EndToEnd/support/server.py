"""A running `usher serve`, and the applications (registered clients) that use it."""

import json
import os
import signal
import subprocess

from . import http, ledger
from .usher import Usher, binary, environment
from .waiting import eventually

# A library of C that aborts says nothing in any log.
CRASHES = {signal.SIGABRT, signal.SIGBUS, signal.SIGFPE, signal.SIGILL, signal.SIGSEGV,
           signal.SIGTRAP}
START_SECONDS = 90  # Nothing is measured by it: it ends what hangs.


class Server:
    """`usher serve` on free ports with a data folder of its own, stopped by `stop()`.

    With `log_to`, a descriptor, its log goes there and no longer to the file `stderr`; `stdout` is
    another, `redirection` is the shell's, and `before` goes before the command. Where no ready line
    can be read, `listen` and `--operator` must name ports. `registry` is the URL of a database that
    is the registry, and `master_key` the file of the key under which it holds the signing keys.

    It is also the home that has no differences: see `support.homes`.
    """

    kind = "process"
    may_repeat = False
    shows_refusals = True
    legacy_client = None

    def __init__(self, *flags, part=None, data=None, listen="127.0.0.1:0", log_to=None,
                 stdout=None, redirection=None, registry=None, master_key=None, before=(),
                 **extra_environment):
        self.usher = Usher(data, registry, master_key)
        self.part = part
        self.data = self.usher.data
        self.halves = [self]  # Two where `support.split` runs the halves apart.
        self.stdout = ledger.new_log("serve-stdout")
        self.stderr = ledger.new_log("serve-stderr")
        command = [*before, str(binary()), "serve", *([part] if part else [])]
        command += ["--data", str(self.data), "--operator", "127.0.0.1:0"]
        command += ["--listen", listen] if listen else []
        command += map(str, flags)
        if redirection:
            command = ["sh", "-c", f'exec "$0" "$@" {redirection}', *command]
        with self.stdout.open("wb") as out, self.stderr.open("wb") as errors:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=out if stdout is None else stdout,
                stderr=errors if log_to is None else log_to,
                env=environment(self.usher.home, **{
                    "USHER_LOG_LEVEL": "trace", **self.usher.places(), **extra_environment}),
                start_new_session=True)
        is_silent = stdout is not None or (redirection or "").startswith(">")
        try:
            self.ready = (
                self._named(listen, flags) if is_silent else
                json.loads(eventually(self._first_line, "the ready line", START_SECONDS)))
        except AssertionError:
            self.kill()
            raise
        assert self.ready["event"] == "ready"
        self.url = self.ready["url"]
        # Of the half that holds the registry's keys, and of the one that holds the sockets.
        self.operator = self.relay_operator = self.ready["operator"]

    def _first_line(self):
        text = self.stdout.read_text()
        if self.process.poll() is not None and "\n" not in text:
            raise AssertionError(f"usher ended ({self.process.returncode}): {self.errors}")
        return text.split("\n")[0] if "\n" in text else None

    def _named(self, listen, flags):
        """What the ready line would say, once the service is ready."""
        operator = f"http://{flags[flags.index('--operator') + 1]}"
        eventually(lambda: self._is_ready(operator), "/readyz", START_SECONDS)
        return {"event": "ready", "url": f"http://{listen}", "operator": operator}

    def _is_ready(self, operator):
        assert self.process.poll() is None, f"usher ended ({self.process.returncode})"
        try:
            return http.get(operator, "/readyz").status == 200
        except OSError:
            return False

    @property
    def errors(self):
        """Everything logged so far."""
        return self.stderr.read_text()

    @property
    def socket_url(self):
        """Where sockets are opened; the rest of a target is put behind it."""
        return self.url

    @property
    def websocket_url(self):
        return self.url.replace("http", "ws", 1)

    @property
    def issuer(self):
        return http.get(self.url, "/.well-known/oauth-authorization-server").json["issuer"]

    def stop(self, by=signal.SIGTERM):
        """Stops the server as an operator would; returns its exit status."""
        if self.process.poll() is None:
            self.process.send_signal(by)
        try:
            return self.process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"did not stop by {by!r}") from None

    def kill(self):
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        assert -self.process.returncode not in CRASHES, (
            f"usher crashed ({self.process.returncode}): {self.errors[-4000:]}")

    def application(self, name="An application", **grants):
        """Registers a client while the server runs."""
        return Application(self, *self.usher.add_client(name, **grants))

    def limits(self, **changed):
        """As `welcome` tells them."""
        return {"maxMessageBytes": 131072, "maxRooms": 16, "pingIntervalSeconds": 25, **changed}

    def settle(self):
        """What was sent is dealt with in its turn: there is nothing to wait for."""

    def prompt(self, peer):
        """Nobody need say anything for a connection to be looked at."""

    def revoke(self, application, subject):
        self.usher.succeed("token", "revoke", "--client", application.id, "--subject", subject)

    def revoke_token(self, application, token):
        answer = http.post_form(self.url, "/oauth2/revoke", [("token", token)],
                                [http.basic(application.id, application.secret)])
        assert answer.status == 200

    def disable(self, application):
        self.usher.succeed("client", "disable", application.id)

    def private_key_file(self):
        """The PEM file that this server signs with."""
        (path,) = (self.data / "keys").glob("*.signing.pem")
        return path


class Application:
    """A registered client of a server: what a backend developer holds."""

    def __init__(self, server, client_id, secret):
        self.server = server
        self.id = client_id
        self.secret = secret

    def at(self, server):
        """The same client, as another service with the same registry knows it."""
        return Application(server, self.id, self.secret)

    def ask(self, *pairs, **parameters):
        """A token request with HTTP Basic; returns the response."""
        form = [("grant_type", "client_credentials"), *pairs, *parameters.items()]
        answer = http.post_form(
            self.server.url, "/oauth2/token", form, [http.basic(self.id, self.secret)])
        if answer.status == 200:
            ledger.remember(answer.json["access_token"], f"a token of {self.id}")
        return answer

    def token(self, **parameters):
        answer = self.ask(**parameters)
        assert answer.status == 200, answer.body
        return answer.json["access_token"]
