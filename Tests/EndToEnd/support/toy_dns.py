"""A name server that knows one name: A records over UDP, on an address of loopback and port 53."""

import socket
import struct
import threading


class ToyDNS:
    ADDRESS = "127.0.0.77"

    def __init__(self, name, address):
        self.question = b"".join(
            bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0"
        self.address = socket.inet_aton(address)
        self.asked = []
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((self.ADDRESS, 53))
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self):
        while True:
            query, sender = self._socket.recvfrom(4096)
            if not query:
                return
            end = query.index(b"\0", 12) + 1
            name, kind = query[12:end], struct.unpack(">H", query[end:end + 2])[0]
            is_known = name.lower() == self.question
            self.asked.append(name)
            record = b""
            if is_known and kind == 1:
                record = b"\xc0\x0c" + struct.pack(">HHIH", 1, 1, 60, 4) + self.address
            flags = 0x8180 if is_known else 0x8183
            head = query[:2] + struct.pack(">HHHHH", flags, 1, bool(record), 0, 0)
            self._socket.sendto(head + query[12:end + 4] + record, sender)

    def close(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
            last.sendto(b"", (self.ADDRESS, 53))
        self._thread.join()
        self._socket.close()
