"""docs/protocol.md and docs/schemas tell the same story."""

import json
import re

import jsonschema
import pytest

from support import schemas
from support.documents import blocks
from support.usher import CHECKOUT

DOCUMENT = (CHECKOUT / "docs" / "protocol.md").read_text()
EXAMPLE = re.compile(r"<!-- example: (\S+) -->\n```json\n(.*?)```", re.DOTALL)
EXAMPLES = EXAMPLE.findall(DOCUMENT)


@pytest.mark.parametrize("name", schemas.names())
def test_every_schema_is_one_of_its_draft_and_closed(name):
    schema = schemas.schema(name)
    assert schema["$schema"] == jsonschema.Draft202012Validator.META_SCHEMA["$id"]
    assert schema["title"]
    schemas.validator(name)
    assert schema["additionalProperties"] is False
    assert set(schema["required"]) <= set(schema["properties"])


@pytest.mark.parametrize(("name", "text"), EXAMPLES, ids=[name for name, _ in EXAMPLES])
def test_every_example_keeps_to_its_schema(name, text):
    schemas.validate(name, json.loads(text))


def test_every_json_block_is_such_an_example():
    in_json = [block for block in blocks("protocol.md", DOCUMENT) if block.language == "json"]
    assert len(in_json) == len(EXAMPLES)


def test_the_document_shows_and_links_exactly_the_messages_that_have_schemas():
    assert sorted({name for name, _ in EXAMPLES}) == schemas.names()
    links = re.findall(r"\]\(schemas/(\S+?)\.json\)", DOCUMENT)
    assert sorted(links) == schemas.names()


@pytest.mark.parametrize("dialect", ["classic", "v1"])
def test_no_payload_may_bear_the_name_of_an_event_of_either_dialect(dialect):
    reserved = schemas.events("classic") | schemas.events("v1")
    for name in (f"{dialect}/client/send-payload", "v1/client/broadcast"):
        payload = schemas.schema(name)["properties"]["payload"]["properties"]
        assert set(payload["type"]["not"]["enum"]) == reserved
    assert set(schemas.schema(f"{dialect}/server/payload")
               ["properties"]["type"]["not"]["enum"]) == reserved


def test_v1_understands_all_that_classic_does():
    classic = {name.partition("/")[2] for name in schemas.names() if name.startswith("classic/")}
    assert classic < {name.partition("/")[2] for name in schemas.names()
                      if name.startswith("v1/")}


def test_the_error_codes_are_those_of_the_document():
    codes = schemas.schema("v1/server/error")["properties"]["data"]["properties"]["code"]["enum"]
    table = DOCUMENT[DOCUMENT.index("### Refused messages"):DOCUMENT.index("### Closes")]
    named = re.findall(r"^\| (`.*?`) \|", table, re.MULTILINE)
    assert sorted(code.strip("` ") for row in named for code in row.split(",")) == sorted(codes)
