"""How many messages a carrier bills: against the published examples and a second, slower way of counting."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from service.messages.prices import ELSEWHERE, PER_SEGMENT, estimated_price
from service.messages.segments import Encoding, not_in_gsm_7, segments_of

# 3GPP TS 23.038 §6.2.1, the default alphabet in the order of its codes 0x00 to 0x7F, 0x1B being the escape.
GSM_TABLE = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
ESCAPED = {
    "\f": 0x0A,
    "^": 0x14,
    "{": 0x28,
    "}": 0x29,
    "\\": 0x2F,
    "[": 0x3C,
    "~": 0x3D,
    "]": 0x3E,
    "|": 0x40,
    "€": 0x65,
}


def septets(text: str) -> list[list[int]] | None:
    """The codes of each character in GSM-7, or None where one has none."""
    codes: list[list[int]] = []
    for character in text:
        if character in ESCAPED:
            codes.append([0x1B, ESCAPED[character]])
        elif character in GSM_TABLE and character != "\x1b":
            codes.append([GSM_TABLE.index(character)])
        else:
            return None
    return codes


def units(text: str) -> list[list[int]]:
    """The UTF-16 code units of each character."""
    encoded = [character.encode("utf-16-be") for character in text]
    return [[int.from_bytes(each[at : at + 2]) for at in range(0, len(each), 2)] for each in encoded]


def billed(codes: list[list[int]], alone: int, in_several: int) -> int:
    """Messages needed when codes of one character stay together: filled one code at a time."""
    if sum(map(len, codes)) <= alone:
        return 1
    messages, free = 1, in_several
    for together in codes:
        if len(together) > free:
            messages, free = messages + 1, in_several
        free -= len(together)
    return messages


letters = st.text(
    st.one_of(
        st.sampled_from(GSM_TABLE.replace("\x1b", "")),
        st.sampled_from("".join(ESCAPED)),
        st.sampled_from("aé€ç中😀👍🏽"),
    ),
    max_size=700,
)


@given(st.one_of(letters, st.text(max_size=400), st.text(st.sampled_from("".join(ESCAPED) + "a"), max_size=700)))
@example("€" * 80)
@example("€" * 81)
@example("a" * 152 + "€" + "a" * 100)
@example("😀" * 35)
@example("😀" * 36)
def test_the_bill_is_what_filling_messages_code_by_code_makes(text: str) -> None:
    text = text.encode("utf-16", "ignore").decode("utf-16")
    gsm, counted = septets(text), segments_of(text)
    if gsm is None:
        assert counted.encoding is Encoding.UCS_2
        assert counted.count == billed(units(text), 70, 67)
        assert counted.units == len(text.encode("utf-16-be")) // 2
    else:
        assert counted.encoding is Encoding.GSM_7
        assert counted.count == billed(gsm, 160, 153)
        assert counted.units == sum(map(len, gsm))
    assert "".join(counted.parts) == text


@pytest.mark.parametrize(
    ("text", "encoding", "count"),
    [
        ("", Encoding.GSM_7, 1),
        ("a" * 160, Encoding.GSM_7, 1),
        ("a" * 161, Encoding.GSM_7, 2),
        ("a" * 306, Encoding.GSM_7, 2),
        ("a" * 307, Encoding.GSM_7, 3),
        ("ж" * 70, Encoding.UCS_2, 1),
        ("ж" * 71, Encoding.UCS_2, 2),
        ("ж" * 134, Encoding.UCS_2, 2),
        ("ж" * 135, Encoding.UCS_2, 3),
        ("Ça va: à bientôt", Encoding.UCS_2, 1),  # ô is not in GSM-7
        ("ç", Encoding.UCS_2, 1),  # nor is the small ç, although the capital is
        ("Ç", Encoding.GSM_7, 1),
    ],
)
def test_the_published_limits(text: str, encoding: Encoding, count: int) -> None:
    counted = segments_of(text)
    assert (counted.encoding, counted.count) == (encoding, count)


def test_an_emoji_is_never_cut_in_two() -> None:
    text = "x" * 66 + "😀" + "x" * 10
    first, second = segments_of(text).parts
    assert (first, second) == ("x" * 66, "😀" + "x" * 10)


def test_an_escaped_character_is_never_cut_in_two() -> None:
    first, second = segments_of("x" * 152 + "€" + "x" * 20).parts
    assert (first, second) == ("x" * 152, "€" + "x" * 20)


def test_an_author_is_told_which_characters_make_the_text_expensive() -> None:
    assert not_in_gsm_7("“Hello” – it’s 5 €") == {"“", "”", "–", "’"}


def test_the_price_is_by_segment_and_country_and_high_where_the_country_is_unknown() -> None:
    assert estimated_price("a" * 161, "DE") == 2 * PER_SEGMENT["DE"]
    assert estimated_price("a", "AQ") == ELSEWHERE
    assert all(Decimal(0) < price <= ELSEWHERE for price in PER_SEGMENT.values())
