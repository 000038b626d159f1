"""The recipients of a request: ids of stored ones, and people that it describes itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from service.channels import ContactKeys
from service.core import exact_json
from service.notify.audience.addressees import MAX_VALUES, Addressee, addressed, guest
from service.recipients import NO_RECIPIENT, Directory, Fault, ProfileRefused, ProfileRules


@dataclass(frozen=True, slots=True)
class DescribedEntry:
    """An entry of a request that is more than an id: a recipient's id or a profile's fields, and own values."""

    user_id: str | None = None
    profile: Mapping[str, object] = field(default_factory=dict)
    variables: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class NamedIds:
    """The ids of a request's recipients, each once; `people` describes all of them if one is described."""

    names: tuple[str, ...] = ()
    people: tuple[Addressee, ...] = ()
    faults: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class RecipientNaming:
    """Reads the recipients of requests.

    `language` of somebody who has no profile is the message's, unless they say another.
    """

    directory: Directory
    profiles: ProfileRules
    keys: ContactKeys

    def read(self, entries: Sequence[str | DescribedEntry], language: str) -> NamedIds:
        """All recipients of a request, and what is wrong with which entry."""
        ids = [recipient if isinstance(recipient, str) else recipient.user_id for recipient in entries]
        missing = self.directory.missing([name for name in ids if name is not None])
        faults = [(f"recipients[{n}]", NO_RECIPIENT) for n, name in enumerate(ids) if name in missing]
        if all(isinstance(recipient, str) for recipient in entries):
            return NamedIds(tuple(dict.fromkeys(name for name in ids if name is not None)), (), tuple(faults))
        people: dict[str, Addressee] = {}
        for number, entry in enumerate(entries):
            person = self._addressee(entry, language)
            if not isinstance(person, Addressee):
                faults += [(f"recipients[{number}]{path}", message) for path, message in person]
            elif people.setdefault(person.name, person) != person:
                faults.append((f"recipients[{number}]", "stands here twice, with other values"))
        return NamedIds(tuple(people), tuple(people.values()), tuple(faults))

    def _addressee(self, entry: str | DescribedEntry, language: str) -> Addressee | Sequence[tuple[str, str]]:
        if isinstance(entry, str):
            return Addressee(entry)
        if faults := list(_faults(entry)):
            return faults
        if entry.user_id is not None:
            return Addressee(entry.user_id, None, entry.variables)
        try:
            profile = self.profiles.parse(_completed(entry.profile, language))
        except ProfileRefused as refused:
            return [(f".{fault.path}", fault.message) for fault in refused.faults if not _is_of_the_id(fault)]
        return addressed(guest(self.keys, profile), entry.variables)


def _faults(entry: DescribedEntry) -> Iterator[tuple[str, str]]:
    if entry.user_id is not None and entry.profile:
        yield "", "name a user_id or say how to reach them, not both"
    if entry.user_id is None and not {"email", "phone"} & entry.profile.keys():
        yield "", "needs a user_id, an email or a phone"
    if len(exact_json.dumps(entry.variables)) > MAX_VALUES:
        yield ".variables", f"may have {MAX_VALUES:,} characters as JSON"


def _completed(profile: Mapping[str, object], language: str) -> Mapping[str, object]:
    """The profile with what it leaves out: the message's language, and the channel of its only address."""
    preference = "email" if profile.get("email") and not profile.get("phone") else "sms"
    return {"user_id": "guest", "language": language, "preference": preference, **profile}


def _is_of_the_id(fault: Fault) -> bool:
    return fault.path == "user_id"
