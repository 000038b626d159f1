"""Contacts as an incident keeps them: from what the app named, from a profile, or from who is on call."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from service.channels import own_addresses, time_zone_of
from service.core import TocsinError
from service.escalate.incident import Contact, Incident
from service.escalate.intake import GivenContact
from service.recipients import Directory, Recipient
from service.rosters import Person, Rosters, UnknownRoster

logger = logging.getLogger(__name__)


class UnknownContact(TocsinError):
    """A contact names a recipient or a roster that there is none of, in this `member`.

    `position` counts contacts from 0.
    """

    def __init__(self, position: int, member: str, why: str) -> None:
        super().__init__(why)
        self.position = position
        self.member = member

    @property
    def path(self) -> str:
        """Where it stands in what an app sends."""
        return f"contacts[{self.position}].{self.member}"


def no_recipient(recipient: str) -> str:
    """What to say of a recipient who is not in the directory."""
    return f"there is no recipient {recipient!r}: add them first"


@dataclass(frozen=True, slots=True)
class Contacts:
    """Makes contacts. The zone of one is what the app or the roster says, else the profile, else the phone where its
    number tells exactly one, else `timezone`.
    """

    directory: Directory
    rosters: Rosters
    timezone: str = "UTC"

    def of(self, number: int, given: GivenContact) -> Contact:
        """The contact of this number that an app named; `UnknownContact`."""
        if given.roster is not None:
            return Contact(number, roster=self._known(number, given.roster))
        if given.recipient is None:
            known = (given.phone, given.name, given.language, given.email, given.timezone)
            return self._somewhere(Contact(number, *known, **own_addresses(given)))
        person = self.directory.get(given.recipient)
        if person is None:
            raise UnknownContact(number - 1, "recipient", no_recipient(given.recipient))
        return self._somewhere(_of_profile(number, person))

    def _somewhere(self, contact: Contact) -> Contact:
        """The contact with a time zone."""
        of_phone = None if contact.phone is None else time_zone_of(contact.phone)
        return replace(contact, timezone=contact.timezone or of_phone or self.timezone)

    def _known(self, number: int, roster: str) -> str:
        try:
            return self.rosters.get(roster).name
        except UnknownRoster as error:
            raise UnknownContact(number - 1, "roster", str(error)) from error

    def on_call(self, incident: Incident, at: datetime) -> tuple[Contact, ...]:
        """Who is on call at an instant for the rosters that an incident names, without numbers yet.

        Nobody for a roster that is gone, or whose person on call has no profile any more: the log says so.
        """
        names = dict.fromkeys(contact.roster for contact in incident.contacts if contact.roster is not None)
        return tuple(self._on_call(names, at)) if names else ()

    def _on_call(self, names: Iterable[str], at: datetime) -> Iterable[Contact]:
        for name in names:
            try:
                on_call = self.rosters.get(name).on_call(at)
            except UnknownRoster as error:
                logger.error("An incident cannot page who is on call: %s", error)  # noqa: TRY400  (an administrator's)
                continue
            if on_call is not None and (contact := self._of_person(on_call.person, name)) is not None:
                yield contact

    def _of_person(self, person: Person, roster: str) -> Contact | None:
        if person.recipient is None:
            known = (person.phone, person.label, person.language, person.email, person.timezone)
            return self._somewhere(Contact(0, *known, on_call=roster))
        profile = self.directory.get_lately([person.recipient]).get(person.recipient)
        if profile is None:
            logger.error("The roster %s names a recipient of which there is no profile: %s", roster, person.recipient)
            return None
        return self._somewhere(_of_profile(0, profile, roster))


def _of_profile(number: int, person: Recipient, on_call: str | None = None) -> Contact:
    phone = person.phone.e164 if person.phone else None
    name = person.first_name or None
    known = (phone, name, person.language, person.email, person.timezone, person.user_id)
    return Contact(number, *known, on_call=on_call, **own_addresses(person))
