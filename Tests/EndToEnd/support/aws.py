"""deploy/aws/template.yaml as the tests read it."""

import json
import subprocess
import sys

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


def lint(*flags):
    command = "import sys; from cfnlint.runner import main; sys.exit(main())"
    ended = subprocess.run(
        [sys.executable, "-c", command, *flags, "--", TEMPLATE], capture_output=True, text=True,
        timeout=300, check=False)
    return ended.returncode, ended.stdout + ended.stderr
