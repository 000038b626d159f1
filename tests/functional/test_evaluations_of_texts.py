"""Evaluating how a text feels: computed before deciding, in the language it is in, or refused."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

import boto3
import pytest

from service.aws.clients import Clients
from service.core.language_tags import Tag
from service.evaluations.flow import Evaluations
from service.evaluations.sentiment import InItsOwnLanguage
from service.language import LanguageUnknown, SentimentScore
from service.language.aws.comprehend import ComprehendSentiment
from service.language.embedded.detect import EmbeddedDetector
from tests.aws_services import AwsServices, Error, aws_services
from tests.functional.conftest import Api
from tests.functional.evaluating import (
    COMMENT,
    MOOD,
    Mood,
    audited,
    client_of,
    put,
    with_mood,
)

REPEATED_ON_AWS = False


@pytest.mark.parametrize(("positive", "fired"), [("0.95", ["Happy"]), ("0.89994", [])])
def test_how_a_text_feels_is_computed_before_deciding_and_kept_in_the_audit(
    api: Api, positive: str, fired: list[str]
) -> None:
    answer = with_mood(api, Mood(Decimal(positive))).post("/v1/rulesets/mood/evaluations", COMMENT)
    assert answer.json()["fired"] == fired
    assert answer.json()["result"] == {"lead": {"comments": "So good"}}
    derived = audited(api)[1].detail["derived"]
    assert isinstance(derived, Mapping)
    assert derived["lead.sentiment.label"] == "Positive"
    assert derived["lead.sentiment.positive"] == str(round(Decimal(positive), 4)).ljust(6, "0")


def comprehend(environment: pytest.MonkeyPatch, aws: AwsServices) -> ComprehendSentiment:
    for name, value in aws.environment().items():
        environment.setenv(name, value)
    return ComprehendSentiment(Clients(boto3.Session()))


def test_three_failures_of_comprehend_and_then_an_answer_are_an_answer(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed = Error("InternalServerException", 500)
    with aws_services() as aws:
        client = with_mood(api, comprehend(monkeypatch, aws))
        aws.script("DetectSentiment", failed, failed, failed)
        assert client.post("/v1/rulesets/mood/evaluations", COMMENT).status == 200
        assert len(aws.of("DetectSentiment")) == 4
        aws.script("DetectSentiment", *[failed] * 4)
        assert client.post("/v1/rulesets/mood/evaluations", COMMENT).status == 503


class Comprehending:
    """A sentiment service that knows two languages and says by its scores which one it was told."""

    def score(self, _: str, language: Tag, /) -> SentimentScore:
        if str(language) not in ("en", "de"):
            raise LanguageUnknown(f"no sentiment in {language}")
        positive = Decimal(1) if str(language) == "de" else Decimal(0)
        return SentimentScore(positive, 1 - positive, Decimal(0), Decimal(0))


@pytest.mark.parametrize(
    ("comments", "fired"),
    [
        ("Das war eine wirklich gute Vorführung, vielen Dank dafür!", ["Happy"]),
        ("That was a really good demonstration, thank you very much!", []),
        ("Danke!", []),  # too short to tell
        ("", []),
    ],
)
def test_a_text_is_scored_in_the_language_it_is_in(api: Api, comments: str, fired: list[str]) -> None:
    put(api, MOOD)
    sentiment = InItsOwnLanguage(Comprehending(), EmbeddedDetector())
    client = client_of(api, Evaluations(api.service.live, api.service.store, api.clock, sentiment))
    answer = client.post("/v1/rulesets/mood/evaluations", {"request": {"lead": {"comments": comments}}})
    assert answer.json()["fired"] == fired


def test_a_text_in_a_language_that_the_service_does_not_know_is_refused_not_guessed(api: Api) -> None:
    put(api, MOOD)
    sentiment = InItsOwnLanguage(Comprehending(), EmbeddedDetector())
    client = client_of(api, Evaluations(api.service.live, api.service.store, api.clock, sentiment))
    finnish = {"lead": {"comments": "Esittely oli todella hyvä, kiitos paljon kaikesta avusta!"}}
    refused = client.post("/v1/rulesets/mood/evaluations", {"request": finnish})
    assert refused.status == 422
    assert "no sentiment in fi" in refused.text
    assert "lead.sentiment.label" in refused.text
    scores = {"label": "Positive", "positive": "0.95", "negative": "0.05", "neutral": 0, "mixed": 0}
    brought = {"lead": {**finnish["lead"], "sentiment": scores}}
    assert client.post("/v1/rulesets/mood/evaluations", {"request": brought}).json()["fired"] == ["Happy"]
