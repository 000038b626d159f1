"""Vocabulary files as they are shipped."""

from pathlib import Path

import pytest

from service.replies import decide, vocabulary_file
from service.replies.decide import APPROVAL, PAGING, TAKING, Decision
from service.replies.languages import EMOJI, read_languages

FOLDER = Path(__file__).parents[2] / "rules" / "replies"
LANGUAGES = read_languages(FOLDER)
ACCEPTS = {"page": PAGING, "approval": APPROVAL, "medicine": TAKING}
FILES = sorted(FOLDER.glob("*.yaml"))


def decision(text: str, language: str | None, policy: str = "page") -> Decision:
    return decide(LANGUAGES.read(text, language), ACCEPTS[policy])


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_test_of_a_file_holds(path: Path) -> None:
    parsed = vocabulary_file.parse(path.read_bytes())
    language = None if path.stem == EMOJI else path.stem
    wrong = [
        (test.text, test.outcome, found.outcome)
        for test in parsed.tests
        if (found := decision(test.text, language, test.policy)).outcome != test.outcome
    ]
    assert wrong == []


@pytest.mark.parametrize("language", [None, "en"])
@pytest.mark.parametrize(("text", "outcome"), [("YES", "yes"), ("NO", "no"), ("yes 41", "yes"), ("NO 41.", "no")])
def test_the_keywords_of_our_english_texts_count_in_an_unknown_language(
    text: str, outcome: str, language: str | None
) -> None:
    assert decision(text, language).outcome == outcome
