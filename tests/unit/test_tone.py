"""Whom a message would hurt: insults and threats are found wherever they stand, and warnings go out."""

from __future__ import annotations

import csv
import hashlib
import random
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.language import TextTooLong, ToneScore
from service.language.embedded import tone as embedded
from service.language.embedded.passages import WINDOW, passages
from service.language.embedded.tone import EmbeddedTone
from service.language.masking import words_to_judge

TRAINING = Path(__file__).parents[2] / "training"
HEAD = Path(embedded.__file__).parent / "tone_head.npz"
HELD_FROM = Decimal("0.35")

ANNOUNCEMENT = (
    "The company is adding a new item to the menu, this will go live by May 10th. "
    "Please ensure you are prepared for this change and plan out accordingly."
)
VAGUE = "We are adding a dish; be ready for it"

RULES_OF_THE_HOUSE = (
    "Parcels are kept at the gate. The lift is inspected in June. Bicycles stand behind the hall. The library closes "
    "at six. Forms are on the second shelf. Visitors wear a badge. The choir meets on Mondays. Keys are handed out by "
    "the porter. The garden is watered in the morning. Lost things are kept for a month."
)
MUST_GO_OUT = (
    "Leave the building now by the nearest exit and do not use the lifts.",
    "Do not drink the tap water before the laboratory has cleared it.",
    "Evacuate the building now. This is not a drill.",
    "GAS ALARM IN HALL 3. LEAVE BY THE NORTH DOOR.",
    "Verlassen Sie sofort die Halle, es brennt.",
    "Sortez immédiatement du bâtiment par l'escalier de secours.",
    "Salgan ahora mismo del edificio, hay un incendio.",
    "Uscite subito dall'edificio, c'è un incendio.",
)
HIDDEN = ("Only a cretin puts glass into the paper bin", "Whoever complains about this will be sorry")


def rows(path: str) -> Iterator[dict[str, str]]:
    with (TRAINING / path).open(newline="", encoding="utf-8") as file:
        yield from csv.DictReader(file)


@pytest.fixture(scope="module")
def tone() -> EmbeddedTone:
    return EmbeddedTone()


def is_held(tone: EmbeddedTone, text: str) -> bool:
    return tone.judge(words_to_judge(text)).harm >= HELD_FROM


def test_rows_that_were_never_trained_on_are_sent_or_held_as_a_careful_person_would(tone: EmbeddedTone) -> None:
    unseen = list(rows("tone/dev.csv"))
    wrong = [row for row in unseen if is_held(tone, row["text"]) != (row["outcome"] == "hold")]
    assert len(wrong) <= 0.1 * len(unseen), wrong
    assert [row for row in wrong if row["kind"] in {"threat", "insult", "discriminatory", "panic", "long"}] == []
    assert [row for row in wrong if row["kind"] == "safety"] == []


@pytest.mark.parametrize("instruction", MUST_GO_OUT)
def test_an_instruction_that_saves_lives_goes_out(tone: EmbeddedTone, instruction: str) -> None:
    assert not is_held(tone, instruction), tone.judge(instruction)


def test_the_two_messages_of_the_sample_are_decided_as_the_sample_decides_them(tone: EmbeddedTone) -> None:
    assert not is_held(tone, ANNOUNCEMENT)
    assert is_held(tone, VAGUE)


@pytest.mark.parametrize("check", list(rows("sentiment/checks.csv")), ids=lambda check: check["name"])
def test_a_check_is_decided_as_a_careful_person_would(tone: EmbeddedTone, check: dict[str, str]) -> None:
    decision = "flag" if is_held(tone, check["text"]) else "accept"
    assert check["decision"] in (decision, "either"), tone.judge(check["text"])


@pytest.mark.parametrize("hidden", HIDDEN)
@pytest.mark.parametrize("written", ["sentences", "commas", "small letters without a mark"])
def test_what_hides_in_neutral_company_is_found_and_quoted(tone: EmbeddedTone, hidden: str, written: str) -> None:
    sentences = RULES_OF_THE_HOUSE.rstrip(".").split(". ")
    sentences.insert(6, hidden)
    joint, end = {"sentences": (". ", "."), "commas": (", ", "")}.get(written, (" ", ""))
    text = joint.join(sentences) + end
    judged = tone.judge(text.lower() if "small" in written else text)
    assert judged.harm >= HELD_FROM
    assert set(hidden.lower().split()[2:6]) <= set(judged.worst.lower().replace(",", "").split())


