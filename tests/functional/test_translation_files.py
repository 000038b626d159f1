"""What waits for a translation goes to an agency as a file, and comes back."""

from __future__ import annotations

import re
from pathlib import Path

import polib
import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

from service.cli import main
from service.core.clock import HandClock
from service.messages.translation_files import (
    ExportedText,
    NotReadable,
    ReturnedText,
    TranslationFormat,
    nearest_translation,
    read_translations,
    written_translations,
)
from service.messages.translations import WantedTranslation
from tests.functional.backends import embedded
from tests.functional.conftest import NOON, api_of
from tests.functional.few_rules import few_rules
from tests.functional.test_notifications import MARY, Desk

TEXTS = ("The gym is closed on Monday.", 'Room "A & B" <new>\nis ready, {{ first_name }}.')
GERMAN = ("Das Fitnessstudio ist am Montag zu.", 'Der Raum "A & B" <new>\nist bereit, {{ first_name }}.')


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    rules = few_rules(tmp_path, "lead.yaml")
    service = embedded(tmp_path / "home")(HandClock(NOON), rules_dir=rules)
    service.working_copies.sweep()
    monkeypatch.setenv("TOCSIN_HOME", str(service.settings.home))
    monkeypatch.setenv("TOCSIN_RULES_DIR", str(rules))
    desk = Desk(api_of(service))
    desk.recipients("all", MARY)
    for text in TEXTS:
        desk.sends(text=text, audience="all", lane="transactional")
    desk.works(5)
    return desk


def tocsin(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["translations", *arguments])


