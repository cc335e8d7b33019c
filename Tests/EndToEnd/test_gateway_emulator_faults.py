"""The emulator's DynamoDB, and the faults that a function meets (support/gateway). What AWS
documents is cited by the name of its page."""

import concurrent.futures
import time

import pytest
from botocore.exceptions import ClientError

from support.gateway.clock import Chance
from support.toy_terms import append

TABLE = "usher"


@pytest.fixture
def table(toy):
    return toy.client("dynamodb")


def key(name):
    return {"pk": {"S": name}, "sk": {"S": "-"}}


def texts(toy, name):
    """The list of an item, as the toy's `append` makes it; [] where there is none."""
    found = [item for item in toy.items() if item["pk"]["S"] == name]
    return [one["S"] for item in found for one in item["list"]["L"]]


def code(error):
    return error.value.response["Error"]["Code"]


# -- DynamoDB.


def test_the_table_has_its_keys_and_its_time_to_live(table):
    found = table.describe_table(TableName=TABLE)["Table"]
    assert [(one["AttributeName"], one["KeyType"]) for one in found["KeySchema"]] == [
        ("pk", "HASH"), ("sk", "RANGE")]
    live = table.describe_time_to_live(TableName=TABLE)["TimeToLiveDescription"]
    assert (live["TimeToLiveStatus"], live["AttributeName"]) == ("ENABLED", "ttl")


def test_an_update_counts_and_says_what_was_before(table):
    """"Update expressions", "UpdateItem": ReturnValues, ReturnValuesOnConditionCheckFailure."""
    def join(member):
        return table.update_item(
            TableName=TABLE, Key=key("room"), ReturnValues="ALL_OLD",
            UpdateExpression="SET #o = if_not_exists(#n, :0) + :1, #n = if_not_exists(#n, :0) + :1",
            ConditionExpression="attribute_not_exists(#o)",
            ExpressionAttributeNames={"#n": "count", "#o": f"m{member}"},
            ExpressionAttributeValues={":0": {"N": "0"}, ":1": {"N": "1"}},
            ReturnValuesOnConditionCheckFailure="ALL_OLD")

    assert "Attributes" not in join("a")
    assert join("b")["Attributes"] == {**key("room"), "ma": {"N": "1"}, "count": {"N": "1"}}
    with pytest.raises(ClientError) as refused:
        join("b")
    assert code(refused) == "ConditionalCheckFailedException"
    assert refused.value.response["Item"] == {
        **key("room"), "ma": {"N": "1"}, "mb": {"N": "2"}, "count": {"N": "2"}}


def test_an_item_holds_400_kb(table):
    """"Quotas in Amazon DynamoDB"."""
    table.update_item(TableName=TABLE, **rest_of(append("big", "x" * 390_000)))
    with pytest.raises(ClientError) as refused:
        table.update_item(TableName=TABLE, **rest_of(append("big", "x" * 20_000)))
    assert code(refused) == "ValidationException"
    assert "exceeded the maximum allowed size" in str(refused.value)
    table.delete_item(TableName=TABLE, Key=key("big"))


def test_a_read_that_is_not_consistent_can_miss_the_last_write(toy, table):
    """"DynamoDB read consistency"."""
    toy.set(stale_reads=1.0)
    for text in ("a", "b"):
        table.update_item(**append("stale", text))

    def read(consistent):
        item = table.get_item(TableName=TABLE, Key=key("stale"), ConsistentRead=consistent)["Item"]
        return [one["S"] for one in item["list"]["L"]]

    assert (read(True), read(False)) == (["a", "b"], ["a"])
    transact(table, "stale", append("stale", "c"))
    assert (read(True), read(False)) == (["a", "b", "c"], ["a", "b"])
    toy.set(stale_reads=0)
    assert read(False) == ["a", "b", "c"]


