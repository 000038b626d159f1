"""What `tocsin rules check` says beyond a file itself: rosters that do not exist, levels that nobody can answer, and
words that our own texts ask for."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from service.cli import main
from service.replies import Languages, pairs, read_languages
from service.wiring.escalation import SHIPPED_WORDS
from tests.functional.client import ROOT

POLICY = """\
escalation: team
levels:
  - {contacts: [1, {roster: pumpz}], channels: [sms], wait: 40s}
  - {contacts: {roster: pumps}, channels: [sms, email], wait: 1m}
  - {contacts: [2], channels: [chat, email], wait: 1m}
"""
RULES = """\
ruleset: leaks
facts: {leaks: {type: integer}, team: {type: text}}
rules:
  - name: Call
    when: leaks > 0
    then:
      - open incident: Leak
        contacts: [{roster: nobody}, {roster: pumps}, {roster: "{{ team }}"}]
tests: [{given: {leaks: 1, team: pumps}, expect: {fired: [Call]}}]
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A rules folder with one roster."""
    for name in ("escalation", "rosters"):
        (tmp_path / name).mkdir()
    shutil.copy(ROOT / "rules" / "rosters" / "pumps.yaml", tmp_path / "rosters")
    return tmp_path


def checked(file: Path, tmp_path: Path, **settings: str) -> str:
    known = {"TOCSIN_HOME": str(tmp_path / "home"), "TOCSIN_RULES_DIR": str(tmp_path), **settings}
    return CliRunner().invoke(main, ["rules", "check", str(file)], env=known).output


def test_a_roster_that_does_not_exist_is_warned_of_in_a_policy(folder: Path) -> None:
    file = folder / "escalation" / "team.yaml"
    file.write_text(POLICY)
    said = checked(file, folder)
    assert 'team.yaml:3:29: warning: there is no roster "pumpz": nobody would be paged by it' in said, said
    assert 'did you mean "pumps"?' in said
    assert said.count("there is no roster") == 1


def test_a_roster_that_does_not_exist_is_warned_of_in_a_rule(folder: Path) -> None:
    file = folder / "leaks.yaml"
    file.write_text(RULES)
    said = checked(file, folder)
    assert 'there is no roster "nobody"' in said
    assert said.count("there is no roster") == 1
    assert " 0 errors" in said


def test_a_level_that_nobody_can_answer_is_warned_of(folder: Path) -> None:
    file = folder / "escalation" / "team.yaml"
    file.write_text(POLICY)
    said = checked(file, folder)
    assert "whoever level 2 reaches by email alone cannot answer" in said
    assert "nobody can answer level 3: what comes by chat or email has no link" in said
    assert "set TOCSIN_PUBLIC_URL" in said
    assert "level 1" not in said
    mailbox = checked(file, folder, TOCSIN_REPLY_TO="replies+{token}@example.com")
    assert "level 2" not in mailbox
    assert "whoever level 3 reaches by chat alone cannot answer" in mailbox
    assert "cannot answer" not in checked(file, folder, TOCSIN_PUBLIC_URL="https://tocsin.example")


@pytest.fixture
def words(tmp_path: Path) -> Path:
    """A folder of a few vocabularies: compiling all takes seconds."""
    own = tmp_path / "replies"
    own.mkdir()
    for name in ("en", "emoji", "de"):
        shutil.copy(SHIPPED_WORDS / f"{name}.yaml", own)
    return own


def test_the_words_that_our_texts_tell_people_to_type_must_be_read(words: Path, tmp_path: Path) -> None:
    file = words / "de.yaml"
    assert ": 0 errors" in checked(file, tmp_path)
    file.write_text('replies: de\nyes: [ja]\ncannot: ["geht nicht"]\n')
    said = checked(file, tmp_path)
    assert 'must tell people to type what is read as "NO"; it says "JA", "NEIN"' in said


def test_a_word_that_our_texts_use_otherwise_is_no_answer(words: Path, tmp_path: Path) -> None:
    file = words / "de.yaml"
    file.write_text('replies: de\nyes: [ja]\nno: [nein]\nfiller: ["zum übernehmen antworten"]\n')
    assert "which we send, would be read as an answer" in checked(file, tmp_path)


def swallowed(words: Path, source: str) -> str:
    (words / "de.yaml").write_text(source)
    languages: Languages = read_languages(words)
    return " ".join(finding.message for finding in pairs.swallowed(languages.vocabulary("de"), languages))


def test_a_refusal_that_grows_together_with_a_yes_is_warned_of(words: Path) -> None:
    source = 'replies: de\nyes: [ja, mach]\ncommit: ["mach weg"]\nfiller: [hier]\nexcuse: ["weg hier"]\n'
    assert '"mach" and then "weg hier", which is "excuse", would be read as a YES' in swallowed(words, source)
    assert swallowed(words, source.replace("filler: [hier]\n", "")) == ""


@pytest.mark.parametrize("language", ["en", "de"])
def test_no_shipped_yes_swallows_a_no(words: Path, language: str) -> None:
    languages = read_languages(words)
    found = pairs.swallowed(languages.vocabulary(language), languages)
    assert [each.message for each in found if '"no"' in each.message or '"cannot"' in each.message] == []
