"""Which incident a reply means: the code in it, else the only open one of this phone, else never a guess."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from service.escalate.phonebook import QUESTION_HOLDS, TIMES, ListedPage, PhoneBook, Standing
from service.escalate.replies import ClearAnswer, ParsedReply


@dataclass(frozen=True, slots=True)
class ClearReply:
    """A clear answer to these pages: one, or several that the person named by their codes.

    `minutes` are those of a LATER.
    """

    answer: ClearAnswer
    pages: tuple[ListedPage, ...]
    minutes: int | None = None


@dataclass(frozen=True, slots=True)
class AmbiguousReply:
    """It could mean each of these, latest first: answer with their codes."""

    answer: ClearAnswer | None
    pages: tuple[ListedPage, ...]


@dataclass(frozen=True, slots=True)
class NotUnderstood:
    """Neither yes nor no: ask, once. `pages` are those it is likely about, latest first."""

    pages: tuple[ListedPage, ...]


@dataclass(frozen=True, slots=True)
class UnknownPhone:
    """A phone that was never paged: logged, never answered."""


SHOWN_AT_ONCE = 3
"""A WHO without a code is answered for so many incidents; for more the question is which one."""

TAKEN_LATELY = timedelta(hours=12)
"""How long "done" without a code may mean what was taken by then, although something else was taken later."""

Resolution = ClearReply | AmbiguousReply | NotUnderstood | UnknownPhone


def _any(_: ListedPage) -> bool:
    return True


def resolve(
    reply: ParsedReply,
    book: PhoneBook | None,
    at: datetime,
    in_reply_to: str | None = None,
    was_sent: Callable[[ListedPage], bool] = _any,
) -> Resolution:
    """Which incident `said` is about.

    `was_sent` tells whether a page may have been sent by the time the reply was written: one that came later is not
    what it answers, though it be the only open one. A code says what it means, whenever it was written.

    `in_reply_to` is the incident of the message that the person appears to answer (`previousPublishedMessageId`). It
    is a presumption of the carrier, so it decides only about what is over: which of several closed incidents a reply
    without a code means.
    """
    if book is None or not book.pages:
        return UnknownPhone()
    named = _named(reply, book)
    if named is None:
        return AmbiguousReply(reply.answer, _in_question(book))
    answer = reply.answer or _pending(reply, book, at)
    if answer is None:
        return NotUnderstood(named or _in_question(book))
    if named:
        return ClearReply(answer, named, _minutes(reply, book))
    if answer in (ClearAnswer.YES, ClearAnswer.NO):
        return _without_code(answer, book, in_reply_to, was_sent)
    return _command(answer, reply, book, at, was_sent)


def _named(reply: ParsedReply, book: PhoneBook) -> tuple[ListedPage, ...] | None:
    """The pages whose codes the reply names; None if it certainly names a code that this phone never had.

    A range may hold numbers that become no codes: "11-17" names 11 to 14, 16 and 17.
    """
    by_code = {code: book.by_code(code) for code in reply.codes}
    pages = tuple(page for page in by_code.values() if page is not None)
    if reply.certain:
        unknown = [code for code, page in by_code.items() if page is None]
        return None if any(code not in TIMES or not pages for code in unknown) else pages
    return tuple(page for page in pages if page.standing is Standing.OPEN)


def _pending(reply: ParsedReply, book: PhoneBook, at: datetime) -> ClearAnswer | None:
    """The answer that was asked "which one?" a moment ago, if this is just the code."""
    asked = book.question
    if asked is None or not (reply.codes and reply.certain) or at - asked.at > QUESTION_HOLDS:
        return None
    return asked.answer


def _minutes(reply: ParsedReply, book: PhoneBook) -> int | None:
    return reply.minutes if reply.answer is not None or book.question is None else book.question.minutes


def _command(
    answer: ClearAnswer, reply: ParsedReply, book: PhoneBook, at: datetime, was_sent: Callable[[ListedPage], bool]
) -> Resolution:
    """DONE, UNDO, LATER or WHO without a code: about what the writer has or is asked, else about what ended last."""
    pages = may_mean(answer, book, at, was_sent)
    several = len(pages) > (SHOWN_AT_ONCE if answer is ClearAnswer.WHO else 1)
    return AmbiguousReply(answer, pages) if several else ClearReply(answer, pages or _ended(book)[:1], reply.minutes)


def may_mean(
    answer: ClearAnswer, book: PhoneBook, at: datetime, was_sent: Callable[[ListedPage], bool] = _any
) -> tuple[ListedPage, ...]:
    """The pages that a command may be about, latest first."""
    asked = tuple(page for page in book.latest(Standing.OPEN) if was_sent(page))
    taken = _taken(book, at)
    match answer:
        case ClearAnswer.UNDO:
            return taken or asked
        case ClearAnswer.LATER:
            return asked or taken
        case _:
            return asked + taken


def _taken(book: PhoneBook, at: datetime) -> tuple[ListedPage, ...]:
    """What the writer owns: all that was taken lately, else what was taken last."""
    taken = sorted(book.latest(Standing.TAKEN), key=lambda page: page.ended_at or page.paged_at, reverse=True)
    lately = [page for page in taken if page.ended_at is not None and at - page.ended_at <= TAKEN_LATELY]
    return tuple(lately or taken[:1])


def _without_code(
    answer: ClearAnswer, book: PhoneBook, in_reply_to: str | None, was_sent: Callable[[ListedPage], bool]
) -> Resolution:
    still_open = book.latest(Standing.OPEN)
    if still_open:
        meant = _first_two(book, was_sent)
        if len(meant) == 1:
            return ClearReply(answer, meant)
        return AmbiguousReply(answer, still_open if meant else (*still_open, *_ended(book)))
    closed = _in_question(book)
    meant = tuple(page for page in book.latest(*Standing) if page.incident_id == in_reply_to)
    if meant or len(closed) == 1:
        return ClearReply(answer, meant or closed)
    return AmbiguousReply(answer, closed)


def _in_question(book: PhoneBook) -> tuple[ListedPage, ...]:
    """What a reply without a code may be about: what is open, else what a YES still takes and what ended last.

    A book that has pages always has something to answer for.
    """
    still_open = book.latest(Standing.OPEN)
    if still_open:
        return still_open
    return _ended(book)


def _ended(book: PhoneBook) -> tuple[ListedPage, ...]:
    over = [page for page in book.latest(*Standing) if page.standing is not Standing.OPEN]
    ended = sorted(over, key=lambda page: page.ended_at or page.paged_at, reverse=True)
    return tuple(page for n, page in enumerate(ended) if n == 0 or page.standing is Standing.UNACKNOWLEDGED)


def _first_two(book: PhoneBook, was_sent: Callable[[ListedPage], bool]) -> tuple[ListedPage, ...]:
    """The latest sent page of each open incident, two at most: enough to see that there are several."""
    pages: dict[str, ListedPage] = {}
    for page in reversed(book.pages):
        if page.standing is Standing.OPEN and page.incident_id not in pages and was_sent(page):
            pages[page.incident_id] = page
            if len(pages) == 2:
                break
    return tuple(pages.values())
