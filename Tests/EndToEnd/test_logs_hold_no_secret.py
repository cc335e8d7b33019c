"""Runs last: what all the other tests made the servers and commands log."""

import re

from support import ledger

TOKEN_LIKE = re.compile(r"eyJ[\w-]{20,}\.[\w-]+")


def leaks(text):
    known = [what for value, what in ledger.secrets().items() if value in text]
    return known + ["something like a token"] * bool(TOKEN_LIKE.search(text))


def test_no_log_holds_a_token_secret_or_cookie():
    found = {}
    for path in sorted(ledger.LOGS.iterdir()):
        if leaked := leaks(path.read_text(errors="replace")):
            found[path.name] = leaked
    assert not found


def test_the_search_finds_what_it_looks_for():
    secret = ledger.remember("an-example-of-a-secret-for-this-test", "example")
    assert leaks(f'level=info note="{secret}"') == ["example"]
    token = "eyJhbGciOiJFUzI1NiJ9AAAAAAAAA.eyJhIjoxfQ.AAAA"
    assert leaks(f"Bearer {token}") == ["something like a token"]
    assert leaks('event="ready" url="http://127.0.0.1:1"') == []
