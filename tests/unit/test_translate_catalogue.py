"""Reviewed sentences: any date, every language, and nothing that nobody reviewed."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.core.language_tags import Tag, parse_tag
from service.escalate import answer_pages, mailed_pages
from service.escalate.replies import ClearAnswer, UnderstoodReply
from service.language import NotTranslated, Translation
from service.language.embedded.catalogue import CatalogueError, Catalogues, read_catalogues
from service.messages.answer_words import NEUTRAL
from service.messages.keywords import Keyword, keyword
from service.messages.segments import Encoding, segments_of
from service.messages.templates import Templates, read_templates
from service.notify import unsubscribe
from tests.reply_words import LANGUAGES as WORDS

TEMPLATES = Path(__file__).parents[2] / "templates"
ENGLISH = parse_tag("en")
CATALOGUES = read_catalogues(TEMPLATES / "catalogues")
LANGUAGES = sorted(CATALOGUES.by_language, key=str)

POST = (
    "The company is adding a new item to the menu, and this will go live by May 10. "
    "Please ensure you are prepared for this change and plan accordingly."
)
SAMPLE = (
    "The company is adding a new item to the menu, this will go live by May 10th. "
    "Please ensure you are prepared for this change and plan out accordingly."
)

PO = """msgid ""
msgstr ""
"Language: de\\n"
"Content-Type: text/plain; charset=UTF-8\\n"

