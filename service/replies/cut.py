"""What stands in a text but was not written for us: quoted lines, quote headers and signatures."""

from __future__ import annotations

import re
from collections.abc import Iterable

from service.replies.atoms import fold

MAX_READ = 1600
"""Characters of a text that are looked at: the longest text of one SMS (SendTextMessage)."""

_WROTE = "wrote|schrieb|a ecrit|escribio|ha scritto|escreveu|schreef|skrev|kirjoitti|napsal|napisal|irta"
_ORIGINAL = "original message|ursprungliche nachricht|message d ?origine|mensaje original|messaggio originale"
_HEADER = re.compile(rf".{{1,120}}\b({_WROTE})\b.{{0,80}}:|-{{2,}} ?({_ORIGINAL}) ?-{{2,}}")
"""The line that mail programs and phones put before a quote."""


def without_quotes(text: str, signatures: Iterable[str] = ()) -> str:
    """The text without lines that begin with ">", without everything behind a quote header, without signatures."""
    lines = [line for line in text[:MAX_READ].splitlines() if not line.lstrip().startswith(">")]
    header = next((n for n, line in enumerate(lines) if _HEADER.fullmatch(fold(line).strip())), len(lines))
    kept = lines[:header]
    folded = [fold(signature) for signature in signatures]
    while kept and (not kept[-1].strip() or any(fold(kept[-1]).strip(" -–—").startswith(each) for each in folded)):
        kept.pop()
    return "\n".join(kept)
