"""The JSON Schemas of docs/schemas, and which of them a message must keep to."""

import functools
import json

import jsonschema

from .usher import CHECKOUT

FOLDER = CHECKOUT / "docs" / "schemas"
CLIENT, SERVER = "client", "server"


@functools.cache
def names():
    """Every schema, as `dialect/side/message`."""
    return sorted(path.relative_to(FOLDER).with_suffix("").as_posix()
                  for path in FOLDER.rglob("*.json"))


@functools.cache
def schema(name):
    return json.loads((FOLDER / f"{name}.json").read_text())


@functools.cache
def validator(name):
    whole = schema(name)
    jsonschema.Draft202012Validator.check_schema(whole)
    return jsonschema.Draft202012Validator(whole)


@functools.cache
def events(dialect):
    """The types of the server's own events in a dialect; all others are payloads."""
    return {name.rsplit("/", 1)[1] for name in names()
            if name.startswith(f"{dialect}/{SERVER}/")} - {"payload"}


def validate(name, message):
    error = jsonschema.exceptions.best_match(validator(name).iter_errors(message))
    assert error is None, f"{name}: {error.json_path}: {error.message[:300]}\n{message!r:.500}"


def is_sent(dialect, message):
    """Whether this is a client's message of the dialect."""
    name = f"{dialect}/{CLIENT}/{message.get('action')}"
    return name in names() and validator(name).is_valid(message)


def validate_received(dialect, event):
    """A server's event must be one of the dialect's, or a payload."""
    kind = event["type"] if event["type"] in events(dialect) else "payload"
    validate(f"{dialect}/{SERVER}/{kind}", event)
