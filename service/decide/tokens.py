"""The words and signs that a condition is made of, each with its place."""

from __future__ import annotations

import re
from collections.abc import Callable
from enum import Enum
from typing import NamedTuple

from service.decide.slips import INVISIBLE

Report = Callable[[int, str, str | None], None]
"""How a fault is told: offset in the condition, message, hint."""


class TokenType(Enum):
    """What a token is."""

    NUMBER = "number"
    TEXT = "text"
    WORD = "word"
    KEYWORD = "keyword"
    OPERATOR = "operator"
    SIGN = "sign"
    STRAY = "stray"
    END = "end"


class Token(NamedTuple):
    """One word or sign, with its offset in the condition."""

    sort: TokenType
    text: str
    offset: int


KEYWORDS = frozenset({"and", "or", "not", "in", "between", "is", "missing", "always", "true", "false"})
"""Words that no fact can have for a name."""


_TOKEN = re.compile(
    r"""(?P<NUMBER>[0-9]{4}-[0-9]{2}-[0-9]{2}[\w.:+-]*|[+-]?[0-9](?:[eE][+-](?=[0-9])|[\w.%])*)
      | (?P<WORD>[^\W\d][\w.-]*)
      | (?P<TEXT>"(?:[^"]|"")*"|'(?:[^']|'')*')
      | (?P<OPERATOR>===|!==|==|!=|<=|>=|<>|=<|=>|<|>|=|&&|\|\||!|&|\|)
      | (?P<SIGN>[()\[\],])
      | (?P<STRAY>[^ \t\r\n])""",
    re.VERBOSE,
)


_SORTS = dict(TokenType.__members__)


def tokens(text: str, report: Report) -> list[Token]:
    """The tokens of a condition, an end behind them; characters that nobody sees go to `report`."""
    found_so_far: list[Token] = []
    for match in _TOKEN.finditer(text):
        name = match.lastgroup or "STRAY"
        token_text = match[name]
        if name == "STRAY" and token_text in INVISIBLE:
            message = f"an invisible character stands here: U+{ord(token_text):04X}, {INVISIBLE[token_text]}"
            report(match.start(name), message, "delete it, and write an ordinary blank")
            continue
        sort = TokenType.KEYWORD if token_text in KEYWORDS else _SORTS[name]
        found_so_far.append(Token(sort, token_text, match.start(name)))
    return [*found_so_far, Token(TokenType.END, "", len(text.rstrip(" \t\r\n")))]
