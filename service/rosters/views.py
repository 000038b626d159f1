"""A roster as it is shown: who is on call at an instant, and who follows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from service.channels import masked
from service.core import timestamp
from service.recipients import Directory
from service.rosters.roster import OnCall, Person, Roster


@dataclass(frozen=True, slots=True)
class RosterView:
    """Shows rosters; the directory knows the people who are named by their profiles alone."""

    directory: Directory

    def shown(self, roster: Roster, at: datetime, *, with_contact_data: bool) -> dict[str, object]:
        """The roster at an instant."""
        shift = roster.shift(at)
        following = None if shift.until is None else roster.on_call(shift.until)
        return {
            "roster": roster.name,
            "description": roster.description,
            "timezone": roster.timezone,
            "at": timestamp(at),
            "on_call": self._on_call(shift.on_call, with_contact_data),
            "since": None if shift.since is None else timestamp(shift.since),
            "until": None if shift.until is None else timestamp(shift.until),
            "next": self._on_call(following, with_contact_data),
        }

    def name_of(self, person: Person) -> str:
        """What a person is called: by the file, else by the profile."""
        if person.recipient is None:
            return person.label
        profile = self.directory.get_lately([person.recipient]).get(person.recipient)
        return (profile and profile.first_name) or person.label

    def _on_call(self, on_call: OnCall | None, in_full: bool) -> dict[str, object] | None:
        if on_call is None:
            return None
        person = self._with_profile(on_call.person)
        known = {
            "phone": person.phone if in_full else masked(person.phone),
            "email": person.email if in_full else masked(person.email),
            "language": person.language,
            "timezone": person.timezone,
            "recipient": person.recipient,
        }
        members = {name: value for name, value in known.items() if value is not None}
        return {"person": person.key, "name": person.label, **members, "why": on_call.why.value}

    def _with_profile(self, person: Person) -> Person:
        profile = self.directory.get(person.recipient) if person.recipient is not None else None
        if profile is None:
            return person
        phone = None if profile.phone is None else profile.phone.e164
        name = profile.first_name or None
        return Person(person.key, name, phone, profile.email, profile.language, profile.timezone, person.recipient)


def local_time(at: datetime, roster: Roster) -> str:
    """An instant on the roster's clock, as people read it."""
    return f"{at.astimezone(roster.zone):%a %Y-%m-%d %H:%M}"
