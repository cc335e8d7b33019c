"""How scripts/test counts its parts."""

import re
import subprocess

import pytest

from support.usher import CHECKOUT

SCRIPT = (CHECKOUT / "scripts" / "test").read_text()
WHOLE = re.DOTALL | re.MULTILINE
(COUNTING,) = re.findall(r"^results=.*?^trap leave EXIT$", SCRIPT, WHOLE)
POSSIBLY = "part_if_possible"


(VERDICT,) = re.findall(r"^! grep .*$", SCRIPT, re.MULTILINE)


def play(*lines, deep="1"):
    """These lines, where the script would say what its parts are."""
    lines = [f"source {CHECKOUT}/scripts/lib.sh", f"deep={deep}", COUNTING, *lines,
             'cat "$results"', VERDICT]
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-c", "\n".join(lines)], capture_output=True, text=True,
        timeout=60, check=False)


def run(*parts, deep="1"):
    """Each is its name, its command, and what runs it, if not `part`."""
    ended = play(*(f"{' '.join(how) or 'part'} {name} {command}"
                   for name, command, *how in parts), deep=deep)
    return ended.returncode, results(ended)


def results(ended):
    return [line.split()[::2] for line in ended.stdout.splitlines()]


def test_a_part_that_was_skipped_is_neither_passed_nor_failed():
    assert run(("one", "true"), ("two", "exit 75", POSSIBLY), ("three", "true")) == (
        0, [["passed", "one"], ["SKIPPED", "two"], ["passed", "three"]])


def test_a_part_that_may_not_be_skipped_has_failed_whatever_its_status():
    assert run(("one", "true", POSSIBLY), ("two", "exit 75"), ("three", "exit 1", POSSIBLY)) == (
        1, [["passed", "one"], ["FAILED", "two"], ["FAILED", "three"]])


def test_the_suite_of_websockets_and_the_stack_alone_may_be_skipped():
    assert re.findall(r'^ +part_if_possible ".*" (\S+)$', SCRIPT, re.MULTILINE) == [
        "scripts/autobahn", "check_stack"]


def test_a_part_that_failed_fails_the_run_whatever_comes_after():
    assert run(("one", "false"), ("two", "exit 75", POSSIBLY), ("three", "true")) == (
        1, [["FAILED", "one"], ["SKIPPED", "two"], ["passed", "three"]])


@pytest.mark.parametrize("status", [1, 74, 75, 76])
def test_without_the_long_run_a_failure_ends_it(status):
    assert run(("one", f"exit {status}"), ("two", "true"), deep="") == (status, [])


OTHERS = "others() { part one say 1; part two %s; part three say 3; }"


@pytest.mark.parametrize("last, status", [("say 2", 0), ("false", 1)])
def test_parts_beside_others_count_as_any_and_are_shown_in_one_piece(last, status):
    ended = play(OTHERS % f"eval 'sleep 0.2; {last}'", "beside others", "part four say 4",
                 "part five say 5", "meet", "part six say 6")
    assert ended.returncode == status
    assert sorted(results(ended)) == sorted(
        [["FAILED" if status and name == "two" else "passed", name]
         for name in ("one", "two", "three", "four", "five", "six")])
    shown = re.findall(r"^== (\w+)", ended.stderr, re.MULTILINE)
    assert shown == ["four", "five", "one", "two", "three", "six"]


def test_without_the_long_run_a_failure_beside_others_ends_it_when_they_are_done():
    ended = play(OTHERS % "exit 74", "beside others", "part four say 4", "meet",
                 "part five say 5", deep="")
    assert ended.returncode == 74
    assert re.findall(r"^== (\w+)", ended.stderr, re.MULTILINE) == ["four", "one", "two"]


def test_without_the_long_run_a_failure_ends_what_runs_beside_it():
    ended = play(OTHERS % "sleep 600", "beside others", "sleep 0.3", "part four false", "meet",
                 deep="")
    assert ended.returncode == 1
    assert re.findall(r"^== (\w+)", ended.stderr, re.MULTILINE) == ["four", "one", "two"]


def test_the_suite_of_websockets_is_skipped_without_its_python():
    text = (CHECKOUT / "scripts" / "autobahn").read_text()
    assert re.search(r'say "SKIPPED: [^"]*" .{0,80}\n    exit "\$skipped"', text, re.DOTALL)


def test_the_stack_is_skipped_where_its_emulator_cannot_be_had():
    (body,) = re.findall(r"^check_stack\(\) \{\n(.*?)^\}$", SCRIPT, WHOLE)
    assert re.search(r"bin/pip.*?; then\n +say \"SKIPPED: .*?return \"\$skipped\"", body, re.DOTALL)
