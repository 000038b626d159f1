"""No regular expression takes more than linear time, whatever it is fed: a stranger's text must not stop a process.

All of them are found in the source, so a new one is tried without being asked.
"""

from __future__ import annotations

import re

import pytest

from service.language import masking
from service.language.embedded import catalogue
from tests.growth.cost import BUDGET, TooSlow, check_growth
from tests.growth.patterns import USES, Found, collected, made_while_running, runs

MADE_AT_RUN_TIME = {
    # our own texts are checked by what Amazon's model says of a member, at most 64 characters each
    "service.aws.limits: re.compile(pattern)": (),
    "service.language.embedded.catalogue: re.compile(f'(?<![\\\\w.,]){re.escape(written)}(?!\\\\w|[.,]\\\\d)')": (
        catalogue._alone("10. Mai"),
    ),
    "service.language.masking: re.compile(f\"(?:{'|'.join([_KEPT, *others, *whole_words])})\\\\d{{0,20}}\")": (
        masking._pattern(("Tocsin", "a b")),
        masking._pattern(("Tocsin",), masking.LOST_BY_MACHINES),
    ),
    "service.core.tagged_texts: re.finditer(f'(?<!\\\\w){re.escape(phrase.strip())}(?!\\\\w)', text, re.IGNORECASE)": (
        re.compile(r"(?<!\w)two\ words(?!\w)", re.IGNORECASE),
    ),
}
"""Patterns that no module holds, by the call that makes them."""

PATTERNS = collected(MADE_AT_RUN_TIME)
LONGEST = 8_000


def test_patterns_are_found() -> None:
    assert len(PATTERNS) >= 100


def test_patterns_that_only_a_running_function_knows_are_declared() -> None:
    assert made_while_running() == frozenset(MADE_AT_RUN_TIME)


@pytest.mark.parametrize(
    "bad",
    [
        r"\{\{\s*([^{}]*?)\s*\}\}",  # these once stopped a process
        r"\{\{\s*(?P<name>[a-z]+)\s*(?:\|\s*(?P<filter>[a-z]+)\s*(?:\(\w+\))?\s*)?\}\}",
        r'\s*("(?:[^"]|"")*"|[^,]*?)\s*(?:,|\Z)',
        r"\s+$",
        r"(a+)+$",
        r"<[^<>]*\{\{[^<>]*>",
    ],
)
def test_a_pattern_that_goes_back_is_caught(bad: str) -> None:
    found = Found("here", re.compile(bad), USES)
    with pytest.raises(TooSlow):
        _check(found, budget=0.2)


@pytest.mark.parametrize("found", PATTERNS, ids=lambda found: found.where)
def test_the_time_of_a_pattern_grows_no_faster_than_its_text(found: Found) -> None:
    _check(found)


def _check(found: Found, budget: float = BUDGET) -> None:
    for run in runs(found):
        for call in found.calls():
            check_growth(call, run, LONGEST, f"{found.where}: {found.pattern.pattern!r}", budget)
