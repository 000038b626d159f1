"""Why a ruleset cannot be found, published or activated, for the person who asked."""

from __future__ import annotations

from datetime import datetime

from service.core import TocsinError, timestamp
from service.decide import Finding, Severity
from service.rulesets.family import RULESETS, Family
from service.rulesets.proposals import Proposal, ProposalState

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


class ApprovalRefused(RulesetError):
    """A version cannot be approved, or needs approval first."""


class NotProposed(ApprovalRefused):
    """Nobody's decision about a version is asked for."""

    def __init__(self, ruleset: str, number: int, proposal: Proposal | None) -> None:
        if proposal is None:
            why = "was published without needing approval"
        else:
            why = f"was {proposal.state} by {proposal.decided_by} already"
        super().__init__(f"version {number} of {ruleset!r} does not wait for approval: it {why}")


class StaleProposal(ApprovalRefused):
    """Another version took over since the proposal was made: to approve it would drop that change unseen."""

    def __init__(self, ruleset: str, number: int, active: int | None) -> None:
        now = f"version {active}" if active else "nothing"
        super().__init__(
            f"version {number} of {ruleset!r} was proposed when another version was active than {now}, which is now:"
            " reject it, and propose it again on top of that"
        )


class NotYetApproved(ApprovalRefused):
    """A version that needs approval has none."""

    def __init__(self, ruleset: str, number: int, proposal: Proposal) -> None:
        rejected = proposal.state is ProposalState.REJECTED
        why = (
            f"{proposal.decided_by} rejected it: publish a better one"
            if rejected
            else f"somebody else than {proposal.author} has to approve it first"
        )
        super().__init__(f"version {number} of {ruleset!r} cannot take over: {why}")


class SamePerson(ApprovalRefused):
    """The author of a version tried to approve it."""

    def __init__(self, ruleset: str, number: int) -> None:
        super().__init__(
            f"you proposed version {number} of {ruleset!r} yourself: four eyes are asked for, so somebody else has to"
            " approve it, with a key of their own"
        )
