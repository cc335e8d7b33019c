"""The template's distribution: its edge step, and where its paths lead."""

import json

import pytest

from support import aws
from support.usher import CHECKOUT
from test_deploy_aws import CASES, check, cloudfront_event, cloudfront_outcome, node

EDGE_STEP = CHECKOUT / "deploy" / "aws" / "viewer-request.cloudfront.js"


def edge_code():
    return aws.resource("AWS::CloudFront::Function")["FunctionConfig"], aws.resource(
        "AWS::CloudFront::Function")["FunctionCode"]


def test_the_distributions_step_is_the_one_of_the_repository():
    code = edge_code()[1]
    own = EDGE_STEP.read_text().replace("function handler(event)", "function step(event)")
    assert code.startswith(own)
    assert len(code) <= 10 * 1024


def test_the_distributions_step_does_what_the_cases_say():
    results = ask_edge(*map(cloudfront_event, CASES))
    for case, result in zip(CASES, results, strict=True):
        check(case, cloudfront_outcome(result))


def test_at_the_edge_all_goes_to_the_stage_but_what_is_the_auth_halfs():
    paths = ["/", "/signal", "/signal/check", "/live", "/session/token", "/ice-servers"]
    events = [{"request": {"uri": path, "headers": {}, "cookies": {}}} for path in paths]
    assert [result["uri"] for result in ask_edge(*events)] == [
        "/live", "/live", "/live", "/live", "/session/token", "/ice-servers"]


def ask_edge(*events):
    code = json.dumps(edge_code()[1])
    return node(
        "import { readFileSync } from 'node:fs';"
        "const all = JSON.parse(readFileSync(0, 'utf8'));"
        f"const handler = new Function({code} + '; return handler;')();"
        "console.log(JSON.stringify(all.map((event) => handler(event))));", *events)


def test_the_distribution_passes_on_all_but_the_host_and_keeps_nothing():
    behaviours = [default_behaviour(pages=False), *paths().values()]
    for one in behaviours:
        # Managed-CachingDisabled, Managed-AllViewerExceptHostHeader.
        assert one["CachePolicyId"] == "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"
        assert one["OriginRequestPolicyId"] == "b689b0a8-53d0-40ab-baf2-68738e2966ac"
        assert one["ViewerProtocolPolicy"] == "https-only"
    stepped = {one.get("PathPattern") for one in behaviours if "FunctionAssociations" in one}
    assert stepped == {None, "/signal", "/session/token", "/ice-servers"}


def distribution():
    return aws.resource("AWS::CloudFront::Distribution")["DistributionConfig"]


def default_behaviour(pages):
    condition, *ways = distribution()["DefaultCacheBehavior"]["Fn::If"]
    assert condition == "HasPageHost"
    return ways[0 if pages else 1]


def paths():
    """Behaviours of their own, where the auth half is beside the relay."""
    condition, listed, otherwise = distribution()["CacheBehaviors"]["Fn::If"]
    assert condition == "HasAuthHost" and otherwise == {"Ref": "AWS::NoValue"}
    return {one["PathPattern"]: one for one in listed}


def test_each_path_at_the_edge_leads_where_it_is_served():
    assert {path: one["TargetOriginId"] for path, one in paths().items()} == {
        "/signal": "relay", "/session/token": "auth", "/ice-servers": "auth", "/session": "auth",
        "/oauth2/*": "auth", "/.well-known/*": "auth"}
    assert default_behaviour(pages=False)["TargetOriginId"] == "relay"
    assert default_behaviour(pages=True)["TargetOriginId"] == "pages"
    origins = {}
    for one in distribution()["Origins"]:
        condition, there, _ = one.get("Fn::If", ("always", one, None))
        origins[there["Id"]] = (condition, there["DomainName"])
        assert there["CustomOriginConfig"]["OriginProtocolPolicy"] == "https-only"
    assert origins == {
        "relay": ("always", {"Fn::Sub": "${Api}.execute-api.${AWS::Region}.${AWS::URLSuffix}"}),
        "auth": ("HasAuthHost", {"Ref": "AuthHost"}), "pages": ("HasPageHost", {"Ref": "PageHost"})}


def test_the_host_of_pages_gets_neither_cookie_nor_token():
    # With no origin request policy, what the cache's policy names goes on, and this one names
    # nothing (Managed-CachingDisabled).
    assert default_behaviour(pages=True) == {
        "TargetOriginId": "pages", "ViewerProtocolPolicy": "redirect-to-https",
        "CachePolicyId": "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"}


@pytest.mark.parametrize(("one", "other", "holds"), [
    ("AuthHost", "CloudFront", {"Fn::Equals": [{"Ref": "CloudFront"}, "yes"]}),
    ("PageHost", "AuthHost", {"Fn::Not": [{"Fn::Equals": [{"Ref": "AuthHost"}, ""]}]})])
def test_what_is_at_the_edge_needs_what_it_stands_beside(one, other, holds):
    rule = aws.template()["Rules"][f"{one}Needs{other}"]
    assert rule["RuleCondition"] == {"Fn::Not": [{"Fn::Equals": [{"Ref": one}, ""]}]}
    assert [check["Assert"] for check in rule["Assertions"]] == [holds]


def test_the_address_that_is_told_is_the_sockets():
    """At the edge a path of its own, beside which WebRtcClient finds the rest."""
    value = aws.template()["Outputs"]["SignallingServer"]["Value"]
    told = {}
    while "Fn::If" in value:
        condition, told[condition], value = value["Fn::If"]
    assert told["HasNameAtApi"] == {"Fn::Sub": "wss://${DomainName}"}
    assert told["HasNameAtEdge"] == {"Fn::Sub": "wss://${DomainName}/signal"}
    assert told["HasEdge"] == {"Fn::Sub": "wss://${Edge.DomainName}/signal"}
    assert list(told) == ["HasNameAtApi", "HasNameAtEdge", "HasEdge", "HasEndpoint"]
