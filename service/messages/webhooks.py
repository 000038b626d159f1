"""Callbacks: signed POSTs to an address that an app named, sent as work items and never into our own network.

Signed as Standard Webhooks say (https://www.standardwebhooks.com): `webhook-id`, `webhook-timestamp` and
`webhook-signature: v1,<base64 of HMAC-SHA256 over "id.timestamp.body">`, one for each key while keys are rotated.
"""

from __future__ import annotations

import base64
import hmac
import ipaddress
import socket
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import SplitResult, urlsplit

import urllib3

from service.clock import Clock
from service.errors import TocsinError
from service.records import from_state, to_state
from service.secrets import Keyring
from service.storage import Item
from service.words import Lane
from service.work import Duty, Permanent, RetryLater, Step, Task, finished

KIND = "webhook"
TRIES = 5
MAX_URL = 2_000
_ASK_AGAIN = frozenset({408, 425, 429})


class CallbackRefused(TocsinError):
    """A callback address that nothing is sent to; the text says why."""


@dataclass(frozen=True, slots=True)
class Callback:
    """One POST that is owed. `body` is JSON text."""

    url: str
    body: str


Resolve = Callable[[str, int], Sequence[str]]
"""The addresses of a host name: `socket.getaddrinfo`, unless a test says otherwise. Raises OSError."""


def resolve(host: str, port: int) -> Sequence[str]:
    """All addresses of a host, as the system's resolver gives them."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


def check_url(url: str) -> SplitResult:
    """The parts of a callback address; `CallbackRefused` unless it is a plain http or https one."""
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise CallbackRefused(f"the callback address cannot be read: {error}") from None
    if parts.scheme not in {"https", "http"} or not parts.hostname:
        raise CallbackRefused("the callback address must begin with https:// or http:// and name a host")
    if parts.username is not None or parts.password is not None:
        raise CallbackRefused("the callback address must not hold a user or password: callbacks are signed instead")
    if len(url) > MAX_URL or not url.isprintable() or " " in url:
        raise CallbackRefused(f"the callback address must have at most {MAX_URL} printable characters")
    try:
        _authority(parts)
    except ValueError:
        raise CallbackRefused("the callback address names a host or port that cannot be") from None
    return parts


def signature(secret: bytes, message_id: str, at: datetime, body: bytes) -> str:
    """What the receiver computes and compares: base64 of HMAC-SHA256 over `id.timestamp.body`."""
    signed = f"{message_id}.{int(at.timestamp())}.".encode() + body
    return base64.b64encode(hmac.digest(secret, signed, "sha256")).decode()


@dataclass(frozen=True, slots=True)
class Webhooks:
    """Sends callbacks. `loopback_allowed` is for development and tests: other private networks are never written to."""

    keys: Keyring
    clock: Clock
    loopback_allowed: bool = False
    timeout: timedelta = timedelta(seconds=8)
    resolve: Resolve = resolve
    trust: str | None = None
    """A file of certificate authorities to trust instead of the system's."""

    def item(self, item_id: str, callback: Callback, lane: Lane = Lane.TRANSACTIONAL) -> Item:
        """The work item that owes a callback now; `CallbackRefused` for an address it may not go to."""
        check_url(callback.url)
        return Item(item_id, KIND, to_state(callback), lane=lane, due_at=self.clock.now())

    def duty(self) -> Duty:
        """How callbacks are served."""
        return Duty(KIND, self.handle)

    def handle(self, task: Task) -> Step:
        """Send a callback that is due; after `TRIES` failures it is dead."""
        callback = from_state(Callback, task.item.state)
        try:
            self.send(task.item.id, callback)
        except RetryLater as error:
            if task.item.attempts < TRIES:
                raise
            raise Permanent(f"the callback failed {TRIES} times; the last: {error}") from error
        except CallbackRefused as error:
            raise Permanent(str(error)) from error
        return Step(finished(task.item))

    def send(self, message_id: str, callback: Callback) -> None:
        """POST a callback once; `RetryLater`, `Permanent` or `CallbackRefused` if it was not taken."""
        parts = check_url(callback.url)
        body = callback.body.encode()
        try:
            pool = self._pool(parts)
            answer = pool.urlopen(
                "POST",
                _target(parts),
                body=body,
                headers=self._headers(message_id, parts, body),
                redirect=False,
                retries=False,
                timeout=urllib3.Timeout(total=self.timeout.total_seconds()),
                preload_content=False,
            )
            answer.close()  # only the status counts, and a host could take for ever over the rest
            pool.close()
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise RetryLater(f"the callback's host does not answer ({type(error).__name__})") from error
        _judge(answer.status, answer.headers.get("Retry-After", ""))

    def _headers(self, message_id: str, parts: SplitResult, body: bytes) -> Mapping[str, str]:
        now = self.clock.now()
        return {
            "Host": _authority(parts),
            "Content-Type": "application/json",
            "User-Agent": "Tocsin",
            "webhook-id": message_id,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": " ".join(f"v1,{signature(key, message_id, now, body)}" for key in self.keys.keys),
        }

    def _pool(self, parts: SplitResult) -> urllib3.HTTPConnectionPool:
        """A connection to the very address that was checked: a second look-up could name another (DNS rebinding)."""
        host, secure = parts.hostname or "", parts.scheme == "https"
        port = parts.port or (443 if secure else 80)
        address = self._checked_address(host, port)
        if not secure:
            return urllib3.HTTPConnectionPool(address, port, maxsize=1)
        return urllib3.HTTPSConnectionPool(
            address, port, maxsize=1, assert_hostname=host, server_hostname=host, ca_certs=self.trust
        )

    def _checked_address(self, host: str, port: int) -> str:
        addresses = self.resolve(host, port)
        if not addresses or not all(is_public(each) or self._is_allowed_loopback(each) for each in addresses):
            raise CallbackRefused(
                "the callback address leads into a private or reserved network: nothing is sent there"
            )
        return addresses[0]

    def _is_allowed_loopback(self, address: str) -> bool:
        return self.loopback_allowed and ipaddress.ip_address(address).is_loopback


_NAT64 = ipaddress.ip_network("64:ff9b::/96")


def is_public(address: str) -> bool:
    """Whether an IP address is one of the open Internet, also when it wraps an IPv4 one (RFC 4291, 3056, 6052)."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        wrapped = (
            ip.ipv4_mapped or ip.sixtofour or (ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF) if ip in _NAT64 else None)
        )
        if wrapped is not None:
            return is_public(str(wrapped))
    return ip.is_global and not ip.is_multicast and not ip.is_reserved


def _authority(parts: SplitResult) -> str:
    host = parts.hostname or ""
    name = f"[{host}]" if ":" in host else host.encode("idna").decode()
    return name if parts.port is None else f"{name}:{parts.port}"


def _target(parts: SplitResult) -> str:
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


def _judge(status: int, retry_after: str) -> None:
    if 200 <= status < 300:
        return
    if status >= 500 or status in _ASK_AGAIN:
        wait = int(retry_after) if retry_after.isascii() and retry_after.isdigit() else 0
        raise RetryLater(f"the callback's host answered {status}", timedelta(seconds=min(wait, 3600)))
    moved = ": redirects are not followed, register the new address" if 300 <= status < 400 else ""
    raise Permanent(f"the callback's host answered {status}{moved}")
