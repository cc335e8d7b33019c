"""A PostgreSQL server of a benchmark's own: on loopback, on the servers' processor, and with the
settings that it comes with."""

import os
import pwd
import signal
import subprocess
import tempfile
import time
from pathlib import Path

from servers import SERVER_CPU, free_port, pinned

OWNER = "postgres"  # The server refuses to be root's.
TICKS = os.sysconf("SC_CLK_TCK")
START_SECONDS = 60
REST_SECONDS, REST_READINGS_MAX = 0.3, 100


class Postgres:
    """A cluster, running; whoever connects is believed to be whom it names."""

    def __init__(self):
        self.folder = tempfile.TemporaryDirectory(prefix="postgres-benchmark-")
        self.port = free_port()
        data = self.folder.name + "/data"
        if os.getuid() == 0:
            owner = pwd.getpwnam(OWNER)
            os.chown(self.folder.name, owner.pw_uid, owner.pw_gid)
        subprocess.run(
            as_owner("initdb", "-D", data, "-U", OWNER, "-A", "trust", "-E", "UTF8",
                     "--locale=C"),
            cwd=self.folder.name, check=True, stdout=subprocess.DEVNULL)
        with open(self.folder.name + "/log", "wb") as log:
            self.process = subprocess.Popen(
                pinned(SERVER_CPU, as_owner(
                    "postgres", "-D", data, "-p", self.port, "-k", self.folder.name,
                    "-c", "listen_addresses=127.0.0.1")),
                cwd=self.folder.name, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.wait()

    @staticmethod
    def is_installed():
        return bool(newest())

    def wait(self):
        deadline = time.monotonic() + START_SECONDS
        while subprocess.run(
                [newest() / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(self.port)],
                check=False).returncode:
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(Path(self.folder.name, "log").read_text(errors="replace"))
            time.sleep(0.05)

    def stop(self):
        self.process.send_signal(signal.SIGINT)  # Whoever is still connected is sent away.
        self.process.wait()
        self.folder.cleanup()

    def url(self, database):
        return f"postgresql://{OWNER}@127.0.0.1:{self.port}/{database}"

    def new_database(self, name, sql=""):
        """Returns its URL."""
        self.run_sql("postgres", f"CREATE DATABASE {name}")
        self.run_sql(name, sql)
        return self.url(name)

    def run_sql(self, database, sql):
        subprocess.run(
            [newest() / "psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", self.url(database)],
            input=sql, text=True, check=True, stdout=subprocess.DEVNULL,
            env={**os.environ, "PGOPTIONS": "--client-min-messages=warning"})

    def cpu_seconds(self):
        """User and system time of all its processes, those that have ended among them."""
        ticks = 0
        for status in Path("/proc").glob("[0-9]*/stat"):
            try:
                # The name stands in parentheses and may hold anything.
                fields = status.read_text().rsplit(")", 1)[1].split()
            except (FileNotFoundError, ProcessLookupError):
                continue
            if int(status.parent.name) == self.process.pid:
                ticks += sum(map(int, fields[11:15]))
            elif int(fields[1]) == self.process.pid:
                ticks += sum(map(int, fields[11:13]))
        return ticks / TICKS

    def cpu_seconds_at_rest(self):
        """The same, once nothing keeps it busy any longer."""
        for _ in range(REST_READINGS_MAX):
            before = self.cpu_seconds()
            time.sleep(REST_SECONDS)
            if self.cpu_seconds() - before < REST_SECONDS / 10:
                return self.cpu_seconds()
        raise RuntimeError("The database does not come to rest.")


def newest():
    """The programs' folder of the newest server that is installed, or nothing."""
    return max(Path("/usr/lib/postgresql").glob("*/bin"),
               key=lambda path: int(path.parent.name), default=None)


def as_owner(program, *arguments):
    identity = [f"--reuid={OWNER}", f"--regid={OWNER}", "--init-groups"]
    become = ["setpriv", *identity] if os.getuid() == 0 else []
    return [*become, newest() / program, *map(str, arguments)]
