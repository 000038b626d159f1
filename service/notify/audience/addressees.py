"""Recipients that a request describes itself: a profile that is stored with the notification alone, or own values.

They stand in items of their own beside the notification, some in each, so that a thousand of them fit.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from msgspec import structs

from service.channels import ContactKeys
from service.core import Channel, from_state, to_state
from service.notify.model import Notification
from service.recipients import Recipient
from service.storage import Item, Store

KIND = "addressees"
GUEST = "guest."
"""How the ids of people begin who have no profile here; ids of profiles have no dot."""

TOGETHER = 50
"""Addressees of one item."""

KEPT_FOR = timedelta(days=30)
"""How long contact data that came with a notification is kept after it leaves."""

MAX_VALUES = 4_000
"""Characters of the values of one addressee, as JSON: fifty of them fit an item."""


@dataclass(frozen=True, slots=True)
class Addressee:
    """One recipient of a request, and the values of their own: numbers with exactly the digits that were sent.

    `profile` is stored nowhere else, as a `Recipient` is written; None for somebody whose profile is here.
    """

    name: str
    profile: Mapping[str, object] | None = None
    variables: Mapping[str, object] = field(default_factory=dict)

    @property
    def person(self) -> Recipient | None:
        """The profile that came with the request."""
        return None if self.profile is None else from_state(Recipient, self.profile)


@dataclass(frozen=True, slots=True)
class AddresseeBatch:
    """Some addressees of a notification, by the ids under which it names them."""

    people: Mapping[str, Addressee]


@dataclass(frozen=True, slots=True)
class Addressees:
    """Stores and reads addressees."""

    store: Store

    def of(self, notification: Notification, names: Iterable[str]) -> Mapping[str, Addressee]:
        """Those of some recipients of a notification that it describes itself."""
        if not notification.describes_recipients:
            return {}
        wanted = set(names)
        places = {place // TOGETHER for place, name in enumerate(notification.recipients) if name in wanted}
        items = self.store.get_many([addressees_id(notification.id, number) for number in sorted(places)])
        people = (from_state(AddresseeBatch, item.state).people for item in items.values())
        return {name: addressee for some in people for name, addressee in some.items() if name in wanted}


def people_in(addressees: Mapping[str, Addressee]) -> Mapping[str, Recipient]:
    """The profiles that came with a request, by their ids."""
    people = {name: addressee.person for name, addressee in addressees.items()}
    return {name: person for name, person in people.items() if person is not None}


def is_guest(recipient_id: str) -> bool:
    """Whether somebody's profile came with a request, and is stored nowhere else."""
    return recipient_id.startswith(GUEST)


def guest(keys: ContactKeys, profile: Recipient) -> Recipient:
    """The profile under the id of its address: the same address has the same id in every notification, as a person's
    pace and history need it."""
    is_mail = profile.preference is Channel.EMAIL
    key = keys.email(profile.email or "") if is_mail else keys.phone(profile.phone.e164 if profile.phone else "")
    return structs.replace(profile, user_id=f"{GUEST}{key}")


def addressed(profile: Recipient, variables: Mapping[str, object]) -> Addressee:
    """Somebody who has no profile here."""
    return Addressee(profile.user_id, to_state(profile), variables)


def addressee_items(notification: Notification, people: Sequence[Addressee]) -> Sequence[Item]:
    """The items of a notification's addressees, in the order in which it names them."""
    if not people:
        return ()
    leaves_at: datetime = max(notification.accepted_at, notification.send_at or notification.accepted_at)
    by_name = {addressee.name: addressee for addressee in people}
    ordered = [by_name[name] for name in notification.recipients]
    return [
        Item(
            addressees_id(notification.id, start // TOGETHER),
            KIND,
            to_state(AddresseeBatch({addressee.name: addressee for addressee in ordered[start : start + TOGETHER]})),
            expires_at=leaves_at + KEPT_FOR,
        )
        for start in range(0, len(ordered), TOGETHER)
    ]


def addressees_id(notification_id: str, number: int) -> str:
    """The id of a batch."""
    return f"{notification_id}-to-{number:03d}"