def test_units_are_counted_as_they_are_billed(toy, table):
    """"DynamoDB read and write operations"."""
    toy.set(meter=1)

    def units(call):
        before = toy.figures()
        call()
        after = toy.figures()
        return tuple(after.get(name, 0) - before.get(name, 0)
                     for name in ("write units", "read units"))

    def read(**options):
        table.get_item(TableName=TABLE, Key=key("m"), **options)

    assert units(lambda: table.update_item(**append("m", "x"))) == (1, 0)
    assert units(lambda: table.update_item(**append("m", "x" * 4050))) == (4, 0)
    assert units(lambda: table.update_item(**append("m", "x" * 80))) == (5, 0)
    assert units(lambda: read(ConsistentRead=True)) == (0, 2)
    assert units(read) == (0, 1)
    assert units(lambda: table.get_item(TableName=TABLE, Key=key("none"))) == (0, 0.5)
    for expected in ((4, 0), (0, 4)):
        assert units(lambda: transact(
            table, "metered", append("m1", "x"), append("m2", "x"))) == expected
    assert units(lambda: table.query(
        TableName=TABLE, KeyConditionExpression="pk = :p", ConsistentRead=True,
        ExpressionAttributeValues={":p": {"S": "m"}})) == (0, 2)
    assert units(lambda: table.batch_get_item(RequestItems={TABLE: {
        "Keys": [key("m"), key("m1"), key("none")], "ConsistentRead": True}})) == (0, 4)
    assert units(lambda: table.batch_write_item(RequestItems={TABLE: [
        {"PutRequest": {"Item": key("m3")}}, {"DeleteRequest": {"Key": key("m2")}}]})) == (2, 0)
    assert units(lambda: table.delete_item(TableName=TABLE, Key=key("m"))) == (5, 0)


def rest_of(document):
    return {name: value for name, value in document.items() if name != "TableName"}


def test_concurrent_updates_lose_nothing(toy, table):
    def one(count):
        table.update_item(**append("busy", str(count)))

    with concurrent.futures.ThreadPoolExecutor(8) as threads:
        list(threads.map(one, range(60)))
    assert sorted(map(int, texts(toy, "busy"))) == list(range(60))


def test_what_has_outlived_its_time_is_still_there_until_it_is_deleted(toy, table):
    """"Using time to live (TTL) in DynamoDB": within a few days."""
    for name, seconds in (("short", 50), ("long", 5000)):
        table.put_item(TableName=TABLE, Item={
            **key(name), "ttl": {"N": str(int(toy.now() + seconds))}})
    toy.forward(60)

    def there(name):
        return "Item" in table.get_item(TableName=TABLE, Key=key(name))

    assert there("short") and there("long")
    assert toy.expire() == 1
    assert not there("short") and there("long")


def transact(table, token, *documents):
    return table.transact_write_items(
        ClientRequestToken=token, TransactItems=[{"Update": one} for one in documents])


def test_a_repeated_transaction_has_one_effect_for_ten_minutes(toy, table):
    """"TransactWriteItems": ClientRequestToken."""
    for _ in range(3):
        transact(table, "one", append("t", "a"), append("u", "a"))
    assert texts(toy, "t") == texts(toy, "u") == ["a"]
    with pytest.raises(ClientError) as refused:
        transact(table, "one", append("t", "b"))
    assert code(refused) == "IdempotentParameterMismatchException"
    transact(table, "two", append("t", "a"))
    toy.forward(595)
    transact(table, "one", append("t", "a"), append("u", "a"))
    assert texts(toy, "t") == ["a", "a"]
    toy.forward(10)
    transact(table, "one", append("t", "a"), append("u", "a"))
    assert texts(toy, "t") == ["a", "a", "a"]


