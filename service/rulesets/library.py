"""The store's side of rulesets: publish, activate, and read back what was published."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeVar

from service.core import Clock
from service.rulesets import versions
from service.rulesets.errors import (
    BeginsInThePast,
    NotProposed,
    NotYetActive,
    NotYetApproved,
    SamePerson,
    StaleEdit,
    StaleProposal,
    UnknownRuleset,
    UnknownVersion,
)
from service.rulesets.family import RULESETS, Family
from service.rulesets.listing import FamilyListing, ListedName, listing_id, listing_in, listing_item
from service.rulesets.proposals import (
    ALL_WAITING,
    Approval,
    Approver,
    Proposal,
    proposal_id,
    proposal_item,
    proposal_of,
    waiting_index,
)
from service.rulesets.versions import Activation, DamagedVersion, RulesetHead, Timeline, Version
from service.storage import MAX_WRITES, Conflict, Item, Page, Store

T = TypeVar("T")

TRIES = 100
"""How often a write is tried when others publish at the same moment: each loss is somebody else's publication, so that
so many of them would have to come together."""


@dataclass(frozen=True, slots=True)
class RulesetDraft:
    """A rule file that passed the gate, who publishes it, and why; `identity` tells authors and approvers apart."""

    ruleset: str
    source: str
    author: str
    comment: str = ""
    description: str = ""
    findings: Sequence[Mapping[str, object]] = ()
    identity: str = ""

    @property
    def sha256(self) -> str:
        """The name of the content."""
        return fingerprint(self.source)


def fingerprint(source: str) -> str:
    """SHA-256 of a rule file's text, as UTF-8: how versions, `If-Match` and decisions name it."""
    return hashlib.sha256(source.encode()).hexdigest()


