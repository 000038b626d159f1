"""A text as it is read out: with a pause after each line, and without what nobody can note by ear."""

from __future__ import annotations

import re

from service.language import URL

_URL = re.compile(rf"[(<\[]?{URL}[)>\]]?")
_ENDS_WITH_A_PAUSE = re.compile(r"[.!?…:;,。！？؟।]$")
_LEFT_OVER = re.compile(r"(?<![\s:])[\s:]+([.,;!?])|:$")


def spoken(text: str) -> str:
    """The lines with a pause after each, without URLs: spelled out, one takes seven seconds, and nobody can note it.

    A text that is a URL and nothing else stays as it is.
    """
    lines = "\n".join(map(_without_urls, text.strip().splitlines())).strip().splitlines()
    sentences = "\n".join([*map(_with_pause, lines[:-1]), *lines[-1:]])
    return re.sub(r"\n{3,}", "\n\n", sentences) or text.strip()


def twice(text: str, limit: int) -> str:
    """The text twice, for somebody who was woken by it; once where twice is over `limit` characters."""
    again = f"{_with_pause(text)}\n\n{_with_pause(text)}"
    return again if len(again) <= limit else text


def _without_urls(line: str) -> str:
    if not _URL.search(line):
        return line.strip()
    text = _LEFT_OVER.sub(lambda mark: mark[1] or "", " ".join(_URL.sub(" ", line).split()))
    return text if any(map(str.isalnum, text)) else ""


def _with_pause(line: str) -> str:
    return line if not line or _ENDS_WITH_A_PAUSE.search(line) else f"{line}."
