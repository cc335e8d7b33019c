"""A reverse proxy that puts a server below a path, and what it answers when it does not pass on."""

import socket

from . import calls


class Front(calls.Wire):
    """Takes `prefix` off each connection's first request; all that is elsewhere is not there.

    While `status` is set, everything is answered with it, as by a proxy whose server is gone, and
    with `retry_after` where that is set.
    """

    def __init__(self, url, prefix=""):
        self.prefix = prefix.encode()
        self.status = None
        self.retry_after = None
        self.seen = []
        super().__init__(url)
        self.url = self.url.replace("ws:", "http:")

    def _pump(self, source, sink):
        try:
            if sink.getpeername() == self.target and not self._begin(source, sink):
                return
        except OSError:
            pass
        super()._pump(source, sink)

    def _begin(self, client, server):
        head = b""
        while b"\r\n\r\n" not in head:
            data = client.recv(65536)
            if not data:
                return True
            head += data
        method, path, rest = head.split(b" ", 2)
        self.seen.append(f"{method.decode()} {path.decode()}")
        status = self.status or (None if path.startswith(self.prefix) else 404)
        if status is None:
            # One request a connection: the next begins with the prefix too.
            if b"upgrade: websocket" not in rest.lower():
                rest = rest.replace(b"keep-alive", b"close")
            server.sendall(b" ".join(
                (method, b"/" + path[len(self.prefix):].lstrip(b"/"), rest)))
            return True
        later = "" if self.retry_after is None else (
            f"Access-Control-Expose-Headers: Retry-After\r\nRetry-After: {self.retry_after}\r\n")
        client.sendall(
            b"HTTP/1.1 %d Nobody\r\nAccess-Control-Allow-Origin: *\r\nContent-Length: 0\r\n"
            b"%sConnection: close\r\n\r\n" % (status, later.encode()))
        for one in (client, server):
            one.shutdown(socket.SHUT_RDWR)
        return False

    def asked(self, part):
        """The requests that hold these words."""
        return [line for line in self.seen if part in line]


