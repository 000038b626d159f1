"""POSTs to addresses that callers named: over in time, redirects not followed, and never into our own network.

The name of a host is looked up once, and the connection goes to the very address that was checked: a second look-up
could give another one (DNS rebinding).
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from http.client import HTTPException
from urllib.parse import SplitResult, quote

from service.core.errors import TocsinError
from service.core.posting import Destination, PostResponse, post, run_within
from service.core.public_addresses import is_public
from service.core.web_addresses import ascii_host

_URL_SAFE = "%/:?@!$&'()*+,;=~-._[]"

HostResolver = Callable[[str, int], Sequence[str]]
"""The addresses of a host name: `socket.getaddrinfo`, unless a test says otherwise. Raises OSError."""


class PrivateNetwork(TocsinError):
    """The address leads into a private or reserved network."""


class HostSilent(TocsinError):
    """The host could not be reached or did not answer in time; `kind` names the error."""

    def __init__(self, kind: str) -> None:
        super().__init__(f"the host does not answer ({kind})")
        self.kind = kind


def resolve_host(host: str, port: int) -> Sequence[str]:
    """All addresses of a host, as the system's resolver gives them."""
    addresses = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in addresses))


@dataclass(frozen=True, slots=True)
class OutsidePosts:
    """Posts within `limit`: looking the name up, connecting, sending, and the first line of the answer.

    `loopback_allowed` is for development and tests; `private_hosts` of our own network may be written to.
    """

    limit: timedelta
    loopback_allowed: bool = False
    private_hosts: frozenset[str] = frozenset()
    resolve: HostResolver = resolve_host
    trust: str | None = None
    """A file of certificate authorities to trust instead of the system's."""

    def post(self, parts: SplitResult, headers: Mapping[str, str], body: bytes) -> PostResponse:
        """POST once; `PrivateNetwork`, or `HostSilent` if nothing is known of what became of it."""
        named = {"Host": _authority(parts), "User-Agent": "Tocsin", **headers}
        try:
            return run_within(self.limit, lambda token: post(self._destination(parts), named, body, token, self.limit))
        except (HTTPException, OSError, ValueError, RuntimeError) as error:
            raise HostSilent(type(error).__name__) from error

    def _destination(self, parts: SplitResult) -> Destination:
        host, secure = parts.hostname or "", parts.scheme == "https"
        port = parts.port or (443 if secure else 80)
        address = self._checked_address(host, port)
        return Destination(address, port, _target(parts), ascii_host(host) if secure else None, self.trust)

    def _checked_address(self, host: str, port: int) -> str:
        addresses = self.resolve(host, port)
        if not addresses or not (host in self.private_hosts or all(map(self._is_allowed, addresses))):
            raise PrivateNetwork("leads into a private or reserved network: nothing is sent there")
        return addresses[0]

    def _is_allowed(self, address: str) -> bool:
        return is_public(address) or (self.loopback_allowed and ipaddress.ip_address(address).is_loopback)


def _authority(parts: SplitResult) -> str:
    host = parts.hostname or ""
    name = f"[{host}]" if ":" in host else ascii_host(host)
    return name if parts.port is None else f"{name}:{parts.port}"


def _target(parts: SplitResult) -> str:
    path = quote(parts.path or "/", safe=_URL_SAFE)
    return path + (f"?{quote(parts.query, safe=_URL_SAFE)}" if parts.query else "")
