"""The `facts:` section: which facts a ruleset reads, of which type and range, and which are computed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal

from service.decide import entries, values
from service.decide.entries import EntryKeys
from service.decide.errors import RuleFaults
from service.decide.findings import Flaw
from service.decide.positions import Entries, Node, Scalar
from service.decide.ruleset import ORDERED, Derived, Fact, FactType, Place, Value
from service.decide.schema import Schema
from service.decide.tokens import KEYWORDS
from service.decide.values import UnfitValue

MAX_FACTS = 200
"""Facts that one file may declare."""

TODAY = "today"
"""The fact that is always there: the request's date, or the clock's."""

SCORE_SCALE = 4
"""Digits after the point of a sentiment score."""

SENTIMENTS = ("Positive", "Negative", "Neutral", "Mixed")
"""Labels of Amazon Comprehend's DetectSentiment, in its spelling; scores have the same names in small letters."""

_PATH = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z0-9_]+)*")
_KEYS = ("type", "scale", "values", "min", "max", "optional")
_SENTIMENT_OF = "sentiment of"
_TYPES = {type_.value: type_ for type_ in FactType}


def read(node: Node | None, faults: RuleFaults) -> tuple[Schema, tuple[Derived, ...]]:
    """Every declared fact, the derived ones and `today`; `node` is None when the file has no `facts`."""
    today = {TODAY: Fact(TODAY, FactType.DATE, Place(1, 1))}
    if not isinstance(node, Entries):
        if node is not None:
            entries.mismatch(node, "facts must map each path to its type, such as driver.age: {type: integer}", faults)
        return Schema(today, complete=False), ()
    return _Declarations(faults).read(node, today)


_OTHER_NAMES = {
    **dict.fromkeys(("number", "float", "double", "money", "currency"), "write {type: decimal, scale: 2}, or integer"),
    **dict.fromkeys(("string", "str", "varchar", "char", "enum"), "write text"),
    **dict.fromkeys(("bool", "yes/no", "flag"), "write boolean"),
    **dict.fromkeys(("timestamp", "time"), "write datetime"),
}
"""Names of types elsewhere, and what to write."""


