"""One message to a phone or an address about many incidents, instead of one for each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from service.channels import Message, Reference, Refused, SendResult
from service.core import Channel, Lane, from_state
from service.escalate.gathering import GatheredNotice, NoticeGroup
from service.escalate.incident import Contact, Incident
from service.escalate.incidents import Incidents
from service.escalate.items import GatheredMessage, Outgoing, digest_item, incident_id, record_of
from service.escalate.phonebook import ABOUT, ListedPage, listing
from service.escalate.send import IncidentSender, again
from service.escalate.states import Acknowledged, Open, Unacknowledged
from service.messages import Urgency, shorten
from service.storage import MAX_WRITES, Conflict, Item
from service.work import Commit, Task, finished, postponed


@dataclass(frozen=True, slots=True)
class CurrentNotice:
    """A notice that is still true, with its incident and whom it is for."""

    notice: GatheredNotice
    incident: Incident

    @property
    def contact(self) -> Contact:
        """Whom it is for."""
        return self.incident.contacts[self.notice.contact - 1]

    @property
    def listed(self) -> ListedPage:
        """The incident as a list names it, by the code of its page."""
        page = self.incident.page(self.notice.level, self.notice.contact)
        page = page or self.incident.last_page(self.notice.contact)
        code = 0 if page is None or page.code is None else page.code
        at = self.incident.opened_at if page is None else page.at
        about = shorten(self.incident.description, ABOUT)
        return ListedPage(code, self.incident.id, self.notice.contact, self.notice.level, at, about=about)


@dataclass(frozen=True, slots=True)
class Notices:
    """Sends what was gathered for an address."""

    incidents: Incidents
    sender: IncidentSender

    def handle(self, task: Task) -> Commit:
        """Send one message for all that was gathered and is still true; of one incident its own message."""
        digest = from_state(GatheredMessage, task.item.state)
        gathered = self._gathered(digest)
        about = self._true(gathered)
        if not about or self._opted_out(digest):
            return self._ended(task.item, digest, gathered, [])
        message = self._worded(task, digest, about)
        if message is None:
            return self._ended(task.item, digest, gathered, [])
        if (waits := self.sender.turn(task, message, Urgency.INCIDENT)) is not None:
            return Commit(waits)
        return self._after(task, digest, gathered, self.sender.hand_over(task, message))

    def on_dead(self, item: Item, _why: str) -> Commit:
        """What a message that was begun too often commits: its notices are dropped."""
        digest = from_state(GatheredMessage, item.state)
        return self._ended(item, digest, self._gathered(digest), [])

    def _gathered(self, digest: GatheredMessage) -> tuple[GatheredNotice, ...]:
        return tuple(each for each in self.incidents.books()[digest.to].notices if digest.holds(each))

    def _true(self, gathered: Sequence[GatheredNotice]) -> Sequence[CurrentNotice]:
        """What still holds, newest first: the last notice of each incident."""
        latest = {notice.incident_id: notice for notice in gathered}
        names = [incident_id(name) for name in latest]
        items: dict[str, Item] = {}
        for start in range(0, len(names), MAX_WRITES):
            items |= self.incidents.store.get_many(names[start : start + MAX_WRITES])
        about = [
            CurrentNotice(notice, record_of(items[incident_id(name)]).incident)
            for name, notice in latest.items()
            if incident_id(name) in items
        ]
        still = [each for each in about if _holds(each)]
        return sorted(still, key=lambda each: (each.incident.opened_at, each.listed.code), reverse=True)

    def _worded(self, task: Task, digest: GatheredMessage, about: Sequence[CurrentNotice]) -> Message | None:
        reference = Reference(task.item.id, task.item.attempts, urgent=True)
        first = about[0]
        if len(about) == 1:
            notice = first.notice
            outgoing = Outgoing(
                notice.incident_id, notice.number, notice.role, notice.contact, notice.level, notice.channel
            )
            return self.sender.wording.of_message(first.incident, outgoing, reference, task.now)
        listed = listing([each.listed for each in about])
        return self.sender.wording.of_many(
            digest.channel, first.contact, f"storm-{digest.group.value}", listed, reference
        )

    def _opted_out(self, digest: GatheredMessage) -> bool:
        opt_outs = self.sender.opt_outs
        if digest.channel is Channel.EMAIL:
            return opt_outs.ending_email(digest.to, Lane.INCIDENT) is not None
        return opt_outs.ending_phone(digest.to, Lane.INCIDENT) is not None

    def _after(
        self, task: Task, digest: GatheredMessage, gathered: Sequence[GatheredNotice], handed: SendResult
    ) -> Commit:
        if isinstance(handed.outcome, Refused) and handed.outcome.untried:
            return Commit(postponed(task.item, task.now + handed.outcome.retry_after))
        retry_at = self.sender.retry_at(task, handed.outcome)
        if retry_at is not None:
            return Commit(again(task.item, retry_at))
        return self._ended(task.item, digest, gathered, handed.writes)

    def _ended(
        self, item: Item, digest: GatheredMessage, sent: Sequence[GatheredNotice], writes: Sequence[Item]
    ) -> Commit:
        """The result, and the book without what was sent; what came meanwhile waits for the next message."""
        books = self.incidents.books()
        books[digest.to] = book = books[digest.to].having_told_of(sent)
        spawn = list(writes)
        if any(digest.holds(notice) for notice in book.notices):
            books[digest.to] = book = book.with_digest()
            spawn.append(digest_item(books.key(digest.to), book.digests, digest, self.incidents.clock.now()))

        def anew() -> Commit:
            stored = self.incidents.store.get(item.id)
            if stored is None or stored.version != item.version:
                raise Conflict(f"item {item.id!r} was changed by somebody else")
            return self._ended(item, digest, sent, writes)

        return Commit(finished(item), books.changed(), spawn, anew=anew)


def _holds(about: CurrentNotice) -> bool:
    """Whether what a notice says is still so."""
    match about.notice.group:
        case NoticeGroup.ESCALATED:
            return isinstance(about.incident.state, Open)
        case NoticeGroup.EXHAUSTED | NoticeGroup.LAST_RESORT:
            return isinstance(about.incident.state, Open | Unacknowledged)
        case NoticeGroup.TAKEN:
            return isinstance(about.incident.state, Acknowledged)
        case _:
            return True
