"""Placeholders are the same in every text: between two braces, without braces inside."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.core import placeholders
from service.core.placeholders import LiteralText, Placeholder, Unpaired

OLD = re.compile(r"\{\{\s*([^{}]*?)\s*\}\}")
"""How rule files were read before: the same, in cubic time."""


def test_a_text_is_cut_into_literals_and_placeholders_with_their_places() -> None:
    assert tuple(placeholders.split("Valve {{ sensor.id }} is {{}}")) == (
        LiteralText("Valve ", 0),
        Placeholder("{{ sensor.id }}", 6, "sensor.id", 9),
        LiteralText(" is ", 21),
        Placeholder("{{}}", 25, "", 27),
    )


@pytest.mark.parametrize(
    ("text", "braces"),
    [
        ("{{ a", Unpaired("{{", 0)),
        ("a }} b", Unpaired("}}", 2)),
        ("{{ {{ a }}", Unpaired("{{", 0)),
        ("{ a }", None),
        ("{{{ a }}}", None),
    ],
)
def test_braces_without_their_other_half_are_found(text: str, braces: Unpaired | None) -> None:
    literals = (part for part in placeholders.split(text) if isinstance(part, LiteralText))
    assert next(filter(None, map(placeholders.unpaired, literals)), None) == braces


@given(st.text(alphabet="{} \n\tab.|"))
def test_placeholders_are_those_of_the_expression_that_was_used_before(text: str) -> None:
    parts = tuple(placeholders.split(text))
    found = [(part.name, part.name_at, part.at) for part in parts if isinstance(part, Placeholder)]
    assert found == [(slot[1], slot.start(1), slot.start()) for slot in OLD.finditer(text)]
    assert "".join(part.text for part in parts) == text
