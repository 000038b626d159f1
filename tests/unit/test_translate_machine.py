"""Machine translation: real engines on this machine, adversaries, and the order in which translators are asked."""

from __future__ import annotations

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.core.language_tags import Tag, parse_tag
from service.language import (
    Detected,
    LanguageServiceRefused,
    LanguageServiceUnavailable,
    NotTranslated,
    Translation,
)
from service.language.embedded.catalogue import Catalogues, read_catalogues
from service.language.embedded.detect import EmbeddedDetector
from service.language.embedded.mozilla import ModelUnusable, MozillaEngine, bundled_models, find_models
from service.language.embedded.slots import times_written
from service.language.machine import MachineTranslator
from service.language.translators import Translators

CATALOGUES = Path(__file__).parents[2] / "templates" / "catalogues"
EN, DE, BR = parse_tag("en"), parse_tag("de"), parse_tag("pt-BR")
ORDER = (
    "Hi {{first_name}}, your order #A-1042 ships on 2026-05-10. "
    "Track it at https://example.com/t/abc?x=1 or call +1 (555) 010-9999."
)


@dataclass(frozen=True, slots=True)
class Echo:
    """An engine whose answer is a function of what it is asked."""

    answer: Callable[[str], str]
    name: str = "echo@1"

    def produces(self, _source: Tag, target: Tag, /) -> Tag | None:
        return target

    def translate(self, text: str, _source: Tag, _target: Tag, /) -> str:
        return self.answer(text)


class Undecided:
    """A detector that never knows."""

    def detect(self, _text: str, /) -> Detected | None:
        return None


def through(answer: Callable[[str], str], text: str, terms: tuple[str, ...] = ()) -> Translation | NotTranslated:
    return MachineTranslator(Echo(answer), Undecided(), terms).translate(text, EN, DE)


@pytest.fixture(scope="module")
def portuguese() -> MachineTranslator:
    return MachineTranslator(
        MozillaEngine(find_models(bundled_models())), EmbeddedDetector(), ("Tocsin",), times_written
    )


def test_the_bundled_model_translates_into_brazilian_portuguese(portuguese: MachineTranslator) -> None:
    answer = portuguese.translate("The warehouse will be closed on Monday for maintenance.", EN, BR)
    assert answer == Translation(
        "O armazém será fechado na segunda-feira para manutenção.", BR, "machine:fxtranslate@0.5.0"
    )


def test_placeholders_addresses_numbers_and_terms_survive_a_real_engine(portuguese: MachineTranslator) -> None:
    answer = portuguese.translate(ORDER + " Regards, Tocsin", EN, BR)
    assert isinstance(answer, Translation)
    for piece in (
        "{{first_name}}",
        "#A-1042",
        "2026-05-10",
        "https://example.com/t/abc?x=1",
        "+1 (555) 010-9999",
        "Tocsin",
    ):
        assert answer.text.count(piece) == 1


def test_lines_and_blank_lines_stay(portuguese: MachineTranslator) -> None:
    answer = portuguese.translate("The office is closed.\n\nThe shop is open.\n", EN, BR)
    assert isinstance(answer, Translation)
    assert re.fullmatch(r"O escritório [^\n]+\n\nA loja [^\n]+\n", answer.text)


@pytest.mark.parametrize("text", ["ÄÖÜ 你好", "Das Lager ist am Montag wegen Wartungsarbeiten geschlossen."])
def test_a_text_that_is_not_in_the_declared_language_is_not_translated(
    portuguese: MachineTranslator, text: str
) -> None:
    answer = portuguese.translate(text, EN, BR)
    assert answer == NotTranslated("the text does not look like en, which it is declared to be")


@pytest.mark.parametrize(("source", "target"), [("en", "pt-PT"), ("en", "de"), ("pt-PT", "en"), ("de", "pt-BR")])
def test_a_pair_without_a_model_is_refused(portuguese: MachineTranslator, source: str, target: str) -> None:
    assert isinstance(
        portuguese.translate("The office is closed.", parse_tag(source), parse_tag(target)), NotTranslated
    )


def test_several_threads_share_one_engine(portuguese: MachineTranslator) -> None:
    texts = ["The office is closed on Monday.", "Your order has been shipped to the new address."] * 6
    alone = [portuguese.translate(text, EN, BR) for text in texts]
    with ThreadPoolExecutor(3) as pool:
        assert list(pool.map(lambda text: portuguese.translate(text, EN, BR), texts)) == alone


def test_an_operator_s_model_directory_is_found_and_wins_over_the_bundled_one(tmp_path: Path) -> None:
    own = tmp_path / "en-pt"
    own.symlink_to(next(bundled_models().glob("enpt-*")))
    models = find_models(own, bundled_models())
    assert [(str(model.source), str(model.target)) for model in models] == [("en", "pt"), ("pt", "en")]
    assert models[0].model.parent == own
    assert MozillaEngine(models).translate("Good morning", EN, BR) == "Bom dia"


