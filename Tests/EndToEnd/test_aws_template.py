"""The template for AWS: its form, and that it fits the function."""

import json
import re

import pytest

from support import aws
from support.serverless import Home
from support.usher import CHECKOUT

SOURCES = CHECKOUT / "Sources"

# What the role allows though the function asks for none of it: Lambda does, in its name ("Using
# Lambda with Amazon SQS", "Lambda execution role permissions").
OF_LAMBDA = {
    "sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes",
    "logs:CreateLogStream", "logs:PutLogEvents"}

# What only an operator's commands ask of the table, with rights of their own.
OF_OPERATORS = {"Scan"}

# Variables that the template leaves alone, and why.
LEFT_OUT = {
    "USHER_CA": "authorities of one's own are for services of one's own",
    "USHER_EDGE_COOKIE": "the edge step of the template knows the default name alone",
    "USHER_MAX_MESSAGE_BYTES": "the gateway's frames limit it",
    "USHER_PING_INTERVAL_SECONDS": "follows from the gateway's ten minutes",
    "USHER_RESUME_BYTES": "an item of the table limits it",
    "USHER_RESUME_EVENTS": "goes with the bytes",
    "USHER_TURN_CREDENTIAL_SECONDS": "an hour suits most",
}


def test_cfn_lint_has_nothing_to_say():
    status, text = aws.lint("--regions", "eu-central-1", "us-east-1")
    assert (status, text.strip()) == (0, "")


# Rights.

def statements():
    (policy,) = aws.resources("AWS::IAM::Role")["Role"]["Properties"]["Policies"]
    for one in policy["PolicyDocument"]["Statement"]:
        assert one["Effect"] == "Allow"
        actions = one["Action"]
        yield [actions] if isinstance(actions, str) else actions, one["Resource"]


def allowed():
    return {action for actions, _ in statements() for action in actions}


@pytest.fixture(scope="module")
def asked(token_service):
    """What the function asked of AWS while peers did all that they can."""
    home = Home(token_service, {"USHER_QUERY_TOKEN": "one-use"}, function_seconds=20)
    try:
        live(home)
        home.rest(20)
        yield {action for call in home.journal() for action in call["actions"] or []}
    finally:
        home.stop()


def live(home):
    application, room = home.application(), home.room()
    with home.classic(application) as cem, home.v1(application) as ann:
        cem.join(room, id="cem")
        cem.expect("first_to_join")
        ann.join(room, id="ann", sdp={"hello": 1})
        bob = home.v1(application)
        bob.join(room, id="bob")
        ann.expect("someone_joined")
        offer = {"type": "offer", "offer": {}}
        bob.request({"action": "send-payload", "target": ann.connection, "payload": offer})
        bob.send(ann.connection, offer)
        bob.broadcast(room, offer)
        for _ in range(3):
            ann.expect("offer")
        bob.drop()
        home.rest(20)
        ann.broadcast(room, offer)
        again, _ = home.resumed(application, bob, seq=1)
        again.leave(room)
        again.finish()
        home.rest(20)
    assert home.status(application.token() + "x") == 401


def test_the_role_allows_what_the_function_does_and_nothing_more(asked):
    assert asked | OF_LAMBDA == allowed()


def test_the_role_allows_whatever_the_function_can_ask_of_the_table():
    text = (SOURCES / "Drivers/DynamoTables/TableRequest.swift").read_text()
    operations = set(re.findall(r'case \w+ = "(\w+)"', text)) - {"TransactWriteItems"}
    operations -= OF_OPERATORS
    kinds = set(re.findall(r'case \.\w+: "(\w+)"', text))
    assert kinds == {"Put", "Update", "Delete", "ConditionCheck"}
    can = {f"dynamodb:{name}" for name in operations | {kind + "Item" for kind in kinds}}
    assert {one for one in allowed() if one.startswith("dynamodb:")} == can


