"""The `usher` command as a person or a script runs it."""

import atexit
import itertools
import json
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from . import ledger

CHECKOUT = Path(__file__).resolve().parents[3]
PATIENCE_SECONDS = 30

# Everything but the logs lies here, and goes when the run ends. Other users may enter, as they may
# not enter pytest's own folders.
RUN = Path(tempfile.mkdtemp(prefix="usher-run-"))
RUN.chmod(0o755)
atexit.register(shutil.rmtree, RUN, ignore_errors=True)


def binary():
    path = Path(os.environ.get("USHER_BINARY", CHECKOUT / ".build" / "debug" / "usher"))
    if not path.exists():
        raise RuntimeError(f"{path} is missing: build it first (scripts/test does)")
    return path


def environment(home, **extra):
    """A bare environment: nothing of the caller's but the PATH can change what is tested."""
    return {"PATH": os.environ["PATH"], "HOME": str(home), "LC_ALL": "C.UTF-8", **extra}


def new_folder(name):
    """A fresh folder that other users may enter."""
    path = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=RUN))
    path.chmod(0o755)
    return path


class Usher:
    """Runs commands on one data folder, or on the registry with this URL, whose keys are sealed
    under the master key in a file, and keeps what they log."""

    # The database that is the registry of a data folder; None where it is the file in it.
    database_of = staticmethod(lambda folder: None)

    def __init__(self, data=None, registry=None, master_key=None):
        self.home = new_folder("home")
        self.data = Path(data) if data else self.home / "data"
        self.registry = registry
        self.master_key = master_key

    def places(self, data=None):
        """The variables by which commands and services find registry and keys of a data folder."""
        places = {
            "USHER_DATA": data or self.data,
            "USHER_REGISTRY": self.registry or self.database_of(data or self.data),
            "USHER_MASTER_KEY_FILE": self.master_key}
        return {name: str(value) for name, value in places.items() if value}

    def run(self, *arguments, stdin=None, as_nobody=False, **extra_environment):
        """Runs `usher ARGUMENTS`, with USHER_DATA set unless `--data` or USHER_DATA is given."""
        command = [str(binary()), *map(str, arguments)]
        data = next((after for word, after in itertools.pairwise(arguments) if word == "--data"),
                    extra_environment.get("USHER_DATA"))
        extra = {**self.places(data), **extra_environment}
        if as_nobody:
            command = [*nobody(), str(public_copy()), *command[1:]]
        stdin = "" if stdin is None else stdin
        done = subprocess.run(
            command, input=stdin, capture_output=True, text=isinstance(stdin, str),
            env=environment(self.home, **extra), timeout=PATIENCE_SECONDS, check=False)
        stderr = done.stderr if isinstance(done.stderr, str) else done.stderr.decode()
        ledger.new_log("-".join(str(word) for word in arguments[:2]).replace("/", "_")).write_text(
            stderr)
        return done

    def succeed(self, *arguments, **options):
        """Runs a command that must work; returns its stdout."""
        done = self.run(*arguments, **options)
        assert done.returncode == 0, f"usher {arguments}: {done.returncode}\n{done.stderr}"
        return done.stdout

    def json(self, *arguments, **options):
        return json.loads(self.succeed(*arguments, "--json", **options))

    def fail(self, *arguments, status=1, **options):
        """Runs a command that must be refused with this exit status; returns its message."""
        done = self.run(*arguments, **options)
        assert done.returncode == status, (
            f"usher {arguments} ended with {done.returncode}\n{done.stdout}{done.stderr}")
        assert done.stderr.strip(), f"usher {arguments} failed without a word"
        return done.stderr

    def add_client(self, name, **grants):
        """Registers a client; `rooms`, `origins` and `scopes` are lists. Returns (id, secret)."""
        flags = []
        for flag, values in (("--rooms", "rooms"), ("--origin", "origins"), ("--scope", "scopes")):
            for value in grants.get(values, []):
                flags += [flag, value]
        added = self.json("client", "add", name, *flags)
        ledger.remember_client(added["client_id"], added["client_secret"])
        return added["client_id"], added["client_secret"]


def secret_in(text):
    """The secret that a command printed for people, remembered."""
    found = re.search(r"client_secret\W+([A-Za-z0-9_-]{43})\b", text)
    assert found, f"no client_secret of 32 bytes in base64url in: {text!r}"
    return ledger.remember(found.group(1), "a printed secret")


def nobody():
    """The command prefix that gives up root's rights."""
    return ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]


def public_copy():
    """A copy of the binary in a place that every user may enter."""
    target = RUN / "usher"
    if not target.exists():
        shutil.copy(binary(), target)
    return target
