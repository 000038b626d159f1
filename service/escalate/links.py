"""Signed links by which a contact answers on the web: one incident, one contact, one level, for a while."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from itsdangerous import BadData, URLSafeTimedSerializer

from service.errors import TocsinError
from service.escalate.incident import Incident
from service.escalate.items import Outgoing

VALID = timedelta(days=7)
"""How long a link can be used."""


class LinkRefused(TocsinError):
    """The link was changed, is too old, or was never one of ours."""


@dataclass(frozen=True, slots=True)
class Answerer:
    """Whom a link stands for."""

    incident_id: str
    contact: int
    level: int


class Links:
    """Makes and reads links. `public_url` is where people reach this API."""

    def __init__(self, secret: bytes, public_url: str) -> None:
        self._signer = URLSafeTimedSerializer(secret, salt="incident-link")
        self._public_url = public_url.rstrip("/")

    def of(self, incident: Incident, outgoing: Outgoing) -> str | None:
        """The link for one message, if the policy wants links."""
        if not incident.policy.acknowledge_link:
            return None
        token = self._signer.dumps([incident.id, outgoing.contact, outgoing.level])
        return f"{self._public_url}/a/{token}"

    def read(self, token: str) -> Answerer:
        """Whom a link stands for; `LinkRefused`."""
        try:
            members = self._signer.loads(token, max_age=int(VALID.total_seconds()))
        except BadData as error:
            raise LinkRefused("This link is not valid any more. Answer the message itself instead.") from error
        match members:
            case [str() as name, int() as contact, int() as level]:
                return Answerer(name, contact, level)
            case _:
                raise LinkRefused("This link is not one of ours.")
