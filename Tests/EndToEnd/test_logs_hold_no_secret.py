"""Runs last: what all the other tests made the servers and commands log."""

import os
import re
import subprocess
import sys
from pathlib import Path

from support import ledger
from support.usher import new_folder

TOKEN_LIKE = r"eyJ[\w-]{20,}\.[\w-]+"


def leaks(text, secrets):
    known = [what for value, what in secrets.items() if value in text]
    return known + ["something like a token"] * bool(re.search(TOKEN_LIKE, text))


def having(paths, patterns, kind):
    """Those of the files that have one of these in a line, or a part of one that has lines itself.

    Thousands of secrets at once are nothing to grep: one after the other they take half a minute.
    """
    done = subprocess.run(
        ["grep", "--files-with-matches", "--text", kind, "--file=-", "--null", "--", *paths],
        input="\n".join(patterns), capture_output=True, text=True, check=False,
        env={**os.environ, "LC_ALL": "C"})
    assert done.returncode in (0, 1), done.stderr
    return {Path(name) for name in done.stdout.split("\0") if name}


def leaking(paths, secrets):
    """What leaked into which file, by its name."""
    suspects = having(paths, secrets, "--fixed-strings") | having(
        paths, [TOKEN_LIKE], "--perl-regexp")
    found = {path.name: leaks(path.read_text(errors="replace"), secrets) for path in suspects}
    return {name: leaked for name, leaked in found.items() if leaked}


def test_no_log_holds_a_token_secret_or_cookie():
    assert leaking(ledger.logs(), ledger.secrets()) == {}


def test_the_search_finds_what_it_looks_for():
    secret = ledger.remember("an-example-of-a-secret-for-this-test", "example")
    token = "eyJhbGciOiJFUzI1NiJ9AAAAAAAAA.eyJhIjoxfQ.AAAA"
    folder = new_folder("logs")
    for name, line in {"a secret": f'level=info note="{secret}"', "a token": f"Bearer {token}",
                       "bytes": f"\0\udcff{secret}",
                       "neither": 'event="ready" url="http://127.0.0.1:1"'}.items():
        (folder / name).write_text(f"before\n{line}\nafter\n", errors="surrogateescape")
    assert leaking(sorted(folder.iterdir()), ledger.secrets()) == {
        "a secret": ["example"], "a token": ["something like a token"], "bytes": ["example"]}


def test_what_another_process_remembers_is_looked_for_too():
    secret = "another-example-of-a-secret-for-this-test"
    subprocess.run(
        [sys.executable, "-c", f"from support import ledger; ledger.remember('{secret}', 'other')"],
        cwd=Path(__file__).parent, check=True)
    assert leaks(secret, ledger.secrets()) == ["other"]
