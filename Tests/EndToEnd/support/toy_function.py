"""A function for the emulator's own tests, in the terms of the Runtime API: it does what its events
tell it to, and writes what it saw and what came of it to its log, a line of JSON each.

What to do is a list of steps, each a list of a name and arguments. It stands in the query of
$connect as `do` (and `after`: once it has answered), in a message, a queue's body or an invoked
document as the members of these names.
"""

import http.client
import json
import os
import ssl
import sys
import time
import urllib.parse

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from support.toy_terms import append

RUNTIME = os.environ["AWS_LAMBDA_RUNTIME_API"]
SERVICES = os.environ["TOY_SERVICES"]
REGION = os.environ["AWS_REGION"]
SIGNER = Credentials(*(os.environ[name] for name in (
    "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")))

kept = None


def log(**what):
    print(json.dumps(what), flush=True)


def call(service, method, path, body=b"", **headers):
    """The status and the body of a signed call, or None and b'' where the connection broke."""
    request = AWSRequest(method, SERVICES + path, data=body, headers={
        name.replace("_", "-"): value for name, value in headers.items()})
    SigV4Auth(SIGNER, service, REGION).add_auth(request)
    place = urllib.parse.urlsplit(SERVICES)
    if place.scheme == "https":
        context = ssl.create_default_context(cafile=os.environ["TOY_CA"])
        connection = http.client.HTTPSConnection(place.netloc, context=context, timeout=10)
    else:
        connection = http.client.HTTPConnection(place.netloc, timeout=10)
    try:
        connection.request(method, path, body, dict(request.headers.items()))
        answer = connection.getresponse()
        return answer.status, answer.read()
    except (http.client.HTTPException, ConnectionError):
        return None, b""
    finally:
        connection.close()


def dynamodb(operation, document):
    return call("dynamodb", "POST", "/", json.dumps(document).encode(),
                X_Amz_Target=f"DynamoDB_20120810.{operation}",
                Content_Type="application/x-amz-json-1.0")


class Invocation:
    def __init__(self, event):
        context = event.get("requestContext", {})
        self.connection = context.get("connectionId")
        self.answer = b'{"statusCode": 200}'
        self.error = False
        query = event.get("queryStringParameters", {})
        if context.get("eventType") == "CONNECT":
            self.script = {name: json.loads(query[name]) for name in ("do", "after")
                           if name in query}
        elif "Records" in event:
            self.script = json.loads(event["Records"][0]["body"])
        else:
            try:
                self.script = json.loads(event["body"]) if "body" in event else event
            except ValueError:
                self.script = {}
        if not isinstance(self.script, dict):
            self.script = {}

    def run(self, name):
        for step, *arguments in self.script.get(name, []):
            result = getattr(self, "do_" + step)(*arguments)
            if result is not None:
                status, body = result
                log(step=step, status=status, body=body.decode()[:1000])

    def _place(self, id):
        return "/prod/@connections/" + urllib.parse.quote(id or self.connection, safe="")

    def do_post(self, text, id=None):
        return call("execute-api", "POST", self._place(id), text.encode())

    def do_post_until_there(self, text):
        """As whoever welcomes a client does after the answer to its $connect."""
        for count in range(100):
            status, body = call("execute-api", "POST", self._place(None), text.encode())
            if status != 410:
                log(gone=count)
                return status, body
            time.sleep(0.01)

    def do_get(self, id=None):
        return call("execute-api", "GET", self._place(id))

    def do_delete(self, id=None):
        return call("execute-api", "DELETE", self._place(id))

    def do_append(self, key, text):
        return dynamodb("UpdateItem", append(key, text))

    def do_transact(self, token, key, text):
        return dynamodb("TransactWriteItems", {
            "ClientRequestToken": token, "TransactItems": [{"Update": append(key, text)}]})

    def do_read(self, key, consistent):
        return dynamodb("GetItem", {
            "TableName": "usher", "Key": {"pk": {"S": key}, "sk": {"S": "-"}},
            "ConsistentRead": consistent})

    def do_keep(self):
        """A call on a connection that is kept; None where the other end has closed it."""
        global kept
        kept = kept or http.client.HTTPConnection(urllib.parse.urlsplit(SERVICES).netloc)
        try:
            kept.request("GET", "/")
            answer = kept.getresponse()
            return answer.status, answer.read()
        except (http.client.HTTPException, ConnectionError):
            kept = None
            return None, b""

    def do_queue(self, delay, script, name="timers"):
        return call(
            "sqs", "POST", "/", json.dumps({
                "QueueUrl": f"{SERVICES}/123456789012/{name}", "DelaySeconds": delay,
                "MessageBody": json.dumps(script)}).encode(),
            X_Amz_Target="AmazonSQS.SendMessage", Content_Type="application/x-amz-json-1.0")

    def do_invoke(self, script, kind="Event"):
        return call("lambda", "POST", "/2015-03-31/functions/usher/invocations",
                    json.dumps(script).encode(), X_Amz_Invocation_Type=kind)

    def do_sleep(self, seconds):
        time.sleep(seconds)

    def do_exit(self, status):
        sys.exit(status)

    def do_answer(self, text):
        self.answer = text.encode()

    def do_answer_of_size(self, size):
        self.answer = b'"' + b"x" * (size - 2) + b'"'

    def do_fail(self):
        self.error = True

    def do_log(self, text):
        log(said=text, process=os.getpid())


def runtime(method, path, body=None):
    connection = http.client.HTTPConnection(RUNTIME)
    connection.request(method, "/2018-06-01/runtime" + path, body)
    answer = connection.getresponse()
    result = answer.status, answer.headers, answer.read()
    connection.close()
    return result


def main():
    log(environment=dict(os.environ), process=os.getpid())
    if wrong := os.environ.get("TOY_INIT_ERROR"):
        runtime("POST", "/init/error", json.dumps(
            {"errorType": "Toy", "errorMessage": wrong}).encode())
        sys.exit(1)
    while True:
        _, headers, body = runtime("GET", "/invocation/next")
        event = json.loads(body)
        log(event=event, headers=dict(headers.items()), process=os.getpid(), time=time.time())
        id = headers["Lambda-Runtime-Aws-Request-Id"]
        invocation = Invocation(event)
        invocation.run("do")
        kind = "error" if invocation.error else "response"
        status, _, _ = runtime("POST", f"/invocation/{id}/{kind}", invocation.answer)
        log(answered=status)
        invocation.run("after")
        if "twice" in invocation.script:
            log(twice=runtime("POST", f"/invocation/{id}/response", b"{}")[0])


main()
