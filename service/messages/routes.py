"""The outbox over HTTP: what was "sent" here, decoded."""

from __future__ import annotations

from collections.abc import Mapping

from flask import Blueprint
from pydantic import Field

from service.channels import ContactRefused, Outbox, OutboxItem, asked_contact
from service.core import Channel, Scope, timestamp
from service.http import Answer, Cursor, FieldError, Limit, Query, Shown, endpoint, invalid, not_found

OUTBOX_LIST = "/v1/outbox"


class OutboxQuery(Query):
    """Which messages."""

    to: str | None = Field(None, max_length=320, description="A phone (E.164) or an email address.")
    channel: Channel | None = None
    cursor: Cursor | None = None
    limit: Limit = 50


class OutboxMessage(Shown):
    """A message as its reader has it; `audio` is the address of what is heard."""

    id: str
    channel: Channel
    to: str
    subject: str | None = None
    text: str
    html: str | None = None
    audio: str | None = None
    language: str
    at: str
    delivery_id: str


class Messages(Shown):
    """Messages, newest first."""

    items: tuple[OutboxMessage, ...]
    next_cursor: str | None


def blueprint(outbox: Outbox) -> Blueprint:
    """The calls about the outbox."""
    routes = Blueprint("outbox", __name__)
    _add_list(routes, outbox)
    _add_audio(routes, outbox)
    return routes


def _add_list(routes: Blueprint, outbox: Outbox) -> None:
    @endpoint(
        routes,
        "GET",
        OUTBOX_LIST,
        summary="List what was sent here",
        scope=Scope.ADMIN,
        query=OutboxQuery,
        answers={200: Messages},
    )
    def list_outbox(query: OutboxQuery) -> Mapping[str, object]:
        """Newest first. Channels that have a provider leave nothing here."""
        to = contact_in_query("to", query.to) if query.to else None
        page = outbox.entries(to=to, channel=query.channel, cursor=query.cursor, limit=query.limit)
        return {"items": [sent_as_json(sent) for sent in page.items], "next_cursor": page.cursor}


def _add_audio(routes: Blueprint, outbox: Outbox) -> None:
    @endpoint(
        routes,
        "GET",
        "/v1/outbox/<entry_id>.mp3",
        summary="Hear a voice message",
        scope=Scope.ADMIN,
        answers={200: None},
        media_type="audio/mpeg",
    )
    def hear_outbox(entry_id: str) -> Answer:
        """The speech as MP3."""
        if (mp3 := outbox.mp3(entry_id)) is None:
            raise not_found(f"There is no voice message {entry_id!r}.")
        return Answer(mp3, media_type="audio/mpeg")


def sent_as_json(sent: OutboxItem) -> Mapping[str, object]:
    """A message as the API and the command line show it."""
    entry = sent.entry
    return {
        "id": sent.id,
        "channel": entry.channel.value,
        "to": entry.to,
        "subject": entry.subject,
        "text": entry.text,
        "html": entry.html,
        "audio": f"/v1/outbox/{sent.id}.mp3" if entry.audio_chunks else None,
        "language": entry.language,
        "at": timestamp(entry.at),
        "delivery_id": entry.delivery_id,
    }


def contact_in_query(name: str, written: str) -> str:
    """The address or phone of a parameter, or the address of a chat room; 422 says how to write one."""
    if "://" in written:
        return written.strip()
    try:
        return asked_contact(written)
    except ContactRefused as error:
        raise invalid([FieldError(name, str(error))]) from error