@pytest.mark.parametrize("joint", [". ", ", ", "\n"])
def test_neutral_company_alone_is_sent(tone: EmbeddedTone, joint: str) -> None:
    assert not is_held(tone, joint.join(RULES_OF_THE_HOUSE.rstrip(".").split(". ")))


@pytest.mark.parametrize(
    "sentence",
    [
        "See https://example.com/x for more.",
        "Write to help@example.com if you have questions.",
        "If you have questions, call +44 113 496 0999 or write to help@example.com.",
        "Reset it at https://id.example.com or you cannot sign in.",
        "Veja https://example.com/x para mais.",
        "Zie https://example.com/x voor meer.",
    ],
)
def test_an_ordinary_sentence_goes_out_with_the_address_that_it_names(tone: EmbeddedTone, sentence: str) -> None:
    assert not is_held(tone, sentence), tone.judge(words_to_judge(sentence))
    assert len(words_to_judge(sentence)) <= len(sentence)


@pytest.mark.parametrize(
    "threat",
    [
        "Pay at https://example.com/pay or we come to your house tonight.",
        "Call +44 113 496 0999 or you will regret it.",
        "Only a cretin writes to help@example.com.",
        "Lis https://example.com/x, espèce d'abruti.",
    ],
)
def test_an_address_makes_no_threat_or_insult_harmless(tone: EmbeddedTone, threat: str) -> None:
    assert is_held(tone, threat), tone.judge(words_to_judge(threat))


def test_capitals_invisible_signs_and_wide_letters_hide_nothing(tone: EmbeddedTone) -> None:
    plain = tone.judge("You are a useless idiot.").harm
    assert plain >= HELD_FROM
    assert tone.judge("You are a use\u200bless idi\u00adot.").harm == plain
    assert tone.judge("\uff39\uff4f\uff55 are a useless idiot.").harm == plain


def test_a_text_without_a_word_harms_nobody(tone: EmbeddedTone) -> None:
    assert tone.judge("  \u200b ") == ToneScore(Decimal("0.0000"), "")


def test_5001_bytes_are_refused(tone: EmbeddedTone) -> None:
    with pytest.raises(TextTooLong, match="5,001 bytes"):
        tone.judge("a" * 5_001)


def test_the_head_was_made_from_the_rows_that_are_committed_and_from_no_others(tone: EmbeddedTone) -> None:
    with np.load(HEAD) as stored:
        trained_on = str(stored["trained_on"])
    assert trained_on == hashlib.sha256((TRAINING / "tone" / "train.csv").read_bytes()).hexdigest(), (
        "train.csv changed: run training/tone/train.py and commit the new head and report"
    )
    trained = {row["text"] for row in rows("tone/train.csv")}
    unseen = {row["text"] for row in [*rows("tone/dev.csv"), *rows("sentiment/checks.csv")]}
    assert trained.isdisjoint(unseen | {ANNOUNCEMENT, VAGUE, *HIDDEN})


@given(st.text(max_size=400))
@settings(max_examples=300, deadline=None)
def test_every_visible_word_stands_in_a_passage(text: str) -> None:
    said = " ".join(passages(text)).casefold().split()
    plain = [word for word in text.split() if word.isascii() and word.isprintable()]
    assert {word.casefold() for word in plain} <= set(said)


def test_windows_overlap_so_that_a_sentence_of_eleven_words_stands_in_one_of_them() -> None:
    words = [f"w{number}" for number in range(200)]
    windows = passages(" ".join(words))
    assert all(len(window.split()) <= WINDOW for window in windows)
    for begin in random.Random(3).sample(range(189), 40):
        wanted = " ".join(words[begin : begin + 11])
        assert any(wanted in window for window in windows)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Mr. Ames is here. Come in!", ["Mr. Ames is here. Come in!", "Mr. Ames is here.", "Come in!"]),
        ("第一。第二。", ["第一。第二。", "第一。", "第二。"]),
        ("FIRE IN HALL 2", ["Fire in hall 2"]),
        ("one\n\ntwo", ["one two", "one", "two"]),
        ("", []),
    ],
)
def test_passages_of(text: str, expected: list[str]) -> None:
    assert passages(text) == expected
