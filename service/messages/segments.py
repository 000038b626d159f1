"""How many messages a carrier makes, and bills, of one SMS text.

GSM-7 (3GPP TS 23.038 §6.2.1): 160 septets in one message, 153 each in several; a character of the extension table takes
two, which stay together. Anything else goes as UCS-2: 70 UTF-16 code units in one message, 67 each in several; a
surrogate pair stays together. https://docs.aws.amazon.com/sms-voice/latest/userguide/sms-limitations-character.html
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENSION = frozenset("\f^{}\\[~]|€")

MAX_SEGMENTS = 255
"""What one concatenated message can be numbered up to (3GPP TS 23.040 §9.2.3.24.1)."""


class Encoding(StrEnum):
    """How a text is sent."""

    GSM_7 = "GSM-7"
    UCS_2 = "UCS-2"


@dataclass(frozen=True, slots=True)
class _Limits:
    alone: int
    in_several: int


_LIMITS = {Encoding.GSM_7: _Limits(160, 153), Encoding.UCS_2: _Limits(70, 67)}


@dataclass(frozen=True, slots=True)
class Segments:
    """An SMS text as the carrier sees it; `units` are septets (GSM-7) or UTF-16 code units (UCS-2)."""

    encoding: Encoding
    units: int
    parts: tuple[str, ...]

    @property
    def count(self) -> int:
        """How many messages are billed."""
        return len(self.parts)


def segments(text: str) -> Segments:
    """The messages that `text` becomes; an empty text is one empty message."""
    encoding = _encoding(text)
    widths = [_width(character, encoding) for character in text]
    limits = _LIMITS[encoding]
    if sum(widths) <= limits.alone:
        return Segments(encoding, sum(widths), (text,))
    return Segments(encoding, sum(widths), tuple(_split(zip(text, widths, strict=True), limits.in_several)))


def not_in_gsm_7(text: str) -> frozenset[str]:
    """The characters that make a text cost UCS-2, for the author to replace."""
    return frozenset(text) - _BASIC - _EXTENSION


def _encoding(text: str) -> Encoding:
    return Encoding.UCS_2 if not_in_gsm_7(text) else Encoding.GSM_7


def _width(character: str, encoding: Encoding) -> int:
    if encoding is Encoding.GSM_7:
        return 2 if character in _EXTENSION else 1
    return 2 if ord(character) > 0xFFFF else 1


def _split(characters: Iterable[tuple[str, int]], room: int) -> Iterable[str]:
    part, used = "", 0
    for character, width in characters:
        if used + width > room:
            yield part
            part, used = "", 0
        part, used = part + character, used + width
    yield part
