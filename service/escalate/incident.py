"""An incident: something a contact must acknowledge, under an escalation policy. Data, and questions about it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from service.channels import CHANNELS, OwnAddresses, address_of, own_addresses
from service.core import Channel
from service.escalate.events import Failure, PageSent
from service.escalate.page import PageAttempt
from service.escalate.policy import EscalationPolicy, Level
from service.escalate.states import Acknowledged, Open, State
from service.escalate.unreached import UnreachedContact, UnsentPages
from service.escalate.waits import end_of, least_end

REMEMBERED_EVENTS = 200
"""Ids of the last events applied; an older one that comes again changes nothing either, it could only be answered."""


_ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")


@dataclass(frozen=True, slots=True)
class Contact(OwnAddresses):
    """Somebody an incident may page; numbered from 1 in the order the incident lists them.

    `phone` is E.164, `language` BCP 47, `timezone` an IANA name, `recipient` the id of a profile it was taken from.

    One with a `roster` stands for whoever is on call when a level begins. That person becomes a contact of their own,
    with a number after all others and `on_call`, the name of the roster.
    """

    number: int
    phone: str | None = None
    name: str | None = None
    language: str | None = None
    email: str | None = None
    timezone: str | None = None
    recipient: str | None = None
    roster: str | None = None
    on_call: str | None = None

    def address(self, channel: Channel) -> str | None:
        """Where this contact is reached on a channel, if anywhere."""
        return address_of(CHANNELS[channel], self)

    @property
    def text_channel(self) -> Channel:
        """The channel by which the contact gets a short text."""
        if self.phone is not None:
            return Channel.SMS
        own = (channel for channel, kind in CHANNELS.items() if kind.field in own_addresses(self))
        return Channel.EMAIL if self.email is not None else next(own, Channel.EMAIL)

    def contact(self, field: str) -> str | None:
        """The phone or address that a profile's field of this name would hold."""
        return {"phone": self.phone, "email": self.email, **own_addresses(self)}.get(field)

    @property
    def label(self) -> str:
        """How the contact is spoken of: by name, else as "the first contact"."""
        if self.name:
            return self.name
        if self.roster:
            return f"the roster {self.roster}"
        return (
            f"the {_ORDINALS[self.number - 1]} contact" if self.number <= len(_ORDINALS) else f"contact {self.number}"
        )

    def same_address(self, other: Contact, channel: Channel) -> bool:
        """Whether a channel reaches both at one address."""
        return self.address(channel) is not None and self.address(channel) == other.address(channel)

    def same_person(self, other: Contact) -> bool:
        """Whether both have the same phone, or, where neither has one, the same email, or else the same room."""
        return self._known_by == other._known_by

    @property
    def _known_by(self) -> tuple[str, str] | None:
        addresses = {"phone": self.phone, "email": self.email, **own_addresses(self)}
        return next(((field, address) for field, address in addresses.items() if address), None)


MAX_PEOPLE = 40
"""Contacts that are people: so many pages, answers and books fit one commit. No person on call is added beyond it."""


