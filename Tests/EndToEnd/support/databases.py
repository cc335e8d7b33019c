"""Registries that are PostgreSQL databases, of one server for each process of the tests.

With USHER_TEST_REGISTRY=postgresql every data folder has one in place of its file (scripts/test
--deep).
"""

import atexit
import functools
import itertools
import os
import threading
from pathlib import Path

from .postgres import Postgres
from .usher import Usher

IS_POSTGRESQL = os.environ.get("USHER_TEST_REGISTRY") == "postgresql"
_numbers = itertools.count(1)


@functools.cache
def server():
    """The server, which no test may stop or change. It ends with the thread that asks first."""
    one = Postgres(max_connections=300)
    atexit.register(one.stop, "immediate")
    return one


@functools.cache
def _template():
    url = server().new_database("template_of_registries")
    Usher(registry=url).succeed("registry", "init")
    return "template_of_registries"


def new():
    """An empty registry; returns its URL."""
    name = f"registry_{next(_numbers)}"
    server().psql(f"CREATE DATABASE {name} TEMPLATE {_template()} OWNER usher")
    return server().url(name)


def psql(url, sql):
    """What a statement answers in this database, asked by the server's owner."""
    return server().psql(sql, url.rpartition("/")[2])


_folders = {}
_lock = threading.Lock()


def of(folder):
    """The URL of a data folder's registry, which is made when it is first asked for."""
    place = Path(folder).absolute()
    with _lock:
        if place not in _folders:
            _folders[place] = new()
        return _folders[place]


def take_the_place_of_files():
    """From now on all commands and services of the tests use these registries."""
    _template()
    Usher.database_of = staticmethod(of)
