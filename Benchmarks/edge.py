"""The edge step on a verified session cookie: Usher's /edge/auth against HAProxy, which takes the
cookie into the header and verifies the token on each request."""

import shutil
import subprocess
import tempfile
from pathlib import Path
from statistics import median

from servers import (
    BEFORE, SERVER_CPU, Usher, alternate, free_port, pinned, run_load, show, wait_for_port)

CONNECTIONS = 64
PLAIN = "/livez"
COOKIE = "__Host-usher_session"
CONFIGURATION = """
global
    nbthread 1
    maxconn 2000
defaults
    mode http
    timeout connect 5s
    timeout client 30s
    timeout server 30s
    option http-keep-alive
frontend edge
    bind 127.0.0.1:{port}
    http-request return status 200 content-type application/json string "{{}}" if {{ path /livez }}
    http-request set-header Authorization "Bearer %[req.cook({cookie})]"
    http-request del-header Cookie
    http-request set-var(txn.token) http_auth_bearer
    http-request set-var(txn.alg) var(txn.token),jwt_header_query('$.alg')
    http-request set-var(txn.exp) var(txn.token),jwt_payload_query('$.exp','int')
    http-request set-var(txn.now) date()
    acl good_algorithm var(txn.alg) -m str ES256
    acl good_signature var(txn.token),jwt_verify(txn.alg,"{key}") -m int 1
    acl lasts var(txn.exp),sub(txn.now) -m int gt 0
    http-request deny deny_status 401 unless good_algorithm good_signature
    http-request deny deny_status 401 unless lasts
    http-request return status 200 content-type application/json string "{{}}"
"""


class EdgeUsher(Usher):
    path, form = "/edge/auth", ""

    def __init__(self, binary, name="usher"):
        super().__init__(binary, name=name)
        self.port = int(self.ready["operator"].rsplit(":", 1)[1])
        self.cookie = f"{COOKIE}={self.token}"


class HAProxy:
    """With the public key of an Usher whose token it verifies."""

    name, path, form, authorization = "haproxy", "/", "", ""

    def __init__(self, usher):
        self.token, self.cookie = usher.token, usher.cookie
        self.folder = tempfile.TemporaryDirectory(prefix="haproxy-benchmark-")
        folder = Path(self.folder.name)
        (key,) = Path(usher.folder.name).glob("data/keys/*.signing.pem")
        public = folder / "usher.pub.pem"
        subprocess.run(["openssl", "pkey", "-in", key, "-pubout", "-out", public], check=True)
        self.port = free_port()
        path = folder / "haproxy.cfg"
        path.write_text(CONFIGURATION.format(port=self.port, cookie=COOKIE, key=public))
        self.process = subprocess.Popen(
            pinned(SERVER_CPU, ["haproxy", "-db", "-f", path]), stderr=subprocess.DEVNULL)
        wait_for_port(self.port)

    def stop(self):
        self.process.terminate()
        self.process.wait()
        self.folder.cleanup()


def compare(usher, tools, rounds, seconds, before=None):
    if not shutil.which("haproxy"):
        print("SKIPPED: there is no haproxy on the PATH (Debian package haproxy)", flush=True)
        return
    servers = []
    try:
        servers.append(EdgeUsher(usher))
        servers.append(HAProxy(servers[0]))
        if before:
            servers.append(EdgeUsher(before, name=BEFORE))
        whole = alternate(servers, rounds, lambda server: load(tools, server, server.path, seconds))
        plain = alternate(servers, rounds, lambda server: load(tools, server, PLAIN, seconds))
    finally:
        for server in reversed(servers):
            server.stop()
    step = {name: [request - median(plain[name]) for request in requests]
            for name, requests in whole.items()}
    for name, target in (("haproxy", "at most 0.1"), (BEFORE, "no loss")):
        if name in whole:
            show("CPU of a verified cookie, with its request", whole, name, "us", target)
            show("the same without a bare request's", step, name, "us", target)


def load(tools, server, path, seconds):
    return run_load(server, [
        tools / "load_http", server.port, path, server.form, CONNECTIONS, seconds,
        server.process.pid])
