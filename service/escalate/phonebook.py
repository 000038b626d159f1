"""What one phone may still answer: the incidents it was paged for, each page with a short code.

A phone's book is an item of its own, written in the same commit as the incident, so that a reply never depends on a
query that lags behind.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from service.core import Channel
from service.escalate.gathering import APART, GATHERED_FOR, REMEMBERED, STORM_LASTS, GatheredNotice, SentNotice
from service.escalate.replies import ClearAnswer
from service.messages import not_in_gsm_7, shorten

FIRST_CODE = 11
"""Codes have two digits at least, so that a lone "1" or "2" is not taken for one."""
LAST_CODE = 9_999
"""Codes count up to here before they start again."""
TIMES = frozenset({*range(10, 100, 5), 24, 36, 48})
"""Numbers of minutes and hours that people write beside a YES: none of them becomes a code."""

RETENTION = timedelta(days=30)
"""How long a page that is over can still be answered by its code."""
MAX_PAGES = 300
"""Pages that one phone's book holds: what is over goes first, then the oldest; the API still acknowledges those."""

PAGES_APART = timedelta(seconds=1)
"""Between pages to one phone: handed over at once they would arrive in any order, and codes are to agree with it."""

STORM_PAGES = 5
STORM_WINDOW = timedelta(minutes=5)
"""More new pages than this within the window arrive as one summary."""

PASSIVE_ANSWERS = 5
PASSIVE_WINDOW = timedelta(hours=1)
"""Answers to replies that change nothing, so that two machines answering each other fall silent."""

ABOUT = 25
"""Characters of a description that stand beside its code in a list."""

LISTED = 260
"""Characters of a list of pages: with what stands around it, it fits into three parts of an SMS."""

CONFIRMATIONS = 3
"""Answers to STOP, HELP and START within the same window."""

LISTED_IN_UCS_2 = 40
"""The same where a character of the list is not in GSM-7: parts have 67 characters then, not 153."""

MAX_NOTICES = 300
"""Notices that wait in one book: as many as it has pages."""

QUESTION_HOLDS = timedelta(minutes=15)
"""How long "41" completes a YES that was answered with a list of codes."""


class Standing(StrEnum):
    """How an incident stands, as far as an answer from this phone goes."""

    OPEN = "open"
    TAKEN = "taken"  # somebody with this phone has it
    UNACKNOWLEDGED = "unacknowledged"  # over, but a YES still takes it
    OVER = "over"


@dataclass(frozen=True, slots=True)
class ListedPage:
    """One page to this phone. `ended_at` is when its incident stopped being open, `about` how its description begins;
    empty in what earlier versions wrote. `asked` says that an answer to it was asked about. A text of its own leaves at
    `leaves_at`."""

    code: int
    incident_id: str
    contact: int
    level: int
    paged_at: datetime
    standing: Standing = Standing.OPEN
    ended_at: datetime | None = None
    about: str = ""
    asked: bool = False
    leaves_at: datetime | None = None

    @property
    def named(self) -> str:
        """The page as a text names it: "41 Disk full db1"."""
        return f"{self.code or ''} {self.about}".strip()


@dataclass(frozen=True, slots=True)
class Question:
    """What this phone was asked last: which incident its `answer` is about, or, without one, what it meant.

    `minutes` are those of a LATER.
    """

    at: datetime
    answer: ClearAnswer | None = None
    minutes: int | None = None


