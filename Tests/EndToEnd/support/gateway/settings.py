"""What can be set: by flags of the command, and while it runs by its control address."""

import argparse
import json
from dataclasses import dataclass, field, fields

REGION = "eu-central-1"
ACCOUNT = "123456789012"
API = "a1b2c3d4e5"
# "Amazon API Gateway quotas", WebSocket APIs.
FRAME_BYTES = 32 * 1024
MESSAGE_BYTES = 128 * 1024


def setting(default, help, **more):
    return field(default=default, metadata={"help": help, **more})


@dataclass
class Settings:
    seed: int = setting(1, "all chance comes of it")
    stage: str = setting("prod", "the API's stage")
    routes: str = setting(
        "", "named routes to the function, separated by commas, beside $connect, $disconnect and "
        "$default")
    mock_routes: str = setting(
        "{}", "routes with a MOCK integration: a JSON object of names and answers ('' for none)")
    function: str = setting("usher", "the function's name")
    table: str = setting("usher", "the table, with keys pk and sk and a time to live in ttl")
    queue: str = setting("timers", "the queue's name")
    environments: int = setting(4, "how many environments there may be at a time")
    when_full: str = setting(
        "wait", "what becomes of an invocation when all are busy: 'refuse' as Lambda does at its "
        "limit, or 'wait', since this machine can't start hundreds", choices=("wait", "refuse"))
    function_seconds: float = setting(6.0, "the function's timeout")
    init_seconds: float = setting(10.0, "the limit of the init phase")
    cold_start_seconds: float = setting(0.0, "how much longer a cold start takes")
    answer_on: str = setting(
        "response", "when an invocation's answer goes on: as soon as it was posted, or only when "
        "the runtime asks for the next event", choices=("response", "next"))
    freeze: int = setting(1, "1: environments are stopped while they wait for an event")
    integration_seconds: float = setting(29.0, "how long API Gateway waits for the function")
    binary: str = setting(
        "refuse", "binary messages: 'refuse' with 1003 as is documented, or hand on in 'base64'",
        choices=("refuse", "base64"))
    idle_seconds: float = setting(600.0, "a silent connection is closed after so long")
    connection_seconds: float = setting(7200.0, "every connection is closed after so long")
    connections_per_second: int = setting(0, "more are refused with 429; 0 for no limit")
    open_seconds: float = setting(
        0.0, "how long after $connect was answered the connection is still 410")
    lose_disconnects: float = setting(0.0, "the share of $disconnects that never come")
    late_disconnects: float = setting(1.0, "the share of the others that come late")
    late_disconnect_seconds: float = setting(
        0.0, "how late they come at most, on the emulator's clock")
    shuffle_seconds: float = setting(
        0.0, "each message waits for a time of its own up to this, so that they overtake")
    duplicates: float = setting(
        0.0, "the share of queued messages and asynchronous events that come twice")
    stale_reads: float = setting(
        0.0, "the share of GetItems without ConsistentRead that miss the last write")
    meter: int = setting(
        0, "1: the figures hold read and write units of the table, which takes time to find out")
    queue_visibility_seconds: float = setting(
        30.0, "a queued message whose invocation failed comes again after so long")
    queue_receives: int = setting(5, "how often a queued message is delivered at most")

    def change(self, values):
        """Sets what is named; a wrong name or type is a ValueError."""
        known = {one.name: one for one in fields(self)}
        for name, value in values.items():
            if name not in known or name == "seed":
                raise ValueError(f"no setting that can be changed: {name}")
            kind = known[name].type
            if kind is float and type(value) is int:
                value = float(value)
            choices = known[name].metadata.get("choices")
            if type(value) is not kind or (choices and value not in choices):
                raise ValueError(f"not a value of {name}: {value!r}")
            setattr(self, name, value)

    @property
    def route_names(self):
        return [name for name in self.routes.split(",") if name]

    @property
    def mocks(self):
        return json.loads(self.mock_routes)

    @property
    def domain(self):
        return f"{API}.execute-api.{REGION}.amazonaws.com"

    @property
    def function_arn(self):
        return f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{self.function}"


def parser():
    result = argparse.ArgumentParser(
        prog="python -m support.gateway", formatter_class=argparse.ArgumentDefaultsHelpFormatter,
        description="Emulates API Gateway, Lambda, DynamoDB and SQS around one function, on "
        "loopback. The first line of its output says where; it ends at SIGTERM or SIGINT.",
        epilog="In the values of --variable, {services} becomes the address of DynamoDB, SQS, "
        "Lambda and @connections as this environment sees them, such as http://127.0.0.1:4711.")
    result.add_argument("command", nargs="+", help="the function's executable and its arguments")
    result.add_argument("--variable", action="append", default=[], metavar="NAME=VALUE",
                        help="an environment variable of the function")
    result.add_argument("--port", type=int, default=0, help="of the WebSocket front; 0: any")
    result.add_argument("--log", help="a file for all that the function writes")
    result.add_argument("--tls-certificate", metavar="FILE",
                        help="PEM: the services that the function meets speak https")
    result.add_argument("--tls-key", metavar="FILE", help="its key, in PEM")
    result.add_argument("--until-stdin-ends", action="store_true",
                        help="end as well when the standard input does")
    for one in fields(Settings):
        result.add_argument(
            "--" + one.name.replace("_", "-"), type=one.type, default=one.default,
            help=one.metadata["help"].replace("%", "%%"), choices=one.metadata.get("choices"))
    return result


def settings_of(options):
    return Settings(**{one.name: getattr(options, one.name) for one in fields(Settings)})
