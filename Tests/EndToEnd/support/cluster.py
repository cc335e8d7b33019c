"""Nodes of a cluster over real NATS servers, and one address in front of them all."""

import contextlib
import json
import shutil
import socket
import subprocess
import time

from . import http, ledger, turns
from .nats import Nats
from .proxies import free_port
from .server import Application, Server
from .usher import new_folder
from .waiting import eventually

ROOMY = ["--max-connections-per-address", "0", "--connections-per-second", "0",
         "--max-http-connections-per-address", "0", "--drain-notice-seconds", "0"]


class Cluster:
    """`count` nodes on one data folder, as they may be on one host: they share registry and keys.
    `flags` are those of `usher serve`; `hosts` those of a network, one for each node."""

    def __init__(self, *flags, count=3, nats=None, issuer="https://usher.example", hosts=None,
                 **environment):
        self._own_nats = nats is None
        self.nats = nats or opened_nats()
        self._flags = ["--issuer", issuer, *ROOMY, *flags]
        self._environment = environment
        self.folder = new_folder("cluster")
        self.nodes = []
        self.started = 0
        try:
            for number in range(count):
                self.start(host=hosts and hosts[number])
        except BaseException:
            self.kill()
            raise

    def start(self, *flags, wait=True, name=None, host=None, **options):
        """One more node, which is ready when this returns."""
        self.started += 1
        if host:
            flags = ["--operator", f"{host.address}:0", "--allow-plain-http", *flags]
            options = {"listen": f"{host.address}:0", "before": host.command, **options}
        node = Server(
            *self._flags, "--node-name", name or f"node-{self.started}",
            *[word for url in self.nats.urls for word in ("--cluster", url)], *flags,
            data=self.folder / "data", **{**self._environment, **options})
        node.name, node.host = name or f"node-{self.started}", host
        self.nodes.append(node)
        if wait:
            self.wait(node)
        return node

    def wait(self, node, within=30):
        eventually(lambda: is_ready(node), f"{node.name} is part of its cluster", within)

    def application(self, name="An application", **grants):
        """A client that all nodes know; its tokens come from the first."""
        return Application(self.nodes[0], *self.nodes[0].usher.add_client(name, **grants))

    def stop(self):
        """Stops the nodes one after the other; returns the greatest status."""
        status = max([node.stop() for node in self.nodes])
        if self._own_nats:
            self.nats.kill()
        return status

    def kill(self):
        with contextlib.ExitStack() as ending:
            if self._own_nats:
                ending.callback(self.nats.kill)
            for node in self.nodes:
                ending.callback(node.kill)


def opened_nats():
    """A server of NATS in whose bucket a cluster was before, and ended.

    In a new bucket the first node listens for five seconds, lest others have members to write back:
    tests of what it does then begin with `Nats(1)`.
    """
    content = ledger.LOGS / "opened-nats"
    with turns.held("opened nats"):
        if not content.is_dir():
            former = Cluster(count=1, nats=Nats(1))
            try:
                assert former.stop() == 0
                (server,) = former.nats.servers
                server.stop()
                server.keep(content)
            finally:
                former.nats.kill()
    return Nats(1, content=content)


def is_ready(node):
    assert node.process.poll() is None, f"usher ended ({node.process.returncode}): {node.errors}"
    try:
        return http.get(node.operator, "/readyz").status == 200
    except OSError:
        return False


class Balancer:
    """HAProxy before some nodes: connections go in turn to those that say they are ready."""

    def __init__(self, nodes):
        assert shutil.which("haproxy"), "haproxy is not installed"
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        folder = new_folder("balancer")
        self._control = folder / "control"
        servers = "".join(
            f"  server {node.name} {node.url.removeprefix('http://')} check inter 200ms "
            f"port {node.operator.rpartition(':')[2]}\n" for node in nodes)
        (folder / "haproxy.cfg").write_text(
            f"global\n  stats socket {self._control} level admin\n"
            "defaults\n  mode tcp\n  timeout connect 5s\n  timeout client 1h\n"
            "  timeout server 1h\n"
            f"frontend all\n  bind 127.0.0.1:{self.port}\n  default_backend nodes\n"
            "backend nodes\n  balance roundrobin\n  option httpchk\n"
            "  http-check send meth GET uri /readyz ver HTTP/1.1 hdr Host 127.0.0.1\n"
            f"  default-server fall 1 rise 1\n{servers}")
        with ledger.new_log("balancer").open("wb") as log:
            self.process = subprocess.Popen(
                ["setpriv", "--pdeathsig=KILL", "haproxy", "-db", "-f", folder / "haproxy.cfg"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        eventually(self._answers, "the balancer answers")

    def _answers(self):
        try:
            return http.get(self.url, "/.well-known/jwks.json").status == 200
        except OSError:
            return False

    def command(self, text):
        """What HAProxy answers an operator."""
        with socket.socket(socket.AF_UNIX) as one:
            one.connect(str(self._control))
            one.sendall(text.encode() + b"\n")
            return one.makefile().read()

    def sessions_at(self, node):
        """Of connections that are at a node now: what HAProxy calls them."""
        return [line.split(":")[0] for line in self.command("show sess").splitlines()
                if f" srv={node.name} " in line]

    def sends_to(self, node):
        """Whether new connections may go to it."""
        (row,) = [line.split(",") for line in self.command("show stat").splitlines()
                  if line.startswith(f"nodes,{node.name},")]
        return row[17].startswith("UP")

    def stop(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()


class ClusterHome(Cluster):
    """A cluster that looks like one server, for the tests of the protocol: `support.homes`."""

    kind = "cluster"
    may_repeat = False
    shows_refusals = True
    legacy_client = None

    def __init__(self, *flags, **options):
        super().__init__(*flags, issuer="http://127.0.0.1", **options)
        try:
            self.balancer = Balancer(self.nodes)
        except BaseException:
            self.kill()
            raise
        self.url = self.socket_url = self.balancer.url
        self.websocket_url = self.url.replace("http", "ws", 1)
        self.usher, self.data = self.nodes[0].usher, self.nodes[0].data
        self.operator = self.nodes[0].operator
        self.issuer = "http://127.0.0.1"

    def application(self, name="An application", **grants):
        """Whatever node is asked knows it: the registry is followed."""
        application = Application(self, *self.usher.add_client(name, **grants))
        for node in self.nodes:
            # Unknown clients are looked for at once, but not again within a moment.
            eventually(lambda node=node: application.at(node).ask().status in (200, 400),
                       f"{node.name} knows the client")
        return application

    def limits(self, **changed):
        return self.nodes[0].limits(**changed)

    def settle(self):
        """What was sent to another node arrives a moment later, and nothing says when."""
        time.sleep(0.1)

    def prompt(self, peer):
        """Nobody need say anything for a connection to be looked at."""

    # All nodes know of it within a second, most often much sooner.

    def revoke(self, application, subject):
        Server.revoke(self, application, subject)
        time.sleep(0.5)

    def revoke_token(self, application, token):
        Server.revoke_token(self, application, token)
        time.sleep(0.5)

    def disable(self, application):
        Server.disable(self, application)
        time.sleep(0.5)

    private_key_file = Server.private_key_file

    def rooms(self):
        """What each node lists of rooms."""
        return [json.loads(node.usher.succeed("room", "list", "--node", node.name, "--json"))
                for node in self.nodes]

    def stop(self):
        self.balancer.stop()
        return super().stop()

    def kill(self):
        if hasattr(self, "balancer"):
            self.balancer.stop()
        super().kill()
