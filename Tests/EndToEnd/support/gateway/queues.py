"""A standard queue of SQS that delivers to the function, and Lambda's own Invoke."""

import hashlib
import json
import urllib.parse

from aiohttp import web

from .function import Throttled
from .services import fault
from .settings import ACCOUNT, REGION

DELAY_SECONDS = 900
# "Amazon SQS message quotas" and "Lambda quotas": 1 MiB, of a message and of an event.
PAYLOAD_BYTES = 1024 * 1024


class Queue:
    def __init__(self, emulator):
        self.emulator = emulator

    def describe(self, request, body):
        operation = request.headers["X-Amz-Target"].partition(".")[2]
        return {"operation": operation, "target": self.emulator.settings.queue,
                "actions": [f"sqs:{operation}"]}

    async def carry_out(self, request, body, call):
        """"SendMessage" (Amazon SQS API Reference), in the AWS JSON protocol."""
        try:
            document = json.loads(body)
            place = urllib.parse.urlsplit(document["QueueUrl"]).path
            text = document["MessageBody"]
            delay = document.get("DelaySeconds", 0)
            is_well_formed = isinstance(text, str) and type(delay) is int
        except (ValueError, KeyError, TypeError, AttributeError):
            is_well_formed = False
        if call.operation != "SendMessage":
            return fault("queue", 400, "UnsupportedOperation", call.operation)
        if not is_well_formed or not 0 <= delay <= DELAY_SECONDS:
            return fault("queue", 400, "InvalidParameterValue",
                         f"DelaySeconds must be >= 0 and <= {DELAY_SECONDS}")
        if place != f"/{ACCOUNT}/{self.emulator.settings.queue}":
            return fault("queue", 400, "QueueDoesNotExist", "The specified queue does not exist.")
        if not 1 <= len(text.encode()) <= PAYLOAD_BYTES:
            return fault("queue", 400, "InvalidParameterValue", "One or more parameters are wrong")
        message = {
            "messageId": self.emulator.new_uuid(), "body": text,
            "md5OfBody": hashlib.md5(text.encode()).hexdigest()}
        for _ in range(self.emulator.deliveries("queue")):
            self.emulator.spawn(self._deliver(message, delay))
        return web.Response(content_type="application/x-amz-json-1.0", body=json.dumps({
            "MessageId": message["messageId"],
            "MD5OfMessageBody": message["md5OfBody"]}).encode())

    async def _deliver(self, message, delay):
        """"Using Lambda with Amazon SQS": a batch of one; what fails comes again."""
        clock, settings = self.emulator.clock, self.emulator.settings
        sent = clock.milliseconds()
        first = None
        await clock.sleep(delay)
        for count in range(1, settings.queue_receives + 1):
            first = first or clock.milliseconds()
            record = {
                **message, "receiptHandle": self.emulator.new_uuid(), "attributes": {
                    "ApproximateReceiveCount": str(count), "SentTimestamp": str(sent),
                    "SenderId": f"AROAEXAMPLE:{settings.function}",
                    "ApproximateFirstReceiveTimestamp": str(first)},
                "messageAttributes": {}, "eventSource": "aws:sqs",
                "eventSourceARN": f"arn:aws:sqs:{REGION}:{ACCOUNT}:{settings.queue}",
                "awsRegion": REGION}
            with self.emulator.at_work():
                try:
                    outcome = await self.emulator.function.invoke(
                        json.dumps({"Records": [record]}).encode(), "sqs")
                    if not outcome.error:
                        return
                except Throttled:
                    pass
            await clock.sleep(settings.queue_visibility_seconds)
        self.emulator.counts["queued messages given up"] += 1


class Invoke:
    """"Invoke" (Lambda API Reference)."""

    def __init__(self, emulator):
        self.emulator = emulator

    def describe(self, request, body):
        return {"operation": "Invoke",
                "target": urllib.parse.unquote(request.raw_path.split("/")[3])}

    async def carry_out(self, request, body, call):
        settings = self.emulator.settings
        if not request.path.endswith("/invocations") or request.method != "POST" or (
                call.target not in (settings.function, settings.function_arn)):
            return fault("lambda", 404, "ResourceNotFoundException", "Function not found")
        if len(body) > PAYLOAD_BYTES:
            return fault("lambda", 413, "RequestTooLargeException", "Request too large")
        try:
            json.loads(body or b"{}")
        except ValueError:
            return fault("lambda", 400, "InvalidRequestContentException", "not JSON")
        if request.headers.get("X-Amz-Invocation-Type") == "Event":
            for _ in range(self.emulator.deliveries("event")):
                self.emulator.spawn(self.emulator.function.invoke_later(body or b"{}"))
            return web.Response(status=202)
        try:
            with self.emulator.at_work():
                outcome = await self.emulator.function.invoke(body or b"{}", "invoke")
        except Throttled:
            return fault("lambda", 429, "TooManyRequestsException", "Rate Exceeded.")
        return web.Response(
            body=outcome.payload, content_type="application/json",
            headers={"X-Amz-Function-Error": outcome.error} if outcome.error else {})