@dataclass(frozen=True, slots=True)
class PhoneBook:
    """The pages of one phone, oldest first.

    `passive` are the last answers to replies that changed nothing, `commands` those to STOP, HELP and START.

    `held` are the codes that the next summary lists; `summaries` counts them, which names the next one. The last one
    was due at `summary_at`. `notices` wait to be told together; `digests` counts the messages that tell them. `told` is
    when messages beyond pages left, the latest of them. The book of an email address has notices alone.
    """

    pages: tuple[ListedPage, ...] = ()
    last_code: int = FIRST_CODE - 1
    question: Question | None = None
    passive: tuple[datetime, ...] = ()
    commands: tuple[datetime, ...] = ()
    held: tuple[int, ...] = ()
    summaries: int = 0
    summary_at: datetime | None = None
    notices: tuple[GatheredNotice, ...] = ()
    digests: int = 0
    told: tuple[SentNotice, ...] = ()

    def page(self, incident_id: str, contact: int, level: int) -> ListedPage | None:
        """The page of an incident's level to a contact, if this phone had it."""
        wanted = (incident_id, contact, level)
        return next((p for p in self.pages if (p.incident_id, p.contact, p.level) == wanted), None)

    def by_code(self, code: int) -> ListedPage | None:
        """The page that a code stands for."""
        return next((page for page in self.pages if page.code == code), None)

    def paged(self, incident_id: str, contact: int, level: int, at: datetime, description: str = "") -> PhoneBook:
        """The book with this page in it; one that is there already keeps its code."""
        if self.page(incident_id, contact, level) is not None:
            return self
        kept = _kept(self.pages, at)
        code = _next_code(self.last_code, {page.code for page in kept})
        page = ListedPage(code, incident_id, contact, level, at, about=shorten(description, ABOUT))
        asked = self.question if self.question is not None and self.question.answer is not None else None
        return replace(self, pages=(*kept, page), last_code=code, passive=(), question=asked)

    def before(self, code: int) -> ListedPage | None:
        """The page before that of a code."""
        at = next((n for n, page in enumerate(self.pages) if page.code == code), 0)
        return self.pages[at - 1] if at else None

    def leaving(self, code: int, at: datetime) -> PhoneBook:
        """The book with when the page of a code leaves as a text of its own."""
        return replace(self, pages=tuple(replace(p, leaves_at=at) if p.code == code else p for p in self.pages))

    def standing(self, incident_id: str, standing: Standing, at: datetime) -> PhoneBook:
        """The book after its incident's standing became this; when it stopped being open is kept."""
        return replace(
            self,
            pages=tuple(
                replace(page, standing=standing, ended_at=None if standing is Standing.OPEN else page.ended_at or at)
                if page.incident_id == incident_id
                else page
                for page in self.pages
            ),
        )

    def latest(self, *standings: Standing) -> tuple[ListedPage, ...]:
        """The latest page of each incident that stands so, latest first."""
        newest: dict[str, ListedPage] = {}
        for page in reversed(self.pages):
            if page.standing in standings:
                newest.setdefault(page.incident_id, page)
        return tuple(newest.values())

    def storm(self, at: datetime) -> bool:
        """Whether a further page now should join a summary instead of arriving by itself."""
        return len([page for page in self.pages if page.paged_at > at - STORM_WINDOW]) > STORM_PAGES

    def in_storm(self, at: datetime) -> bool:
        """Whether this phone's pages were summarised lately: then other messages are combined too."""
        return self.summary_at is not None and at - self.summary_at < STORM_LASTS

    def next_summary_at(self, at: datetime) -> datetime:
        """When a summary that begins now leaves."""
        return max(at + GATHERED_FOR, at if self.summary_at is None else self.summary_at + APART)

    def holding(self, code: int, at: datetime) -> PhoneBook:
        """The book with this page waiting for the next summary, which is a new one if none was waiting yet."""
        held = tuple(dict.fromkeys((*self.held, code)))
        if self.held:
            return replace(self, held=held)
        return replace(self, held=held, summaries=self.summaries + 1, summary_at=self.next_summary_at(at))

    def summarised(self, codes: Iterable[int], at: datetime) -> PhoneBook:
        """The book after a summary of these codes was sent; what is held still is for the next one."""
        gone = set(codes)
        held = tuple(code for code in self.held if code not in gone)
        if not held:
            return replace(self, held=held)
        return replace(self, held=held, summaries=self.summaries + 1, summary_at=self.next_summary_at(at))

    def telling(self, channel: Channel, at: datetime) -> PhoneBook:
        """The book after a message beyond pages left, or was put off until then."""
        return replace(self, told=(*self.told, SentNotice(at, channel))[-REMEMBERED:])

    def noticing(self, notice: GatheredNotice) -> PhoneBook:
        """The book with one more waiting notice."""
        return replace(self, notices=(*self.notices, notice)[-MAX_NOTICES:])

    def with_digest(self) -> PhoneBook:
        """The book with one more message about notices."""
        return replace(self, digests=self.digests + 1)

    def having_told_of(self, told: Sequence[GatheredNotice]) -> PhoneBook:
        """The book without these notices."""
        gone = {(notice.incident_id, notice.number) for notice in told}
        return replace(self, notices=tuple(n for n in self.notices if (n.incident_id, n.number) not in gone))

    def asking(self, question: Question | None) -> PhoneBook:
        """The book with what the phone was asked last; None once it has answered."""
        return replace(self, question=question)

    def asked_about(self, pages: Iterable[ListedPage]) -> PhoneBook:
        """The book after a question about these pages: each is asked about once."""
        codes = {page.code for page in pages}
        return replace(self, pages=tuple(replace(p, asked=True) if p.code in codes else p for p in self.pages))

    def may_answer(self, at: datetime) -> bool:
        """Whether a reply that changes nothing is still answered."""
        return _recent(self.passive, at) < PASSIVE_ANSWERS

    def answered(self, at: datetime) -> PhoneBook:
        """The book after one more answer to a reply that changed nothing."""
        return replace(self, passive=(*self.passive, at)[-PASSIVE_ANSWERS:])

    def may_confirm(self, at: datetime) -> bool:
        """Whether a command is still confirmed."""
        return _recent(self.commands, at) < CONFIRMATIONS

    def confirmed(self, at: datetime) -> PhoneBook:
        """The book after one more command was confirmed: a person is there, and is answered again."""
        return replace(self, commands=(*self.commands, at)[-CONFIRMATIONS:], passive=())

    def acted(self) -> PhoneBook:
        """The book after a reply that changed something: its person is there, and is answered in full again."""
        return replace(self, passive=(), question=None)


