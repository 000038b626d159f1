"""Docs are read by strangers at night: their sentences are short."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from statistics import median

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted([*(ROOT / "docs").glob("*.md"), *ROOT.glob("README.md"), *ROOT.glob("CONTRIBUTING.md")])

LONGEST = 40
"""Words of the longest sentence."""

MEDIAN = 15
"""Words of the sentence in the middle, of all pages together and without their tables."""

_FENCED = re.compile(r"^\s*```.*?^\s*```\s*$", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"`[^`]*`")
_TAG = re.compile(r"<[^>]*>")
_LINK = re.compile(r"!?\[([^\]]*)\]\([^)]*\)")
_BLOCK = re.compile(r"\n\s*\n|\n\s*(?:[-*]|\d+\.)\s|\n#[^\n]*\n")
_END = re.compile(r"(?<=[.!?])[\"”)*]*\s+(?=[\"“(*]*[A-Z0-9`])")
_WORD = re.compile(r"\w[\w'’.,:/-]*")


def _prose(text: str) -> Sequence[str]:
    """Paragraphs and items of lists."""
    return _BLOCK.split("\n" + "\n".join(line for line in text.splitlines() if not line.startswith(("|", "    "))))


def _cells(text: str) -> Sequence[str]:
    return [cell for line in text.splitlines() if line.startswith("|") for cell in line.strip("|").split("|")]


def _sentences(blocks: Sequence[str]) -> Iterator[str]:
    for block in blocks:
        plain = _TAG.sub("", _LINK.sub(r"\1", _CODE.sub("Code", block)))
        yield from (" ".join(each.split()) for each in _END.split(plain.strip()) if _length(each) > 2)


def _length(sentence: str) -> int:
    return len(_WORD.findall(sentence))


@cache
def _without_code(page: Path) -> str:
    return _FENCED.sub("", page.read_text("utf-8"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_no_sentence_is_long(page: Path) -> None:
    text = _without_code(page)
    assert not [each for each in _sentences([*_prose(text), *_cells(text)]) if _length(each) > LONGEST], "split each"


def test_most_sentences_are_short() -> None:
    assert median(_length(each) for page in PAGES for each in _sentences(_prose(_without_code(page)))) <= MEDIAN
