"""The emulator's `@connections` and its check of signatures, held against botocore's."""

import json
import struct
import time
import urllib.parse

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as Signer
from botocore.exceptions import ClientError

from support import http
from support.gateway import signatures
from support.websocket import CLOSE

KB = 1024
REGION = "eu-central-1"


def id_of(toy):
    return toy.connections()[-1]["id"]


@pytest.fixture
def api(toy):
    return toy.client("apigatewaymanagementapi")


def status(error):
    return error.value.response["ResponseMetadata"]["HTTPStatusCode"]


# -- "Use @connections commands in your backend service".


def test_post_get_and_delete(toy, api):
    client = toy.open()
    id = id_of(toy)
    api.post_to_connection(ConnectionId=id, Data="grüß dich".encode())
    assert client.receive_text() == "grüß dich"
    found = api.get_connection(ConnectionId=id)
    assert abs(found["ConnectedAt"].timestamp() - toy.now()) < 30
    assert found["LastActiveAt"] >= found["ConnectedAt"]
    assert found["Identity"]["SourceIp"] == "127.0.0.1"
    api.delete_connection(ConnectionId=id)
    opcode, payload = client.receive_frame()
    assert (opcode, struct.unpack("!H", payload[:2])[0]) == (CLOSE, 1000)
    for call in (api.get_connection, api.delete_connection):
        with pytest.raises(api.exceptions.GoneException) as gone:
            call(ConnectionId=id)
        assert status(gone) == 410
    client.close(4007)
    event = toy.until(lambda: toy.events("$disconnect"), "$disconnect")[0]
    # After a DELETE it is the gateway's code, whatever the client says to it.
    assert event["requestContext"]["disconnectStatusCode"] == 1000


def test_posts_to_the_unknown_and_the_departed_are_410(toy, api):
    toy.open().close()
    gone = toy.events("$connect")[0]["requestContext"]["connectionId"]
    toy.until(lambda: toy.connections() == [], "its end")
    for id in (gone, "L0SM9cOFvHcCIhw=", "a/b", "%3D"):
        with pytest.raises(api.exceptions.GoneException) as refused:
            api.post_to_connection(ConnectionId=id, Data=b"x")
        assert status(refused) == 410


def test_posts_hold_128_kb_and_no_more(toy, api):
    with toy.open() as client:
        api.post_to_connection(ConnectionId=id_of(toy), Data=b"x" * 128 * KB)
        assert client.receive_text() == "x" * 128 * KB
        with pytest.raises(api.exceptions.PayloadTooLargeException) as refused:
            api.post_to_connection(ConnectionId=id_of(toy), Data=b"x" * (128 * KB + 1))
        assert status(refused) == 413


def test_a_client_that_reads_nothing_is_429(toy, api):
    """"LimitExceededException": also where "the associated client side buffer is full"."""
    with toy.connect(receive_buffer=4096):
        with pytest.raises(api.exceptions.LimitExceededException) as refused:
            for _ in range(100):
                api.post_to_connection(ConnectionId=id_of(toy), Data=b"x" * 128 * KB)
        assert status(refused) == 429


def test_a_connection_is_410_until_its_connect_was_answered(toy):
    with toy.open(["post", "too early"], ["get"],
                  after=[["post_until_there", "welcome"]]) as client:
        assert client.receive_text() == "welcome"
        toy.rest()
    assert toy.results() == [("post", 410), ("get", 410), ("post_until_there", 200)]


def test_the_time_between_answer_and_connection_can_be_longer(toy):
    toy.set(open_seconds=0.2)
    with toy.open(after=[["post_until_there", "welcome"]]) as client:
        assert client.receive_text() == "welcome"
        toy.rest()
    assert toy.lines("gone")[0]["gone"] > 2


def test_answers_may_go_on_only_with_the_next_question(toy):
    """Where a runtime's work after its answer delays the answer, a welcome needs a second
    invocation."""
    toy.set(answer_on="next")
    with toy.open(after=[["sleep", 0.1], ["post", "too early"]]):
        toy.rest()
        assert toy.results() == [("post", 410)]
    toy.fresh()
    toy.set(answer_on="next")
    id = "$connect"
    with toy.open(["invoke", {"do": [["sleep", 0.1], ["log", "welcome"]]}]):
        toy.rest()
    assert toy.said() == ["welcome"] and toy.events(id)


# -- Signatures: "Create a signed AWS API request" (IAM User Guide).


def signed(toy, method, path, body=b"", service="execute-api", region=REGION, change=None,
           host=None):
    """Header fields by botocore for this path as it stands on the wire."""
    secret = {"key": toy.ready["key"], "secret": toy.ready["secret"], "token": toy.ready["token"],
              **(change or {})}
    host = host or urllib.parse.urlsplit(toy.services).netloc
    request = AWSRequest(method, f"http://{host}{path}", data=body)
    SigV4Auth(Signer(secret["key"], secret["secret"], secret["token"]), service, region).add_auth(
        request)
    return list(request.headers.items())


