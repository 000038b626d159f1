"""Links by which a contact answers on the web: one incident, one contact, one level, for a while."""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count

from itsdangerous import BadData, URLSafeSerializer

from service.channels import CHANNELS
from service.core import Clock, Keyring, TocsinError
from service.escalate.incident import Incident
from service.escalate.items import BY_LINK, MESSAGE, Outgoing, outgoing_of
from service.escalate.policy import PAGING
from service.storage import Store

VALID = timedelta(days=7)
"""How long a link can be used."""

LENGTH = 10
"""Characters of a link: 60 bits."""

TRIES = 30
"""Unknown links a minute from one address."""

MOST_WAITING = 10_000
"""Addresses that one process remembers to wait."""


class LinkRefused(TocsinError):
    """The link was changed, was never one of ours, or is `too_old`."""

    def __init__(self, *, too_old: bool = False) -> None:
        super().__init__("the link is too old" if too_old else "the link is not one of ours")
        self.too_old = too_old


@dataclass(frozen=True, slots=True)
class Link:
    """The address that a message carries, the hash by which it is found, and until when it can be used."""

    url: str
    hash: str
    until: datetime


@dataclass(frozen=True, slots=True)
class Answerer:
    """The contact that a link stands for."""

    incident_id: str
    contact: int
    level: int


class TooManyTries(TocsinError):
    """Too many unknown links came from one address: it must wait."""


class Links:
    """Makes and reads links. `public_url` is where people reach this API.

    A link is ten characters, 60 bits, made of the id of its message, which keeps only their hash. Earlier versions sent
    signed links, which are read until they are too old.
    """

    def __init__(self, keys: Keyring, public_url: str, clock: Clock, store: Store) -> None:
        given = {"digest_method": hashlib.sha256}
        self._signer = URLSafeSerializer(keys.oldest_first, salt="incident-link", signer_kwargs=given)
        self._key = keys.keys[0]
        self._public_url = public_url.rstrip("/")
        self._clock = clock
        self._store = store
        self._waiting: dict[str, datetime] = {}

    def of(self, incident: Incident, outgoing: Outgoing, name: str) -> Link | None:
        """The link for the message with this id: if its channel always has one, or else if the policy wants links."""
        wanted = incident.policy.acknowledge_link or CHANNELS[outgoing.channel].always_linked
        if outgoing.role not in PAGING or not wanted:
            return None
        token = self._token(name)
        return Link(f"{self._public_url}/a/{token}", _hash(token), outgoing.link_until or self._clock.now() + VALID)

    def read(self, token: str, address: str | None = None) -> Answerer:
        """Whom a link stands for; `LinkRefused`. `address` is where the request comes from: `TooManyTries`."""
        if self._clock.now() < self._waiting.get(address or "", self._clock.now()):
            raise TooManyTries("too many links that are none came from this address: wait a minute")
        try:
            return self._found(token) if len(token) == LENGTH else self._signed(token)
        except LinkRefused:
            self._note_miss(address)
            raise

    def _found(self, token: str) -> Answerer:
        items = self._store.by_index(BY_LINK, _hash(token), limit=1).items
        outgoing = next((outgoing_of(item) for item in items if item.kind == MESSAGE), None)
        if outgoing is None or outgoing.link_until is None:
            raise LinkRefused
        if self._clock.now() > outgoing.link_until:
            raise LinkRefused(too_old=True)
        return Answerer(outgoing.incident_id, outgoing.contact, outgoing.level)

    def _signed(self, token: str) -> Answerer:
        try:
            members = self._signer.loads(token)
        except BadData as error:
            raise LinkRefused from error
        match members:
            case [str() as name, int() as contact, int() as level, int() as until]:
                if self._clock.now().timestamp() > until:
                    raise LinkRefused(too_old=True)
                return Answerer(name, contact, level)
            case _:
                raise LinkRefused

    def _token(self, name: str) -> str:
        """The characters of a message's link. Phones leave a sign at its end out of the link, so it ends with a letter
        or a digit."""
        for n in count():
            made = hmac.digest(self._key, f"link {name} {n}".encode(), hashlib.sha256)
            token = base64.urlsafe_b64encode(made)[:LENGTH].decode("ascii")
            if token[0].isalnum() and token[-1].isalnum():
                return token
        raise AssertionError

    def _note_miss(self, address: str | None) -> None:
        """Count an unknown link; an address that tries too often has to wait."""
        if address is None:
            return
        now = self._clock.now()
        free_at = self._store.reserve(f"links:{address}", 1, TRIES / 60, now, burst=TRIES)
        self._waiting = {known: until for known, until in self._waiting.items() if until > now}
        if free_at > now and len(self._waiting) < MOST_WAITING:
            self._waiting[address] = free_at


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
