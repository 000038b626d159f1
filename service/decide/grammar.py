"""The grammar of conditions: from text to a tree of tokens that knows no facts and no types yet.

    condition   = conjunction { "or" conjunction }
    conjunction = negation { "and" negation }
    negation    = "not" negation | "(" condition ")" | "always" | comparison
    comparison  = operand ( "==" | "!=" | "<" | "<=" | ">" | ">=" ) operand
                | fact [ "not" ] "in" "[" operand { "," operand } "]"
                | fact "between" operand "and" operand
                | fact "is" [ "not" ] "missing"

A fault inside a comparison leaves a `ErrorNode` and parsing goes on behind it, so that one mistake hides no other.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from service.core import TocsinError
from service.decide import numerals, slips
from service.decide.slips import COMPARES
from service.decide.tokens import KEYWORDS, Report, Token, TokenType, tokens

MAX_LENGTH = 10_000
"""Characters of one condition."""

MAX_DEPTH = 50
"""Parentheses and `not` around one another in one condition."""


@dataclass(frozen=True, slots=True)
class ErrorNode:
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
class MissingTest:
    """`fact is missing`; `negated` for `is not missing`."""

    fact: Token
    negated: bool


@dataclass(frozen=True, slots=True)
class AlwaysNode:
    """`always`."""

    at: Token


@dataclass(frozen=True, slots=True)
class Negation:
    """`not …`, and `not in` as the negation of `in`."""

    item: Tree
    at: Token


@dataclass(frozen=True, slots=True)
class Conjunction:
    """Two or more parts with `and` between them."""

    items: tuple[Tree, ...]
    at: Token


@dataclass(frozen=True, slots=True)
class Disjunction:
    """Two or more parts with `or` between them. `mixed` is an `or` beside a part with a bare `and`, if there is one."""

    items: tuple[Tree, ...]
    at: Token
    mixed: Token | None = None


Tree = ErrorNode | Comparison | Membership | Range | MissingTest | AlwaysNode | Negation | Conjunction | Disjunction

COMPARATORS = frozenset({"==", "!=", "<", "<=", ">", ">="})
_TOO_LONG = "put a long list into a cell of a decision table, or split the condition into rules"
_OPERAND = frozenset({TokenType.NUMBER, TokenType.TEXT, TokenType.WORD})
_AFTER_FACT = 'expected ==, !=, <, <=, >, >=, "in", "not in", "between" or "is"'
NOTHING = frozenset({"null", "None", "nil", "undefined"})
"""Words of other languages for a fact that is missing."""

_CONNECTS = {"&&": "and", "&": "and", "||": "or", "|": "or", "!": "not", **dict.fromkeys(NOTHING, "missing")}


class Unexpected(TocsinError):
    """A token that cannot stand where it stands; caught where parsing can go on."""

    def __init__(self, token: Token, expected: str, hint: str | None = None) -> None:
        what = "unexpected end" if token.sort is TokenType.END else f"unexpected {_quoted(token)}"
        super().__init__(f"{what}: {expected}")
        self.token = token
        self.hint = hint or _hint(token)


def parse(text: str, report: Report) -> Tree:
    """The tree of one condition; what is wrong goes to `report` and leaves a `ErrorNode`."""
    if len(text) > MAX_LENGTH:
        report(0, f"the condition has {len(text):,} characters; {MAX_LENGTH:,} are allowed", _TOO_LONG)
        return ErrorNode()
    try:
        return _Parser(tokens(text, report), report).whole()
    except Unexpected as fault:
        report(fault.token.offset, str(fault), fault.hint)
    return ErrorNode()


class _Parser:
    """Recursive descent with one token of lookahead."""

    def __init__(self, tokens: list[Token], report: Report) -> None:
        self._tokens = tokens
        self._next = 0
        self._depth = 0
        self._report = report
        self._last: Comparison | None = None

    def whole(self) -> Tree:
        return self._until(TokenType.END, 'expected "and", "or" or the end')

    def _until(self, closing: TokenType | str, expected: str) -> Tree:
        """A condition up to `closing`. Behind a token that does not belong, it goes on with the next `and` or `or`."""
        parts = [self._either()]
        start = self._token
        while not self._closes(closing):
            self._blame(Unexpected(self._token, expected, self._beyond()))
            if self._token.sort is TokenType.END:
                break
            self._skip()
            if self._found("and") or self._found("or"):
                parts.append(self._either())
            elif closing is TokenType.END:
                self._found(")")
        return parts[0] if len(parts) == 1 else Conjunction(tuple(parts), start)

    def _closes(self, closing: TokenType | str) -> bool:
        return self._found(closing) if isinstance(closing, str) else self._token.sort is closing

    def _blame(self, fault: Unexpected) -> None:
        self._report(fault.token.offset, str(fault), fault.hint)

    @property
    def _token(self) -> Token:
        return self._tokens[self._next]

    def _take(self) -> Token:
        token = self._token
        if token.sort is not TokenType.END:
            self._next += 1
        return token

    def _found(self, text: str) -> bool:
        """Step over `text` if it stands next, or a slip such as `AND` or `&&` for it, which is reported."""
        token = self._token
        is_next = token.text == text
        if not is_next and text in KEYWORDS and _meant(token) == text:
            self._report(token.offset, f'unexpected "{token.text}"', f"write {text}")
            is_next = True
        self._next += is_next
        return is_next

    def _either(self) -> Tree:
        start = self._token
        parts = [self._both()]
        ors = [self._token]
        while self._found("or"):
            parts.append(self._both())
            ors.append(self._token)
        items = [items[0] if len(items) == 1 else Conjunction(items, at) for items, at in parts]
        bare = next((number for number, (joined, _) in enumerate(parts) if len(joined) > 1), None)
        mixed = None if bare is None else ors[max(0, bare - 1)]
        return items[0] if len(items) == 1 else Disjunction(tuple(items), start, mixed)

    def _both(self) -> tuple[tuple[Tree, ...], Token]:
        """The parts with `and` between them, and where they begin."""
        start = self._token
        items = [self._negation()]
        while self._found("and"):
            items.append(self._negation())
        return tuple(items), start

    def _negation(self) -> Tree:
        start = self._token
        if self._found("not"):
            return Negation(self._deeper(self._negation), start)
        if self._found("("):
            return self._deeper(lambda: self._until(")", 'expected "and", "or" or ")"'))
        return AlwaysNode(start) if self._found("always") else self._comparison()

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
            return ErrorNode()

    def _compared(self, left: Token) -> Tree:
        operator = self._token
        if operator.text in COMPARATORS and operator.sort is TokenType.OPERATOR:
            self._next += 1
            return self._kept(Comparison(left, operator, self._operand("expected a value or a fact")))
        if self._found("in"):
            return Membership(left, self._list())
        if self._found("not"):
            if self._token.text in ("==", "="):
                return self._instead(left, "!=")
            self._demand("in")
            return Negation(Membership(left, self._list()), left)
        if self._found("between"):
            low = self._operand("expected a value")
            if self._token.text in ("-", "–", "—", "to", ".."):
                raise Unexpected(self._token, 'expected "and"', f"write between {low.text} and the last value")
            self._demand("and")
            return Range(left, low, self._operand("expected a value"))
        if self._found("is"):
            return self._missing(left)
        return self._miswritten(left)

    def _kept(self, comparison: Comparison) -> Comparison:
        """The comparison, remembered for who forgets to repeat its fact."""
        self._last = comparison
        return comparison

    def _missing(self, fact: Token) -> Tree:
        negated = self._found("not")
        if self._token.sort in (TokenType.TEXT, TokenType.NUMBER) or self._token.text in ("true", "false"):
            operator = "!=" if negated else "=="
            self._report(self._token.offset, f"unexpected {_quoted(self._token)}", f"write {operator} to compare")
            meant = Token(TokenType.OPERATOR, operator, self._token.offset)
            return self._kept(Comparison(fact, meant, self._take()))
        if not self._found("missing"):
            hint = _hint(self._token) or slips.after_is(self._token.text, negated=negated)
            raise Unexpected(self._token, 'expected "missing"', hint)
        return MissingTest(fact, negated)

    def _miswritten(self, left: Token) -> Tree:
        """A slip such as `=` is reported and read as what it was meant to be; anything else is unexpected."""
        slip = self._token
        if slip.text not in COMPARES:
            raise Unexpected(slip, _AFTER_FACT, slips.after_fact(left.text, slip.text) or self._truth_hint(left))
        return self._instead(left, COMPARES[slip.text])

    def _instead(self, left: Token, operator: str) -> Tree:
        slip = self._token
        self._report(slip.offset, f'unexpected "{slip.text}"', f"write {operator} to compare")
        self._next += 1
        meant = Token(TokenType.OPERATOR, operator, slip.offset)
        return self._kept(Comparison(left, meant, self._operand("expected a value or a fact")))

    def _truth_hint(self, left: Token) -> str | None:
        if self._token.sort is not TokenType.END and self._token.text not in ("and", "or", ")"):
            return None
        if left.text == "true":
            return "write always"
        repeated = self._repeated(left)
        if repeated is not None and left.sort is not TokenType.WORD:
            return repeated
        truth = f"for a fact that is true or false write {left.text} == true"
        return truth if repeated is None else f"{repeated}; {truth}"

    def _repeated(self, value: Token) -> str | None:
        """What a value behind `or` or `and` was meant to be compared with: `car.color == "RED" or "BLUE"`."""
        if self._last is None:
            return None
        fact, operator = self._last.left.text, self._last.operator.text
        repeat = f"repeat the fact: {fact} {operator} {value.text}"
        if operator not in ("==", "!="):
            return repeat
        listed = f"{fact} {'in' if operator == '==' else 'not in'} [{self._last.right.text}, {value.text}]"
        return f"{repeat}, or write {listed}"

    def _list(self) -> tuple[Token, ...]:
        if self._token.text == "(":
            self._report(self._token.offset, 'unexpected "("', "write a list in square brackets: [..]")
            self._next += 1
            return self._items(")")
        if not self._found("["):
            hint = f"write in [{self._token.text}]" if self._token.sort in _OPERAND else None
            raise Unexpected(self._token, 'expected "["', hint)
        return self._items("]")

    def _items(self, closing: str) -> tuple[Token, ...]:
        items = [self._operand("expected a value")]
        while self._found(","):
            items.append(self._operand("expected a value"))
        if not self._found(closing):
            raise self._unclosed(items, closing)
        return tuple(items)

    def _unclosed(self, items: list[Token], closing: str) -> Unexpected:
        token = self._token
        hint = "write a comma between the values" if token.sort in _OPERAND else None
        if ".." in items[-1].text:
            hint = "write >= and < for a range without its end, or between"
            self._found(")")
        return Unexpected(token, f'expected "," or "{closing}"', hint)

    def _operand(self, expected: str) -> Token:
        token = self._token
        if token.sort in _OPERAND or (token.sort is TokenType.KEYWORD and token.text in ("true", "false")):
            return self._take()
        raise Unexpected(token, expected, "write a negative number without a blank: -5" if token.text == "-" else None)

    def _demand(self, text: str) -> None:
        if not self._found(text):
            raise Unexpected(self._token, f'expected "{text}"')

    def _beyond(self) -> str | None:
        """What was probably meant by what stands behind a whole comparison."""
        token, before = self._token, self._tokens[self._next - 1]
        if token.text in COMPARATORS:
            return "compare twice: write a < b and b < c, or use between"
        after = self._tokens[min(self._next + 1, len(self._tokens) - 1)]
        if token.text == "," and before.sort is TokenType.NUMBER and after.sort is TokenType.NUMBER:
            number = numerals.plain(f"{before.text},{after.text}")
            return None if number is None else f"write {number}: no sign between thousands, a point before decimals"
        return slips.after_comparison(token.text)

    def _skip(self) -> None:
        """Go on behind a faulty comparison: at the next `and`, `or` or closing parenthesis of this depth."""
        depth = 0
        while self._token.sort is not TokenType.END:
            text = _meant(self._token) if self._token.sort is not TokenType.TEXT else ""
            if depth == 0 and text in ("and", "or", ")"):
                return
            depth += (text == "(") - (text == ")")
            self._next += 1


def _quoted(token: Token) -> str:
    return token.text if token.sort is TokenType.TEXT else f'"{token.text}"'


def _meant(token: Token) -> str:
    """The word that this token stands for, or its own text."""
    lowered = token.text.lower() if token.sort is TokenType.WORD else token.text
    return lowered if lowered in KEYWORDS else _CONNECTS.get(token.text, token.text)


def _hint(token: Token) -> str | None:
    if token.sort is TokenType.STRAY and token.text in "\"'":
        return "the text that begins here is never closed"
    if token.sort is TokenType.STRAY and token.text in "“”„‘’«»":
        return "write straight quotes"
    if token.text in COMPARES:
        return f"write {COMPARES[token.text]} to compare"
    meant = _meant(token)
    return f"write {meant}" if meant != token.text else None
