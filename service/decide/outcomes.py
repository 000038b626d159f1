"""What fired rules ask for beyond changed facts, as data: the shell above carries it out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from typing import ClassVar, TypeAlias


class _Asked:
    """The JSON form of every outcome, in one place: its verb as rule files spell it, its rule, what it holds."""

    __slots__ = ()
    verb: ClassVar[str]

    def as_json(self) -> dict[str, object]:
        """`{"outcome": "notify", "rule": …, …}`; what was not said is left out."""
        return {"outcome": self.verb, **_members(self)}


@dataclass(frozen=True, slots=True)
class AcceptanceWanted(_Asked):
    """The request is accepted."""

    verb: ClassVar[str] = "accept"
    rule: str


@dataclass(frozen=True, slots=True)
class Flagged(_Asked):
    """A person must review the request."""

    verb: ClassVar[str] = "flag for review"
    rule: str
    reason: str


@dataclass(frozen=True, slots=True)
class Rejected(_Asked):
    """The request is rejected."""

    verb: ClassVar[str] = "reject"
    rule: str
    reason: str


@dataclass(frozen=True, slots=True)
class Omission:
    """Somebody, or something of theirs, that an outcome does without: the fact that says so, and what is wrong."""

    path: str
    message: str


@dataclass(frozen=True, slots=True)
class NotificationWanted(_Asked):
    """A message from `template` to an audience or to recipients by id."""

    verb: ClassVar[str] = "notify"
    rule: str
    template: str
    audience: str | None = None
    recipients: tuple[str, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict)
    left_out: tuple[Omission, ...] = ()


@dataclass(frozen=True, slots=True)
class ContactWanted:
    """Whom an incident pages: a recipient's id, a phone with what is known of its owner, or who is on call."""

    recipient: str | None = None
    name: str | None = None
    phone: str | None = None
    language: str | None = None
    email: str | None = None
    roster: str | None = None


@dataclass(frozen=True, slots=True)
class IncidentWanted(_Asked):
    """An incident under an escalation policy."""

    verb: ClassVar[str] = "open incident"
    rule: str
    description: str
    policy: str
    contacts: tuple[ContactWanted, ...] = ()
    url: str | None = None
    left_out: tuple[Omission, ...] = ()


@dataclass(frozen=True, slots=True)
class EventWanted(_Asked):
    """An event for other systems, with data."""

    verb: ClassVar[str] = "emit"
    rule: str
    event: str
    data: Mapping[str, str] = field(default_factory=dict)


Outcome: TypeAlias = AcceptanceWanted | Flagged | Rejected | NotificationWanted | IncidentWanted | EventWanted


def _members(holder: object) -> dict[str, object]:
    if not is_dataclass(holder):
        raise TypeError(f"{type(holder).__name__} has no members")
    members = {member.name: _json(getattr(holder, member.name)) for member in fields(holder)}
    return {name: value for name, value in members.items() if value not in (None, [], {})}


def _json(value: object) -> object:
    if isinstance(value, tuple):
        return [_json(item) for item in value]
    if isinstance(value, Mapping):
        return dict(value)
    return _members(value) if is_dataclass(value) else value
