"""What work costs a server: CPU time of its process for hostile input against benign input."""

import time

# The most that hostile input may cost, in times what benign input of its length does.
RATIO_MAX = 25
ROUNDS = 3
REPEATS = 4
# Below this one costs too little for a ratio to say anything, in seconds.
FLOOR = 0.0001


def marks(length):
    """Combining marks out of order: what Unicode normalisation sorts in quadratic time. `length` is
    in bytes of UTF-8."""
    half = length // 4
    return "\u0301" * half + "\u0323" * (length // 2 - half)


def letters(length):
    return "a" * length


def cpu_seconds(server):
    """Of the whole process, to the nanosecond: its CPUCLOCK_SCHED."""
    return time.clock_gettime((~server.process.pid << 3) | 2)


def cost(server, work):
    """CPU time of the server for `work`, in seconds: the least of several rounds."""
    rounds = []
    for _ in range(ROUNDS):
        start = cpu_seconds(server)
        for _ in range(REPEATS):
            work()
        rounds.append((cpu_seconds(server) - start) / REPEATS)
    return min(rounds)


def ratio(server, hostile, benign):
    """How many times what `benign` does `hostile` costs."""
    return cost(server, hostile) / max(cost(server, benign), FLOOR)
