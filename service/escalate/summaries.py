"""Summaries: one SMS for the pages of a storm, which stands for each of them.

Its own result is one commit with the phone's book. What that means for the incidents of its pages follows, a few in a
commit, from what the summary keeps: a worker that dies in between loses none of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from service.channels import Accepted, Outcome, Reference, Refused, SendResult, Unknown
from service.core import Channel, Lane, from_state, to_state
from service.escalate.events import DeliveryFailed, Event, Failure
from service.escalate.incident import Incident
from service.escalate.incidents import Incidents, NoSuchIncident, log
from service.escalate.items import SUMMARY, NamedPage, Summary, record_of, summary_id, summary_item
from service.escalate.phone_book_changes import PhoneBooks
from service.escalate.phonebook import ListedPage, PhoneBook, Standing, listing
from service.escalate.results import failure_of, summarised
from service.escalate.send import IncidentSender, again
from service.messages import Urgency
from service.storage import Conflict, Item
from service.work import Commit, Task, finished, postponed, waiting

SENT = "sent"
"""How a summary ends that a provider took, or may have; others end by a `Failure`."""

AT_ONCE = 20
"""Incidents that one commit tells that the summary was sent: each is one write."""


@dataclass(frozen=True, slots=True)
class Summaries:
    """Sends summaries and tells the incidents of their pages."""

    incidents: Incidents
    sender: IncidentSender

    def handle(self, task: Task) -> Commit:
        """Send a summary, or go on telling its incidents what became of it."""
        summary = from_state(Summary, task.item.state)
        return self._leave(task, summary) if summary.end is None else self._tell(task, summary)

    def on_dead(self, item: Item, _why: str) -> Commit:
        """What a summary that was begun too often commits: its incidents are told all the same, by an item of its own.

        One that was given up while it told them leaves out the incident that it could not tell.
        """
        books, now = self._books(), self.incidents.clock.now()
        summary = from_state(Summary, item.state)
        if summary.end is not None:
            return Commit(item, spawn=_telling(item, replace(summary, left=summary.left[1:]), now))
        book = books[summary.to]
        if item.id != summary_id(books.key(summary.to), book.summaries):
            return Commit(item)  # it was redriven: the pages that are held wait for a later one
        books[summary.to] = book.summarised(book.held, now)
        end = Failure.UNDELIVERED.value if summary.begun_at is None else SENT
        ended = replace(summary, end=end, at=now, left=_named(_still_open(book)))
        return Commit(item, books.changed(), _telling(item, ended, now))

    def _books(self) -> PhoneBooks:
        return self.incidents.books()

    def _leave(self, task: Task, summary: Summary) -> Commit:
        book = self._books()[summary.to]
        listed, now = _still_open(book), task.now
        pages = _named(listed)
        if not pages:
            return self._ended(task.item, summary, book.held, [])
        if self.sender.opt_outs.ending_phone(summary.to, Lane.INCIDENT) is not None:
            ended = replace(summary, end=Failure.OPTED_OUT.value, at=now, left=pages)
            return self._ended(task.item, ended, book.held, [])
        is_first = task.item.attempts <= summary.attempt + 1  # else a try before never told its outcome
        begun_at = summary.begun_at or (now if is_first else summary.not_before)
        reference = Reference(task.item.id, task.item.attempts, urgent=True)
        sms = self.sender.wording.sms(summary.to, summary.language, ("incident-storm",), listing(listed), reference)
        if (waits := self.sender.turn(task, sms, Urgency.PAGE)) is not None:
            return Commit(waits)
        handed = self.sender.hand_over(task, sms)
        ended = replace(summary, at=task.now, begun_at=begun_at, left=pages, attempt=task.item.attempts)
        return self._after(task, ended, book.held, handed)

    def _after(self, task: Task, summary: Summary, held: Sequence[int], handed: SendResult) -> Commit:
        if isinstance(handed.outcome, Refused) and handed.outcome.untried:
            stored = from_state(Summary, task.item.state)
            until = task.now + handed.outcome.retry_after
            return Commit(postponed(task.item, until, to_state(replace(stored, held=True))))
        retry_at = self.sender.retry_at(task, handed.outcome)
        before = from_state(Summary, task.item.state).begun_at
        is_known = isinstance(handed.outcome, Refused)
        if retry_at is None:
            end = SENT if before is not None else _end(handed.outcome)
            return self._ended(task.item, replace(summary, end=end), held, handed.writes)
        begun_at = before if is_known else summary.begun_at
        later = Summary(summary.to, summary.language, task.item.attempts, is_known, retry_at, begun_at=begun_at)
        return Commit(again(task.item, retry_at, to_state(later)))

    def _ended(self, item: Item, summary: Summary, held: Sequence[int], writes: Sequence[Item]) -> Commit:
        """The result, with the book freed of what this summary stood for; pages held meanwhile get the next one."""
        books = self._books()
        now = summary.at or self.incidents.clock.now()
        books[summary.to] = book = books[summary.to].summarised(held, now)
        spawn = list(writes)
        if book.held:
            following = Summary(summary.to, summary.language)
            spawn.append(summary_item(books.key(summary.to), book.summaries, following, book.summary_at or now))
        later = waiting(item, now, to_state(summary)) if summary.left else finished(item)

        def anew() -> Commit:
            stored = self.incidents.store.get(item.id)
            if stored is None or stored.version != item.version:
                raise Conflict(f"item {item.id!r} was changed by somebody else")
            return self._ended(item, summary, held, writes)

        return Commit(later, books.changed(), spawn, anew=anew)

    def _tell(self, task: Task, summary: Summary) -> Commit:
        is_first = task.item.attempts <= 1  # else one of them may be what kept the others from being told
        at_once = AT_ONCE if summary.end == SENT and is_first else 1  # a failure pages others: only one fits always
        books, others = self._books(), list[Commit]()
        for named in summary.left[:at_once]:
            others += self._told(task.item.id, named, summary, books)
        rest = replace(summary, left=summary.left[at_once:])
        item = waiting(task.item, task.now, to_state(rest)) if rest.left else finished(task.item, to_state(rest))
        changed = [*(step.item for step in others), *books.changed()]
        spawn = [each for step in others for each in step.spawn]
        return Commit(item, changed, spawn, [entry for step in others for entry in step.audit])

    def _told(self, name: str, named: NamedPage, summary: Summary, books: PhoneBooks) -> Sequence[Commit]:
        try:
            item = self.incidents.item(named.incident_id)
        except NoSuchIncident:
            return []
        event = self._event(f"{name}-{named.code}", named, summary, record_of(item).incident)
        changed = None if event is None else self.incidents.change_of(item, event, books)
        if changed is None:
            return []
        if summary.end != SENT:
            log(changed)
        return [Commit(changed.item, spawn=changed.spawn, audit=changed.audit)]

    def _event(self, name: str, named: NamedPage, summary: Summary, incident: Incident) -> Event | None:
        at = summary.at or self.incidents.clock.now()
        if summary.end is None or summary.end == SENT:
            return summarised(named, incident, at, summary.begun_at)
        return DeliveryFailed(name, at, named.contact, named.level, Channel.SMS, Failure(summary.end))


def _end(outcome: Outcome) -> str:
    match outcome:
        case Accepted() | Unknown():
            return SENT
        case Refused(reason=reason):
            return failure_of(reason).value


def _telling(item: Item, summary: Summary, now: datetime) -> Sequence[Item]:
    """What goes on telling the incidents of a summary that was given up, in a turn of its own."""
    if not summary.left:
        return []
    name, keep = f"{item.id}-{item.version}", item.expires_at
    return [Item(name, SUMMARY, to_state(summary), lane=Lane.INCIDENT, due_at=now, expires_at=keep)]


def _still_open(book: PhoneBook) -> tuple[ListedPage, ...]:
    """The pages that the summary lists, latest first."""
    return tuple(page for page in reversed(book.pages) if page.code in book.held and page.standing is Standing.OPEN)


def _named(pages: Sequence[ListedPage]) -> tuple[NamedPage, ...]:
    return tuple(NamedPage(page.incident_id, page.contact, page.level, page.code) for page in pages)
