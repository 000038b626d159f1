"""Speech without a network: SVOX Pico voices (`py-nanotts`), encoded to MP3 by LAME.

Pico keeps state between voices and mixes them up under threads, so every text is spoken by a short-lived process of its
own, which reads it from standard input: a command line can be read by every user of the machine.
"""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass

from babel.core import get_global

from service.channels.mp3 import encoded
from service.channels.voice import MAX_SPOKEN, Audio, NoVoice, SpeechFailed
from service.core import Tag, serves

VOICES = tuple(
    Tag(language, region=region)
    for language, region in (("en", "US"), ("en", "GB"), ("de", "DE"), ("fr", "FR"), ("es", "ES"), ("it", "IT"))
)
SAMPLES_PER_SECOND = 16_000
BYTES_PER_SAMPLE = 2
SHORTEST_SECONDS = 0.05
"""Text that Pico cannot speak comes out as no samples, or as a click."""

_SPEAK = (
    "import sys, py_nanotts; sys.stdout.buffer.write(py_nanotts.NanoTTS().speak(sys.stdin.read(), voice=sys.argv[1]))"
)
_MARKUP = str.maketrans("<>\0", "   ")
"""Pico obeys `<speed level="…">` and the like inside a text; C would end the text at a NUL."""


@dataclass(frozen=True, slots=True)
class NanoSpeech:
    """`Speech` by py-nanotts: about 0.1 s for ten seconds of speech. Synthesis is killed after `timeout` seconds.

    The longest text takes 4 s of a core of its own. A lease of any lane lasts longer than the timeout.
    """

    timeout: float = 20.0

    def speaks(self, locale: Tag, /) -> bool:
        """Whether there is a voice for a locale."""
        return any(serves(voice, locale) for voice in VOICES)

    def speak(self, text: str, voice: Tag, /) -> Audio:
        """Speak up to 3,000 characters of plain text; markup is not interpreted."""
        if len(text) > MAX_SPOKEN:
            raise SpeechFailed(f"the text has {len(text):,} characters and a voice message may have {MAX_SPOKEN:,}")
        samples = self._samples(text.translate(_MARKUP), voice_for(voice))
        seconds = len(samples) / (SAMPLES_PER_SECOND * BYTES_PER_SAMPLE)
        if seconds < SHORTEST_SECONDS:
            raise SpeechFailed(f"the voice for {voice} can speak nothing of this text: is it in another script?")
        return Audio(encoded(samples, SAMPLES_PER_SECOND), seconds)

    def _samples(self, text: str, voice: Tag) -> bytes:
        command = [sys.executable, "-I", "-c", _SPEAK, str(voice)]
        try:
            done = subprocess.run(  # noqa: S603 - our own interpreter; the text goes to its standard input
                command, input=text.encode(errors="replace"), capture_output=True, timeout=self.timeout, check=False
            )
        except subprocess.TimeoutExpired:
            raise SpeechFailed(f"synthesis took longer than {self.timeout:g} s and was stopped") from None
        if done.returncode != 0:
            last = done.stderr.decode(errors="replace").strip().rpartition("\n")[2]
            raise SpeechFailed(f"synthesis ended with status {done.returncode}: {last or 'no message'}")
        return done.stdout


def voice_for(locale: Tag) -> Tag:
    """The voice that speaks a locale: its own, else one of its language (`es-MX` → `es-ES`, `en-AU` → `en-GB`).

    `NoVoice` where there is none: German is never read out by an English voice.
    """
    if locale in VOICES:
        return locale
    speaking = [voice for voice in VOICES if serves(voice, locale)]
    if not speaking:
        names = ", ".join(map(str, VOICES))
        raise NoVoice(f"no voice speaks {locale} (there are {names}): send this recipient an SMS or email instead")
    closest = [voice for voice in speaking if _family(voice) == _family(locale)]
    return (closest or speaking)[0]


def _family(locale: Tag) -> str:
    """British or American English, by CLDR's parent locales; every other language is one family."""
    parent = get_global("parent_exceptions").get(f"{locale.language}_{locale.region}", locale.language)
    return str(parent) if locale.language == "en" else locale.language
