"""What a process holds."""

from dataclasses import dataclass
from pathlib import Path


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
