"""Collecting every finding of a file while it is read, so that one fault hides no other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from service.core import nearest_word
from service.decide.findings import Finding, Flaw, Severity
from service.decide.ruleset import Place

MAX_HINTS = 200
"""Words of one file that are compared with the known ones; who misspells more has seen the pattern by then."""


MAX_HUNCHES = 20
"""Warnings of one sort about what is well-formed and perhaps not meant: who has seen so many knows the pattern."""


class RuleFaults:
    """What has been found so far; `of_rule` gives a view that names the rule in what it adds to the same list."""

    def __init__(self, rule: str | None = None, shared: RuleFaults | None = None) -> None:
        self._rule = rule
        self._found: list[Finding] = shared._found if shared else []
        self._doubts: list[Finding] = shared._doubts if shared else []
        self._hints: dict[tuple[str, tuple[str, ...]], str | None] = shared._hints if shared else {}
        self._hunches: Counter[str] = shared._hunches if shared else Counter()

    def of_rule(self, name: str | None) -> RuleFaults:
        """The same collection, seen from one rule."""
        return RuleFaults(name, self)

    def did_you_mean(self, word: str, known: Iterable[str]) -> str | None:
        """`did_you_mean` with a memory and a limit: a file that holds only mistakes must be answered in time too."""
        asked = (word, tuple(known))
        if asked not in self._hints and len(self._hints) < MAX_HINTS:
            self._hints[asked] = did_you_mean(*asked)
        return self._hints.get(asked)

    def error(self, kind: Flaw, at: Place, message: str, hint: str | None = None) -> None:
        """Add a finding that keeps the file from being published."""
        self._found.append(Finding(Severity.ERROR, kind, at, message, self._rule, hint))

    def doubt(self, kind: Flaw, at: Place, message: str, hint: str | None = None) -> None:
        """Add an error about what can be read, but is hardly meant so.

        It keeps a file from being published, and not a version from deciding that was published before.
        """
        self._doubts.append(Finding(Severity.ERROR, kind, at, message, self._rule, hint))

    def warning(self, kind: Flaw, at: Place, message: str, hint: str | None = None) -> None:
        """Add a finding that an administrator should look at."""
        self._found.append(Finding(Severity.WARNING, kind, at, message, self._rule, hint))

    def hunch(self, sort: str, kind: Flaw, at: Place, message: str, hint: str) -> None:
        """Add a warning of a sort of which nobody needs to see more than a few."""
        self._hunches[sort] += 1
        if self._hunches[sort] <= MAX_HUNCHES:
            self.warning(kind, at, message, hint)

    @property
    def refused(self) -> bool:
        """Whether the file cannot be read: one of the findings is an error, and not only a doubt."""
        return any(finding.severity is Severity.ERROR for finding in self._found)

    def in_order(self) -> tuple[Finding, ...]:
        """All findings by their place in the file."""
        return tuple(sorted((*self._found, *self._doubts), key=lambda finding: finding.at))


def did_you_mean(word: str, known: Iterable[str]) -> str | None:
    """A hint naming the known word that `word` was probably meant to be, or None."""
    near = nearest_word(word, known)
    return f'did you mean "{near}"?' if near else None
