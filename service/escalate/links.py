"""Signed links by which a contact answers on the web: one incident, one contact, one level, for a while."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import timedelta

from itsdangerous import BadData, URLSafeSerializer

from service.core.clock import Clock
from service.core.enums import Channel
from service.core.errors import TocsinError
from service.core.secrets import Keyring
from service.escalate.incident import Incident
from service.escalate.items import Outgoing

VALID = timedelta(days=7)
"""How long a link can be used."""


class LinkRefused(TocsinError):
    """The link was changed, was never one of ours, or is `too_old`."""

    def __init__(self, *, too_old: bool = False) -> None:
        super().__init__("the link is too old" if too_old else "the link is not one of ours")
        self.too_old = too_old


@dataclass(frozen=True, slots=True)
class Answerer:
    """Whom a link stands for."""

    incident_id: str
    contact: int
    level: int


class Links:
    """Makes and reads links. `public_url` is where people reach this API."""

    def __init__(self, keys: Keyring, public_url: str, clock: Clock) -> None:
        given = {"digest_method": hashlib.sha256}
        self._signer = URLSafeSerializer(keys.oldest_first, salt="incident-link", signer_kwargs=given)
        self._public_url = public_url.rstrip("/")
        self._clock = clock

    def of(self, incident: Incident, outgoing: Outgoing) -> str | None:
        """The link for one message: in every mail that asks, elsewhere if the policy wants links."""
        if not incident.policy.acknowledge_link and outgoing.channel is not Channel.EMAIL:
            return None
        until = int((self._clock.now() + VALID).timestamp())
        token = self._signer.dumps([incident.id, outgoing.contact, outgoing.level, until])
        return f"{self._public_url}/a/{token}"

    def read(self, token: str) -> Answerer:
        """Whom a link stands for; `LinkRefused`."""
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
