"""The grammar of conditions: from text to a tree of tokens that knows no facts and no types yet.

    condition   = conjunction { "or" conjunction }
    conjunction = negation { "and" negation }
    negation    = "not" negation | "(" condition ")" | "always" | comparison
    comparison  = operand ( "==" | "!=" | "<" | "<=" | ">" | ">=" ) operand
                | fact [ "not" ] "in" "[" operand { "," operand } "]"
                | fact "between" operand "and" operand
                | fact "is" [ "not" ] "missing"

A fault inside a comparison leaves a `Hole` and parsing goes on behind it, so that one mistake hides no other.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

from service.errors import TocsinError

MAX_LENGTH = 10_000
"""Characters of one condition."""

MAX_DEPTH = 50
"""Parentheses and `not` around one another in one condition."""


class Sort(Enum):
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

    sort: Sort
    text: str
    offset: int


@dataclass(frozen=True, slots=True)
class Hole:
    """What stood here has been reported."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two operands and an operator between them."""

    left: Token
    operator: Token
    right: Token


@dataclass(frozen=True, slots=True)
class Membership:
    """`fact in [..]`."""

    fact: Token
    items: tuple[Token, ...]


@dataclass(frozen=True, slots=True)
class Range:
    """`fact between low and high`."""

    fact: Token
    low: Token
    high: Token


@dataclass(frozen=True, slots=True)
class Missing:
    """`fact is missing`; `negated` for `is not missing`."""

    fact: Token
    negated: bool


@dataclass(frozen=True, slots=True)
class Constantly:
    """`always`."""

    at: Token


@dataclass(frozen=True, slots=True)
class Negation:
    """`not …`, and `not in` as the negation of `in`."""

    item: Tree
    at: Token


@dataclass(frozen=True, slots=True)
class Both:
    """Two or more parts with `and` between them."""

    items: tuple[Tree, ...]
    at: Token


@dataclass(frozen=True, slots=True)
class Either:
    """Two or more parts with `or` between them."""

    items: tuple[Tree, ...]
    at: Token


Tree = Hole | Comparison | Membership | Range | Missing | Constantly | Negation | Both | Either

Report = Callable[[int, str, str | None], None]
"""How a fault is told: offset in the condition, message, hint."""

KEYWORDS = frozenset({"and", "or", "not", "in", "between", "is", "missing", "always", "true", "false"})
"""Words that no fact can have for a name."""

COMPARATORS = frozenset({"==", "!=", "<", "<=", ">", ">="})
_OPERAND = frozenset({Sort.NUMBER, Sort.TEXT, Sort.WORD})
_AFTER_FACT = 'expected ==, !=, <, <=, >, >=, "in", "not in", "between" or "is"'
NOTHING = frozenset({"null", "None", "nil", "undefined"})
"""Words of other languages for a fact that is missing."""

_COMPARES = {"=": "==", "===": "==", "<>": "!=", "=<": "<=", "=>": ">="}
_CONNECTS = {"&&": "and", "&": "and", "||": "or", "|": "or", "!": "not", **dict.fromkeys(NOTHING, "missing")}

_TOKEN = re.compile(
    r"""(?P<NUMBER>[0-9]{4}-[0-9]{2}-[0-9]{2}[\w.:+-]*|[+-]?[0-9](?:[eE][+-](?=[0-9])|[\w.%])*)
      | (?P<WORD>[^\W\d][\w.-]*)
      | (?P<TEXT>"(?:[^"]|"")*"|'(?:[^']|'')*')
      | (?P<OPERATOR>===|==|!=|<=|>=|<>|=<|=>|<|>|=|&&|\|\||!|&|\|)
      | (?P<SIGN>[()\[\],])
      | (?P<STRAY>[^ \t\r\n])""",
    re.VERBOSE,
)


_SORTS = dict(Sort.__members__)


class Unexpected(TocsinError):
    """A token that cannot stand where it stands; caught where parsing can go on."""

    def __init__(self, token: Token, expected: str, hint: str | None = None) -> None:
        what = "unexpected end" if token.sort is Sort.END else f"unexpected {_quoted(token)}"
        super().__init__(f"{what}: {expected}")
        self.token = token
        self.hint = hint or _hint(token)


def parse(text: str, report: Report) -> Tree:
    """The tree of one condition; what is wrong goes to `report` and leaves a `Hole`."""
    if len(text) > MAX_LENGTH:
        report(0, f"the condition has {len(text):,} characters; {MAX_LENGTH:,} are allowed", "split it into rules")
        return Hole()
    try:
        return _Parser(_tokens(text), report).whole()
    except Unexpected as fault:
        report(fault.token.offset, str(fault), fault.hint)
    return Hole()


def _tokens(text: str) -> list[Token]:
    tokens = []
    for match in _TOKEN.finditer(text):
        name = match.lastgroup or "STRAY"
        found = match[name]
        sort = Sort.KEYWORD if found in KEYWORDS else _SORTS[name]
        tokens.append(Token(sort, found, match.start(name)))
    return [*tokens, Token(Sort.END, "", len(text.rstrip(" \t\r\n")))]


