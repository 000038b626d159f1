"""The tests that stand in a vocabulary file, run with the file itself and the others of its folder."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from service.decide import Finding, Flaw, Severity
from service.replies.decide import FOR_APPROVALS, FOR_PAGES, FOR_TASKS, Accepts, Outcome, decide
from service.replies.languages import EMOJI, Languages
from service.replies.vocabulary_file import ReplyTest

POLICIES: Mapping[str, Accepts] = {"page": FOR_PAGES, "approval": FOR_APPROVALS, "medicine": FOR_TASKS}
"""What tests and people at a terminal call the kinds of pages."""


def failures(tests: tuple[ReplyTest, ...], language: str, languages: Languages) -> tuple[Finding, ...]:
    """A finding for every test that does not hold, or that asks for a policy or an outcome that does not exist."""
    known = None if language == EMOJI else language
    return tuple(finding for test in tests for finding in _failure(test, known, languages))


def _failure(test: ReplyTest, language: str | None, languages: Languages) -> Iterator[Finding]:
    if test.policy not in POLICIES:
        yield _failed(test, f"there is no policy {test.policy!r}", f"write {', '.join(POLICIES)}")
    elif test.outcome not in set(Outcome):
        yield _failed(test, f"there is no outcome {test.outcome!r}", f"write {', '.join(Outcome)}")
    else:
        outcome = decide(languages.read(test.text, language), POLICIES[test.policy]).outcome
        if outcome != test.outcome:
            message = f"the test {test.text!r} expects {test.outcome}, but the reply is read as {outcome}"
            yield _failed(test, message, "`tocsin rules reply` shows how each word is read")


def _failed(test: ReplyTest, message: str, hint: str) -> Finding:
    return Finding(Severity.ERROR, Flaw.TEST_FAILED, test.at, message, hint=hint)
