"""Small rule files for tests of the rule language, and the one way they are looked at."""

from __future__ import annotations

from service.decide import language
from service.decide.findings import Finding, Flaw
from service.decide.language import Parsed
from service.decide.ruleset import Action, Condition, Ruleset

HEAD = """\
ruleset: cars
facts:
  driver.age:      {type: integer, min: 16, max: 110}
  driver.since:    {type: date}
  driver.licence:  {type: integer, optional: true}
  driver.married:  {type: boolean}
  driver.name:     {type: text, optional: true}
  car.style:       {type: text, values: [SPORTS, SEDAN, NO, OR]}
  car.color:       {type: text}
  policy.premium:  {type: decimal, scale: 2, min: 0}
  policy.excess:   {type: decimal, scale: 3}
  policy.start:    {type: datetime}
"""


def file_with(when: str = "always", then: str = "accept", head: str = HEAD) -> str:
    """A file whose one rule has this condition and these actions; the condition stands in line 15, column 11."""
    return f"{head}rules:\n  - name: R\n    when: {when}\n    then: {then}\n"


def condition(when: str) -> Condition:
    """The typed form of a condition that must be sound."""
    return sound(file_with(when)).rules[0].when


def action(then: str) -> Action:
    """The typed form of an action that must be sound."""
    return sound(file_with(then=then)).rules[0].then[0]


def sound(text: str) -> Ruleset:
    """The ruleset of a file without errors."""
    parsed = language.parse(text)
    assert parsed.ruleset is not None, parsed.findings
    return parsed.ruleset


def faults(text: str) -> list[tuple[int, int, str, str | None]]:
    """Line, column, message and hint of every finding."""
    return [(f.at.line, f.at.column, f.message, f.hint) for f in language.parse(text).findings]


def the_only(parsed: Parsed) -> Finding:
    """The one finding of a file."""
    assert len(parsed.findings) == 1, parsed.findings
    return parsed.findings[0]


def kinds(text: str) -> list[Flaw]:
    """The kinds of all findings in file order."""
    return [finding.kind for finding in language.parse(text).findings]
