"""What replies say of incidents: `test_reply_data` has the words of each language."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.escalate.replies import ClearAnswer, ParsedReply, UnderstoodReply
from service.replies import PhraseKind
from tests.reply_words import LANGUAGES


def understand(text: str, language: str | None) -> ParsedReply:
    return UnderstoodReply(LANGUAGES.read(text, language)).said


TAKES = {PhraseKind.YES: ClearAnswer.YES, PhraseKind.OK: ClearAnswer.YES, PhraseKind.NO: ClearAnswer.NO}
PHRASES = [
    (language, TAKES[node.phrase.kind], word)
    for language in ("de", "en", "es", "fr", "pl", "ru", "tr")
    for word, node in LANGUAGES.vocabulary(language).root.next.items()
    if word.isalpha() and node.phrase is not None and node.phrase.kind in TAKES
]
"""The words that are an answer by themselves, in some languages: language, answer, word."""

PUNCTUATION = st.text(" .,!:;~…\n*_\u200b\ufe0f😀", max_size=4)


@pytest.mark.parametrize(
    "text",
    [
        "yes",
        "YES",
        "Yes.",
        " yes ",
        "ＹＥＳ",
        "y\u200bes",
        "yes!!!",
        "*yes*",
        "Yes, I'm on it",
        "yes I am on my way",
        "ok",
        "Ok no problem",
        "yes, no problem",
        "hi, yes please",
        "👍",
        "👍🏽",
        "👍👍",
        "thanks 👍",
        "yes\n> Reply YES or NO",
        "yes I was asleep, on it now",
        "I’m on it",
        "oui",
        "Oui, d'accord",
        "ja danke",
        "да",
        "はい",
    ],
)
def test_what_is_a_yes(text: str) -> None:
    assert understand(text, None) == ParsedReply(ClearAnswer.YES)


@pytest.mark.parametrize(
    "text",
    [
        "no",
        "NO.",
        "Nope",
        "no thanks",
        "No, I am away",
        "No I can't",
        "no sorry",
        "👎",
        "sorry, no",
        "nein",
        "нет",
    ],
)
def test_what_is_a_no(text: str) -> None:
    assert understand(text, None) == ParsedReply(ClearAnswer.NO)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "  ",
        "no problem",
        "No problem!",
        "no worries",
        "now",
        "not yet",
        "not now",
        "no longer",
        "know",
        "none",
        "yesterday",
        "noon",
        "eyes",
        "yes?",
        "no?",
        "¿sí?",
        "yes but not yet",
        "yes and no",
        "yes no",
        "no, yes",
        "👍👎",
        "maybe",
        "maybe yes",
        "who is this",
        "ok, I can't",
        "ok, pas maintenant",
        "done with this today",
        "Reply YES to acknowledge or NO to decline",
        "tak",
        "si puedo",
        "thanks",
        "> yes",
        "not a yes",
        "a no",
    ],
)
def test_what_is_asked_about(text: str) -> None:
    assert understand(text, None).answer is None


@pytest.mark.parametrize(
    ("text", "language", "answer"),
    [
        ("tak", "pl", ClearAnswer.YES),
        ("tak", "da", None),
        ("Ja, bin unterwegs!", "de-AT", ClearAnswer.YES),
        ("ja, aber nicht heute", "de", None),
        ("kein Problem", "de", None),
        ("Sí, voy en camino", "es-MX", ClearAnswer.YES),
        ("no puedo", "es", ClearAnswer.NO),
        ("no te preocupes", "es", None),
        ("Não posso", "pt-BR", ClearAnswer.NO),
        ("J’accepte", "fr", ClearAnswer.YES),
        ("EVET", "tr", ClearAnswer.YES),
        ("はい、行きます", "ja", ClearAnswer.YES),
        ("yes", "ja", ClearAnswer.YES),
        ("No", "de", ClearAnswer.NO),
        ("oui", "de", None),
        ("yes", "tlh", ClearAnswer.YES),
    ],
)
def test_the_contacts_language_counts_beside_english(text: str, language: str, answer: ClearAnswer | None) -> None:
    assert understand(text, language) == ParsedReply(answer)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("YES 41", ParsedReply(ClearAnswer.YES, (41,), certain=True)),
        ("41 yes", ParsedReply(ClearAnswer.YES, (41,), certain=True)),
        ("yes41", ParsedReply(ClearAnswer.YES, (41,), certain=True)),
        ("Yes #41, on my way", ParsedReply(ClearAnswer.YES, (41,), certain=True)),
        ("no, 41.", ParsedReply(ClearAnswer.NO, (41,), certain=True)),
        ("yes 41 please", ParsedReply(ClearAnswer.YES, (41,), certain=True)),
        ("yes 41 42", ParsedReply(ClearAnswer.YES, (41, 42), certain=True)),
        ("#41", ParsedReply(None, (41,), certain=True)),
        ("41", ParsedReply(None, (41,), certain=True)),
        ("yes 10 minutes", ParsedReply(ClearAnswer.YES)),
        ("yes, back in 10 minutes", ParsedReply(ClearAnswer.YES)),
        ("yes at 10:30", ParsedReply(None)),
        ("yes, call me on 07700900123", ParsedReply(None)),
        ("yes 10-12", ParsedReply(ClearAnswer.YES, (10, 11, 12), certain=True)),
        ("ok 41 or 42", ParsedReply(None, (41, 42), certain=True)),
        ("نعم ٤١", ParsedReply(ClearAnswer.YES, (41,), certain=True)),
    ],
)
def test_which_numbers_may_be_codes(text: str, said: ParsedReply) -> None:
    assert understand(text, "ar" if "ع" in text else None) == said


@pytest.mark.parametrize(("language", "answer", "phrase"), PHRASES)
def test_every_answer_of_one_word_means_what_it_says(language: str, answer: ClearAnswer, phrase: str) -> None:
    assert understand(phrase, language) == ParsedReply(answer)


@given(
    entry=st.sampled_from(PHRASES),
    before=PUNCTUATION,
    after=PUNCTUATION,
    shape=st.sampled_from([str.upper, str.title, str.lower, lambda text: text.replace(" ", "  ")]),
)
def test_case_blanks_and_punctuation_around_an_answer_change_nothing(
    entry: tuple[str, ClearAnswer, str], before: str, after: str, shape: object
) -> None:
    language, answer, phrase = entry
    assert callable(shape)
    text = f"{before}{shape(phrase)}{after}"
    assert understand(text, language) == ParsedReply(answer)


@given(st.text(), st.sampled_from([None, "", "-", "xx", "en", "de", "ja", "th", "vi"]))
def test_no_text_whatever_raises_an_error(text: str, language: str | None) -> None:
    said = understand(text, language)
    assert said.answer is None or said.answer in ClearAnswer


@given(st.text(st.characters(exclude_categories=("L", "So", "N"))))
def test_a_text_without_words_says_nothing(text: str) -> None:
    assert understand(text, None) == ParsedReply(None)
