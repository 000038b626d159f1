"""Placeholders and other untranslatable pieces come back exactly once, whatever an engine does to the text."""

from __future__ import annotations

import re
from collections.abc import Sequence

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from service.language.masking import MarkersBroken, mask

PIECES = st.sampled_from(
    [
        "{{ first_name }}",
        "{{driver.name}}",
        "{{ due | date }}",
        "https://example.com/t?x=1&y={2}",
        "www.example.org/a",
        "jo.bloggs+tag@example.com",
        "+1 (555) 010-9999",
        "+447700900123",
        "#A-1042",
        "<b>",
        "VAR1",
        "VAR12",
        "var 3",
        "Tocsin",
        "Tocsin Pro",
    ]
)
WORDS = st.sampled_from(["order", "ships", "on", "2026-05-10", "Monday,", "é", "VARiety", "10", "5%", "{", "}}", "\n"])
TERMS = ("Tocsin", "Tocsin Pro")


@st.composite
def texts(draw: st.DrawFn) -> str:
    return draw(st.sampled_from([" ", "  ", ", "])).join(draw(st.lists(PIECES | WORDS, max_size=14)))


def test_everything_untranslatable_becomes_a_marker() -> None:
    masked = mask(
        "Hi {{name}}, {{ a.b | money('EUR') }}: see https://x.example/1. or me@x.example, +1 555 010 9999, #77!"
    )
    assert masked.text == "Hi VAR1, VAR2: see VAR3. or VAR4, VAR5, VAR6!"


def test_a_term_is_hidden_as_a_whole_word_in_its_own_case_longest_first() -> None:
    masked = mask("Tocsin Pro by Tocsin, not tocsin or Tocsins", TERMS)
    assert masked.text == "VAR1 by VAR2, not tocsin or Tocsins"
    assert masked.hidden == ("Tocsin Pro", "Tocsin")


def test_a_text_that_says_var1_itself_gets_it_back() -> None:
    masked = mask("Set VAR1 to {{ value }}")
    assert masked.text == "Set VAR1 to VAR2"
    assert masked.restore("VAR2 nach VAR1 setzen") == "{{ value }} nach VAR1 setzen"


def test_a_digit_beside_a_placeholder_cannot_lengthen_its_marker() -> None:
    masked = mask("{{a}}5 and 7{{b}}")
    assert masked.text == "VAR1 and 7VAR2"
    assert masked.restore("7VAR2, VAR1") == "7{{b}}, {{a}}5"


@given(st.text() | texts())
@example("{{{{ a }}}} VAR1VAR2")
@example("<b>5</b>")
def test_an_engine_that_changes_nothing_gives_the_text_back(text: str) -> None:
    masked = mask(text, TERMS)
    assert masked.restore(masked.text) == text


@given(texts(), st.data())
def test_markers_may_change_their_order(text: str, data: st.DataObject) -> None:
    masked = mask(text, TERMS)
    words = data.draw(st.permutations(re.split(r"(VAR\d+)", masked.text)))
    restored = masked.restore(" ".join(words))
    assert isinstance(restored, str)
    assert sorted(restored.replace(" ", "")) == sorted(text.replace(" ", ""))


def damaged(text: str, how: str, which: int) -> str:
    """The text after an adversary dropped, doubled, changed or invented its marker number `which`."""
    markers: Sequence[re.Match[str]] = list(re.finditer(r"VAR\d+", text))
    marker = markers[which % len(markers)]
    new = {
        "drop": "",
        "double": f"{marker[0]} {marker[0]}",
        "lower": marker[0].lower(),
        "title": marker[0].title(),
        "space": marker[0].replace("VAR", "VAR "),
        "renumber": f"VAR{len(markers) + 1}",
        "full-width": marker[0].translate({0x30 + digit: 0xFF10 + digit for digit in range(10)}),
        "invent": f"{marker[0]} VAR{len(markers) + 1}",
        "digit": f"{marker[0]}0",
    }[how]
    return text[: marker.start()] + new + text[marker.end() :]


ATTACKS = ("drop", "double", "lower", "title", "space", "renumber", "full-width", "invent", "digit")


@given(texts(), PIECES, st.sampled_from(ATTACKS), st.integers(min_value=0, max_value=50))
def test_a_damaged_marker_is_always_noticed(text: str, piece: str, how: str, which: int) -> None:
    masked = mask(f"{text} {piece}", TERMS)
    assert isinstance(masked.restore(damaged(masked.text, how, which)), MarkersBroken)


def test_the_reason_says_what_the_engine_did() -> None:
    broken = mask("{{a}} {{b}}").restore("VAR1 VAR1")
    assert broken == MarkersBroken("the engine lost VAR2 and added VAR1")


@pytest.mark.parametrize(
    "text", ["1" * 50_000, "a" * 50_000, "{{" * 25_000, "<" * 50_000, "a@" * 25_000, "+1 " * 20_000]
)
@pytest.mark.timeout(5)
def test_a_hostile_text_is_masked_in_linear_time(text: str) -> None:
    mask(text)
