"""Blocks of the documentation, and the marks that say whether and where tests run them, or what
file a reader saves them in."""

import re
from dataclasses import dataclass

from .usher import CHECKOUT

FENCE = re.compile(r"^(?P<indent> *)```(?P<language>\w*)\s*$")
RUN = re.compile(r"^\s*<!--\s*test:\s*(?P<name>[\w -]+?)\s*-->\s*$")
NOT_RUN = re.compile(r"^\s*<!--\s*not run:\s*(?P<reason>.+?)\s*-->\s*$")
FILE = re.compile(r"^\s*<!--\s*file:\s*(?P<path>[\w./-]+?)\s*-->\s*$")
HOSTS = re.compile(r"^\s*<!--\s*on three hosts:\s*(?P<where>[\w.-]+?)\s*-->\s*$")
SHELL = {"sh", "bash", "shell", "console"}


@dataclass
class Block:
    document: str
    line: int
    language: str
    script: str
    name: str | None
    reason_not_to_run: str | None
    file: str | None
    hosts: str | None

    def __str__(self):
        return f"{self.document}:{self.line}"


def documents():
    top = [CHECKOUT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md")]
    return [*top, *sorted((CHECKOUT / "docs").rglob("*.md"))]


def shell_blocks():
    return [block for path in documents() if path.exists()
            for block in blocks(path.relative_to(CHECKOUT).as_posix(), path.read_text())
            if block.language in SHELL]


def blocks(document, text):
    """Every fenced block of a Markdown text, with the mark on the line before its fence."""
    found, lines = [], text.split("\n")
    at = 0
    while at < len(lines):
        fence = FENCE.match(lines[at])
        at += 1
        if not fence:
            continue
        start, indent = at, len(fence["indent"])
        while at < len(lines) and lines[at].strip() != "```":
            at += 1
        mark = next((line for line in reversed(lines[:start - 1]) if line.strip()), "")
        run, not_run, file, hosts = (
            kind.match(mark) for kind in (RUN, NOT_RUN, FILE, HOSTS))
        found.append(Block(
            document, start, fence["language"],
            "".join(line[indent:] + "\n" for line in lines[start:at]),
            run["name"] if run else None, not_run["reason"] if not_run else None,
            file["path"] if file else None, hosts["where"] if hosts else None))
        at += 1
    return found
