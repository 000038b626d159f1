"""Why a ruleset cannot be found, published or activated, for the person who asked."""

from __future__ import annotations

from datetime import datetime

from service.core import TocsinError, timestamp
from service.decide import Finding, Severity
from service.rulesets.family import RULESETS, Family

SHOWN = 5
"""Errors of a refused file that its message names; `findings` holds all."""


class RulesetError(TocsinError):
    """A call about rulesets that cannot be done as asked."""


class NotThere(RulesetError):
    """What a call is about does not exist, or not any more."""


class UnknownRuleset(NotThere):
    """No version of such a ruleset was ever published."""

    def __init__(self, ruleset: str, known: tuple[str, ...] = (), noun: str = "ruleset") -> None:
        self.ruleset = ruleset
        listed = f"; published are: {', '.join(known)}" if known else ""
        super().__init__(f"there is no {noun} {ruleset!r}{listed}")


class UnknownVersion(NotThere):
    """The ruleset has no version of this number."""

    def __init__(self, ruleset: str, number: int, last: int, noun: str = "ruleset") -> None:
        super().__init__(f"{noun} {ruleset!r} has no version {number}: its versions are 1 to {last}")


class NotYetActive(NotThere):
    """The ruleset's first version takes effect after the instant that was asked for."""

    def __init__(self, ruleset: str, at: datetime, noun: str = "ruleset") -> None:
        super().__init__(f"no version of {noun} {ruleset!r} was active at {timestamp(at)}")


class RuleFileRejected(RulesetError):
    """The gate found errors in a rule file; every finding is in `findings`, the file's text in `source`."""

    def __init__(self, source: str, findings: tuple[Finding, ...], noun: str = "rule file") -> None:
        self.source = source
        self.findings = findings
        errors = [finding for finding in findings if finding.severity is Severity.ERROR]
        shown = "; ".join(
            f"line {shown_finding.at.line}, column {shown_finding.at.column}: {shown_finding.message}"
            for shown_finding in errors[:SHOWN]
        )
        more = f"; and {len(errors) - SHOWN} more" if len(errors) > SHOWN else ""
        super().__init__(f"the {noun} has errors: {shown}{more}")


class TooMuchToCompile(RulesetError):
    """A draft takes so long to read and compile that this process could not do its other work."""

    def __init__(self, seconds: float, most: float) -> None:
        super().__init__(
            f"to read and compile the rule file took {seconds:.1f} s of processor time; to try it on requests"
            f" {most:g} s are allowed: split its largest rules"
        )


class WrongName(RulesetError):
    """The file declares another ruleset than the one it is published under."""

    def __init__(self, declared: str, wanted: str, family: Family = RULESETS) -> None:
        super().__init__(f"the file says `{family.key}: {declared}` but was sent to {family.noun} {wanted!r}")


class StaleEdit(RulesetError):
    """Somebody else published since the editor read the file; the active version is another one."""

    def __init__(self, ruleset: str, active_sha256: str | None, noun: str = "ruleset") -> None:
        self.active_sha256 = active_sha256
        now = f"sha256 {active_sha256}" if active_sha256 else "nothing"
        super().__init__(f"{noun} {ruleset!r} has changed since you read it: active is {now} now. Read it and merge")


class BeginsInThePast(RulesetError):
    """An activation may not change what was active in the past."""

    def __init__(self, since: datetime, now: datetime) -> None:
        super().__init__(f"{timestamp(since)} is in the past (now is {timestamp(now)}): leave it out to activate now")
