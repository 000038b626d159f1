"""Reading the facts of very many requests: what `facts.read` answers, with texts that recur typed once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from service.decide import TODAY, Fact, Facts, Ruleset, UnfitValue, Value, facts, fit

REMEMBERED = 10_000
"""Texts of each fact that are remembered, with their values."""


@dataclass(frozen=True, slots=True)
class _Slot:
    """One fact: where a request holds it, and the values of texts that were seen."""

    fact: Fact
    parts: tuple[str, ...]
    seen: dict[str, Value] = field(default_factory=dict)

    def value(self, raw: object) -> Value | None:
        """The value of what a request holds; None for what `facts.read` must look at."""
        if type(raw) is str:
            known = self.seen.get(raw)
            return self._typed(raw) if known is None else known
        return self._typed(raw) if isinstance(raw, bool | int | Decimal) else None

    def _typed(self, raw: bool | int | Decimal | str) -> Value | None:
        value = fit(self.fact, raw)
        if isinstance(value, UnfitValue):
            return None
        if type(raw) is str and len(self.seen) < REMEMBERED:
            self.seen[raw] = value
        return value


class Reader:
    """Reads requests for one ruleset."""

    def __init__(self, ruleset: Ruleset) -> None:
        self._ruleset = ruleset
        self._slots = tuple(_Slot(fact, tuple(path.split("."))) for path, fact in ruleset.facts.items())

    def read(self, request: Mapping[str, object], today: date) -> Facts:
        """`facts.read` of the request: the same facts, or the same `FactsRefused`."""
        quickly = None if self._ruleset.derived else self._quickly(request, today)
        return facts.read(self._ruleset, request, today) if quickly is None else quickly

    def _quickly(self, request: Mapping[str, object], today: date) -> Facts | None:
        """The facts of a request whose members are all as declared; None for any other."""
        values: dict[str, Value] = {TODAY: today}
        for slot in self._slots:
            inner: object = request
            for part in slot.parts:
                if type(inner) is not dict:
                    return None
                inner = inner.get(part)
                if inner is None:
                    break
            if inner is not None:
                value = slot.value(inner)
                if value is None:
                    return None
                values[slot.fact.path] = value
            elif not slot.fact.optional and slot.fact.path != TODAY:
                return None
        return values
