"""The emulated table gives moto's own answers, only faster: support/gateway/shortcuts.py."""

import base64
import collections
import gc
import json
from types import SimpleNamespace

import pytest

from support import chance
from support.gateway import shortcuts
from support.gateway.settings import Settings
from support.gateway.tables import Tables

KINDS = ("S", "N", "B", "BOOL", "NULL", "SS", "NS", "BS", "L", "M")
UPDATES = (
    "SET v = :v", "SET m.a = :v, n = :n", "SET l[0] = :v", "REMOVE v, m.a", "ADD n :n",
    "SET l = list_append(if_not_exists(l, :none), :l)", "SET n = if_not_exists(n, :n) + :n")
CONDITIONS = (
    None, "attribute_exists(pk)", "attribute_not_exists(pk)", "n = :n AND attribute_exists(m.a)",
    "v = :v OR (n > :n AND NOT attribute_exists(l))", "size(v) > :n", "contains(l, :v)")
PASSED = ("v", "n", "l", "none")


def table(name):
    return Tables(SimpleNamespace(settings=Settings(table=name), counts=collections.Counter()))


def ask(one, operation, document):
    body = json.dumps(document).encode()
    try:
        status, answer = (one._transaction(document, body) if operation == "TransactWriteItems"
                          else one._send(operation, body))
    except Exception as error:  # moto has faults; they are to stay as they are.
        return 500, repr(error)
    return status, json.loads(answer)


def value(draw, depth=0):
    kind = draw.choice(KINDS if depth < 3 else KINDS[:8])
    text = base64.b64encode(draw.randbytes(draw.randrange(1, 9))).decode()
    return {kind: {
        "S": lambda: draw.choice(["", "é", text]), "N": lambda: str(draw.randrange(-9, 99)),
        "B": lambda: text, "BOOL": lambda: draw.random() < 0.5, "NULL": lambda: True,
        "SS": lambda: [text, "a"], "NS": lambda: ["1", "2.5"], "BS": lambda: [text],
        "L": lambda: [value(draw, depth + 1) for _ in range(draw.randrange(3))],
        "M": lambda: {name: value(draw, depth + 1) for name in draw.sample("abcé", 2)},
    }[kind]()}


def update(draw, key):
    expression, condition = draw.choice(UPDATES), draw.choice(CONDITIONS)
    values = {"v": value(draw), "n": {"N": str(draw.randrange(3))}, "none": {"L": []},
              "l": {"L": [value(draw)]}}
    text = f"{expression} {condition or ''} "
    used = {f":{name}": values[name] for name in PASSED
            if any(f":{name}{end}" in text for end in " ,)")}
    return {"Key": key, "UpdateExpression": expression,
            **({"ConditionExpression": condition} if condition else {}),
            **({"ExpressionAttributeValues": used} if used else {})}


def requests(draw, name):
    """What is asked of the table of this name: twice the same where the draws are."""
    for _ in range(150):
        key = {"pk": {"S": draw.choice("xy")}, "sk": {"S": draw.choice("12")}}
        item = {**key, "v": value(draw), "n": {"N": "1"}, "m": {"M": {"a": value(draw)}},
                "l": {"L": [value(draw) for _ in range(draw.randrange(3))]}}
        of = {"TableName": name}
        parts = [{"Update": {**of, **update(draw, {**key, "sk": {"S": place}})}}
                 for place in draw.sample("123", 2)]
        shown = draw.choice(["NONE", "ALL_OLD", "ALL_NEW", "UPDATED_OLD", "UPDATED_NEW"])
        yield draw.choice([
            ("PutItem", {**of, "Item": item}),
            ("UpdateItem", {**of, **update(draw, key), "ReturnValues": shown,
                            "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}),
            ("TransactWriteItems", {"TransactItems": [*parts, {"Put": {**of, "Item": {
                **item, "sk": {"S": "4"}}}}]}),
            ("GetItem", {**of, "Key": key, "ConsistentRead": True}),
            ("Query", {**of, "KeyConditionExpression": "pk = :pk AND sk > :sk",
                       "ExpressionAttributeValues": {":pk": key["pk"], ":sk": {"S": "1"}}}),
            ("DeleteItem", {**of, "Key": key, "ReturnValues": "ALL_OLD"})])


@pytest.mark.parametrize("round", range(5))
def test_answers_are_motos_own(round):
    def answers(name):
        one, draw = table(name), chance.of("the table", round)
        return [(operation, document, ask(one, operation, document))
                for operation, document in requests(draw, name)] + one.items()

    fast = answers(f"fast-{round}")
    shortcuts.leave()
    try:
        slow = answers(f"slow-{round}")
    finally:
        shortcuts.take()
    statuses = collections.Counter(one[2][0] for one in slow if isinstance(one, tuple))
    assert statuses[200] > 60 and statuses[400] > 20, statuses
    for one, other in zip(fast, slow, strict=True):
        assert json.dumps(one).replace("fast-", "slow-") == json.dumps(other), chance.SEED


def test_an_item_is_let_go_when_it_was_written_anew():
    """moto keeps each, with all that it held, until the table's process ends."""
    one = table("writes")
    document = {"TableName": "writes", "Key": {"pk": {"S": "x"}, "sk": {"S": "1"}},
                "UpdateExpression": "SET v = :v", "ExpressionAttributeValues": {":v": {"N": "1"}}}

    def held():
        gc.collect()
        return sum(isinstance(found, shortcuts.Item) for found in gc.get_objects())

    ask(one, "UpdateItem", document)
    before = held()
    for _ in range(20):
        assert ask(one, "UpdateItem", document)[0] == 200
    assert held() == before


def test_an_item_has_its_largest_size_as_before():
    """"Quotas in Amazon DynamoDB": 400 KB, which moto takes for 405,000 bytes."""
    one = table("sizes")
    for length, status in ((404_900, 200), (405_000, 400)):
        assert ask(one, "UpdateItem", {
            "TableName": "sizes", "Key": {"pk": {"S": "x"}, "sk": {"S": "1"}},
            "UpdateExpression": "SET v = :v", "ExpressionAttributeValues": {
                ":v": {"M": {"a": {"L": [{"S": "x" * length}]}}}}})[0] == status
