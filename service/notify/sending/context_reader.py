"""Reads what is known of the readers of a batch: profiles, opt-outs, renditions, whether all of it was cancelled."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from msgspec import structs

from service.channels import CHANNELS, ContactKind
from service.core import Lane
from service.messages import OptOut, OptOuts, Rendition
from service.notify.audience import Addressees, people_in
from service.notify.cancel import is_cancelled
from service.notify.model import DeliveryBatch, Notification
from service.notify.sending.copies import BatchContext
from service.notify.sending.plan import DeliveryPolicy
from service.notify.texts import Renditions
from service.recipients import Directory, Recipient
from service.storage import Store


@dataclass(frozen=True, slots=True)
class ContextReader:
    """Reads the context of a batch in a few calls, whatever its size; `Unavailable` if a translator does not answer."""

    store: Store
    directory: Directory
    addressees: Addressees
    renditions: Renditions
    opt_outs: OptOuts
    policy: DeliveryPolicy

    def read(self, batch: DeliveryBatch, notification: Notification, now: datetime) -> BatchContext:
        """What is known now of those whose copies are still to be sent."""
        names = [batch.recipients[name] for name in batch.left]
        described = self.addressees.of(notification, names)
        people = self._people(names, people_in(described))
        languages = {person.language for person in people.values()}
        renditions = {language: self.renditions.get(notification, language) for language in languages}
        reached, notes = _reached(people, renditions, self.policy)
        return BatchContext(
            notification,
            reached,
            refusing=_refusing(reached.values(), notification.lane, self.opt_outs),
            renditions=renditions,
            at=now,
            is_cancelled=is_cancelled(self.store, notification.id),
            own_values={name: addressee.variables for name, addressee in described.items() if addressee.variables},
            notes=notes,
        )

    def _people(self, names: Sequence[str], came_along: Mapping[str, Recipient]) -> Mapping[str, Recipient]:
        """Profiles by id: those that the request described itself, and those that are stored here."""
        stored = self.directory.get_lately([name for name in names if name not in came_along])
        return {**stored, **came_along}


def _reached(
    people: Mapping[str, Recipient], renditions: Mapping[str, Rendition | None], policy: DeliveryPolicy
) -> tuple[Mapping[str, Recipient], Mapping[str, str]]:
    """People by the channel that reaches them, with a note for each to whom no call can be read out."""
    notes: dict[str, str] = {}
    reached: dict[str, Recipient] = {}
    for name, person in people.items():
        rendition = renditions[person.language]
        channel = policy.instead_of_a_call(person, rendition)
        reached[name] = person if channel is None else structs.replace(person, preference=channel)
        if channel is not None and rendition is not None:
            notes[name] = f"no voice speaks {rendition.language}: sent by {channel.value} instead"
    return reached, notes


def _refusing(people: Iterable[Recipient], lane: Lane, opt_outs: OptOuts) -> Mapping[str, OptOut]:
    """Ids of those who want nothing of a lane on their channel, and why."""
    contacts: dict[ContactKind, dict[str, str]] = {ContactKind.PHONE: {}, ContactKind.EMAIL: {}}
    for person in people:
        kind, address = CHANNELS[person.preference].opted_out_by, person.address
        if kind is not None and address:
            contacts[kind][person.user_id] = address
    phones, mails = contacts[ContactKind.PHONE], contacts[ContactKind.EMAIL]
    refused = opt_outs.among(set(phones.values()), set(mails.values()), lane)
    return {name: refused[address] for name, address in (phones | mails).items() if address in refused}
