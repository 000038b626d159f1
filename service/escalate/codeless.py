"""What a text says to a reader without a phone, who has no code: what it is about, and nothing to type."""

from __future__ import annotations

import re

_CODE, _ABOUT = "{{ code }}", "{{ about }}"
_SENTENCE = re.compile(r"(?<=[.?!]) ")
_BESIDE = re.compile(r" \(\{\{ about \}\}\)|; \{\{ about \}\}(?=\))")
"""What an incident is about, as it stands beside its code: "41 (Disk full)"."""


def without_code(text: str) -> str:
    """The text of a template or of its translation, its slots still open.

    Where a sentence says the code and what it is about, only that is left; a sentence that only tells what to type with
    the code goes. A text of nothing else stays as it is.
    """
    lines = (" ".join(filter(None, map(_said, _SENTENCE.split(line)))) for line in text.split("\n"))
    return "\n".join(filter(None, lines)) or text


def _said(sentence: str) -> str:
    if _CODE not in sentence:
        return sentence
    if _ABOUT not in sentence:
        return sentence if "{{ description }}" in sentence else ""
    shorter = sentence.replace(f"({_CODE}, {_ABOUT})", f"({_ABOUT})").replace(f" ({_CODE})", "")
    return _BESIDE.sub("", shorter).replace(_CODE, _ABOUT) if _CODE in shorter else shorter
