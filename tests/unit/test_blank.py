"""A text says something if somebody can see a letter, digit or emoji in it."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.core.blank import is_blank

SAID = ["a", "é", "日", "٣", "½", "①", "ﬁ", "😀", "❤️", "‼️", "#️⃣", "↔️", "◽", "👍🏽", "🇩🇪", " . a", "™", "\u200bOK"]
BLANK = ["", "   ", "\n\n", "\u200b", "\u00ad", "…", "?!", "--", "\ufeff", "\u202e\u202c", "\u0301", "\u3164", "\uffa0"]
BLANK += [
    "\u2800",
    "\ufffc",
    "\ufffd",
    "\U000e0061",
    "\t\u00a0\u2003",
    "-\ufe0f",
    "→",
    "\U0001d159",
    "\u115f\u1160",
    "€",
]


@pytest.mark.parametrize("text", SAID)
def test_what_can_be_read_says_something(text: str) -> None:
    assert not is_blank(text)


@pytest.mark.parametrize("text", BLANK, ids=ascii)
def test_what_nobody_can_see_or_read_says_nothing(text: str) -> None:
    assert is_blank(text)


@given(st.text(st.characters(categories=["Zs", "Zl", "Zp", "Cc", "Cf", "Mn", "Po", "Pd", "Cn"]), max_size=20))
def test_spaces_marks_and_invisible_characters_say_nothing(text: str) -> None:
    plain = unicodedata.normalize("NFKC", text)
    assert is_blank(text) or any(one in text for one in "#*\u203c\u2049\u3030") or any(map(str.isalnum, plain))


@given(st.text(max_size=20), st.characters(categories=["Lu", "Ll", "Nd"]))
def test_one_letter_or_digit_anywhere_is_enough(text: str, one: str) -> None:
    assert not is_blank(text + one)
    assert not is_blank(one + text)
