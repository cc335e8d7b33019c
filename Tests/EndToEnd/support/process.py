"""What a process holds, and how it is stopped for a while."""

import signal
from dataclasses import dataclass
from pathlib import Path

from .waiting import eventually


def freeze(process):
    """Returns once no thread of it runs any more: until then it may answer."""
    process.send_signal(signal.SIGSTOP)
    threads = Path(f"/proc/{process.pid}/task")
    # The state is behind the name, which is in brackets and may hold anything.
    eventually(lambda: all((thread / "stat").read_text().rpartition(")")[2].split()[0] == "T"
                           for thread in threads.iterdir()), "it is frozen")


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
