"""The places of a text that stand for values: `Hello {{ first_name }}, your order is due on {{ due | date }}`.

What a name may be is said by whoever reads the text; where a placeholder begins and ends is the same in all of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

PATTERN = r"\{\{[^{}]*+\}\}"
"""One placeholder as a regular expression, for those that look for other things beside it. It never backtracks."""

_DEFAULT = re.compile(r"""(\|\s*+default\(\s*+)(?:"([^"]*+)"|'([^']*+)')""")
_PLACEHOLDER = re.compile(PATTERN)
_BRACES = re.compile(r"\{\{|\}\}")


@dataclass(frozen=True, slots=True)
class LiteralText:
    """A part of a text that stands for itself; `at` is the index of its first character in the text."""

    text: str
    at: int


@dataclass(frozen=True, slots=True)
class Placeholder:
    """A part of a text that stands for a value.

    `text` is the part as it was written, with its braces, from the index `at`; `name` is what stands between the
    braces, without the blanks around it, from the index `name_at`.
    """

    text: str
    at: int
    name: str
    name_at: int


@dataclass(frozen=True, slots=True)
class Unpaired:
    """`{{` or `}}` without its other half, at an index of the text."""

    braces: str
    at: int


def split(text: str) -> Iterator[LiteralText | Placeholder]:
    """The literal parts and placeholders of a text in turn, without empty literals; together they are the text."""
    end = 0
    for match in _PLACEHOLDER.finditer(text):
        if end < match.start():
            yield LiteralText(text[end : match.start()], end)
        yield _placeholder(match[0], match.start())
        end = match.end()
    if end < len(text):
        yield LiteralText(text[end:], end)


def unpaired(literal: LiteralText) -> Unpaired | None:
    """The first `{{` or `}}` of a literal part: it has no other half."""
    brace = _BRACES.search(literal.text)
    return None if brace is None else Unpaired(brace[0], literal.at + brace.start())


def has_braces(text: str) -> bool:
    """Whether a text has placeholders, or tries to."""
    return "{{" in text or "}}" in text


def default_words(placeholder: str) -> str | None:
    """What a placeholder says for a missing value: `there` of `{{ name | default("there") }}`; None if nothing."""
    written = _DEFAULT.search(placeholder)
    return None if written is None else written[2] or written[3]


def without_default_words(placeholder: str) -> str:
    """The placeholder as it is in each language: what it says for a missing value may differ."""
    return _DEFAULT.sub(r'\1""', placeholder)


def _placeholder(text: str, at: int) -> Placeholder:
    inside = text[2:-2]
    blanks = len(inside) - len(inside.lstrip())
    return Placeholder(text, at, inside.strip(), at + 2 + blanks)