def test_each_right_is_for_one_resource_of_the_stack():
    assert [resource for _, resource in statements()] == [
        {"Fn::GetAtt": ["Table", "Arn"]},
        {"Fn::Sub": "arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:${Api}"
                    "/live/*/@connections/*"},
        {"Fn::GetAtt": ["Timers", "Arn"]},
        {"Fn::GetAtt": ["FunctionLogs", "Arn"]}]
    (invoke,) = aws.resources("AWS::Lambda::Permission").values()
    assert invoke["Properties"]["Principal"] == "apigateway.amazonaws.com"
    assert invoke["Properties"]["SourceArn"]["Fn::Sub"].endswith("${Api}/*")


# Rights of whoever deploys.

# Services as docs/serverless.md calls them, by the beginnings of their rights.
SERVICES = {
    "apigateway": "API Gateway", "cloudfront": "CloudFront", "cloudwatch": "CloudWatch",
    "dynamodb": "DynamoDB", "lambda": "Lambda", "logs": "CloudWatch Logs", "route53": "Route 53",
    "sqs": "SQS"}
# Of what the template does not use: keys, networks, exports and the like.
UNUSED = {"ec2", "elasticfilesystem", "firehose", "kinesis", "kms", "s3files"}
# What the script's commands ask for, where that is not their name.
ASKED_BY = {
    "s3 cp": ["PutObject"], "s3 rm": ["ListBucket", "DeleteObject"],
    "s3api head-bucket": ["ListBucket"], "s3api head-object": ["GetObject"],
    "s3api list-objects-v2": ["ListBucket"], "s3api put-public-access-block": [
        "PutBucketPublicAccessBlock"],
    "cloudformation deploy": [
        "DescribeStacks", "GetTemplateSummary", "CreateChangeSet", "DescribeChangeSet",
        "ExecuteChangeSet"],
    "cloudformation wait": ["DescribeStacks"]}


def documented_rights():
    """The actions, by the beginnings of the table's lines."""
    text = (CHECKOUT / "docs/serverless.md").read_text()
    table = text.partition("## Rights that a deployment takes")[2].partition("\n## ")[0]
    lines = re.findall(r"^\| (.+?) \| (.+?) \|$", table, re.MULTILINE)[1:]
    return {service: set(re.findall(r"`([\w:-]+)`", actions)) for service, actions in lines}


def of(service):
    (found,) = (rights for name, rights in documented_rights().items() if name.startswith(service))
    return found


def needed_by_resources():
    """What CloudFormation asks for in the name of whoever deploys, by its own schemas."""
    used = {one["Type"] for one in aws.template()["Resources"].values()}
    needed = aws.rights_of(used)
    assert set(needed) == used
    return set().union(*needed.values())


def test_whoever_deploys_is_told_the_rights_on_roles():
    needed = {right.removeprefix("iam:") for right in aws.rights_of({"AWS::IAM::Role"})[
        "AWS::IAM::Role"]}
    # Roles of the template have neither tags, a description nor a boundary.
    needed -= {"TagRole", "UntagRole", "UpdateRole", "UpdateRoleDescription",
               "PutRolePermissionsBoundary", "DeleteRolePermissionsBoundary"}
    assert of("IAM") == needed | {"PassRole"}


def test_whoever_deploys_is_told_each_service_of_the_template():
    (line,) = (service for service in documented_rights() if service.startswith("Lambda"))
    named = set(re.split(r", |; | and ", line.removesuffix(" where they are used")))
    services = {right.partition(":")[0] for right in needed_by_resources()} - UNUSED
    assert named == {SERVICES[one] for one in services - {"iam", "s3"}} | {"ACM"}


def test_whoever_deploys_is_told_what_the_script_asks_for():
    text = (CHECKOUT / "scripts" / "deploy-aws").read_text()
    text = re.sub(r"^ *#.*$", "", text.partition("\nHELP\n")[2], flags=re.MULTILINE)
    asked = set(re.findall(r"(?<![\w-])(s3api|s3|cloudformation) ([a-z][a-z0-9-]+)", text))
    rights = {"s3": set(), "cloudformation": set()}
    for service, command in asked:
        named = "".join(map(str.capitalize, command.split("-")))
        rights["cloudformation" if service == "cloudformation" else "s3"].update(
            ASKED_BY.get(f"{service} {command}", [named]))
    assert of("CloudFormation") == rights["cloudformation"]
    assert of("S3") == rights["s3"]


