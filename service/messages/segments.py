"""How many messages a carrier makes, and bills, of one SMS text.

GSM-7 (3GPP TS 23.038 §6.2.1): 160 septets in one message, 153 each in several; a character of the extension table takes
two, which stay together. Anything else goes as UCS-2: 70 UTF-16 code units in one message, 67 each in several; a
surrogate pair stays together. https://docs.aws.amazon.com/sms-voice/latest/userguide/sms-limitations-character.html
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENSION = frozenset("\f^{}\\[~]|€")
_OUTSIDE = re.compile(f"[^{re.escape(''.join(sorted(_BASIC | _EXTENSION)))}]")

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


def segments_of(text: str) -> Segments:
    """The messages that `text` becomes; an empty text is one empty message."""
    encoding = _encoding(text)
    units, limits = _units(text, encoding), _LIMITS[encoding]
    if units <= limits.alone:
        return Segments(encoding, units, (text,))
    return Segments(encoding, units, tuple(_split(text, encoding, limits.in_several)))


def surplus(text: str) -> int:
    """By how many units a text is longer than one message; 0 for one that fits."""
    encoding = _encoding(text)
    return max(0, _units(text, encoding) - _LIMITS[encoding].alone)


def not_in_gsm_7(text: str) -> frozenset[str]:
    """The characters that make a text cost UCS-2, for the author to replace."""
    return frozenset(text) - _BASIC - _EXTENSION


def is_gsm_7(text: str) -> bool:
    """Whether a text goes as GSM-7, 160 characters a message."""
    return _OUTSIDE.search(text) is None


def _encoding(text: str) -> Encoding:
    return Encoding.GSM_7 if is_gsm_7(text) else Encoding.UCS_2


def _units(text: str, encoding: Encoding) -> int:
    if encoding is Encoding.GSM_7:
        return len(text) + sum(map(text.count, _EXTENSION))
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def _split(text: str, encoding: Encoding, room: int) -> Iterable[str]:
    """Parts of at most `room` units: as many characters as units may fit, less one for each that takes two."""
    start = 0
    while start < len(text):
        end = start + room
        while _units(text[start:end], encoding) > room:
            end -= 1
        yield text[start:end]
        start = end
