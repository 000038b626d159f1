"""Where mail arrives, as `TOCSIN_MAILBOX_URL` says it."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from service.core import TocsinError, is_host

_PORTS = {"imap": 143, "imap+starttls": 143, "imaps": 993}


class BadImapUrl(TocsinError):
    """`TOCSIN_MAILBOX_URL` cannot be read."""


@dataclass(frozen=True, slots=True)
class ImapServer:
    """Where mail arrives. `security` is `imap` (none), `imap+starttls` or `imaps` (TLS from the first byte)."""

    host: str
    port: int
    security: str
    user: str
    password: str = field(repr=False)
    folder: str = "INBOX"


def parse_imap_url(url: str) -> ImapServer:
    """The mailbox that `imaps://user:password@host/Folder` names; `BadImapUrl` says what is wrong."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise BadImapUrl("names a port that is not a number from 1 to 65535, or a host that cannot be") from None
    if parts.scheme not in _PORTS or not parts.hostname or not is_host(parts.hostname) or port == 0:
        raise BadImapUrl("must be imaps://user:password@host, imap+starttls:// or imap://, with :port behind the host")
    if not parts.username or parts.password is None:
        raise BadImapUrl("must hold user:password@ before the host; write @, :, / and % of them as %40, %3A, %2F, %25")
    if parts.query or parts.fragment:
        raise BadImapUrl("must end behind the folder")
    user, password = unquote(parts.username), unquote(parts.password)
    folder = unquote(parts.path.strip("/")) or "INBOX"
    return ImapServer(parts.hostname, port or _PORTS[parts.scheme], parts.scheme, user, password, folder)
