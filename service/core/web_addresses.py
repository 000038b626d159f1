"""Web addresses that settings and callers name."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import SplitResult, urlsplit

import idna

from service.core.errors import TocsinError

_HOST = re.compile(
    r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?)*\.?", re.ASCII
)
"""Names of hosts as networks use them, underscores included (`libre_translate` of a compose file)."""

_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*", re.ASCII)
"""A last label that makes a name an IPv4 address, or nothing (https://url.spec.whatwg.org/#ends-in-a-number-checker)."""

MAX_URL = 2_000
"""Characters of an address."""


class NotAnAddress(TocsinError):
    """A text that is no web address; says what to write. Never holds the text."""


def parse_url(text: str) -> str:
    """The address as it came; `NotAnAddress` unless it is http or https with a host."""
    split_url(text)
    return text


def parse_link(text: str) -> str:
    """The address that somebody is to open, as it came; `NotAnAddress` as `parse_url`, and for a user or password."""
    _without_user(split_url(text))
    return text


def parse_callback(text: str) -> SplitResult:
    """The parts of an address that we call; `NotAnAddress` as `parse_link`."""
    return _without_user(split_url(text))


def parse_root(text: str) -> str:
    """An address that others are put behind: without query and user, its host in ASCII (RFC 5891); `NotAnAddress`."""
    parts = _without_user(split_url(text))
    if parts.query or parts.fragment or "?" in text or "#" in text:
        raise NotAnAddress("must end before any ? or #: write it like https://tocsin.example.com")
    if parts.netloc.isascii():
        return text
    host = ascii_host(parts.hostname or "")
    return parts._replace(netloc=host if parts.port is None else f"{host}:{parts.port}").geturl()


def is_readable_on_the_way(url: str) -> bool:
    """Whether others than the two ends can read what is sent to the address: http that leaves this machine."""
    parts = urlsplit(url)
    return parts.scheme == "http" and not is_loopback(parts.hostname or "")


def is_loopback(host: str) -> bool:
    """Whether a host is this machine itself (RFC 6761, section 6.3)."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def is_host(text: str) -> bool:
    """Whether a text is an IP address or can be the name of a host."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return len(text) <= 253 and _is_name(text.lower())
    return True


def _is_name(text: str) -> bool:
    labels = text.rstrip(".").split(".")
    return (
        _HOST.fullmatch(text) is not None
        and _NUMBER.fullmatch(labels[-1]) is None
        and all(map(_is_international, (label for label in labels if label.startswith("xn--"))))
    )


def _is_international(label: str) -> bool:
    """Whether a label says in ASCII what is not ASCII (RFC 3492); it has at most 63 characters (RFC 1035)."""
    if len(label) > 63:
        return False
    try:
        return not label.removeprefix("xn--").encode().decode("punycode").isascii()
    except ValueError:
        return False


def split_url(text: str) -> SplitResult:
    """The parts of an address; `NotAnAddress` unless it is http or https with a host that can be."""
    if len(text) > MAX_URL or not text.isprintable() or " " in text:
        raise NotAnAddress(f"must have at most {MAX_URL} printable characters and no space: write a space as %20")
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise NotAnAddress("names a host or port that cannot be: write it like https://example.com:8443") from None
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise NotAnAddress("must begin with https:// or http:// and name a host: write it like https://example.com")
    if port == 0 or "%" in parts.hostname or not is_host(ascii_host(parts.hostname)):
        raise NotAnAddress("names a host or port that cannot be: write it like https://example.com:8443")
    return parts


def _without_user(parts: SplitResult) -> SplitResult:
    if "@" in parts.netloc:
        raise NotAnAddress("must not hold a user or password: write it like https://example.com")
    return parts


def ascii_host(host: str) -> str:
    """A host as networks know it (RFC 5891); `NotAnAddress` for one that cannot be."""
    if host.isascii():
        return host
    try:
        return idna.encode(host, uts46=True).decode()
    except ValueError:
        raise NotAnAddress("names a host that cannot be: write it like https://example.com") from None
