"""Carrying out a clear answer: the incidents that a reply names, a few in one commit.

The mark that the reply was heard keeps what is still to be done. What is unfinished is done by the process that heard
the reply, by the same SMS when it is delivered again, or by a worker if that process died.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from msgspec import structs

from service.core import to_state
from service.escalate.events import BY_SMS, Origin, Reply, ReplyDone, ReplyLater, ReplyNo, ReplyUndo, ReplyWho, ReplyYes
from service.escalate.incidents import Incidents, NoSuchIncident, log
from service.escalate.items import NamedPage, Unfinished, heard_name, record_of, unfinished_of
from service.escalate.phone_book_changes import PhoneBooks
from service.escalate.replies import ClearAnswer
from service.storage import AuditEntry, Conflict, Item, TooLarge
from service.work import Commit, Task, alive, finished, waiting

logger = logging.getLogger(__name__)

AT_ONCE = 5
"""Incidents that one commit moves on. Where their writes do not fit, each has a commit of its own, which always fits:
an incident with the most contacts, each paged on a phone of their own, takes less than half of a commit's writes."""

GOES_ON_AFTER = timedelta(minutes=1)
"""How long after the last commit a worker assumes that the process which heard the reply has died."""


@dataclass(slots=True)
class ReplyCommit:
    """What hearing one SMS writes, all at once."""

    books: PhoneBooks
    items: list[Item] = field(default_factory=list)
    spawn: list[Item] = field(default_factory=list)
    audit: list[AuditEntry] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Answers:
    """Applies answers to the incidents they name."""

    incidents: Incidents

    def begin(self, mark: Item, answer: Unfinished, books: PhoneBooks) -> None:
        """Commit a new mark with the first incidents of its answer, and go on until all are done; `Conflict`."""
        for at_once in (AT_ONCE, 1):
            try:
                mark = self._save(mark, self._part(heard_name(mark), answer, books, at_once), answer.after(at_once))
                break
            except TooLarge:
                if at_once == 1:
                    raise
                books = self._books()
        self.finish(mark)

    def finish(self, mark: Item) -> None:
        """Do what a mark has left to do; any number of processes may try."""
        at_once = AT_ONCE
        while (answer := unfinished_of(mark)) is not None:
            try:
                part = self._part(heard_name(mark), answer, self._books(), at_once)
                mark = self._save(mark, part, answer.after(at_once))
            except Conflict:
                mark = self.incidents.store.get(mark.id) or mark
            except TooLarge:
                if at_once == 1:
                    raise
                at_once = 1

    def handle(self, task: Task) -> Commit:
        """In a worker: finish what a dead process left, one incident after the other."""
        answer = unfinished_of(task.item)
        if answer is None:
            return Commit(finished(task.item, {}))
        part = self._part(heard_name(task.item), answer, self._books(), 1)
        rest = answer.after(1)
        mark = waiting(task.item, task.now, to_state(rest)) if rest.left else finished(task.item, {})
        return Commit(mark, (*part.items, *part.books.changed()), part.spawn, part.audit)

    def _books(self) -> PhoneBooks:
        return self.incidents.books()

    def _save(self, mark: Item, part: ReplyCommit, rest: Unfinished) -> Item:
        later = self.incidents.clock.now() + GOES_ON_AFTER
        marked = structs.replace(
            alive(mark), state=to_state(rest) if rest.left else {}, due_at=later if rest.left else None
        )
        changed = (*part.items, *part.books.changed())
        return self.incidents.store.save(marked, *changed, spawn=part.spawn, audit=part.audit)

    def _part(self, name: str, answer: Unfinished, books: PhoneBooks, at_once: int) -> ReplyCommit:
        commit, now = ReplyCommit(books), self.incidents.clock.now()
        for named in answer.left[:at_once]:
            self._apply(name, answer, named, commit, now)
        return commit

    def _apply(self, name: str, answer: Unfinished, named: NamedPage, commit: ReplyCommit, now: datetime) -> None:
        try:
            item = self.incidents.item(named.incident_id)
        except NoSuchIncident:
            logger.warning("A reply is about incident %s, which is gone", named.incident_id)
            return
        incident = record_of(item).incident
        contact = incident.contact(named.contact)
        if contact is None or contact.phone != answer.phone:
            logger.warning("A reply about incident %s came from no contact of it", named.incident_id)
            return
        event = event_of(
            f"{name}-{named.code}",
            named.answer or answer.answer,
            named,
            now,
            minutes=answer.minutes,
            words=answer.words if incident.policy.keep_words else None,
            quiet=answer.quiet,
        )
        changed = self.incidents.change_of(item, event, commit.books)
        if changed is not None:
            commit.items.append(changed.item)
            commit.spawn += changed.spawn
            commit.audit += changed.audit
            log(changed)


def each_once(pages: Sequence[NamedPage]) -> tuple[NamedPage, ...]:
    """The pages that an answer is about, each incident once."""
    return tuple({page.incident_id: page for page in pages}.values())


_EVENTS: Mapping[ClearAnswer, type[ReplyNo | ReplyDone | ReplyUndo | ReplyWho]] = {
    ClearAnswer.NO: ReplyNo,
    ClearAnswer.DONE: ReplyDone,
    ClearAnswer.UNDO: ReplyUndo,
    ClearAnswer.WHO: ReplyWho,
}


class AnsweredPage(Protocol):
    """The page that an answer is about: of which contact, and of which level."""

    @property
    def contact(self) -> int:
        """The contact's number."""

    @property
    def level(self) -> int:
        """The level's number."""


def event_of(
    name: str,
    answer: ClearAnswer,
    page: AnsweredPage,
    now: datetime,
    *,
    minutes: int | None = None,
    origin: Origin = BY_SMS,
    words: str | None = None,
    quiet: bool = False,
) -> Reply:
    """What an answer to a page is for its incident. `minutes` are those of a LATER."""
    if answer is ClearAnswer.LATER:
        return ReplyLater(name, now, page.contact, page.level, minutes, origin, words)
    if answer is ClearAnswer.YES:
        return ReplyYes(name, now, page.contact, page.level, origin, words, quiet)
    return _EVENTS[answer](name, now, page.contact, page.level, origin, words)
