"""What a reply says of incidents: YES, NO or nothing clear, and which codes it names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from service.replies import Accepts, Decision, Outcome, Reading, decide
from service.replies.decide import FOR_APPROVALS, FOR_PAGES, FOR_TASKS
from service.replies.kinds import AFFIRMING


class Answer(StrEnum):
    """A clear answer."""

    YES = "yes"
    NO = "no"


_ANSWERS = {Outcome.YES: Answer.YES, Outcome.DONE: Answer.YES, Outcome.NO: Answer.NO}
"""Whoever says that it is over has taken it."""


@dataclass(frozen=True, slots=True)
class Said:
    """What a reply says. `answer` is None where it is not clear.

    `codes` are the numbers it may name incidents by; where they are not `certain` ("yes, see page 3"), a number that
    is no code of this phone is only a number.
    """

    answer: Answer | None
    codes: tuple[int, ...] = ()
    certain: bool = False


@dataclass(frozen=True, slots=True)
class Understood:
    """A text as it was read, in one language or in all it may be in."""

    readings: tuple[Reading, ...]

    @property
    def decision(self) -> Decision:
        """What it says to a page that asks somebody to take an incident."""
        return decide(self.readings, FOR_PAGES)

    def answer(self, accepts: Accepts) -> Answer | None:
        """The answer it gives to a policy that accepts this."""
        return _ANSWERS.get(decide(self.readings, accepts).outcome)

    @property
    def affirms(self) -> bool:
        """Whether a YES stands in it, whatever stands beside it."""
        return any(AFFIRMING.intersection(reading.kinds) for reading in self.readings)

    @property
    def said(self) -> Said:
        """What it says to some policy at least, before anybody knows which page is meant."""
        answers = {self.answer(accepts) for accepts in (FOR_PAGES, FOR_TASKS, FOR_APPROVALS)} - {None}
        whole = _whole(self.readings)
        return Said(
            answer=answers.pop() if len(answers) == 1 else None,
            codes=self.decision.codes,
            certain=whole is not None and bool(whole.codes),
        )


def _whole(readings: Sequence[Reading]) -> Reading | None:
    return next((reading for reading in readings if reading.whole), None)
