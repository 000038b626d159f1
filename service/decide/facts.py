"""From a request to typed facts and back: what does not fit is refused by path, never guessed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal
from itertools import accumulate, islice

from service.core import TocsinError, nearest_word
from service.decide import values
from service.decide.declarations import SCORE_SCALE, TODAY
from service.decide.errors import did_you_mean
from service.decide.ruleset import Derived, Fact, Facts, FactType, Ruleset, RuleTest, Value
from service.decide.values import UnfitValue


@dataclass(frozen=True, slots=True)
class FactError:
    """What is wrong with one fact of a request."""

    path: str
    message: str


class FactsRefused(TocsinError):
    """The request does not fit the ruleset; `errors` names every fact that does not."""

    def __init__(self, errors: tuple[FactError, ...]) -> None:
        super().__init__("; ".join(f"{error.path}: {error.message}" for error in errors))
        self.errors = errors


def read(ruleset: Ruleset, request: Mapping[str, object], today: date) -> Facts:
    """The typed facts of a request (nested JSON with exact numbers); raises `FactsRefused` with every fault.

    `today` is the fact of that name unless the request gives one. Derived facts are read if the request holds them
    (tests and pasted examples do); else they are left for `derive`. Undeclared members are ignored here.
    """
    reader = _Reader(ruleset, request)
    facts: dict[str, Value] = {TODAY: today}
    to_come = set(_underived_paths(ruleset, reader))
    for path, fact in ruleset.facts.items():
        value = reader.value(fact, required=not fact.optional and path not in to_come and path != TODAY)
        if value is not None:
            facts[path] = value
    if reader.errors:
        raise FactsRefused(tuple(reader.errors))
    return facts


def of_test(ruleset: Ruleset, test: RuleTest, today: date) -> Facts:
    """The typed facts that one of the file's own tests gives; `today` counts where the test gives none."""
    return read(ruleset, nested(test.given), today)


def underived(ruleset: Ruleset, facts: Facts) -> tuple[Derived, ...]:
    """The derivations still to be computed: their text is there and their facts are not."""
    return tuple(
        derivation
        for derivation in ruleset.derived
        if derivation.source in facts and f"{derivation.path}.label" not in facts
    )


def derive(facts: Facts, derived: Derived, label: str, scores: Mapping[str, Decimal]) -> Facts:
    """`facts` with a sentiment added: `label` and the scores by name (`positive`, …), rounded to their scale."""
    step = Decimal(1).scaleb(-SCORE_SCALE)
    added: dict[str, Value] = {f"{derived.path}.label": label}
    for name, score in scores.items():
        added[f"{derived.path}.{name}"] = score.quantize(step, ROUND_HALF_EVEN)
    return {**facts, **added}


def write(ruleset: Ruleset, request: Mapping[str, object], facts: Facts) -> dict[str, object]:
    """The request with its declared facts in canonical form and changed as `facts` say; all else is untouched.

    Whole numbers are numbers, decimals text with their scale ("360.00"), dates and instants ISO 8601 text. Derived
    facts and `today` are not added.
    """
    computed = {TODAY, *_derived_paths(ruleset)}
    result: dict[str, object] = dict(request)
    fresh: set[int] = set()
    for path, fact in ruleset.facts.items():
        if path in facts and path not in computed:
            _put(result, path.split("."), values.canonical(fact, facts[path]), fresh)
    return result


def nested(flat: Mapping[str, object]) -> dict[str, object]:
    """Facts by dotted path as the nested JSON of a request: `{"driver.age": 18}` → `{"driver": {"age": 18}}`."""
    result: dict[str, object] = {}
    fresh: set[int] = set()
    for path, value in flat.items():
        _put(result, path.split("."), value, fresh)
    return result


def _put(document: dict[str, object], parts: list[str], value: object, fresh: set[int]) -> None:
    """Set a nested member; objects of the caller's are copied once (`fresh` holds our own), never changed."""
    holder = document
    for part in parts[:-1]:
        inner = holder.get(part)
        if not isinstance(inner, dict) or id(inner) not in fresh:
            inner = dict(inner) if isinstance(inner, Mapping) else {}
            fresh.add(id(inner))
            holder[part] = inner
        holder = inner
    holder[parts[-1]] = value


