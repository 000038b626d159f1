"""Digests: what one template says to one recipient within a window arrives as one message.

The first copy opens the window, later ones join it. When it ends, what has gathered becomes a notification of its own
with one delivery, which is sent like any other: opt-outs, quiet hours, limits and rates are asked when it leaves. Each
batch that waits for one of the copies reads there what became of it. Addresses stay in the recipient's profile: a
digest names only the person.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import chain

from msgspec import structs

from service.channels import Email, Message
from service.core import Channel, Lane, from_state, ids, to_state
from service.messages import markup
from service.notify.cancel import cancelled_among
from service.notify.model import (
    DIGEST,
    LEFT_TO_SEND,
    Delivery,
    DeliveryStatus,
    DigestPiece,
    Expansion,
    Notification,
    SourceMessage,
    Status,
    batch_id,
    batch_item,
    batch_of,
    cut,
    delivery_id,
    delivery_of,
    gathered_text,
    new_notification_item,
)
from service.recipients import Recipient
from service.storage import Conflict, Item, Store
from service.work import Commit, Task, finished

SETTLE = timedelta(seconds=1)
"""How long after a window's end a batch asks what became of its copies."""

LONGEST_LOOK = timedelta(minutes=1)
"""How soon a batch asks again at the latest while a digest waits for its rate or its provider."""

UNKNOWN = "unknown"
REFUSED = "refused: "
"""What stands instead of a provider's id in digests of an earlier version, which sent them themselves."""

REMEMBERED = 1_000
"""Copies whose digest is remembered for batches that ask late."""

MAX_PIECES = 200
MAX_CHARACTERS = 100_000
"""A digest that holds as much leaves before its window ends: an item has its limit."""

MAX_HTML = 60_000
"""Bytes of HTML that a digest keeps; what no longer fits is laid out anew from its text."""


@dataclass(frozen=True, slots=True)
class Digest:
    """Copies that wait for the end of the window; `left` names the delivery with which earlier ones went.

    `sending`, `promotional` and `done` (a provider's id, by copy) are what an earlier version wrote.
    """

    recipient: str
    channel: Channel
    language: str
    promotional: bool
    ends_at: datetime
    pieces: Mapping[str, DigestPiece] = field(default_factory=dict)
    sending: bool = False
    done: Mapping[str, str] = field(default_factory=dict)
    lane: Lane | None = None
    template: str | None = None
    app: str = ""
    left: Mapping[str, str] = field(default_factory=dict)
    reply_to: str | None = None
    html: str | None = None
    """The document in which the bodies of its pieces stand, where their template has HTML of its own."""

    @property
    def is_full(self) -> bool:
        """Whether nothing more may join."""
        return (
            len(self.pieces) >= MAX_PIECES or sum(len(piece.text) for piece in self.pieces.values()) >= MAX_CHARACTERS
        )

    def with_piece(self, copy: str, piece: DigestPiece, document: str | None) -> Digest:
        """The digest with one more copy, in the HTML of its template as far as there is room for that."""
        if document is None:
            return replace(self, pieces={**self.pieces, copy: piece})
        body = markup.body_of(document)
        shell = self.html if self.html is not None else markup.with_body(document, "")
        kept = sum(len((one.html or "").encode()) for one in self.pieces.values())
        if kept + len(f"{shell}{body}".encode()) > MAX_HTML:
            return replace(self, pieces={**self.pieces, copy: piece})
        return replace(self, pieces={**self.pieces, copy: replace(piece, html=body)}, html=shell)

    @property
    def leaves_in(self) -> Lane:
        """The lane of its copies; an earlier version kept of it only whether an SMS is promotional."""
        if self.lane is not None:
            return self.lane
        return Lane.TRANSACTIONAL if self.channel is Channel.SMS and not self.promotional else Lane.BULK


@dataclass(frozen=True, slots=True)
class DigestWaits:
    """The copy is in a digest: ask again at `until`."""

    until: datetime


