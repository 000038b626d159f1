"""Texts are folded in one module, with one function for each purpose."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from service.core import text_folding
from service.core.text_folding import (
    caseless,
    compatible,
    composed,
    fold,
    with_plain_blanks,
    without_directions,
    without_format_characters,
    without_joiners,
    without_latin_accents,
    without_zero_width,
)

SERVICE = Path(__file__).parents[2] / "service"
FOLDS_BY_HAND = re.compile(r"\.casefold\(|unicodedata\.normalize\(")


def test_no_other_module_folds_texts() -> None:
    by_hand = {path for path in SERVICE.rglob("*.py") if FOLDS_BY_HAND.search(path.read_text("utf-8"))}
    assert by_hand == {Path(text_folding.__file__)}


@pytest.mark.parametrize(
    ("folding", "text", "expected"),
    [
        (caseless, "Straße@Example.COM", "strasse@example.com"),
        (composed, "e\u0301 ﬁ", "é ﬁ"),
        (compatible, "\uff21\ufb01", "Afi"),
        (with_plain_blanks, "1\u202f234\u00a0€", "1 234 €"),
        (without_zero_width, "so\u00adft\u200b \u2060\ufeffend\u200d", "soft end\u200d"),
        (without_directions, "\u200e+44\u202c \u200c", "+44 \u200c"),
        (without_joiners, "a\u200d\u200e\ufe0fb\u200b", "ab\u200b"),
        (without_format_characters, "S\u200bT\u00adO\u2066P", "STOP"),
        (without_latin_accents, "Arrêter, ＳＴＯＰ! støp", "arreter, stop! støp"),
        (fold, "HAYIR, Şımarık don’t أنا", "hayir, simarik dont انا"),
    ],
)
def test_each_folding_does_what_its_name_says(folding: Callable[[str], str], text: str, expected: str) -> None:
    assert folding(text) == expected
    assert folding(expected) == expected


def test_accents_are_kept_where_they_tell_words_apart() -> None:
    assert fold("Ça MÁ", accents=True) == "ça má"
    assert fold("ばい") != fold("はい")
