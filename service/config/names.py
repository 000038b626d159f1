"""Names in the environment that look like settings and are none."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from difflib import SequenceMatcher

from service.config.errors import PREFIX
from service.core import LONGEST_WORD, nearest_word

FOR_TESTS = frozenset({"TOCSIN_TEST_LONG"})
"""Names that are no settings but must not be reported either."""

MISSPELT = 0.83
"""How alike a prefix must be to ours to be taken for it: `TOCSN_` and `TOSCIN_` are, other programs' are not."""


def unknown(given: Iterable[str], known: Sequence[str]) -> tuple[str, ...]:
    """A sentence for every name that is meant to be a setting and is none, with the nearest one that is."""
    strange = {name.upper() for name in given} - {*known, *FOR_TESTS}
    return tuple(_sentences(sorted(filter(_is_meant_for_us, strange)), known))


def _is_meant_for_us(name: str) -> bool:
    """Whether a name begins with our prefix, or with a misspelt one."""
    before, underscore, _ = name.partition("_")
    if not underscore or len(before) > LONGEST_WORD:
        return False
    return name.startswith(PREFIX) or SequenceMatcher(None, before, PREFIX.rstrip("_")).ratio() >= MISSPELT


def _sentences(strange: Iterable[str], known: Iterable[str]) -> Iterator[str]:
    bare = {name.removeprefix(PREFIX): name for name in known}  # the prefix would make any two names alike
    for name in strange:
        near = nearest_word(name.partition("_")[2], bare)
        hint = f"did you mean {bare[near]}?" if near else "docs/settings.md lists those that there are."
        yield f"{name} is not a setting and does nothing: {hint}"
