"""Vocabulary files that an administrator broke, and how a reply is shown at a terminal."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest
from click.testing import CliRunner

from service.cli.rules import rules
from service.replies import Languages, decide, read_languages, vocabulary_file
from service.replies.decide import FOR_PAGES
from service.replies.graph import Node
from service.replies.kinds import PhraseKind
from service.replies.languages import LOOKS_BEFORE_COMPILING
from service.replies.vocabulary import Vocabulary
from service.wiring.escalation import SHIPPED_WORDS

BROKEN = 'replies: de\nyes: [ja, "mach ("]\n'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    own = tmp_path / "replies"
    shutil.copytree(SHIPPED_WORDS, own)
    return own


def outcome(folder: Path, text: str, language: str | None, instead: Path | None = SHIPPED_WORDS) -> str:
    return decide_in(read_languages(folder, instead), text, language)


def decide_in(languages: Languages, text: str, language: str | None) -> str:
    return decide(languages.read(text, language), FOR_PAGES).outcome


def test_for_a_broken_file_the_shipped_one_counts_and_an_operator_reads_why(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (folder / "de.yaml").write_text(BROKEN)
    assert outcome(folder, "mach ich", "de") == "yes"
    assert "de.yaml" in caplog.text
    assert "mach (" in caplog.text


def test_a_broken_file_without_a_shipped_one_asks_about_everything_but_english(folder: Path) -> None:
    sources = [BROKEN, "", "- a list", "replies: xx\nyes: 7\n", "\x00", "replies: de\nyes: &a [*a]\n"]
    broken = {f"x{n}": source for n, source in zip("abcdef", sources, strict=True)}
    for name, source in broken.items():
        (folder / f"{name}.yaml").write_text(source)
    languages = read_languages(folder, SHIPPED_WORDS)
    found = {(decide_in(languages, "jup", name), decide_in(languages, "YES", name)) for name in broken}
    assert found == {("ask", "yes")}
    assert decide_in(languages, "nein", "de") == "no"


def test_broken_english_leaves_the_shipped_english(folder: Path) -> None:
    (folder / "en.yaml").write_text("replies: en\nyes: 7\n")
    assert outcome(folder, "on it", None) == "yes"


def test_a_folder_of_one_file_still_has_english_and_emoji(tmp_path: Path) -> None:
    shutil.copy(SHIPPED_WORDS / "de.yaml", tmp_path)
    assert (outcome(tmp_path, "on it", "en"), outcome(tmp_path, "👍", "de")) == ("yes", "yes")


def test_what_is_no_file_is_left_out(folder: Path) -> None:
    (folder / "zz.yaml").mkdir()
    (folder / "zy.yaml").symlink_to("/dev/zero")
    (folder / "zx.yaml").symlink_to("nowhere")
    assert not {"zx", "zy", "zz"} & set(read_languages(folder).names)


def test_a_check_runs_the_tests_of_a_vocabulary(folder: Path) -> None:
    file = folder / "de.yaml"
    assert CliRunner().invoke(rules, ["check", str(file)]).exit_code == 0
    file.write_text(
        "replies: de\nyes: [jo]\ntests:\n"
        "- {text: jo, is: no}\n- {text: jo, is: maybe}\n- {text: jo, is: yes, policy: x}\n"
    )
    checked = CliRunner().invoke(rules, ["check", str(file)])
    assert checked.exit_code == 1
    for said in ("'jo' expects no, but the reply is read as yes", "no outcome 'maybe'", "no policy 'x'"):
        assert said in checked.output


def test_a_check_names_the_faults_of_a_vocabulary(folder: Path) -> None:
    (folder / "de.yaml").write_text(BROKEN)
    checked = CliRunner().invoke(rules, ["check", str(folder / "de.yaml")])
    assert checked.exit_code == 1
    assert "de.yaml:2" in checked.output


def test_a_number_in_a_phrase_is_refused_since_it_would_stand_for_every_number() -> None:
    parsed = vocabulary_file.parse(b"replies: en\nok: [10-4]\n")
    assert [finding.at.line for finding in parsed.findings] == [2]
    assert "{n}" in parsed.findings[0].message


def test_a_reply_is_shown_word_by_word() -> None:
    shown = CliRunner().invoke(rules, ["reply", "ok morgen", "--language", "de"])
    assert [line.split() for line in shown.output.splitlines()] == [
        ["ok", "ok"],
        ["morgen", "not-now"],
        ["ASK", "(not-now)"],
    ]


def test_a_reply_in_no_known_language_is_shown_in_the_language_that_knows_it(
    few: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOCSIN_RULES_DIR", str(few.parent))
    shown = json.loads(CliRunner().invoke(rules, ["reply", "mach ich", "--json"]).output)
    assert (shown["outcome"], shown["language"]) == ("yes", "de")


def test_a_language_without_a_vocabulary_is_refused_with_those_there_are() -> None:
    refused = CliRunner().invoke(rules, ["reply", "ok", "--language", "xx"])
    assert refused.exit_code == 2
    assert "de" in refused.output


@pytest.fixture
def few(tmp_path: Path) -> Path:
    """A folder with a few of the shipped languages: compiling all takes seconds."""
    own = tmp_path / "replies"
    own.mkdir()
    for name in ("en", "emoji", "de", "bg"):
        shutil.copy(SHIPPED_WORDS / f"{name}.yaml", own)
    return own


def test_a_changed_file_is_in_use_after_two_looks_without_a_restart(few: Path) -> None:
    languages = read_languages(few)
    languages.follow()
    assert decide(languages.read("zackbumm", "de"), FOR_PAGES).outcome == "ask"
    (few / "de.yaml").write_text("replies: de\nyes: [zackbumm]\n")
    languages.follow()
    assert decide(languages.read("zackbumm", "de"), FOR_PAGES).outcome == "ask", "it may still be being written"
    languages.follow()
    assert decide(languages.read("zackbumm", "de"), FOR_PAGES).outcome == "yes"


def test_of_a_file_that_breaks_while_it_is_followed_the_last_good_words_go_on(
    few: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (few / "de.yaml").write_text("replies: de\nyes: [zackbumm]\n")
    languages = read_languages(few)
    languages.follow()
    (few / "de.yaml").write_text(BROKEN)
    for _ in range(3):
        languages.follow()
    assert decide(languages.read("zackbumm", "de"), FOR_PAGES).outcome == "yes"
    assert caplog.text.count("its last words go on") == 1


def test_a_file_that_is_added_or_taken_away_is_followed_too(few: Path) -> None:
    languages = read_languages(few)
    languages.follow()
    (few / "eo.yaml").write_text("replies: eo\nyes: [jes]\n")
    (few / "bg.yaml").unlink()
    for _ in range(2):
        languages.follow()
    assert decide(languages.read("jes", "eo"), FOR_PAGES).outcome == "yes"
    assert "bg" not in languages.names


def test_a_language_is_compiled_for_its_first_reply_and_all_are_after_a_while(
    few: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compiled: list[str] = []

    def parsed(name: str, source: bytes, *, proved: bool) -> Vocabulary:
        assert not proved, "nothing is shipped with these"
        compiled.append(name)
        vocabulary = vocabulary_file.parse(source).vocabulary
        assert vocabulary is not None
        return vocabulary

    monkeypatch.setattr("service.replies.languages._parsed", parsed)
    languages = read_languages(few)
    for _ in range(LOOKS_BEFORE_COMPILING):
        languages.follow()
    assert compiled == []
    languages.read("ja mach ich", "de")
    languages.read("YES 41", None)
    assert sorted(compiled) == ["de", "emoji", "en"]
    for _ in languages.names:
        languages.follow()
    assert sorted(compiled) == sorted(languages.names), "the first reply in an unknown language waits for none"


def test_a_file_as_it_is_shipped_is_not_proved_again(few: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    proved: list[Node] = []

    def every_place(root: Node) -> Sequence[tuple[tuple[str, ...], Node]]:
        proved.append(root)
        return ()

    monkeypatch.setattr("service.replies.vocabulary_file.every_place", every_place)
    read_languages(few, few).read("ja mach ich", "de")
    assert proved == []
    read_languages(few).read("ja mach ich", "de")
    assert len(proved) == 6, "two graphs of de, en and emoji"


def test_a_phrase_of_two_kinds_is_not_known_where_nobody_proved_the_file() -> None:
    source = b"replies: zx\nyes: [zaza]\nno: [zaza, zuzu]\n"
    assert vocabulary_file.parse(source).vocabulary is None
    vocabulary = vocabulary_file.parse(source, proved=True).vocabulary
    assert vocabulary is not None
    assert vocabulary.kind(["zaza"]) is None
    assert vocabulary.kind(["zuzu"]) is PhraseKind.NO
