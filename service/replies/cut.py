"""What stands in a text but was not written for us: quoted lines, quote headers and signatures."""

from __future__ import annotations

import re
from collections.abc import Iterable

from service.replies.atoms import fold

MAX_CUT = 3200
"""Characters of a text that are searched for quotes."""

_WROTE = "wrote|schrieb|a ecrit|escribio|ha scritto|escreveu|schreef|skrev|kirjoitti|napsal|napisal|irta"
_ORIGINAL = "original message|ursprungliche nachricht|message d ?origine|mensaje original|messaggio originale"
_HEADER = re.compile(rf".{{1,120}}\b({_WROTE})\b.{{0,80}}:|-{{2,}} ?({_ORIGINAL}) ?-{{2,}}")
"""The line that mail programs and phones put before a quote."""


def without_quotes(text: str, signatures: Iterable[str] = ()) -> str:
    """The text without lines that begin with ">", without everything behind a quote header, without last lines that
    begin with one of the folded `signatures`."""
    lines = [line for line in text[:MAX_CUT].splitlines() if not line.lstrip().startswith(">")]
    header = next((n for n, line in enumerate(lines) if _is_header(line)), len(lines))
    kept = lines[:header]
    beginnings = tuple(signatures)
    while kept and (not kept[-1].strip() or fold(kept[-1]).strip(" -–—").startswith(beginnings)):
        kept.pop()
    return "\n".join(kept)


def _is_header(line: str) -> bool:
    """Whether a quote begins below; the end of the line is looked at first, since hardly any reply holds a header."""
    return line.rstrip().endswith((":", "-")) and _HEADER.fullmatch(fold(line).strip()) is not None
