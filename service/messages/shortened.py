"""The beginning of a text, where there is no room for the whole of it."""

from __future__ import annotations

DOTS = "..."
"""Three dots, not an ellipsis: that one is not in GSM-7."""


def shorten(text: str, room: int) -> str:
    """The text on one line in `room` characters at most: it ends at a word with three dots where it is longer."""
    line = " ".join(text.split())
    if len(line) <= room:
        return line
    cut = line[: max(0, room - len(DOTS)) + 1]
    kept = cut.rpartition(" ")[0] if " " in cut else cut[:-1]
    return kept.rstrip(" ,;:.-") + DOTS