"""


def german(text: str) -> Translation | NotTranslated:
    return CATALOGUES.translate(text, ENGLISH, parse_tag("de"))


def said(catalogues: Catalogues, text: str, language: str) -> str:
    answer = catalogues.translate(text, ENGLISH, parse_tag(language))
    assert isinstance(answer, Translation), answer
    assert answer.provenance == "catalogue"
    return answer.text


@pytest.mark.parametrize("announcement", [POST, SAMPLE])
@pytest.mark.parametrize(
    ("language", "day", "change"),
    [
        ("de", "ab spätestens 10. Mai erhältlich ist.", "auf diese Änderung vorbereitet"),
        ("fr", "au plus tard le 10 mai.", "Veuillez vous préparer à ce changement"),
        ("es", "a más tardar el 10 de mayo.", "se prepare para este cambio"),
        ("pt-BR", "o mais tardar, em 10 de maio.", "prepare-se para essa mudança"),
        ("it", "al più tardi il 10 maggio.", "prepararsi a questo cambiamento"),
    ],
)
def test_the_sample_s_announcement_is_known_in_both_wordings(
    announcement: str, language: str, day: str, change: str
) -> None:
    text = said(CATALOGUES, announcement, language)
    assert day in text
    assert change in text


GERMAN_MONTHS = (
    "Januar",
    "Februar",
    "März",
    "April",
    "Mai",
    "Juni",
    "Juli",
    "August",
    "September",
    "Oktober",
    "November",
    "Dezember",
)
ENGLISH_MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)


def ordinal(day: int) -> str:
    return f"{day}{'th' if 10 < day < 14 else {1: 'st', 2: 'nd', 3: 'rd'}.get(day % 10, 'th')}"


def spellings(day: date) -> dict[str, bool]:
    """Ways to write a day in English, and whether each says the year."""
    month, short = ENGLISH_MONTHS[day.month - 1], ENGLISH_MONTHS[day.month - 1][:3]
    return {
        f"{month} {day.day}": False,
        f"{month} {ordinal(day.day)}": False,
        f"{day.day} {month}": False,
        f"{ordinal(day.day)} of {month}": False,
        f"{short} {day.day}": False,
        f"{month} {day.day}, {day.year}": True,
        f"{day.day} {month} {day.year}": True,
        f"{ordinal(day.day)} {short} {day.year}": True,
        day.isoformat(): True,
    }


@given(st.dates(date(1990, 1, 1), date(2199, 12, 31)))
def test_any_date_in_a_known_sentence_is_written_as_germans_write_it(day: date) -> None:
    for written, with_year in spellings(day).items():
        expected = f"{day.day}. {GERMAN_MONTHS[day.month - 1]}" + (f" {day.year}" if with_year else "")
        assert said(CATALOGUES, f"The office will be closed on {written}.", "de") == (
            f"Das Büro ist am {expected} geschlossen."
        )


@pytest.mark.parametrize("written", ["31 June", "2026-02-30", "5/10/2026", "10.05.2026", "the 5th", "May", "May 2026"])
def test_what_is_not_surely_one_day_is_a_miss_never_a_guess(written: str) -> None:
    assert isinstance(german(f"The office will be closed on {written}."), NotTranslated)


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        ("de", "Ihr Termin ist am 1. März um 15:30 Uhr."),
        ("fr", "Votre rendez-vous est le 1er mars à 15:30."),
        ("es", "Su cita es el 1 de marzo, 15:30 h."),
        ("pt-BR", "Seu horário está marcado para 1º de março, 15:30."),
        ("it", "Il suo appuntamento è il 1º marzo, ore 15:30."),
    ],
)
@pytest.mark.parametrize("time", ["3:30 PM", "3:30pm", "3:30 p.m.", "15:30"])
def test_times_and_first_days_are_written_in_each_language(language: str, expected: str, time: str) -> None:
    stop = "" if time.endswith(".") else "."
    assert said(CATALOGUES, f"Your appointment is on March 1 at {time}{stop}", language) == expected


@pytest.mark.parametrize(
    ("language", "written", "expected"),
    [
        ("de", "$1,234.50", "1.234,50 $"),
        ("fr", "1,234.50 EUR", "1 234,50 EUR"),
        ("es", "€90", "90 €"),
        ("pt-BR", "USD 1,234.50", "USD 1.234,50"),
        ("it", "£12.5", "12,5 £"),
    ],
)
def test_money_keeps_its_currency_and_its_decimals(language: str, written: str, expected: str) -> None:
    assert expected in said(CATALOGUES, f"Your invoice of {written} is due on 3 May 2026.", language)


def test_a_code_keeps_its_digits() -> None:
    assert said(CATALOGUES, "Your verification code is 004821.", "de") == "Ihr Bestätigungscode lautet 004821."


@pytest.mark.parametrize(("day", "written"), [(7, "il 7"), (8, "l'8"), (11, "l'11"), (18, "il 18")])
def test_the_italian_article_fits_the_day(day: int, written: str) -> None:
    assert (
        said(CATALOGUES, f"The office will be closed on May {day}.", "it")
        == f"L'ufficio resterà chiuso {written} maggio."
    )


def test_one_unknown_sentence_makes_the_whole_message_a_miss_that_names_it() -> None:
    answer = german(f"{POST} Free beer for all!")
    assert answer == NotTranslated("not in the de catalogue: Free beer for all!")


def test_lines_placeholders_and_addresses_stay_where_they_are() -> None:
    page = "Incident {{code}}: {{ description }}\n{{ url }}\n\nReply STOP to unsubscribe.  https://x.example/1"
    assert said(CATALOGUES, page, "de") == (
        "Vorfall {{code}}: {{ description }}\n{{ url }}\n\nAntworten Sie mit STOP, um sich abzumelden.  https://x.example/1"
    )


def test_typographic_quotes_and_spaces_make_no_difference() -> None:
    assert said(CATALOGUES, "Reply\u00a0STOP  to unsubscribe.", "de") == "Antworten Sie mit STOP, um sich abzumelden."


@pytest.mark.parametrize(
    ("target", "given"), [("es-MX", "es"), ("de-AT", "de"), ("fr-CA", "fr"), ("pt", "pt-BR"), ("pt-BR", "pt-BR")]
)
def test_a_region_without_its_own_catalogue_is_given_its_language_and_told_so(target: str, given: str) -> None:
    answer = CATALOGUES.translate(POST, ENGLISH, parse_tag(target))
    assert isinstance(answer, Translation)
    assert str(answer.language) == given


@pytest.mark.parametrize(("source", "target"), [("en", "pt-PT"), ("en", "zh-TW"), ("en", "pl"), ("fr", "de")])
def test_a_pair_without_a_catalogue_is_a_miss(source: str, target: str) -> None:
    assert isinstance(CATALOGUES.translate(POST, parse_tag(source), parse_tag(target)), NotTranslated)


@pytest.mark.parametrize(
    ("text", "language", "expected"),
    [
        ("The office will be closed on Monday, May 10.", "de", "Das Büro ist am Montag, 10. Mai geschlossen."),
        ("The office will be closed on Sunday, 10 May 2026.", "fr", "Le bureau sera fermé le dimanche 10 mai 2026."),
        ("The office will be closed on Sun May 10", "it", "L'ufficio resterà chiuso domenica 10 maggio"),
        ("The office will be closed on Sat, May 9.", "pt-BR", "O escritório estará fechado no sábado, 9 de maio."),
        ("The office will be closed on May 10-12.", "de", "Das Büro ist am 10. Mai - 12. Mai geschlossen."),
        ("The office will be closed on 30 May – 2 June!", "fr", "Le bureau sera fermé le 30 mai - 2 juin !"),
        (
            "The office will be closed from May 10 to May 12.",
            "es",
            "La oficina estará cerrada del 10 de mayo al 12 de mayo.",
        ),
        ("Your appointment is on May 10 at 9-11 AM.", "de", "Ihr Termin ist am 10. Mai um 09:00 - 11:00 Uhr."),
        ("Your appointment is on May 10 at 11-1 PM.", "de", "Ihr Termin ist am 10. Mai um 11:00 - 13:00 Uhr."),
        ("your order has been shipped", "de", "Ihre Bestellung wurde versandt"),
        ("- Your order has been shipped.\n• 2 PM", "de", "- Ihre Bestellung wurde versandt.\n• 14:00"),
        ("1) Your order has been shipped.", "de", "1) Ihre Bestellung wurde versandt."),
        ("🎉 Your order has been shipped 🚚!", "de", None),
        ("🎉 Your order has been shipped! 🚚👩🏽‍🚀", "de", "🎉 Ihre Bestellung wurde versandt! 🚚👩🏽‍🚀"),
        ("Hello Anna,\nYour order has been shipped.", "fr", "Bonjour Anna,\nVotre commande a été expédiée."),
        (
            "Hello Anna, the office will be closed on May 10.",
            "de",
            "Guten Tag Anna, das Büro ist am 10. Mai geschlossen.",
        ),
        ("Dear Dr. Weber, your order has been shipped.", "fr", "Bonjour Dr. Weber, votre commande a été expédiée."),
        ("Hi {{ name }}, your order has been shipped.", "de", "Hallo {{ name }}, Ihre Bestellung wurde versandt."),
        ("Dear Customer,\nYour order has been shipped.", "de", None),
    ],
)
def test_a_known_sentence_is_read_as_people_write_it(text: str, language: str, expected: str | None) -> None:
    answer = CATALOGUES.translate(text, ENGLISH, parse_tag(language))
    assert (answer.text if isinstance(answer, Translation) else None) == expected


@pytest.mark.parametrize("written", ["Monday, 10 May 2026", "12-10 May", "May 10-40", "Funday, May 10"])
def test_a_day_that_cannot_be_is_a_miss(written: str) -> None:
    assert isinstance(german(f"The office will be closed on {written}."), NotTranslated)


@given(st.text(max_size=80) | st.from_regex(r"[A-Za-z ,.{}0-9:$/-]{0,60}", fullmatch=True))
def test_no_text_however_strange_breaks_a_lookup(text: str) -> None:
    answer = german(text)
    assert isinstance(answer, Translation | NotTranslated)


@pytest.mark.parametrize(
    "piece", [" ", "1,", "1 ", "10 ", "May ", "10 May, ", "€1", "a.", "\n ", "{date1}", "EUR 1 ", "1:1"]
)
@pytest.mark.timeout(10)
def test_a_hostile_text_is_looked_up_in_linear_time(piece: str) -> None:
    german(piece * (100_000 // len(piece)))


SHIPPED: Templates = read_templates(TEMPLATES)


@pytest.mark.parametrize("language", LANGUAGES, ids=str)
@pytest.mark.parametrize("name", SHIPPED.names)
def test_every_text_of_every_shipped_template_is_translated(name: str, language: Tag) -> None:
    template = SHIPPED.get(name)
    for text in (*template.texts, *(template.answer.texts if template.answer else ())):
        answer = CATALOGUES.translate(text, ENGLISH, language)
        assert isinstance(answer, Translation), f"review a translation in templates/catalogues: {answer}"


@pytest.mark.parametrize("language", LANGUAGES, ids=str)
def test_every_sentence_of_the_pages_behind_links_is_translated(language: Tag) -> None:
    for text in (
        *answer_pages.AnswerPageSentence,
        *mailed_pages.MailSentence,
        *unsubscribe.UnsubscribeSentence,
        *NEUTRAL.texts,
    ):
        assert isinstance(CATALOGUES.translate(text, ENGLISH, language), Translation), text


def test_every_catalogue_knows_the_same_sentences() -> None:
    known = {str(language): set(entries) for language, entries in CATALOGUES.by_language.items()}
    assert {"de", "es", "fr", "it", "pt-BR"} <= set(known)
    assert len(set(map(frozenset, known.values()))) == 1


@pytest.mark.parametrize("language", LANGUAGES, ids=str)
def test_every_word_that_a_text_asks_for_is_understood_when_it_is_sent_back(language: Tag) -> None:
    asked = [text for source, text in CATALOGUES.by_language[language].items() if source.startswith("Reply ")]
    words = {word for text in asked for word in re.findall(r"\b[A-Z]{2,}(?: [A-Z]{2,})*\b", text)}
    understood = {word: UnderstoodReply(WORDS.read(word, str(language))).said.answer or keyword(word) for word in words}
    assert set(understood.values()) == {ClearAnswer.YES, ClearAnswer.NO, ClearAnswer.DONE, Keyword.STOP, Keyword.START}


@pytest.mark.parametrize("language", ["de", "fr", "it"])
def test_no_reviewed_text_makes_an_sms_dearer_than_its_language_needs(language: str) -> None:
    for text in CATALOGUES.by_language[parse_tag(language)].values():
        assert segments_of(text).encoding is Encoding.GSM_7, text


def catalogue(folder: Path, entries: str, name: str = "de.po") -> Catalogues:
    (folder / name).write_text(PO + entries, encoding="utf-8")
    return read_catalogues(folder)


def test_what_is_fuzzy_or_empty_is_not_used(tmp_path: Path) -> None:
    entries = '#, fuzzy\nmsgid "One."\nmsgstr "Eins."\n\nmsgid "Two."\nmsgstr ""\n\nmsgid "Three."\nmsgstr "Drei."\n'
    catalogues = catalogue(tmp_path, entries)
    assert said(catalogues, "Three.", "de") == "Drei."
    for text in ("One.", "Two."):
        assert isinstance(catalogues.translate(text, ENGLISH, parse_tag("de")), NotTranslated)


def test_a_whole_text_comes_before_its_sentences(tmp_path: Path) -> None:
    entries = 'msgid "Go. Now."\nmsgstr "Los jetzt."\n\nmsgid "Go."\nmsgstr "Los."\n\nmsgid "Now."\nmsgstr "Jetzt."\n'
    catalogues = catalogue(tmp_path, entries)
    assert said(catalogues, "Go. Now.", "de") == "Los jetzt."
    assert said(catalogues, "Now. Go.", "de") == "Jetzt. Los."


def test_slots_may_change_places(tmp_path: Path) -> None:
    entries = 'msgid "From {date1} to {date2}, {{ name }}."\nmsgstr "{{ name }}: bis {date2}, ab {date1}."\n'
    assert (
        said(catalogue(tmp_path, entries), "From May 1 to 2 June, {{name}}.", "de")
        == "{{name}}: bis 2. Juni, ab 1. Mai."
    )


@pytest.mark.parametrize(
    ("entries", "line", "message"),
    [
        ('msgid "On {date1}."\nmsgstr "Am Tag."\n', 6, "lacks {date1}"),
        ('msgid "On {date1}."\nmsgstr "Am {date1} {date1}."\n', 6, "has {date1}, which the source has not"),
        ('msgid "Hi {{ name }}."\nmsgstr "Hallo {{ nom }}."\n', 6, "lacks {{ name }}"),
        ('msgid "On May 10."\nmsgstr "Am 10. Mai."\n', 6, "write {date1} (or 2, 3, …) for 'May 10'"),
        ('msgid "{date2}, {date1}."\nmsgstr "{date1} {date2}."\n', 6, "write {date1} for {date2}"),
        ('msgid "Hi {{name}}."\nmsgstr "Hallo {{name}}."\n', 6, "write {{ name }} for {{name}}"),
        ('msgid "Don’t."\nmsgstr "Nicht."\n', 6, "straight quotes"),
        ('msgid "A."\nmsgstr "B."\n\nmsgid "A."\nmsgstr "C."\n', 9, "stands in line 6 already"),
        ('msgid "A."\nmsgstr "B.\n', 7, 'a text in "…"'),
        ('msgid "A."\nmsgctxt "x"\nmsgstr "B."\n', 7, 'a text in "…"'),
        ('msgid "A."\nmsgstr "B."\nmsgstr "C."\n', 8, "not gettext"),
        ('msgid "A."\nmsgid "B."\nmsgstr "C."\n', 7, "not gettext"),
    ],
)
def test_a_fault_is_told_with_its_file_line_and_remedy(tmp_path: Path, entries: str, line: int, message: str) -> None:
    with pytest.raises(CatalogueError) as error:
        catalogue(tmp_path, entries)
    assert f"de.po:{line}: " in str(error.value)
    assert message in str(error.value)


def test_all_faults_of_all_files_are_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "fr.po").write_text(PO + 'msgid "On {date1}."\nmsgstr "Le jour."\n')
    (tmp_path / "german.po").write_text(PO)
    with pytest.raises(CatalogueError) as error:
        catalogue(tmp_path, 'msgid "On {time1}."\nmsgstr "Um."\n')
    assert [line.partition(": ")[0].rpartition("/")[2] for line in str(error.value).splitlines()] == [
        "de.po:6",
        "fr.po:6",
        "german.po:1",
    ]
