"""What the emulator's DynamoDB refuses of update expressions (support/gateway/expressions.py)."""

import pytest
from botocore.exceptions import ClientError

from support.gateway.settings import Settings

TABLE = Settings().table
KEY = {"pk": {"S": "paths"}, "sk": {"S": "-"}}


@pytest.fixture
def table(toy):
    return toy.client("dynamodb")


@pytest.mark.parametrize(("expression", "is_taken"), [
    ("SET #l = list_append(#l, :l) REMOVE #l[0]", False),
    ("REMOVE #l[0], #l[1], #m.a SET #n = if_not_exists(#n, :0)", True),
    ("SET #m.a = :0, #m = :m", False), ("SET #m.a = :0, #m.b = :0", True),
    ("SET #m.a = :0, #m.a.b = :0", False), ("SET #m.a = :0, #m.ab = :0", True),
    ("SET #l[1] = :0 REMOVE #l[10]", True), ("SET #n = :0 ADD #n :0", False),
    ("SET " + ", ".join(f"#m.x{number} = :0" for number in range(400)), False),
])
def test_an_update_names_no_path_twice_nor_one_within_another(table, expression, is_taken):
    """"Update expressions" and "Quotas in Amazon DynamoDB"; moto sees to half of it."""
    values = {":0": {"N": "0"}, ":l": {"L": [{"N": "1"}]}, ":m": {"M": {}}}
    table.put_item(TableName=TABLE, Item={
        **KEY, "l": values[":l"], "m": {"M": {"a": values[":m"], "c": values[":m"]}}})
    update = {
        "TableName": TABLE, "Key": KEY, "UpdateExpression": expression,
        "ExpressionAttributeNames": {
            name: name[1] for name in ("#l", "#m", "#n") if name in expression},
        "ExpressionAttributeValues": {
            name: value for name, value in values.items() if name in expression}}
    if is_taken:
        table.update_item(**update)
        table.transact_write_items(TransactItems=[{"Update": update}])
        return
    for ask in (lambda: table.update_item(**update),
                lambda: table.transact_write_items(TransactItems=[{"Update": update}])):
        with pytest.raises(ClientError) as refused:
            ask()
        assert refused.value.response["Error"]["Code"] == "ValidationException"