@dataclass(frozen=True, slots=True)
class DigestOutcome:
    """What became of the digest in which the copy was, and so of the copy."""

    status: DeliveryStatus
    detail: str


@dataclass(frozen=True, slots=True)
class Digests:
    """Gathers copies, and handles items of kind `digest`."""

    store: Store

    def fates(
        self, copies: Mapping[str, str], notification: Notification, now: datetime
    ) -> Mapping[str, DigestWaits | DigestOutcome]:
        """What became of those copies (recipients by delivery id, of one batch) that have joined a digest."""
        lanes = dict.fromkeys((notification.lane, Lane.BULK))
        template = notification.message.template or ""
        names = {copy: [digest_id(template, recipient, lane) for lane in lanes] for copy, recipient in copies.items()}
        stored = self.store.get_many(list(dict.fromkeys(chain.from_iterable(names.values()))))
        digests = {name: from_state(Digest, item.state) for name, item in stored.items()}
        fates = {
            copy: self._fate(copy, [digests[name] for name in own if name in digests], now)
            for copy, own in names.items()
        }
        return {copy: fate for copy, fate in fates.items() if fate is not None}

    def _fate(self, copy: str, digests: Iterable[Digest], now: datetime) -> DigestWaits | DigestOutcome | None:
        for digest in digests:
            if copy in digest.left:
                return self._of_delivery(digest.left[copy], now)
            if copy in digest.done:
                return _as_told_before(digest.done[copy])
            if copy in digest.pieces:
                return DigestWaits(max(digest.ends_at, now) + SETTLE)
        return None

    def join(
        self, notification: Notification, person: Recipient, message: Message, window: timedelta, now: datetime
    ) -> DigestWaits:
        """Put a copy into its digest, or let the digest leave that is full, so that the copy opens the next."""
        name = digest_id(notification.message.template or "", person.user_id, notification.lane)
        while True:
            item = self.store.get(name) or Item(name, DIGEST, {}, lane=Lane.TRANSACTIONAL)
            digest = from_state(Digest, item.state) if item.version else None
            if digest is None or not digest.pieces:
                digest = _opened(notification, person, message, now + window, digest)
            if digest.is_full:
                grown = replace(digest, ends_at=min(digest.ends_at, now))
            else:
                document = message.html if isinstance(message, Email) and notification.message.html else None
                grown = digest.with_piece(message.reference.delivery_id, _piece(message), document)
            try:
                self.store.save(structs.replace(item, state=to_state(grown), due_at=grown.ends_at, attempts=0))
            except Conflict:
                continue
            return DigestWaits(max(grown.ends_at, now) + SETTLE)

    def handle(self, task: Task) -> Commit:
        """The window is over: what has gathered becomes a notification with one delivery."""
        digest = from_state(Digest, task.item.state)
        if digest.sending:  # a worker of an earlier version died while sending: nobody is written to twice
            outcomes = {**digest.done, **dict.fromkeys(digest.pieces, UNKNOWN)}
            return Commit(finished(task.item, to_state(replace(digest, pieces={}, sending=False, done=outcomes))))
        if not (pieces := self._wanted(digest)):
            return Commit(finished(task.item, to_state(replace(digest, pieces={}))))
        notification = _gathered(replace(digest, pieces=pieces), f"{ids.fresh(task.now)}-{DIGEST}", task.now)
        batch = cut(notification.id, 1, 1, [digest.recipient])
        left = {**digest.left, **dict.fromkeys(pieces, delivery_id(notification.id, 1))}
        kept = dict(list(left.items())[-REMEMBERED:])
        leaving = structs.replace(batch_item(batch, notification.lane), due_at=task.now)
        return Commit(
            finished(task.item, to_state(replace(digest, pieces={}, html=None, left=kept))),
            spawn=[new_notification_item(notification), leaving],
        )

    def _wanted(self, digest: Digest) -> Mapping[str, DigestPiece]:
        """The pieces but for those of notifications that were cancelled meanwhile."""
        names = {copy: copy.rsplit("-", 1)[0] for copy in digest.pieces}
        cancelled = cancelled_among(self.store, list(dict.fromkeys(names.values())))
        return {copy: piece for copy, piece in digest.pieces.items() if names[copy] not in cancelled}

    def _of_delivery(self, name: str, now: datetime) -> DigestWaits | DigestOutcome:
        batch_name = batch_id(name.rsplit("-", 1)[0], 1)
        items = self.store.get_many([name, batch_name])
        item = items.get(batch_name)
        if item is None:
            return DigestOutcome(DeliveryStatus.UNKNOWN, f"its digest {name} is gone")
        delivery = delivery_of(items[name]) if name in items else batch_of(item).unrecorded(name)
        if delivery.status in LEFT_TO_SEND:
            is_in_hand = item.attempts > 0  # and due at the end of a lease
            begins_at = now if is_in_hand or item.due_at is None else min(item.due_at, now + LONGEST_LOOK)
            return DigestWaits(max(delivery.retry_at or begins_at, now) + SETTLE)
        return DigestOutcome(delivery.status, _told(delivery))


