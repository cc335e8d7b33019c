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


def entered(is_alone):
    room = contextlib.ExitStack()
    with held("door"):
        room.enter_context(held("room", is_alone))
    return room


_kept = []


@contextlib.contextmanager
def turn(is_alone, takes, is_kept=False):
    """Room for one test, which takes things that nobody else may have meanwhile.

    Who wants the room alone keeps the others at the door until it is empty. `is_kept` has the next
    test of this worker, which wants it alone as well and takes nothing, not wait for that again.
    """
    with contextlib.ExitStack() as stack:
        for what in sorted(takes):
            stack.enter_context(held(what))
        with _kept.pop() if _kept else entered(is_alone) as room:
            yield
            if is_kept:
                _kept.append(room.pop_all())


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