class _Parser:
    """Recursive descent with one token of lookahead."""

    def __init__(self, tokens: list[Token], report: Report) -> None:
        self._tokens = tokens
        self._next = 0
        self._depth = 0
        self._report = report

    def whole(self) -> Tree:
        return self._until(Sort.END, 'expected "and", "or" or the end')

    def _until(self, closing: Sort | str, expected: str) -> Tree:
        """A condition up to `closing`. Behind a token that does not belong, it goes on with the next `and` or `or`."""
        parts = [self._either()]
        start = self._token
        while not self._closes(closing):
            self._blame(Unexpected(self._token, expected, self._chained()))
            if self._token.sort is Sort.END:
                break
            self._skip()
            if self._found("and") or self._found("or"):
                parts.append(self._either())
            elif closing is Sort.END:
                self._found(")")
        return parts[0] if len(parts) == 1 else Both(tuple(parts), start)

    def _closes(self, closing: Sort | str) -> bool:
        return self._found(closing) if isinstance(closing, str) else self._token.sort is closing

    def _blame(self, fault: Unexpected) -> None:
        self._report(fault.token.offset, str(fault), fault.hint)

    @property
    def _token(self) -> Token:
        return self._tokens[self._next]

    def _take(self) -> Token:
        token = self._token
        if token.sort is not Sort.END:
            self._next += 1
        return token

    def _found(self, text: str) -> bool:
        """Step over `text` if it stands next, or a slip such as `AND` or `&&` for it, which is reported."""
        token = self._token
        found = token.text == text
        if not found and text in KEYWORDS and _meant(token) == text:
            self._report(token.offset, f'unexpected "{token.text}"', f"write {text}")
            found = True
        self._next += found
        return found

    def _either(self) -> Tree:
        start = self._token
        items = [self._both()]
        while self._found("or"):
            items.append(self._both())
        return items[0] if len(items) == 1 else Either(tuple(items), start)

    def _both(self) -> Tree:
        start = self._token
        items = [self._negation()]
        while self._found("and"):
            items.append(self._negation())
        return items[0] if len(items) == 1 else Both(tuple(items), start)

    def _negation(self) -> Tree:
        start = self._token
        if self._found("not"):
            return Negation(self._deeper(self._negation), start)
        if self._found("("):
            return self._deeper(lambda: self._until(")", 'expected "and", "or" or ")"'))
        return Constantly(start) if self._found("always") else self._comparison()

    def _deeper(self, parse: Callable[[], Tree]) -> Tree:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise Unexpected(self._token, f"conditions nest at most {MAX_DEPTH} deep", "split it into rules")
        tree = parse()
        self._depth -= 1
        return tree

    def _comparison(self) -> Tree:
        try:
            left = self._operand('expected a fact, "not", "(" or "always"')
            return self._compared(left)
        except Unexpected as fault:
            self._blame(fault)
            self._skip()
            return Hole()

    def _compared(self, left: Token) -> Tree:
        operator = self._token
        if operator.text in COMPARATORS and operator.sort is Sort.OPERATOR:
            self._next += 1
            return Comparison(left, operator, self._operand("expected a value or a fact"))
        if self._found("in"):
            return Membership(left, self._list())
        if self._found("not"):
            self._demand("in")
            return Negation(Membership(left, self._list()), left)
        if self._found("between"):
            low = self._operand("expected a value")
            self._demand("and")
            return Range(left, low, self._operand("expected a value"))
        if self._found("is"):
            return self._missing(left)
        return self._miswritten(left)

    def _missing(self, fact: Token) -> Tree:
        negated = self._found("not")
        self._demand("missing")
        return Missing(fact, negated)

    def _miswritten(self, left: Token) -> Tree:
        """A slip such as `=` is reported and read as what it was meant to be; anything else is unexpected."""
        slip = self._token
        if slip.text not in _COMPARES:
            raise Unexpected(slip, _AFTER_FACT, self._truth_hint(left))
        self._report(slip.offset, f'unexpected "{slip.text}"', _hint(slip))
        self._next += 1
        meant = Token(Sort.OPERATOR, _COMPARES[slip.text], slip.offset)
        return Comparison(left, meant, self._operand("expected a value or a fact"))

    def _truth_hint(self, left: Token) -> str | None:
        if self._token.sort is not Sort.END and self._token.text not in ("and", "or", ")"):
            return None
        return "write always" if left.text == "true" else f"for a fact that is true or false write {left.text} == true"

    def _list(self) -> tuple[Token, ...]:
        self._demand("[")
        items = [self._operand("expected a value")]
        while self._found(","):
            items.append(self._operand("expected a value"))
        if not self._found("]"):
            raise Unexpected(self._token, 'expected "," or "]"')
        return tuple(items)

    def _operand(self, expected: str) -> Token:
        token = self._token
        if token.sort in _OPERAND or (token.sort is Sort.KEYWORD and token.text in ("true", "false")):
            return self._take()
        raise Unexpected(token, expected)

    def _demand(self, text: str) -> None:
        if not self._found(text):
            raise Unexpected(self._token, f'expected "{text}"')

    def _chained(self) -> str | None:
        if self._token.text in COMPARATORS:
            return "compare twice: write a < b and b < c, or use between"
        return None

    def _skip(self) -> None:
        """Go on behind a faulty comparison: at the next `and`, `or` or closing parenthesis of this depth."""
        depth = 0
        while self._token.sort is not Sort.END:
            text = _meant(self._token) if self._token.sort is not Sort.TEXT else ""
            if depth == 0 and text in ("and", "or", ")"):
                return
            depth += (text == "(") - (text == ")")
            self._next += 1


def _quoted(token: Token) -> str:
    return token.text if token.sort is Sort.TEXT else f'"{token.text}"'


def _meant(token: Token) -> str:
    """The word that this token stands for, or its own text."""
    lowered = token.text.lower() if token.sort is Sort.WORD else token.text
    return lowered if lowered in KEYWORDS else _CONNECTS.get(token.text, token.text)


def _hint(token: Token) -> str | None:
    if token.sort is Sort.STRAY and token.text in "\"'":
        return "the text that begins here is never closed"
    if token.sort is Sort.STRAY and token.text in "“”„‘’«»":
        return "write straight quotes"
    if token.text in _COMPARES:
        return f"write {_COMPARES[token.text]} to compare"
    meant = _meant(token)
    return f"write {meant}" if meant != token.text else None
