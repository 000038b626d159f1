"""How messages feel: the sample's facts, the check sentences, and what keeps scores trustworthy."""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.core.language_tags import parse_tag
from service.language import Label, SentimentScore, TextTooLong
from service.language.embedded import sentiment as embedded
from service.language.embedded.sentiment import EmbeddedSentiment

TRAINING = Path(__file__).parents[2] / "training" / "sentiment"
HEAD = Path(embedded.__file__).parent / "sentiment_head.json"
ENGLISH = parse_tag("en")
ACCEPTED_FROM = Decimal("0.5")

POST = (
    "The company is adding a new item to the menu, and this will go live by May 10. "
    "Please ensure you are prepared for this change and plan accordingly."
)
SAMPLE = (
    "The company is adding a new item to the menu, this will go live by May 10th. "
    "Please ensure you are prepared for this change and plan out accordingly."
)
VAGUE = "We are adding a dish; be ready for it"


def rows(name: str) -> Iterator[dict[str, str]]:
    with (TRAINING / name).open(newline="", encoding="utf-8") as file:
        yield from csv.DictReader(file)


@pytest.fixture(scope="module")
def sentiment() -> EmbeddedSentiment:
    loaded = EmbeddedSentiment()
    loaded.warm()
    return loaded


@pytest.mark.parametrize("announcement", [POST, SAMPLE])
def test_the_sample_s_announcement_is_neutral_enough_to_be_sent(
    sentiment: EmbeddedSentiment, announcement: str
) -> None:
    score = sentiment.score(announcement, ENGLISH)
    assert score.neutral >= ACCEPTED_FROM
    assert score.label is Label.NEUTRAL


def test_the_sample_s_vague_message_is_held(sentiment: EmbeddedSentiment) -> None:
    assert sentiment.score(VAGUE, ENGLISH).neutral < ACCEPTED_FROM


@pytest.mark.parametrize("check", list(rows("checks.csv")), ids=lambda check: check["name"])
def test_a_sentence_that_was_not_trained_on_is_as_neutral_as_the_sample_s_rule_expects(
    sentiment: EmbeddedSentiment, check: dict[str, str]
) -> None:
    neutral = sentiment.score(check["text"], parse_tag(check["language"])).neutral
    decision = "accept" if neutral >= ACCEPTED_FROM else "flag"
    assert check["neutral_rule"] in (decision, "either"), f"neutral is {neutral}"


def test_neither_the_sample_s_messages_nor_the_checks_are_in_the_training_data() -> None:
    trained = {row["text"] for row in rows("train.csv")}
    assert trained.isdisjoint({POST, SAMPLE, VAGUE} | {row["text"] for row in rows("checks.csv")})


def test_the_head_was_made_from_the_training_data_that_is_committed() -> None:
    trained_on = json.loads(HEAD.read_text())["trained_on"]
    assert trained_on == hashlib.sha256((TRAINING / "train.csv").read_bytes()).hexdigest(), (
        "train.csv changed: run training/sentiment/train.py and commit the new head and report"
    )


@settings(max_examples=40, deadline=None)
@given(st.text(max_size=60))
def test_four_shares_always_sum_to_exactly_one(sentiment: EmbeddedSentiment, text: str) -> None:
    score = sentiment.score(text, ENGLISH)
    shares = score.by_label()
    assert sum(shares.values()) == 1
    assert all(0 <= share <= 1 for share in shares.values())
    assert shares[score.label] == max(shares.values())


def test_the_answer_has_comprehend_s_shape() -> None:
    score = SentimentScore(Decimal("0.1"), Decimal("0.2"), Decimal("0.65"), Decimal("0.05"))
    assert score.as_comprehend() == {
        "Sentiment": "NEUTRAL",
        "SentimentScore": {
            "Positive": Decimal("0.1"),
            "Negative": Decimal("0.2"),
            "Neutral": Decimal("0.65"),
            "Mixed": Decimal("0.05"),
        },
    }


def test_5000_bytes_are_scored_and_one_more_is_refused_counting_bytes_not_characters(
    sentiment: EmbeddedSentiment,
) -> None:
    longest = "Das Büro schließt früher." + " " * (5_000 - 25 - 3)
    assert sentiment.score(longest, ENGLISH).label is Label.NEUTRAL
    with pytest.raises(TextTooLong, match="5,001 bytes"):
        sentiment.score(longest + " ", ENGLISH)


def test_words_behind_a_nul_character_are_not_hidden_from_the_check(sentiment: EmbeddedSentiment) -> None:
    threat = "\0 You are fired, you useless idiots, get out!"
    assert sentiment.score(SAMPLE[:40] + threat, ENGLISH) == sentiment.score(
        SAMPLE[:40] + threat.replace("\0", " "), ENGLISH
    )


def test_half_a_surrogate_pair_is_scored_not_a_crash(sentiment: EmbeddedSentiment) -> None:
    assert sentiment.score("The office closes at five \ud83d", ENGLISH).label is Label.NEUTRAL


def test_eight_threads_get_the_same_scores_as_one(sentiment: EmbeddedSentiment) -> None:
    texts = [POST, SAMPLE, VAGUE, "You have ignored our warnings again.", "Wonderful, thank you!"] * 8
    alone = [sentiment.score(text, ENGLISH) for text in texts[:5]] * 8
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(lambda text: sentiment.score(text, ENGLISH), texts)) == alone
