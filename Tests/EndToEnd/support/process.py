"""What a process holds, and how it is stopped for a while."""

import signal
from dataclasses import dataclass
from pathlib import Path

from .waiting import eventually


def freeze(process):
    """Returns once no thread of it runs any more: until then it may answer."""
    process.send_signal(signal.SIGSTOP)
    until_frozen(process.pid)


def thaw(process):
    process.send_signal(signal.SIGCONT)


def until_frozen(*processes):
    """Waits for those that were sent SIGSTOP."""
    eventually(lambda: all(map(_is_frozen, processes)), "all is frozen")


def _is_frozen(process):
    try:
        # The state is behind the name, which is in brackets and may hold anything.
        return all((thread / "stat").read_text().rpartition(")")[2].split()[0] in "TZ"
                   for thread in Path(f"/proc/{process}/task").iterdir())
    except (FileNotFoundError, ProcessLookupError):
        return False  # A thread has just ended.


@dataclass
class Sample:
    kilobytes: int
    threads: int
    descriptors: int

    @staticmethod
    def of(process):
        place = Path(f"/proc/{process.pid}")
        fields = dict(line.split(":", 1) for line in (place / "status").read_text().splitlines())
        return Sample(int(fields["VmRSS"].split()[0]), int(fields["Threads"]),
                      len(list((place / "fd").iterdir())))
