"""Debian's reverse proxies with the very samples of deploy/, and what stands behind and beside."""

import itertools
import json
import os
import shlex
import socket
import ssl
import subprocess
import time

from . import http as client
from . import ledger
from .documents import shell_blocks
from .site import QuietHandler, Site
from .usher import CHECKOUT, environment, new_folder
from .waiting import eventually

DEPLOY = CHECKOUT / "deploy"


def _ports():
    """Below those that the system takes for connections, or one of these may have it when a server
    that was stopped starts again. Each worker of a run has its part."""
    count, worker = 2000, int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    first, start = 12_000 + worker % 10 * count, os.getpid()
    for number in itertools.count():
        yield first + (start + number) % count


PORTS = _ports()


def free_port():
    """One that nobody has, and that is given to nobody else here."""
    while True:
        port = next(PORTS)
        try:
            with socket.create_server(("127.0.0.1", port)):
                return port
        except OSError:
            continue


def certificate(folder, names=("localhost",)):
    """One for these names and 127.0.0.1; returns the paths of certificate and key."""
    crt, key = folder / "meet.crt", folder / "meet.key"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
         "-nodes", "-days", "30", "-subj", "/CN=localhost", "-addext",
         ",".join(["subjectAltName=IP:127.0.0.1", *(f"DNS:{name}" for name in names)]),
         "-keyout", key, "-out", crt],
        check=True, capture_output=True)
    (folder / "both.crt").write_bytes(crt.read_bytes() + key.read_bytes())
    return crt, key


