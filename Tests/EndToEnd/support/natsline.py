"""As much of a client of NATS as it takes to listen, and to say anything at all."""

import json
import socket
import threading
import urllib.parse


class NatsLine:
    """A connection. What it hears is in `heard` by subject, what it was refused in `errors`."""

    def __init__(self, url, user=None, password=None):
        place = urllib.parse.urlsplit(url)
        self.heard, self.errors = {}, []
        self._socket = socket.create_connection((place.hostname, place.port), 10)
        self._file = self._socket.makefile("rb")
        info = self._file.readline()
        assert info.startswith(b"INFO "), info
        options = {"verbose": False, "pedantic": False, "user": user, "pass": password,
                   "lang": "python", "version": "0", "protocol": 1}
        self._say(b"CONNECT " + json.dumps(
            {name: value for name, value in options.items() if value is not None}).encode())
        self._pongs = threading.Semaphore(0)
        self._subscriptions = 0
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _say(self, *lines):
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
        except OSError:
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
