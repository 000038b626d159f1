"""Callbacks: signed POSTs to an address that an app named, sent as work items and never into our own network.

Signed as Standard Webhooks say (https://www.standardwebhooks.com): `webhook-id`, `webhook-timestamp` and
`webhook-signature: v1,<base64 of HMAC-SHA256 over "id.timestamp.body">`, one for each key while keys are rotated.
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import SplitResult

from service.core import (
    Clock,
    HostResolver,
    HostSilent,
    Keyring,
    Lane,
    NotAnAddress,
    OutsidePosts,
    PostResponse,
    PrivateNetwork,
    TocsinError,
    from_state,
    resolve_host,
    to_state,
    web_addresses,
)
from service.messages.post_attempts import HostShares, PostAttempts, on_dead, without_failures
from service.storage import Item
from service.work import LONGEST_CALL, Commit, Permanent, RetryLater, Task, TaskHandler, asked_wait, finished

KIND = "webhook"
MAX_URL = 2_000
_ASK_AGAIN = frozenset({408, 425, 429})


class CallbackRefused(TocsinError):
    """A callback address that nothing is sent to; the text says why."""


@dataclass(frozen=True, slots=True)
class Callback:
    """One POST that is owed. `body` is JSON text; `failures` counts the tries so far."""

    url: str
    body: str
    failures: int = 0


def check_url(url: str) -> SplitResult:
    """The parts of a callback address; `CallbackRefused` unless it is a plain http or https one."""
    try:
        return web_addresses.parse_callback(url)
    except NotAnAddress as error:
        raise CallbackRefused(f"the callback address {error}") from None


def host_of(url: str) -> str | None:
    """The host of a callback address; None where nothing would be sent to it."""
    try:
        return check_url(url).hostname
    except CallbackRefused:
        return None


def owed(item_id: str, callback: Callback, at: datetime, lane: Lane = Lane.TRANSACTIONAL) -> Item:
    """The work item that owes a callback; one to an address that cannot be is dead when it is tried."""
    return Item(item_id, KIND, to_state(callback), lane=lane, due_at=at)


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
    limit: timedelta = LONGEST_CALL
    """For the whole exchange: looking the name up, connecting, sending, and the first line of the answer."""
    resolve: HostResolver = resolve_host
    trust: str | None = None
    """A file of certificate authorities to trust instead of the system's."""
    tries: PostAttempts = field(default_factory=lambda: PostAttempts(HostShares(4)))

    def item(self, item_id: str, callback: Callback, lane: Lane = Lane.TRANSACTIONAL) -> Item:
        """The work item that owes a callback now."""
        return owed(item_id, callback, self.clock.now(), lane)

    def task_handler(self) -> TaskHandler:
        """How callbacks are served."""
        return TaskHandler(KIND, self.handle, on_dead)

    def handle(self, task: Task) -> Commit:
        """Try a callback that is due; after `TRIES` failures it is dead."""
        callback = from_state(Callback, task.item.state)
        try:
            host = check_url(callback.url).hostname
            return self.tries.attempt(
                task,
                host,
                lambda: self.send(task.item.id, callback),
                lambda: Commit(finished(task.item, without_failures(task.item))),
            )
        except CallbackRefused as error:
            raise Permanent(str(error)) from error

    def send(self, message_id: str, callback: Callback) -> None:
        """POST a callback once, within `limit`; `RetryLater`, `Permanent` or `CallbackRefused` if it was not taken."""
        parts = check_url(callback.url)
        body = callback.body.encode()
        headers = self._headers(message_id, body)
        posts = OutsidePosts(self.limit, self.loopback_allowed, resolve=self.resolve, trust=self.trust)
        try:
            response = posts.post(parts, headers, body)
        except PrivateNetwork as error:
            raise CallbackRefused(f"the callback address {error}") from error
        except HostSilent as error:
            raise RetryLater(f"the callback's host does not answer ({error.kind})") from error
        _judge(response)

    def _headers(self, message_id: str, body: bytes) -> Mapping[str, str]:
        now = self.clock.now()
        return {
            "Content-Type": "application/json",
            "webhook-id": message_id,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": " ".join(f"v1,{signature(key, message_id, now, body)}" for key in self.keys.keys),
        }


def _judge(response: PostResponse) -> None:
    status = response.status
    if 200 <= status < 300:
        return
    if status >= 500 or status in _ASK_AGAIN:
        raise RetryLater(f"the callback's host answered {status}", asked_wait(response.headers))
    moved = ": redirects are not followed, register the new address" if 300 <= status < 400 else ""
    raise Permanent(f"the callback's host answered {status}{moved}")
