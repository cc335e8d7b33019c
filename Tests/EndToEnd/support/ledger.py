"""Every secret that the run has used, and every log that the run has written.

Helpers remember what they are handed; the last test looks for it in the logs. All processes of a
run share the two: the first one passes the folder on.
"""

import base64
import collections
import itertools
import json
import os
import tempfile
import urllib.parse
from pathlib import Path

LOGS = Path(os.environ.get("USHER_TEST_LOGS") or tempfile.mkdtemp(prefix="usher-logs-"))
os.environ["USHER_TEST_LOGS"] = str(LOGS)
_SECRETS = LOGS / "secrets"  # No log, and gone when the run ends.


def remember(value, what):
    """Notes a secret, or each telling part of a token; returns it for use in expressions."""
    parts = value.split(".") if value.count(".") == 2 else [value]
    # A token's header is the same for all tokens, and short parts occur by chance.
    telling = [part for part in parts
               if len(part) >= 20 and not (len(parts) == 3 and part is parts[0])]
    with _SECRETS.open("a") as file:
        file.write("".join(json.dumps([part, what]) + "\n" for part in telling))
    return value


def remember_client(client_id, secret):
    """Notes a client's secret in every form in which it travels."""
    remember(secret, f"secret of {client_id}")
    pair = ":".join(urllib.parse.quote(text, safe="") for text in (client_id, secret))
    remember(base64.b64encode(pair.encode()).decode(), f"Basic credentials of {client_id}")


def secrets():
    """All that any process of the run has noted, with what each is."""
    lines = _SECRETS.read_text().splitlines() if _SECRETS.exists() else []
    return dict(map(json.loads, lines))


def forget():
    _SECRETS.unlink(missing_ok=True)


_numbers = collections.defaultdict(itertools.count)


def new_log(name):
    """A fresh file for one process's output. Numbers that others took are passed over."""
    for number in _numbers[name]:
        try:
            path = LOGS / f"{number:03}-{name}.log"
            path.touch(exist_ok=False)
            return path
        except FileExistsError:
            continue


def logs():
    return sorted(LOGS.glob("*.log"))
