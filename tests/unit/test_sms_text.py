"""An SMS costs what its words cost: characters that nobody sees or misses are replaced, and values have defaults."""

from __future__ import annotations

from collections.abc import Mapping
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.core.language_tags import parse_tag
from service.messages.forms import FormRefused, NotFilled, missing, parse_form
from service.messages.plain_sms import plain
from service.messages.segments import Encoding, not_in_gsm_7, segments_of

TEXT = "Your parcel is at the door of the warehouse. Please bring your card and a pen, and ask for number 4711. "


@pytest.mark.parametrize(
    "unseen",
    [
        "\u200b",
        "\ufeff",
        "\xad",
        "\u200e",
        "️",
        "\u2028",
        "\u2009",
        "\t",
        "’",
        "“”",
        "–",
        "—",
        "…",
        "é",
        "\xa0",
        "\u202f",
        "\u2060",
        "\u200d",
        "«",
        "\u3000",
        "−",
    ],
)
def test_what_nobody_misses_makes_no_second_message(unseen: str) -> None:
    text = plain(f"{TEXT}{unseen}Bye.")
    assert segments_of(text).encoding is Encoding.GSM_7
    assert segments_of(text).count == 1


@pytest.mark.parametrize(
    ("written", "sent"),
    [
        ("It\u2019s \u201cready\u201d \u2013 come\u2026", 'It\'s "ready" - come...'),
        ("Caf\u0065\u0301", "Café"),
        ("Gr\u00f6\u00dfe 5\u202f000\u00a0\u20ac", "Größe 5 000 €"),
        ("Za\u017c\u00f3\u0142\u0107 \u201cg\u0119\u015bl\u0105\u201d \u2013 tak", "Zażółć “gęślą” – tak"),
        ("\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645", "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645"),
        ("\U0001f468\u200d\U0001f469\u200d\U0001f467 ok", "\U0001f468\u200d\U0001f469\u200d\U0001f467 ok"),
        ("soft\u00adhyphen \u0142", "softhyphen \u0142"),
    ],
)
def test_a_text_that_needs_ucs_2_anyway_keeps_what_its_reader_sees(written: str, sent: str) -> None:
    assert plain(written) == sent


@given(st.text(max_size=60))
def test_a_plain_text_is_plain_already_and_never_costs_more(text: str) -> None:
    once = plain(text)
    assert plain(once) == once
    if not not_in_gsm_7(text):
        assert once == text.replace("\t", " ") or "\u00a0" in text


def written(source: str, variables: Mapping[str, object], locale: str = "en", zone: str | None = None) -> str:
    return parse_form(source).fill(variables, parse_tag(locale), zone=ZoneInfo(zone) if zone else None)


@pytest.mark.parametrize(
    ("source", "variables", "text"),
    [
        ('Hello {{ first_name | default("there") }}!', {}, "Hello there!"),
        ('Hello {{ first_name | default("there") }}!', {"first_name": " "}, "Hello there!"),
        ('Hello {{ first_name | default("there") }}!', {"first_name": "Ann"}, "Hello Ann!"),
        ("Due {{ due | date | default('soon, we hope') }}", {}, "Due soon, we hope"),
        ("Due {{ due | default('soon') | date('short') }}", {"due": "2026-05-10"}, "Due 5/10/26"),
        ("Hello{{ name | default('') }}!", {}, "Hello!"),
    ],
)
def test_a_default_stands_where_there_is_nothing(source: str, variables: Mapping[str, object], text: str) -> None:
    assert written(source, variables) == text
    assert missing([parse_form(source)], variables) == frozenset()


@pytest.mark.parametrize(
    ("source", "locale", "zone", "text"),
    [
        ("{{ at | time }}", "en", None, "9:00 AM"),
        ("{{ at | time }}", "de", "Europe/Berlin", "11:00"),
        ("{{ at | time('medium') }}", "de", None, "09:00:00"),
        ("{{ at | datetime }}", "de", "Europe/Berlin", "1. Mai 2026, 11:00"),
        ("{{ at | datetime('short') }}", "en-GB", "Asia/Tokyo", "01/05/2026, 18:00"),
        ("{{ at | date }}", "en", "Pacific/Auckland", "May 1, 2026"),
        ("{{ at | date }}", "fr", None, "1er mai 2026"),
        ("{{ at | date('full') }}", "fr", None, "vendredi 1er mai 2026"),
        ("{{ at | date }}", "it", None, "1º maggio 2026"),
        ("{{ at | date }}", "pt-BR", None, "1º de maio de 2026"),
        ("{{ at | date('short') }}", "fr", None, "01/05/2026"),
    ],
)
def test_times_and_dates_are_written_as_their_reader_writes_them(
    source: str, locale: str, zone: str | None, text: str
) -> None:
    assert written(source, {"at": "2026-05-01T09:00:00+00:00"}, locale, zone).replace("\u202f", " ") == text


@pytest.mark.parametrize(
    ("at", "zone", "text"),
    [
        ("9999-12-31T23:59:59Z", "Pacific/Kiritimati", "31.12.9999"),
        ("0001-01-01T00:00:00Z", "America/New_York", "01.01.1"),
    ],
)
def test_a_time_at_the_end_of_the_calendar_is_written_as_it_came(at: str, zone: str, text: str) -> None:
    assert written("{{ at | date('medium') }}", {"at": at}, "de", zone) == text


def test_a_time_that_names_no_zone_is_by_its_readers_clock() -> None:
    assert written("{{ at | time }}", {"at": "2026-05-01T09:00"}, "de", "Asia/Tokyo") == "09:00"
    with pytest.raises(NotFilled, match="is not a time"):
        written("{{ at | time }}", {"at": "2026-05-01"})


@pytest.mark.parametrize(
    "source",
    [
        "{{ a | default }}",
        "{{ a | default('x') | default('y') }}",
        "{{ a | date | time }}",
        "{{ a | time('long') }}",
        "{{ a | datetime('5') }}",
        "{{ a | default('x }}",
        "{{ a | default(x) }}",
        "{{ a | date | }}",
        "{{ a | upper }}",
        "{{ a | default('" + "x" * 101 + "') }}",
    ],
)
def test_a_filter_that_cannot_be_is_refused_where_it_stands(source: str) -> None:
    with pytest.raises(FormRefused):
        parse_form(source)