@dataclass(frozen=True, slots=True)
class Incident:
    """One incident with the policy it was opened under. `sent` counts its messages, which numbers them.

    `was_paged` is kept of pages that left and whose channel changed since. `not_sent` is set while no page left.
    `came_on_call` are the contacts who were on call when a level began. `on_call` is who is on call now; it is known
    while an event is applied, and not stored.
    `rounds` counts how often the policy was repeated, `times` how often the alert came that the incident is about.
    """

    id: str
    description: str
    url: str | None
    contacts: tuple[Contact, ...]
    policy: EscalationPolicy
    opened_at: datetime
    state: State
    pages: tuple[PageAttempt, ...] = ()
    declined: tuple[tuple[int, int], ...] = ()  # (level, contact)
    unreached: tuple[UnreachedContact, ...] = ()
    seen: tuple[str, ...] = ()
    sent: int = 0
    was_paged: bool = False
    not_sent: UnsentPages | None = None
    came_on_call: tuple[tuple[int, int], ...] = ()  # (level, contact)
    on_call: tuple[Contact, ...] = ()
    rounds: int = 0
    times: int = 1

    @property
    def due_at(self) -> datetime | None:
        """When the next timer of the incident is due; None when it waits for nothing."""
        return self.state.due_at if isinstance(self.state, Open | Acknowledged) else None

    @property
    def owner(self) -> Contact | None:
        """The contact who owns the incident, if one does."""
        if isinstance(self.state, Acknowledged) and self.state.contact is not None:
            return self.contact(self.state.contact)
        return None

    @property
    def owner_level(self) -> int:
        """The level on which its owner was asked, else the one that was asked last."""
        page = self.last_page(self.owner.number) if self.owner is not None else None
        return page.level if page is not None else self.pages[-1].level if self.pages else 1

    def renewed_until(self, at: datetime) -> datetime | None:
        """When an owner who confirmed at `at` is asked again whether they are still on it; None if never."""
        return at + timedelta(seconds=self.policy.renew) if self.policy.renew else None

    @property
    def may_be_later(self) -> bool:
        """Whether somebody may ask to be asked again later: while its level waits, or its owner is to be asked."""
        return bool(self.policy.later) if isinstance(self.state, Open) else self.due_at is not None

    def is_owner(self, number: int) -> bool:
        """Whether the contact of this number owns the incident."""
        owner, contact = self.owner, self.contact(number)
        return owner is not None and contact is not None and owner.same_person(contact)

    @property
    def asked_now(self) -> tuple[Contact, ...]:
        """Who is being asked."""
        level = self.state.level if isinstance(self.state, Open) else 0
        return tuple(contact for contact, _ in self.asked(level)) if level else ()

    @property
    def escalated(self) -> bool:
        """Whether the incident ever went beyond the first level that was paged."""
        return len({page.level for page in self.pages}) > 1

    def contact(self, number: int) -> Contact | None:
        """The contact of this number, if the incident lists one."""
        return self.contacts[number - 1] if 1 <= number <= len(self.contacts) else None

    def level(self, number: int) -> Level:
        """The level of this number, from 1."""
        return self.policy.levels[number - 1]

    def listed(self, level: int) -> Iterator[Contact]:
        """The contacts of a level: each person once, absent ones left out, rosters as who came on call for them."""
        present = [contact for n in self.level(level).contacts if (contact := self.contact(n)) is not None]
        came = [self.contacts[number - 1] for at, number in self.came_on_call if at == level]
        people = [
            [who for who in came if who.on_call == candidate.roster] if candidate.roster else [candidate]
            for candidate in present
        ]
        yield from distinct_people(who for each in people for who in each)

    def rosters(self, level: int) -> tuple[Contact, ...]:
        """The contacts of a level that are rosters."""
        named = (self.contact(number) for number in self.level(level).contacts)
        return tuple(contact for contact in named if contact is not None and contact.roster is not None)

    def beginning(self, level: int) -> Incident:
        """The incident as a level begins: who is on call now is paged by it as long as it lasts."""
        rosters = self.rosters(level)
        if not rosters:
            return self
        begun = replace(self, came_on_call=tuple(pair for pair in self.came_on_call if pair[0] != level))
        for roster in dict.fromkeys(each.roster for each in rosters):
            who = next((person for person in self.on_call if person.on_call == roster), None)
            begun = begun if who is None else begun._with_on_call(level, who)
        return begun

    def _with_on_call(self, level: int, who: Contact) -> Incident:
        known = next((each for each in self.contacts if replace(each, number=who.number) == who), None)
        if known is not None:
            return replace(self, came_on_call=(*self.came_on_call, (level, known.number)))
        if len([contact for contact in self.contacts if contact.roster is None]) >= MAX_PEOPLE:
            return self
        added = replace(who, number=len(self.contacts) + 1)
        came_on_call = (*self.came_on_call, (level, added.number))
        return replace(self, contacts=(*self.contacts, added), came_on_call=came_on_call)

    def channel(self, level: int, contact: Contact) -> Channel | None:
        """The channel that a page of this level goes to the contact by: the first that works; None if none does."""
        failed_here = {u.channel for u in self.unreached if (u.level, u.contact) == (level, contact.number)}
        usable = (c for c in self.level(level).channels if contact.address(c) is not None and c not in failed_here)
        return next((c for c in usable if not self.is_unreachable(contact, c)), None)

    def has_other_channel(self, level: int, contact: Contact, channel: Channel) -> bool:
        """Whether a page of this level can reach the contact without this channel."""
        failed = UnreachedContact(level, contact.number, channel, Failure.UNDELIVERED)
        return replace(self, unreached=(*self.unreached, failed)).channel(level, contact) is not None

    def is_unreachable(self, contact: Contact, channel: Channel) -> bool:
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
        levels = range(after + 1, len(self.policy.levels) + 1)
        return next((n for n in levels if self.beginning(n).asked(n)), None)

    def asked_after(self, level: int) -> tuple[Contact, ...]:
        """Who was paged on the first level after this one; nobody if none of them was."""
        later = [page for page in self.pages if page.level > level]
        first = min((page.level for page in later), default=0)
        return tuple(self.contacts[page.contact - 1] for page in later if page.level == first)

    def page(self, level: int, contact: int) -> PageAttempt | None:
        """The page of a level to a contact, if there was one."""
        return next((page for page in self.pages if (page.level, page.contact) == (level, contact)), None)

    def paged(
        self, level: int, contact: int, channel: Channel, at: datetime, message: int, *, anew: bool = False
    ) -> Incident:
        """The incident after paging a contact; the page of a level keeps its code when it is sent again."""
        known = self.page(level, contact)
        if known is None:
            return replace(
                self, pages=(*self.pages, PageAttempt(level, contact, channel, at, message=message, first=message))
            )
        page = known.carried_by(message, channel, at, anew=anew)
        pages = (*(p for p in self.pages if p is not known), page)
        return replace(self, pages=pages, was_paged=self.was_paged or known.has_left)

    def page_left(self, page: PageAttempt, event: PageSent) -> Incident:
        """The incident once a message of one of its pages left."""
        left = page.left(event)
        return replace(self, pages=tuple(left if p is page else p for p in self.pages), not_sent=None)

    def has_left(self, level: int, contact: Contact) -> bool:
        """Whether the page of a level to a contact left."""
        page = self.page(level, contact.number)
        return page is not None and page.has_left

    def was_paged_at_all(self, contact: Contact) -> bool:
        """Whether any page to this person left."""
        left = [page for page in self.pages if page.has_left or page.sent]
        return any(self.contacts[page.contact - 1].same_person(contact) for page in left)

    def leaving(self) -> tuple[PageAttempt, ...]:
        """The pages of the present level whose messages have yet to leave."""
        level = self.state.level if isinstance(self.state, Open) else 0
        asked = {contact.number for contact, _ in self.asked(level)} if level else set()
        return tuple(page for page in self.pages if page.level == level and page.contact in asked and page.is_leaving)

    @property
    def may_begin_again(self) -> bool:
        """Whether nobody was paged so far and somebody may yet be: who cannot be for good is no reason to try again."""
        heard_of = self.was_paged or self.declined or any(page.has_left for page in self.pages)
        return bool(self.pages) and not heard_of and self.as_if_new().next_level(0) is not None

    def as_if_new(self) -> Incident:
        """The incident without the failures that may be over when it begins again."""
        return replace(self, unreached=tuple(failure for failure in self.unreached if failure.why.lasts))

    def afresh(self) -> Incident:
        """The incident as it begins again at the first level: nobody has declined, nothing was repeated."""
        return replace(self.as_if_new(), declined=(), rounds=0, not_sent=None)

    def declined_by(self, contact: Contact) -> Incident:
        """The incident after a NO of this person, who is asked on no level any more."""
        levels = range(1, len(self.policy.levels) + 1)
        own = [(n, candidate.number) for n in levels for candidate in self.contacts if candidate.same_person(contact)]
        return replace(self, declined=tuple(dict.fromkeys((*self.declined, *own))))

    def not_declined_by(self, contact: Contact) -> Incident:
        """The incident with the NO of this person taken back."""
        others = [pair for pair in self.declined if not self.contacts[pair[1] - 1].same_person(contact)]
        return replace(self, declined=tuple(others))

    def last_page(self, contact: int) -> PageAttempt | None:
        """The latest page to a contact."""
        return next((page for page in reversed(self.pages) if page.contact == contact), None)

    def paged_people(self) -> tuple[tuple[Contact, PageAttempt], ...]:
        """Everybody paged so far, each person once, with the latest page to them."""
        latest = {page.contact: page for page in self.pages}
        newest_first = sorted(latest, key=lambda number: -self.pages.index(latest[number]))
        people = distinct_people([self.contacts[number - 1] for number in newest_first])
        return tuple(sorted(((who, latest[who.number]) for who in people), key=lambda pair: pair[0].number))

    def wait_ends(self, level: int, start: datetime) -> datetime:
        """When the wait of a level that begins at `start` is over: for the first of its contacts, if they differ."""
        zones = {contact.timezone for contact, _ in self.asked(level)} or {None}
        return min(end_of(self.level(level).wait, start, ZoneInfo(zone or "UTC")) for zone in zones)

    def wait_after(self, level: int, left_at: datetime) -> datetime:
        """The earliest end of a level's wait, if a page of it left, or has its turn, at `left_at`."""
        return least_end(self.level(level).wait, left_at)

    def once_more(self) -> Incident:
        """The incident after its alert came again."""
        return replace(self, times=self.times + 1)

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
