"""Calendar feeds of rosters: who subscribed, each with a token of its own. Calendars send no API key.

A token is the id of its calendar and a secret of 256 random bits, of which only a digest is stored.
"""

from __future__ import annotations

import hmac
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from service.core import Clock, TocsinError, from_state, ids, to_state
from service.storage import Conflict, Item, Store

KIND = "roster-calendar"
INDEX = "roster-calendars"
"""Index of the calendars of a roster, by its name."""

MAX_CALENDARS = 200
"""Calendars of one roster."""

_TOKEN = re.compile(r"([0-9a-z]{26})-([A-Za-z0-9_-]{43})")


class UnknownCalendar(TocsinError):
    """No calendar has this id, or a token of it was revoked."""


class TooManyCalendars(TocsinError):
    """A roster has as many calendars as there may be."""


@dataclass(frozen=True, slots=True)
class Calendar:
    """One subscription; `label` says whose it is."""

    calendar_id: str
    roster: str
    label: str
    digest: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Calendars:
    """The calendars of an installation."""

    store: Store
    clock: Clock

    def create(self, roster: str, label: str) -> tuple[Calendar, str]:
        """A new calendar and its token, which is nowhere stored and cannot be shown again; `TooManyCalendars`."""
        if len(self.of(roster)) >= MAX_CALENDARS:
            raise TooManyCalendars(f"The roster {roster} has {MAX_CALENDARS} calendars: revoke one first.")
        now, secret = self.clock.now(), secrets.token_urlsafe(32)
        calendar = Calendar(ids.fresh(now), roster, label, _digest(secret), now)
        self.store.add(Item(_item_id(calendar.calendar_id), KIND, to_state(calendar), keys={INDEX: roster}))
        return calendar, f"{calendar.calendar_id}-{secret}"

    def of(self, roster: str) -> Sequence[Calendar]:
        """The calendars of a roster, oldest first."""
        items = self.store.by_index(INDEX, roster, limit=MAX_CALENDARS).items
        return [from_state(Calendar, item.state) for item in items]

    def revoke(self, calendar_id: str) -> Calendar:
        """End a calendar at once, wherever its address is known; `UnknownCalendar`."""
        while True:
            item = self._item(calendar_id)
            try:
                self.store.remove(item)
            except Conflict:
                continue
            return from_state(Calendar, item.state)

    def by_token(self, token: str) -> Calendar:
        """The calendar of a token; `UnknownCalendar` for any other text, and once it is revoked."""
        shape = _TOKEN.fullmatch(token)
        calendar = None if shape is None else from_state(Calendar, self._item(shape[1]).state)
        if shape is None or calendar is None or not hmac.compare_digest(_digest(shape[2]), calendar.digest):
            raise UnknownCalendar("There is no such calendar.")
        return calendar

    def _item(self, calendar_id: str) -> Item:
        item = self.store.get(_item_id(calendar_id))
        if item is None or item.kind != KIND:
            raise UnknownCalendar("There is no such calendar.")
        return item


def path_of(roster: str, token: str) -> str:
    """The path of a calendar's feed."""
    return f"/v1/rosters/{roster}/calendar/{token}.ics"


def _digest(secret: str) -> str:
    return sha256(secret.encode("ascii")).hexdigest()


def _item_id(calendar_id: str) -> str:
    return f"{KIND}-{calendar_id}"
