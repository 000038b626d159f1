"""From a condition's text to its typed form: which facts it reads and whether every comparison makes sense."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from service.decide import grammar, numerals, values
from service.decide.errors import RuleFaults
from service.decide.findings import Flaw
from service.decide.positions import Scalar, Source
from service.decide.ruleset import (
    ORDERED,
    Always,
    And,
    Between,
    Compare,
    CompareFacts,
    Condition,
    Fact,
    FactType,
    IsMissing,
    Not,
    OneOf,
    Operator,
    Or,
    Place,
    Value,
)
from service.decide.schema import Schema
from service.decide.tokens import Token, TokenType
from service.decide.values import UnfitValue

_NUMBER_HINT = "write it with digits and a point: 1200.50"
_CLOCKS = frozenset({"now", "NOW", "sysdate", "current_date", "date"})
_MIRRORED = {
    Operator.LT: Operator.GT,
    Operator.LE: Operator.GE,
    Operator.GT: Operator.LT,
    Operator.GE: Operator.LE,
    Operator.EQ: Operator.EQ,
    Operator.NE: Operator.NE,
}
_NUMBERS = frozenset({FactType.INTEGER, FactType.DECIMAL})


def read(scalar: Scalar, schema: Schema, faults: RuleFaults) -> Condition | None:
    """The condition that `scalar` writes; None, with every fault among `faults`, if it has any."""
    return _Typing(scalar.source, scalar.origins(), schema, faults).condition(scalar.text)


class _Typing:
    """Gives each token of one condition its fact or its typed constant, and its place in the file."""

    def __init__(self, source: Source, origins: Sequence[int], schema: Schema, faults: RuleFaults) -> None:
        self._source = source
        self._origins = origins
        self._schema = schema
        self._faults = faults

    def condition(self, text: str) -> Condition | None:
        return self._typed(grammar.parse(text, self._report_syntax))

    def _report_syntax(self, offset: int, message: str, hint: str | None) -> None:
        self._faults.error(Flaw.SYNTAX, self._source.place(self._origins[offset]), message, hint)

    def _place(self, token: Token) -> Place:
        return self._source.place(self._origins[token.offset])

    def _typed(self, tree: grammar.Tree) -> Condition | None:
        match tree:
            case grammar.Comparison(left, operator, right):
                return self._comparison(left, Operator(operator.text), right)
            case grammar.Conjunction(items, at):
                parts = self._all(items)
                return None if parts is None else And(parts, self._place(at))
            case grammar.Disjunction(items, at, mixed):
                self._warn_of_mixture(mixed)
                parts = self._all(items)
                return None if parts is None else Or(parts, self._place(at))
            case grammar.Negation(item, at):
                part = self._typed(item)
                return None if part is None else Not(part, self._place(at))
            case grammar.Membership(fact, items):
                return self._membership(fact, items)
            case grammar.Range(fact, low, high):
                return self._range(fact, low, high)
            case grammar.MissingTest(fact, negated):
                return self._missing(fact, negated)
            case grammar.AlwaysNode(at):
                return Always(self._place(at))
            case grammar.ErrorNode():
                return None

    def _warn_of_mixture(self, token: Token | None) -> None:
        if token is not None:
            message = "and binds before or: a and b or c is (a and b) or c"
            hint = "write the parentheses that are meant"
            self._faults.hunch("mixture", Flaw.SYNTAX, self._place(token), message, hint)

    def _all(self, trees: tuple[grammar.Tree, ...]) -> tuple[Condition, ...] | None:
        parts = [self._typed(tree) for tree in trees]
        sound = [part for part in parts if part is not None]
        return tuple(sound) if len(sound) == len(parts) else None

    def _comparison(self, left: Token, operator: Operator, right: Token) -> Condition | None:
        if left.sort is not TokenType.WORD or self._is_value(left, right):
            left, operator, right = right, _MIRRORED[operator], left
        fact = self._fact(left)
        if fact is None:
            self._blame_unknown(right)
            return None
        if right.sort is TokenType.WORD and not (fact.values and right.text in fact.values):
            return self._against_word(fact, left, operator, right)
        value = self._constant(fact, right)
        if value is None or not self._has_order(fact, operator, left):
            return None
        self._warn_of_range(fact, operator, value, right)
        return Compare(fact.path, operator, value, self._place(left))

    def _is_value(self, left: Token, right: Token) -> bool:
        """Whether `left` is a bare value of the fact on the right: `RED == car.color`."""
        other = self._schema.facts.get(right.text) if right.sort is TokenType.WORD else None
        return left.text not in self._schema.facts and other is not None and left.text in (other.values or ())

    def _blame_unknown(self, right: Token) -> None:
        """The left side is no fact; the right side may have a fault of its own when it is clearly meant as a fact."""
        if right.sort is TokenType.WORD and "." in right.text:
            self._fact(right)

    def _against_word(self, fact: Fact, left: Token, operator: Operator, right: Token) -> Condition | None:
        if right.text not in self._schema.facts:
            self._blame_bare(fact, right)
            return None
        other = self._schema.facts[right.text]
        if not self._comparable(fact, other, right) or not self._has_order(fact, operator, left):
            return None
        return CompareFacts(fact.path, operator, other.path, self._place(left))

    def _blame_bare(self, fact: Fact, word: Token) -> None:
        """A bare word that is neither a fact nor a value of the fact it is compared with."""
        if word.text in grammar.NOTHING:
            hint = f"write {fact.path} is missing"
            self._faults.error(Flaw.UNKNOWN_VALUE, self._place(word), f"{word.text} is not a value", hint)
        elif fact.values:
            message = f'"{word.text}" is not a value of {fact.path} ({values.listed(fact.values)})'
            near = self._faults.did_you_mean(word.text, fact.values)
            self._faults.error(Flaw.UNKNOWN_VALUE, self._place(word), message, near)
        elif "." in word.text or fact.type is not FactType.TEXT:
            self._fact(word)
        else:
            message = f"unknown value {word.text}: it is neither a fact nor declared among values of {fact.path}"
            self._faults.error(Flaw.UNKNOWN_VALUE, self._place(word), message, f'write "{word.text}" in quotes')

    def _comparable(self, fact: Fact, other: Fact, at: Token) -> bool:
        if fact.path == other.path:
            self._faults.error(Flaw.TYPE, self._place(at), f"{fact.path} is compared with itself")
            return False
        alike = fact.type is other.type or {fact.type, other.type} <= _NUMBERS
        if not alike:
            message = f"{fact.path} ({fact.type}) cannot be compared with {other.path} ({other.type})"
            self._faults.error(Flaw.TYPE, self._place(at), message)
        return alike

    def _has_order(self, fact: Fact, operator: Operator, at: Token) -> bool:
        if operator in (Operator.EQ, Operator.NE) or fact.type in ORDERED:
            return True
        message = f"{fact.path} is {values.NOUN[fact.type]} and has no order: {operator} does not apply"
        self._faults.error(Flaw.TYPE, self._place(at), message, "compare with == or !=, or use in [..]")
        return False

    def _membership(self, token: Token, items: tuple[Token, ...]) -> Condition | None:
        fact = self._fact(token)
        if fact is None:
            return None
        constants = [self._constant(fact, item) for item in items]
        sound = [value for value in constants if value is not None]
        if len(sound) < len(constants):
            return None
        for item, value in zip(items, sound, strict=True):
            self._warn_of_range(fact, Operator.EQ, value, item)
        return OneOf(fact.path, tuple(dict.fromkeys(sound)), self._place(token))

    def _range(self, token: Token, low: Token, high: Token) -> Condition | None:
        fact = self._fact(token)
        if fact is None or not self._has_order(fact, Operator.GE, token):
            return None
        lowest, highest = self._constant(fact, low), self._constant(fact, high)
        if lowest is None or highest is None:
            return None
        if values.later(lowest, highest):
            shown = f"{values.canonical(fact, lowest)} > {values.canonical(fact, highest)}"
            self._faults.error(Flaw.OUT_OF_RANGE, self._place(low), f"empty range: {shown}", "swap the two values")
            return None
        self._warn_of_range(fact, Operator.GE, lowest, low)
        self._warn_of_range(fact, Operator.LE, highest, high)
        return Between(fact.path, lowest, highest, self._place(token))

    def _missing(self, token: Token, negated: bool) -> Condition | None:
        fact = self._fact(token)
        if fact is None:
            return None
        if not fact.optional:
            holds = "always holds" if negated else "never holds"
            message = f"{fact.path} is never missing, so this {holds}"
            self._faults.warning(Flaw.DEAD, self._place(token), message, "declare the fact with optional: true")
        missing = IsMissing(fact.path, self._place(token))
        return Not(missing, self._place(token)) if negated else missing

    def _fact(self, token: Token) -> Fact | None:
        if token.text in _CLOCKS and token.text not in self._schema.facts:
            hint = 'write today, a date: today >= "2026-01-01"; a time of day is a fact that the caller sends'
            self._faults.error(Flaw.UNKNOWN_FACT, self._place(token), f'unknown fact "{token.text}"', hint)
            return None
        if token.sort is TokenType.WORD:
            return self._schema.find(token.text, self._place(token), self._faults)
        message = f"{token.text} is not a fact; one side of a comparison must be one"
        self._faults.error(Flaw.TYPE, self._place(token), message, "name the fact first: driver.age < 21")
        return None

    def _constant(self, fact: Fact, token: Token) -> Value | None:
        raw = self._raw(fact, token)
        if raw is None:
            return None
        value = values.constant(fact, raw)
        if isinstance(value, UnfitValue):
            shown = value.message if fact.path in value.message else f"{fact.path}: {value.message}"
            self._faults.error(value.kind, self._place(token), shown, self._other_constant(fact, raw))
            return None
        return value

    def _other_constant(self, fact: Fact, raw: values.Raw) -> str | None:
        """A hint at the constant that was probably meant."""
        if isinstance(raw, str) and fact.type is FactType.DATE and (day := numerals.day(raw)) is not None:
            return f'write "{day}"'
        if isinstance(raw, str) and not isinstance(values.fit(fact, raw), UnfitValue):
            return f"write {raw} without quotes"
        return self._faults.did_you_mean(str(raw), fact.values or ())

    def _raw(self, fact: Fact, token: Token) -> values.Raw | None:
        match token.sort:
            case TokenType.TEXT:
                quote = token.text[0]
                return token.text[1:-1].replace(quote * 2, quote)
            case TokenType.KEYWORD:
                return token.text == "true"
            case TokenType.WORD if fact.values and token.text in fact.values:
                return token.text
            case TokenType.WORD if token.text in self._schema.facts:
                message = f"{token.text} is a fact; only constants may stand here"
                self._faults.error(Flaw.TYPE, self._place(token), message, "use < and >= to compare facts")
            case TokenType.WORD:
                self._blame_bare(fact, token)
            case _:
                return self._number(fact, token)
        return None

    def _number(self, fact: Fact, token: Token) -> int | Decimal | None:
        number = values.number(token.text)
        if number is None and fact.type in (FactType.DATE, FactType.DATETIME):
            message = f"{fact.path}: {values.NOUN[fact.type]} stands in quotes"
            self._faults.error(Flaw.TYPE, self._place(token), message, f'write "{token.text}"')
        elif number is None:
            first, dots, last = token.text.partition("..")
            hint = f"write between {first} and {last}" if dots else _NUMBER_HINT
            self._faults.error(Flaw.TYPE, self._place(token), f'"{token.text}" is not a number', hint)
        elif (thousands := numerals.doubtful_thousands(fact, token.text)) is not None:
            self._faults.doubt(Flaw.SYNTAX, self._place(token), f"{token.text} would be read as {number:f}", thousands)
        return number

    def _warn_of_range(self, fact: Fact, operator: Operator, value: Value, token: Token) -> None:
        unfit = values.outside(fact, value)
        if unfit is None:
            return
        upward = operator in (Operator.GT, Operator.GE)
        always = operator is Operator.NE or (operator is not Operator.EQ and upward == values.below(fact, value))
        holds = "always" if always else "never"
        self._faults.warning(unfit.kind, self._place(token), f"{unfit.message}: this {holds} holds")