class Library:
    """Versions and activations of all rulesets, or of another family. Any method may raise `StoreUnavailable`.

    With `needs_approval` a published version waits as a proposal until a second person approves it.
    """

    def __init__(self, store: Store, clock: Clock, family: Family = RULESETS, *, needs_approval: bool = False) -> None:
        self.family = family
        self.needs_approval = needs_approval
        self._store = store
        self._clock = clock

    def publish(
        self, draft: RulesetDraft, since: datetime | None = None, expected_sha256: str | None = None
    ) -> Version:
        """Store a new version and activate it, now or at `since`; answers it.

        With `expected_sha256` only if that is what is active now, else `StaleEdit`. Content that is active
        already is not published again: the active version is answered, and so is the version of a proposal that waits.
        Where versions need approval, nothing is activated: the version becomes a proposal.
        """

        def attempt() -> Version:
            now = self._clock.now()
            head, stored = self._head(draft.ruleset)
            active = self.active_or_none(draft.ruleset, now)
            if active is not None and active.sha256 == draft.sha256 and since is None:
                return active  # also when a call is repeated because its answer was lost
            if self.needs_approval and (waiting := self._waiting_with(draft)) is not None:
                return waiting
            self._check_expected(draft.ruleset, expected_sha256, active)
            begins = _not_before(now, since)
            if not self.needs_approval:
                return self._commit(draft, head, stored, begins, now)
            return self._propose(draft, head, stored, since, active, now)

        return _retried(attempt)

    def _commit(self, draft: RulesetDraft, head: RulesetHead, stored: int, since: datetime, now: datetime) -> Version:
        version, chunks = _numbered(draft, head.versions + 1, now)
        activation = Activation(draft.ruleset, head.activations + 1, version.number, since, draft.author, now)
        counted = replace(head, versions=version.number, activations=activation.number)
        self._store.save(
            versions.head_item(counted, stored, self.family),
            versions.version_item(version, self.family),
            versions.activation_item(activation, self.family),
            *self._listed_anew(activation, draft.sha256),
            spawn=chunks,
        )
        return version

    def _propose(
        self,
        draft: RulesetDraft,
        head: RulesetHead,
        stored: int,
        since: datetime | None,
        active: Version | None,
        now: datetime,
    ) -> Version:
        version, chunks = _numbered(draft, head.versions + 1, now)
        base = active.sha256 if active else None
        proposal = Proposal(draft.ruleset, version.number, draft.author, draft.identity, now, base, since)
        self._store.save(
            versions.head_item(replace(head, versions=version.number), stored, self.family),
            versions.version_item(version, self.family),
            proposal_item(proposal, family=self.family),
            spawn=chunks,
        )
        return version

    def decide(self, ruleset: str, number: int, approval: Approval, approver: Approver, reason: str = "") -> Proposal:
        """Approve a proposal, so that its version takes over, or reject it; answers it as decided.

        To say the same again changes nothing. Raises `UnknownVersion`, `NotProposed`, `SamePerson`, and
        `StaleProposal` where another version took over since it was proposed.
        """

        def attempt() -> Proposal:
            now = self._clock.now()
            version = self.version(ruleset, number)
            item = self._store.get(proposal_id(ruleset, number, self.family))
            if item is None:
                raise NotProposed(ruleset, number, None)
            proposal = proposal_of(item)
            decided = proposal.decided(approval, approver, reason, now)
            if not proposal.waits:
                if (proposal.state, proposal.decided_identity) == (decided.state, decided.decided_identity):
                    return proposal  # a call that is repeated because its answer was lost
                raise NotProposed(ruleset, number, proposal)
            if proposal.identity == approver.identity and approval is Approval.APPROVE:
                raise SamePerson(ruleset, number)
            taking_over = self._taking_over(version, proposal, approver, now) if approval is Approval.APPROVE else ()
            self._store.save(proposal_item(decided, item.version, self.family), *taking_over)
            return decided

        return _retried(attempt)

    def _taking_over(self, version: Version, proposal: Proposal, approver: Approver, now: datetime) -> Sequence[Item]:
        """What is saved with an approval: the version's activation."""
        ruleset = version.ruleset
        active = self.active_or_none(ruleset, now)
        if proposal.base != (active.sha256 if active else None):
            raise StaleProposal(ruleset, version.number, active.number if active else None)
        head, stored = self._head(ruleset)
        since = max(now, proposal.since or now)
        activation = Activation(ruleset, head.activations + 1, version.number, since, approver.name, now)
        counted = replace(head, activations=activation.number)
        return [
            versions.head_item(counted, stored, self.family),
            versions.activation_item(activation, self.family),
            *self._listed_anew(activation, version.sha256),
        ]

    def proposal(self, ruleset: str, number: int) -> Proposal | None:
        """What became of a version that needed approval; None for one that needed none."""
        item = self._store.get(proposal_id(ruleset, number, self.family))
        return None if item is None else proposal_of(item)

    def proposals(self, ruleset: str, numbers: Sequence[int]) -> Mapping[int, Proposal]:
        """Those of the versions that needed approval, by number."""
        ids = [proposal_id(ruleset, number, self.family) for number in numbers]
        batches = (ids[first : first + MAX_WRITES] for first in range(0, len(ids), MAX_WRITES))
        found = [proposal_of(item) for batch in batches for item in self._store.get_many(batch).values()]
        return {proposal.number: proposal for proposal in found}

    def waiting(self, cursor: str | None = None, limit: int = 50) -> Page[Proposal]:
        """The proposals that wait, by ruleset and number."""
        page = self._store.by_index(waiting_index(self.family), ALL_WAITING, cursor=cursor, limit=limit)
        return Page([proposal for item in page.items if (proposal := proposal_of(item)).waits], page.cursor)

    def _waiting_with(self, draft: RulesetDraft) -> Version | None:
        """The newest version of this content, if it waits for approval."""
        known = versions.content_key(draft.ruleset, draft.sha256)
        page = self._store.by_index(f"{self.family.kind}_contents", known, limit=1, newest_first=True)
        version = versions.version_of(page.items[0]) if page.items else None
        proposal = None if version is None else self.proposal(draft.ruleset, version.number)
        return version if proposal is not None and proposal.waits else None

    def activate(self, ruleset: str, number: int, by: str, since: datetime | None = None) -> Activation:
        """Activate a published version again, now or from `since` on: a rollback, or forward.

        `NotYetApproved` for a version that needs approval and has none.
        """

        def attempt() -> Activation:
            now = self._clock.now()
            head, stored = self._head(ruleset)
            sha256 = self.version(ruleset, number).sha256
            proposal = self.proposal(ruleset, number)
            if proposal is not None and not proposal.is_approved:
                raise NotYetApproved(ruleset, number, proposal)
            activation = Activation(ruleset, head.activations + 1, number, _not_before(now, since), by, now)
            counted = replace(head, activations=activation.number)
            changed = versions.head_item(counted, stored, self.family)
            recorded = versions.activation_item(activation, self.family)
            self._store.save(changed, recorded, *self._listed_anew(activation, sha256))
            return activation

        return _retried(attempt)

    def listing(self) -> FamilyListing:
        """The names of a family that is listed, as last committed."""
        return listing_in(self._store.get(listing_id(self.family)))

    def _listed_anew(self, activation: Activation, sha256: str) -> Sequence[Item]:
        """The listing with another activation, to be saved with it."""
        if not self.family.is_listed:
            return []
        item = self._store.get(listing_id(self.family))
        listing = listing_in(item).with_entry(activation.ruleset, ListedName(activation.number, sha256))
        return [listing_item(self.family, listing, item)]

    def heads(self) -> Iterator[RulesetHead]:
        """Every ruleset, by name."""
        index, value = versions.all_of(self.family)
        return (versions.head_of(item) for item in _every(self._store, index, value))

    def head(self, ruleset: str) -> RulesetHead:
        """How many versions and activations a ruleset has; `UnknownRuleset` if it has none."""
        head, stored = self._head(ruleset)
        if not stored:
            raise self._unknown(ruleset)
        return head

    def version(self, ruleset: str, number: int) -> Version:
        """A published version; `UnknownRuleset`, `UnknownVersion`."""
        item = self._store.get(versions.version_id(ruleset, number, self.family))
        if item is None:
            raise UnknownVersion(ruleset, number, self.head(ruleset).versions, self.family.noun)
        return versions.version_of(item)

    def source(self, version: Version) -> str:
        """The text of a version, proven to be what was published; else `DamagedVersion`."""
        ids = [versions.chunk_id(version.sha256, number) for number in range(version.chunks)]
        source = versions.content([part for part in map(self._store.get, ids) if part is not None])
        if fingerprint(source) != version.sha256:
            raise DamagedVersion(
                f"version {version.number} of {version.ruleset!r} is not what was published: restore from a backup"
            )
        return source

    def history(self, ruleset: str, cursor: str | None = None, limit: int = 50) -> Page[Version]:
        """The versions of a ruleset, newest first."""
        self.head(ruleset)
        page = self._store.by_index(
            f"{self.family.kind}_versions", ruleset, cursor=cursor, limit=limit, newest_first=True
        )
        return Page([versions.version_of(item) for item in page.items], page.cursor)

    def with_content(self, ruleset: str, sha256: str) -> Version | None:
        """A version of this content, or None if it was never published."""
        page = self._store.by_index(f"{self.family.kind}_contents", versions.content_key(ruleset, sha256), limit=1)
        return versions.version_of(page.items[0]) if page.items else None

    def timeline(self, ruleset: str, known: Timeline | None = None) -> Timeline:
        """All activations of a ruleset; with `known` only those recorded since are read."""
        head, stored = self._head(ruleset)
        if not stored:
            raise self._unknown(ruleset)
        activations = {activation.number: activation for activation in (known or self._listed(ruleset)).activations}
        for number in range(1, head.activations + 1):
            if number not in activations:  # an index may lag behind; the item itself is read as it is now
                item = self._store.get(versions.activation_id(ruleset, number, self.family))
                if item is not None:
                    activations[number] = versions.activation_of(item)
        return Timeline(activations.values())

    def active(self, ruleset: str, at: datetime) -> Version:
        """The version that decides at `at`; `UnknownRuleset`, `NotYetActive`."""
        number = self.timeline(ruleset).active(at)
        if number is None:
            raise NotYetActive(ruleset, at, self.family.noun)
        return self.version(ruleset, number)

    def active_or_none(self, ruleset: str, at: datetime) -> Version | None:
        """The version that decides at `at`, if there is one."""
        try:
            return self.active(ruleset, at)
        except (UnknownRuleset, NotYetActive):
            return None

    def _listed(self, ruleset: str) -> Timeline:
        return Timeline(map(versions.activation_of, _every(self._store, f"{self.family.kind}_activations", ruleset)))

    def _unknown(self, ruleset: str) -> UnknownRuleset:
        return UnknownRuleset(ruleset, tuple(sorted(head.ruleset for head in self.heads())), self.family.noun)

    def _check_expected(self, ruleset: str, expected: str | None, active: Version | None) -> None:
        sha256 = active.sha256 if active else None
        if expected is not None and expected != sha256:
            raise StaleEdit(ruleset, sha256, self.family.noun)

    def _head(self, ruleset: str) -> tuple[RulesetHead, int]:
        item = self._store.get(versions.head_id(ruleset, self.family))
        return (RulesetHead(ruleset), 0) if item is None else (versions.head_of(item), item.version)


def _numbered(draft: RulesetDraft, number: int, now: datetime) -> tuple[Version, Sequence[Item]]:
    """The draft as a version, and its text as it is stored."""
    chunks = versions.chunk_items(draft.sha256, draft.source)
    version = Version(
        draft.ruleset,
        number,
        draft.sha256,
        draft.author,
        draft.comment,
        now,
        len(chunks),
        draft.description,
        draft.findings,
    )
    return version, chunks


def _not_before(now: datetime, since: datetime | None) -> datetime:
    if since is not None and since < now:
        raise BeginsInThePast(since, now)
    return since or now


def _every(store: Store, index: str, value: str) -> Iterator[Item]:
    cursor: str | None = None
    while True:
        page = store.by_index(index, value, cursor=cursor, limit=200)
        yield from page.items
        if page.cursor is None:
            return
        cursor = page.cursor


def _retried(attempt: Callable[[], T]) -> T:
    for _ in range(TRIES - 1):
        try:
            return attempt()
        except Conflict:
            continue
    return attempt()
