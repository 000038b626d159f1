"""Why, and why not: for every rule which conditions held for a request, which did not, with the values."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from operator import eq, ge, gt, le, lt, ne
from typing import TypeAlias

from service.decide.decision import RulesetDecision
from service.decide.ruleset import (
    Always,
    And,
    Atom,
    Between,
    Compare,
    CompareFacts,
    Condition,
    Fact,
    Facts,
    IsMissing,
    Not,
    OneOf,
    Operator,
    Or,
    Rule,
    Ruleset,
    Value,
)
from service.decide.wording import condition_text, constant_text

MAX_SHOWN = 200
"""Characters of a text fact that an explanation quotes."""

_COMPARED = {
    Operator.EQ: eq,
    Operator.NE: ne,
    Operator.LT: lt,
    Operator.LE: le,
    Operator.GT: gt,
    Operator.GE: ge,
}


class Truth(Enum):
    """Three-valued, as in SQL: unknown is what comparing a missing fact gives, and it fires no rule."""

    HELD = "holds"
    FAILED = "does not hold"
    UNKNOWN = "is unknown"

    @property
    def negated(self) -> Truth:
        """The truth of the negation; of an unknown one it is unknown (three-valued logic)."""
        return _NEGATED[self]

    @property
    def as_json(self) -> bool | None:
        """true, false or null."""
        return {Truth.HELD: True, Truth.FAILED: False, Truth.UNKNOWN: None}[self]


_NEGATED = {Truth.HELD: Truth.FAILED, Truth.FAILED: Truth.HELD, Truth.UNKNOWN: Truth.UNKNOWN}


@dataclass(frozen=True, slots=True)
class ExplainedComparison:
    """One comparison: its text, whether it held, and the values that made it so ("driver.age is 22")."""

    text: str
    truth: Truth
    because: str

    def as_json(self) -> dict[str, object]:
        """`{"condition", "holds", "because"}`; `holds` is null where a missing fact leaves it unknown."""
        return {"condition": self.text, "holds": self.truth.as_json, "because": self.because}

    def sentences(self) -> Iterator[str]:
        """ "driver.age is 22, so driver.age < 21 does not hold"."""
        yield (
            f"{self.because}, so {self.text} {self.truth.value}" if self.because else f"{self.text} {self.truth.value}"
        )


@dataclass(frozen=True, slots=True)
class Combination:
    """Clauses joined by `and`, `or` or under a `not`."""

    joined_by: str
    truth: Truth
    clauses: tuple[Clause, ...]

    def as_json(self) -> dict[str, object]:
        """`{"and" | "or" | "not": [clauses], "holds"}`."""
        return {self.joined_by: [clause.as_json() for clause in self.clauses], "holds": self.truth.as_json}

    def sentences(self) -> Iterator[str]:
        """Those of its clauses; what lies under a `not` says so."""
        for clause in self.clauses:
            for sentence in clause.sentences():
                yield f"{sentence} (under a not)" if self.joined_by == "not" else sentence


Clause: TypeAlias = ExplainedComparison | Combination


@dataclass(frozen=True, slots=True)
class RuleExplained:
    """One rule on one request."""

    rule: str
    fired: bool
    condition: Clause
    why: str | None

    @property
    def verdict(self) -> str:
        """What became of the rule."""
        if self.fired:
            return "fired"
        overruled = self.condition.truth is Truth.HELD
        return "matched, but an earlier rule took effect (hit: first)" if overruled else "did not fire"

    def as_json(self) -> dict[str, object]:
        """`{"rule", "fired", "verdict", "condition", "why"?}`."""
        shown: dict[str, object] = {"rule": self.rule, "fired": self.fired, "verdict": self.verdict}
        shown["condition"] = self.condition.as_json()
        return shown if self.why is None else {**shown, "why": self.why}

    def as_text(self) -> str:
        """The verdict, the reason that the file gives, and a line for each comparison."""
        head = f"{self.rule}: {self.verdict}" + (f" ({self.why})" if self.fired and self.why else "")
        return "\n".join([head, *(f"  {sentence}" for sentence in self.condition.sentences())])


@dataclass(frozen=True, slots=True)
class Explanation:
    """Every rule of a ruleset on one request, in file order."""

    rules: tuple[RuleExplained, ...]

    def as_json(self) -> dict[str, object]:
        """`{"rules": [...]}`."""
        return {"rules": [rule.as_json() for rule in self.rules]}

    def as_text(self) -> str:
        """A paragraph for each rule."""
        return "\n".join(rule.as_text() for rule in self.rules)


def explain(ruleset: Ruleset, facts: Facts, decision: RulesetDecision) -> Explanation:
    """Why the rules fired that `decision` names and the others did not; `facts` are those that were decided on."""
    explainer = _Explainer(ruleset.facts, facts)
    fired = set(decision.fired)
    return Explanation(tuple(explainer.rule(rule, fired) for rule in ruleset.rules))


def matching(ruleset: Ruleset, facts: Facts) -> tuple[str, ...]:
    """The rules whose conditions hold, by evaluating them on the values: what `hit: all` would fire."""
    explainer = _Explainer(ruleset.facts, facts)
    return tuple(rule.name for rule in ruleset.rules if explainer.clause(rule.when).truth is Truth.HELD)


def _all(truths: Iterable[Truth]) -> Truth:
    """Kleene's `and`: one failure decides, else one unknown leaves it open."""
    seen = set(truths)
    return Truth.FAILED if Truth.FAILED in seen else Truth.UNKNOWN if Truth.UNKNOWN in seen else Truth.HELD


