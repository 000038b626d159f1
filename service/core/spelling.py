"""The known word that somebody probably meant."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

from service.core.text_folding import caseless

LONGEST_WORD = 200
"""Longer words are not compared: it takes the product of both lengths, and nobody misspells one."""


def nearest_word(word: str, known: Iterable[str]) -> str | None:
    """The known word that is most like `word`, whatever its case; None if none is like it."""
    if len(word) > LONGEST_WORD:
        return None
    by_folded = {caseless(name): name for name in known if len(name) <= LONGEST_WORD}
    near = get_close_matches(caseless(word), by_folded, n=1)
    return by_folded[near[0]] if near else None