def is_digest(notification_id: str) -> bool:
    """Whether a notification is what became of a digest; those of earlier versions begin with the digest's id."""
    return notification_id.endswith(f"-{DIGEST}") or notification_id.startswith(f"{DIGEST}-")


def digest_id(template: str, recipient: str, lane: Lane) -> str:
    """One digest for each template and recipient, and for each lane: whoever left bulk still gets the rest."""
    name = f"{template}|{recipient}" if lane is Lane.BULK else f"{template}|{recipient}|{lane}"
    return f"{DIGEST}-{hashlib.sha256(name.encode()).hexdigest()[:32]}"


def _opened(
    notification: Notification, person: Recipient, message: Message, ends_at: datetime, before: Digest | None
) -> Digest:
    return Digest(
        recipient=person.user_id,
        channel=person.preference,
        language=str(message.language),
        promotional=notification.lane is Lane.BULK,
        ends_at=ends_at,
        done={} if before is None else before.done,
        lane=notification.lane,
        template=notification.message.template,
        app=notification.app,
        left={} if before is None else before.left,
        reply_to=notification.message.reply_to,
    )


def _gathered(digest: Digest, name: str, now: datetime) -> Notification:
    """A digest as a notification whose one batch was cut already."""
    pieces = {copy: digest.pieces[copy] for copy in sorted(digest.pieces)}
    text = gathered_text(pieces.values())
    message = SourceMessage(
        digest.language, text, template=digest.template, gathered=pieces, reply_to=digest.reply_to, html=digest.html
    )
    expansion = Expansion(None, 1, 1, (digest.language,), (digest.channel,), complete=True, released=1)
    return Notification(
        id=name,
        app=digest.app,
        request_id=name,
        message=message,
        accepted_at=now,
        recipients=(digest.recipient,),
        lane=digest.leaves_in,
        status=Status.SENDING,
        expansion=expansion,
        translated=(digest.language,),
    )


def _piece(message: Message) -> DigestPiece:
    return DigestPiece(message.text, message.subject if isinstance(message, Email) else None)


def _told(delivery: Delivery) -> str:
    """Where to look the digest up, and why it did not go out."""
    with_digest = f"with the digest {delivery.id}"
    return f"{with_digest}: {delivery.detail}" if delivery.detail else with_digest


def _as_told_before(became: str) -> DigestOutcome:
    if became == UNKNOWN:
        return DigestOutcome(DeliveryStatus.UNKNOWN, "it went out in a digest, perhaps")
    if became.startswith(REFUSED):
        return DigestOutcome(DeliveryStatus.FAILED, became)
    return DigestOutcome(DeliveryStatus.ACCEPTED, f"it went out in the digest {became}")
