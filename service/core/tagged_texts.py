"""Sentences that tags of HTML run through: `Your order <1>{{ number }}</1> is <2>ready</2>.`

A tag is a number, so that a translation may move what it marks and survives another look of the page. Each opens and
closes once, one within the other or beside it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

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
    """Whether a text has marks, each pair of which opens before it closes, and none crosses another."""
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
    return bool(seen) and not open_ones


def fragments(text: str) -> tuple[str, ...]:
    """What stands between the marks of a tagged text, in order; nothing of any other text."""
    if not is_tagged(text):
        return ()
    return tuple(part.strip() for part in _between(text) if part.strip())


def joined(text: str, said: Mapping[str, str]) -> str:
    """The tagged text with its fragments said otherwise, where `said` has them."""
    parts = _MARK.split(text)
    for place in range(0, len(parts), 3):
        part = parts[place].strip()
        parts[place] = parts[place].replace(part, said.get(part, part), 1) if part else parts[place]
    marks = (f"<{closes}{number}>" for closes, number in zip(parts[1::3], parts[2::3], strict=True))
    return parts[0] + "".join(mark + part for mark, part in zip(marks, parts[3::3], strict=True))


def pieces(text: str) -> tuple[str, ...]:
    """Texts and marks in turn; the first and the last are texts, and may be empty."""
    found, end = list[str](), 0
    for mark in _MARK.finditer(text):
        found += (text[end : mark.start()], mark[0])
        end = mark.end()
    return (*found, text[end:])


def apart(text: str) -> str:
    """A tagged text whose marks stand apart from the words, as engines need it."""
    return _MARK.sub(lambda mark: f" {mark[0]}" if mark[1] else f"{mark[0]} ", text) if is_tagged(text) else text


def together(text: str) -> str:
    """The text with its marks at the words again."""
    return re.sub(r"(<[1-9]\d{0,3}>) | (</[1-9]\d{0,3}>)", lambda mark: mark[1] or mark[2], text)


def _between(text: str) -> list[str]:
    return _MARK.split(text)[::3]
