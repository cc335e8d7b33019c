"""A handler in Python as the likes of it are written: verifies the token of a $connect, puts an
item by boto3, and answers. It asks the Runtime API itself, as the runtime of Lambda would for it.
"""

import http.client
import json
import os
import time

import boto3
import jwt

RUNTIME = "/2018-06-01/runtime/invocation/"
keys = jwt.PyJWKSet.from_json(os.environ["USHER_KEY_SET"])
table = boto3.resource(
    "dynamodb", region_name=os.environ["AWS_REGION"], endpoint_url=os.environ["USHER_DYNAMODB"],
).Table(os.environ["USHER_TABLE"])


def handle(event):
    offered = event["headers"]["Sec-WebSocket-Protocol"].split(", ")
    token = next(one for one in offered if one.startswith("usher.bearer."))[len("usher.bearer."):]
    claims = jwt.decode(
        token, keys[jwt.get_unverified_header(token)["kid"]].key, algorithms=["ES256"],
        issuer=os.environ["USHER_ISSUER"], audience=os.environ["USHER_AUDIENCE"])
    table.put_item(Item={
        "pk": "C#" + event["requestContext"]["connectionId"], "sk": "-",
        "client": claims["client_id"], "ttl": int(time.time()) + 7200})
    return {"statusCode": 200, "headers": {"Sec-WebSocket-Protocol": "usher.v1"}}


connection = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
while True:
    connection.request("GET", RUNTIME + "next")
    answer = connection.getresponse()
    event = json.loads(answer.read())
    body = json.dumps(handle(event))
    place = RUNTIME + answer.headers["Lambda-Runtime-Aws-Request-Id"] + "/response"
    connection.request("POST", place, body)
    connection.getresponse().read()
