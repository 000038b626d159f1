"""Comprehend and Translate, against a stub that holds every request to botocore's own service models."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import boto3
import pytest

from service.aws.clients import Clients
from service.core.language_tags import Tag, parse_tag
from service.language import LanguageServiceRefused, LanguageServiceUnavailable, TextTooLong
from service.language.aws.comprehend import ComprehendDetector, ComprehendSentiment
from service.language.aws.translate import AmazonTranslate
from tests.aws_services import AwsServices, Error, Garbage, Silence, aws_services

ENGLISH = Tag("en")


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[AwsServices]:
    with aws_services() as services:
        for name, value in services.environment().items():
            monkeypatch.setenv(name, value)
        yield services


@pytest.fixture
def clients(aws: AwsServices) -> Clients:
    return Clients(boto3.Session())


def test_shares_sum_to_one_whatever_single_precision_made_of_them(aws: AwsServices, clients: Clients) -> None:
    shares = {"Positive": 0.1234567, "Negative": 0.3333333, "Neutral": 0.5432101, "Mixed": 0.0000001}
    aws.script("DetectSentiment", {"Sentiment": "NEUTRAL", "SentimentScore": shares})
    score = ComprehendSentiment(clients).score("The warehouse is closed on Monday.", ENGLISH)
    assert sum(score.by_label().values()) == 1
    assert score.neutral == Decimal("0.543210")


def test_taiwan_is_asked_about_as_taiwan(aws: AwsServices, clients: Clients) -> None:
    ComprehendSentiment(clients).score("倉庫星期一休息。", parse_tag("zh-TW"))
    assert aws.of("DetectSentiment")[0]["LanguageCode"] == "zh-TW"


def test_a_language_without_sentiment_goes_to_a_person(aws: AwsServices, clients: Clients) -> None:
    with pytest.raises(LanguageServiceRefused, match="let a person review"):
        ComprehendSentiment(clients).score("Varasto on kiinni.", parse_tag("fi"))
    assert aws.calls == []


def test_five_thousand_bytes_are_the_limit(aws: AwsServices, clients: Clients) -> None:
    ComprehendSentiment(clients).score("é" * 2500, parse_tag("fr"))
    with pytest.raises(TextTooLong):
        ComprehendSentiment(clients).score("é" * 2501, parse_tag("fr"))


def test_three_failures_and_then_success(aws: AwsServices, clients: Clients) -> None:
    aws.script("DetectSentiment", Error("InternalServerException", 500), Silence(), Error("ThrottlingException"))
    assert ComprehendSentiment(clients).score("All is well.", ENGLISH).neutral == Decimal("0.85")
    assert len(aws.of("DetectSentiment")) == 4  # a question changes nothing, so that it may be asked again


@pytest.mark.parametrize("answer", [Garbage(b"\xa0"), Silence(), Error("ThrottlingException")])
def test_no_usable_answer_means_later(aws: AwsServices, clients: Clients, answer: Garbage | Silence | Error) -> None:
    aws.script("DetectSentiment", *[answer] * 4)
    with pytest.raises(LanguageServiceUnavailable):
        ComprehendSentiment(clients).score("All is well.", ENGLISH)


def test_refused_credentials_are_an_operators_matter(aws: AwsServices, clients: Clients) -> None:
    aws.script("TranslateText", Error("UnrecognizedClientException", 403))
    with pytest.raises(LanguageServiceRefused, match="tocsin doctor"):
        AmazonTranslate(clients).translate("Hello", ENGLISH, Tag("de"))


def test_the_detector_answers_what_comprehend_is_surest_of(aws: AwsServices, clients: Clients) -> None:
    found = [{"LanguageCode": "pt", "Score": 0.3}, {"LanguageCode": "zh-TW", "Score": 0.6}]
    aws.script("DetectDominantLanguage", {"Languages": found})
    detected = ComprehendDetector(clients).detect("倉庫星期一休息,請提前準備好您的計劃安排與相關事宜。")
    assert detected is not None
    assert str(detected.language) == "zh-TW"


@pytest.mark.parametrize(
    ("target", "code"), [("pt-BR", "pt"), ("pt-PT", "pt-PT"), ("zh-TW", "zh-TW"), ("es-MX", "es-MX"), ("de-AT", "de")]
)
def test_translate_is_given_its_own_code_of_a_language(
    aws: AwsServices, clients: Clients, target: str, code: str
) -> None:
    engine = AmazonTranslate(clients, terminology="menu", formality="FORMAL")
    assert engine.translate("Hello", ENGLISH, parse_tag(target)) == f"[{code}] Hello"
    (request,) = aws.of("TranslateText")
    assert request["TerminologyNames"] == ["menu"]
    assert request["Settings"] == {"Formality": "FORMAL"}


def test_ten_thousand_bytes_are_the_limit_not_characters(aws: AwsServices, clients: Clients) -> None:
    with pytest.raises(LanguageServiceRefused, match="10,002 bytes"):
        AmazonTranslate(clients).translate("é" * 5001, parse_tag("fr"), ENGLISH)
    assert aws.calls == []


def test_a_language_that_translate_lacks_has_no_pair(clients: Clients) -> None:
    assert AmazonTranslate(clients).produces(ENGLISH, parse_tag("br")) is None