def _recent(instants: Iterable[datetime], at: datetime) -> int:
    return sum(then > at - PASSIVE_WINDOW for then in instants)


def listing(pages: Sequence[ListedPage]) -> dict[str, str | int]:
    """The variables of a text that lists pages, in their order: as many as fit, and how `more` there are."""
    named = list({(page.code, page.incident_id): page.named for page in pages}.values())
    shown, room = 1, (LISTED_IN_UCS_2 if not_in_gsm_7("".join(named)) else LISTED) - len(named[0])
    while shown < len(named) and room >= len(named[shown]) + 2:
        room -= len(named[shown]) + 2
        shown += 1
    count = len({page.incident_id for page in pages})
    return {
        "count": count,
        "codes": ", ".join(named[:shown]),
        "more": len(named) - shown,
        "code": str(pages[0].code),
        "about": pages[0].about,
    }


def _kept(pages: tuple[ListedPage, ...], at: datetime) -> tuple[ListedPage, ...]:
    """Room for one more page: drops what ended too long ago, and the oldest beyond the limit."""
    fresh = [page for page in pages if page.ended_at is None or page.ended_at > at - RETENTION]
    surplus = len(fresh) - MAX_PAGES + 1
    if surplus <= 0:
        return tuple(fresh)
    over_first = sorted(fresh, key=lambda page: page.standing is Standing.OPEN)
    gone = {page.code for page in over_first[:surplus]}
    return tuple(page for page in fresh if page.code not in gone)


def _next_code(last: int, taken: Iterable[int]) -> int:
    """The code after `last` that no page of the book carries and nobody writes for a time.

    There are more codes than pages.
    """
    code = last
    while True:
        code = code + 1 if code < LAST_CODE else FIRST_CODE
        if code not in taken and code not in TIMES:
            return code