@pytest.mark.parametrize(("store", "right"), [
    ("secretsmanager", "secretsmanager:GetSecretValue"), ("ssm", "ssm:GetParameters")])
def test_whoever_deploys_is_told_the_right_that_a_reference_takes(store, right):
    assert f"resolve:{store}:" in aws.template()["Parameters"]["TurnSecret"]["Description"]
    assert right in of("secrets")


# Settings.

def known_variables():
    text = "".join(path.read_text() for path in (SOURCES / "Products/usher-lambda").glob("*.swift"))
    return set(re.findall(r'"(USHER_\w+)"', text))


def test_the_template_sets_every_variable_that_the_function_knows_or_says_why_not():
    variables = aws.resource("AWS::Lambda::Function")["Environment"]["Variables"]
    assert set(variables) | set(LEFT_OUT) == known_variables()
    assert not set(variables) & set(LEFT_OUT)


def test_every_variable_of_the_function_is_documented():
    table = (CHECKOUT / "docs/configuration.md").read_text().partition("## The function")[2]
    assert set(re.findall(r"`(USHER_\w+)`", table)) == known_variables()


def test_every_parameter_is_used_and_shown_in_a_group():
    whole = aws.template()
    groups = whole["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]
    shown = [name for group in groups for name in group["Parameters"]]
    assert sorted(shown) == sorted(whole["Parameters"])


def test_secrets_are_never_shown():
    parameters = aws.template()["Parameters"]
    hidden = {name for name, one in parameters.items() if one.get("NoEcho")}
    assert hidden == {"LegacySecrets", "TurnSecret"}
    assert all(parameters[name]["Default"] == "" for name in hidden)
    assert not hidden & set(re.findall(r"\w+", json.dumps(aws.template()["Outputs"])))


@pytest.mark.parametrize(("parameter", "least", "most"), [
    ("MaxMembers", 2, 96), ("MaxRooms", 1, 64), ("ResumeGraceSeconds", 0, 900)])
def test_a_limit_is_as_wide_as_the_functions(parameter, least, most):
    one = aws.template()["Parameters"][parameter]
    assert (one["MinValue"], one["MaxValue"]) == (least, most)


# The parts fit together.

def test_every_route_leads_to_the_function_which_knows_no_other():
    routes = aws.resources("AWS::ApiGatewayV2::Route")
    # By the event's type, which each of these has alone: the function looks at no route's name.
    assert sorted(one["Properties"]["RouteKey"] for one in routes.values()) == [
        "$connect", "$default", "$disconnect"]
    for one in routes.values():
        assert one["Properties"]["Target"] == {"Fn::Sub": "integrations/${Integration}"}
    text = (SOURCES / "Services/ServerlessRelay/FunctionEvent.swift").read_text()
    assert re.findall(r'case "([A-Z]+)":', text) == ["CONNECT", "MESSAGE", "DISCONNECT"]


def test_what_waits_waits_longer_than_what_works():
    function = aws.resource("AWS::Lambda::Function")
    queue = aws.resource("AWS::SQS::Queue")
    integration = aws.resource("AWS::ApiGatewayV2::Integration")
    timers = aws.resource("AWS::Lambda::EventSourceMapping")
    assert integration["TimeoutInMillis"] > 1000 * function["Timeout"]
    # "Using Lambda with Amazon SQS": six times the function's timeout.
    assert queue["VisibilityTimeout"] >= 6 * function["Timeout"]
    assert queue["MessageRetentionPeriod"] > 900
    # The function answers which timers failed: without this, all would count as done.
    assert timers["FunctionResponseTypes"] == ["ReportBatchItemFailures"]


def test_the_table_has_the_keys_that_the_function_writes_and_forgets_by_its_ttl():
    table = aws.resource("AWS::DynamoDB::Table")
    assert [(key["AttributeName"], key["KeyType"]) for key in table["KeySchema"]] == [
        ("pk", "HASH"), ("sk", "RANGE")]
    assert table["TimeToLiveSpecification"] == {"AttributeName": "ttl", "Enabled": True}
    assert table["BillingMode"] == "PAY_PER_REQUEST"


def test_no_log_can_hold_a_token_or_what_people_say():
    stage = aws.resource("AWS::ApiGatewayV2::Stage")
    assert stage["DefaultRouteSettings"]["DataTraceEnabled"] is False
    line = stage["AccessLogSettings"]["Fn::If"][1]["Format"]
    for field in re.findall(r"\$context\.([\w.]+)", line):
        assert field in {
            "requestId", "eventType", "routeKey", "status", "integrationErrorMessage",
            "identity.sourceIp"}, field
    assert "$input" not in line and "$request" not in line


def test_what_counts_as_a_failure_is_what_the_function_writes_so():
    pattern = aws.resource("AWS::Logs::MetricFilter")["FilterPattern"]
    ends = [name.replace("*", "") for name in re.findall(r'= "([*\w]+)"', pattern)]
    documented = (CHECKOUT / "docs/operating.md").read_text()
    table = documented.partition("## A relay that runs as a function")[2].partition("\n## ")[0]
    names = re.findall(r"`([a-z]+_[a-z_]+)`", table.partition("| event |")[2])
    failures = {name for name in names if name.endswith(tuple(ends))}
    assert failures == set(names) - {"event_unknown", "timer_unknown", "runtime_fault"}


# What an account or all its regions share.

def test_names_for_all_regions_hold_the_region_and_fit():
    step = aws.resource("AWS::CloudFront::Function")["Name"]["Fn::Sub"]
    board = aws.resource("AWS::CloudWatch::Dashboard")["DashboardName"]["Fn::Sub"]
    assert "${AWS::Region}" in step and "${AWS::Region}" in board
    longest = max(aws.regions(), key=len)
    text = (CHECKOUT / "scripts" / "deploy-aws").read_text()
    (limit,) = re.findall(r"stack =~ \^\[A-Za-z\]\[A-Za-z0-9-\]\{0,(\d+)\}\$", text)
    stack = "s" * (1 + int(limit))
    assert f"at most {len(stack)}" in text
    name = step.replace("${AWS::StackName}", stack).replace("${AWS::Region}", longest)
    # "Quotas on CloudFront Functions".
    assert len(name) == 64


def test_no_other_name_is_given():
    named = {one["Type"] for one in aws.template()["Resources"].values()
             if {"Name", one["Type"].rpartition("::")[2] + "Name"} & set(one["Properties"])}
    # APIs may share theirs, a stage's is its API's, and a record's is yours.
    assert named == {
        "AWS::ApiGatewayV2::Api", "AWS::ApiGatewayV2::Stage", "AWS::Route53::RecordSet",
        "AWS::CloudFront::Function", "AWS::CloudWatch::Dashboard"}


def test_the_role_that_is_the_accounts_outlives_the_stack():
    kept = {name for name, one in aws.template()["Resources"].items()
            if one.get("DeletionPolicy") == "Retain"}
    assert kept == {"AccessLogRole", "AccessLogAccount"}
    for name in kept:
        one = aws.template()["Resources"][name]
        assert one["UpdateReplacePolicy"] == "Retain"
        assert one["Condition"] == "SetsRoleOfAccount"
    # A log is had by either way, and waits for the role that is set.
    conditions = aws.template()["Conditions"]
    assert conditions["SetsRoleOfAccount"] == {"Fn::Equals": [{"Ref": "AccessLog"}, "yes"]}
    assert conditions["HasAccessLog"] == {"Fn::Not": [
        {"Fn::Equals": [{"Ref": "AccessLog"}, "no"]}]}
    stage = aws.resource("AWS::ApiGatewayV2::Stage")
    assert stage["AccessLogSettings"]["Fn::If"][0] == "HasAccessLog"
    assert stage["Description"]["Fn::If"][0] == "SetsRoleOfAccount"
    assert "${AccessLogAccount}" in stage["Description"]["Fn::If"][1]["Fn::Sub"]