def post(toy, path, fields, body=b"x"):
    answer = http.request(toy.services, "POST", path, fields, body)
    return answer.status, answer.header("x-amzn-ErrorType")


def test_a_connection_id_is_encoded_once_on_the_wire_and_twice_in_the_signature(toy):
    with toy.open() as client:
        bare = "/prod/@connections/" + id_of(toy)
        once = bare.replace("=", "%3D")
        assert post(toy, once, signed(toy, "POST", once, b"x"))[0] == 200
        assert client.receive_text() == "x"
        # The wire's spelling is what counts: raw, in small letters, or encoded twice.
        for path in (bare, once.replace("%3D", "%3d"), once.replace("%3D", "%253D")):
            answered = post(toy, path, signed(toy, "POST", path, b"x"))
            assert answered in ((403, "InvalidSignatureException"), (410, "GoneException"))
            assert answered[0] == (410 if "%25" in path else 403)
        # Signed once only.
        assert post(toy, once, signed(toy, "POST", bare, b"x")) == (
            403, "InvalidSignatureException")


@pytest.mark.parametrize("change, error", [
    ({"secret": "wrong"}, "InvalidSignatureException"),
    ({"key": "ASIAUNKNOWN"}, "UnrecognizedClientException"),
    ({"token": "wrong"}, "UnrecognizedClientException"),
    ({"token": None}, "UnrecognizedClientException")])
def test_wrong_credentials_are_403(toy, change, error):
    path = "/prod/@connections/a%3D"
    assert post(toy, path, signed(toy, "POST", path, b"x", change=change)) == (403, error)


def test_what_a_signature_must_cover(toy, monkeypatch):
    path = "/prod/@connections/a%3D"
    wrong = (403, "InvalidSignatureException")
    fields = signed(toy, "POST", path, b"x")
    assert post(toy, path, fields) == (410, "GoneException")
    assert post(toy, path, fields, b"y") == wrong
    assert post(toy, path + "?a=b", fields) == wrong
    assert post(toy, path, [*fields, ("X-Amz-Meta", "1")]) == wrong
    assert post(toy, path, [*fields, ("X-Other", "1")]) == (410, "GoneException")
    assert post(toy, path, [(name, value) for name, value in fields if name != "Authorization"]
                ) == (403, "MissingAuthenticationTokenException")
    for options in ({"service": "dynamodb"}, {"region": "us-east-1"}, {"host": "other.example"}):
        assert post(toy, path, signed(toy, "POST", path, b"x", **options)) == wrong
    assert post(toy, path, signed(toy, "GET", path, b"x")) == wrong
    late = time.gmtime(time.time() - 400)
    monkeypatch.setattr("botocore.auth.get_current_datetime", lambda: __import__(
        "datetime").datetime(*late[:6]))
    assert post(toy, path, signed(toy, "POST", path, b"x")) == wrong


@pytest.mark.parametrize("path", [
    "/", "/prod/@connections/Kt1OIcMroAMCJ9w%3D", "/a/%40/%2B/~._-", "/gr%C3%BC%C3%9F/%E2%82%AC",
    "/%252F", "/a%2Fb"])
@pytest.mark.parametrize("body", [b"", b"x" * 200_000])
def test_signatures_are_botocores(path, body):
    known = signatures.Credentials("AKID", "secret/+=", "token/+==")
    request = AWSRequest("POST", f"https://host.example{path}", data=body,
                         headers={"X-Amz-Target": "A.B", "Content-Type": "application/json"})
    SigV4Auth(Signer(known.key, known.secret, known.token), "sqs", REGION).add_auth(request)
    fields = [("Host", "host.example"), *request.headers.items()]
    by_key = {known.key: known}
    assert signatures.check("POST", path, fields, body, "sqs", by_key) == known
    with pytest.raises(signatures.Refused):
        signatures.check("POST", path, fields, body + b"x", "sqs", by_key)


def test_dynamodb_and_the_queue_want_signatures_too(toy):
    for service, name, code in (("dynamodb", "list_tables", 400), ("lambda", "invoke", 403)):
        call = getattr(toy.client(service, aws_secret_access_key="wrong"), name)
        with pytest.raises(ClientError) as refused:
            call(**({"FunctionName": "usher"} if service == "lambda" else {}))
        assert refused.value.response["Error"]["Code"] == "InvalidSignatureException"
        assert status(refused) == code
    answer = http.request(toy.services, "POST", "/", [("X-Amz-Target", "AmazonSQS.SendMessage")],
                          json.dumps({"QueueUrl": "x"}).encode())
    assert answer.status == 403 and b"MissingAuthenticationToken" in answer.body
    assert http.get(toy.services, "/elsewhere").status == 403
