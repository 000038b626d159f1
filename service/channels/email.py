"""An email as MIME: what SMTP and SES carry (RFC 5322, 2369, 3282, 3834, 8058)."""

from __future__ import annotations

import re
from datetime import datetime
from email.errors import HeaderParseError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8
from email.utils import format_datetime

import idna

from service.channels import Email
from service.errors import TocsinError

MAX_LINE = 998
"""Characters of a line of an email (RFC 5322, section 2.1.1)."""

MAX_SUBJECT = 255
"""Characters of a subject that are kept; the rest is cut with an ellipsis."""


PLAIN, INTERNATIONAL = SMTP.clone(max_line_length=990), SMTPUTF8.clone(max_line_length=990)
"""How messages are written: lines below the 998 characters of RFC 5322. Folded at 78, a long link without a space would
become an encoded word, which no mail program takes for an address."""


class Unaddressable(TocsinError):
    """An address that no mail can be addressed to. The text never holds the address."""


def compose(email: Email, sender: Address, at: datetime) -> EmailMessage:
    """The message that is sent; `Unaddressable` if its address cannot stand in a header.

    No value can add a header: each is parsed as what it is, and the subject is one line of printable text.
    """
    message = EmailMessage(policy=PLAIN)
    message["From"] = sender
    message["To"] = _address(email.to)
    message["Subject"] = _one_line(email.subject)
    message["Date"] = format_datetime(at)
    message["Message-ID"] = f"<{email.reference.delivery_id}.{email.reference.attempt}@{sender.domain}>"
    message["Auto-Submitted"] = "auto-generated"
    if email.unsubscribe_url is not None:
        message["List-Unsubscribe"] = f"<{_one_line(email.unsubscribe_url)}>"
        message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    message.set_content(email.text)
    message.add_alternative(email.html, subtype="html")
    message["Content-Language"] = str(email.language)  # not before: content headers move into the first part
    return message


def parse_sender(text: str) -> Address:
    """The sender that `Tocsin <alerts@example.com>` names; `Unaddressable` for anything but one address."""
    if len(text) > MAX_LINE:
        raise Unaddressable(f"the sender has {len(text):,} characters; {MAX_LINE} are allowed")
    probe = EmailMessage(policy=SMTP)
    try:
        probe["From"] = text
        (sender,) = probe["From"].addresses
    except (ValueError, HeaderParseError):
        raise Unaddressable("the sender is not one email address: write it like Tocsin <alerts@example.com>") from None
    if not isinstance(sender, Address) or not sender.domain:
        raise Unaddressable("the sender has no domain: write it like Tocsin <alerts@example.com>")
    return sender


def _address(text: str) -> Address:
    """The address with its domain in ASCII (RFC 5891); its local part may be in any script (RFC 6531)."""
    local, _, domain = text.rpartition("@")
    try:
        address = Address(username=local, domain=idna.encode(domain, uts46=True).decode())
    except (ValueError, HeaderParseError):
        address = Address()
    if not address.username or not address.domain:
        raise Unaddressable("the email address cannot be written to: correct it in the recipient's profile")
    return address


def _one_line(text: str) -> str:
    line = re.sub(r"\s+", " ", "".join(c if c.isprintable() else " " for c in text)).strip()
    return line if len(line) <= MAX_SUBJECT else line[: MAX_SUBJECT - 1] + "…"
