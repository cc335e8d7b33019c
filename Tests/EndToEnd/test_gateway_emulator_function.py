"""The emulator of Lambda and of a queue before it (support/gateway): environments, the Runtime API,
what ends an invocation, and what comes later. What AWS documents is cited by the name of its page.
"""

import base64
import concurrent.futures
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from support.gateway.clock import Chance
from support.gateway.rig import FOLDER, Gateway
from support.proxies import certificate
from support.toy_gateway import Toy
from support.usher import new_folder
from support.waiting import eventually


def processes(toy):
    return {line["process"] for line in toy.lines("said")}


def state(process):
    """The letter by which the kernel knows it: T for one that is stopped; None: it is gone."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return None


def at_once(toy, count, *do):
    """As many invocations at the same time; returns the documents of their errors."""
    client = toy.client("lambda")

    def one(_):
        answer = client.invoke(FunctionName="usher", Payload=json.dumps({"do": do}).encode())
        body = answer["Payload"].read()
        return body if "FunctionError" in answer else None

    with concurrent.futures.ThreadPoolExecutor(count) as threads:
        return [error for error in threads.map(one, range(count)) if error]


# -- "Using the Lambda runtime API for custom runtimes", "Using Lambda environment variables".


def test_a_runtime_has_what_lambda_gives_it(start_toy):
    toy = start_toy(variables={"MINE": "a=b"})
    before = time.time()
    toy.invoke()
    own = toy.lines("environment")[0]["environment"]
    assert own["MINE"] == "a=b"
    assert own["TOY_SERVICES"].startswith("http://127.0.0.1:")
    assert own["AWS_ACCESS_KEY_ID"].startswith("ASIA") and len(own["AWS_SESSION_TOKEN"]) > 600
    assert (own["AWS_REGION"], own["AWS_LAMBDA_FUNCTION_NAME"], own["TZ"], own["_HANDLER"]) == (
        "eu-central-1", "usher", ":UTC", "bootstrap")
    assert "HOME" not in own and "USHER_BINARY" not in own
    line = toy.lines("event")[0]
    headers = line["headers"]
    assert len(headers["Lambda-Runtime-Aws-Request-Id"].split("-")) == 5
    left = int(headers["Lambda-Runtime-Deadline-Ms"]) / 1000 - line["time"]
    assert 5 < left <= 6 + line["time"] - before
    assert headers["Lambda-Runtime-Invoked-Function-Arn"].endswith(":function:usher")
    assert headers["Lambda-Runtime-Trace-Id"].startswith("Root=1-")


def test_an_environment_is_used_again_and_a_new_one_starts_cold(toy):
    toy.recycle()
    before = toy.figures().get("cold starts", 0)
    for _ in range(3):
        toy.invoke(["log", 1])
        toy.rest()
    assert len(processes(toy)) == 1
    assert toy.recycle() == 1
    toy.invoke(["log", 1])
    assert len(processes(toy)) == 2
    figures = toy.figures()
    assert figures["cold starts"] == before + 2
    assert 0.01 < figures["seconds of cold starts"][-1] < 10


def test_each_environment_has_one_invocation_at_a_time(toy):
    toy.set(environments=3)
    started = time.monotonic()
    assert at_once(toy, 6, ["log", 1], ["sleep", 0.3]) == []
    assert time.monotonic() - started > 0.55, "the others waited"
    assert len(toy.said()) == 6 and len(processes(toy)) <= 3
    assert toy.figures()["environments"] <= 3


def test_lambda_refuses_beyond_its_limit_where_that_is_set(toy):
    """"Invoke": 429, TooManyRequestsException."""
    toy.set(environments=1, when_full="refuse")
    toy.recycle()
    with toy.open() as client:
        toy.rest()
        toy.tell(client, ["sleep", 0.4])
        toy.until(lambda: toy.events("$default"), "its beginning")
        with pytest.raises(ClientError) as refused:
            toy.invoke()
        assert refused.value.response["Error"]["Code"] == "TooManyRequestsException"
        client.send_text("one more")
        assert "Internal server error" in client.receive_text()


def test_environments_are_frozen_between_invocations(toy):
    """"Understanding the Lambda execution environment lifecycle"."""
    toy.recycle()
    toy.invoke(["log", 1])
    [process] = processes(toy)
    toy.until(lambda: state(process) == "T", "a frozen process")
    toy.set(freeze=0)
    toy.invoke(["log", 2])
    assert processes(toy) == {process}
    time.sleep(0.05)
    assert state(process) != "T"


def test_a_timeout_ends_the_invocation_and_its_environment(toy):
    toy.recycle()
    toy.set(function_seconds=0.5)
    started = time.monotonic()
    answer, body = toy.invoke(["log", 1], ["sleep", 5])
    assert 0.5 <= time.monotonic() - started < 3
    assert answer["FunctionError"] == "Unhandled"
    assert "Task timed out after 0.50 seconds" in json.loads(body)["errorMessage"]
    [process] = processes(toy)
    toy.until(lambda: state(process) is None, "its end")
    toy.invoke(["log", 2])
    assert len(processes(toy)) == 2


def test_a_process_that_ends_fails_its_invocation(toy):
    _, body = toy.invoke(["exit", 7])
    assert json.loads(body) == {
        "errorType": "Runtime.ExitError",
        "errorMessage": "Error: Runtime exited with error: exit status 7"}


def test_what_is_done_after_the_answer_belongs_to_the_invocation(toy):
    toy.recycle()
    toy.set(environments=1)
    with toy.open(after=[["sleep", 0.4], ["log", "after"]]) as client:
        client.send_text("next")
        toy.until(lambda: toy.events("$default"), "the message")
        assert toy.said() == ["after"], "no other event before the runtime asks"
        toy.set(function_seconds=0.5)
        toy.tell(client, after=[["sleep", 5], ["log", "never"]])
        toy.until(lambda: toy.figures().get("timeouts"), "the timeout")
        toy.rest()
        assert toy.said() == ["after"]
        assert not client.waiting(0.1), "it was answered in time"


def test_an_answer_is_taken_once_and_up_to_6_mb(toy):
    """"Lambda quotas": 6 MB of payload."""
    toy.client("lambda").invoke(FunctionName="usher", Payload=b'{"twice": 1}')
    assert toy.until(lambda: toy.lines("twice"), "the second")[0]["twice"] == 400
    answer, body = toy.invoke(["answer_of_size", 6 * 1024 * 1024])
    assert "FunctionError" not in answer and len(body) == 6 * 1024 * 1024
    answer, body = toy.invoke(["answer_of_size", 6 * 1024 * 1024 + 1])
    assert json.loads(body)["errorType"] == "Function.ResponseSizeTooLarge"


def test_an_init_that_fails_says_why(start_toy):
    toy = start_toy(variables={"TOY_INIT_ERROR": "a setting is wrong"})
    _, body = toy.invoke()
    assert json.loads(body) == {"errorType": "Toy", "errorMessage": "a setting is wrong"}
    toy.until(lambda: toy.figures()["environments"] == 0, "the end of its environment")


def test_an_init_that_takes_too_long_or_ends_fails():
    for command, settings, error in (
            (["sleep", "60"], {"init_seconds": 0.2}, "Sandbox.Timedout"),
            (["false"], {}, "Runtime.ExitError")):
        gateway = Gateway(*command, **settings)
        answer = gateway.client("lambda").invoke(FunctionName="usher")
        assert json.loads(answer["Payload"].read())["errorType"] == error
        gateway.stop()


# -- "Invoke" (Lambda API Reference), "How Lambda handles errors and retries with asynchronous
# invocation".


def test_an_asynchronous_invocation_comes_at_once(toy):
    answer = toy.client("lambda").invoke(
        FunctionName="usher", InvocationType="Event", Payload=b'{"do": [["log", "it"]]}')
    assert answer["StatusCode"] == 202
    toy.until(lambda: toy.said() == ["it"], "its invocation")
    with toy.open(["invoke", {"do": [["sleep", 0.2], ["log", "own"]]}]):
        assert toy.results() == [("invoke", 202)]
        toy.until(lambda: toy.said() == ["it", "own"], "the function's own")


def test_an_asynchronous_invocation_that_fails_comes_twice_more(toy):
    toy.client("lambda").invoke(
        FunctionName="usher", InvocationType="Event",
        Payload=json.dumps({"do": [["log", "it"], ["fail"]]}).encode())
    for count, forward in ((1, 59), (1, 2), (2, 118), (2, 2), (3, 600)):
        toy.rest()
        assert len(toy.said()) == count
        toy.forward(forward)
    toy.rest()
    assert len(toy.said()) == 3


def test_messages_and_events_can_come_twice(toy):
    """"Amazon SQS at-least-once delivery", "Invoking a Lambda function asynchronously"."""
    toy.set(duplicates=1.0)
    toy.invoke(["queue", 0, {"do": [["log", "queued"]]}], ["invoke", {"do": [["log", "event"]]}])
    toy.rest()
    assert sorted(toy.said()) == ["event", "event", "queued", "queued"]


def test_another_function_and_what_is_no_json_are_refused(toy):
    for arguments, code in (({"FunctionName": "other"}, "ResourceNotFoundException"),
                            ({"FunctionName": "usher", "Payload": b"no"},
                             "InvalidRequestContentException")):
        with pytest.raises(ClientError) as refused:
            toy.client("lambda").invoke(**arguments)
        assert refused.value.response["Error"]["Code"] == code


# -- "SendMessage" (Amazon SQS API Reference), "Using Lambda with Amazon SQS".


def test_a_queued_message_comes_after_its_delay(toy):
    script = {"do": [["log", "later"]]}
    toy.invoke(["queue", 900, script], ["queue", 0, {"do": [["log", "now"]]}])
    toy.until(lambda: toy.said() == ["now"], "the one without a delay")
    toy.forward(898)
    toy.rest()
    assert toy.said() == ["now"]
    toy.forward(3)
    toy.until(lambda: toy.said() == ["now", "later"], "the delayed one")
    record = toy.events()[-1]["Records"][0]
    assert json.loads(record["body"]) == script
    assert record["eventSource"] == "aws:sqs" and record["eventSourceARN"].endswith(":timers")
    assert record["attributes"]["ApproximateReceiveCount"] == "1"
    assert 899 < (int(record["attributes"]["ApproximateFirstReceiveTimestamp"])
                  - int(record["attributes"]["SentTimestamp"])) / 1000 < 910


def test_queued_messages_come_in_the_order_of_their_times(toy):
    toy.set(environments=1)
    toy.recycle()
    toy.invoke(*(["queue", delay, {"do": [["log", delay]]}] for delay in (30, 10, 20)))
    toy.forward(100)
    toy.until(lambda: len(toy.said()) == 3, "all")
    assert toy.said() == [10, 20, 30]
    for event, delay in zip(toy.events()[1:], (10, 20, 30)):
        stamps = event["Records"][0]["attributes"]
        waited = (int(stamps["ApproximateFirstReceiveTimestamp"])
                  - int(stamps["SentTimestamp"])) / 1000
        assert delay <= waited < delay + 2, "each has the time that was then"


def test_a_queued_message_that_fails_comes_again(toy):
    toy.set(queue_receives=2)
    toy.invoke(["queue", 0, {"do": [["log", "it"], ["fail"]]}])
    toy.rest()
    toy.forward(28)
    toy.rest()
    assert toy.said() == ["it"]
    toy.forward(3)
    toy.rest()
    toy.forward(100)
    toy.rest()
    counts = [one["Records"][0]["attributes"]["ApproximateReceiveCount"]
              for one in toy.events() if "Records" in one]
    assert counts == ["1", "2"]
    assert toy.figures()["queued messages given up"] == 1


def test_longer_delays_and_other_queues_are_refused(toy):
    client = toy.client("sqs")
    url = f"{toy.services}/123456789012/timers"
    assert client.send_message(QueueUrl=url, MessageBody="{}", DelaySeconds=900)["MessageId"]
    for arguments, code in (
            ({"QueueUrl": url, "MessageBody": "{}", "DelaySeconds": 901}, "InvalidParameterValue"),
            ({"QueueUrl": url, "MessageBody": "{}", "DelaySeconds": -1}, "InvalidParameterValue"),
            ({"QueueUrl": url, "MessageBody": ""}, "InvalidParameterValue"),
            ({"QueueUrl": url + "s", "MessageBody": "{}"}, "QueueDoesNotExist")):
        with pytest.raises(ClientError) as refused:
            client.send_message(**arguments)
        assert refused.value.response["Error"]["Code"].endswith(code)
        assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400


# -- The emulator itself.


def test_the_services_can_speak_https(start_toy):
    chain, key = certificate(new_folder("gateway-tls"))
    toy = start_toy(certificate=(chain, key), variables={"TOY_CA": str(chain)})
    with toy.open(after=[["post_until_there", "by https"]]) as client:
        assert client.receive_text() == "by https"
        toy.tell(client, ["append", "k", "v"], ["post", "done"])
        assert client.receive_text() == "done"
    assert len(toy.items()) == 1


@pytest.mark.parametrize("way", ["signal", "end of input", "kill"])
def test_no_process_outlives_the_emulator(way):
    toy = Toy()
    at_once(toy, 2, ["sleep", 0.2])
    ours = [line["process"] for line in toy.lines("environment")]
    assert len(ours) == 2
    eventually(lambda: {state(one) for one in ours} == {"T"}, "that both are frozen")
    if way == "end of input":
        toy.process.stdin.close()
    elif way == "signal":
        toy.process.terminate()
    else:
        toy.process.kill()
    assert toy.process.wait(10) == (-9 if way == "kill" else 0)
    eventually(lambda: {state(one) for one in ours} <= {None, "Z"}, "their end")
    toy.stop(status=None)


def test_chance_comes_of_the_seed(toy):
    with toy.open():
        one = toy.connections()[-1]
    drawn = [Chance(seed).of("connection", one["number"]).randbytes(11) for seed in (1, 2)]
    ids = [base64.urlsafe_b64encode(id).decode() for id in drawn]
    assert ids[0] == one["id"] != ids[1]


def test_the_command_explains_itself_and_refuses_wrong_settings():
    def run(*flags):
        return subprocess.run(
            [sys.executable, "-m", "support.gateway", *flags], cwd=FOLDER, text=True,
            capture_output=True, timeout=30, env={**os.environ, "COLUMNS": "100"})

    assert "--lose-disconnects" in run("--help").stdout
    assert run("--when-full", "maybe", "true").returncode == 2
