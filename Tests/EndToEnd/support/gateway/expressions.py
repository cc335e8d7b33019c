"""What DynamoDB refuses of update expressions, and moto takes."""

import re

# "Service, account, and table quotas in Amazon DynamoDB": of any expression string.
EXPRESSION_BYTES = 4096
CLAUSE = re.compile(r"\b(SET|REMOVE|ADD|DELETE)\b")
STEP = re.compile(r"[#:\w-]+|\[\d+\]")


def complaint(document):
    """Why this request is refused, of UpdateItem or TransactWriteItems; or None."""
    for update in [document, *(one.get("Update", {}) for one in _actions(document))]:
        text = update.get("UpdateExpression") or ""
        if len(text.encode()) > EXPRESSION_BYTES:
            return ("Invalid UpdateExpression: Expression size has exceeded the maximum allowed "
                    f"size; expression size: {len(text.encode())}")
        if both := _overlapping(_paths(text, update.get("ExpressionAttributeNames", {}))):
            return ("Invalid UpdateExpression: Two document paths overlap with each other; must "
                    f"remove or rewrite one of these paths; path one: {both[0]}, path two: "
                    f"{both[1]}")
    return None


def _actions(document):
    actions = document.get("TransactItems")
    return [one for one in actions if isinstance(one, dict)] if isinstance(actions, list) else []


def _paths(text, names):
    """The paths that an expression changes: each a list of names and indices."""
    parts = CLAUSE.split(text)[1:]
    for clause, body in zip(parts[::2], parts[1::2], strict=True):
        for action in _actions_of(body):
            target = action if clause == "REMOVE" else re.split(r"=|\s", action.strip())[0]
            yield [names.get(step, step) for step in STEP.findall(target)]


def _actions_of(body):
    """The parts between commas that are in no parentheses."""
    depth, start = 0, 0
    for at, letter in enumerate(body):
        depth += (letter == "(") - (letter == ")")
        if letter == "," and depth == 0:
            yield body[start:at]
            start = at + 1
    yield body[start:]


def _overlapping(paths):
    """Two of which one is the other or lies within it: "Update expressions" (UpdateItem)."""
    seen = sorted(paths)
    for one, other in zip(seen, seen[1:]):
        if other[:len(one)] == one:
            return one, other
    return None
