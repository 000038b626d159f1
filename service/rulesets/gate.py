"""What a rule file must pass before it can be published: everything that `proofs` says of it, in a canary.

The process that asks does not parse the file. A file is sound when no finding is an error.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from service.decide import Finding, Ruleset, RulesetHeader, Severity, canary, language, report
from service.rulesets.errors import TooMuchToCompile

MAX_STORED = 200
"""Findings kept with a published version: they are warnings, and a version must fit an item."""

AFFORDABLE = 5.0
"""Processor seconds in which this process reads and compiles a draft; one of 20,000 rows needs 2.3."""


@dataclass(frozen=True, slots=True)
class CheckedFile:
    """A rule file and all findings about it. `declared` is None if it does not parse.

    `changes` is what it decides otherwise than the file it was compared with. `limit` is what its trial needed more of
    than a file may have: `50 s of processor time`.
    """

    source: str
    declared: RulesetHeader | None
    findings: tuple[Finding, ...]
    changes: Mapping[str, object] | None = None
    seconds: float = 0.0
    limit: str | None = None

    @property
    def sound(self) -> bool:
        """Whether it may be published: warnings do not hinder."""
        return self.declared is not None and all(finding.severity is not Severity.ERROR for finding in self.findings)

    @property
    def affordable(self) -> bool:
        """Whether this process may read and compile it, as its trial did."""
        return self.sound and self.seconds <= AFFORDABLE

    def kept(self) -> Sequence[Mapping[str, object]]:
        """The findings as they are stored with the version."""
        return [report.finding_as_json(finding) for finding in self.findings[:MAX_STORED]]

    def demand_affordable(self) -> None:
        """`TooMuchToCompile` for a sound file that no other process should read and compile to try it on requests."""
        if not self.affordable:
            raise TooMuchToCompile(self.seconds, AFFORDABLE)

    def ruleset(self) -> Ruleset:
        """The typed form of a sound file, read again; `TooMuchToCompile` for one that took its trial too long."""
        self.demand_affordable()
        ruleset = language.parse(self.source).ruleset
        assert ruleset is not None, "its trial parsed it"
        return ruleset


def check(content: str | bytes, against: str | None = None) -> CheckedFile:
    """Everything there is to say about a rule file, and what it decides otherwise than `against`, a version's text.

    Raises nothing because of a file's content; `CanaryFailed` (unavailable) if it cannot be tried here and now.
    """
    trial = canary.check(content, against)
    text = content if isinstance(content, str) else content.decode("utf-8", "replace")
    return CheckedFile(text, trial.declared, trial.findings, trial.changes, trial.seconds, trial.limit)
