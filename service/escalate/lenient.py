"""Incidents whose sender cannot be asked any more: what fits is opened, and the rest is listed.

A rule's incident comes after its evaluation was answered, a letter of the intake has no answer at all. To refuse either
for a contact with a bad number, or for a member too many, would page nobody.
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, replace

from pydantic import TypeAdapter, ValidationError

from service.channels import own_addresses
from service.escalate.intake import (
    MAX_CONTACTS,
    MAX_DESCRIPTION,
    Faults,
    GivenContact,
    IncidentBody,
    IncidentItem,
    IntakeRules,
    NewIncident,
    assembled,
    shape_of,
)
from service.escalate.policy import EscalationPolicy
from service.http import FieldError, invalid, invalid_model

MAX_LEFT_OUT = 50
"""Omissions that are listed; a letter may have any number."""

MAX_SAID = 300
"""Characters that are listed of each."""

_ITEM_CONTACTS = {"first_contact": 1, "second_contact": 2}


@dataclass(frozen=True, slots=True)
class NotFitting:
    """Something that does not fit, by its path, and why. `contact` is the number of the contact that it is about."""

    path: str
    why: str

    @property
    def contact(self) -> int | None:
        """The number of the contact, from 1, if it is about one."""
        if self.path in _ITEM_CONTACTS:
            return _ITEM_CONTACTS[self.path]
        head, _, rest = self.path.partition("[")
        number = rest.partition("]")[0]
        return int(number) + 1 if head == "contacts" and number.isdigit() else None

    @property
    def sentence(self) -> str:
        """What is left out and why, without contact data."""
        return f"{self.path}: {self.why}"[:MAX_SAID]


@dataclass(frozen=True, slots=True)
class LenientIncident:
    """An incident of what fits, and what was left out of it."""

    new: NewIncident
    left_out: tuple[NotFitting, ...] = ()
    names_rosters: bool = False
    """Whether its policy does."""

    @property
    def reaches_somebody(self) -> bool:
        """Whether it names anybody who can be paged."""
        named = (
            contact.phone or contact.email or own_addresses(contact) or contact.recipient or contact.roster
            for contact in self.new.contacts
        )
        return self.names_rosters or any(named)

    def refuse_if_nobody(self) -> None:
        """Raise `Problem` with all that does not fit, if nobody can be paged."""
        if not self.reaches_somebody:
            raise invalid([FieldError(each.path, each.why) for each in self.left_out])

    def without(self, position: int, member: str, why: str) -> LenientIncident:
        """The same without the person that a member of one contact names; the contact keeps its number."""
        contacts = list(self.new.contacts)
        contacts[position] = GivenContact()
        return self._with(replace(self.new, contacts=tuple(contacts)), f"contacts[{position}].{member}", why)

    def with_policy(self, policy: str, why: str) -> LenientIncident:
        """The same under another policy."""
        return self._with(replace(self.new, policy=policy), "policy", why)

    def under(self, policy: EscalationPolicy) -> LenientIncident:
        """The same, knowing its policy."""
        return replace(self, names_rosters=any(level.rosters for level in policy.levels))

    def _with(self, new: NewIncident, path: str, why: str) -> LenientIncident:
        return replace(self, new=new, left_out=(*self.left_out, NotFitting(path, why)))


def read(document: Mapping[str, object], rules: IntakeRules) -> LenientIncident:
    """What a document asks for, without what does not fit; `Problem` 422 if the rest makes no incident."""
    given, left_out = _cut(document)
    body, unfit = _fitting(given)
    faults = Faults(rules)
    new = assembled(body, faults)
    known = _paths([*left_out, *unfit])
    unread = [NotFitting(fault.path, fault.message) for fault in faults.found if fault.path not in known]
    return LenientIncident(new, tuple([*left_out, *unfit, *unread][:MAX_LEFT_OUT]))


def _fitting(given: dict[str, object]) -> tuple[IncidentBody | IncidentItem, list[NotFitting]]:
    """The body that is left once all that does not fit its shape is taken out; the first `Problem` if none is left."""
    shape, refusal, left_out = shape_of(given), None, list[NotFitting]()
    while True:
        try:
            return TypeAdapter[IncidentBody | IncidentItem](shape).validate_python(given), left_out
        except ValidationError as error:
            problem = invalid_model(error, shape)
            refusal = refusal or problem
            removed = [path for fault in error.errors() if (path := _remove(given, fault["loc"])) is not None]
            if not removed:
                raise refusal from error
            message_by_path = {fault.path: fault.message for fault in problem.errors}
            left_out += [NotFitting(path, message_by_path.get(path, "does not fit")) for path in removed]


def _paths(left_out: list[NotFitting]) -> set[str]:
    """The paths left out, and those of the contacts they belong to: these are known to lack something."""
    return {each.path.partition(".")[0] for each in left_out}


def _cut(document: Mapping[str, object]) -> tuple[dict[str, object], list[NotFitting]]:
    """The document with a description and contacts that are not too many: the first of them count."""
    given, left_out = deepcopy(dict(document)), list[NotFitting]()
    description, contacts = given.get("description"), given.get("contacts")
    if isinstance(description, str) and len(description) > MAX_DESCRIPTION:
        given["description"] = description[: MAX_DESCRIPTION - 1] + "…"
        left_out.append(NotFitting("description", f"what is beyond {MAX_DESCRIPTION:,} characters"))
    if isinstance(contacts, list) and len(contacts) > MAX_CONTACTS:
        given["contacts"] = contacts[:MAX_CONTACTS]
        left_out.append(NotFitting("contacts", f"those beyond the first {MAX_CONTACTS}"))
    return given, left_out


def _remove(given: object, loc: tuple[str | int, ...]) -> str | None:
    """Remove what stands at a place; its path, or None if nothing stands there or too much depends on it."""
    *parents, last = loc
    for name in parents:
        given = _at(given, name)
    if isinstance(given, list) and isinstance(last, int) and last < len(given):
        if given[last] == {}:
            return None
        given[last] = {}  # the others keep their numbers
    elif isinstance(given, dict) and last in given:
        del given[last]
    else:
        return None
    return _path(loc)


def _at(given: object, name: str | int) -> object:
    match given, name:
        case dict(), str():
            return given.get(name)
        case list(), int() if name < len(given):
            return given[name]
        case _:
            return None


def _path(loc: tuple[str | int, ...]) -> str:
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in loc)
    return text.removeprefix(".")