class Application:
    """Answers with the header fields that it got; over TLS where a certificate is given."""

    def __init__(self, tls=None, page=b""):
        self.seen = []
        application = self

        class Handler(QuietHandler):
            protocol_version = "HTTP/1.1"

            def answer(self):
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                fields = [(name.lower(), value) for name, value in self.headers.items()]
                application.seen.append((self.command, self.path, fields))
                isPage = self.path.startswith("/page")
                body = page if isPage else json.dumps(fields).encode()
                self.send_response(200)
                self.send_header("Content-Type", "text/html" if isPage else "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_POST = do_DELETE = do_PUT = answer

        self.site = Site(Handler, tls=tls)
        self.port = self.site.server_port

    def close(self):
        self.site.close()


def substituted(name, values):
    """A sample with what is marked in it replaced; each value must be there."""
    text = with_prefix((DEPLOY / name).read_text())
    for old, new in values.items():
        assert old in text, f"deploy/{name} has no {old}"
        text = text.replace(old, str(new))
    return text


def with_prefix(text):
    """A sample with the lines for the prefix /rtc, which stand in it as comments."""
    before, mark, rest = text.partition("take the comment signs off.\n")
    assert mark, "the sample has no lines for a prefix"
    lines, blank, after = rest.partition("\n\n")
    assert all(line.lstrip().startswith("# ") for line in lines.splitlines())
    return before + mark + lines.replace("# ", "") + blank + after


class ReverseProxy:
    """One of the proxies in front of a server and an application, as https://localhost:PORT."""

    def __init__(self, kind, server, application, port, tls):
        self.folder = new_folder(kind)
        self.log = ledger.new_log(kind)
        self.url = f"https://localhost:{port}"
        command = getattr(self, f"_{kind}")(server, application, port, *tls)
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                command, stdout=log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                cwd=self.folder, env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
                                      "HOME": str(self.folder)})
        context = ssl.create_default_context(cafile=str(tls[0]))
        client.trusted[f"localhost:{port}"] = context
        eventually(lambda: self._answers(port), kind)

    def _answers(self, port):
        assert self.process.poll() is None, self.log.read_text()[-2000:]
        with socket.socket() as one:
            return one.connect_ex(("127.0.0.1", port)) == 0

    def _nginx(self, server, application, port, crt, key):
        sample = substituted("nginx.conf", {
            "127.0.0.1:8080": address(server.url), "127.0.0.1:9090": address(server.operator),
            "127.0.0.1:3000": f"127.0.0.1:{application.port}",
            "listen 443 ssl": f"listen 127.0.0.1:{port} ssl", "server_name meet.example": (
                "server_name localhost"),
            "/etc/ssl/meet.example.pem": crt, "/etc/ssl/meet.example.key": key})
        (self.folder / "sample.conf").write_text(sample)
        return self.nginx_of(self.folder / "sample.conf")

    def nginx_of(self, sample):
        """The command that runs it with this file."""
        temporary = "".join(
            f"{name}_temp_path {self.folder}/{name};\n"
            for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        (self.folder / "whole.conf").write_text(
            f"daemon off; pid {self.folder}/pid; error_log stderr; worker_processes 1;\n"
            "events {}\nhttp {\naccess_log off;\n" + temporary + f"include {sample};\n}}\n")
        return ["nginx", "-p", self.folder, "-c", self.folder / "whole.conf"]

    def _haproxy(self, server, application, port, crt, _):
        public = self.folder / "usher.pub.pem"
        subprocess.run(["openssl", "pkey", "-in", server.private_key_file(), "-pubout", "-out",
                        public], check=True, capture_output=True)
        (self.folder / "haproxy.cfg").write_text(substituted("haproxy.cfg", {
            "server usher 127.0.0.1:8080": f"server usher {address(server.url)}",
            "127.0.0.1:3000": f"127.0.0.1:{application.port}",
            "bind :443": f"bind 127.0.0.1:{port}", "https://meet.example": self.url,
            "/etc/ssl/meet.example.both.pem": crt.parent / "both.crt",
            "/etc/haproxy/usher.pub.pem": public}))
        return ["haproxy", "-db", "-f", self.folder / "haproxy.cfg"]

    def _caddy(self, server, application, port, crt, key):
        sample = substituted("Caddyfile", {
            "127.0.0.1:8080": address(server.url), "127.0.0.1:9090": address(server.operator),
            "127.0.0.1:3000": f"127.0.0.1:{application.port}",
            "https://meet.example {": f"https://localhost:{port} {{\nbind 127.0.0.1\n",
            "/etc/ssl/meet.example.pem /etc/ssl/meet.example.key": f"{crt} {key}"})
        (self.folder / "Caddyfile").write_text(
            "{\nadmin off\nauto_https disable_redirects\nskip_install_trust\n"
            "servers {\nprotocols h1\n}\n}\n" + sample)
        return ["caddy", "run", "--config", self.folder / "Caddyfile", "--adapter", "caddyfile"]

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            deadline = time.monotonic() + 10
            while self.process.poll() is None and time.monotonic() < deadline:
                time.sleep(0.05)
            if self.process.poll() is None:
                self.process.kill()
            self.process.wait()


def demo_command():
    """The variables and the words by which docs/serverless.md has the demo meet a function."""
    (script,) = (block.script for block in shell_blocks() if "demo.Caddyfile" in block.script)
    words = shlex.split(script.replace("\\\n", " "))
    start = words.index("caddy")
    return dict(word.split("=", 1) for word in words[:start]), words[start:]


class DemoProxy:
    """The documented Caddy that gives the demo's page and a relay one origin."""

    def __init__(self, relay, auth):
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        log = ledger.new_log("caddy")
        with log.open("wb") as output:
            self.process = subprocess.Popen(
                demo_command()[1], stdin=subprocess.DEVNULL, stdout=output,
                stderr=subprocess.STDOUT, cwd=CHECKOUT, env=environment(
                    new_folder("caddy"), USHER_RELAY=relay, USHER_AUTH=address(auth),
                    USHER_DEMO_PORT=str(self.port)))
        eventually(lambda: self._answers(log), "caddy")

    def _answers(self, log):
        assert self.process.poll() is None, log.read_text()[-2000:]
        with socket.socket() as one:
            return one.connect_ex(("127.0.0.1", self.port)) == 0

    def stop(self):
        self.process.terminate()
        self.process.wait(10)


def address(url):
    return url.split("//", 1)[1]
