"""The patterns that vocabulary files are written in.

`(a|b)` is either, `[a]` and `[a|b]` are optional, `<name>` is one of the file's `parts`, `{n}` a number, `{unit}` a
unit of time, and `…` at the end takes in the rest of the clause. Letters that touch a bracket belong to one word with
what is inside: `mach[e]`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Literal

from service.replies.atoms import is_single

MAX_DEPTH = 10
"""Nesting of parentheses and brackets, parts included."""

MAX_SPELLINGS = 200
"""Spellings of one word with brackets inside."""

MAX_LENGTH = 4_000
"""Characters of one pattern with its parts filled in."""


class BadPattern(ValueError):
    """A pattern that cannot be read; the message says why."""


@dataclass(frozen=True, slots=True)
class Group:
    """Alternatives, one of which stands here; none need stand here if the group is `optional`."""

    alternatives: tuple[Sequence[Part], ...]
    optional: bool


Part = str | Group
"""A text without brackets, or a group."""

_TOKEN = re.compile(r"[()\[\]|]|[^()\[\]|]+")
_BRACKET = re.compile(r"[()\[\]|]")
_NAME = re.compile(r"<([a-z0-9_-]+)>")
_CLOSING = {"(": ")", "[": "]"}


def with_parts(pattern: str, parts: Mapping[str, str]) -> str:
    """The pattern with every `<name>` filled in."""
    unknown = [name for name in _NAME.findall(pattern) if name not in parts]
    if unknown:
        raise BadPattern(f'there is no part "{unknown[0]}"')
    filled = _NAME.sub(lambda match: f"({parts[match[1]]})", pattern)
    if len(filled) > MAX_LENGTH:
        raise BadPattern(f"with its parts the pattern is longer than {MAX_LENGTH} characters")
    return filled


def parse(pattern: str) -> tuple[Sequence[Part], ...]:
    """The alternatives of a pattern, each as runs: a run is a word, or a group that touches no letter."""
    if _BRACKET.search(pattern) is None:
        return (tuple(word for word in pattern.split(" ") if word),)
    tokens = _TOKEN.findall(pattern)
    alternatives, end = _alternatives(tokens, 0, 0)
    if end < len(tokens):
        raise BadPattern(f'"{tokens[end]}" closes nothing')
    return alternatives


def _alternatives(tokens: Sequence[str], at: int, depth: int) -> tuple[tuple[Sequence[Part], ...], int]:
    if depth > MAX_DEPTH:
        raise BadPattern(f"parentheses are nested deeper than {MAX_DEPTH}")
    alternatives: list[Sequence[Part]] = []
    while True:
        parts, at = _parts(tokens, at, depth)
        alternatives.append(tuple(run for word in _words(parts) for run in _runs(word)))
        if at == len(tokens) or tokens[at] != "|":
            return tuple(alternatives), at
        at += 1


def _parts(tokens: Sequence[str], at: int, depth: int) -> tuple[list[Part], int]:
    parts: list[Part] = []
    while at < len(tokens) and tokens[at] not in ("|", ")", "]"):
        bracket = tokens[at]
        if bracket not in _CLOSING:
            parts.append(bracket)
            at += 1
            continue
        inner, end = _alternatives(tokens, at + 1, depth + 1)
        if end == len(tokens) or tokens[end] != _CLOSING[bracket]:
            raise BadPattern(f'"{bracket}" is not closed by "{_CLOSING[bracket]}"')
        parts.append(Group(inner, optional=bracket == "["))
        at = end + 1
    return parts, at


def _words(parts: Sequence[Part]) -> Iterator[list[Part]]:
    """The parts between blanks: what touches stands together."""
    word: list[Part] = []
    for part in parts:
        if isinstance(part, Group):
            word.append(part)
            continue
        pieces = part.split(" ")
        for n, piece in enumerate(pieces):
            if n and word:
                yield word
                word = []
            if piece:
                word.append(piece)
    if word:
        yield word


def _runs(word: Sequence[Part]) -> Sequence[Part]:
    """What touches, as one group of spellings where letters join across a bracket."""
    if len(word) == 1 or not _joins(word):
        return word
    choices = [tuple(_texts(part)) for part in word]
    spellings = 1
    for choice in choices:
        spellings *= len(choice)
    if spellings > MAX_SPELLINGS:
        raise BadPattern(f"a word with brackets inside has {spellings} spellings, which is more than {MAX_SPELLINGS}")
    texts = dict.fromkeys("".join(texts) for texts in product(*choices))
    return (Group(tuple((text,) for text in texts), optional=False),)


def _joins(word: Sequence[Part]) -> bool:
    """Whether the letters of two parts can meet without a blank between them."""
    open_letter = False
    for part in word:
        edges = _edges(part)
        if open_letter and edges.begins:
            return True
        open_letter = edges.ends or (open_letter and edges.empty)
    return False


@dataclass(frozen=True, slots=True)
class _Edges:
    """Whether a part can begin with a letter that joins, end with one, and be nothing at all."""

    begins: bool
    ends: bool
    empty: bool


def _edges(part: Part) -> _Edges:
    if isinstance(part, str):
        return _Edges(_is_letter(part[0]), _is_letter(part[-1]), empty=False)
    alternatives = [[_edges(inner) for inner in alternative] for alternative in part.alternatives]
    return _Edges(
        begins=any(_reaches(edges, "begins") for edges in alternatives),
        ends=any(_reaches(edges[::-1], "ends") for edges in alternatives),
        empty=part.optional or any(all(edge.empty for edge in edges) for edges in alternatives),
    )


def _reaches(edges: Sequence[_Edges], side: Literal["begins", "ends"]) -> bool:
    """Whether a letter of `side` can stand at the outside, behind parts that may be nothing."""
    for edge in edges:
        if getattr(edge, side):
            return True
        if not edge.empty:
            return False
    return False


def _is_letter(character: str) -> bool:
    return (character.isalnum() or character == "'") and not is_single(character)


def _texts(part: Part) -> Iterator[str]:
    """Every text of a part, with blanks between its words."""
    if isinstance(part, str):
        yield part
        return
    for alternative in part.alternatives:
        for texts in product(*(tuple(_texts(inner)) for inner in alternative)):
            yield " ".join(text for text in texts if text)
    if part.optional:
        yield ""
