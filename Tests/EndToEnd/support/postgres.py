"""A PostgreSQL server of a test's own, on loopback: started, stopped, killed, frozen, replaced."""

import contextlib
import os
import pwd
import signal
import subprocess
from pathlib import Path

from . import ledger
from .process import until_frozen
from .proxies import free_port
from .usher import new_folder
from .waiting import eventually

START_SECONDS = 60
# The server refuses to be root's.
OWNER = "postgres"


def programs():
    """The folder of the newest server that is installed."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin"),
                   key=lambda path: int(path.parent.name))
    assert found, "no PostgreSQL server is installed"
    return found[-1]


class Postgres:
    """A cluster, running. `settings` are those of postgresql.conf; with `replica_of`, a copy of
    that one, which follows it until it is promoted. `folder` is where its files are to lie.

    Who connects is believed to be whom it names, but for what `hba` says, lines of pg_hba.conf that
    come first. There is a role `usher` that owns the database `usher`.
    """

    def __init__(self, *, replica_of=None, folder=None, hba="", port=None,
                 **settings):
        self.folder = Path(folder) if folder else new_folder("postgres")
        self.data = self.folder / "data"
        self.port = port or free_port()
        self.settings = {"fsync": "off", "max_connections": 100, **settings}
        self.process = None
        _own(self.folder)
        if replica_of:
            self._as_owner("pg_basebackup", "-D", self.data, "-R", "-X", "stream", "-c", "fast",
                           "-d", replica_of.url("postgres", OWNER))
            (self.data / "postmaster.opts").unlink(missing_ok=True)
        else:
            self._as_owner("initdb", "-D", self.data, "-U", OWNER, "-A", "trust", "--no-sync",
                           "-E", "UTF8", "--locale=C")
            file = self.data / "pg_hba.conf"
            file.write_text(hba + "\n" + file.read_text())
        self.start()
        if not replica_of:
            self.psql("CREATE ROLE usher LOGIN")
            self.new_database("usher")

    def url(self, database="usher", user="usher"):
        return f"postgresql://{user}@127.0.0.1:{self.port}/{database}"

    def new_database(self, name):
        """An empty one, of the role `usher`; returns its URL."""
        self.psql(f"CREATE DATABASE {name} OWNER usher")
        return self.url(name)

    def offer_tls(self, certificate, key):
        """From now on connections may be over TLS, with this certificate (PEM files)."""
        for name, file in (("server.crt", certificate), ("server.key", key)):
            (self.data / name).write_bytes(Path(file).read_bytes())
            _own(self.data / name, 0o600)
        self.set(ssl="on")

    def psql(self, sql, database="postgres", user=OWNER):
        """What a statement answers, line by line, columns with | between."""
        done = subprocess.run(
            [programs() / "psql", "-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1", "-d",
             self.url(database, user), "-c", sql],
            capture_output=True, text=True, timeout=START_SECONDS, check=False)
        assert done.returncode == 0, f"{sql}\n{done.stderr}"
        return done.stdout.splitlines()

    def run(self, program, *arguments):
        """One of PostgreSQL's own programs, such as pg_dump."""
        done = subprocess.run([programs() / program, *map(str, arguments)], capture_output=True,
                              text=True, timeout=START_SECONDS, check=False)
        assert done.returncode == 0, f"{program}: {done.stderr}"

    def start(self):
        """Starts it, and returns when it answers."""
        flags = [part for name, value in self.settings.items()
                 for part in ("-c", f"{name}={value}")]
        with ledger.new_log("postgres").open("wb") as log:
            self.process = subprocess.Popen(
                # It goes with whoever runs the tests.
                ["setpriv", *_identity(), "--pdeathsig=INT", programs() / "postgres",
                 "-D", self.data, "-p", str(self.port), "-k", self.folder,
                 "-c", "listen_addresses=127.0.0.1", *flags],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        eventually(self.answers, "the database answers", START_SECONDS)

    def answers(self):
        assert self.process.poll() is None, "the database ended at its start: see its log"
        return subprocess.run(
            [programs() / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(self.port)],
            timeout=START_SECONDS, check=False).returncode == 0

    def stop(self, mode="fast"):
        """`smart` waits for those who are connected, `fast` ends them, `immediate` is a crash that
        leaves nothing running."""
        self.thaw()
        if self.process.poll() is None:
            self.process.send_signal({"smart": signal.SIGTERM, "fast": signal.SIGINT,
                                      "immediate": signal.SIGQUIT}[mode])
        return self.process.wait(START_SECONDS)

    def kill(self):
        """SIGKILL to all its processes: as a power cut, but for what the disk keeps."""
        self._signal(signal.SIGKILL)
        self.process.wait(START_SECONDS)
        (self.data / "postmaster.pid").unlink(missing_ok=True)

    def freeze(self):
        """It keeps its connections and says nothing more, to nobody."""
        self._signal(signal.SIGSTOP)
        until_frozen(self.process.pid, *_children(self.process.pid))

    def thaw(self):
        self._signal(signal.SIGCONT)

    def promote(self):
        """Makes a replica the primary."""
        self.psql("SELECT pg_promote()")

    def set(self, **settings):
        """Changes settings of the running server, for good."""
        for name, value in settings.items():
            self.psql(f"ALTER SYSTEM SET {name} = '{value}'")
        self.psql("SELECT pg_reload_conf()")

    def _signal(self, number):
        """To the server and those that it has started, of which each is a session of its own."""
        for one in [self.process.pid, *_children(self.process.pid)]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(one, number)

    def _as_owner(self, program, *arguments):
        done = subprocess.run(
            ["setpriv", *_identity(), programs() / program, *arguments], cwd=self.folder,
            capture_output=True, text=True, timeout=START_SECONDS, check=False)
        assert done.returncode == 0, f"{program}: {done.stdout}{done.stderr}"


def _identity():
    if os.getuid() != 0:
        return []
    return [f"--reuid={OWNER}", f"--regid={OWNER}", "--init-groups"]


def _own(path, mode=0o700):
    if os.getuid() == 0:
        owner = pwd.getpwnam(OWNER)
        os.chown(path, owner.pw_uid, owner.pw_gid)
    path.chmod(mode)


def _children(process):
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            # The name stands in parentheses and may hold anything.
            if int(status.read_text().rpartition(")")[2].split()[1]) == process:
                found.append(int(status.parent.name))
    return found