def filled(content: str, form: str) -> str:
    """The file as a translator gives it back."""
    if form == "po":
        entries = polib.pofile(content)
        for entry in entries:
            entry.msgstr = dict(zip(TEXTS, GERMAN, strict=True))[entry.msgid]
        return str(entries)
    for source, text in zip(TEXTS, GERMAN, strict=True):
        escaped, said = (one.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;") for one in (source, text))
        content = content.replace(f"<source>{escaped}</source>", f"<source>{escaped}</source><target>{said}</target>")
    return content.replace('state="initial"', 'state="final"')


@pytest.mark.parametrize("form", ["po", "xliff"])
def test_a_file_goes_out_and_comes_back_and_everybody_gets_their_copy(desk: Desk, tmp_path: Path, form: str) -> None:
    file = tmp_path / f"missing.{form}"
    assert tocsin("export", "--language", "de", "--format", form, "-o", str(file)).exit_code == 0
    file.write_text(filled(file.read_text(), form))
    checked = tocsin("import", str(file), "--dry-run")
    assert (checked.exit_code, "2 fit" in checked.output) == (0, True), checked.output
    done = tocsin("import", str(file))
    assert (done.exit_code, "2 supplied" in done.output) == (0, True), done.output
    supplied = desk.api.client.get("/v1/translations?status=supplied").json()["items"]
    assert isinstance(supplied, list)
    assert {one["source_text"]: one["text"] for one in supplied} == dict(zip(TEXTS, GERMAN, strict=True))


def test_nothing_is_supplied_unless_all_of_it_fits(desk: Desk, tmp_path: Path) -> None:
    file = tmp_path / "missing.po"
    tocsin("export", "--language", "de", "-o", str(file))
    content = re.sub(r'(msgid "The gym[^\n]*\n)msgstr ""', r'\1msgstr "Gut."', file.read_text())
    file.write_text(content.replace("The gym", "The pool"))
    refused = tocsin("import", str(file))
    assert refused.exit_code == 1
    assert "is not the one that waits" in refused.output
    assert desk.outbox() == []


@pytest.mark.parametrize("form", ["po", "xliff"])
def test_a_file_goes_out_and_comes_back_over_http(desk: Desk, form: str) -> None:
    client = desk.api.client
    file = client.get(f"/v1/translations/export?language=de&format={form}")
    assert (file.status, client.get("/v1/translations/export?language=tlh-x").status) == (200, 422)
    headers = {"Content-Type": "application/octet-stream"}
    back = filled(file.text, form)
    tampered = back.replace("The gym", "The pool").encode()
    wrong = client.call("POST", "/v1/translations/import", body=tampered, headers=headers)
    assert (wrong.status, "is not the one that waits" in wrong.text) == (422, True)
    looked = client.call("POST", "/v1/translations/import?dry_run=true", body=back.encode(), headers=headers)
    assert looked.json() == {"supplied": 2, "left_out": 0}
    assert client.get("/v1/translations?status=supplied").json()["items"] == []
    done = client.call("POST", "/v1/translations/import", body=back.encode(), headers=headers)
    assert done.json() == {"supplied": 2, "left_out": 0}
    assert len(client.get("/v1/translations?status=supplied").json()["items"]) == 2  # type: ignore[arg-type]
    assert client.call("POST", "/v1/translations/import", body=b"\xff", headers=headers).status == 422


def test_a_translation_that_does_not_say_of_what_is_named_not_dropped(desk: Desk) -> None:
    content = 'msgid ""\nmsgstr ""\n\nmsgid "Hello there"\nmsgstr "Hallo zusammen"\n'
    refused = desk.api.client.call(
        "POST",
        "/v1/translations/import",
        body=content.encode(),
        headers={"Content-Type": "application/octet-stream"},
    )
    assert refused.status == 422
    assert "has no msgctxt" in refused.text


def test_a_similar_text_of_thousands_goes_along() -> None:
    known = [WantedTranslation(f"Room {n} is closed.", "en", "de", "", NOON, f"Raum {n} ist zu.") for n in range(3_000)]
    known.append(WantedTranslation("The gym is closed on Friday.", "en", "de", "", NOON, "Am Freitag ist zu."))
    near = nearest_translation("The gym is closed on Monday.", known)
    assert near is not None
    assert near.text == "Am Freitag ist zu."
    assert nearest_translation("Lunch is ready.", known) is None


FORMS = st.sampled_from(("po", "xliff"))
LETTERS = st.characters(exclude_categories=("Cs", "Cc", "Zl", "Zp"), exclude_characters="\ufffe\uffff")
LINES = st.text(LETTERS, min_size=1, max_size=60).filter(lambda text: text.strip() == text)


@given(st.lists(st.tuples(LINES, LINES), min_size=1, max_size=4), FORMS)
def test_every_text_comes_back_as_it_went_out(texts: list[tuple[str, str]], form: TranslationFormat) -> None:
    wanted = [
        ExportedText(f"translation-{n}", WantedTranslation(source, "en", "de", "why", NOON, text))
        for n, (source, text) in enumerate(texts)
    ]
    back = read_translations(written_translations(wanted, "en", "de", form).encode())
    assert [(one.id, one.source_text, one.text, one.in_doubt) for one in back] == [
        (f"translation-{n}", source, text, False) for n, (source, text) in enumerate(texts)
    ]


def test_a_draft_and_a_similar_text_go_along_and_do_not_come_back_by_themselves() -> None:
    drafted = WantedTranslation("The gym is open.", "en", "de", "unseen", NOON, draft="Das Studio ist offen.")
    near = WantedTranslation("The gym is closed.", "en", "de", "", NOON, "Das Studio ist zu.")
    other = WantedTranslation("The gym is closed now.", "en", "de", "", NOON)
    for form in ("po", "xliff"):
        content = written_translations([ExportedText("a", drafted), ExportedText("b", other, near)], "en", "de", form)
        assert "Das Studio ist offen." in content
        assert "Das Studio ist zu." in content
        assert all(one.in_doubt for one in read_translations(content.encode()))


def test_a_file_of_many_more_tags_than_texts_need_is_refused_unparsed() -> None:
    with pytest.raises(NotReadable, match="200,001 tags, more than 200,000: send it in parts"):
        read_translations(b"<g>" * 200_001)


def test_comments_of_a_po_file_are_passed_over_but_for_its_flags() -> None:
    entry = b'msgctxt "a"\nmsgid "Open."\nmsgstr "Offen.\\n# kein Kommentar"\n'
    said = [ReturnedText("a", "Open.", "Offen.\n# kein Kommentar", in_doubt=False)]
    assert list(read_translations(b'# By Jo\n#. x\n#: y:1\n#| msgid "z"\n#\n' * 3 + entry)) == said
    assert [one.in_doubt for one in read_translations(b"# By Jo\n#, fuzzy\n" + entry)] == [True]
    assert list(read_translations(b'#~ msgid "x"\n#~ msgstr "y"\n\n' + entry)) == said


def test_a_text_of_a_po_file_that_is_far_too_long_is_refused_unparsed() -> None:
    with pytest.raises(NotReadable, match="more than 100,000 characters"):
        read_translations(b'msgid "x"\nmsgstr ""\n' + b'"a"\n' * 30_000)


@pytest.mark.parametrize("content", [b"\xff", b"<a/>", b"<!DOCTYPE a [<!ENTITY b 'c'>]><a/>", b"<xliff", b"hello"])
def test_what_is_no_such_file_is_refused(content: bytes) -> None:
    with pytest.raises(NotReadable):
        read_translations(content)
