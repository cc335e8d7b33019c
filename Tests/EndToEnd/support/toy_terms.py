"""What the toy function and its tests both say."""


def append(key, text):
    """An update that appends a text to the list of an item."""
    return {
        "TableName": "usher", "Key": {"pk": {"S": key}, "sk": {"S": "-"}},
        "UpdateExpression": "SET #l = list_append(if_not_exists(#l, :e), :t)",
        "ExpressionAttributeNames": {"#l": "list"},
        "ExpressionAttributeValues": {":e": {"L": []}, ":t": {"L": [{"S": text}]}}}
