"""Reading the mailbox again and again: one process of an installation at a time, each mail once or once more."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Protocol

from msgspec import structs

from service.channels.email.mailbox.imap import Batch, Position
from service.channels.email.mailbox.received import ReceivedMail, parse_mail
from service.core import Clock, Record, TocsinError, Unavailable, from_state, to_state
from service.storage import Conflict, Item, Store

logger = logging.getLogger(__name__)

POLL = timedelta(seconds=5)
"""How often the mailbox is looked into."""

HELD = timedelta(minutes=2)
"""How long a process that reads the mailbox keeps the others from it, at the most."""

UNREAD_TOO_LONG = timedelta(minutes=5)
"""How long the mailbox may go unread before that is told."""

ITEM = "mailbox"


class MailboxUnread(TocsinError):
    """The mailbox has not been read for too long."""


class ReaderTurn(Record, frozen=True):
    """Who reads the mailbox until when, how far it has been read, and when that last worked."""

    position: Position = Position()
    holder: str = ""
    until: datetime | None = None
    read_at: datetime | None = None


class Mailbox(Protocol):
    """Where mails come in, numbered in the order in which they arrived."""

    def read(self, after: Position, /) -> Batch:
        """The next mails behind a position; a `TocsinError` that says why it cannot be read."""


def check_read(store: Store, now: datetime) -> None:
    """`MailboxUnread` when nobody has read the mailbox for too long."""
    item = store.get(ITEM)
    turn = ReaderTurn() if item is None else from_state(ReaderTurn, item.state)
    since = turn.read_at or turn.until
    if since is not None and now - since > UNREAD_TOO_LONG:
        raise MailboxUnread("the mailbox has not been read for 5 minutes: run `tocsin doctor`")


class MailboxReader:
    """Hands each mail to `take`, which must not mind the same one twice: a process may die before it noted it."""

    def __init__(self, mailbox: Mailbox, store: Store, clock: Clock, take: Callable[[ReceivedMail], object]) -> None:
        self._mailbox = mailbox
        self._store = store
        self._clock = clock
        self._take = take
        self._name = secrets.token_hex(8)

    def read(self) -> None:
        """Read what has come, if it is this process's turn."""
        item = self._turn()
        more = item is not None
        while item is not None and more:
            batch = self._mailbox.read(from_state(ReaderTurn, item.state).position)
            for mail in batch.mails:
                self._handle(mail.raw)
            item = self._noted(item, batch)
            more = batch.more

    def _turn(self) -> Item | None:
        """The item of whose turn it is, taken or kept by this process; None if another has it."""
        item, now = self._store.get(ITEM), self._clock.now()
        turn = ReaderTurn() if item is None else from_state(ReaderTurn, item.state)
        is_taken = turn.until is not None and turn.until > now
        if is_taken and turn.holder != self._name:
            return None
        if item is not None and is_taken and turn.until is not None and turn.until - now > HELD / 2:
            return item
        mine = structs.replace(turn, holder=self._name, until=now + HELD)
        return self._saved(item, mine)

    def _noted(self, item: Item, batch: Batch) -> Item | None:
        """The item once the position behind a batch is noted, and that it could be read; None if the turn is lost."""
        turn, now = from_state(ReaderTurn, item.state), self._clock.now()
        is_noted = turn.read_at is not None and now - turn.read_at < HELD / 2
        if not batch.mails and is_noted:
            return item
        position = batch.mails[-1].position if batch.mails else turn.position
        return self._saved(item, structs.replace(turn, position=position, read_at=now))

    def _saved(self, item: Item | None, turn: ReaderTurn) -> Item | None:
        try:
            return self._store.save(structs.replace(item or Item(ITEM, ITEM, {}), state=to_state(turn)))
        except Conflict:
            return None  # another process was quicker

    def _handle(self, raw: bytes) -> None:
        """A mail that nobody can handle is logged and left: the others must not wait for it."""
        try:
            self._take(parse_mail(raw))
        except (Unavailable, Conflict):
            raise  # the store cannot be asked: the mail is read again
        except Exception:
            logger.exception("A mail of the mailbox could not be handled; it is left there")
