"""What stands in a text but was not written for us: quoted lines, quote headers and signatures, of SMS and of mail."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from service.core import fold

MAX_CUT = 3200
"""Characters of a text that are searched for quotes."""

_WROTE = (
    "wrote|schrieb|ecrit|escribio|ha scritto|escreveu|schreef|skrev|kirjoitti|napsal|napsala|napisal|napisala|irta|"
    "a scris|yazdi|menulis|da viet|написал|написала|пишет|пише|написав|εγραψε|كتب|כתב|כתבה|เขียนว่า|लिखा|লিখেছেন|"
    "写道|寫道|님이 작성|のメール|書きました"
)
_ORIGINAL = (
    "original message|ursprungliche nachricht|message d ?origine|mensaje original|messaggio originale|"
    "oorspronkelijk bericht|ursprungligt meddelande|oprindelig meddelelse|opprinnelig melding|mensagem original|"
    "wiadomosc oryginalna|puvodni zprava|eredeti uzenet|исходное сообщение|forwarded message"
)


def _folded(words: str) -> str:
    return "|".join(fold(word) for word in words.split("|"))


_HEADER = re.compile(rf".{{0,120}}({_folded(_WROTE)}).{{0,80}}:|-{{2,}} ?({_ORIGINAL}) ?-{{2,}}")
"""The line that mail programs and phones put before a quote."""

_AUTHOR = re.compile(r".{0,160}<[^<>\s]{1,120}@[^<>\s]{1,120}>.{0,40}:")
"""The same in any language, where it names an address: "пн, 30 нояб. 2026 г. в 14:02, Ann <ann@example.com>:"."""

_FIELD = re.compile(r"[\s*]{0,4}[^\W\d_][\w .'’-]{0,24}\*?\s?[:：]\*?\s?\S")
"""`From: Ann`, `**Gesendet:** Montag`: a line of the head that Outlook puts before a quote."""

_LINE = re.compile(r"\s*(?:_{10,}|-{10,})\s*")
_HAS_TIME = re.compile(r"\d{4}|\d[:.]\d\d")
_ENDS = (":", "-", "：")


def without_quotes(text: str, signatures: Iterable[str] = ()) -> str:
    """The text without lines that begin with ">", without everything behind a quote header or a line "-- ", without
    last lines that begin with one of the folded `signatures`."""
    lines = [line for line in text[:MAX_CUT].splitlines() if not line.lstrip().startswith((">", "＞"))]
    kept = lines[: _quoted_from(lines)]
    beginnings = tuple(signatures)
    while kept and (not kept[-1].strip() or fold(kept[-1]).strip(" -–—").startswith(beginnings)):
        kept.pop()
    return "\n".join(kept)


def _quoted_from(lines: Sequence[str]) -> int:
    """The number of the first line that belongs to a quote or a signature; the number of lines if none does."""
    for number, line in enumerate(lines):
        if line.rstrip() == "--" or _is_head(lines[number : number + 4]):
            return number
        if _LINE.fullmatch(line) and _is_head(lines[number + 1 : number + 5]):
            return number
        if _is_header(line):
            return number - 1 if number and _is_rest(line) and _HAS_TIME.search(lines[number - 1]) else number
    return len(lines)


def _is_header(line: str) -> bool:
    """Whether a quote begins below; the end of the line is looked at first, since hardly any reply holds a header."""
    if not line.rstrip().endswith(_ENDS):
        return False
    shown = line.strip().replace("：", ":")
    return _AUTHOR.fullmatch(shown) is not None or _HEADER.fullmatch(fold(shown)) is not None


def _is_rest(line: str) -> bool:
    """Whether a header is the second half of one: "<ann@example.com> wrote:" below the date, or "wrote:" alone."""
    return line.lstrip().startswith("<") or not _HAS_TIME.search(line)


def _is_head(lines: Sequence[str]) -> bool:
    """Whether these lines are the fields that Outlook quotes: from whom, when, to whom, about what."""
    fields = [line for line in lines if _FIELD.match(line)]
    return len(fields) >= 3 and lines[0] is fields[0] and any("@" in line for line in fields)
