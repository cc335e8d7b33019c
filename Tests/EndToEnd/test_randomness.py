"""What a test does by chance can be done again: CONTRIBUTING.md, "The rules of the house"."""

import ast
import os
import subprocess
import sys

import pytest

from support import chance
from support.usher import CHECKOUT

FOLDERS = ("Tests", "Benchmarks", "scripts")
# What may be used of these modules. Names and keys come from `secrets`: they only have to be new.
SEEDED = {"random": {"Random"}, "secrets": {"token_urlsafe", "token_hex", "token_bytes"}}


def unseeded(source):
    """Lines that take chance from elsewhere than a seed."""
    nodes = list(ast.walk(ast.parse(source)))
    imported = {one.name for node in nodes if isinstance(node, ast.Import) for one in node.names}
    for node in nodes:
        match node:
            case ast.ImportFrom(module="random" | "secrets"):
                yield node.lineno
            case ast.Attribute(value=ast.Name(id=module), attr=name) if module in imported:
                if f"{module}.{name}" == "os.urandom" or name not in SEEDED.get(module, {name}):
                    yield node.lineno
            case ast.Call(func=ast.Attribute(value=ast.Name(id="random"), attr="Random"), args=[]):
                yield node.lineno


def test_chance_comes_from_a_seed():
    files = [path for folder in FOLDERS for path in sorted((CHECKOUT / folder).rglob("*.py"))]
    assert len(files) > 100
    # Where the seed itself comes from, if nobody gives one.
    (source,) = [path for path in files if path.name == "chance.py"]
    found = [f"{path}:{line}" for path in files if path != source
             for line in unseeded(path.read_text())]
    assert not found, "use support.chance"


@pytest.mark.parametrize("source", [
    "import random\nrandom.choice([1])", "import random\nrandom.shuffle(x)",
    "import random\nx = random.Random()", "from random import choice",
    "import random\nx = random.SystemRandom()", "import os\nos.urandom(4)",
    "import random\ndraw = random.random", "import secrets\nsecrets.choice([1])",
    "from secrets import randbelow"])
def test_the_rule_sees_what_it_is_for(source):
    assert list(unseeded(source))


@pytest.mark.parametrize("source", [
    "import random\nx = random.Random(3).random()", "import secrets\nsecrets.token_urlsafe(9)",
    "random = world.random()\nrandom.choice([1])", "chance.of('x').choice([1])"])
def test_the_rule_lets_pass_what_comes_from_a_seed_or_only_has_to_be_new(source):
    assert not list(unseeded(source))


def test_the_same_seed_does_the_same_again_in_another_process():
    def drawn(seed):
        script = "from support import chance; print(chance.of('a', 1).random(), chance.SEED)"
        return subprocess.check_output(
            [sys.executable, "-c", script], cwd=CHECKOUT / "Tests" / "EndToEnd", text=True,
            env={**os.environ, "USHER_TEST_SEED": seed}).split()

    assert drawn("7") == drawn("7")
    assert drawn("7")[0] != drawn("8")[0]
    assert drawn(chance.SEED) == [str(chance.of("a", 1).random()), chance.SEED]
