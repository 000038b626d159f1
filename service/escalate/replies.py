"""What a reply says of incidents: YES, NO or nothing clear, and which codes it names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from service.replies import (
    AFFIRMING,
    FOR_APPROVALS,
    FOR_PAGES,
    FOR_TASKS,
    Accepts,
    Outcome,
    PhraseKind,
    Reading,
    ReplyDecision,
    decide,
    decide_one,
)


class ClearAnswer(StrEnum):
    """A clear answer."""

    YES = "yes"
    NO = "no"
    DONE = "done"  # it is over
    UNDO = "undo"
    LATER = "later"
    WHO = "who"


_ANSWERS = {
    Outcome.YES: ClearAnswer.YES,
    Outcome.NO: ClearAnswer.NO,
    Outcome.DONE: ClearAnswer.DONE,
    Outcome.UNDO: ClearAnswer.UNDO,
    Outcome.LATER: ClearAnswer.LATER,
    Outcome.WHO: ClearAnswer.WHO,
}


@dataclass(frozen=True, slots=True)
class ParsedReply:
    """What a reply says. `answer` is None where it is not clear.

    `codes` are the numbers it may name incidents by; where they are not `certain` ("yes, see page 3"), a number that
    is no code of this phone is only a number. `minutes` are those of a LATER.
    """

    answer: ClearAnswer | None
    codes: tuple[int, ...] = ()
    certain: bool = False
    minutes: int | None = None


@dataclass(frozen=True, slots=True)
class UnderstoodReply:
    """A text as it was read, in one language or in all it may be in."""

    readings: tuple[Reading, ...]

    @property
    def decision(self) -> ReplyDecision:
        """What it says to a page that asks somebody to take an incident."""
        return decide(self.readings, FOR_PAGES)

    def answer(self, accepts: Accepts) -> ClearAnswer | None:
        """The answer it gives to a policy that accepts this."""
        return _ANSWERS.get(decide(self.readings, accepts).outcome)

    def decision_for(self, accepts: Accepts) -> ReplyDecision:
        """What it says to a policy that accepts this."""
        decision = decide(self.readings, accepts)
        leans = any(decide_one(reading, accepts).leans_yes for reading in self.readings)
        return replace(decision, leans_yes=decision.outcome is Outcome.ASK and leans)

    @property
    def kinds(self) -> frozenset[PhraseKind | None]:
        """The kinds of phrases in it, in any language it may be in."""
        return frozenset(kind for reading in self.readings for kind in reading.kinds)

    @property
    def affirms(self) -> bool:
        """Whether it contains a YES, also beside other things."""
        return any(AFFIRMING.intersection(reading.kinds) for reading in self.readings)

    @property
    def said(self) -> ParsedReply:
        """What it says to at least one policy, before the page is known."""
        given = (self.answer(accepts) for accepts in (FOR_PAGES, FOR_TASKS, FOR_APPROVALS))
        answers = {answer for answer in given if answer is not None}
        whole = _whole(self.readings)
        answer = _before_the_page(answers)
        return ParsedReply(
            answer=answer,
            codes=self.decision.codes,
            certain=whole is not None and bool(whole.codes),
            minutes=self.decision.minutes if answer is ClearAnswer.LATER else None,
        )


def _before_the_page(answers: set[ClearAnswer]) -> ClearAnswer | None:
    """What is said where policies differ: "done" is a YES where a task is to be done, and DONE on a page."""
    if answers == {ClearAnswer.YES, ClearAnswer.DONE}:
        return ClearAnswer.DONE
    return next(iter(answers)) if len(answers) == 1 else None


def _whole(readings: Sequence[Reading]) -> Reading | None:
    return next((reading for reading in readings if reading.whole), None)
