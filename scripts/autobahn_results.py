"""Judges the report of an Autobahn run: how many cases ran, and that none of them failed."""

import collections
import json
import sys

# Groups 12 and 13 are compression, which is never agreed on.
NOT_OFFERED = ("12.", "13.")
NOT_OFFERED_COUNT = 216
APPLICABLE_COUNT = 301
# Observations, by the suite's own words: neither right nor wrong.
INFORMATIONAL = {"7.1.6", "7.13.1", "7.13.2"}


def faults(results, is_whole):
    """What is wrong, a line each."""
    applicable = {name: result for name, result in results.items()
                  if not name.startswith(NOT_OFFERED)}
    for name, result in sorted(applicable.items()):
        allowed = {"OK", "INFORMATIONAL"} if name in INFORMATIONAL else {"OK"}
        for part in ("behavior", "behaviorClose"):
            if result[part] not in allowed:
                yield f"case {name}: {part} is {result[part]}"
    for name, result in sorted(results.items()):
        if name.startswith(NOT_OFFERED) and result["behavior"] != "UNIMPLEMENTED":
            yield f"case {name}: compression was agreed on"
    if not applicable:
        yield "no case ran"
    elif is_whole and len(applicable) != APPLICABLE_COUNT:
        yield f"{len(applicable)} cases ran, not {APPLICABLE_COUNT}"
    if is_whole and len(results) - len(applicable) != NOT_OFFERED_COUNT:
        yield f"{len(results) - len(applicable)} cases of compression, not {NOT_OFFERED_COUNT}"


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        agents = json.load(file)
    (results,) = agents.values()
    counts = collections.Counter(result["behavior"] for result in results.values())
    print(", ".join(f"{count} {behavior}" for behavior, count in sorted(counts.items())))
    wrong = list(faults(results, is_whole="--some" not in sys.argv[2:]))
    print(*wrong, sep="\n", end="\n" if wrong else "")
    sys.exit(1 if wrong else 0)


main()
