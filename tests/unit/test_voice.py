"""Speech: a text is read in its own language, audibly, or refused with the reason."""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from xml.etree import ElementTree as ET

import boto3
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.aws.clients import Clients
from service.aws.limits import choices_of
from service.channels import voice_espeak
from service.channels.voice import MAX_SSML_CHARACTERS, POLLY_VOICES, NoVoice, SpeechFailed, polly_voice, ssml
from service.channels.voice_nanotts import VOICES, NanoSpeech, voice_for
from service.core.language_tags import Tag, parse_tag

FRENCH = "La société ajoute un nouvel article au menu, qui sera disponible au plus tard le 10 mai."
BITRATES = (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)
"""Kilobits a second by index, MPEG-2 Layer III (ISO/IEC 13818-3 table)."""


def frames(mp3: bytes) -> Iterator[int]:
    """Bit rates of the frames of an MPEG-2 Layer III stream at 16 kHz, read header by header to its end."""
    at = 0
    while at < len(mp3):
        header = int.from_bytes(mp3[at : at + 4], "big")
        assert header >> 21 == 0x7FF, f"no frame at byte {at}"
        assert (header >> 19 & 3, header >> 17 & 3, header >> 10 & 3) == (2, 1, 2), "MPEG-2, Layer III, 16 kHz"
        rate = BITRATES[header >> 12 & 15]
        yield rate
        at += 72 * rate * 1000 // 16_000 + (header >> 9 & 1)


@pytest.mark.parametrize("voice", VOICES, ids=str)
def test_every_voice_speaks_and_gives_a_whole_mp3(voice: Tag) -> None:
    audio = NanoSpeech().speak("Menu 10. Radio. Information 2026.", voice)
    spoken = len(list(frames(audio.mp3))) * 576 / 16_000
    assert audio.seconds > 1
    assert spoken == pytest.approx(audio.seconds, abs=0.2)


@pytest.mark.parametrize(
    ("locale", "voice"),
    [
        ("fr-FR", "fr-FR"),
        ("es-MX", "es-ES"),
        ("fr-CA", "fr-FR"),
        ("de", "de-DE"),
        ("de-AT", "de-DE"),
        ("en", "en-US"),
        ("en-AU", "en-GB"),
        ("en-CA", "en-US"),
        ("it-CH", "it-IT"),
    ],
)
def test_a_locale_without_its_own_voice_is_given_its_language_s(locale: str, voice: str) -> None:
    assert str(voice_for(parse_tag(locale))) == voice


@pytest.mark.parametrize("locale", ["pt-BR", "pl", "zh-TW", "nl-NL", "ca-ES"])
def test_a_language_that_no_voice_speaks_is_refused(locale: str) -> None:
    with pytest.raises(NoVoice, match=locale):
        NanoSpeech().speak("Hello", parse_tag(locale))


@pytest.mark.parametrize("text", ["", "   \n", "你好", "\0"])
def test_text_that_comes_out_silent_is_a_failure(text: str) -> None:
    with pytest.raises(SpeechFailed, match="nothing of this text"):
        NanoSpeech().speak(text, parse_tag("en-US"))


def test_the_text_is_spoken_alike_alone_and_beside_other_voices() -> None:
    speech = NanoSpeech()
    jobs = [(FRENCH, parse_tag("fr-FR")), ("Das Büro ist am Montag geschlossen.", parse_tag("de-DE"))] * 3
    alone = [speech.speak(*job).mp3 for job in jobs[:2]] * 3
    with ThreadPoolExecutor(4) as pool:
        assert [audio.mp3 for audio in pool.map(lambda job: speech.speak(*job), jobs)] == alone


def test_markup_in_a_text_does_not_steer_the_voice() -> None:
    plain = NanoSpeech().speak('Hello  speed level="500"  my dear friends, good morning', parse_tag("en-US"))
    marked = NanoSpeech().speak('Hello <speed level="500"> my dear friends, good morning', parse_tag("en-US"))
    assert marked.seconds == plain.seconds


def test_3000_characters_are_the_most() -> None:
    with pytest.raises(SpeechFailed, match="3,001"):
        NanoSpeech().speak("a" * 3_001, parse_tag("en-US"))


def test_a_synthesis_that_hangs_is_stopped() -> None:
    with pytest.raises(SpeechFailed, match="stopped"):
        NanoSpeech(timeout=0.001).speak(FRENCH, parse_tag("fr-FR"))