def test_a_model_directory_without_its_vocabulary_is_told_by_name(tmp_path: Path) -> None:
    (tmp_path / "model.ende.intgemm.alphas.bin").write_bytes(b"")
    with pytest.raises(ModelUnusable, match=r"srcvocab\.ende\.spm"):
        find_models(tmp_path)


def test_a_file_that_is_no_model_is_told_by_name(tmp_path: Path) -> None:
    for name in ("model.ende.intgemm.alphas.bin", "vocab.ende.spm"):
        (tmp_path / name).write_bytes(b"not a model")
    engine = MozillaEngine(find_models(tmp_path))
    with pytest.raises(ModelUnusable, match=r"model\.ende"):
        engine.translate("Hello", EN, DE)


def test_markers_that_an_engine_reorders_come_back_right() -> None:
    answer = through(lambda text: " ".join(reversed(text.split(" "))) + " x", "Set VAR1 to {{ value }} now", ())
    assert answer == Translation("now {{ value }} to VAR1 Set x", DE, "machine:echo@1")


DAMAGE: dict[str, Callable[[str], str]] = {
    "drops a marker": lambda text: text.replace("VAR2", ""),
    "doubles a marker": lambda text: text.replace("VAR2", "VAR2 VAR2"),
    "changes a marker's case": lambda text: text.replace("VAR2", "Var2"),
    "says nothing": lambda _: " \n",
    "changes a number": lambda text: text.replace("1,250", "1,520"),
    "drops a number": lambda text: text.replace("1,250", "viele"),
    "invents a number": lambda text: text + " 7",
    "repeats itself": lambda text: text + " und so weiter" * 40,
    "gives up": lambda text: text,
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_an_answer_that_cannot_be_right_is_not_used(damage: Callable[[str], str]) -> None:
    assert isinstance(through(damage, "Dear {{ name }}, 1,250 items for {{ shop }} are on their way."), NotTranslated)


def test_numbers_may_be_written_as_the_target_language_writes_them() -> None:
    assert isinstance(through(lambda text: text.replace("1,250.75", "1.250,75"), "Pay 1,250.75 euros"), Translation)


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("The power will be off from 9 AM to 12 PM.", ("09:00", "12:00")),
        ("The late shift starts at 1 PM instead of 2 p.m. today.", ("13:00", "14:00")),
        ("The canteen is open 11-1 PM.", ("11:00 - 13:00",)),
        ("Deliveries take 2-3 days.", ("2-3",)),
        ("Free delivery 🎉 today ✅", ("🎉", "✅")),
        ("Our team 👩🏽‍🚀👨‍👩‍👧 says thank you.", ("👩🏽‍🚀👨‍👩‍👧",)),
    ],
)
def test_times_ranges_and_pictures_survive_a_real_engine(
    portuguese: MachineTranslator, text: str, pieces: tuple[str, ...]
) -> None:
    answer = portuguese.translate(text, EN, BR)
    assert isinstance(answer, Translation), answer
    assert all(answer.text.count(piece) == 1 for piece in pieces), answer.text


@pytest.mark.parametrize("word", ["Item", "Menu", "Total", "Email", "Status: normal"])
def test_a_word_that_is_the_same_in_both_languages_is_no_failure(portuguese: MachineTranslator, word: str) -> None:
    assert portuguese.translate(word, EN, BR) == Translation(word, BR, "machine:fxtranslate@0.5.0")


def test_a_sentence_that_comes_back_unchanged_is_not_used() -> None:
    assert isinstance(through(lambda asked: asked, "The gate stays open today."), NotTranslated)


def test_an_answer_that_is_still_in_the_source_language_is_not_used() -> None:
    rephrased = "The storage house is not going to be open on Monday because of some repairs."
    machine = MachineTranslator(Echo(lambda _: rephrased), EmbeddedDetector())
    answer = machine.translate("The warehouse will be closed on Monday for maintenance.", EN, DE)
    assert answer == NotTranslated("echo@1: the answer is still in en")


@given(
    st.lists(
        st.sampled_from(["{{ name }}", "{{a.b}}", "https://x.example/1", "VAR1", "word", "and", "+15550109999"]),
        max_size=9,
    ),
    st.data(),
)
def test_whatever_an_engine_does_each_placeholder_arrives_once_or_nothing_does(
    words: list[str], data: st.DataObject
) -> None:
    def adversary(text: str) -> str:
        moves = st.sampled_from([lambda w: w, lambda _: "", lambda w: f"{w} {w}", str.lower, str.swapcase])
        said = [data.draw(moves)(word) for word in text.split(" ")]
        return " ".join(data.draw(st.permutations(said))) + " ende"

    answer = through(adversary, " ".join(words))
    if isinstance(answer, Translation):
        kept = [word for word in words if word not in ("word", "and")]
        found = re.findall(r"\{\{ name \}\}|\{\{a\.b\}\}|https://x\.example/1|VAR1|\+15550109999", answer.text)
        assert sorted(found) == sorted(kept)


