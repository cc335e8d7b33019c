"""The token endpoint against a floor in C and two peers, and its memory over a million tokens."""

import secrets
import shutil
from statistics import median

from glewlwyd import Glewlwyd
from servers import BEFORE, Program, Usher, alternate, resident_kilobytes, run_load, show

CONNECTIONS = 64
WARM_UP, MILLION = 50_000, 1_000_000


def compare(usher, tools, rounds, seconds, before=None):
    credentials = ("c_" + secrets.token_urlsafe(16), secrets.token_urlsafe(32))
    servers = []
    try:
        servers.append(Program("floor", [tools / "bare_tokens"], *credentials))
        servers.append(Usher(usher))
        if before:
            servers.append(Usher(before, name=BEFORE))
        if shutil.which("node"):
            servers.append(Program("node", ["node", tools / "peer_node.js"], *credentials))
        else:
            print("SKIPPED: there is no node on the PATH (Debian package nodejs)", flush=True)
        if Glewlwyd.is_installed():
            servers.append(Glewlwyd(*credentials))
        else:
            print("SKIPPED: there is no glewlwyd (Debian package glewlwyd)", flush=True)
        values = alternate(servers, rounds, lambda server: load(tools, server, seconds))
    finally:
        for server in servers:
            server.stop()
    targets = {"floor": "at least 0.90", BEFORE: "no loss", "node": "at least 3",
               "glewlwyd": "at least 10"}
    for name in values:
        if name != "usher":
            show(f"tokens per CPU second, against {name}", values, name, "us", targets[name],
                 inverse=True)


def load(tools, server, seconds, *count):
    return run_load(server, [
        tools / "load_http", server.port, server.path, server.form, CONNECTIONS, seconds,
        server.process.pid, *count])


def watch_memory(usher, tools):
    """A million tokens of one server, in ten parts; its resident memory beside them."""
    server = Usher(usher)
    try:
        load(tools, server, 300, WARM_UP)
        sizes = [resident_kilobytes(server)]
        for _ in range(10):
            load(tools, server, 300, MILLION // 10)
            sizes.append(resident_kilobytes(server))
    finally:
        server.stop()
    print(f"memory over a million tokens: {sizes[0]} kB after {WARM_UP} tokens, {sizes[5]} kB half "
          f"way, {sizes[-1]} kB at the end; median {median(sizes):.0f} kB, most {max(sizes)} kB",
          flush=True)
