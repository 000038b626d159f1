"""Upload of files that emails carry."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Annotated

from flask import Blueprint
from pydantic import Field

from service.core import Clock, Scope
from service.http import Answer, Caller, FieldError, Format, Query, Shown, endpoint, invalid
from service.messages import MAX_ATTACHMENT_NAME, MAX_ATTACHMENT_SIZE, AttachmentRefused, Attachments
from service.notify.api.audit_entries import entry


class AttachmentQuery(Query):
    """What a file is."""

    name: Annotated[str, Field(max_length=MAX_ATTACHMENT_NAME, description="As the reader sees it, such as menu.pdf.")]
    type: Annotated[str | None, Field(max_length=121, description="Its media type; else by its name.")] = None


class AttachmentKept(Shown):
    """A file that notifications can name in `attachments` until `expires_at`."""

    attachment_id: str
    name: str
    type: str
    size: int
    expires_at: datetime


def blueprint(attachments: Attachments, clock: Clock) -> Blueprint:
    """`POST /v1/attachments`."""
    routes = Blueprint("attachments", __name__)

    @endpoint(
        routes,
        "POST",
        "/v1/attachments",
        summary="Upload a file for emails",
        scope=Scope.NOTIFY,
        body=[Format("application/octet-stream", lambda raw: raw)],
        body_limit=MAX_ATTACHMENT_SIZE,
        query=AttachmentQuery,
        answers={201: AttachmentKept},
    )
    def upload_attachment(body: bytes, query: AttachmentQuery, caller: Caller) -> Answer:
        """Up to 7 MiB, kept for thirty days; all files of a key take at most 100 MiB.

        Notifications name it in `attachments`.
        """
        audit = replace(entry(clock, "attachment", caller, query.name), raw_data="")  # its bytes are no line of a log
        try:
            name, file = attachments.keep(caller.app, query.name, query.type, body, audit)
        except AttachmentRefused as error:
            raise invalid([FieldError(error.of, str(error))]) from error
        kept = AttachmentKept(
            attachment_id=name, name=file.name, type=file.media_type, size=file.size, expires_at=file.until
        )
        return Answer(kept)

    return routes