@dataclass(frozen=True, slots=True)
class Failing:
    """A translator that fails in one way."""

    error: Exception

    def translate(self, _text: str, _source: Tag, _target: Tag, /) -> Translation | NotTranslated:
        raise self.error


def chain(*more: MachineTranslator | Failing) -> Translators:
    return Translators(read_catalogues(CATALOGUES), *more)


@pytest.mark.parametrize(
    ("source", "target"), [("en", "en-GB"), ("en-US", "en"), ("zh-TW", "zh-Hant"), ("es", "es-MX")]
)
def test_a_text_is_never_translated_into_its_own_language(source: str, target: str) -> None:
    text = "Your order has been shipped."
    answer = chain(Failing(AssertionError("asked"))).translate(text, parse_tag(source), parse_tag(target))
    assert answer == Translation(text, parse_tag(source), "source")


def test_a_text_without_words_is_the_same_in_every_language() -> None:
    text = "{{ url }} https://example.com/42 +1 (555) 010-9999 42!"
    assert chain().translate(text, EN, DE) == Translation(text, DE, "source")


def test_a_reviewed_sentence_comes_before_a_machine(portuguese: MachineTranslator) -> None:
    answer = chain(portuguese).translate("Your order has been shipped.", EN, BR)
    assert answer == Translation("Seu pedido foi enviado.", BR, "catalogue")


def test_a_machine_translates_what_nobody_reviewed_and_says_so(portuguese: MachineTranslator) -> None:
    answer = chain(portuguese).translate("The office is closed today.", EN, BR)
    assert isinstance(answer, Translation)
    assert answer.provenance == "machine:fxtranslate@0.5.0"


TAGGED = "Your <1>invoice</1> of <2>{{ total }}</2> is due tomorrow."


def test_a_sentence_with_tags_is_translated_whole(portuguese: MachineTranslator) -> None:
    answer = chain(portuguese).translate(TAGGED, EN, BR)
    assert isinstance(answer, Translation)
    assert "<1>fatura</1>" in answer.text
    assert "<2>{{ total }}</2>" in answer.text


def test_what_cannot_be_translated_whole_is_translated_between_its_tags() -> None:
    mute = MachineTranslator(Echo(lambda text: f"Ja {text} Ja" if "Your" in text else "Nein"), Undecided())
    assert mute.translate(TAGGED, EN, DE) == NotTranslated("echo@1: words that a tag marks are not in the answer")
    known = {"Your": "Ihre", "invoice": "Rechnung", "of": "über", "is due tomorrow.": "ist morgen fällig."}
    between = Translators(Catalogues({DE: known})).translate(TAGGED, EN, DE)
    assert between == Translation("Ihre <1>Rechnung</1> über <2>{{ total }}</2> ist morgen fällig.", DE, "catalogue")


def test_what_nothing_translates_is_never_sent_as_another_language_and_says_every_reason(
    portuguese: MachineTranslator,
) -> None:
    assert chain(portuguese).translate("Free beer for all!", EN, DE) == NotTranslated(
        "not in the de catalogue: Free beer for all!; fxtranslate@0.5.0 has no model from en to de"
    )


def test_zh_tw_is_never_given_simplified_chinese(tmp_path: Path) -> None:
    (tmp_path / "zh.po").write_text('msgid "Thank you."\nmsgstr "谢谢。"\n', encoding="utf-8")
    translators = Translators(read_catalogues(tmp_path))
    assert isinstance(translators.translate("Thank you.", EN, parse_tag("zh-TW")), NotTranslated)
    assert isinstance(translators.translate("Thank you.", EN, parse_tag("zh-CN")), Translation)


def test_an_engine_that_is_away_is_asked_again_later_unless_another_one_translates(
    portuguese: MachineTranslator,
) -> None:
    away = Failing(LanguageServiceUnavailable("away", retry_after=7))
    assert isinstance(chain(away, portuguese).translate("The office is closed today.", EN, BR), Translation)
    with pytest.raises(LanguageServiceUnavailable) as error:
        chain(away, portuguese).translate("The office is closed today.", EN, DE)
    assert error.value.retry_after == 7


def test_an_engine_that_refuses_our_key_makes_the_message_wait_for_a_person() -> None:
    answer = chain(Failing(LanguageServiceRefused("the key is wrong"))).translate("Free beer!", EN, DE)
    assert isinstance(answer, NotTranslated)
    assert "the key is wrong" in answer.reason
