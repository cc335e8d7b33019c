"""Every secret that the run has used, and every log that the run has written.

Helpers remember what they are handed; the last test looks for it in the logs.
"""

import base64
import tempfile
import urllib.parse
from pathlib import Path

LOGS = Path(tempfile.mkdtemp(prefix="usher-logs-"))

_secrets = {}


def remember(value, what):
    """Notes a secret, or each telling part of a token; returns it for use in expressions."""
    parts = value.split(".") if value.count(".") == 2 else [value]
    for part in parts:
        # A token's header is the same for all tokens, and short parts occur by chance.
        if len(part) >= 20 and not (len(parts) == 3 and part is parts[0]):
            _secrets[part] = what
    return value


def remember_client(client_id, secret):
    """Notes a client's secret in every form in which it travels."""
    remember(secret, f"secret of {client_id}")
    pair = ":".join(urllib.parse.quote(text, safe="") for text in (client_id, secret))
    remember(base64.b64encode(pair.encode()).decode(), f"Basic credentials of {client_id}")


def secrets():
    return dict(_secrets)


def new_log(name):
    """A fresh file for one process's output."""
    for number in range(100_000):
        path = LOGS / f"{number:03}-{name}.log"
        if not path.exists():
            path.touch()
            return path
    raise AssertionError("too many logs")
