"""Versions that wait until a second person approves them, and what was decided about each.

A proposal is kept beside its version, which never changes. The person who approves is told apart from the author by
the identity that made the call: an API key, or a user of the machine.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from service.core import from_state, to_state
from service.rulesets.family import RULESETS, Family
from service.storage import Item

ALL_WAITING = "all"


class Approval(StrEnum):
    """What the second person says."""

    APPROVE = "approve"
    REJECT = "reject"


class ProposalState(StrEnum):
    """Where a proposal stands."""

    WAITING = "waiting"
    APPROVED = "approved"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class Proposal:
    """A published version that decides nothing before it is approved.

    `identity` is who proposed it, as `Approver.identity`. `base` is the sha256 of what was active then: an approval
    takes effect only while that is still active. `since` is when the version is to take over; null means at once.
    """

    ruleset: str
    number: int
    author: str
    identity: str
    at: datetime
    base: str | None
    since: datetime | None = None
    state: ProposalState = ProposalState.WAITING
    decided_by: str | None = None
    decided_identity: str | None = None
    decided_at: datetime | None = None
    reason: str = ""

    @property
    def waits(self) -> bool:
        """Whether nobody has decided about it yet."""
        return self.state is ProposalState.WAITING

    @property
    def is_approved(self) -> bool:
        """Whether its version may decide."""
        return self.state is ProposalState.APPROVED

    def decided(self, approval: Approval, approver: Approver, reason: str, at: datetime) -> Proposal:
        """The proposal with a decision."""
        state = ProposalState.APPROVED if approval is Approval.APPROVE else ProposalState.REJECTED
        by, identity = approver.name, approver.identity
        return replace(self, state=state, decided_by=by, decided_identity=identity, decided_at=at, reason=reason)


@dataclass(frozen=True, slots=True)
class Approver:
    """Who decides about a proposal: `name` is shown, `identity` tells people apart."""

    name: str
    identity: str


def of_key(key_id: str) -> str:
    """The identity of whoever calls with this API key."""
    return f"key:{key_id}"


def of_user(user: str) -> str:
    """The identity of a user of the machine."""
    return f"user:{user}"


def waiting_index(family: Family = RULESETS) -> str:
    """The index of the proposals that wait."""
    return f"{family.kind}_proposals"


def proposal_id(ruleset: str, number: int, family: Family = RULESETS) -> str:
    """The id of the proposal of a version."""
    return f"{family.kind}proposal-{ruleset}-{number:06d}"


def proposal_item(proposal: Proposal, version: int = 0, family: Family = RULESETS) -> Item:
    """A proposal as it is stored, to be compared with stored `version`; listed while it waits."""
    keys = {waiting_index(family): ALL_WAITING} if proposal.waits else {}
    name = proposal_id(proposal.ruleset, proposal.number, family)
    return Item(name, f"{family.kind}-proposal", to_state(proposal), version=version, keys=keys)


def proposal_of(item: Item) -> Proposal:
    """The proposal that `proposal_item` stored."""
    return from_state(Proposal, item.state)
