"""`python loopback.py COMMAND…`: runs a command in a network that has just been made (`unshare
--net`), once its loopback interface is up."""

import fcntl
import os
import socket
import struct
import sys

SIOCSIFFLAGS = 0x8914
IFF_UP, IFF_RUNNING = 0x1, 0x40

if __name__ == "__main__":
    with socket.socket() as one:
        fcntl.ioctl(one, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", IFF_UP | IFF_RUNNING))
    os.execvp(sys.argv[1], sys.argv[1:])
