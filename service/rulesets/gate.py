"""What a rule file must pass before it can be published: parse → types → proofs → its own tests, in a canary.

A file that does not parse gets no further; everything else is asked of every file, so that all findings are shown at
once. It is sound when none of them is an error.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from service.decide import canary, language, lengths, report
from service.decide.findings import Finding, Severity
from service.decide.ruleset import Ruleset
from service.decide.verify import verify

Proof = Callable[[str, Ruleset], Sequence[Finding]]
"""What else is to be known of a file that parses: its text and its typed form in, findings out."""

MAX_STORED = 200
"""Findings kept with a published version: they are warnings, and a version must fit an item."""


@dataclass(frozen=True, slots=True)
class Checked:
    """A rule file and everything there is to say about it. `ruleset` is None if it does not parse."""

    source: str
    ruleset: Ruleset | None
    findings: tuple[Finding, ...]

    @property
    def sound(self) -> bool:
        """Whether it may be published: warnings do not hinder."""
        return all(finding.severity is not Severity.ERROR for finding in self.findings)

    def kept(self) -> Sequence[Mapping[str, object]]:
        """The findings as they are stored with the version."""
        return [report.finding_as_json(finding) for finding in self.findings[:MAX_STORED]]


def _own_tests(source: str, _: Ruleset) -> Sequence[Finding]:
    return canary.check(source)


def _proven(_: str, ruleset: Ruleset) -> Sequence[Finding]:
    return verify(ruleset)


def _short_enough(_: str, ruleset: Ruleset) -> Sequence[Finding]:
    return lengths.check(ruleset)


PROOFS: tuple[Proof, ...] = (_short_enough, _proven, _own_tests)
"""In the order of their cost."""


def check(content: str | bytes) -> Checked:
    """Everything there is to say about a rule file; raises for nothing that a file may hold.

    `CanaryFailed` (unavailable) if its tests cannot be run here and now.
    """
    parsed = language.parse(content)
    text = content if isinstance(content, str) else content.decode("utf-8", "replace")
    if parsed.ruleset is None:
        return Checked(text, None, parsed.findings)
    proven = [finding for proof in PROOFS for finding in proof(text, parsed.ruleset)]
    said = {(one.kind, one.rule) for one in parsed.findings if one.rule is not None}
    news = (one for one in proven if (one.kind, one.rule) not in said)
    findings = sorted((*parsed.findings, *news), key=lambda finding: finding.at)
    return Checked(text, parsed.ruleset, tuple(findings))
