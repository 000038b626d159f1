"""A rule file at the documented limits passes its trial within the trial's own limits."""

from __future__ import annotations

import pytest

from service.decide.positions import MAX_BYTES
from service.rulesets import gate

FACTS = """ruleset: big
description: As large as a file may be
facts:
  driver.age: {type: integer, min: 0, max: 1000000}
  car.style: {type: text}
  policy.premium: {type: decimal, scale: 2, min: 0}
"""


def rules(number: int, why: str = "") -> str:
    """So many rules, in YAML."""
    return f"{FACTS}rules:\n" + "".join(
        f"  - name: R{n}\n    when: driver.age between {3 * n} and {3 * n + 2} and car.style == 'S{n % 50}'\n"
        f"    then: [{{increase: policy.premium, by: 20%}}, {{reject: 'no {{{{ car.style }}}} {n}'}}]\n"
        f"    why: because {why}\n"
        for n in range(number)
    )


def rows(number: int, why: str = "") -> str:
    """So many rows of a decision table."""
    return (
        f"{FACTS}hit: first\ntable: |\n  rule,driver.age,car.style,policy.premium,why\n  ,in,in,out:increase %,note\n"
        + ("".join(f'  R{n},{3 * n}..{3 * n + 2},"S{n % 50}, T{n % 7}",20,{why}\n' for n in range(number)))
    )


@pytest.mark.long
@pytest.mark.parametrize(
    "file",
    [
        pytest.param(rules(5_000), id="5,000 rules"),
        pytest.param(rules(5_000, "x" * 640), id="5,000 rules in 4 MiB"),
        pytest.param(rows(20_000), id="20,000 rows"),
        pytest.param(rows(20_000, "x" * 160), id="20,000 rows in 4 MiB"),
    ],
)
def test_a_file_at_the_documented_limits_is_tried_compared_and_affordable(file: str) -> None:
    assert len(file.encode()) <= MAX_BYTES
    checked = gate.check(file, file.replace("20", "21", 1))
    assert checked.sound, checked.findings[:3]
    assert checked.affordable, checked.seconds
    assert checked.changes is not None
