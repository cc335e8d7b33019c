"""A document's shell blocks, run in order as a reader would, beside the files that it shows."""

import os
import re
import socket
import subprocess
import time
from pathlib import Path

from . import ledger, nats
from .documents import blocks
from .postgres import OWNER, Postgres, programs
from .proxies import free_port
from .usher import CHECKOUT, binary, environment, new_folder
from .waiting import eventually

PATIENCE_SECONDS = 60
# Documents show these ports; a machine on which the tests run may have them taken.
DEFAULT_PORTS = {8080: "USHER_LISTEN", 9090: "USHER_OPERATOR"}
# Its commands are those of the checkout, which it is in.
OF_THE_CHECKOUT = {"CONTRIBUTING.md"}
PORT = re.compile(r"(?:127\.0\.0\.1|localhost):(\d+)")


class Walkthrough:
    """One shell in an empty home folder, with `usher` on the PATH, and `client/` of this project
    as one has it who stands in the checkout. It goes through the marked blocks: all, or those in
    front of the one named `before`, after which it waits, with all that runs in the background.
    Documents of `OF_THE_CHECKOUT` are walked through in the checkout, with the same empty home."""

    def __init__(self, document, before=None):
        self.home = new_folder("documented")
        (self.home / "client").symlink_to(CHECKOUT / "client")
        text = (CHECKOUT / document).read_text()
        found = blocks(document, text)
        self.ports = moved_ports(text)
        for block in found:
            if block.file:
                path = self.home / block.file
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(self._moved(block.script))
        script = "set -eu\n"
        for block in found:
            if before and block.name == before:
                script += "touch arrived\nwait\n"
                break
            if block.name:
                script += f"echo '--- {block.line}: {block.name}' >&2\n{block.script}"
        self.log = ledger.new_log("documented-" + document.replace("/", "_"))
        places = {DEFAULT_PORTS[port]: f"127.0.0.1:{other}"
                  for port, other in self.ports.items() if port in DEFAULT_PORTS}
        places["PATH"] = f"{binary().parent}:{os.environ['PATH']}"
        self.database = None
        if any(block.name and "createdb" in block.script for block in found):
            self.database = Postgres()
            # They are made as a reader makes them.
            self.database.psql("DROP DATABASE usher")
            self.database.psql("DROP ROLE usher")
            places["PATH"] += f":{programs()}"
            places |= {"PGHOST": "127.0.0.1", "PGPORT": str(self.database.port), "PGUSER": OWNER}
        if "nats-server" in script:
            # Before the system's, which may be too old.
            places["PATH"] = f"{Path(nats.program()).parent}:{places['PATH']}"
        with self.log.open("w") as errors, (self.home / "stdout").open("w") as output:
            self.shell = subprocess.Popen(
                ["bash", "-c", self._moved(script)],
                cwd=CHECKOUT if document in OF_THE_CHECKOUT else self.home,
                stdin=subprocess.DEVNULL, stdout=output, stderr=errors,
                env={**environment(self.home), **places}, start_new_session=True)

    def __enter__(self):
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not (self.home / "arrived").exists():
            assert self.shell.poll() is None and time.monotonic() < deadline, (
                self.log.read_text()[-2000:])
            time.sleep(0.05)
        return self

    def __exit__(self, *_):
        self._end()
        self.shell.wait(timeout=PATIENCE_SECONDS)

    def finish(self):
        """The whole document has been gone through, without a fault."""
        try:
            status = self.shell.wait(timeout=PATIENCE_SECONDS)
        finally:
            self._end()
        assert status == 0, self.log.read_text()[-2000:]

    def url(self, port):
        """Where that is which the document shows at this port, once somebody answers there."""
        moved = self.ports.get(port, port)
        eventually(lambda: answers(moved), f"somebody listens at port {moved}")
        return f"http://127.0.0.1:{moved}"

    def _moved(self, text):
        for port, other in self.ports.items():
            text = re.sub(rf"(?<![\d.]){port}(?!\d)", str(other), text)
        return text

    def _end(self):
        """Ends whatever the commands left in the background."""
        try:
            os.killpg(self.shell.pid, 15)
        except ProcessLookupError:
            pass
        if self.database:
            self.database.stop()
        remember_secrets_in((self.home / "stdout").read_text())


def moved_ports(text):
    """Ports of the document that are taken here, and others in their stead."""
    return {port: free_port() for port in {*DEFAULT_PORTS, *map(int, PORT.findall(text))}
            if not is_free(port)}


def is_free(port):
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True


def answers(port):
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


def remember_secrets_in(text):
    """Secrets and tokens that commands print, as they should: they must not be logged as well."""
    for secret in re.findall(r"client_secret\W+([\w-]{43})\b", text):
        ledger.remember(secret, "a documented secret")
    for token in re.findall(r"eyJ[\w-]+\.[\w-]+\.[\w-]+", text):
        ledger.remember(token, "a documented token")
