"""Files of the rules folder whose text is a proposal: they follow it, and say that it waits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from service.decide import Flaw, Severity
from service.rulesets.library import Library
from service.rulesets.seen_copies import SeenCopy, said
from service.rulesets.versions import Version


def proposed_over(library: Library, active: Version, *numbers: int | None) -> Iterator[int]:
    """Those of a file's versions that were proposed while `active` was, and not approved."""
    for number in set(filter(None, numbers)):
        proposal = library.proposal(active.ruleset, number)
        if proposal is not None and not proposal.is_approved and proposal.base == active.sha256:
            yield number


def may_decide(library: Library, ruleset: str, number: int) -> bool:
    """Whether a version needs no approval, or has it."""
    proposal = library.proposal(ruleset, number)
    return proposal is None or proposal.is_approved


def waiting(library: Library, seen: SeenCopy) -> Mapping[str, object] | None:
    """What is said of a file whose version waits for approval."""
    proposal = library.proposal(str(seen.ruleset), seen.version or 0)
    if proposal is None or not proposal.waits:
        return None
    message = f"{seen.file} is version {proposal.number}, which waits until somebody approves it"
    hint = f"`tocsin {library.family.command} approve {proposal.ruleset} {proposal.number}` approves it"
    return said(Flaw.DRIFT, Severity.WARNING, message, hint)
