"""A WebSocket client that can misbehave: a test may choose every byte of a frame (RFC 6455)."""

import base64
import hashlib
import select
import socket
import struct
import time
import urllib.parse

from . import chance, http

PATIENCE_SECONDS = 10
# Keys and masks.
draws = chance.of("websocket")
TEXT, BINARY, CLOSE, PING, PONG = 0x1, 0x2, 0x8, 0x9, 0xA


class Refused(Exception):
    """The handshake was answered with something else than 101."""

    def __init__(self, response):
        super().__init__(f"{response.status} {response.body[:200]!r}")
        self.response = response


class Closed(Exception):
    """The connection ended: `code` is the close frame's, or None where none came."""

    def __init__(self, code, reason=""):
        super().__init__(f"closed with {code} {reason}")
        self.code = code
        self.reason = reason


class WebSocket:
    def __init__(self, url, target="/", fields=(), early=b"", source=None, receive_buffer=None):
        """Connects and shakes hands; `early` is sent in the same packet as the request. The target
        goes on from the URL's path."""
        place = urllib.parse.urlsplit(url)
        self.answers_pings = True
        self.pings = 0
        self._buffer = b""
        self.socket = socket.socket()
        self.socket.settimeout(PATIENCE_SECONDS)
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        if source:
            self.socket.bind((source, 0))
        self.socket.connect((place.hostname, place.port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if place.scheme == "https":
            self.socket = http.trusted[place.netloc].wrap_socket(
                self.socket, server_hostname=place.hostname)
        key = base64.b64encode(draws.randbytes(16)).decode()
        names = {name.lower() for name, _ in fields}
        lines = [f"GET {place.path.rstrip('/')}{target} HTTP/1.1"]
        lines += [f"{name}: {value}" for name, value in (
            ("Host", place.netloc), ("Upgrade", "websocket"), ("Connection", "Upgrade"),
            ("Sec-WebSocket-Version", "13"), ("Sec-WebSocket-Key", key),
        ) if name.lower() not in names]
        lines += [f"{name}: {value}" for name, value in fields if value is not None]
        self.socket.sendall("\r\n".join([*lines, "", ""]).encode("latin-1") + early)
        self.response = self._read_response()
        if self.response.status != 101:
            self.socket.close()
            raise Refused(self.response)
        digest = hashlib.sha1(key.encode() + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest()
        assert self.response.header("Sec-WebSocket-Accept") == base64.b64encode(digest).decode()
        assert self.response.header("Sec-WebSocket-Extensions") is None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.drop()

    def _read_response(self):
        while b"\r\n\r\n" not in self._buffer:
            self._fill()
        head, self._buffer = self._buffer.split(b"\r\n\r\n", 1)
        status_line, *lines = head.decode("latin-1").split("\r\n")
        fields = [tuple(part.strip() for part in line.split(":", 1)) for line in lines]
        response = http.Response(int(status_line.split()[1]), fields, b"")
        if response.status != 101:
            length = int(response.header("Content-Length") or 0)
            while len(self._buffer) < length:
                self._fill()
            response.body = self._buffer[:length]
        return response

    def _fill(self):
        try:
            chunk = self.socket.recv(65536)
        except ConnectionResetError:
            chunk = b""
        if not chunk:
            raise Closed(None, "end of stream")
        self._buffer += chunk

    # Sending

    def send_text(self, text):
        self.send_frame(TEXT, text.encode())

    def send_frame(self, opcode, payload=b"", **options):
        self.socket.sendall(frame(opcode, payload, **options))

    def send_bytes(self, data):
        self.socket.sendall(data)

    # Receiving

    def waiting(self, seconds=0):
        """Whether bytes are at hand, or come within the time."""
        return bool(self._buffer) or self._is_readable(seconds)

    def _is_readable(self, seconds):
        # What TLS has decrypted already is not in the kernel's buffer.
        decrypted = getattr(self.socket, "pending", lambda: 0)()
        return bool(decrypted or select.select([self.socket], [], [], seconds)[0])

    def receive_frame(self, within=PATIENCE_SECONDS):
        """The next frame as (opcode, payload); checks what RFC 6455 §5.1 asks of a server."""
        deadline = time.monotonic() + within
        while (parsed := self._parse()) is None:
            left = deadline - time.monotonic()
            if left <= 0 or not self._is_readable(left):
                raise TimeoutError(f"nothing received within {within:.1f} s")
            self._fill()
        return parsed

    def _parse(self):
        data = self._buffer
        if len(data) < 2:
            return None
        assert data[0] & 0x70 == 0, "a server frame has reserved bits set"
        assert data[1] & 0x80 == 0, "a server frame is masked"
        assert data[0] & 0x80, "a server frame is fragmented"
        length, at = data[1] & 0x7F, 2
        if length >= 126:
            at = 4 if length == 126 else 10
            if len(data) < at:
                return None
            length = struct.unpack("!H" if at == 4 else "!Q", data[2:at])[0]
        if len(data) < at + length:
            return None
        self._buffer = data[at + length:]
        return data[0] & 0x0F, data[at:at + length]

    def receive_text(self, within=PATIENCE_SECONDS):
        """The next text message; answers pings on the way. Raises Closed at the end."""
        deadline = time.monotonic() + within
        while True:
            opcode, payload = self.receive_frame(max(0, deadline - time.monotonic()))
            if opcode == TEXT:
                return payload.decode()
            if opcode == PING:
                self.pings += 1
                if self.answers_pings:
                    self.send_frame(PONG, payload)
            elif opcode == CLOSE:
                code = struct.unpack("!H", payload[:2])[0] if payload else None
                assert len(payload) < 126
                raise Closed(code, payload[2:].decode())

    def receive_pong(self):
        opcode, payload = self.receive_frame()
        while opcode == PING:
            opcode, payload = self.receive_frame()
        assert opcode == PONG, f"opcode {opcode} in place of a pong"
        return payload

    def closing(self, within=PATIENCE_SECONDS):
        """Reads on until the connection ends; returns (close code, texts received on the way)."""
        texts = []
        try:
            while True:
                texts.append(self.receive_text(within))
        except Closed as closed:
            return closed.code, texts
        except BrokenPipeError:
            return None, texts

    # Ending

    def close(self, code=1000):
        """The closing handshake; returns the server's answer to it."""
        self.send_frame(CLOSE, struct.pack("!H", code))
        try:
            return self.closing()
        finally:
            self.drop()

    def drop(self):
        """Closes the TCP connection without a close frame."""
        self.socket.close()

    def reset(self):
        """Ends the TCP connection with a RST."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()


def frame(opcode, payload=b"", fin=True, masked=True, reserved=0, claimed_length=None):
    """One client frame; the options break RFC 6455 §5 in one way each."""
    length = len(payload) if claimed_length is None else claimed_length
    head = bytes([(0x80 if fin else 0) | reserved << 4 | opcode])
    mask_bit = 0x80 if masked else 0
    if length < 126:
        head += bytes([mask_bit | length])
    elif length < 65536:
        head += bytes([mask_bit | 126]) + struct.pack("!H", length)
    else:
        head += bytes([mask_bit | 127]) + struct.pack("!Q", length)
    if not masked:
        return head + payload
    mask = draws.randbytes(4)
    whole = int.from_bytes(payload, "big")
    stream = int.from_bytes((mask * (len(payload) // 4 + 1))[:len(payload)], "big")
    return head + mask + (whole ^ stream).to_bytes(len(payload), "big")
