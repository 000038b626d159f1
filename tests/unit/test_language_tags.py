"""Which text may be given to which reader."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.core.language_tags import Tag, UnknownTag, best_match, parse_tag, serves


@pytest.mark.parametrize(
    ("written", "canonical"),
    [("pt_br", "pt-BR"), ("ZH-tw", "zh-TW"), ("zh-hant-tw", "zh-Hant-TW"), ("es-419", "es-419"), (" de ", "de")],
)
def test_a_tag_keeps_its_script_and_region_however_it_is_written(written: str, canonical: str) -> None:
    assert str(parse_tag(written)) == canonical


@pytest.mark.parametrize(
    "text", ["", "english", "xx", "e", "de-XX", "en.UTF-8", "de@euro", "de-DE-1996", "en-u-ca", "ß"]
)
def test_what_is_no_language_tag_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(UnknownTag, match=r"de, (pt-BR|fr)"):
        parse_tag(text)


@pytest.mark.parametrize(
    ("text", "reader"),
    [
        ("es", "es-MX"),
        ("en", "en-GB"),
        ("en-US", "en-GB"),
        ("pt-BR", "pt"),
        ("pt", "pt-BR"),
        ("zh-TW", "zh-Hant"),
        ("zh", "zh-CN"),
        ("de", "de-AT"),
        ("fr-CA", "fr"),
    ],
)
def test_a_reader_is_given_a_text_in_their_own_language(text: str, reader: str) -> None:
    assert serves(parse_tag(text), parse_tag(reader))


@pytest.mark.parametrize(
    ("text", "reader"),
    [
        ("zh", "zh-TW"),
        ("zh-TW", "zh"),
        ("zh-CN", "zh-Hant"),
        ("pt-BR", "pt-PT"),
        ("pt-PT", "pt"),
        ("sr", "sr-Latn"),
        ("en", "de"),
        ("es", "pt"),
    ],
)
def test_a_reader_is_never_given_another_script_standard_or_language(text: str, reader: str) -> None:
    assert not serves(parse_tag(text), parse_tag(reader))


TAGS = st.sampled_from(
    [*map(parse_tag, ("en", "en-GB", "de", "de-AT", "es", "es-MX", "pt", "pt-BR", "pt-PT", "zh", "zh-CN", "zh-TW"))]
)


@given(TAGS, st.lists(TAGS))
def test_the_best_match_is_one_of_those_offered_and_serves_the_reader(reader: Tag, offered: list[Tag]) -> None:
    match = best_match(reader, offered)
    if match is None:
        assert reader not in offered
    else:
        assert match in offered
        assert serves(match, reader)
        assert match == reader or reader not in offered


def test_a_mexican_reader_gets_the_bare_language_but_not_another_country_s() -> None:
    mexico, spain, bare = parse_tag("es-MX"), parse_tag("es-ES"), parse_tag("es")
    assert best_match(mexico, [spain, bare]) == bare
    assert best_match(mexico, [spain]) is None
