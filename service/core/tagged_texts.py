"""Sentences that tags of HTML run through: `Your order <1>{{ number }}</1> is <2>ready</2>.`

A tag is a number, so that a translation may move what it marks and survives another look of the page. Each opens and
closes once, one within the other or beside it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

MAX_TAGS = 50
"""Tags of one text."""

_MARK = re.compile(r"<(/?)([1-9]\d{0,3})>")


def opening(number: int) -> str:
    """The mark with which a tag opens."""
    return f"<{number}>"


def closing(number: int) -> str:
    """The mark with which it closes."""
    return f"</{number}>"


def has_marks(text: str) -> bool:
    """Whether a text holds anything that is written like a mark."""
    return _MARK.search(text) is not None


def is_tagged(text: str) -> bool:
    """Whether a text has marks, at most `MAX_TAGS` pairs, each of which opens before it closes and crosses no other."""
    open_ones: list[str] = []
    seen: set[str] = set()
    for closes, number in _MARK.findall(text):
        if not closes:
            if number in seen:
                return False
            seen.add(number)
            open_ones.append(number)
        elif not open_ones or open_ones.pop() != number:
            return False
    return 0 < len(seen) <= MAX_TAGS and not open_ones


def fragments(text: str) -> tuple[str, ...]:
    """What stands between the marks of a tagged text, in order; nothing of any other text."""
    if not is_tagged(text):
        return ()
    return tuple(part.strip() for part in _between(text) if part.strip())


def joined(text: str, translations: Mapping[str, str]) -> str:
    """The tagged text with its fragments said otherwise, where `said` has them."""
    parts = _MARK.split(text)
    for place in range(0, len(parts), 3):
        part = parts[place].strip()
        parts[place] = parts[place].replace(part, translations.get(part, part), 1) if part else parts[place]
    marks = (f"<{closes}{number}>" for closes, number in zip(parts[1::3], parts[2::3], strict=True))
    return parts[0] + "".join(mark + part for mark, part in zip(marks, parts[3::3], strict=True))


def pieces(text: str) -> tuple[str, ...]:
    """Texts and marks in turn; the first and the last are texts, and may be empty."""
    parts, end = list[str](), 0
    for mark in _MARK.finditer(text):
        parts += (text[end : mark.start()], mark[0])
        end = mark.end()
    return (*parts, text[end:])


def apart(text: str) -> str:
    """A tagged text whose marks stand apart from its words."""
    return _MARK.sub(lambda mark: f" {mark[0]}" if mark[1] else f"{mark[0]} ", text) if is_tagged(text) else text


def bare(text: str) -> str:
    """The text without marks."""
    return _MARK.sub("", text)


def marked_words(text: str) -> Mapping[str, str]:
    """By the number of each tag of a tagged text, what it goes around."""
    if not is_tagged(text):
        return {}
    begins = {mark[2]: mark.end() for mark in _MARK.finditer(text) if not mark[1]}
    return {mark[2]: bare(text[begins[mark[2]] : mark.start()]) for mark in _MARK.finditer(text) if mark[1]}


def with_marks(text: str, words: Mapping[str, str]) -> str | None:
    """A bare text with each tag around its words; None unless each stands there once, and no two tags cross."""
    marks: list[tuple[int, int, int, str]] = []
    for number, phrase in words.items():
        matches = list(re.finditer(rf"(?<!\w){re.escape(phrase.strip())}(?!\w)", text, re.IGNORECASE))
        if len(matches) != 1 or not phrase.strip():
            return None
        start, end = matches[0].span()
        # where several stand at one place, what closes comes first, the inner one of two closing, the outer of opening
        marks += ((start, 1, -end, f"<{number}>"), (end, 0, -start, f"</{number}>"))
    tagged, last = "", 0
    for place, _, _, mark in sorted(marks):
        tagged, last = f"{tagged}{text[last:place]}{mark}", place
    tagged += text[last:]
    return tagged if is_tagged(tagged) else None


def _between(text: str) -> list[str]:
    return _MARK.split(text)[::3]
