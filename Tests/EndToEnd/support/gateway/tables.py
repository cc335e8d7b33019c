"""DynamoDB: moto's, one request at a time, with what moto lacks before it."""

import hashlib
import json
import re

from aiohttp import web
from moto.core.request import Request
from moto.dynamodb.responses import DynamoHandler

from . import expressions, metering, shortcuts
from .services import fault
from .settings import REGION

TYPE = "application/x-amz-json-1.0"
TOKEN_SECONDS = 600
# Marks the answer of a transaction that was carried out before, which is billed as a read.
REPEATED = "X-Repeated"
READS = ("GetItem", "Query", "Scan", "BatchGetItem", "TransactGetItems")
# Members of requests that hold others with keys.
NESTS = ("TransactItems", "PutRequest", "DeleteRequest", "Put", "Update", "Delete",
         "ConditionCheck", "Get")


class Tables:
    """moto is called in the event loop: it is not atomic across threads, and here it has one."""

    def __init__(self, emulator):
        self.emulator = emulator
        self._tokens = {}  # of transactions: what they wrote, the answer, until when it holds
        self._before = {}  # by key: the answer of a GetItem before the last write
        self._call("CreateTable", {
            "TableName": emulator.settings.table, "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [{"AttributeName": name, "AttributeType": "S"}
                                     for name in ("pk", "sk")],
            "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"},
                          {"AttributeName": "sk", "KeyType": "RANGE"}]})
        self._call("UpdateTimeToLive", {
            "TableName": emulator.settings.table,
            "TimeToLiveSpecification": {"AttributeName": "ttl", "Enabled": True}})

    def _send(self, operation, body):
        request = Request.from_primitives(
            "POST", f"https://dynamodb.{REGION}.amazonaws.com/", {
                "Content-Type": TYPE, "X-Amz-Target": f"DynamoDB_20120810.{operation}",
                # moto finds service and region in this; the signature was checked before.
                "Authorization": "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20200101/"
                f"{REGION}/dynamodb/aws4_request, SignedHeaders=host, Signature=0"}, body)
        status, _, answer = DynamoHandler.dispatch(request)
        # It holds itself: else hundreds of thousands wait for the collector.
        request.environ.clear()
        return int(status), answer if isinstance(answer, bytes) else answer.encode()

    def _call(self, operation, document):
        status, body = self._send(operation, json.dumps(document).encode())
        assert status == 200, body
        return json.loads(body)

    def describe(self, request, body):
        operation = request.headers["X-Amz-Target"].partition(".")[2]
        document = _parsed(body)
        described = {"operation": operation, "target": "\n".join(map("/".join, _keys(document))),
                     "actions": list(_actions(operation, document))}
        if operation in READS:
            described["consistent"] = operation == "TransactGetItems" or b"true" in re.findall(
                rb'"ConsistentRead"\s*:\s*(true|false)', body)
        return described

    async def carry_out(self, request, body, call):
        self.emulator.counts[call.operation] += 1
        if refusal := expressions.complaint(_parsed(body)):
            return fault("dynamodb", 400, "ValidationException", refusal)
        if self.emulator.settings.stale_reads:
            if stale := self._stale(call, body):
                return stale
        if not self.emulator.settings.meter:
            return self._answered(call, body)
        keys = list(_keys(_parsed(body)))
        before = self._sizes(keys)
        answer = self._answered(call, body)
        self._meter(call, answer, before, self._sizes(keys))
        return answer

    def _answered(self, call, body):
        if call.operation == "TransactWriteItems":
            return self._transact(body)
        return _response(*self._send(call.operation, body))

    def _stale(self, call, body):
        """"DynamoDB read consistency": an eventually consistent read "might not reflect the
        results of a recently completed write operation". Here: GetItem, the last write."""
        document = _parsed(body)
        if call.operation == "GetItem":
            known = self._before.get(call.target)
            draw = self.emulator.chance.next("stale read")
            is_plain = not call.consistent and "ProjectionExpression" not in document
            if known and is_plain and draw.random() < self.emulator.settings.stale_reads:
                self.emulator.counts["stale reads"] += 1
                return _response(200, json.dumps(known).encode())
        elif call.operation not in READS:
            for pk, sk in _keys(document):
                self._before[f"{pk}/{sk}"] = self._item(pk, sk)
        return None

    def _sizes(self, keys):
        return [metering.size(self._item(*key).get("Item", {})) for key in keys]

    def _meter(self, call, answer, before, after):
        if call.operation in READS or REPEATED in answer.headers:
            if call.operation in ("Query", "Scan"):
                before = map(metering.size, json.loads(answer.body).get("Items", []))
            self.emulator.counts["read units"] += metering.read_units(
                call.operation, list(before), call.consistent)
        else:
            self.emulator.counts["write units"] += metering.write_units(
                call.operation, before, after)

    def _item(self, pk, sk):
        return self._call("GetItem", {
            "TableName": self.emulator.settings.table, "ConsistentRead": True,
            "Key": {"pk": {"S": pk}, "sk": {"S": sk}}})

    def _transact(self, body):
        """"TransactWriteItems", ClientRequestToken: a repeated request has no effect for ten
        minutes after the first, and none may have other contents."""
        document = _parsed(body)
        token = document.get("ClientRequestToken")
        if token is None:
            return _response(*self._transaction(document, body))
        now = self.emulator.clock.now()
        self._tokens = {key: kept for key, kept in self._tokens.items() if kept[2] > now}
        items = json.dumps(document.get("TransactItems"), sort_keys=True)
        digest = hashlib.sha256(items.encode()).digest()
        if known := self._tokens.get(token):
            if known[0] != digest:
                return fault("dynamodb", 400, "IdempotentParameterMismatchException",
                             "The token was used for another transaction")
            self.emulator.counts["repeated transactions"] += 1
            answer = _response(*known[1])
            answer.headers[REPEATED] = "1"
            return answer
        answer = self._transaction(document, body)
        if answer[0] == 200:
            self._tokens[token] = (digest, answer, now + TOKEN_SECONDS)
        return _response(*answer)

    def _transaction(self, document, body):
        with shortcuts.Transaction(_keys(document)):
            return self._send("TransactWriteItems", body)

    def expire(self):
        """Deletes what has outlived its `ttl` on the emulator's clock, as DynamoDB does some day:
        "Using time to live (TTL) in DynamoDB"."""
        table = self.emulator.settings.table
        now = self.emulator.clock.now()
        count = 0
        for item in self.items():
            if float(item.get("ttl", {}).get("N", "inf")) <= now:
                key = {name: item[name] for name in ("pk", "sk")}
                self._call("DeleteItem", {"TableName": table, "Key": key})
                count += 1
        return count

    def items(self):
        table, start, items = self.emulator.settings.table, {}, []
        while True:
            page = self._call("Scan", {"TableName": table, "ConsistentRead": True, **start})
            items += page["Items"]
            if "LastEvaluatedKey" not in page:
                return items
            start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}


def _parsed(body):
    try:
        document = json.loads(body)
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


def _keys(document):
    """The keys that a request names: `pk` and `sk` of each."""
    if isinstance(document, list):
        for one in document:
            yield from _keys(one)
    if not isinstance(document, dict):
        return
    for name in ("Key", "Item"):
        key = document.get(name)
        if isinstance(key, dict) and "pk" in key:
            yield tuple(str(key.get(part, {}).get("S")) for part in ("pk", "sk"))
    for request in (document.get("RequestItems") or {}).values():
        if isinstance(request, list):
            yield from _keys(request)
        else:
            yield from _keys([{"Key": key} for key in request.get("Keys", [])])
    for name in NESTS:
        yield from _keys(document.get(name))


def _actions(operation, document):
    """"Using IAM with DynamoDB transactions": a transaction needs the rights of its writes."""
    if operation != "TransactWriteItems":
        yield f"dynamodb:{operation}"
        return
    for kind in {kind for one in document.get("TransactItems", []) for kind in one}:
        yield f"dynamodb:{kind}Item"


def _response(status, body):
    return web.Response(status=status, body=body, content_type=TYPE)
