"""A mail that came back to us, from its bytes (RFC 5322, 2045): whom it answers, what it says, and whether a machine
wrote it (RFC 3834).

Nothing in it is trusted: who wrote it is not even read, since a From line proves nothing.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_bytes
from email.message import Message

from service.channels.email.mailbox.html_text import text_of_html
from service.channels.email.mailbox.parts import content, header
from service.channels.email.mailbox.report import DeliveryReport, is_report, read_report

MAX_MAIL = 256 * 1024
"""Bytes of a mail that are read: the words of an answer, and the status of a report, stand at its beginning."""

MAX_TEXT = 64 * 1024
"""Characters of a mail's text that are read."""

MAX_PARTS = 50
"""Parts of a mail that are looked at."""

_ADDRESSED = ("To", "Cc", "Delivered-To", "X-Original-To", "Envelope-To")
_ANSWERED = ("In-Reply-To", "References")
_MACHINES = ("X-Autoreply", "X-Autorespond", "X-Auto-Response-Suppress", "X-Failed-Recipients", "List-Id")
"""Headers that no mail program puts into what a person writes to one address."""

_IN_BULK = frozenset({"bulk", "junk", "list", "auto_reply"})
_MESSAGE_ID = re.compile(r"<([^<>\s]{1,400})>")
_ROBOT = re.compile(r"(?:^|[<\s])(?:mailer-daemon|postmaster|no-?reply|do-?not-?reply)(?:[+._-][^@<>\s]*)?@", re.I)


@dataclass(frozen=True, slots=True)
class ReceivedMail:
    """One mail.

    `id` is the same for the same mail, however often it is read. `addressed` are the headers that say to whom it went,
    in small letters; `answered` the ids of the messages that it answers, the nearest first. `automatic` when a machine
    wrote it. `text` is what it says, quotes and all.
    """

    id: str
    addressed: str
    answered: tuple[str, ...]
    automatic: bool
    text: str
    report: DeliveryReport | None = None


def parse_mail(raw: bytes) -> ReceivedMail:
    """The mail in `raw`, of which `MAX_MAIL` bytes are read; never raises. What cannot be read counts as automatic."""
    raw = raw[:MAX_MAIL]
    try:
        return _read(message_from_bytes(raw), raw)
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):  # what Python's parser raises
        return ReceivedMail(_name(raw), "", (), automatic=True, text="")


def _read(message: Message, raw: bytes) -> ReceivedMail:
    report = read_report(message) if is_report(message) else None
    return ReceivedMail(
        id=_name(header(message, "Message-ID").strip().encode() or raw),
        addressed=" ".join(_addressed(message)).lower(),
        answered=tuple(_answered(message)),
        automatic=report is not None or _is_automatic(message),
        text="" if report is not None else _text(message)[:MAX_TEXT],
        report=report,
    )


def _name(unique: bytes) -> str:
    return hashlib.sha256(unique).hexdigest()[:32]


def _addressed(message: Message) -> Iterator[str]:
    for name in _ADDRESSED:
        yield from (str(value) for value in message.get_all(name, [])[:MAX_PARTS])


def _answered(message: Message) -> Iterator[str]:
    """The message that is answered, then those before it, the latest first."""
    direct, earlier = (_MESSAGE_ID.findall(header(message, name)) for name in _ANSWERED)
    yield from dict.fromkeys([*direct, *reversed(earlier)])


def _is_automatic(message: Message) -> bool:
    """Whether a machine wrote it: RFC 3834, and what mail servers wrote before it."""
    submitted = header(message, "Auto-Submitted").partition(";")[0].strip().lower()
    return (
        submitted not in ("", "no")
        or header(message, "Precedence").strip().lower() in _IN_BULK
        or header(message, "Return-Path").strip() == "<>"
        or message.get_content_type() == "multipart/report"
        or any(name in message for name in _MACHINES)
        or _ROBOT.search(header(message, "From")) is not None
    )


def _text(message: Message) -> str:
    """The words: the first plain text that says anything, else what the HTML says."""
    plain, pages = [], []
    for number, part in enumerate(message.walk()):
        if number >= MAX_PARTS:
            break
        if part.get_content_disposition() == "attachment":
            continue
        if part.get_content_type() == "text/plain":
            plain.append(content(part))
        elif part.get_content_type() == "text/html":
            pages.append(content(part))
    shown = next((text for text in plain if text.strip()), None)
    return shown if shown is not None else next(map(text_of_html, pages), "")
