"""STOP, HELP and START, and the register of those who want no messages."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.channels.contact_keys import ContactKeys
from service.core.clock import HandClock
from service.core.enums import Lane
from service.messages.keywords import Keyword, keyword
from service.messages.optouts import OptOut, OptOutReason, OptOuts
from service.storage.sqlite import SqliteStore

AWS = ["ARRET", "CANCEL", "END", "OPT-OUT", "OPTOUT", "QUIT", "REMOVE", "STOP", "TD", "UNSUBSCRIBE"]
TWILIO = ["STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT"]


@pytest.mark.parametrize("word", sorted({*AWS, *TWILIO}))
@pytest.mark.parametrize("written", ["{}", " {} ", "{}.", "{}!", '"{}"'])
def test_every_providers_opt_out_word_stops(word: str, written: str) -> None:
    assert keyword(written.format(word)) is Keyword.STOP
    assert keyword(written.format(word.lower())) is Keyword.STOP


@pytest.mark.parametrize(
    "text",
    [
        "Stop. Thank you",
        "STOP please",
        "Stop! You have the wrong number",
        "STOP, who is this",
        "Please stop",
        "stop all",
        "STOP 41",
        "Stop sending me these texts",
        "stop all messages now please",
        "opt out",
        "Arrêt",
        "ARRÊT.",
        "ＳＴＯＰ",
        "Stopp, bitte",
        "Abmelden",
        "baja",
        "stop?",
    ],
)
def test_a_stop_in_other_words_stops(text: str) -> None:
    assert keyword(text) is Keyword.STOP


@pytest.mark.parametrize("text", ["fin", "Baja", "alto", "ende", "annulla", "abmelden", "hilfe"])
def test_the_words_of_one_language_are_none_of_another(text: str) -> None:
    assert keyword(text) is not None
    assert keyword(text, in_any_language=False) is None


@pytest.mark.parametrize("word", sorted({*AWS, *TWILIO}))
def test_the_words_that_carriers_ask_for_count_in_every_language(word: str) -> None:
    assert keyword(word, in_any_language=False) is Keyword.STOP


@pytest.mark.parametrize(
    "text",
    [
        "SEND ME the report",
        "no problem",
        "End of shift at 8",
        "Stop the pump first",
        "don't stop",
        "nonstop",
        "cancel the 3pm meeting",
        "The weekend is fine",
        "Quite",
        "restart",
        "I can't stop now, ask Ben",
        "help is on the way",
        "helpful",
        "",
        "👍",
        "...",
    ],
)
def test_an_ordinary_message_is_no_keyword(text: str) -> None:
    assert keyword(text) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("help", Keyword.HELP),
        ("HELP!", Keyword.HELP),
        ("Info", Keyword.HELP),
        ("Hilfe", Keyword.HELP),
        ("start", Keyword.START),
        ("Unstop", Keyword.START),
        ("START again please", Keyword.START),
    ],
)
def test_help_and_start(text: str, expected: Keyword) -> None:
    assert keyword(text) is expected


ANSWERS = ["yes", "no", "y", "n", "ja", "nein", "oui", "non", "sí", "si", "não", "sim", "ok", "nee", "tak", "nie"]


@given(st.sampled_from(ANSWERS), st.sampled_from(["{}", "{}.", "{} 41", "41 {}", "#41 {}", "{}, I'm on it", "{} 👍"]))
def test_yes_and_no_are_never_keywords(answer: str, written: str) -> None:
    assert keyword(written.format(answer)) is None
    assert keyword(written.format(answer.upper())) is None


@given(st.text(max_size=200))
def test_any_text_has_an_answer_that_case_and_outer_space_do_not_change(text: str) -> None:
    assert keyword(f"  {text}\n") is keyword(text)
    assert keyword(text.casefold()) is keyword(text)


NOON = datetime(2026, 5, 10, 12, tzinfo=UTC)
PHONE, OTHER = "+447700900123", "+447700900456"


@pytest.fixture
def optouts(store: SqliteStore, clock: HandClock) -> OptOuts:
    return OptOuts(store, clock, ContactKeys(b"secret"))


def test_a_phone_that_said_stop_is_opted_out_until_it_says_start(optouts: OptOuts) -> None:
    optouts.add_phone(PHONE, OptOutReason.KEYWORD)
    assert optouts.of_phone(PHONE) == (OptOut(OptOutReason.KEYWORD, NOON),)
    assert optouts.of_phone(OTHER) == ()
    assert optouts.lift_phone(PHONE)
    assert optouts.of_phone(PHONE) == ()
    assert not optouts.lift_phone(PHONE)


def test_the_first_refusal_stands(optouts: OptOuts, clock: HandClock) -> None:
    optouts.add_phone(PHONE, OptOutReason.KEYWORD)
    clock.advance(timedelta(days=1))
    optouts.add_phone(PHONE, OptOutReason.PROVIDER)
    assert optouts.of_phone(PHONE) == (OptOut(OptOutReason.KEYWORD, NOON),)


def test_an_address_that_complained_is_suppressed_in_any_case(optouts: OptOuts) -> None:
    optouts.add_email("Mary@Example.com", OptOutReason.COMPLAINT)
    assert optouts.of_email("mary@example.com") == (OptOut(OptOutReason.COMPLAINT, NOON),)
    assert optouts.lift_email("MARY@example.com", OptOutReason.COMPLAINT)
    assert optouts.of_email("mary@example.com") == ()


def test_the_register_holds_no_contact_data(optouts: OptOuts, store: SqliteStore, tmp_path: Path) -> None:
    optouts.add_phone(PHONE, OptOutReason.KEYWORD)
    optouts.add_email("mary@example.com", OptOutReason.BOUNCE)
    store.close()
    stored = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert b"opt-out" in stored
    assert b"7700900123" not in stored
    assert b"mary" not in stored


def test_each_reason_stands_by_itself_and_a_provider_repeats_what_the_phone_said(optouts: OptOuts) -> None:
    for why in (OptOutReason.UNSUBSCRIBED, OptOutReason.COMPLAINT, OptOutReason.UNSUBSCRIBED):
        optouts.add_email("mary@example.com", why)
    assert [one.why for one in optouts.of_email("mary@example.com")] == [
        OptOutReason.UNSUBSCRIBED,
        OptOutReason.COMPLAINT,
    ]
    assert not optouts.lift_email("mary@example.com", OptOutReason.BOUNCE)
    assert optouts.lift_email("mary@example.com", OptOutReason.UNSUBSCRIBED)
    assert [one.why for one in optouts.of_email("mary@example.com")] == [OptOutReason.COMPLAINT]


@given(st.lists(st.sampled_from(OptOutReason), max_size=6), st.sampled_from(Lane))
def test_a_lane_ends_when_one_of_the_reasons_ends_it(whys: list[OptOutReason], lane: Lane) -> None:
    ended = {
        OptOutReason.UNSUBSCRIBED: {"bulk"},
        OptOutReason.COMPLAINT: {"bulk", "transactional"},
        OptOutReason.BOUNCE: {"bulk", "transactional", "incident"},
        OptOutReason.KEYWORD: {"bulk", "transactional", "incident"},
        OptOutReason.PROVIDER: {"bulk", "transactional", "incident"},
        OptOutReason.ADMINISTRATOR: {"bulk", "transactional", "incident"},
    }
    assert any(OptOut(why, NOON).ends(lane) for why in whys) == any(lane.value in ended[why] for why in whys)