class _Declarations:
    """Reads declarations in file order, then the derived ones, which refer to them."""

    def __init__(self, faults: RuleFaults) -> None:
        self._faults = faults
        self._broken: set[str] = set()

    def read(self, node: Entries, today: Mapping[str, Fact]) -> tuple[Schema, tuple[Derived, ...]]:
        if len(node.pairs) > MAX_FACTS:
            message = f"{len(node.pairs)} facts are declared; {MAX_FACTS} are allowed"
            self._faults.error(Flaw.SYNTAX, node.pairs[MAX_FACTS][0].at, message)
        first, seen = dict(today), set[str]()
        pending: list[tuple[Scalar, Node]] = []
        for key, value in node.pairs:
            self._check_path(key, seen)
            if _is_derived(value):
                pending.append((key, value))
            elif (fact := self._fact(key, value)) is not None:
                first.setdefault(fact.path, fact)
            else:
                self._broken.add(key.text)
        derived = [made for key, value in pending if (made := self._derived(key, value, first)) is not None]
        scores: dict[str, Fact] = {}
        for derivation in derived:
            self._refuse_inside(derivation, first)
            scores.update(_scores_of(derivation, optional=first[derivation.source].optional))
        facts = {**first, **scores}
        self._refuse_prefixes(facts)
        return Schema(facts, frozenset(self._broken), frozenset({TODAY, *scores})), tuple(derived)

    def _check_path(self, key: Scalar, seen: set[str]) -> None:
        if key.text in seen:
            entries.duplicate(key, self._faults)
        elif not _PATH.fullmatch(key.text):
            hint = "letters, digits and _, joined by points: driver.age"
            self._faults.error(Flaw.SYNTAX, key.at, f'"{key.text}" cannot name a fact', hint)
        elif key.text in KEYWORDS:
            message = f'"{key.text}" is a word of the rule language and cannot name a fact'
            self._faults.error(Flaw.SYNTAX, key.at, message)
        elif key.text == TODAY:
            self._faults.error(Flaw.DUPLICATE_KEY, key.at, "today is always a fact (a date)", "remove this line")
        seen.add(key.text)

    def _fact(self, key: Scalar, node: Node) -> Fact | None:
        if isinstance(node, Scalar):
            hint = f"write {{type: {node.text or 'text'}}}"
            entries.mismatch(node, f"{key.text} must be declared as a mapping", self._faults, hint)
            return None
        keys = entries.keyed(node, _KEYS, f"the declaration of {key.text}", self._faults)
        if keys is None:
            return None
        if "type" not in keys:
            known = ", ".join(_TYPES)
            self._faults.error(Flaw.TYPE, keys.at, f"{key.text} has no type", f"add type: one of {known}")
            return None
        type_ = keys.read("type", self._type)
        if type_ is None:
            return None
        bare = Fact(key.text, type_, key.at, self._scale(keys, type_, key), optional=self._is_optional(keys))
        return self._ranged(replace(bare, values=self._values(keys, type_)), keys)

    def _type(self, node: Node) -> FactType | None:
        written = entries.text(node, "type", self._faults)
        if written is None or written.text in _TYPES:
            return _TYPES[written.text] if written else None
        hint = self._faults.did_you_mean(written.text, _TYPES) or f"known: {', '.join(_TYPES)}"
        if re.fullmatch(r"decimal *\([0-9]+\)", written.text):
            hint = "write {type: decimal, scale: 2}"
        hint = _OTHER_NAMES.get(written.text.lower(), hint)
        self._faults.error(Flaw.TYPE, written.at, f'unknown type "{written.text}"', hint)
        return None

    def _scale(self, keys: EntryKeys, type_: FactType, key: Scalar) -> int:
        if type_ is FactType.DECIMAL and "scale" not in keys:
            message = f"{key.text} is a decimal without a scale"
            self._faults.error(Flaw.TYPE, keys.at, message, "add scale: 2 for two digits after the point")
        return keys.read("scale", lambda node: self._scale_of(node, type_)) or 0

    def _scale_of(self, node: Node, type_: FactType) -> int:
        scale = node.value if isinstance(node, Scalar) else None
        sound = isinstance(scale, int) and not isinstance(scale, bool) and 0 <= scale <= values.MAX_SCALE
        if type_ is not FactType.DECIMAL:
            self._faults.error(Flaw.TYPE, node.at, f"only a decimal has a scale, this is {values.NOUN[type_]}")
        elif not sound:
            entries.mismatch(node, f"scale must be a whole number from 0 to {values.MAX_SCALE}", self._faults)
        return scale if isinstance(scale, int) and sound else 0

    def _is_optional(self, keys: EntryKeys) -> bool:
        return keys.read("optional", self._truth) or False

    def _truth(self, node: Node) -> bool:
        if isinstance(node, Scalar) and isinstance(node.value, bool):
            return node.value
        entries.mismatch(node, "optional must be true or false", self._faults)
        return False

    def _values(self, keys: EntryKeys, type_: FactType) -> tuple[str, ...] | None:
        return keys.read("values", lambda node: self._values_of(node, type_))

    def _values_of(self, node: Node, type_: FactType) -> tuple[str, ...] | None:
        if type_ is not FactType.TEXT:
            self._faults.error(Flaw.TYPE, node.at, f"only a text lists its values, this is {values.NOUN[type_]}")
            return None
        written = [entries.text(item, "a value", self._faults) for item in entries.items(node, "values", self._faults)]
        named = [item for item in written if item is not None]
        if not named:
            entries.mismatch(node, "values must name at least one text", self._faults)
        seen: dict[str, None] = {}
        for item in named:
            if item.text in seen:
                self._faults.error(Flaw.DUPLICATE_KEY, item.at, f'the value "{item.text}" stands here a second time')
            seen[item.text] = None
        return tuple(seen) or None

    def _ranged(self, fact: Fact, keys: EntryKeys) -> Fact:
        low = keys.read("min", lambda node: self._bound(node, fact))
        high = keys.read("max", lambda node: self._bound(node, fact))
        if low is not None and high is not None and values.later(low, high):
            shown = f"{values.canonical(fact, low)} > {values.canonical(fact, high)}"
            self._faults.error(Flaw.OUT_OF_RANGE, keys.at, f"the range of {fact.path} is empty: {shown}")
        return replace(fact, minimum=low, maximum=high)

    def _bound(self, node: Node, fact: Fact) -> Value | None:
        if fact.type not in ORDERED:
            self._faults.error(Flaw.TYPE, node.at, f"{fact.path} is {values.NOUN[fact.type]} and has no range")
            return None
        if not isinstance(node, Scalar) or node.value is None:
            entries.mismatch(node, f"the limit of {fact.path} must be {values.NOUN[fact.type]}", self._faults)
            return None
        bound = values.constant(fact, node.value)
        if isinstance(bound, UnfitValue):
            self._faults.error(bound.kind, node.at, f"the limit of {fact.path}: {bound.message}")
            return None
        return bound

    def _derived(self, key: Scalar, node: Node, facts: Mapping[str, Fact]) -> Derived | None:
        keys = entries.keyed(node, (_SENTIMENT_OF,), f"the declaration of {key.text}", self._faults)
        source = keys.read(_SENTIMENT_OF, lambda value: self._source(value, facts)) if keys else None
        if source is None:
            self._broken.update(f"{key.text}.{part}" for part in ("label", *map(str.lower, SENTIMENTS)))
            return None
        return Derived(key.text, source, key.at)

    def _source(self, node: Node, facts: Mapping[str, Fact]) -> str | None:
        path = entries.text(node, _SENTIMENT_OF, self._faults)
        fact = Schema(facts, frozenset(self._broken)).find(path.text, path.at, self._faults) if path else None
        if fact is None or fact.type is FactType.TEXT:
            return fact.path if fact else None
        self._faults.error(Flaw.TYPE, node.at, f"{fact.path} is {values.NOUN[fact.type]}; only a text has a sentiment")
        return None

    def _refuse_inside(self, derived: Derived, facts: Mapping[str, Fact]) -> None:
        """A computed group has its own five facts and no others."""
        for path, fact in facts.items():
            if path.startswith(f"{derived.path}."):
                message = f"{path} lies inside {derived.path}, which is computed"
                self._faults.error(Flaw.DUPLICATE_KEY, max(fact.at, derived.at), message, "rename one of the two")

    def _refuse_prefixes(self, facts: Mapping[str, Fact]) -> None:
        reported: set[Place] = set()
        for path, fact in facts.items():
            parts = path.split(".")
            shorter = next((p for n in range(1, len(parts)) if (p := ".".join(parts[:n])) in facts), None)
            if shorter is not None and (at := max(fact.at, facts[shorter].at)) not in reported:
                reported.add(at)
                message = f"{shorter} cannot be a value and hold {path} at once"
                self._faults.error(Flaw.TYPE, at, message, "rename one of the two")


def _is_derived(node: Node) -> bool:
    return isinstance(node, Entries) and any(key.text == _SENTIMENT_OF for key, _ in node.pairs)


def _scores_of(derived: Derived, *, optional: bool) -> Mapping[str, Fact]:
    """The five facts of a sentiment: its label, and a score from 0 to 1 for each label."""
    label = Fact(f"{derived.path}.label", FactType.TEXT, derived.at, values=SENTIMENTS, optional=optional)
    none, certain = Decimal(0).scaleb(-SCORE_SCALE), Decimal(1).quantize(Decimal(1).scaleb(-SCORE_SCALE))
    scores = [
        Fact(
            f"{derived.path}.{name.lower()}",
            FactType.DECIMAL,
            derived.at,
            SCORE_SCALE,
            none,
            certain,
            optional=optional,
        )
        for name in SENTIMENTS
    ]
    return {fact.path: fact for fact in (label, *scores)}
