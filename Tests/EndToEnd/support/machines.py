"""The hosts of docs/cluster.md, in a network of a test's own: each has names, users, files and
services of its own, and what the document says is done there."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from . import ledger, nats
from .documents import blocks
from .postgres import OWNER, Postgres, programs
from .proxies import certificate
from .usher import CHECKOUT, environment, new_folder, public_copy
from .waiting import eventually

DOCUMENT = "docs/cluster.md"
NAMES = ("usher1", "usher2", "usher3")
SECONDS = 90
# The addresses of the document, and those of `support.network`.
SHOWN, ADDRESSES = "10.0.0.", "10.99.0."
# What systemd does of a unit, as far as the document's units say it.
SYSTEMCTL = r"""#!/bin/sh
set -eu
for name; do :; done
unit=/etc/systemd/system/$name.service file=/var/lib/$name.pid
value() { sed -n "s/^$1=//p" $unit; }
start() {
    user=$(value User) state=/var/lib/$(value StateDirectory)
    install -d -o $user -g $user -m "$(value StateDirectoryMode)" $state
    set -a; . "$(value EnvironmentFile)"; set +a
    HOME=/nonexistent setsid setpriv --reuid=$user --regid=$user --init-groups $(value ExecStart) \
        </dev/null >>/var/log/$name.out 2>>/var/log/$name.log &
    echo $! >$file
}
stop() {
    by=$(value KillSignal)
    by=${by:-SIGTERM}
    kill -s "${by#SIG}" "$(cat $file)"
    while [ -e "/proc/$(cat $file)" ]; do sleep 0.1; done
}
case $1 in
enable | start) start ;;
stop | disable) stop ;;
restart) stop; start ;;
reload) kill -s HUP "$(cat $file)" ;;
*) exit 1 ;;
esac
"""
# Of the desk: to a machine, whose files lie beside those of the others.
SCP = r"""#!/bin/sh
set -eu
for to; do :; done
place=${to#root@}
recursive= files=
while [ $# -gt 1 ]; do
    case $1 in -r) recursive=-r ;; *) files="$files $1" ;; esac
    shift
