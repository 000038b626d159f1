"""What the description says of decisions: the outcomes that rules ask for, and why each rule fired or did not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Literal, TypeAlias

from pydantic import ConfigDict, Field

from service.http import Shown


class ShownLeftOut(Shown):
    """Somebody, or something of theirs, that an outcome does without: the fact that says so, and what is wrong."""

    path: str
    message: str


class ShownAccept(Shown):
    """The request is accepted."""

    outcome: Literal["accept"]
    rule: str


class ShownReject(Shown):
    """The request is rejected."""

    outcome: Literal["reject"]
    rule: str
    reason: str


class ShownFlag(Shown):
    """A person must review the request."""

    outcome: Literal["flag for review"]
    rule: str
    reason: str


class ShownNotify(Shown):
    """A message from a template, to an audience or to recipients by id."""

    outcome: Literal["notify"]
    rule: str
    template: str
    audience: str | None = None
    recipients: Sequence[str] = ()
    variables: Mapping[str, str] = {}
    left_out: Sequence[ShownLeftOut] = ()


class ShownContactWanted(Shown):
    """Whom an incident pages."""

    recipient: str | None = None
    name: str | None = None
    phone: str | None = None
    language: str | None = None
    email: str | None = None
    roster: str | None = None


class ShownOpenIncident(Shown):
    """An incident under an escalation policy."""

    outcome: Literal["open incident"]
    rule: str
    description: str
    policy: str
    contacts: Sequence[ShownContactWanted] = ()
    url: str | None = None
    left_out: Sequence[ShownLeftOut] = ()


class ShownEmit(Shown):
    """An event for other systems."""

    outcome: Literal["emit"]
    rule: str
    event: str
    data: Mapping[str, str] = {}


AnyOutcome: TypeAlias = Annotated[
    ShownAccept | ShownReject | ShownFlag | ShownNotify | ShownOpenIncident | ShownEmit,
    Field(discriminator="outcome"),
]
"""What a rule asked for; members that were not said are left out."""


class ShownComparison(Shown):
    """One comparison of a rule's condition; `holds` is null where a missing fact leaves it unknown."""

    condition: str
    holds: bool | None
    because: Annotated[str, Field(description="The values that made it so: `driver.age is 22`.")]


class ShownCombination(Shown):
    """Clauses under one of `and`, `or` and `not`."""

    model_config = ConfigDict(frozen=True, json_schema_extra={"minProperties": 2})

    holds: bool | None
    and_: Annotated[Sequence[ShownClause] | None, Field(alias="and")] = None
    or_: Annotated[Sequence[ShownClause] | None, Field(alias="or")] = None
    not_: Annotated[Sequence[ShownClause] | None, Field(alias="not")] = None


ShownClause: TypeAlias = "ShownComparison | ShownCombination"

ShownCombination.model_rebuild()


class ExplainedRule(Shown):
    """One rule: whether it fired, and which of its conditions held."""

    rule: str
    fired: bool
    verdict: str
    condition: ShownClause
    why: Annotated[str | None, Field(description="The reason that the rule file gives.")] = None


class ShownExplanation(Shown):
    """Every rule in file order."""

    rules: Sequence[ExplainedRule]
