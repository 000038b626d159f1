"""What somebody who is asked may choose: `answer.txt` beside a page's template, three lines in its language.

Do you approve?
Approve
Decline
"""

from __future__ import annotations

from dataclasses import dataclass

from service.core import TocsinError

MAX_LINE = 100
"""Characters of a line: it stands on a button, and is read out on the phone."""


class AnswerRefused(TocsinError):
    """An `answer.txt` that cannot be used; the text says what it must hold."""


@dataclass(frozen=True, slots=True)
class AnswerWords:
    """The question, and the two answers to it."""

    question: str
    yes: str
    no: str

    @property
    def texts(self) -> tuple[str, ...]:
        """Every text a translator must be given."""
        return (self.question, self.yes, self.no)


NEUTRAL = AnswerWords("Can you take it?", "Yes, I take it", "No, ask the next person")
"""For pages that have none of their own."""


def parse_answer(text: str, where: str) -> AnswerWords:
    """The words of an `answer.txt`; `AnswerRefused`."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if len(lines) != 3 or any(len(line) > MAX_LINE or "{{" in line for line in lines):
        raise AnswerRefused(
            f"{where} must hold three lines without slots, of at most {MAX_LINE} characters: the question, YES, NO"
        )
    return AnswerWords(*lines)
