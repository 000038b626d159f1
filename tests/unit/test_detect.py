"""Which language a text is in."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from service.language.embedded.detect import EmbeddedDetector


@pytest.fixture(scope="module")
def detector() -> EmbeddedDetector:
    return EmbeddedDetector()


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "The company is adding a new item to the menu."),
        ("de", "Das Lager ist am Montag wegen Wartungsarbeiten geschlossen."),
        ("fr", "Nous sommes ravis de vous accueillir parmi nous !"),
        ("es", "El informe mensual está disponible en la intranet."),
        ("pt", "O armazém estará fechado na segunda-feira para manutenção."),
        ("it", "L'ufficio resterà chiuso venerdì 5 giugno."),
        ("nl", "Het kantoor is vrijdag gesloten wegens onderhoud."),
        ("pl", "Biuro będzie zamknięte w piątek z powodu remontu."),
        ("ja", "月曜日は倉庫がメンテナンスのため閉まります。よろしくお願いします。"),
        ("ar", "سيكون المستودع مغلقا يوم الاثنين للصيانة"),
    ],
)
def test_a_sentence_is_recognised(detector: EmbeddedDetector, language: str, text: str) -> None:
    detected = detector.detect(text)
    assert detected is not None
    assert str(detected.language) == language
    assert 0.5 < detected.confidence <= 1


@pytest.mark.parametrize(
    "text", ["", "OK", "Das ist gut.", " " * 30, "1234567890 1234567890", "https://example.com/a/b/c/d/e"]
)
def test_too_little_text_or_none_at_all_leaves_the_declared_language_alone(
    detector: EmbeddedDetector, text: str
) -> None:
    assert detector.detect(text) is None


def test_a_fresh_detector_may_be_used_by_many_threads_at_once() -> None:
    fresh = EmbeddedDetector()
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: fresh.detect("Das Lager ist am Montag geschlossen."), range(64)))
    assert {str(one.language) for one in found if one} == {"de"}
