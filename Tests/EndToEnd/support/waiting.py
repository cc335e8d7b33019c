"""Bounded waits for a condition."""

import time

PATIENCE = 10.0


def eventually(condition, what, within=PATIENCE):
    """Returns the first true value of `condition()`; fails naming `what` after `within` seconds."""
    deadline = time.monotonic() + within
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {within} s: {what}")
        time.sleep(0.02)
