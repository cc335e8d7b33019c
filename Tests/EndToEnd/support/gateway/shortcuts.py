"""What moto does with the whole table, done with the part of it that is asked for, and what it
does many times over for one request, done once: else each of hundreds of tests on one table makes
every request slower, and a function's request is given up when moto is at those before it."""

import base64
import copy
import functools
from collections import defaultdict

import moto.core.responses
from moto.core.serialize import BaseJSONSerializer
from moto.dynamodb.models.dynamo_type import DynamoType, Item
from moto.dynamodb.models.table import Table
from moto.dynamodb.models.utilities import bytesize
from moto.dynamodb.parsing.expressions import UpdateExpressionParser

_query = Table.query
_structure = BaseJSONSerializer._serialize_type_structure
_transaction = None


class Transaction:
    """While one is carried out: moto copies the table once for each of its parts, before the first,
    and puts a copy in its place where the transaction fails."""

    def __init__(self, keys):
        self._keys = list(keys)
        self._copy = None

    def __enter__(self):
        global _transaction
        _transaction = self

    def __exit__(self, *_):
        global _transaction
        _transaction = None

    def copy(self, table):
        """Of the items none is its own but those that the transaction may change."""
        if self._copy is None:
            self._copy = copy.copy(table)
            self._copy.items = defaultdict(dict, table.items)
            for pk, sk in self._keys:
                pk, sk = DynamoType({"S": pk}), DynamoType({"S": sk})
                if pk not in table.items:
                    continue
                if self._copy.items[pk] is table.items[pk]:
                    self._copy.items[pk] = dict(table.items[pk])
                if sk in table.items[pk]:
                    self._copy.items[pk][sk] = copy.deepcopy(table.items[pk][sk])
        return self._copy


def _copy_of_a_table(table, memo):
    assert _transaction, "moto copies a table, and there is no transaction"
    return _transaction.copy(table)


def _query_of_a_partition(table, hash_key, *arguments, **options):
    """moto sorts the whole table for each."""
    part = copy.copy(table)
    part.items = {hash_key: table.items[hash_key]} if hash_key in table.items else {}
    return _query(part, hash_key, *arguments, **options)


def _new_item(kind, *_, **__):
    """moto keeps every item that there ever was: each write takes two, for good, and the collector
    is at them for longer and longer."""
    return object.__new__(kind)


def _copy_of_a_value(value, memo=None):
    """moto looks each up in a memo, though none holds itself."""
    made = DynamoType.__new__(DynamoType)
    made.type, held = value.type, value.value
    match made.type:
        case "L":
            held = [_copy_of_a_value(one) for one in held]
        case "M":
            held = {name: _copy_of_a_value(one) for name, one in held.items()}
        case "SS" | "NS" | "BS":
            held = list(held)
    made.value = held
    return made


def _json_of_a_value(value):
    """moto makes a copy of all that is within first, and again at each level."""
    held = value.value
    match value.type:
        case "L":
            held = [_json_of_a_value(one) for one in held]
        case "M":
            held = {name: _json_of_a_value(one) for name, one in held.items()}
        case "SS" | "NS" | "BS":
            held = list(held)
        case "B" if isinstance(held, str):
            held = base64.b64decode(held)
    return {value.type: held}


def _size_of_a_value(value):
    """moto makes a copy of all that is within, at each level."""
    held = value.value
    match value.type:
        case "L":
            return sum(map(_size_of_a_value, held))
        case "M":
            return sum(bytesize(name) + _size_of_a_value(one) for name, one in held.items())
        case "SS" | "BS":
            return sum(map(bytesize, held))
        case "N":
            return len(str(held))
        case "NS":
            return sum(len(str(one)) for one in held)
    return 1 if isinstance(held, bool) else bytesize(held)


def _written(value):
    """An attribute's value as it goes over the wire."""
    [(kind, held)] = value.items()
    match kind:
        case "L":
            return {kind: list(map(_written, held))}
        case "M":
            return {kind: {name: _written(one) for name, one in held.items()}}
        case "B":
            return {kind: _base64(held)}
        case "BS":
            return {kind: list(map(_base64, held))}
    return value


def _base64(held):
    return base64.b64encode(held.encode() if isinstance(held, str) else held).decode()


def _structure_of_a_value(serializer, serialized, value, shape, key):
    """moto looks for each of ten members under six names, at each level."""
    if shape.name == "AttributeValue" and type(value) is dict and len(value) == 1:
        serialized[key] = _written(value)
    else:
        _structure(serializer, serialized, value, shape, key)


# What is put in whose place: `take` does, `leave` undoes it.
_SHORTCUTS = [
    (Table, "__deepcopy__", _copy_of_a_table),
    (Table, "query", _query_of_a_partition),
    (Item, "__new__", staticmethod(_new_item)),
    (DynamoType, "__deepcopy__", _copy_of_a_value),
    (DynamoType, "to_regular_json", _json_of_a_value),
    (DynamoType, "size", _size_of_a_value),
    (BaseJSONSerializer, "_serialize_type_structure", _structure_of_a_value),
    # What comes of an expression is copied before it is changed.
    (UpdateExpressionParser, "make", staticmethod(
        functools.lru_cache(maxsize=1000)(UpdateExpressionParser.make))),
    (moto.core.responses, "method_names_from_class", functools.cache(
        moto.core.responses.method_names_from_class)),
]
_moto = [(owner, name, vars(owner).get(name)) for owner, name, _ in _SHORTCUTS]


def take():
    for owner, name, shortcut in _SHORTCUTS:
        setattr(owner, name, shortcut)


def leave():
    for owner, name, own in _moto:
        if own is None:
            delattr(owner, name)
        else:
            setattr(owner, name, own)


take()