@given(st.text(st.characters(codec="utf-8"), max_size=300))
def test_ssml_speaks_every_word_of_a_text_and_obeys_none(text: str) -> None:
    root = ET.fromstring(ssml(text))
    assert root.tag == "speak"
    assert {element.tag for element in root} <= {"p"}
    spoken = " ".join(root.itertext())
    assert spoken.split() == re.sub("[\x00-\x1f\ufffe\uffff]", " ", text).split()


def test_ssml_makes_paragraphs_of_blank_lines_and_keeps_markup_as_words() -> None:
    assert ssml("Tom & <b>Jerry</b>\nsaid\n\n]]> so\x07") == (
        "<speak><p>Tom &amp; &lt;b&gt;Jerry&lt;/b&gt; said</p><p>]]&gt; so</p></speak>"
    )


def test_ssml_over_the_provider_s_limit_is_refused_with_both_figures() -> None:
    assert len(ssml("a" * (MAX_SSML_CHARACTERS - 22))) == MAX_SSML_CHARACTERS
    with pytest.raises(SpeechFailed, match="6,001"):
        ssml("a" * (MAX_SSML_CHARACTERS - 21))


def test_every_polly_voice_is_one_that_a_call_can_have() -> None:
    clients = Clients(boto3.Session(region_name="eu-central-1"))
    known = choices_of(clients.get("pinpoint-sms-voice-v2"), "SendVoiceMessage", "VoiceId")
    assert set(POLLY_VOICES.values()) <= set(known)


@pytest.mark.parametrize(("locale", "voice"), [("sv-SE", "ASTRID"), ("zh", "ZHIYU"), ("zh-HK", None), ("fi", None)])
def test_a_language_that_polly_lacks_has_no_voice(locale: str, voice: str | None) -> None:
    assert polly_voice(parse_tag(locale)) == voice


espeak = pytest.mark.skipif(not voice_espeak.is_installed(), reason="the extra `voices` is not installed")

SENTENCES = {
    "pt-BR": "Incidente 41: a bomba parou.",
    "nl": "Incident 41: de pomp staat stil.",
    "pl": "Incydent 41: pompa stoi.",
    "sv": "Incident 41: pumpen står.",
    "da": "Hændelse 41: pumpen står stille.",
    "nb": "Hendelse 41: pumpen står.",
    "fi": "Häiriö 41: pumppu on pysähtynyt.",
    "cs": "Incident 41: čerpadlo stojí.",
    "hu": "41-es incidens: a szivattyú leállt.",
    "ro": "Incident 41: pompa s-a oprit.",
    "tr": "Olay 41: pompa durdu.",
    "el": "Συμβάν 41: η αντλία σταμάτησε.",
    "ru": "Инцидент 41: насос остановлен.",
    "uk": "Інцидент 41: насос зупинився.",
    "zh": "事件41：水泵停止了。",
    "ko": "사건 41: 펌프가 멈췄습니다.",
    "ar": "الحادث 41: توقفت المضخة.",
    "hi": "घटना 41: पंप बंद हो गया है।",
}


@espeak
@pytest.mark.parametrize("locale", sorted(SENTENCES))
def test_espeak_speaks_what_pico_cannot(locale: str) -> None:
    speech = voice_espeak.FirstThatSpeaks((NanoSpeech(), voice_espeak.EspeakSpeech()))
    tag = parse_tag(locale)
    assert not NanoSpeech().speaks(tag)
    assert speech.speaks(tag)
    assert speech.speak(SENTENCES[locale], tag).seconds > 1


@espeak
def test_pico_goes_first_where_both_speak_and_nobody_speaks_japanese() -> None:
    speech = voice_espeak.FirstThatSpeaks((NanoSpeech(), voice_espeak.EspeakSpeech()))
    german = parse_tag("de")
    assert speech.speak("Guten Morgen.", german) == NanoSpeech().speak("Guten Morgen.", german)
    assert not speech.speaks(parse_tag("ja"))
    with pytest.raises(NoVoice, match="ja"):
        speech.speak("停止しました。", parse_tag("ja"))


@espeak
def test_markup_does_not_steer_espeak_either() -> None:
    speech, english = voice_espeak.EspeakSpeech(), parse_tag("en")
    marked = speech.speak('Hello <break time="20s"/> my dear friends', english)
    assert marked.seconds < 10
