"""The text form of Prometheus 0.0.4, read strictly."""

import re
from dataclasses import dataclass, field

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
LABEL = r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"'
SAMPLE = re.compile(rf"({NAME})(?:\{{((?:{LABEL}(?:,|(?=\}})))*)\}})? (-?[0-9.e+-]+|\+Inf|NaN)")


@dataclass
class Family:
    kind: str
    help: str
    samples: dict = field(default_factory=dict)

    def value(self, **labels):
        """The sample with exactly these labels; 0 where there is none."""
        return self.samples.get(tuple(sorted(labels.items())), 0)

    def total(self):
        return sum(self.samples.values())


def parse(text):
    """Families by name. A histogram's samples are families named with their suffixes."""
    assert text.endswith("\n")
    families, current = {}, None
    for line in text.splitlines():
        if match := re.fullmatch(rf"# HELP ({NAME}) (.+)", line):
            current = match[1]
            assert current not in families, f"{current} is described twice"
            families[current] = Family("", match[2])
        elif match := re.fullmatch(rf"# TYPE ({NAME}) (counter|gauge|histogram)", line):
            assert match[1] == current and not families[current].kind
            families[current].kind = match[2]
        else:
            match = SAMPLE.fullmatch(line)
            assert match, f"no line of the text form: {line}"
            name, labels, value = match[1], match[2] or "", match[5]
            assert name == current or (
                families[current].kind == "histogram" and name.startswith(current + "_")), line
            family = families.setdefault(name, Family("sample", ""))
            key = tuple(sorted(re.findall(LABEL, labels)))
            assert key not in family.samples, f"twice: {line}"
            family.samples[key] = float(value)
    return families
