"""A process that holds sockets in a room until it is killed.

Reads one line of JSON on stdin: {"url", "token", "room", "count"}; prints "joined" when it is in.
"""

import json
import sys
import time

from .peers import Peer, query


def main():
    task = json.loads(sys.stdin.readline())
    held = []
    for number in range(task["count"]):
        peer = Peer(task["url"], query(task["token"]))
        peer.join(task["room"], id=f"held-{number}")
        if number == 0:
            peer.expect("first_to_join")
        else:
            held[0].expect("someone_joined")
        held.append(peer)
    print("joined", flush=True)
    time.sleep(60)


main()
