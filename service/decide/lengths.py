"""Texts of rules that are too long to be said: no SMS has more than 1,600 characters.

The parser takes any length, so that a version published before there was this limit still decides.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass

from service.decide.findings import Finding, Flaw, Severity
from service.decide.ruleset import FactPath, Rule, Ruleset, Text

MAX_TEXT = 2_000
"""Characters of one text of a rule, each `{{ path }}` as it is written."""


def check(ruleset: Ruleset) -> tuple[Finding, ...]:
    """An error for every action, and every `why`, that holds a text of more than `MAX_TEXT` characters."""
    return tuple(finding for rule in ruleset.rules for finding in _of_rule(rule))


def _of_rule(rule: Rule) -> Iterator[Finding]:
    for part, at in ((rule.why or "", rule.at), *((action, action.at) for action in rule.then)):
        longest = max(_lengths(part), default=0)
        if longest > MAX_TEXT:
            message = f"a text of this rule has {longest:,} characters; {MAX_TEXT:,} are allowed"
            yield Finding(Severity.ERROR, Flaw.OUT_OF_RANGE, at, message, rule.name, "shorten it")


def _lengths(part: object) -> Iterator[int]:
    """The lengths of all texts inside a part of a rule."""
    match part:
        case str():
            yield len(part)
        case Text(parts):
            yield sum(len(f"{{{{ {piece.path} }}}}") if isinstance(piece, FactPath) else len(piece) for piece in parts)
        case tuple():
            for piece in part:
                yield from _lengths(piece)
        case Mapping():
            yield from _lengths(tuple(part.items()))
        case _ if is_dataclass(part):
            yield from _lengths(tuple(getattr(part, field.name) for field in fields(part)))