def test_a_cancelled_transaction_has_no_effect_and_may_be_repeated(toy, table):
    never = {**append("v", "x"), "ConditionExpression": "attribute_exists(pk)",
             "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}
    for number in range(2):
        table.update_item(**append("there", str(number)))
        with pytest.raises(ClientError) as refused:
            transact(table, "three", append("w", "x"), append("there", "x"), never)
        assert code(refused) == "TransactionCanceledException"
        assert [one["Code"] for one in refused.value.response["CancellationReasons"]] == [
            "None", "None", "ConditionalCheckFailed"]
    assert texts(toy, "w") == texts(toy, "v") == []
    assert texts(toy, "there") == ["0", "1"]
    table.update_item(**append("v", "first"))
    transact(table, "three", append("w", "x"), never)
    assert (texts(toy, "w"), texts(toy, "v")) == (["x"], ["first", "x"])


# -- Faults. Each test has items of its own.


@pytest.mark.parametrize("when, left", [("before", ["1"]), ("after", ["1", "2"])])
def test_a_function_is_killed_at_its_nth_call(toy, when, left):
    name = f"kill {when}"
    toy.fault("kill", when=when, at=2)
    with toy.open() as client:
        toy.tell(client, *(["append", name, str(count)] for count in (1, 2, 3)))
        assert "Internal server error" in client.receive_text()
        assert texts(toy, name) == left
        toy.tell(client, ["append", name, "4"], ["post", "goes on"])
        assert client.receive_text() == "goes on"
    assert texts(toy, name) == [*left, "4"]
    faulty = [call for call in toy.journal() if call["fault"]]
    assert [(call["step"], call["fault"], call["status"], call["target"]) for call in faulty] == [
        (2, f"kill {when}", None, f"{name}/-")]


@pytest.mark.parametrize("when, left", [("before", ["2"]), ("after", ["1", "2"])])
def test_a_calls_outcome_can_be_unknown(toy, when, left):
    name = f"lose {when}"
    number = toy.fault("lose", when=when, operations=["UpdateItem"])
    with toy.open() as client:
        toy.tell(client, *(["append", name, str(count)] for count in (1, 2)), ["post", "done"])
        assert client.receive_text() == "done"
        toy.rest()
    assert toy.results() == [("append", None), ("append", 200), ("post", 200)]
    assert texts(toy, name) == left
    rule = toy.faults()[number]
    assert (rule["matched"], rule["fired"]) == (2, 1)


def test_a_post_that_was_carried_out_can_lose_its_answer(toy):
    toy.fault("lose", when="after", services=["connections"])
    with toy.open() as client:
        toy.tell(client, ["post", "heard"])
        assert client.receive_text() == "heard"
        toy.rest()
    assert toy.results() == [("post", None)]


def test_each_service_throttles_in_its_own_words(toy):
    """"Error handling with DynamoDB": 400 and a name. "LimitExceededException": 429."""
    toy.fault("throttle", times=0)
    toy.invoke(["append", "throttled", "x"], ["post", "x", "id"], ["queue", 0, {}], ["invoke", {}])
    results = {line["step"]: (line["status"], line["body"]) for line in toy.lines("step")}
    assert [results[step][0] for step in ("append", "post", "queue", "invoke")] == [
        400, 429, 403, 429]
    assert "ProvisionedThroughputExceededException" in results["append"][1]
    assert texts(toy, "throttled") == []


def test_a_call_can_be_answered_with_any_error(toy):
    toy.fault("answer", status=500, type="InternalServerError", at=2, times=2)
    toy.invoke(*(["append", "answered", str(count)] for count in range(4)))
    assert [status for _, status in toy.results()] == [200, 500, 500, 200]
    assert texts(toy, "answered") == ["0", "3"]


def test_a_write_can_meet_a_transaction_under_way(toy):
    """"Transaction conflict handling in DynamoDB"."""
    toy.fault("conflict", times=2)
    toy.invoke(["read", "c", True], ["append", "c", "1"], ["transact", "c", "c", "2"],
               ["transact", "c", "c", "3"])
    lines = toy.lines("step")
    assert [line["status"] for line in lines] == [200, 400, 400, 200]
    assert "TransactionConflictException" in lines[1]["body"]
    assert '"CancellationReasons": [{"Code": "TransactionConflict"}]' in lines[2]["body"]
    assert texts(toy, "c") == ["3"]


def test_a_connection_that_was_kept_can_be_gone(toy):
    toy.recycle()
    toy.set(environments=1)
    for cut in (False, False, True, False):
        if cut:
            toy.cut()
        toy.invoke(["keep"])
        toy.rest()
    assert toy.results() == [("keep", 403), ("keep", 403), ("keep", None), ("keep", 403)]


def test_a_slow_call_can_outlive_its_function(toy):
    toy.set(function_seconds=0.6)
    toy.fault("delay", seconds=0.3)
    started = time.monotonic()
    toy.invoke(["append", "slow", "1"])
    assert time.monotonic() - started > 0.3
    toy.clear()
    toy.fault("delay", seconds=1)
    toy.invoke(["append", "slow", "2"])
    assert texts(toy, "slow") == ["1"], "timed out"
    toy.until(lambda: texts(toy, "slow") == ["1", "2"], "the late effect")


def test_faults_choose_by_service_operation_and_route(toy):
    toy.fault("throttle", services=["dynamodb"], operations=["GetItem"], routes=["named"], times=0)
    with toy.open() as client:
        for more in ({}, {"action": "named"}):
            toy.tell(client, ["append", "chosen", "x"], ["read", "chosen", True], **more)
            toy.rest()
    assert [status for _, status in toy.results()] == [200, 200, 200, 400]


def test_faults_count_within_each_invocation(toy):
    toy.fault("throttle", at=2, per_invocation=True)
    for _ in range(2):
        toy.invoke(*(["append", "within", str(count)] for count in range(3)))
    assert [status for _, status in toy.results()] == [200, 400, 200] * 2


def test_a_share_of_the_calls_goes_wrong_as_the_seed_has_it(toy):
    number = toy.fault("throttle", times=0, ratio=0.4)
    toy.invoke(*(["append", "share", str(count)] for count in range(12)))
    expected = [400 if Chance(1).of("fault", number, count).random() < 0.4 else 200
                for count in range(1, 13)]
    assert [status for _, status in toy.results()] == expected
    assert len(set(expected)) == 2


def test_a_function_can_be_killed_before_and_after_its_answer(toy):
    with toy.open() as client:
        toy.fault("kill", services=["runtime"])
        toy.tell(client, ["append", "answer", "1"])
        assert "Internal server error" in client.receive_text()
        toy.clear()
        toy.fault("kill", when="after", services=["runtime"])
        toy.tell(client, ["append", "answer", "2"], after=[["log", "never"]])
        toy.until(lambda: any(call["fault"] for call in toy.journal()), "the fault")
        toy.rest()
        toy.tell(client, ["append", "answer", "3"])
        toy.rest()
        assert not client.waiting(), "the second was answered"
    assert texts(toy, "answer") == ["1", "2", "3"] and toy.said() == []


def test_every_step_of_an_invocation_can_be_the_last(toy):
    """How a test goes through them: until the fault finds nothing more to do."""
    steps = [["append", "every", "a"], ["read", "every", True], ["append", "every", "b"]]
    came = []
    for at in range(1, 10):
        toy.clear()
        number = toy.fault("kill", at=at, services=["dynamodb", "runtime"])
        toy.invoke(*steps)
        if not toy.faults()[number]["fired"]:
            break
        came.append([call["operation"] for call in toy.journal()][-1])
    assert came == ["UpdateItem", "GetItem", "UpdateItem", "response"]
    assert texts(toy, "every") == ["a", "a", "a", "b", "a", "b"]


def test_the_journal_tells_every_call(toy):
    with toy.open(["append", "j", "x"]) as client:
        toy.tell(client, ["read", "j", True], ["read", "j", False], ["transact", "t", "k", "x"],
                 ["post", "x"], ["queue", 0, {}])
        toy.rest()
        calls = toy.journal()
        id = toy.connections()[-1]["id"]
    assert [(call["route"], call["service"], call["operation"], call["target"], call["status"],
             call["consistent"]) for call in calls if call["service"] != "runtime"] == [
        ("$connect", "dynamodb", "UpdateItem", "j/-", 200, None),
        ("$default", "dynamodb", "GetItem", "j/-", 200, True),
        ("$default", "dynamodb", "GetItem", "j/-", 200, False),
        ("$default", "dynamodb", "TransactWriteItems", "k/-", 200, None),
        ("$default", "connections", "POST", id, 200, None),
        ("$default", "queue", "SendMessage", "timers", 200, None)]
    assert [call["number"] for call in calls] == sorted(call["number"] for call in calls)
    assert toy.journal(since=calls[2]["number"])[0] == calls[3]
    figures = toy.figures()
    assert figures["metered messages in"] >= figures["messages in"] > 0


@pytest.mark.parametrize("name, values", [
    ("fault", {"action": "explode"}), ("fault", {"action": "throttle", "when": "after"}),
    ("fault", {"action": "kill", "services": ["s3"]}), ("fault", {"action": "kill", "if": 1}),
    ("settings", {"environment": 1}), ("settings", {"environments": "1"}),
    ("settings", {"when_full": "maybe"}), ("settings", {"seed": 2}), ("clock", {"back": 1})])
def test_what_a_test_asks_wrongly_is_refused(toy, name, values):
    with pytest.raises(AssertionError, match="error"):
        toy._ask(name, **values)
