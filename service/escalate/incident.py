"""An incident: something a contact must acknowledge, under an escalation policy. Data, and questions about it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import Field

from service.escalate.events import Failure
from service.escalate.policy import Level, Policy
from service.escalate.waits import end_of
from service.words import Channel

REMEMBERED_EVENTS = 200
"""Ids of the last events applied; an older one that comes again changes nothing either, it could only be answered."""


_ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")


@dataclass(frozen=True, slots=True)
class Contact:
    """Somebody an incident may page; numbered from 1 in the order the incident lists them.

    `phone` is E.164, `language` BCP 47, `timezone` an IANA name, `recipient` the id of a profile it was taken from.
    """

    number: int
    phone: str | None = None
    name: str | None = None
    language: str | None = None
    email: str | None = None
    timezone: str | None = None
    recipient: str | None = None

    def address(self, channel: Channel) -> str | None:
        """Where this contact is reached on a channel, if anywhere."""
        return self.email if channel is Channel.EMAIL else self.phone

    @property
    def label(self) -> str:
        """How the contact is spoken of: by name, else as "the first contact"."""
        if self.name:
            return self.name
        return (
            f"the {_ORDINALS[self.number - 1]} contact" if self.number <= len(_ORDINALS) else f"contact {self.number}"
        )

    def same_address(self, other: Contact, channel: Channel) -> bool:
        """Whether a channel reaches both at one address."""
        return self.address(channel) is not None and self.address(channel) == other.address(channel)

    def same_person(self, other: Contact) -> bool:
        """Whether both have the same phone, or, where neither has one, the same email."""
        return (self.phone, None if self.phone else self.email) == (other.phone, None if other.phone else other.email)


@dataclass(frozen=True, slots=True)
class Open:
    """Being worked through. Level 0 has paged nobody yet; attempt 1 is a level's page, 2 its first reminder."""

    level: int
    attempt: int
    due_at: datetime
    name: Literal["open"] = "open"


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """Somebody has it. `by` is their name; `contact` their number where they are a contact. Final."""

    at: datetime
    by: str
    contact: int | None = None
    name: Literal["acknowledged"] = "acknowledged"


class Ending(StrEnum):
    """Why nobody was left to ask."""

    SILENCE = "silence"
    DECLINED = "declined"
    UNREACHABLE = "unreachable"


@dataclass(frozen=True, slots=True)
class Unacknowledged:
    """Everybody was tried and nobody has it; a late YES still acknowledges."""

    at: datetime
    why: Ending
    name: Literal["unacknowledged"] = "unacknowledged"


@dataclass(frozen=True, slots=True)
class Cancelled:
    """Called off, or declined under `on_no: end` (then `declined`). Final."""

    at: datetime
    by: str
    declined: bool = False
    contact: int | None = None
    name: Literal["cancelled"] = "cancelled"


State = Annotated[Open | Acknowledged | Unacknowledged | Cancelled, Field(discriminator="name")]


@dataclass(frozen=True, slots=True)
class Page:
    """A contact was paged on a level, by a channel; `code` tells replies of one phone apart, once it is assigned.

    `in_summary` says that it went out, or will, in a summary of several: so do its reminders.
    """

    level: int
    contact: int
    channel: Channel
    at: datetime
    code: int | None = None
    in_summary: bool = False


@dataclass(frozen=True, slots=True)
class Unreached:
    """A contact could not be reached on a channel, for a page of this level."""

    level: int
    contact: int
    channel: Channel
    why: Failure


