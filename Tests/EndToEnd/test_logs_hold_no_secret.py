"""Runs last: what all the other tests made the servers and commands log."""

import re
import subprocess
import sys
from pathlib import Path

from support import ledger

TOKEN_LIKE = re.compile(r"eyJ[\w-]{20,}\.[\w-]+")


def leaks(text, secrets):
    known = [what for value, what in secrets.items() if value in text]
    return known + ["something like a token"] * bool(TOKEN_LIKE.search(text))


def test_no_log_holds_a_token_secret_or_cookie():
    found, secrets = {}, ledger.secrets()
    for path in ledger.logs():
        if leaked := leaks(path.read_text(errors="replace"), secrets):
            found[path.name] = leaked
    assert not found


def test_the_search_finds_what_it_looks_for():
    secret = ledger.remember("an-example-of-a-secret-for-this-test", "example")
    secrets = ledger.secrets()
    assert leaks(f'level=info note="{secret}"', secrets) == ["example"]
    token = "eyJhbGciOiJFUzI1NiJ9AAAAAAAAA.eyJhIjoxfQ.AAAA"
    assert leaks(f"Bearer {token}", secrets) == ["something like a token"]
    assert leaks('event="ready" url="http://127.0.0.1:1"', secrets) == []


def test_what_another_process_remembers_is_looked_for_too():
    secret = "another-example-of-a-secret-for-this-test"
    subprocess.run(
        [sys.executable, "-c", f"from support import ledger; ledger.remember('{secret}', 'other')"],
        cwd=Path(__file__).parent, check=True)
    assert leaks(secret, ledger.secrets()) == ["other"]