done
umask 022
cp $recursive $files "$MACHINES/${place%%:*}${place#*:}"
"""
# Its first process: what is started there and ends is not kept.
INIT = """
mount --bind "$1/etc" /etc; mount --bind "$2" /var/lib
mount --bind "$1/log" /var/log; mount --bind "$1/usr/local/bin" /usr/local/bin
hostname "$3"; touch "$1/up"
while :; do sleep 0.2 & wait; done
"""


def _program(path, text):
    path.write_text(text)
    path.chmod(0o755)


class Machine:
    """A host of a network, `root` being its folder."""

    def __init__(self, name, host, root, hosts):
        self.name, self.host, self.root = name, host, root
        self.address = host.address
        shutil.copytree("/etc", root / "etc", symlinks=True)
        (root / "etc/hosts").write_text(hosts)
        (root / "etc/systemd/system").mkdir(parents=True, exist_ok=True)
        self._state = Path(tempfile.mkdtemp(
            prefix="usher-machine-", dir=nats.MEMORY if nats.MEMORY.is_dir() else root))
        self._state.chmod(0o755)
        for folder in ("log", "usr/local/bin"):
            (root / folder).mkdir(parents=True)
        for service in ("nats", "usher"):
            (root / f"log/{service}.log").symlink_to(ledger.new_log(f"{name}-{service}"))
        programs_there = root / "usr/local/bin"
        shutil.copy(nats.program(), programs_there / "nats-server")
        (programs_there / "usher").symlink_to(public_copy())
        _program(programs_there / "systemctl", SYSTEMCTL)
        # Whatever is started in it goes with it.
        self._holder = subprocess.Popen(
            [*host.command, "unshare", "--mount", "--uts", "--pid", "--fork", "--kill-child",
             "--mount-proc", "sh", "-euc", INIT, "init", root, self._state, name],
            stdin=subprocess.DEVNULL)
        eventually((root / "up").exists, f"{name} is up")
        (first,) = Path(f"/proc/{self._holder.pid}/task/{self._holder.pid}/children") \
            .read_text().split()
        self.command = ["nsenter", f"--target={first}", "--mount", "--uts", "--pid", "--net"]

    @property
    def operator(self):
        return f"http://{self.address}:9090"

    def run(self, script):
        return run(self.name, ["bash", "-euc", script], [*self.command], cwd="/",
                   env=environment("/root", PATH="/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"))

    def state(self, service):
        return self._state / service

    def close(self):
        self._holder.kill()
        self._holder.wait()
        shutil.rmtree(self._state, ignore_errors=True)


def run(name, command, before=(), **options):
    """What a command says, which must succeed."""
    log = ledger.new_log(f"machine-{name}")
    with log.open("wb") as errors:
        done = subprocess.run([*before, *command], stdin=subprocess.DEVNULL, stderr=errors,
                              stdout=subprocess.PIPE, text=True, timeout=SECONDS, check=False,
                              **options)
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{log.read_text()[-2000:]}"
    return done.stdout


class Machines:
    """All that the document has in `Three machines`, step by step, as it stands there.
    `changed` are texts of the samples, and what stands in their place."""

    def __init__(self, network, changed=()):
        self.folder = new_folder("machines")
        self.blocks = [block for block in blocks(DOCUMENT, (CHECKOUT / DOCUMENT).read_text())
                       if block.hosts]
        self.all, self.database = [], None
        hosts = f"127.0.0.1 localhost\n{ADDRESSES}1 db.example\n" + "".join(
            f"{host.address} {name}.example\n"
            for name, host in zip(NAMES, network.hosts, strict=True))
        try:
            for name, host in zip(NAMES, network.hosts, strict=True):
                root = self.folder / f"{name}.example"
                root.mkdir()
                self.all.append(Machine(name, host, root, hosts))
            self._prepare(dict(changed))
        except BaseException:
            self.close()
            raise

    def _prepare(self, changed):
        self.desk = self.folder / "desk"
        (self.desk / "bin").mkdir(parents=True)
        _program(self.desk / "bin/scp", SCP)
        shutil.copytree(CHECKOUT / "deploy", self.desk / "deploy")
        config = self.desk / "deploy/nats/nats.conf"
        for old, new in changed.items():
            assert old in config.read_text(), old
            config.write_text(config.read_text().replace(old, new))
        (self.desk / "usher.env").write_text(self._text("usher.env"))
        self.database = Postgres(
            port=5432, hba=self._text("pg_hba.conf"), listen_addresses="*")
        self.database.offer_tls(*certificate(new_folder("tls"), ["db.example"]))
        for what in ("DATABASE", "ROLE"):
            self.database.psql(f"DROP {what} usher")

    def _text(self, where):
        (block,) = [block for block in self.blocks if block.hosts == where]
        return block.script.replace(SHOWN, ADDRESSES)

    def do(self, where, at=None):
        """Has a block done where it says, or one of those for each machine at one of them."""
        if where in ("db", "desk"):
            return run(where, ["bash", "-euc", self._text(where)], cwd=self.desk, env=environment(
                self.desk, MACHINES=str(self.folder), PGHOST="127.0.0.1", PGUSER=OWNER,
                PATH=f"{self.desk}/bin:{public_copy().parent}:{programs()}:{os.environ['PATH']}"))
        return (at or self.named(where)).run(self._text(where))

    def named(self, name):
        return next(one for one in self.all if one.name == name)

    def secret(self, name):
        """What a variable is in the environment of NATS."""
        lines = (self.all[0].root / "etc/nats/nats.env").read_text().splitlines()
        return ledger.remember(dict(line.split("=") for line in lines)[name], name)

    def close(self):
        for one in self.all:
            one.close()
        if self.database:
            self.database.stop()