@dataclass(frozen=True, slots=True)
class Incident:
    """One incident with the policy it was opened under. `sent` counts its messages, which numbers them."""

    id: str
    description: str
    url: str | None
    contacts: tuple[Contact, ...]
    policy: Policy
    opened_at: datetime
    state: State
    pages: tuple[Page, ...] = ()
    declined: tuple[tuple[int, int], ...] = ()  # (level, contact)
    unreached: tuple[Unreached, ...] = ()
    seen: tuple[str, ...] = ()
    sent: int = 0

    @property
    def due_at(self) -> datetime | None:
        """When the next timer of the incident is due; None when it waits for nothing."""
        return self.state.due_at if isinstance(self.state, Open) else None

    @property
    def escalated(self) -> bool:
        """Whether it ever went beyond the first level that was paged."""
        return len({page.level for page in self.pages}) > 1

    def contact(self, number: int) -> Contact | None:
        """The contact of this number, if the incident lists one."""
        return self.contacts[number - 1] if 1 <= number <= len(self.contacts) else None

    def level(self, number: int) -> Level:
        """The level of this number, from 1."""
        return self.policy.levels[number - 1]

    def listed(self, level: int) -> Iterator[Contact]:
        """The contacts of a level: each person once, absent ones left out."""
        present = [contact for n in self.level(level).contacts if (contact := self.contact(n)) is not None]
        yield from distinct_people(present)

    def channel(self, level: int, contact: Contact) -> Channel | None:
        """The channel that a page of this level goes to the contact by: the first that works; None if none does."""
        failed_here = {u.channel for u in self.unreached if (u.level, u.contact) == (level, contact.number)}
        usable = (c for c in self.level(level).channels if contact.address(c) is not None and c not in failed_here)
        return next((c for c in usable if not self.cut_off(contact, c)), None)

    def cut_off(self, contact: Contact, channel: Channel) -> bool:
        """Whether nothing more can reach the contact's address on a channel, such as a phone that opted out."""
        return any(
            u.channel is channel and u.why.lasts and self.contacts[u.contact - 1].same_address(contact, channel)
            for u in self.unreached
        )

    def asked(self, level: int) -> tuple[tuple[Contact, Channel], ...]:
        """Who of a level can be reached and has not declined, each with the channel to use."""
        return tuple(
            (contact, channel)
            for contact in self.listed(level)
            if (channel := self.channel(level, contact)) is not None and (level, contact.number) not in self.declined
        )

    def next_level(self, after: int) -> int | None:
        """The first level above `after` on which somebody can be reached."""
        return next((n for n in range(after + 1, len(self.policy.levels) + 1) if self.asked(n)), None)

    def page(self, level: int, contact: int) -> Page | None:
        """The page of a level to a contact, if there was one."""
        return next((page for page in self.pages if (page.level, page.contact) == (level, contact)), None)

    def paged(self, level: int, contact: int, channel: Channel, at: datetime) -> Incident:
        """The incident after paging a contact; the page of a level keeps its code when it is sent again."""
        known = self.page(level, contact)
        page = Page(level, contact, channel, at) if known is None else replace(known, channel=channel, at=at)
        return replace(self, pages=(*(p for p in self.pages if p is not known), page))

    def last_page(self, contact: int) -> Page | None:
        """The latest page to a contact."""
        return next((page for page in reversed(self.pages) if page.contact == contact), None)

    def paged_people(self) -> tuple[tuple[Contact, Page], ...]:
        """Everybody paged so far, each person once, with the latest page to them."""
        latest = {page.contact: page for page in self.pages}
        newest_first = sorted(latest, key=lambda number: -self.pages.index(latest[number]))
        people = distinct_people([self.contacts[number - 1] for number in newest_first])
        return tuple(sorted(((who, latest[who.number]) for who in people), key=lambda pair: pair[0].number))

    def wait_ends(self, level: int, start: datetime) -> datetime:
        """When the wait of a level that begins at `start` is over: for the first of its contacts, if they differ."""
        zones = {contact.timezone for contact, _ in self.asked(level)} or {None}
        return min(end_of(self.level(level).wait, start, ZoneInfo(zone or "UTC")) for zone in zones)

    def having_seen(self, event_id: str) -> Incident:
        """The incident that will ignore this event from now on."""
        return replace(self, seen=(*self.seen, event_id)[-REMEMBERED_EVENTS:])


def distinct_people(contacts: Iterable[Contact]) -> tuple[Contact, ...]:
    """The contacts with each person once, the first one kept."""
    people: list[Contact] = []
    for contact in contacts:
        if not any(contact.same_person(known) for known in people):
            people.append(contact)
    return tuple(people)
