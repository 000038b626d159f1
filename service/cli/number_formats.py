"""How Excel shows a number: whether its format adds a percent sign, and what that sign means.

A format has up to four sections, `positive;negative;zero;text` (ECMA-376 §18.8.31). A bare `%` multiplies by a hundred;
in quotes or behind a backslash it is only a sign: `0\\%` shows 20 as `20%`, as `0%` shows 0.2.
"""

from __future__ import annotations

import re
from enum import Enum

_PIECE = re.compile(r'"[^"]*"|\\.|_.|\*.|\[[^\[\]]*\]|.', re.DOTALL)
_CONDITION = re.compile(r"\[[<>=]")
_DIGITS = frozenset("0#?")


class PercentSign(Enum):
    """What a percent sign of the format means, if there is one."""

    PLAIN = "plain"
    SHARE = "share"
    """The number is shown a hundredfold: 0.2 as 20%."""
    LITERAL = "literal"
    """The number is shown as it is, with the sign: 20 as 20%."""
    UNCLEAR = "unclear"
    """It depends on a condition in the format, or the sign stands within other words."""


def percent_sign(number_format: str, sign: int) -> PercentSign:
    """How a number of this sign (-1, 0, 1) is shown."""
    sections = [_section(pieces) for pieces in _sections(number_format)]
    with_digits = [meaning for meaning, digits in sections if digits]
    if _CONDITION.search(number_format) and len(set(with_digits)) > 1:
        return PercentSign.UNCLEAR
    position = {1: 0, -1: 1, 0: 2}[sign]
    meaning, digits = sections[position] if position < len(sections) else sections[0]
    return meaning if digits or not with_digits else with_digits[0]


def _sections(number_format: str) -> list[list[str]]:
    """The pieces of each section; a semicolon in quotes parts none."""
    sections: list[list[str]] = [[]]
    for piece in _PIECE.findall(number_format):
        if piece == ";":
            sections.append([])
        else:
            sections[-1].append(piece)
    return sections


def _section(pieces: list[str]) -> tuple[PercentSign, bool]:
    """What the percent signs of a section mean, and whether it shows digits at all."""
    literals = [piece.strip('"\\ ') for piece in pieces if piece[0] in '"\\' and "%" in piece]
    if any(literal != "%" for literal in literals) or (literals and "%" in pieces):
        meaning = PercentSign.UNCLEAR
    else:
        meaning = PercentSign.SHARE if "%" in pieces else PercentSign.LITERAL if literals else PercentSign.PLAIN
    return meaning, any(piece in _DIGITS for piece in pieces) or "General" in "".join(pieces)
