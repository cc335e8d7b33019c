"""As much of a client of NATS as it takes to listen, and to say anything at all."""

import io
import json
import select
import socket
import ssl
import threading
import urllib.parse


class _Arrivals(io.RawIOBase):
    """What comes over a socket, which whoever says something has meanwhile."""

    def __init__(self, connection, turn):
        self._socket, self._turn = connection, turn

    def readable(self):
        return True

    def readinto(self, buffer):
        while True:
            with self._turn:
                self._socket.settimeout(0)
                try:
                    return self._socket.recv_into(buffer)
                except (ssl.SSLWantReadError, BlockingIOError):
                    pass
            arriving = select.poll()
            arriving.register(self._socket, select.POLLIN)
            arriving.poll()


class NatsLine:
    """A connection. What it hears is in `heard` by subject, what it was refused in `errors`."""

    def __init__(self, url, user=None, password=None, tls=None):
        """`tls`: the file of a CA, and the name that its certificate of the server bears."""
        place = urllib.parse.urlsplit(url)
        self.heard, self.errors = {}, []
        self._socket = socket.create_connection((place.hostname, place.port), 10)
        with self._socket.makefile("rb", 0) as file:
            info = file.readline()
        assert info.startswith(b"INFO "), info
        if tls:
            context = ssl.create_default_context(cafile=tls[0])
            self._socket = context.wrap_socket(self._socket, server_hostname=tls[1])
        # OpenSSL's connections are for one thread at a time.
        self._turn = threading.Lock()
        self._file = io.BufferedReader(_Arrivals(self._socket, self._turn))
        options = {"verbose": False, "pedantic": False, "user": user, "pass": password,
                   "lang": "python", "version": "0", "protocol": 1}
        self._say(b"CONNECT " + json.dumps(
            {name: value for name, value in options.items() if value is not None}).encode())
        self._pongs = threading.Semaphore(0)
        self._subscriptions = 0
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _say(self, *lines):
        with self._turn:
            self._socket.settimeout(10)
            self._socket.sendall(b"".join(line + b"\r\n" for line in lines))

    def _read(self):
        try:
            while line := self._file.readline():
                word, *rest = line.split()
                if word == b"MSG":
                    body = self._file.read(int(rest[-1]) + 2)[:-2]
                    self.heard.setdefault(rest[0].decode(), []).append(body)
                elif word == b"PING":
                    self._say(b"PONG")
                elif word == b"PONG":
                    self._pongs.release()
                elif word == b"-ERR":
                    self.errors.append(line.decode().strip())
        except (OSError, ValueError):  # It is closed.
            return

    def subscribe(self, subject):
        self._subscriptions += 1
        self._say(f"SUB {subject} {self._subscriptions}".encode())
        self.flush()

    def publish(self, subject, body, reply=""):
        self._say(f"PUB {subject} {reply} {len(body)}".encode(), body)

    def flush(self):
        """Returns once the server has dealt with all that was said."""
        self._say(b"PING")
        assert self._pongs.acquire(timeout=10), "the server does not answer"

    def close(self):
        self._socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
