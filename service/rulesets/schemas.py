"""The shapes of what is said and answered about rulesets."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from service.http import Body, Choice, Cursor, DescribedAs, Instant, Limit, Query, Shown, shown_by
from service.rulesets.proposals import Approval, ProposalState
from service.rulesets.shown_reports import DescribedDiff, DescribedReplay

MAX_FILE_BYTES = 4 * 1024 * 1024
"""Size of a rule file."""


class ShownFinding(Shown):
    """Something to say about a rule file; `example` is a request that shows it."""

    severity: Literal["error", "warning"]
    kind: str
    rule: str | None = None
    line: int
    column: int
    message: str
    hint: str | None = None
    example: Mapping[str, object] | None = None


DescribedFinding = Annotated[Mapping[str, object], DescribedAs(ShownFinding)]


class ShownProposal(Shown):
    """What a second person decides, or decided, about a version; `effective_from` is null where it takes over at once.

    It waits for approval while `state` is `waiting`.
    """

    state: ProposalState
    by: str
    at: datetime
    effective_from: datetime | None
    decided_by: str | None
    decided_at: datetime | None
    reason: str


class ShownVersion(Shown):
    """A published version, without its text."""

    ruleset: str
    version: int
    sha256: str
    author: str
    comment: str
    published_at: datetime
    active: bool
    findings: tuple[DescribedFinding, ...]
    proposal: ShownProposal | None = None


class ShownSource(ShownVersion):
    """A published version with its text."""

    source: str


class ShownActivation(Shown):
    """From when on a version decides."""

    version: int
    since: Annotated[datetime, Field(serialization_alias="from")]
    by: str
    at: datetime


class ShownRuleset(Shown):
    """A ruleset: what is active, and all its activations as they were recorded.

    With `needs_approval` a version that is published now waits until somebody else approves it.
    """

    name: str
    description: str
    active: ShownVersion | None
    versions: int
    activations: tuple[ShownActivation, ...]
    needs_approval: bool = False


class Named(Shown):
    """A ruleset in the list."""

    name: str
    versions: int
    active_version: int | None


class ShownWorkingCopy(Shown):
    """A file of the rules folder as it was last looked at; `version` is null if `findings` kept it from publication.

    `base` is the version that was last published from the file. A finding of kind `drift` says that another one is
    active. `again_at` is when a file about which nothing could be said is tried again.
    """

    file: str
    sha256: str
    looked_at: datetime
    ruleset: str | None
    version: int | None
    base: int | None
    again_at: datetime | None
    findings: tuple[DescribedFinding, ...]


class RulesetList(Shown):
    """All rulesets, and the rules folder of this machine."""

    items: tuple[Named, ...]
    working_copies: tuple[ShownWorkingCopy, ...]
    next_cursor: str | None = None


class VersionList(Shown):
    """Versions, newest first."""

    items: tuple[ShownVersion, ...]
    next_cursor: str | None


class OutlinedFact(Shown):
    """A fact as it is declared."""

    path: str
    type: str
    optional: bool
    scale: int
    min: bool | int | str | None
    max: bool | int | str | None
    values: tuple[str, ...] | None


class OutlinedRule(Shown):
    """A rule in the words of rule files; `line` is its place in the version's text."""

    name: str
    line: int
    when: str
    then: tuple[str, ...]
    why: str | None


class Outline(Shown):
    """What a version's rules read and do. `rules` are the first 500 of `rules_in_all`."""

    name: str
    description: str
    hit: str
    facts: tuple[OutlinedFact, ...]
    rules: tuple[OutlinedRule, ...]
    rules_in_all: int
    tests: int


class Otherwise(Shown):
    """What a file decides otherwise than the active version: of all requests, and of the latest recorded ones.

    `backtest` is null if there are none, or they could not be replayed just now.
    """

    diff: DescribedDiff | None = None
    backtest: DescribedReplay | None = None


class CheckReport(Otherwise):
    """Everything there is to say about a rule file."""

    file: str
    ok: bool
    findings: tuple[DescribedFinding, ...]


class ShownPublication(ShownVersion, Otherwise):
    """A version that was published just now, and what it decides otherwise than the one before it."""


class Publication(Query):
    """Why and from when on."""

    comment: Annotated[str, Field(max_length=1000, description="Why, for the history.")] = ""
    effective_from: Annotated[Instant | None, Field(description="When it takes over; now if left out.")] = None


class Activate(Body):
    """Which published version is to decide, and from when on."""

    version: Annotated[int, Field(ge=1)]
    effective_from: Instant | None = None


class ApprovalRequest(Body):
    """What a second person decides about a proposed version."""

    model_config = shown_by({"decision": "approve", "reason": "As agreed on Monday."})

    decision: Choice[Approval]
    reason: Annotated[str, Field(max_length=1000, description="Why, for the author and the history.")] = ""


class WaitingProposal(ShownProposal):
    """A proposed version that nobody has decided about."""

    ruleset: str
    version: int


class ProposalList(Shown):
    """What waits for approval, by ruleset and version."""

    items: tuple[WaitingProposal, ...]
    next_cursor: str | None


class Paged(Query):
    """A page of a list."""

    cursor: Cursor | None = None
    limit: Limit = 50
