"""Problems that callers get when a call about rulesets fails."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from service.decide import report
from service.http import FieldError, Problem, ProblemType, conflict, invalid, not_found
from service.rulesets.differences import VersionDifferences
from service.rulesets.errors import (
    ApprovalRefused,
    BeginsInThePast,
    NotThere,
    RuleFileRejected,
    SamePerson,
    StaleEdit,
    TooMuchToCompile,
    WrongName,
)
from service.rulesets.listing import TooManyNames


@contextmanager
def as_problems() -> Iterator[None]:
    """Turn the refusals of this package into problems."""
    try:
        yield
    except NotThere as error:
        raise not_found(f"{error}.") from error
    except RuleFileRejected as error:
        raise refused(error) from error
    except TooMuchToCompile as error:
        raise invalid([FieldError("source", str(error))]) from error
    except TooManyNames as error:
        raise invalid([FieldError("name", str(error))]) from error
    except WrongName as error:
        raise invalid([FieldError("ruleset", str(error))]) from error
    except SamePerson as error:
        raise Problem(ProblemType.SAME_PERSON, f"{error}.") from error
    except ApprovalRefused as error:
        raise conflict(f"{error}.") from error
    except BeginsInThePast as error:
        raise invalid([FieldError("effective_from", str(error))]) from error
    except StaleEdit as error:
        raise stale(error, VersionDifferences("", None)) from error


def refused(error: RuleFileRejected) -> Problem:
    """422 with every finding, as `tocsin rules check --json` shows it."""
    errors = [
        FieldError(f"line {finding.at.line}, column {finding.at.column}", finding.message) for finding in error.findings
    ]
    findings = [report.finding_as_json(finding) for finding in error.findings]
    return Problem(ProblemType.INVALID, f"{error}.", errors=errors, members={"findings": findings})


def stale(error: StaleEdit, since: VersionDifferences) -> Problem:
    """412 with what is active now, and what others changed since the edited version was read: lines and decisions."""
    members = {"active_sha256": error.active_sha256, "diff": since.lines, "changes": since.changes}
    return Problem(ProblemType.PRECONDITION_FAILED, f"{error}.", members=members)
