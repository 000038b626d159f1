"""An email as MIME: what SMTP and SES carry (RFC 5322, 2369, 3282, 3834, 8058)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from email.errors import HeaderParseError
from email.header import Header
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP, EmailPolicy
from email.utils import format_datetime, formataddr

import idna
from email_validator import EmailNotValidError, validate_email

from service.channels.message import Email
from service.core import TocsinError, is_readable_on_the_way

MAX_LINE = 998
"""Characters of a line of an email (RFC 5322, section 2.1.1)."""

MAX_ADDRESS = 254
"""Characters of an address (RFC 3696, erratum 1690)."""

MAX_SUBJECT = 255
"""Characters of a subject that are kept; the rest is cut with an ellipsis."""


FOLDED = frozenset({"subject", "from", "to"})
"""Headers whose encoded words have at most 75 characters, in lines of at most 76 (RFC 2047, section 2)."""


class MailPolicy(EmailPolicy):
    """How mails are written: lines below the 998 characters of RFC 5322, and only ASCII, for not every server takes
    more. What people read in a header is folded at 76; a long link, so folded, would become an encoded word, which no
    mail program takes for an address."""

    def fold_binary(self, name: str, value: str) -> bytes:
        """A header as it is sent."""
        if self.utf8 or self.max_line_length != _LONG or name.lower() not in FOLDED or value.isascii():
            return super().fold_binary(name, value)
        if name.lower() == "subject":  # the newer way of folding loses blanks between encoded words
            text = Header(str(value), "utf-8", header_name=name, maxlinelen=_LINE).encode(linesep=self.linesep)
            return f"{name}: {text}{self.linesep}".encode("ascii")
        return self.clone(max_line_length=_LINE).fold_binary(name, value)


_LONG, _LINE = 990, 76
PLAIN = MailPolicy(linesep="\r\n", max_line_length=_LONG, cte_type="7bit")
INTERNATIONAL = PLAIN.clone(utf8=True)


class Unaddressable(TocsinError):
    """An address that no mail can be addressed to. The text never holds the address."""


def compose(email: Email, sender: Address, at: datetime, stamp: str | None = None) -> EmailMessage:
    """The message that is sent; `Unaddressable` if its address cannot stand in a header.

    `stamp` is what its Message-ID says before the `@`; without one, the delivery and the attempt. No value can add a
    header: each is parsed as what it is, and the subject is one line of printable text.
    """
    message = EmailMessage(policy=PLAIN)
    message["From"] = sender
    message["To"] = _address(email.to)
    message["Subject"] = _one_line(email.subject)
    message["Date"] = format_datetime(at)
    name = stamp or f"{email.reference.delivery_id}.{email.reference.attempt}"
    message["Message-ID"] = f"<{name}@{sender.domain}>"
    if email.reply_to is not None:
        message["Reply-To"] = _address(email.reply_to)
    message["Auto-Submitted"] = "auto-generated"
    for name, value in unsubscribe_headers(email).items():
        message[name] = value
    message.set_content(email.text)
    message.add_alternative(email.html, subtype="html")
    for file in email.attachments:
        main, _, sub = file.media_type.partition("/")
        message.add_attachment(file.content, maintype=main, subtype=sub, filename=file.name)
    message["Content-Language"] = str(email.language)  # not before: content headers move into the first part
    return message


def unsubscribe_headers(email: Email) -> Mapping[str, str]:
    """How a mail program lets the reader leave (RFC 2369).

    One click needs https (RFC 8058, section 4): a link that anybody on the way can read only opens a page.
    """
    url = email.unsubscribe_url
    if not url:
        return {}
    link = {"List-Unsubscribe": f"<{url}>"}
    return link if is_readable_on_the_way(url) else {**link, "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}


def parse_sender(text: str) -> Address:
    """The sender that `Tocsin <alerts@example.com>` names, its domain in ASCII (RFC 5891); `Unaddressable`.

    Text that a parser has to guess about is refused: it could send from an address that nobody meant.
    """
    if len(text) > MAX_LINE:
        raise Unaddressable(f"has {len(text):,} characters; {MAX_LINE} are allowed: {_SENDER_FORM}")
    probe = EmailMessage(policy=SMTP)
    try:
        probe["From"] = _PLAIN_NAME.sub(lambda match: f'"{match[1].strip()}" <{match[2]}>', text)
        header = probe["From"]
        (address,) = header.addresses
    except _NOT_FORESEEN:
        raise Unaddressable(f"is not one email address: {_SENDER_FORM}") from None
    in_a_group = header.groups[0].display_name is not None
    if in_a_group or not isinstance(address, Address) or not address.username or not address.domain:
        raise Unaddressable(f"has no address or no domain: {_SENDER_FORM}")
    if not address.username.isascii():
        raise Unaddressable(f"has letters outside ASCII before the @: {_SENDER_FORM}")
    if header.defects:
        raise Unaddressable(f'can be read in several ways: {_SENDER_FORM}, or "Tocsin @ Work" <alerts@example.com>')
    return Address(address.display_name, address.username, _domain_of_sender(address.domain))


def parse_reply_to(text: str) -> str:
    """An address that answers may go to; `Unaddressable`."""
    if len(text) > MAX_ADDRESS:
        raise Unaddressable(f"has {len(text):,} characters; {MAX_ADDRESS} are allowed")
    try:
        return validate_email(text, check_deliverability=False, test_environment=True).normalized
    except EmailNotValidError:
        raise Unaddressable("is not an email address: write it like help@example.com") from None


def header_text(sender: Address) -> str:
    """A sender as APIs take it that build the header themselves: ASCII alone (RFC 2047)."""
    return formataddr((sender.display_name, sender.addr_spec))


_NOT_FORESEEN = (ValueError, LookupError, AttributeError, TypeError, HeaderParseError)
"""What Python's parser raises for texts like `To<` and `.:`."""

_PLAIN_NAME = re.compile(r'\A\s*([^\s"<>@,:;()\\\[\]=][^"<>@,:;()\\\[\]=]*)<([^<>]*)>\s*\Z')
"""A name that means the same in quotes, which a dot in it (`Acme Inc.`) demands (RFC 5322, section 3.2.3)."""

_SENDER_FORM = "write it like Tocsin <alerts@example.com>"


def _domain_of_sender(domain: str) -> str:
    try:
        return idna.encode(domain, uts46=True).decode()
    except ValueError:
        raise Unaddressable(f"names a domain that cannot be: {_SENDER_FORM}") from None


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
