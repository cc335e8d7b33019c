"""Threads that change a registry all the time, and remember what they were told."""

import json
import threading
import time
from collections import Counter

from . import chance, forging, http, ledger
from .nodes import accepts
from .registrar import Registrar

# A request waits for the database for some seconds, and is answered whatever came of that.
PATIENCE_SECONDS = 25
UNKNOWN = "it is not known whether"
REVOKING, COMMANDING = 6, 1


class Writers:
    """Of `REVOKING` one takes tokens of its own client back, and registers clients, at any of the
    nodes that issue tokens; one more adds clients by command. To be used with `with`."""

    def __init__(self, nodes):
        self.nodes = nodes
        self.registrars = [Registrar(nodes.whole) for _ in range(REVOKING)]
        for registrar in self.registrars:
            for node in nodes.issuing:  # Which has met it then.
                registrar.application.at(node).token()
        self.is_over = threading.Event()
        self.failures = []
        self.told = Counter()
        self.longest = Counter()  # In milliseconds, by what was asked for.
        # What the database must hold, may not hold, and may hold: ids of tokens, names of clients.
        self.made, self.refused, self.unsure = set(), set(), set()
        self.tokens = {}  # By the ids of those that were to be taken back, with whose they are.
        self._threads = [
            *(threading.Thread(target=self._run, args=(self._step_of(number),))
              for number in range(REVOKING)),
            *(threading.Thread(target=self._run, args=(self._step_of_commands(),))
              for _ in range(COMMANDING))]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.is_over.set()
        for thread in self._threads:
            thread.join()
        ledger.new_log("writers").write_text(
            f"{dict(self.told)}\nlongest, in ms: {dict(self.longest)}\n")
        assert not self.failures, self.failures

    def go_on(self, seconds=0.7):
        """Lets them write, and sees to it that they do."""
        before = self.told["made"]
        deadline = time.monotonic() + 20
        time.sleep(seconds)
        while self.told["made"] < before + 20 and time.monotonic() < deadline:
            time.sleep(0.05)
        assert not self.failures, self.failures
        assert self.told["made"] >= before + 20, f"nothing is written: {self.told}"

    def _run(self, step):
        try:
            while not self.is_over.is_set():
                step()
        except Exception as error:
            self.failures.append(repr(error))
            raise

    def _step_of(self, number):
        registrar, draw = self.registrars[number], chance.of("writers in trouble", number)
        count = 0

        def step():
            nonlocal count
            count += 1
            node = draw.choice(self.nodes.issuing)
            application = registrar.application.at(node)
            token = self._timed("token", application.token)
            if draw.random() < 0.2:
                return self._register(registrar, node, f"{number}-{count}")
            self._revoke(application, token)

        return step

    def _revoke(self, application, token):
        claim = token_id(token)
        self.tokens[claim] = (application, token)
        answer = self._timed("revoke", lambda: http.post_form(
            application.server.url, "/oauth2/revoke", [("token", token)],
            [http.basic(application.id, application.secret)], patience=PATIENCE_SECONDS))
        self._note(claim, answer, 200)

    def _register(self, registrar, node, name):
        answer = self._timed("register", lambda: registrar.at(node).post(
            {"client_name": name}, patience=PATIENCE_SECONDS))
        if answer.status == 201:
            ledger.remember_client(answer.json["client_id"], answer.json["client_secret"])
            ledger.remember(answer.json["registration_access_token"], "a registration's token")
        self._note(name, answer, 201)

    def _note(self, what, answer, good):
        """By HTTP nobody is told whether a change that failed is certain not to have been made."""
        if answer.status == good:
            self.told["made"] += 1
            self.made.add(what)
            return
        assert (answer.status, answer.error) == (503, "temporarily_unavailable"), answer
        assert int(answer.header("Retry-After")) > 0
        assert "registry" in answer.json["error_description"]
        self.told["refused"] += 1
        self.unsure.add(what)
        time.sleep(0.05)

    def _step_of_commands(self):
        count = 0

        def step():
            nonlocal count
            count += 1
            name = f"By command {count}"
            done = self._timed("command", lambda: self.nodes.usher.run(
                "client", "add", name, "--json"))
            if done.returncode == 0:
                self.told["made"] += 1
                self.made.add(name)
            else:
                assert done.returncode == 1, done.stderr
                assert "database" in done.stderr, done.stderr
                is_unknown = UNKNOWN in done.stderr
                self.told["unknown" if is_unknown else "refused"] += 1
                (self.unsure if is_unknown else self.refused).add(name)

        return step

    def _timed(self, what, ask):
        began = time.monotonic()
        answer = ask()
        took = int(1000 * (time.monotonic() - began))
        self.longest[what] = max(self.longest[what], took)
        return answer

    def check(self, psql):
        """What the database holds is what was told, none of it half, and what all nodes say.
        Returns how much there is that nobody was told of."""
        revoked = set(psql("SELECT name FROM usher.revocation WHERE kind = 'token'"))
        assert revoked == set(psql(
            "SELECT target FROM usher.audit WHERE action = 'token.revoke'")), "half a revocation"
        clients = set(psql("SELECT id FROM usher.client"))
        assert clients == set(psql(
            "SELECT target FROM usher.audit WHERE action IN ('client.add', 'client.register')"
        )), "half a client"
        there = revoked | set(psql("SELECT name FROM usher.client"))
        assert self.made <= there, f"lost: {self.made - there}"
        assert not self.refused & there, f"made though refused: {self.refused & there}"
        for claim, (application, token) in self.tokens.items():
            says = [accepts(node, application, token) for node in self.nodes.all]
            assert says == [claim not in revoked] * len(says), (claim, says)
        return len(self.unsure & there)


def token_id(token):
    return json.loads(forging.decode(token.split(".")[1]))["jti"]
