"""The work that Tocsin, the floor and Celery all do: who reads, what they read, and the rows of one delivery."""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from service.channels.contact_keys import ContactKeys
from service.channels.outbox import KEPT
from service.channels.phones import Phone
from service.core import ids
from service.core.clock import timestamp
from service.core.enums import Channel
from service.core.language_tags import parse_tag
from service.language import Translation
from service.language.embedded.catalogue import read_catalogues
from service.messages.render import Rendition, email_text, rendition, sms_text
from service.messages.templates import announcement
from service.notify.model import BATCH_SIZE
from service.notify.model.list_keys import DELIVERIES_OF
from service.recipients import Recipient
from service.storage.commits import micros
from service.storage.sqlite.schema import migrate

TEXT = (
    "The company is adding a new item to the menu, this will go live by May 10th. "
    "Please ensure you are prepared for this change and plan out accordingly."
)
LANGUAGES = ("en", "de", "fr", "es")
CATALOGUES = Path(__file__).parents[1] / "templates" / "catalogues"

ItemRow = tuple[str, str, str, str, str, int | None, int, int, int | None]
KeyRow = tuple[str, str, str]

INSERT_ITEM = "INSERT INTO items VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
INSERT_KEY = "INSERT INTO item_keys VALUES (?, ?, ?)"

_ENCODER = msgspec.json.Encoder()


def people(number: int) -> Iterator[Recipient]:
    """Readers in four languages, every other by email, the rest by SMS."""
    phone = Phone("+447700900123", "GB", reserved=True)
    for index in range(number):
        channel = Channel.EMAIL if index % 2 else Channel.SMS
        language = LANGUAGES[index // 2 % 4]
        yield Recipient(f"p{index:06d}", f"P{index}", language, channel, f"p{index}@example.com", phone)


def renditions() -> Mapping[str, Rendition]:
    """The announcement in each language, ready to be filled."""
    source, catalogues = parse_tag("en"), read_catalogues(CATALOGUES)
    template = announcement(TEXT, source, None)
    made = {"en": rendition(template, source, "source", {})}
    for language in LANGUAGES[1:]:
        said = catalogues.translate(TEXT, source, parse_tag(language))
        assert isinstance(said, Translation)
        made[language] = rendition(template, parse_tag(language), "catalogue", {TEXT: said.text})
    return made


def open_file(path: Path) -> sqlite3.Connection:
    """A file like the service's own: the same tables, WAL, FULL. Keys are written by whoever writes the items."""
    connection = sqlite3.connect(path, isolation_level=None, timeout=60)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    migrate(connection)
    connection.execute("DROP TRIGGER item_added")
    return connection


class Rows:
    """The rows of one delivery through the outbox, made with as little ado as Python allows."""

    def __init__(self) -> None:
        self._renditions = renditions()
        self._keys = ContactKeys(secrets.token_bytes(32))

    def of(self, number: int, person: Recipient) -> tuple[Sequence[ItemRow], Sequence[KeyRow]]:
        """The delivery record and the outbox record, and the rows by which they are looked up."""
        now = datetime.now(UTC)
        entry_id, delivery_id, at = f"outbox-{ids.fresh(now)}", f"n1-{number:06d}", timestamp(now)
        channel, to, said = self._said(person)
        delivery = {
            "id": delivery_id,
            "notification_id": "n1",
            "recipient_id": person.user_id,
            "page": (number - 1) // BATCH_SIZE + 1,
            "status": "accepted",
            "channel": channel,
            "language": person.language,
            "attempt": 1,
            "provider_id": entry_id,
            "detail": None,
            "retry_at": None,
            "paced": False,
            "changed_at": at,
        }
        entry = {
            "channel": channel,
            "language": person.language,
            "at": at,
            "delivery_id": delivery_id,
            "attempt": 1,
            **said,
            "audio_chunks": 0,
            "seconds": None,
        }
        keys = {"outbox": "all", "outbox-channel": channel, "outbox-to": to}
        of, forget = {DELIVERIES_OF: person.user_id}, micros(now + KEPT)
        return (
            (delivery_id, "delivery", "bulk", _json(delivery), _json(of), None, 1, 0, None),
            (entry_id, "outbox", "transactional", _json(entry), _json(keys), None, 1, 0, forget),
        ), [(DELIVERIES_OF, person.user_id, delivery_id), *((name, value, entry_id) for name, value in keys.items())]

    def _said(self, person: Recipient) -> tuple[str, str, Mapping[str, str | None]]:
        what = self._renditions[person.language]
        variables = {"first_name": person.first_name, "user_id": person.user_id}
        if person.preference is Channel.EMAIL:
            assert person.email is not None
            mail = email_text(what, variables)
            said = {"to": person.email, "text": mail.text, "subject": mail.subject, "html": mail.html}
            return "email", self._keys.email(person.email), said
        assert person.phone is not None
        text = sms_text(what, variables)
        said_by_sms = {"to": person.phone.e164, "text": text, "subject": None, "html": None}
        return "sms", self._keys.phone(person.phone.e164), said_by_sms


def _json(document: object) -> str:
    return _ENCODER.encode(document).decode()
