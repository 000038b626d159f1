"""An incident as it is kept and as it is shown: its state, its timeline, and what it was asked for with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from service.channels import OWN_FIELDS, masked, own_addresses
from service.core import timestamp
from service.escalate.effects import Effects, Entry, TimelineKind
from service.escalate.incident import Contact, Incident
from service.escalate.states import Acknowledged, Cancelled, Open, Resolved, Unacknowledged
from service.escalate.timeline import sentence_of

MAX_TIMELINE = 800
"""Lines that a timeline has room for; answers to replies that change nothing are left out beyond half of them."""

MASKED = "…"
"""What stands for a contact's words without the scope `pii`."""

FIRST_LINES = 50
"""The first lines of a timeline, which always stay."""


@dataclass(frozen=True, slots=True)
class IncidentRecord:
    """What the store holds of one incident. `sha256` is of what was asked for; `app` asked for it.

    `told` counts the callbacks of each step. `dedup_key` is the app's name for the alert. `listed` says
    that an item beside it stands for it in the list of all; earlier versions made none. `review` is the item of the
    review that YES or NO decides too.
    """

    incident: Incident
    app: str
    sha256: str
    timeline: tuple[Entry, ...] = ()
    callback_url: str | None = None
    reference: str | None = None
    told: Mapping[str, int] = field(default_factory=dict)
    dedup_key: str | None = None
    listed: bool = False
    review: str | None = None

    def after(self, incident: Incident, effects: Effects) -> IncidentRecord:
        """The record after a transition."""
        changed_nothing = incident.state == self.incident.state and all(m.passive for m in effects.messages)
        if changed_nothing and len(self.timeline) > MAX_TIMELINE // 2:
            return replace(self, incident=incident)
        return replace(self, incident=incident, timeline=_fitting(self.timeline + effects.timeline))


def _fitting(timeline: tuple[Entry, ...]) -> tuple[Entry, ...]:
    """As many lines as there is room for: how it began, and the latest."""
    if len(timeline) <= MAX_TIMELINE:
        return timeline
    return timeline[:FIRST_LINES] + timeline[FIRST_LINES - MAX_TIMELINE :]


def shown(record: IncidentRecord, *, with_contact_data: bool) -> dict[str, object]:
    """The incident as the API answers it; phones and addresses in full only `with_contact_data`."""
    incident = record.incident
    return {
        "incident_id": incident.id,
        **_state(incident),
        "description": incident.description,
        "url": incident.url,
        "policy": incident.policy.name,
        "opened_at": timestamp(incident.opened_at),
        "dedup_key": record.dedup_key,
        "times": incident.times,
        "callback_url": record.callback_url,
        "reference": record.reference,
        "contacts": [_contact(incident, contact, with_contact_data) for contact in incident.contacts],
        "timeline": [
            {"at": line.pop("at"), "event": line.pop("event"), "text": sentence_of(entry, incident), **line}
            | _words(entry, with_contact_data)
            for entry, line in zip(record.timeline, lines(record.timeline), strict=True)
        ],
        **as_the_sample(incident),
    }


def _words(entry: Entry, in_full: bool) -> dict[str, object]:
    """What a contact wrote: personal data, as their phone is."""
    if entry.words is None or entry.kind is TimelineKind.NOTE:
        return {}
    return {"words": entry.words if in_full else MASKED}


def as_the_sample(incident: Incident) -> dict[str, object]:
    """The two fields in which readers of the sample find the state of an incident."""
    stat = "not_acknowledged" if isinstance(incident.state, Open) else incident.state.name
    return {"incident_stat": stat, "double_escalation": "yes" if incident.escalated else "no"}


def _state(incident: Incident) -> dict[str, object]:
    match incident.state:
        case Open(level=level, attempt=attempt, due_at=due_at):
            return {"state": "open", "level": level, "attempt": attempt, "next_timer_at": timestamp(due_at)}
        case Acknowledged(at=at, by=by, contact=contact, due_at=due_at):
            renewal = {} if due_at is None else {"next_timer_at": timestamp(due_at)}
            return {
                "state": "acknowledged",
                "acknowledged_by": by,
                "contact": contact,
                "ended_at": timestamp(at),
                **renewal,
            }
        case Resolved(at=at, by=by, contact=contact):
            return {"state": "resolved", "resolved_by": by, "contact": contact, "ended_at": timestamp(at)}
        case Unacknowledged(at=at, why=why):
            return {"state": "unacknowledged", "why": why.value, "ended_at": timestamp(at)}
        case Cancelled(at=at, by=by, declined=declined):
            reason = "declined" if declined else "called off"
            return {"state": "cancelled", "why": reason, "cancelled_by": by, "ended_at": timestamp(at)}


def _contact(incident: Incident, contact: Contact, in_full: bool) -> dict[str, object]:
    codes = [page.code for page in incident.pages if page.contact == contact.number and page.code is not None]
    known = {
        "name": contact.name,
        "recipient": contact.recipient,
        "roster": contact.roster,
        "on_call": contact.on_call,
        "phone": contact.phone if in_full else masked(contact.phone),
        "email": contact.email if in_full else masked(contact.email),
        **{name: text if in_full else OWN_FIELDS[name].masked(text) for name, text in own_addresses(contact).items()},
        "language": contact.language,
        "timezone": contact.timezone,
        "codes": codes or None,
    }
    return {"number": contact.number, **{name: value for name, value in known.items() if value is not None}}


def lines(timeline: Sequence[Entry]) -> list[dict[str, object]]:
    """Lines of a timeline as JSON, contacts by number alone, without what people wrote."""
    return [{name: value for name, value in _line(entry).items() if value is not None} for entry in timeline]


def _line(entry: Entry) -> dict[str, object]:
    return {
        "at": timestamp(entry.at),
        "event": entry.kind.value,
        "level": entry.level,
        "contact": entry.contact,
        "channel": entry.channel and entry.channel.value,
        "message": entry.role and entry.role.value,
        "why": entry.why,
    } | _who_acted(entry)


def _who_acted(entry: Entry) -> dict[str, object]:
    origin = entry.origin
    if origin is None:
        return {}
    return {"via": origin.via.value, "app": origin.app, "key": origin.key, "request_id": origin.request}
