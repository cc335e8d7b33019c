"""Who of the workers that go side by side may run its next test: most beside others, some alone."""

import contextlib
import fcntl

from .ledger import LOGS


@contextlib.contextmanager
def held(name, is_alone=True):
    """A lock among the processes of a run, held alone or together with others."""
    with (LOGS / f"{name.replace(' ', '-')}.lock").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX if is_alone else fcntl.LOCK_SH)
        yield


@contextlib.contextmanager
def turn(is_alone, takes):
    """Room for one test, which takes things that nobody else may have meanwhile.

    Who wants the room alone keeps the others at the door until it is empty.
    """
    with contextlib.ExitStack() as stack:
        for what in sorted(takes):
            stack.enter_context(held(what))
        with held("door"):
            stack.enter_context(held("room", is_alone))
        yield


_at_work = contextlib.ExitStack()


def begin():
    """Every worker says so before any of them runs a test."""
    _at_work.enter_context(held("work", is_alone=False))


def finish():
    _at_work.close()


def wait_for_the_others():
    """Returns when all others have finished."""
    finish()
    _at_work.enter_context(held("work"))


def forget():
    for lock in LOGS.glob("*.lock"):
        lock.unlink()
