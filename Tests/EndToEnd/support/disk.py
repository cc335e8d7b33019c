"""Disks without room, and files that nobody may write."""

import contextlib
import os
import shutil
import subprocess

import pytest

AS_ROOT = os.geteuid() == 0


@contextlib.contextmanager
def mounted(place, size="512k"):
    """A small file system at `place`; skips the test where none can be mounted."""
    made = AS_ROOT and subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size},mode=700", "tmpfs", place],
        capture_output=True, check=False).returncode == 0
    if not made:
        pytest.skip("a full disk can be made only by root with the right to mount")
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", place], check=True)


def fill(place):
    """Leaves not a byte free; removing `place / "filler"` makes room again."""
    with (place / "filler").open("wb", buffering=0) as filler:
        for size in (65536, 4096, 512, 1):
            try:
                while True:
                    filler.write(b"x" * size)
            except OSError:
                continue


@contextlib.contextmanager
def immutable(*paths):
    """Files that not even root, nor who has them open, may write; skips where that can't be."""
    locked = []
    try:
        for path in paths:
            made = AS_ROOT and shutil.which("chattr") and subprocess.run(
                ["chattr", "+i", path], capture_output=True, check=False).returncode == 0
            if not made:
                pytest.skip("a file that is read-only for all needs root and chattr +i")
            locked.append(path)
        yield
    finally:
        for path in locked:
            subprocess.run(["chattr", "-i", path], check=True)
