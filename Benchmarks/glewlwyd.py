"""Glewlwyd as Debian packages it: an OAuth 2 server in C, on SQLite or PostgreSQL."""

import gzip
import http.cookiejar
import json
import shutil
import signal
import sqlite3
import subprocess
import tempfile
import urllib.request
from pathlib import Path

from servers import SERVER_CPU, basic, free_port, pinned, wait_for_port

ADMIN = {"username": "admin", "password": "password"}  # As the package's own schema has it.
ON_SQLITE, ON_POSTGRES = "init.sqlite3.sql", "init.postgre.sql"
SCOPE = (
    "INSERT INTO g_scope (gs_name, gs_display_name, gs_description, gs_password_required, "
    "gs_password_max_age) VALUES ('read', 'read', 'read', 0, 0);")


class Glewlwyd:
    """One client with HTTP Basic and the client credentials grant; access tokens are ES256. Its
    database is a file of its own, or one of a PostgreSQL server."""

    name = "glewlwyd"
    token = ""
    path, form = "/api/glwd/token/", "grant_type=client_credentials&scope=read"

    def __init__(self, client, secret, postgres=None):
        self.client, self.authorization = client, basic(client, secret)
        self.folder = tempfile.TemporaryDirectory(prefix="glewlwyd-benchmark-")
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        folder = Path(self.folder.name)
        database = make_in(postgres) if postgres else make_file(folder / "db")
        configuration = folder / "glewlwyd.conf"
        configuration.write_text(make_configuration(folder, self.port, database))
        self.process = subprocess.Popen(
            pinned(SERVER_CPU, ["glewlwyd", f"--config-file={configuration}"]),
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for_port(self.port)
        self.register(client, secret, *make_keys())

    @staticmethod
    def is_installed(schema=ON_SQLITE):
        return bool(shutil.which("glewlwyd") and packaged(schema))

    def stop(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.folder.cleanup()

    def register(self, client, secret, private_key, public_key):
        opener = urllib.request.build_opener(
            urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))
        post(opener, self.url + "/api/auth/", ADMIN)
        post(opener, self.url + "/api/mod/plugin/", {
            "module": "oauth2-glewlwyd", "name": "glwd", "display_name": "glwd", "parameters": {
                "iss": self.url, "jwt-type": "ecdsa", "jwt-key-size": "256",
                "key": private_key, "cert": public_key, "access-token-duration": 600,
                "refresh-token-duration": 3600, "code-duration": 600,
                "refresh-token-rolling": True, "auth-type-code-enabled": False,
                "auth-type-implicit-enabled": False, "auth-type-password-enabled": False,
                "auth-type-client-enabled": True, "auth-type-refresh-enabled": False}})
        post(opener, self.url + "/api/client/", {
            "client_id": client, "client_secret": secret, "name": client, "confidential": True,
            "enabled": True, "scope": ["read"], "authorization_type": ["client_credentials"],
            "token_endpoint_auth_method": ["client_secret_basic"]})


def post(opener, url, value):
    request = urllib.request.Request(
        url, json.dumps(value).encode(), {"Content-Type": "application/json"})
    with opener.open(request):
        pass


def packaged(name):
    """A file of this name that the Debian packages brought, perhaps compressed."""
    listed = subprocess.run(
        ["dpkg", "-L", "glewlwyd", "glewlwyd-common"], capture_output=True, text=True, check=False)
    return next((Path(line) for line in listed.stdout.splitlines()
                 if Path(line).name in (name, name + ".gz") and Path(line).is_file()), None)


def read_packaged(name):
    path = packaged(name)
    data = path.read_bytes()
    return (gzip.decompress(data) if path.suffix == ".gz" else data).decode()


def make_file(path):
    """Makes the database; returns how the configuration names it."""
    with sqlite3.connect(path) as database:
        database.executescript(read_packaged(ON_SQLITE) + SCOPE)
    database.close()
    return f'type = "sqlite3" path = "{path}"'


def make_in(postgres):
    """As `make_file`, on a PostgreSQL server."""
    url = postgres.new_database(
        "glewlwyd", "CREATE EXTENSION pgcrypto;" + read_packaged(ON_POSTGRES) + SCOPE)
    return f'type = "postgre" conninfo = "{url}"'


def make_configuration(folder, port, database):
    modules = "/usr/lib/glewlwyd"
    settings = {
        "port": port, "bind_address": "127.0.0.1", "external_url": f"http://127.0.0.1:{port}/",
        "api_prefix": "api", "login_url": "login.html", "cookie_domain": "127.0.0.1",
        "cookie_secure": 0, "log_mode": "file", "log_level": "ERROR",
        "log_file": f"{folder}/log", "session_expiration": 2419200,
        "session_key": "GLEWLWYD2_SESSION_ID", "admin_scope": "g_admin",
        "profile_scope": "g_profile", "user_module_path": f"{modules}/user",
        "client_module_path": f"{modules}/client",
        "user_auth_scheme_module_path": f"{modules}/scheme",
        "plugin_module_path": f"{modules}/plugin", "hash_algorithm": "SHA512",
    }
    lines = [f"{name} = {json.dumps(value)}" for name, value in settings.items()]
    lines.append(f"database = {{ {database} }};")
    return "\n".join(lines) + "\n"


def make_keys():
    """A new P-256 key pair, private and public, as PEM."""
    private_key = subprocess.run(
        ["openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
        check=True, capture_output=True).stdout
    public_key = subprocess.run(
        ["openssl", "pkey", "-pubout"], input=private_key, check=True, capture_output=True).stdout
    return private_key.decode(), public_key.decode()
