"""What is read out: lines with a pause after each, no URLs, codes digit by digit."""

from __future__ import annotations

import pytest

from service.core.language_tags import parse_tag
from service.messages.forms import FormRefused, parse_form
from service.messages.speech import spoken, twice


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("disk full\nReply yes", "disk full.\nReply yes"),
        ("Pump 2 stopped.\nhttps://status.example.com/i/7F3K\nReply YES.", "Pump 2 stopped.\n\nReply YES."),
        ("See https://example.com/a?b=c for details", "See for details"),
        ("Details: https://example.com.", "Details."),
        ("Details: https://example.com", "Details"),
        ("One\n\n\n\nTwo!", "One.\n\nTwo!"),
        ("事件。", "事件。"),
        ("https://example.com", "https://example.com"),
    ],
)
def test_what_is_said_of_a_text(text: str, said: str) -> None:
    assert spoken(text) == said


def test_a_page_is_said_twice_while_there_is_room() -> None:
    assert twice("Fire", 20) == "Fire.\n\nFire."
    assert twice("Fire.", 11) == "Fire."


@pytest.mark.parametrize(("code", "said"), [(4170, "4, 1, 7, 0"), ("A-17", "A, 1, 7"), ("ñ9", "ñ, 9")])
def test_a_code_is_spelled(code: object, said: str) -> None:
    assert parse_form("{{ code | spelled }}").fill({"code": code}, parse_tag("en")) == said


def test_spelled_takes_no_option() -> None:
    with pytest.raises(FormRefused, match="takes no option"):
        parse_form("{{ code | spelled('x') }}")