class _Explainer:
    """Evaluates conditions on values and keeps what it saw."""

    def __init__(self, declared: Mapping[str, Fact], facts: Facts) -> None:
        self._declared = declared
        self._facts = facts

    def rule(self, rule: Rule, fired: Collection[str]) -> RuleExplained:
        return RuleExplained(rule.name, rule.name in fired, self.clause(rule.when), rule.why)

    def clause(self, condition: Condition) -> Clause:
        match condition:
            case And(items=items):
                clauses = tuple(self.clause(item) for item in items)
                return Combination("and", _all(clause.truth for clause in clauses), clauses)
            case Or(items=items):
                clauses = tuple(self.clause(item) for item in items)
                return Combination("or", _all(clause.truth.negated for clause in clauses).negated, clauses)
            case Not(item=item):
                clause = self.clause(item)
                return Combination("not", clause.truth.negated, (clause,))
            case atom:
                return ExplainedComparison(condition_text(atom, self._declared), self._truth(atom), self._because(atom))

    def _truth(self, atom: Atom) -> Truth:
        match atom:
            case Always():
                return Truth.HELD
            case IsMissing(fact=path):
                return Truth.FAILED if path in self._facts else Truth.HELD
            case CompareFacts(left=left, operator=operator, right=right):
                return self._compared(self._facts.get(left), operator, self._facts.get(right))
            case Compare(fact=path, operator=operator, value=value):
                return self._compared(self._facts.get(path), operator, value)
            case Between(fact=path, low=low, high=high):
                inside = self._facts.get(path)
                return _all([self._compared(inside, Operator.GE, low), self._compared(inside, Operator.LE, high)])
            case OneOf(fact=path, values=values):
                given = self._facts.get(path)
                return Truth.UNKNOWN if given is None else Truth.HELD if given in values else Truth.FAILED

    def _compared(self, left: Value | None, operator: Operator, right: Value | None) -> Truth:
        if left is None or right is None:
            return Truth.UNKNOWN
        return Truth.HELD if _COMPARED[operator](left, right) else Truth.FAILED

    def _because(self, atom: Atom) -> str:
        match atom:
            case Always():
                return ""
            case CompareFacts(left=left, right=right):
                return f"{self._seen(left)} and {self._seen(right)}"
            case _:
                return self._seen(atom.fact)

    def _seen(self, path: str) -> str:
        value = self._facts.get(path)
        if value is None:
            return f"{path} is missing"
        text = constant_text(self._declared[path], value)
        return f"{path} is {text if len(text) <= MAX_SHOWN else text[:MAX_SHOWN] + '…'}"
