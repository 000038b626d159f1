"""Headers and contents of a mail's parts, whatever stands in them."""

from __future__ import annotations

from email.message import Message

MAX_HEADER = 8 * 1024
"""Characters of one header that are read."""


def header(message: Message, name: str) -> str:
    """A header's text on one line; empty where there is none."""
    return " ".join(str(message.get(name, ""))[:MAX_HEADER].split())


def content(part: Message) -> str:
    """A part's text; a letter that its character set does not hold becomes U+FFFD."""
    payload = part.get_payload(decode=True)
    if not isinstance(payload, bytes):
        return ""
    try:
        return payload.decode(part.get_content_charset("utf-8"), "replace")
    except LookupError:
        return payload.decode("utf-8", "replace")
