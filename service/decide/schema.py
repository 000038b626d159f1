"""The facts of one file while it is read: what is declared, and what must not be blamed twice."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from service.decide.errors import RuleFaults
from service.decide.findings import Flaw
from service.decide.ruleset import Fact, Place


@dataclass(frozen=True, slots=True)
class Schema:
    """Declared facts by path, `today` and derived ones included.

    `broken` are paths whose declaration is faulty: their uses are not reported again. `computed` are
    those that no action may change. `complete` is False when the
    declarations could not be read at all; then no fact is called unknown.
    """

    facts: Mapping[str, Fact]
    broken: frozenset[str] = frozenset()
    computed: frozenset[str] = frozenset()
    complete: bool = True

    def find(self, path: str, at: Place, faults: RuleFaults) -> Fact | None:
        """The fact named `path`; None, and reported unless its declaration has been, when there is none."""
        fact = self.facts.get(path)
        if fact is None and self.complete and path not in self.broken:
            faults.error(Flaw.UNKNOWN_FACT, at, f'unknown fact "{path}"', faults.did_you_mean(path, self.facts))
        return fact
