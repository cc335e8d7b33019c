"""What goes wrong and when, and a journal of every call that the function makes."""

import collections
import itertools
from dataclasses import asdict, dataclass, field

SERVICES = ("dynamodb", "connections", "queue", "lambda")
WRITES = ("PutItem", "UpdateItem", "DeleteItem", "TransactWriteItems")
ACTIONS = ("kill", "lose", "delay", "throttle", "conflict", "answer")


@dataclass
class Rule:
    """Which of the function's calls go wrong, and how. A call matches where all that is given
    does; the `at`-th that matches is the first that goes wrong, and `times` in all do (0: all).

    kill      the environment's process is killed
    lose      the connection breaks instead of an answer: the outcome is unknown
    delay     it takes `seconds` longer
    throttle  refused as that service does under load
    conflict  a write to the table meets a transaction under way; nothing else conflicts
    answer    answered with `status` and the error `type`

    `when`: `before` the call is carried out, or `after` it was (kill, lose and delay only).
    """

    action: str
    when: str = "before"
    # Of SERVICES, and `runtime` (the answer of an invocation) only where it is named.
    services: list = field(default_factory=lambda: list(SERVICES))
    operations: list = None  # such as UpdateItem, POST, SendMessage, Invoke, response
    routes: list = None  # of the invocation: $connect, a route's name, sqs, event, invoke
    at: int = 1
    times: int = 1
    ratio: float = 1.0  # the share of those that goes wrong, drawn from the seed
    per_invocation: bool = False  # counts within each invocation for itself
    seconds: float = 0.0
    status: int = 500
    type: str = "InternalServerError"
    number: int = 0
    matched: int = 0
    fired: int = 0

    def __post_init__(self):
        if self.action not in ACTIONS or self.when not in ("before", "after"):
            raise ValueError(f"no such fault: {self.action} {self.when}")
        if self.when == "after" and self.action in ("throttle", "conflict", "answer"):
            raise ValueError(f"{self.action} is instead of the call, not after it")
        if unknown := set(self.services) - {*SERVICES, "runtime"}:
            raise ValueError(f"no such services: {unknown}")
        self._by_invocation = collections.Counter()

    def applies(self, call, chance):
        """Counts this call; says whether it goes wrong."""
        if (call.service not in self.services
                or self.action == "conflict" and call.operation not in WRITES
                or self.operations is not None and call.operation not in self.operations
                or self.routes is not None and call.route not in self.routes):
            return False
        self.matched += 1
        self._by_invocation[call.invocation] += 1
        count = self._by_invocation[call.invocation] if self.per_invocation else self.matched
        is_due = count >= self.at and (
            self.times == 0
            or (count < self.at + self.times if self.per_invocation else self.fired < self.times))
        if is_due and self.ratio < 1:
            is_due = chance.of("fault", self.number, self.matched).random() < self.ratio
        self.fired += is_due
        return is_due


@dataclass
class Call:
    """One call of the function to the world outside."""

    service: str
    operation: str
    target: str = ""  # the keys of the items, a line each; the connection, the queue
    environment: int = 0
    invocation: str = ""
    route: str = ""
    step: int = 0  # which of the invocation's calls it is, from 1
    number: int = 0
    status: int = None  # None: never answered
    fault: str = None
    consistent: bool = None  # of reads of the table
    actions: list = None  # what a role must allow for it, as IAM names it


class Faults:
    def __init__(self, chance):
        self.chance = chance
        self.rules = []
        self.journal = collections.deque(maxlen=100_000)
        self._rule_numbers = itertools.count(1)
        self._call_numbers = itertools.count(1)

    def add(self, values):
        try:
            rule = Rule(**values)
        except TypeError as error:
            raise ValueError(str(error)) from None
        rule.number = next(self._rule_numbers)
        self.rules.append(rule)
        return rule.number

    def meet(self, call):
        """Notes the call; returns the rules by which it goes wrong."""
        call.number = next(self._call_numbers)
        self.journal.append(call)
        # Every rule counts every call, whatever the others say.
        return [rule for rule in self.rules if rule.applies(call, self.chance)]

    def described(self):
        return [asdict(rule) for rule in self.rules]

    def calls(self, since):
        return [asdict(call) for call in self.journal if call.number > since]
