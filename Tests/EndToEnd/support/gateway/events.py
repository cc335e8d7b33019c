"""The events of a WebSocket API's proxy integration, as "Set up a WebSocket API integration
request" and "Managing connected users and client apps: $connect and $disconnect routes" have them.
"""

import base64
import time
import urllib.parse

from .settings import API

HOP_BY_HOP = ("connection", "upgrade")


def context(emulator, connection, route, event, **more):
    now = emulator.clock.milliseconds()
    identity = {"sourceIp": connection.source}
    if connection.agent:
        identity["userAgent"] = connection.agent
    request = emulator.new_request_id()
    return {
        "routeKey": route, "eventType": event, "extendedRequestId": request,
        "requestTime": time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime(now / 1000)),
        "messageDirection": "IN", "stage": emulator.settings.stage,
        "connectedAt": connection.connected_at, "requestTimeEpoch": now, "identity": identity,
        "requestId": request, "domainName": emulator.settings.domain,
        "connectionId": connection.id, "apiId": API, **more}


def connect(emulator, connection, headers, query):
    """Both forms of headers and of the query: the last value, and all of them."""
    fields = {}
    for name, value in headers:
        if name.lower() not in HOP_BY_HOP and not name.lower().startswith("x-forwarded-"):
            fields.setdefault(name, []).append(value)
    before = [value for name, value in headers if name.lower() == "x-forwarded-for"]
    fields["X-Forwarded-For"] = [", ".join([*before, connection.source])]
    fields["X-Forwarded-Port"] = ["443"]
    fields["X-Forwarded-Proto"] = ["https"]
    fields["X-Amzn-Trace-Id"] = [f"Root=1-{int(time.time()):08x}-{connection.number:024x}"]
    event = {"headers": _last(fields), "multiValueHeaders": fields}
    if query:
        values = {}
        for name, value in urllib.parse.parse_qsl(query, keep_blank_values=True):
            values.setdefault(name, []).append(value)
        event["queryStringParameters"] = _last(values)
        event["multiValueQueryStringParameters"] = values
    event["requestContext"] = context(emulator, connection, "$connect", "CONNECT")
    event["isBase64Encoded"] = False
    return event


def message(emulator, connection, route, body):
    is_binary = isinstance(body, bytes)
    return {
        "requestContext": context(
            emulator, connection, route, "MESSAGE", messageId=emulator.new_request_id()),
        "body": base64.b64encode(body).decode() if is_binary else body,
        "isBase64Encoded": is_binary}


def disconnect(emulator, connection, code, reason):
    fields = {"Host": emulator.settings.domain, "x-api-key": "", "X-Forwarded-For": "",
              "x-restapi": ""}
    return {
        "headers": fields, "multiValueHeaders": {name: [value] for name, value in fields.items()},
        "requestContext": context(
            emulator, connection, "$disconnect", "DISCONNECT", disconnectStatusCode=code,
            disconnectReason=reason),
        "isBase64Encoded": False}


def _last(fields):
    return {name: values[-1] for name, values in fields.items()}
