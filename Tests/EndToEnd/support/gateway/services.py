"""The services that the function may call: finds which one is meant, checks the signature, lets
faults happen, and keeps the journal."""

import asyncio
import json

from aiohttp import web

from . import signatures
from .faults import Call

# What each service answers under load. "Error handling with DynamoDB", "Amazon API Gateway
# Management API", "Lambda Invoke", "SQS SendMessage": names and statuses.
THROTTLES = {
    "dynamodb": (400, "ProvisionedThroughputExceededException"),
    "connections": (429, "LimitExceededException"),
    "queue": (403, "RequestThrottled"),
    "lambda": (429, "TooManyRequestsException"),
    "runtime": (500, "Internal"),
}
SIGNED_FOR = {"dynamodb": "dynamodb", "connections": "execute-api", "queue": "sqs",
              "lambda": "lambda"}
REFUSALS = {
    "missing": "MissingAuthenticationTokenException",
    "unknown": "UnrecognizedClientException",
    "expired": "InvalidSignatureException",
    "wrong": "InvalidSignatureException",
}


def fault(service, status, type, message="", **members):
    """An error as this service writes it: the JSON protocols name it in the body, the REST ones in
    a header."""
    if service in ("dynamodb", "queue"):
        namespace = {"dynamodb": "com.amazonaws.dynamodb.v20120810", "queue": "com.amazonaws.sqs"}
        return web.Response(
            status=status, content_type="application/x-amz-json-1.0", body=json.dumps(
                {"__type": f"{namespace[service]}#{type}", "message": message, **members}
            ).encode())
    return web.json_response(
        {"message": message or type}, status=status, headers={"x-amzn-ErrorType": type})


def conflict(call):
    """"Transaction conflict handling in DynamoDB"."""
    if call.operation != "TransactWriteItems":
        return fault("dynamodb", 400, "TransactionConflictException",
                     "Transaction is ongoing for the item")
    codes = ["TransactionConflict"] + ["None"] * (len(call.target.split("\n")) - 1)
    return fault(
        "dynamodb", 400, "TransactionCanceledException", "Transaction cancelled, please refer "
        f"cancellation reasons for specific reasons [{', '.join(codes)}]",
        CancellationReasons=[{"Code": code} for code in codes])


def lose(request):
    """Ends the connection without an answer."""
    if request.transport:
        request.transport.abort()
    return web.Response(status=500)


class Services:
    def __init__(self, emulator, handlers):
        self.emulator = emulator
        self.faults = emulator.faults
        self.handlers = handlers  # by service: an object with `describe` and `carry_out`

    def _service(self, request):
        target = request.headers.get("X-Amz-Target", "")
        if target.startswith("DynamoDB_20120810."):
            return "dynamodb"
        if target.startswith("AmazonSQS."):
            return "queue"
        if request.path.startswith("/2015-03-31/functions/"):
            return "lambda"
        if request.path.startswith(f"/{self.emulator.settings.stage}/@connections"):
            return "connections"
        return None

    async def handle(self, request, environment=None):
        """One call: of this environment's function, or of somebody outside."""
        body = await request.read()
        service = self._service(request)
        if not service:
            return fault("connections", 403, "MissingAuthenticationTokenException",
                         "Missing Authentication Token")
        headers = [(name.decode(), value.decode("latin-1")) for name, value in request.raw_headers]
        try:
            signatures.check(
                request.method, request.raw_path, headers, body, SIGNED_FOR[service],
                self.emulator.function.credentials)
        except signatures.Refused as refusal:
            self.emulator.counts[f"refused signatures: {refusal.kind}"] += 1
            return fault(service, 400 if service == "dynamodb" else 403,
                         REFUSALS[refusal.kind], str(refusal))
        handler = self.handlers[service]
        call = Call(service, **handler.describe(request, body))
        return await self.step(
            request, environment, call, lambda: handler.carry_out(request, body, call))

    async def step(self, request, environment, call, carry_out):
        """Carries out a call, unless a fault comes before it. Somebody outside meets no faults and
        stands in no journal."""
        if environment is None:
            return await carry_out()
        call.environment = environment.number
        if invocation := environment.invocation:
            call.invocation, call.route = invocation.id, invocation.route
            invocation.steps += 1
            call.step = invocation.steps
        rules = self.faults.meet(call)
        if instead := await self._apply(rules, "before", request, environment, call):
            return instead
        answer = await carry_out()
        if instead := await self._apply(rules, "after", request, environment, call):
            return instead
        call.status = answer.status
        return answer

    async def _apply(self, rules, when, request, environment, call):
        """What is answered instead of what would have been, if anything."""
        for rule in rules:
            if rule.when != when:
                continue
            call.fault = f"{rule.action} {when}"
            match rule.action:
                case "delay":
                    await asyncio.sleep(rule.seconds)
                case "kill":
                    environment.kill()
                    return lose(request)
                case "lose":
                    return lose(request)
                case "throttle":
                    call.status, type = THROTTLES[call.service]
                    return fault(call.service, call.status, type, "Rate exceeded")
                case "conflict":
                    call.status = 400
                    return conflict(call)
                case "answer":
                    call.status = rule.status
                    return fault(call.service, rule.status, rule.type, "as a fault has it")
        return None