def _derived_paths(ruleset: Ruleset) -> Iterator[str]:
    prefixes = tuple(f"{derivation.path}." for derivation in ruleset.derived)
    return (path for path in ruleset.facts if prefixes and path.startswith(prefixes))


def _underived_paths(ruleset: Ruleset, reader: _Reader) -> Iterator[str]:
    """The derived facts of those derivations that the request says nothing about."""
    silent = tuple(f"{derivation.path}." for derivation in ruleset.derived if reader.is_silent_about(derivation.path))
    return (path for path in ruleset.facts if silent and path.startswith(silent))


MOST_UNKNOWN = 100
"""Members of a request that are compared with a missing fact."""


def _unknown_paths(request: Mapping[str, object], ruleset: Ruleset) -> Sequence[str]:
    """The paths that a request gives and that neither are facts of the ruleset nor hold any."""
    known = {prefix for path in ruleset.facts for prefix in accumulate(path.split("."), "{}.{}".format)}
    paths = (path for path in _paths(request, "") if path not in known)
    return list(islice(paths, MOST_UNKNOWN))


def _paths(holder: Mapping[str, object], prefix: str) -> Iterator[str]:
    for name, value in islice(holder.items(), MOST_UNKNOWN):
        path = f"{prefix}{name}"
        if isinstance(value, Mapping):
            yield from _paths(value, f"{path}.")
        else:
            yield path


class _Reader:
    """Finds members of one request by path and collects what is wrong with them."""

    def __init__(self, ruleset: Ruleset, request: Mapping[str, object]) -> None:
        self._ruleset = ruleset
        self._request = request
        self._no_objects: set[str] = set()
        self._unknown: Sequence[str] | None = None
        self.errors: list[FactError] = []

    def is_silent_about(self, path: str) -> bool:
        """Whether the request holds nothing under `path`."""
        return self._member(path) is None

    def value(self, fact: Fact, *, required: bool) -> Value | None:
        """The fact's value, or None where it is missing or refused."""
        raw = self._member(fact.path)
        if raw is None:
            if required and not self._lies_below_no_object(fact.path):
                self._refuse(fact, f"is missing: give {values.NOUN[fact.type]}{self._misspelt(fact.path)}")
            return None
        if not isinstance(raw, bool | int | Decimal | str):
            self._refuse(fact, f"is {_kind(raw)}, not {values.NOUN[fact.type]}")
            return None
        value = values.fit(fact, raw)
        if isinstance(value, UnfitValue):
            self._refuse(fact, value.message + self._near(fact, raw))
            return None
        return value

    def _misspelt(self, path: str) -> str:
        """A member that is no fact and may have been meant to be this one."""
        if self._unknown is None:
            self._unknown = _unknown_paths(self._request, self._ruleset)
        near = nearest_word(path, self._unknown)
        return "" if near is None else f'; "{near}" is not known: did you mean "{path}"?'

    def _member(self, path: str) -> object:
        inner: object = self._request
        parts = path.split(".")
        for depth, part in enumerate(parts):
            if not isinstance(inner, (dict, Mapping)):  # dict first: the abstract check is ten times as slow
                self._refuse_holder(".".join(parts[:depth]), inner)
                return None
            inner = inner.get(part)
            if inner is None:
                return None
        return inner

    def _refuse_holder(self, path: str, value: object) -> None:
        if path not in self._no_objects:
            self._no_objects.add(path)
            self.errors.append(FactError(path, f"is {_kind(value)}, not an object that holds facts"))

    def _lies_below_no_object(self, path: str) -> bool:
        return any(path.startswith(f"{holder}.") for holder in self._no_objects)

    def _refuse(self, fact: Fact, problem: str) -> None:
        place = "" if fact.path == TODAY else f" (declared in {self._ruleset.name}, line {fact.at.line})"
        self.errors.append(FactError(fact.path, problem + place))

    def _near(self, fact: Fact, raw: object) -> str:
        near = did_you_mean(str(raw), fact.values) if fact.type is FactType.TEXT and fact.values else None
        return f"; {near}" if near else ""


def _kind(raw: object) -> str:
    match raw:
        case Mapping():
            return "an object"
        case list() | tuple():
            return "a list"
        case bool():
            return "true or false"
        case str():
            return "a text"
        case int() | Decimal():
            return "a number"
        case _:
            return f"of the type {type(raw).__name__}"
