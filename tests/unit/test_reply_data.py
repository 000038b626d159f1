"""Vocabulary files as they are shipped."""

from pathlib import Path

import pytest

from service.replies import decide
from service.replies.decide import FOR_APPROVALS, FOR_PAGES, FOR_TASKS, ReplyDecision
from service.replies.graph import shared_phrases
from service.replies.kinds import AFFIRMING, PhraseKind
from service.replies.languages import EMOJI
from tests.reply_words import FOLDER, LANGUAGES, parsed

ACCEPTS = {"page": FOR_PAGES, "approval": FOR_APPROVALS, "medicine": FOR_TASKS}
NAMES = sorted(path.stem for path in FOLDER.glob("*.yaml"))


def decision(text: str, language: str | None, policy: str = "page") -> ReplyDecision:
    return decide(LANGUAGES.read(text, language), ACCEPTS[policy])


@pytest.mark.parametrize("name", NAMES)
def test_every_file_is_sound_and_named_by_its_language(name: str) -> None:
    file = parsed(name)
    assert file.findings == ()
    assert file.vocabulary is not None
    assert file.vocabulary.language == name


@pytest.mark.parametrize("language", [name for name in NAMES if name not in (EMOJI, "en")])
def test_english_answers_that_mean_something_else_elsewhere_are_known_as_such(language: str) -> None:
    english, other = LANGUAGES.vocabulary("en"), LANGUAGES.vocabulary(language)
    agree = AFFIRMING | {PhraseKind.FIRST, PhraseKind.POLITE, PhraseKind.FILLER, PhraseKind.JUST, PhraseKind.REASSURE}
    differ = {
        " ".join(words)
        for root in (other.root, other.forgiven)
        for words, ours, theirs in shared_phrases(english.root, root)
        if ours.kind in AFFIRMING and theirs.kind not in agree
    }
    assert differ <= english.elsewhere


@pytest.mark.parametrize("name", NAMES)
def test_every_test_of_a_file_holds(name: str) -> None:
    language = None if name == EMOJI else name
    wrong = [
        (test.text, test.outcome, found.outcome)
        for test in parsed(name).tests
        if (found := decision(test.text, language, test.policy)).outcome != test.outcome
    ]
    assert wrong == []


@pytest.mark.parametrize("language", [None, "en"])
@pytest.mark.parametrize(("text", "outcome"), [("YES", "yes"), ("NO", "no"), ("yes 41", "yes"), ("NO 41.", "no")])
def test_the_keywords_of_our_english_texts_count_in_an_unknown_language(
    text: str, outcome: str, language: str | None
) -> None:
    assert decision(text, language).outcome == outcome


@pytest.mark.parametrize(
    ("text", "language", "right"),
    [
        ("yes saw it but I can't", "en", "no"),
        ("Got your message, but I can't, my car broke down", "en", "no"),
        ("vu mais je peux pas", "fr", "no"),
        ("gezien maar kan niet", "nl", "no"),
        ("I'm on it but can't", "en", "ask"),
        ("yes but tomorrow", "en", "ask"),
        ("Just landed in Oslo, can't come", "en", "no"),
        ("can someone else do it? I can't", "en", "no"),
        ("It is broken, no", "en", "ask"),
        ("Just landed in Oslo, can't come, but on it", "en", "ask"),
        ("I'm on holiday", "en", "no"),
        ("Sorry, bin krank", "de", "no"),
        ("ok, I'm on holiday", "en", "ask"),
        ("I'm on the roof of the plant", "en", "ask"),
        ("omw, be there in 15", "en", "yes"),
        ("be there in 90", "en", "ask"),
        ("yes 50%", "en", "ask"),
        ("on it, 3 hr", "en", "ask"),
        ("はい、2時間", "ja", "ask"),
        ("네 2시간", "ko", "ask"),
        ("yes for 10 minutes", "en", "ask"),
        ("ja für 10 minuten", "de", "ask"),
        ("sim só 10 minutos", "pt-BR", "ask"),
    ],
)
def test_what_turns_an_answer_round(text: str, language: str, right: str) -> None:
    assert decision(text, language).outcome == right


@pytest.mark.parametrize("text", ["yes saw it but I can't", "I'm on holiday", "Just landed in Oslo, can't come"])
def test_where_a_no_is_final_it_must_be_the_whole_text(text: str) -> None:
    assert decision(text, "en", "approval").outcome == "ask"


ROWS = [line.split("\t") for line in (Path(__file__).parent / "replies_dev.tsv").read_text("utf-8").splitlines()[1:]]
"""Language, policy, text, right outcome: 876 natural replies in 30 languages."""

MORE = [line.split("\t") for line in (Path(__file__).parent / "replies_more.tsv").read_text("utf-8").splitlines()[1:]]
"""Kind of reply, language, policy, text, right outcome: replies that were once misread, and others of their kinds."""

MAY_BE_TAKEN = {"yes", "all-yes", "done"}
"""Right outcomes for which a reply may take a page."""


def outcome(language: str, policy: str, text: str) -> str:
    found = decision(text.replace("\\n", "\n"), None if language == "und" else language, policy)
    return "all-yes" if found.outcome == "yes" and (found.every or found.both) else found.outcome


@pytest.mark.parametrize("language", sorted({row[0] for row in ROWS}))
def test_no_natural_refusal_or_question_takes_a_page(language: str) -> None:
    taken = [
        (text, found)
        for own, policy, text, right in ROWS
        if own == language and right not in MAY_BE_TAKEN and (found := outcome(own, policy, text)) in MAY_BE_TAKEN
    ]
    assert taken == []


@pytest.mark.parametrize("kind", dict.fromkeys(row[0] for row in MORE))
def test_replies_of_each_kind_are_read_as_they_are_meant(kind: str) -> None:
    misread = {(*row, found) for row in MORE if row[0] == kind and (found := outcome(*row[1:4])) != row[4]}
    assert misread == set()


@pytest.mark.parametrize("right", ["yes", "no", "ask", "stop", "later", "done", "all-yes", "undo"])
def test_natural_replies_are_read_as_they_are_meant(right: str) -> None:
    wrong = [row for row in ROWS if row[3] == right and outcome(*row[:3]) != right]
    assert wrong == []
