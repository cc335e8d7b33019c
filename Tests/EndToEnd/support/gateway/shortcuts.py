"""What moto does with the whole table, done with the part of it that is asked for: else each of
hundreds of tests on one table makes every transaction and every query slower."""

import copy
from collections import defaultdict

from moto.core.serialize import AttributePicker
from moto.dynamodb.models.dynamo_type import DynamoType
from moto.dynamodb.models.table import Table

# "AttributeValue": each has one of these members.
KINDS = frozenset(("S", "N", "B", "SS", "NS", "BS", "M", "L", "NULL", "BOOL"))
_pick = AttributePicker.__call__
_query = Table.query
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


def _copy(table, memo):
    assert _transaction, "moto copies a table, and there is no transaction"
    return _transaction.copy(table)


def _query_of_a_partition(table, hash_key, *arguments, **options):
    """moto sorts the whole table for each."""
    part = copy.copy(table)
    part.items = {hash_key: table.items[hash_key]} if hash_key in table.items else {}
    return _query(part, hash_key, *arguments, **options)


def _pick_of_an_attribute(picker, context):
    """moto looks for each of the other members under six names."""
    if context.key in KINDS and type(context.obj) is dict and context.key not in context.obj:
        return None
    return _pick(picker, context)


AttributePicker.__call__ = _pick_of_an_attribute
Table.__deepcopy__ = _copy
Table.query = _query_of_a_partition
