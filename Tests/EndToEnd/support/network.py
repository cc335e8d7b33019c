"""A network of a test's own: hosts on one bridge, between which packets are lost on purpose.

All of it is namespaces that no file names, so it is gone with the processes in them.
"""

import contextlib
import ctypes
import os
import subprocess
from pathlib import Path

from .waiting import eventually

CLONE_NEWNET = 0x40000000
NOBODY = "02:00:00:00:ff:ff"  # A hardware address that nobody has: what goes there is lost.
libc = ctypes.CDLL(None, use_errno=True)


def why_not():
    """Why no network can be made here; None where one can."""
    tried = subprocess.run(
        ["unshare", "--net", "sh", "-c",
         "ip link add bridge type bridge && ip link add one type veth peer name other"],
        capture_output=True, text=True, check=False)
    return None if tried.returncode == 0 else f"no networks can be made: {tried.stderr.strip()}"


class Host:
    """A namespace with an address. `command` goes before what shall run there."""

    def __init__(self, number):
        self.address = f"10.99.0.{number}"
        self.hardware = f"02:00:00:00:00:{number:02x}"
        # It lies where the namespace is: that lives as long as somebody is in it.
        self.holder = subprocess.Popen(
            ["setpriv", "--pdeathsig=KILL", "unshare", "--net", "sleep", "infinity"],
            stdin=subprocess.DEVNULL)
        here = os.stat("/proc/thread-self/ns/net").st_ino
        place = Path(f"/proc/{self.holder.pid}/ns/net")
        eventually(lambda: place.stat().st_ino != here, "the namespace is there")
        self.command = ["nsenter", f"--net={place}", "setpriv", "--pdeathsig=KILL"]

    def ip(self, *lines):
        _ip(self.command, lines)


class Network:
    """So many hosts, as the thread that makes it reaches them; `close` leaves it."""

    def __init__(self, count):
        self._before = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        self.hosts = []
        _succeed(libc.unshare(CLONE_NEWNET))
        try:
            _ip([], ["link set lo up", "link add bridge type bridge",
                     "addr add 10.99.0.1/24 dev bridge", "link set bridge up"])
            for number in range(count):
                self._add(Host(10 + number))
        except BaseException:
            self.close()
            raise

    def _add(self, host):
        self.hosts.append(host)
        port = f"port{len(self.hosts)}"
        _ip([], [f"link add {port} type veth peer name eth0 netns {host.holder.pid}",
                 f"link set {port} master bridge up"])
        host.ip("link set lo up", f"link set eth0 address {host.hardware} up",
                f"addr add {host.address}/24 dev eth0")

    def cut(self, source, targets):
        """What the source says from now on does not reach these."""
        self._route(source, targets, lambda _: NOBODY)

    def mend(self, source, targets):
        self._route(source, targets, lambda target: target.hardware)

    def part(self, some, others):
        """Neither of them hears the other."""
        for one, other in ((some, others), (others, some)):
            for source in one:
                self.cut(source, other)

    def unite(self, some, others):
        for one, other in ((some, others), (others, some)):
            for source in one:
                self.mend(source, other)

    def _route(self, source, targets, hardware):
        source.ip(*(f"neigh replace {target.address} lladdr {hardware(target)} dev eth0 "
                    "nud permanent" for target in targets if target is not source))

    def close(self):
        for host in self.hosts:
            host.holder.kill()
            host.holder.wait()
        _succeed(libc.setns(self._before, CLONE_NEWNET))
        os.close(self._before)


@contextlib.contextmanager
def network(count):
    """A network that this thread, and whatever it starts, is in meanwhile."""
    made = Network(count)
    try:
        yield made
    finally:
        made.close()


def _ip(command, lines):
    subprocess.run([*command, "ip", "-batch", "-"], input="\n".join(lines), text=True, check=True,
                   timeout=10)


def _succeed(status):
    if status:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
