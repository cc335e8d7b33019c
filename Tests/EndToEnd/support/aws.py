"""deploy/aws/template.yaml as the tests read it."""

import json
import subprocess
import sys
from pathlib import Path

from .usher import CHECKOUT

TEMPLATE = CHECKOUT / "deploy" / "aws" / "template.yaml"


def template():
    """As plain values; what CloudFormation computes is `{"Ref": …}`, `{"Fn::Sub": …}` and so on."""
    from cfnlint.decode import decode

    found, faults = decode(str(TEMPLATE))
    assert not faults, faults
    return json.loads(json.dumps(found))


def resources(kind):
    """Those of this type, by their names."""
    return {name: one for name, one in template()["Resources"].items() if one["Type"] == kind}


def resource(kind):
    (one,) = resources(kind).values()
    return one["Properties"]


def rights_of(kinds):
    """What CloudFormation asks for to make, read, change and delete resources of these types, as
    their schemas say, which cfn-lint bears."""
    import cfnlint

    found = {}
    for path in (Path(cfnlint.__file__).parent / "data/schemas/resources").glob("*.json"):
        schema = json.loads(path.read_text())
        if schema.get("typeName") in kinds:
            handlers = schema.get("handlers", {})
            found.setdefault(schema["typeName"], set()).update(
                right for step in ("create", "read", "update", "delete")
                for right in handlers.get(step, {}).get("permissions", []))
    return found


def regions():
    """All that have functions."""
    from botocore.session import Session

    session = Session()
    return {region for partition in session.get_available_partitions()
            for region in session.get_available_regions("lambda", partition)}


def lint(*flags):
    command = "import sys; from cfnlint.runner import main; sys.exit(main())"
    ended = subprocess.run(
        [sys.executable, "-c", command, *flags, "--", TEMPLATE], capture_output=True, text=True,
        timeout=300, check=False)
    return ended.returncode, ended.stdout + ended.stderr
