"""Holds Usher against floors in C and against peers: alternating rounds, and ratios of CPU time.

The servers share one processor and the load has another, so that CPU time per operation (user and
system, of all the server's threads) is steady even where rates are not. Compare within a run only.
"""

import argparse
import os
import sys
from pathlib import Path

import clusters
import edge
import fleet_costs
import fleets
import functions
import registries
import relays
import tls
import token_endpoints

PARTS = {
    "relay": "a message, a connection, an idle connection",
    "latency": "of a message at a steady rate",
    "rooms": "a message where rooms are few and many",
    "loops": "a message on one processor and on two",
    "tokens": "a token",
    "registry": "a token and a change where the registry is in PostgreSQL",
    "cluster": "a message between two nodes",
    "fleet": "what two nodes carry beside one, and three; two beside Node with ws on Redis",
    "model": "what a fleet's parts cost, and whether the model of a fleet foretells the rest",
    "edge": "a request whose session cookie is verified",
    "tls": "a message and a connection over wss",
    "lambda": "a cold start of the function",
    "idle": "memory of as many connections as there may be",
    "million": "memory over a million tokens",
}
LONG = ("idle", "million")


def parse_arguments():
    parser = argparse.ArgumentParser(prog="Benchmarks/run", description=__doc__)
    parser.add_argument("--usher", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--tools", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--package", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--python", default=sys.executable, help=argparse.SUPPRESS)
    parser.add_argument(
        "--before", type=Path, metavar="BINARY",
        help="an usher built for release from an earlier commit, for relay, fleet, tokens and "
        "edge: its figures stand beside the others, in the same run")
    parser.add_argument("--long", action="store_true", help="more and longer rounds (25 minutes)")
    parser.add_argument("--rounds", type=int, metavar="N", help="3 unless given; with --long 7")
    parser.add_argument(
        "--seconds", type=float, metavar="S", help="of each run: 2 unless given; with --long 8")
    parser.add_argument(
        "--only", choices=PARTS, action="append", metavar="PART",
        help="one of these; may be repeated: "
        + "; ".join(f"{part}: {what}" for part, what in PARTS.items())
        + f". By default all but {' and '.join(LONG)}; with --long all.")
    return parser.parse_args()


def main():
    arguments = parse_arguments()
    if os.cpu_count() < 2:
        sys.exit("Two processors are needed: one for the server and one for the load.")
    usher, tools, before = arguments.usher, arguments.tools, arguments.before
    rounds = arguments.rounds or (7 if arguments.long else 3)
    seconds = arguments.seconds or (8 if arguments.long else 2)
    parts = arguments.only or [part for part in PARTS if arguments.long or part not in LONG]
    if "relay" in parts:
        relays.compare(usher, tools, rounds, seconds, before)
    if "latency" in parts:
        relays.compare_latency(usher, tools, rounds, seconds)
    if "rooms" in parts:
        relays.compare_rooms(usher, tools, rounds, seconds)
    if "loops" in parts:
        relays.compare_loops(usher, tools, rounds, seconds)
    if "cluster" in parts:
        clusters.compare(usher, tools, arguments.python, rounds, seconds)
    if "fleet" in parts:
        fleets.compare(usher, tools, arguments.python, rounds, seconds, before)
    is_foretold = "model" not in parts or fleet_costs.compare(
        usher, tools, arguments.python, rounds, seconds)
    if "edge" in parts:
        edge.compare(usher, tools, rounds, seconds, before)
    if "tls" in parts:
        tls.compare(usher, rounds)
    if "lambda" in parts:
        functions.compare(usher, arguments.package, arguments.python, 5 * rounds)
    if "idle" in parts:
        relays.hold_many(usher, tools, seconds)
    if "tokens" in parts:
        token_endpoints.compare(usher, tools, rounds + 2, seconds, before)
    if "registry" in parts:
        registries.compare(usher, tools, rounds, seconds)
    if "million" in parts:
        token_endpoints.watch_memory(usher, tools)
    if not is_foretold:
        sys.exit("The model of a fleet does not foretell what was measured.")


if __name__ == "__main__":
    main()
