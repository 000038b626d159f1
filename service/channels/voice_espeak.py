"""Speech in the languages that Pico lacks: eSpeak NG, an optional extra (`pip install tocsin[voices]`).

The wheel of `espeakng-loader` holds the library and its data. eSpeak NG is under the GNU GPL, version 3 or later, so
nothing of it comes with Tocsin itself, and it speaks in a short-lived process of its own. Its voices are synthetic:
plainly machines, and understood.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec

from service.channels.mp3 import encoded
from service.channels.voice import MAX_SPOKEN, Audio, NoVoice, Speech, SpeechFailed
from service.core import Tag

VOICES: Mapping[str, str] = {
    **{language: language for language in ("ar", "cs", "da", "de", "el", "es", "fi", "fr", "hi", "hu", "it", "ko")},
    **{language: language for language in ("nb", "nl", "pl", "ro", "ru", "sv", "tr", "uk")},
    "en": "en-us",
    "en-GB": "en-gb",
    "no": "nb",
    "pt": "pt-br",
    "pt-PT": "pt",
    "zh": "cmn",
}
"""eSpeak NG's voice of a language or locale. Japanese is left out: its Chinese characters come out stretched."""

SAMPLES_PER_SECOND = 22_050
BYTES_PER_SAMPLE = 2
SHORTEST_SECONDS = 0.05

_NOT_THIS_VOICE = 3
"""Status of the process when the library does not take the voice: it would go on in the voice before."""

_SPEAK = f"""
import ctypes, espeakng_loader, sys
library = ctypes.CDLL(espeakng_loader.get_library_path())
take = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)
samples = []
@take
def keep(wave, count, events):
    if wave and count > 0:
        samples.append(ctypes.string_at(wave, count * {BYTES_PER_SAMPLE}))
    return 0
rate = library.espeak_Initialize(2, 0, espeakng_loader.get_data_path().encode(), 0)
if rate != {SAMPLES_PER_SECOND} or library.espeak_SetVoiceByName(sys.argv[1].encode()):
    sys.exit({_NOT_THIS_VOICE})
library.espeak_SetSynthCallback(keep)
library.espeak_SetParameter(1, 150, 0)
text = sys.stdin.buffer.read()
library.espeak_Synth(text, len(text) + 1, 0, 1, 0, 1, None, None)
library.espeak_Synchronize()
sys.stdout.buffer.write(b"".join(samples))
"""
"""150 words a minute; flag 1: the text is UTF-8, and is no SSML, so that nothing in it steers the voice."""


def is_installed() -> bool:
    """Whether the extra is there."""
    return find_spec("espeakng_loader") is not None


def voice_for(locale: Tag) -> str | None:
    """eSpeak NG's voice of a locale, else of its language; None where nobody speaks it."""
    return VOICES.get(f"{locale.language}-{locale.region}") or VOICES.get(locale.language)


@dataclass(frozen=True, slots=True)
class EspeakSpeech:
    """`Speech` by eSpeak NG: some milliseconds a sentence. Synthesis is killed after `timeout` seconds."""

    timeout: float = 20.0

    def speaks(self, locale: Tag, /) -> bool:
        """Whether there is a voice for a locale."""
        return voice_for(locale) is not None

    def speak(self, text: str, voice: Tag, /) -> Audio:
        """Speak up to 3,000 characters of plain text; markup is not interpreted."""
        if len(text) > MAX_SPOKEN:
            raise SpeechFailed(f"the text has {len(text):,} characters and a voice message may have {MAX_SPOKEN:,}")
        name = voice_for(voice)
        if name is None:
            raise NoVoice(f"no voice speaks {voice}: send this recipient an SMS or email instead")
        samples = self._samples(text.replace("\0", " "), name)
        seconds = len(samples) / (SAMPLES_PER_SECOND * BYTES_PER_SAMPLE)
        if seconds < SHORTEST_SECONDS:
            raise SpeechFailed(f"the voice for {voice} can speak nothing of this text: is it in another script?")
        return Audio(encoded(samples, SAMPLES_PER_SECOND), seconds)

    def _samples(self, text: str, voice: str) -> bytes:
        try:
            done = subprocess.run(  # noqa: S603 - our own interpreter; the text goes to its standard input
                [sys.executable, "-I", "-c", _SPEAK, voice],
                input=text.encode(errors="replace"),
                capture_output=True,
                timeout=self.timeout,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise SpeechFailed(f"synthesis took longer than {self.timeout:g} s and was stopped") from None
        if done.returncode == _NOT_THIS_VOICE:
            raise NoVoice(f"eSpeak NG has no voice {voice}: install the extra `voices` anew")
        if done.returncode != 0:
            last = done.stderr.decode(errors="replace").strip().rpartition("\n")[2]
            raise SpeechFailed(f"synthesis ended with status {done.returncode}: {last or 'no message'}")
        return done.stdout


@dataclass(frozen=True, slots=True)
class FirstThatSpeaks:
    """`Speech` by the first of several that has a voice for the locale."""

    speeches: tuple[Speech, ...]

    def speaks(self, locale: Tag, /) -> bool:
        """Whether any has a voice for a locale."""
        return any(speech.speaks(locale) for speech in self.speeches)

    def speak(self, text: str, voice: Tag, /) -> Audio:
        """As the first with a voice for the locale; `NoVoice` of the first where there is none."""
        chosen = next((speech for speech in self.speeches if speech.speaks(voice)), self.speeches[0])
        return chosen.speak(text, voice)
